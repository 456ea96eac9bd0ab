//! A tenant beside one that is stormed: how long its callers wait, against how long they wait when it is quiet; with the plan of a
//! district and, to show what its limits are good for, with a plan that bounds nothing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sunlit_domain::ScopeAuthority;

use super::crowd::{Crowd, Member, OFFICES, OPEN, code};
use super::load::{Seen, Stage, Wanted, run as load};
use super::measure::{line, median};
use crate::command::Failed;
use crate::config::Config;

/// Records of each tenant.
const RECORDS: usize = 2_000;
/// How often the quiet and the stormy stage are taken in turn.
const ROUNDS: usize = 5;
/// Clients of the tenant that is watched, and how often each asks.
const CALM: (usize, Duration) = (8, Duration::from_millis(200));
/// Clients of the storm, from as many addresses, and how often each asks: a thousand requests a second in all.
const STORM: (usize, Duration) = (50, Duration::from_millis(50));
const SEARCH: &str = "query($office: String!) { benchCrowd { items(first: 100, order: [OPENED_ON_DESC], \
                      filter: { or: [{ office: { eq: $office } }, { days: { gte: 30 } }] }) \
                      { totalCount nodes { id code name office days openedOn text } } } }";

/// Measures; each stage lasts `lasts`.
///
/// # Errors
/// When something cannot be made or asked, or a request of the calm tenant fails.
pub(crate) async fn run(config: Config, authority: ScopeAuthority, lasts: Duration) -> Result<(), Failed> {
    // Each kind of limits has a calm tenant and a stormed one.
    let plan_of = |number| if number < 2 { "district" } else { OPEN };
    let crowd = Crowd::gather(config, authority, (4, RECORDS), plan_of).await?;
    let (with, without) = (&crowd.members[..2], &crowd.members[2..]);
    for pair in [with, without] {
        stage(&crowd, pair, false, Duration::from_secs(1)).await?;
    }
    let mut limited = Compared::default();
    let mut open = Compared::default();
    // In turn, so that a noisy moment strikes all of them.
    for _ in 0..ROUNDS {
        for (pair, compared) in [(with, &mut limited), (without, &mut open)] {
            let (quiet, _) = stage(&crowd, pair, false, lasts).await?;
            let (stormy, storm) = stage(&crowd, pair, true, lasts).await?;
            compared.add(&quiet, &stormy, storm.as_ref());
        }
    }
    crowd.stop().await;
    limited.print("fairness");
    open.print("fairness.without_limits");
    Ok(())
}

/// What stages of one kind came to, one entry for each round.
#[derive(Default)]
struct Compared {
    quiet: Vec<f64>,
    stormy: Vec<f64>,
    ratios: Vec<f64>,
    answered: Vec<f64>,
    refused: Vec<f64>,
}

impl Compared {
    fn add(&mut self, quiet: &Seen, stormy: &Seen, storm: Option<&Seen>) {
        self.quiet.push(quiet.p(950));
        self.stormy.push(stormy.p(950));
        self.ratios.push(stormy.p(950) / quiet.p(950));
        if let Some(storm) = storm {
            self.answered.push(storm.rate());
            self.refused.push(storm.refused as f64 / storm.seconds);
        }
    }

    fn print(&self, name: &str) {
        line(&format!("{name}.quiet.p95"), median(&self.quiet), "ms");
        line(&format!("{name}.beside_storm.p95"), median(&self.stormy), "ms");
        line(&format!("{name}.to_quiet"), median(&self.ratios), "ratio");
        line(&format!("{name}.storm.answered"), median(&self.answered), "requests/s");
        line(&format!("{name}.storm.refused"), median(&self.refused), "requests/s");
    }
}

/// The calm tenant is asked, and the other one stormed or not.
async fn stage(crowd: &Crowd, pair: &[Member], storms: bool, lasts: Duration) -> Result<(Seen, Option<Seen>), Failed> {
    let [calm, stormed] = pair else { return Err("two tenants stand beside each other".into()) };
    let calm = calm.slug.clone();
    let calmly = move |client: usize, turn: usize| match turn % 2 {
        0 => Wanted::page(format!("/t/{calm}/p/bench-crowd/items/{}", code((client * 131 + turn * 17) % RECORDS))),
        _ => Wanted::page(format!("/t/{calm}/p/bench-crowd")),
    };
    let paced = |(clients, every): (usize, Duration), wanted: Arc<dyn Fn(usize, usize) -> Wanted + Send + Sync>| {
        Stage { server: crowd.address, clients, addresses: 100, lasts, every: Some(every), wanted }
    };
    let mut stages = vec![paced(CALM, Arc::new(calmly))];
    if storms {
        let slug = stormed.slug.clone();
        let stormily = move |client: usize, turn: usize| match (client + turn) % 2 {
            0 => Wanted::page(format!("/t/{slug}/p/bench-crowd")),
            _ => Wanted::query(&slug, SEARCH, &json!({ "office": format!("科室 {}", turn % OFFICES) })),
        };
        stages.push(paced(STORM, Arc::new(stormily)));
    }
    let mut seen = load(stages).await?.into_iter();
    let calm = seen.next().ok_or("nothing was measured")?;
    if let Some(fault) = &calm.fault {
        return Err(format!("the calm tenant does not answer: {fault}").into());
    }
    if calm.refused > 0 {
        return Err(format!("{} requests of the calm tenant were refused", calm.refused).into());
    }
    Ok((calm, seen.next()))
}
