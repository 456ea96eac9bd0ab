//! Plans: how much a tenant gets of everything, how fast, and which features. An operator writes them as files.

mod quota;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

pub use quota::{Quota, Quotas};

use crate::LocalText;
use crate::id::{PackageId, PlanId};
use crate::toml_source::{SourceErrors, SourceProblem, TomlSource};

/// What a quota may be at most: every JSON reader holds it exactly.
const MAX_QUOTA: u64 = 1 << 53;
/// What a limit may be at most.
const MAX_LIMIT: u32 = 1_000_000_000;
/// Packages that a plan enables.
const MAX_PACKAGES: usize = 60;

/// What a query may cost at most. Every caller of every plan may ask it at once.
pub const MAX_QUERY_COST: u32 = 10_000;

/// How fast a tenant is answered. Cost is that of a query (the sum of its fields, with lists by their lengths); what is not asked
/// over GraphQL has a cost of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Cost that the tenant regains in a second.
    pub cost_per_second: u32,
    /// Cost that it may spend at once after a rest.
    pub cost_burst: u32,
    /// Cost that each caller regains in a second: an account, a key, or an address that has not signed in.
    pub caller_cost_per_second: u32,
    /// Cost that each caller may spend at once after a rest.
    pub caller_cost_burst: u32,
    /// Requests of the tenant that a node answers at the same time; more wait their turn.
    pub requests_at_once: u32,
}

impl Limits {
    fn named(&self) -> [(&'static str, u32); 5] {
        [
            ("cost_per_second", self.cost_per_second),
            ("cost_burst", self.cost_burst),
            ("caller_cost_per_second", self.caller_cost_per_second),
            ("caller_cost_burst", self.caller_cost_burst),
            ("requests_at_once", self.requests_at_once),
        ]
    }
}

/// What a tenant may set up, or not, by its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// A host name of its own.
    HostName,
    /// A provider of identities that signs people in.
    IdentityProvider,
    /// Keys for programs.
    ApiKeys,
}

impl Feature {
    /// As it is configured.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HostName => "host_name",
            Self::IdentityProvider => "identity_provider",
            Self::ApiKeys => "api_keys",
        }
    }

    /// The key of what people call it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::HostName => "feature.host_name",
            Self::IdentityProvider => "feature.identity_provider",
            Self::ApiKeys => "feature.api_keys",
        }
    }
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// What people call it.
    pub name: LocalText,
    /// A sentence about whom it is for.
    pub summary: LocalText,
    /// Whether those who subscribe by themselves may choose it.
    #[serde(default)]
    pub offered: bool,
    /// What is enabled when somebody subscribes. A package gets the capabilities that it needs: whoever writes the plan vouches for it.
    #[serde(default)]
    pub packages: Vec<PackageId>,
    /// What a tenant may set up.
    #[serde(default)]
    pub features: BTreeSet<Feature>,
    /// How much it gives.
    #[serde(default)]
    pub quotas: Quotas,
    /// How fast it answers.
    pub limits: Limits,
}

impl Plan {
    /// Reads a plan; `file` is only named in errors.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, SourceErrors> {
        let source = TomlSource::new(file, text);
        let plan: Self = source.read()?;
        let problems = plan.problems();
        if problems.is_empty() { Ok(plan) } else { Err(source.errors(problems)) }
    }

    fn problems(&self) -> Vec<SourceProblem> {
        let mut problems = Vec::new();
        let mut wrong = |path: String, message: String| problems.push(SourceProblem { path, message });
        for (path, text) in [("name", &self.name), ("summary", &self.summary)] {
            if text.zh.trim().is_empty() {
                wrong(path.to_owned(), "write it in Chinese: { zh = \"…\" }".to_owned());
            }
        }
        for quota in Quota::ALL {
            if self.quotas.of(quota).is_some_and(|most| !(1..=MAX_QUOTA).contains(&most)) {
                let message = format!("choose 1 to {MAX_QUOTA}, or leave it out for no bound");
                wrong(format!("quotas.{}", quota.name()), message);
            }
        }
        for (name, limit) in self.limits.named() {
            if !(1..=MAX_LIMIT).contains(&limit) {
                wrong(format!("limits.{name}"), format!("choose 1 to {MAX_LIMIT}"));
            } else if name.ends_with("_burst") && limit < MAX_QUERY_COST {
                let message =
                    format!("choose {MAX_QUERY_COST} or more: a query that costs so much would never be answered");
                wrong(format!("limits.{name}"), message);
            }
        }
        let distinct: BTreeSet<_> = self.packages.iter().collect();
        if distinct.len() != self.packages.len() || self.packages.len() > MAX_PACKAGES {
            wrong("packages".to_owned(), format!("name at most {MAX_PACKAGES} packages, each once"));
        }
        if self.quotas.packages.is_some_and(|most| (distinct.len() as u64) > most) {
            wrong("packages".to_owned(), "the plan enables more packages than its quota gives".to_owned());
        }
        problems
    }
}

