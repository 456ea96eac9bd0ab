//! Sets something of the platform for a tenant.

use serde_json::Value as Json;
use sunlit_domain::Scope;
use sunlit_domain::core_setting::{CoreSetting, PACKAGE};
use sunlit_storage::tenant::setting;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::{only_administrators, trail};
use crate::{App, AppError};

/// Sets `name` to `value`.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] for anybody but an administrator, [`AppError::Argument`] for a
/// name or value that is not acceptable.
pub async fn run(app: &App, scope: &Scope, name: &str, value: &Json) -> Result<(), AppError> {
    only_administrators(scope)?;
    let refuse = |error: sunlit_domain::core_setting::CoreSettingError| AppError::Argument(error.to_string());
    let known = CoreSetting::named(name).map_err(refuse)?;
    known.check(value).map_err(refuse)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    setting::put(scope, &work, PACKAGE, known.name(), &value.to_string()).await?;
    trail::of_change(app, scope, &work, ("set", "setting", known.name()), at).await?;
    commit(app, scope, work, None).await?;
    app.packages_changed().await;
    Ok(())
}
