//! Street name-cards: streets and their service points.
//!
//! Collections, access and pages are declared in `plugin.toml`; here is only what has to be computed. It knows nothing of
//! tenants: whoever asks sees the service points that the declared access lets them see. The one action runs with the
//! package's rights, because the public may hand corrections in but neither read nor write them.

mod geo;
mod nearby_service_points;
mod report_error;
mod walkable;
mod walking;

use sunlit_plugin_sdk::plugin;

use nearby_service_points::nearby_service_points;
use report_error::report_error;
use walkable::walkable;

plugin! {
    query walkable => walkable,
    computed street.nearby_service_points => nearby_service_points,
    actions: { report_error => report_error },
}
