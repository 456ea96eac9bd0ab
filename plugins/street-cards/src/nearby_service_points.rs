//! `street.nearby_service_points`: how many service points lie in the street's walking circle (15 分钟便民生活圈).

use serde::Deserialize;
use sunlit_plugin_sdk::{Error, Host, Point};

use crate::geo::{Bounds, metres_between};
use crate::walking::Walking;

#[derive(Deserialize)]
pub(crate) struct Street {
    at: Option<Point>,
}

#[derive(Deserialize)]
struct ServicePoint {
    at: Point,
}

/// The ground within a walk of one street.
#[derive(Clone, Copy)]
struct Circle {
    centre: Point,
    metres: f64,
    bounds: Bounds,
}

impl Circle {
    fn around(centre: Point, metres: f64) -> Self {
        Self { centre, metres, bounds: Bounds::around(centre, metres) }
    }

    /// The box first: it is a hundred times cheaper than the distance, and rules out nearly all pairs of a page.
    fn contains(&self, point: Point) -> bool {
        self.bounds.contains(point) && metres_between(self.centre, point) <= self.metres
    }
}

pub(crate) fn nearby_service_points(host: &Host, streets: Vec<Street>) -> Result<Vec<Option<i64>>, Error> {
    let reach = Walking::of(host)?.metres_in(host.settings().get("circle_minutes")?);
    let circles: Vec<Option<Circle>> =
        streets.into_iter().map(|street| street.at.map(|at| Circle::around(at, reach))).collect();
    let points = points_near(host, &circles)?;
    Ok(circles.into_iter().map(|circle| circle.map(|circle| count(&points, circle))).collect())
}

/// One question for the whole page of streets.
fn points_near(host: &Host, circles: &[Option<Circle>]) -> Result<Vec<ServicePoint>, Error> {
    match circles.iter().flatten().map(|circle| circle.bounds).reduce(Bounds::union) {
        Some(all) => host.storage().find("service_point").filter(all.filter("at")).fields(&["at"]).all(),
        None => Ok(Vec::new()),
    }
}

fn count(points: &[ServicePoint], circle: Circle) -> i64 {
    points.iter().map(|point| i64::from(circle.contains(point.at))).sum()
}
