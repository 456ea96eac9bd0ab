//! What a node of many tenants answers in a second: pages, lists, searches by filter and writes, over HTTP, with more and more clients
//! until one in twenty waits longer than people bear.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sunlit_domain::ScopeAuthority;

use super::crowd::{Crowd, Member, OFFICES, code};
use super::load::{Seen, Stage, Wanted, run as load};
use super::measure::line;
use crate::command::Failed;
use crate::config::Config;

/// How many tenants.
const TENANTS: usize = 50;
/// How many clients at once, stage by stage.
const CLIENTS: [usize; 5] = [8, 32, 64, 128, 256];
/// How long nineteen in twenty may wait at most, in milliseconds.
const BORNE: f64 = 200.0;
const LIST: &str = "{ benchCrowd { items(first: 20, order: [CODE_ASC]) { nodes { id code name office days } \
                    pageInfo { hasNextPage endCursor } } } }";
const SEARCH: &str = "query($office: String!, $days: Int!) { benchCrowd { items(first: 20, order: [OPENED_ON_DESC], \
                      filter: { office: { eq: $office }, days: { gte: $days } }) \
                      { totalCount nodes { id code name openedOn } } } }";
const WRITE: &str = "mutation($code: String!, $name: String!) { benchCrowdCreateItem(input: { code: $code, name: $name, \
                     office: \"科室 1\", days: 5 }) { record { id version } errors { code message } } }";

/// Measures; `records` are spread over the tenants, and each stage lasts `lasts`.
///
/// # Errors
/// When something cannot be made or asked, or a request fails.
pub(crate) async fn run(
    config: Config,
    authority: ScopeAuthority,
    records: usize,
    lasts: Duration,
) -> Result<(), Failed> {
    let each = records / TENANTS;
    let crowd = Crowd::gather(config, authority, (TENANTS, each), |_| "standard").await?;
    line("mixed.tenants", TENANTS as f64, "tenants");
    line("mixed.records", (each * TENANTS) as f64, "records");
    stage(&crowd, each, 8, Duration::from_secs(2).min(lasts), 0).await?;
    let mut best: Option<(usize, Seen)> = None;
    for (number, clients) in CLIENTS.into_iter().enumerate() {
        let seen = stage(&crowd, each, clients, lasts, number + 1).await?;
        let name = format!("mixed.clients_{clients}");
        line(&format!("{name}.rate"), seen.rate(), "requests/s");
        line(&format!("{name}.p50"), seen.p(500), "ms");
        line(&format!("{name}.p95"), seen.p(950), "ms");
        line(&format!("{name}.failed"), seen.failures(), "%");
        if seen.p(950) <= BORNE && best.as_ref().is_none_or(|(_, best)| best.rate() < seen.rate()) {
            best = Some((clients, seen));
        }
    }
    crowd.stop().await;
    let (clients, best) = best.ok_or("no stage was answered in time: the machine is busy with other work")?;
    line("mixed.best.clients", clients as f64, "clients");
    line("mixed.best.rate", best.rate(), "requests/s");
    line("mixed.best.p95", best.p(950), "ms");
    line("mixed.best.failed", best.failures(), "%");
    line("mixed.best.to_aim", best.rate() / 1_160.0, "ratio");
    Ok(())
}

/// Of twenty requests eight are pages, six are lists, four search, and two write.
async fn stage(crowd: &Crowd, records: usize, clients: usize, lasts: Duration, number: usize) -> Result<Seen, Failed> {
    let members: Arc<[Member]> = crowd.members.clone().into();
    let wanted = move |client: usize, turn: usize| {
        // Numbers without a common divisor: each client comes by all tenants, with all kinds of requests.
        let seed = client * 7_919 + turn * 31;
        let member = &members[seed % members.len()];
        let slug = &member.slug;
        match (client + turn * 7) % 20 {
            0..=3 => Wanted::page(format!("/t/{slug}/p/bench-crowd/items/{}", code(seed % records))),
            4..=7 => Wanted::page(format!("/t/{slug}/p/bench-crowd")),
            8..=13 => Wanted::query(slug, LIST, &json!({})),
            14..=17 => {
                let office = format!("科室 {}", seed % OFFICES);
                Wanted::query(slug, SEARCH, &json!({ "office": office, "days": seed % 40 }))
            }
            _ => {
                let code = format!("n{number}-{client}-{turn}");
                let write = Wanted::query(slug, WRITE, &json!({ "code": code, "name": "新事项" }));
                Wanted { authorization: Some(member.editor.clone()), ..write }
            }
        }
    };
    let stage = Stage { server: crowd.address, clients, addresses: 100, lasts, every: None, wanted: Arc::new(wanted) };
    let seen = load(vec![stage]).await?.pop().ok_or("nothing was measured")?;
    match &seen.fault {
        Some(fault) => Err(format!("{} of {} requests failed: {fault}", seen.failed, seen.walls.len()).into()),
        None if seen.refused > 0 => Err(format!("{} requests were refused as too many", seen.refused).into()),
        None => Ok(seen),
    }
}
