//! `sunlit doctor`: what is wrong with an installation, in plain words, and how to mend it.
//!
//! A check is a function that adds its findings; those about one thing share a file in `doctor/`. To add one: a function there, and
//! its call in `examine`. Checks change nothing, and go on where others have failed as far as that is of use.

mod data;
mod database;
mod machine;
mod services;
mod tenants;

use clap::Args as ClapArgs;
use serde::Serialize;
use sunlit_app::{Environment as _, SystemEnvironment};
use sunlit_domain::ScopeAuthority;
use sunlit_domain::calendar::Calendar;
use sunlit_domain::value::Date;
use sunlit_plugin_host::Allocation;

use super::Failed;
use super::installation::Installation;
use super::output::line;
use crate::config::Config;

/// What can be chosen.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Print the findings as one JSON object.
    #[arg(long)]
    json: bool,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It works, and will not for ever.
    Warning,
    /// Something does not work.
    Fault,
}

/// What a check has found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: String,
    state: State,
    found: String,
    /// What to do; none when it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// All that was found, in the order in which it is to be mended.
#[derive(Debug, Default, Serialize)]
struct Findings {
    faults: usize,
    warnings: usize,
    findings: Vec<Finding>,
}

impl Findings {
    fn ok(&mut self, check: &str, found: impl Into<String>) {
        self.add(check, State::Ok, found.into(), None);
    }

    fn warning(&mut self, check: &str, found: impl Into<String>, mend: impl Into<String>) {
        self.warnings += 1;
        self.add(check, State::Warning, found.into(), Some(mend.into()));
    }

    fn fault(&mut self, check: &str, found: impl Into<String>, mend: impl Into<String>) {
        self.faults += 1;
        self.add(check, State::Fault, found.into(), Some(mend.into()));
    }

    fn add(&mut self, check: &str, state: State, found: String, mend: Option<String>) {
        self.findings.push(Finding { check: check.to_owned(), state, found, mend });
    }
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, args: &Args) -> Result<(), Failed> {
    let findings = examine(config, authority).await;
    if args.json {
        line(serde_json::to_string_pretty(&findings)?);
    } else {
        findings.findings.iter().for_each(tell);
    }
    match findings.faults {
        0 => Ok(()),
        faults => Err(format!("{faults} fault(s): mend them in the order told").into()),
    }
}

fn tell(finding: &Finding) {
    let Finding { check, state, found, mend } = finding;
    let word = match state {
        State::Ok => "ok   ",
        State::Warning => "WARN ",
        State::Fault => "FAULT",
    };
    line(format!("{word} {check}: {found}"));
    if let Some(mend) = mend {
        line(format!("      mend: {mend}"));
    }
}

async fn examine(config: &Config, authority: &ScopeAuthority) -> Findings {
    let mut findings = Findings::default();
    data::folder(config, &mut findings);
    data::space(config, &mut findings);
    data::keys(config, &mut findings);
    machine::ports(config, &mut findings).await;
    machine::open_files(config, &mut findings);
    services::collector(config, &mut findings).await;
    services::mail(config, &mut findings).await;
    holidays(SystemEnvironment.now().date_in_china(), Calendar::national().published_through(), &mut findings);
    match Installation::existing(config).await {
        // What a database lacks is said there, with its mend.
        Err(error) => findings.fault("installation", error.to_string(), "as it says; then run this again"),
        Ok(Installation { app, .. }) => {
            findings.ok("installation", "opens");
            master_keys(&app, &mut findings).await;
            database::clock(&app, &mut findings).await;
            database::migrator(config, &mut findings);
            match app.host.allocation() {
                Allocation::Pooling => findings.ok("plugins", format!("{} slots in the pool", app.host.free_slots())),
                Allocation::OnDemand => findings.fault(
                    "plugins",
                    "no address space for the pool, so that calls are slower",
                    "raise `ulimit -v`, or lower `plugin_slots`",
                ),
            }
            tenants::all(&app, authority, &mut findings).await;
            tenants::late(&app, config, &mut findings).await;
            app.stores.close().await;
        }
    }
    findings
}

/// The State Council tells the holidays of a year in October or November before it. Without its notice deadlines in working days
/// are provisional.
fn holidays(today: Date, through: i16, findings: &mut Findings) {
    let (year, is_late) = (today.year(), today.month() >= 11);
    let mend = "use a version of Sunlit that carries the State Council's notice, or give tenants their days (`calendarSetDays`)";
    if through < year {
        findings.fault("holidays", format!("the notice of {year} is not known"), mend);
    } else if is_late && through == year {
        findings.warning("holidays", format!("the notice of {} is not known", year + 1), mend);
    } else {
        findings.ok("holidays", format!("known through {through}"));
    }
}

/// Whether a master key that was replaced is still needed, or a new one waits.
async fn master_keys(app: &sunlit_app::App, findings: &mut Findings) {
    let check = "master key";
    match app.vault.standing().await {
        Err(error) => findings.fault(check, error.to_string(), "see infra/keys/README.md"),
        Ok(standing) => match (standing.former.first(), &standing.waiting) {
            (Some(id), _) => {
                findings.fault(check, format!("{id} is still needed"), "run `sunlit key rewrap` to its end");
            }
            (None, Some(id)) => {
                findings.fault(check, format!("{id} stands first and is not used yet"), "run `sunlit key rewrap`");
            }
            (None, None) => findings.ok(check, format!("{} wraps everything", standing.current)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holidays_of_the_coming_year_are_missed_from_november_on() {
        let check = |today: &str, through, expect| {
            let mut findings = Findings::default();
            holidays(today.parse().unwrap(), through, &mut findings);
            assert_eq!(findings.findings[0].state, expect, "{today} {through}");
        };
        check("2026-10-31", 2026, State::Ok);
        check("2026-11-01", 2026, State::Warning);
        check("2026-11-01", 2027, State::Ok);
        check("2027-01-01", 2026, State::Fault);
    }
}
