//! `walkable(from, minutes)`: the service points within so many minutes' walk, the nearest first.

use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::{Decimal, Error, Host, Id, Point};

use crate::geo::{Bounds, metres_between};
use crate::walking::Walking;

#[derive(Deserialize)]
pub(crate) struct Walkable {
    from: Point,
    minutes: i64,
}

#[derive(Serialize)]
pub(crate) struct Walk {
    service_point: Id,
    metres: i64,
    minutes: Decimal,
}

#[derive(Deserialize)]
struct ServicePoint {
    id: Id,
    at: Point,
}

pub(crate) fn walkable(host: &Host, Walkable { from, minutes }: Walkable) -> Result<Vec<Walk>, Error> {
    let walking = Walking::of(host)?;
    let reach = walking.metres_in(minutes);
    let in_box = Bounds::around(from, reach).filter("at");
    let candidates: Vec<ServicePoint> = host.storage().find("service_point").filter(in_box).fields(&["at"]).all()?;

    let mut within: Vec<(f64, Id)> = candidates
        .into_iter()
        .map(|point| (metres_between(from, point.at), point.id))
        .filter(|(metres, _)| *metres <= reach)
        .collect();
    within.sort_by(|(a, a_id), (b, b_id)| a.total_cmp(b).then_with(|| a_id.cmp(b_id)));
    within.into_iter().map(|(metres, id)| walk(walking, metres, id)).collect()
}

fn walk(walking: Walking, metres: f64, service_point: Id) -> Result<Walk, Error> {
    let minutes = Decimal::rounded(walking.minutes_for(metres), 1)?;
    let metres = Decimal::rounded(metres, 0)?.unscaled;
    Ok(Walk { service_point, metres, minutes })
}