/// Which plan a tenant has that was given none does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no plan `{0}`: write it into the folder of `plans`, or choose one of {1} as `default_plan`")]
pub struct NoDefaultPlan(pub PlanId, pub String);

/// The plans of an installation.
#[derive(Debug, Clone)]
pub struct Plans {
    all: BTreeMap<PlanId, Arc<Plan>>,
    default: Arc<Plan>,
}

impl Default for Plans {
    /// One plan, `standard`, that bounds nothing: for tools and tests.
    fn default() -> Self {
        let text = |text: &str| LocalText { zh: text.to_owned(), en: None };
        let most = MAX_LIMIT;
        let plan = Plan {
            id: PlanId::standard(),
            name: text("标准版"),
            summary: text("不设限额。"),
            offered: false,
            packages: Vec::new(),
            features: [Feature::HostName, Feature::IdentityProvider, Feature::ApiKeys].into(),
            quotas: Quotas::default(),
            limits: Limits {
                cost_per_second: most,
                cost_burst: most,
                caller_cost_per_second: most,
                caller_cost_burst: most,
                requests_at_once: 10_000,
            },
        };
        let default = Arc::new(plan);
        Self { all: [(default.id.clone(), Arc::clone(&default))].into(), default }
    }
}

impl Plans {
    /// These plans, of which later ones replace earlier ones of the same id; the one of `default` is what tenants have that were
    /// given none.
    ///
    /// # Errors
    /// [`NoDefaultPlan`].
    pub fn new(plans: impl IntoIterator<Item = Plan>, default: &PlanId) -> Result<Self, NoDefaultPlan> {
        let all: BTreeMap<_, _> = plans.into_iter().map(|plan| (plan.id.clone(), Arc::new(plan))).collect();
        let found = all.get(default).cloned();
        let default = found.ok_or_else(|| {
            let known: Vec<&str> = all.keys().map(PlanId::as_str).collect();
            NoDefaultPlan(default.clone(), known.join(", "))
        })?;
        Ok(Self { all, default })
    }

    /// The plan of that id.
    #[must_use]
    pub fn get(&self, id: &PlanId) -> Option<&Arc<Plan>> {
        self.all.get(id)
    }

    /// What tenants have that were given none.
    #[must_use]
    pub fn default_plan(&self) -> &Arc<Plan> {
        &self.default
    }

    /// All of them by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.all.values()
    }

    /// Those that people may choose who subscribe by themselves.
    pub fn offered(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.all.values().filter(|plan| plan.offered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
id = "small"
name = { zh = "小" }
summary = { zh = "小机关" }
features = ["api_keys"]

[quotas]
accounts = 3

[limits]
cost_per_second = 1
cost_burst = 10000
caller_cost_per_second = 1
caller_cost_burst = 10000
requests_at_once = 1
"#;

    #[test]
    fn a_plan_is_read_and_what_is_wrong_with_one_is_told_with_its_line() {
        let plan = Plan::parse("small.toml", SOUND).unwrap();
        assert_eq!((plan.quotas.of(Quota::Accounts), plan.quotas.of(Quota::Storage)), (Some(3), None));
        assert!(plan.features.contains(&Feature::ApiKeys) && !plan.offered);
        let check = |from: &str, to: &str, line: &str, expect: &str| {
            let told = Plan::parse("small.toml", &SOUND.replace(from, to)).unwrap_err().to_string();
            assert!(told.starts_with(&format!("small.toml:{line}")) && told.contains(expect), "{told}");
        };
        check("accounts = 3", "accounts = 0", "8", "choose 1 to");
        check("requests_at_once = 1", "requests_at_once = 0", "15", "choose 1 to");
        check("caller_cost_burst = 10000", "caller_cost_burst = 9999", "14", "10000 or more");
        check("accounts = 3", "accounts = -3", "", "small.toml");
        check("accounts = 3", "accuonts = 3", "8", "unknown field");
        check("\"api_keys\"", "\"wings\"", "5", "unknown variant");
        check("{ zh = \"小\" }", "{ zh = \" \" }", "3", "in Chinese");
        check("features", "packages = [\"a\", \"a\"]\nfeatures", "5", "each once");
        check("accounts = 3", "accounts = 3\npackages = 0", "9", "choose 1 to");
        check("id = \"small\"", "id = \"Small Plan\"", "2", "plan id");
    }

    #[test]
    fn the_default_plan_has_to_be_there() {
        let plan = Plan::parse("small.toml", SOUND).unwrap();
        let id = |text: &str| text.parse::<PlanId>().unwrap();
        let told = Plans::new([plan.clone()], &id("large")).unwrap_err().to_string();
        assert!(told.contains("`large`") && told.contains("small"), "{told}");
        let later = Plan { offered: true, ..plan.clone() };
        let plans = Plans::new([plan, later], &id("small")).unwrap();
        assert_eq!((plans.all().count(), plans.offered().count()), (1, 1), "the later one replaces the earlier");
        assert!(plans.default_plan().offered);
    }
}
