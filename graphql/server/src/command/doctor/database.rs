//! The database, where there is one: its clock, and who may make tables. What would be unsafe is refused when it is opened, with
//! its mend.

use sunlit_app::App;

use super::Findings;
use crate::config::Config;

/// How far two clocks may be apart: leases of jobs last 30 s, and tokens are counted in minutes.
const MOST_APART_MILLIS: i64 = 2_000;

pub(super) async fn clock(app: &App, findings: &mut Findings) {
    let before = app.environment.now();
    match app.platform.clock().await {
        // A file has no clock of its own.
        Ok(None) => {}
        Ok(Some(theirs)) => {
            let after = app.environment.now();
            let ours = before.micros() + (after.micros() - before.micros()) / 2;
            judge((ours - theirs.micros()) / 1_000, findings);
        }
        Err(error) => findings.fault("clock", error.to_string(), "see why the database does not answer"),
    }
}

fn judge(apart_millis: i64, findings: &mut Findings) {
    let found =
        format!("{} ms {} the database's", apart_millis.abs(), if apart_millis < 0 { "behind" } else { "ahead of" });
    if apart_millis.abs() > MOST_APART_MILLIS {
        findings.fault(
            "clock",
            found,
            "let both machines keep time by NTP: jobs run too early or twice, and tokens end at a wrong time",
        );
    } else {
        findings.ok("clock", found);
    }
}

pub(super) fn migrator(config: &Config, findings: &mut Findings) {
    if config.database.is_some() && config.migrator_database.is_none() {
        findings.ok("packages", "this node publishes none: it has no `migrator_database`");
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn clocks_that_are_seconds_apart_are_a_fault_in_either_direction() {
        let check = |apart, expect| {
            let mut findings = Findings::default();
            judge(apart, &mut findings);
            assert_eq!(findings.findings[0].state, expect, "{apart}");
        };
        check(0, State::Ok);
        check(-2_000, State::Ok);
        check(2_001, State::Fault);
        check(-60_000, State::Fault);
    }
}
