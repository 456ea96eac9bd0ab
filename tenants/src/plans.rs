//! Plans as files: those that the binary carries, and the operator's own, which add to and replace them.

use std::path::Path;

use rust_embed::RustEmbed;
use sunlit_domain::id::PlanId;
use sunlit_domain::plan::{NoDefaultPlan, Plan, Plans};
use sunlit_domain::toml_source::SourceErrors;

#[derive(RustEmbed)]
#[folder = "plans"]
struct Carried;

/// Why there are no plans.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}: mend `plans`, or take it away")]
    File {
        /// Which file or folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file is malformed.
    #[error(transparent)]
    Source(#[from] SourceErrors),
    /// The default plan is none of them.
    #[error(transparent)]
    Default(#[from] NoDefaultPlan),
}

/// The plans that the binary carries, and those of a folder; `default` names the one of tenants that were given none.
///
/// # Errors
/// [`PlansError`].
pub fn plans(folder: Option<&Path>, default: &PlanId) -> Result<Plans, PlansError> {
    let mut all = Vec::new();
    for name in Carried::iter() {
        let file = Carried::get(&name).map(|file| file.data.into_owned()).unwrap_or_default();
        all.push(Plan::parse(&name, &String::from_utf8_lossy(&file))?);
    }
    if let Some(folder) = folder {
        all.extend(of_folder(folder)?);
    }
    Ok(Plans::new(all, default)?)
}

fn of_folder(folder: &Path) -> Result<Vec<Plan>, PlansError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| PlansError::File { path, source }
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        paths.push(entry.map_err(failed(folder))?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut plans = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
        plans.push(Plan::parse(&path.display().to_string(), &text)?);
    }
    Ok(plans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> PlanId {
        text.parse().unwrap()
    }

    #[test]
    fn every_carried_plan_is_sound_and_the_standard_one_is_not_offered() {
        let plans = plans(None, &PlanId::standard()).unwrap();
        let offered: Vec<&str> = plans.offered().map(|plan| plan.id.as_str()).collect();
        assert_eq!(offered, ["city", "district", "trial"]);
        assert_eq!(plans.default_plan().quotas, sunlit_domain::plan::Quotas::default());
        for plan in plans.all() {
            assert!(plan.limits.cost_burst >= plan.limits.cost_per_second, "{}", plan.id);
            assert!(plan.name.en.is_some() && plan.summary.en.is_some(), "{}", plan.id);
        }
    }

    #[test]
    fn the_operators_own_plans_add_to_the_carried_ones_and_replace_them() {
        let folder = tempfile::tempdir().unwrap();
        let carried = |name: &str| String::from_utf8(Carried::get(name).unwrap().data.into_owned()).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("a.toml", &carried("trial.toml").replace("accounts = 10", "accounts = 2"));
        write("b.toml", &carried("trial.toml").replace("id = \"trial\"", "id = \"own\""));
        write("notes.txt", "no plan");
        let plans = plans(Some(folder.path()), &id("own")).unwrap();
        assert_eq!(plans.get(&id("trial")).unwrap().quotas.accounts, Some(2));
        assert_eq!(plans.default_plan().id, id("own"));
        assert!(super::plans(None, &id("own")).unwrap_err().to_string().contains("`own`"));
        write("c.toml", "id = 7");
        assert!(super::plans(Some(folder.path()), &id("own")).unwrap_err().to_string().contains("c.toml:1"));
        assert!(super::plans(Some(&folder.path().join("gone")), &id("own")).is_err());
    }
}
