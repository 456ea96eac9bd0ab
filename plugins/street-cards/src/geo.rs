//! Distances and boxes on the globe.

use sunlit_plugin_sdk::{Filter, Point};

/// The mean radius of the earth in metres (IUGG, GRS 80).
const EARTH_RADIUS: f64 = 6_371_008.8;

/// The straight line over the ground in metres, by the haversine formula.
pub(crate) fn metres_between(a: Point, b: Point) -> f64 {
    let (lat_a, lat_b) = (a.latitude().to_radians(), b.latitude().to_radians());
    let half_lat = (lat_b - lat_a) / 2.0;
    let half_lng = (b.longitude() - a.longitude()).to_radians() / 2.0;
    let chord = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lng.sin().powi(2);
    2.0 * EARTH_RADIUS * chord.sqrt().min(1.0).asin()
}

/// A box of latitudes and longitudes in millionths of a degree, borders included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    south: i32,
    west: i32,
    north: i32,
    east: i32,
}

impl Bounds {
    /// The smallest box with every point within so many metres, cut off at the poles and the antimeridian.
    pub(crate) fn around(centre: Point, metres: f64) -> Self {
        let angle = metres / EARTH_RADIUS;
        let south = e6_floor(centre.latitude() - angle.to_degrees(), 90);
        let north = e6_ceil(centre.latitude() + angle.to_degrees(), 90);
        // Where the circle touches a meridian. It touches none when it holds a pole: the ratio is then above 1.
        let ratio = angle.sin() / centre.latitude().to_radians().cos();
        let reach = if ratio < 1.0 { ratio.asin().to_degrees() } else { 180.0 };
        let west = e6_floor(centre.longitude() - reach, 180);
        let east = e6_ceil(centre.longitude() + reach, 180);
        Self { south, west, north, east }
    }

    /// The smallest box that holds both.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            south: self.south.min(other.south),
            west: self.west.min(other.west),
            north: self.north.max(other.north),
            east: self.east.max(other.east),
        }
    }

    pub(crate) fn contains(self, point: Point) -> bool {
        (self.south..=self.north).contains(&point.lat_e6) && (self.west..=self.east).contains(&point.lng_e6)
    }

    /// The records whose point lies in the box.
    pub(crate) fn filter(self, field: &str) -> Filter {
        Filter::within(field, self.south, self.west, self.north, self.east)
    }
}

fn e6_floor(degrees: f64, limit: i32) -> i32 {
    e6((degrees * 1e6).floor(), limit)
}

fn e6_ceil(degrees: f64, limit: i32) -> i32 {
    e6((degrees * 1e6).ceil(), limit)
}

#[expect(clippy::cast_possible_truncation, reason = "a float too large becomes the largest number, which is cut off")]
fn e6(number: f64, limit: i32) -> i32 {
    (number as i32).clamp(-limit * 1_000_000, limit * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_known_distances() {
        let check = |a: (i32, i32), b: (i32, i32), metres: f64| {
            let measured = metres_between(Point::new(a.0, a.1), Point::new(b.0, b.1));
            assert!((measured - metres).abs() < 0.001, "{a:?} to {b:?}: {measured}, not {metres}");
        };
        check((39_904_200, 116_407_400), (39_904_200, 116_407_400), 0.0);
        // One degree of a great circle is the radius times pi / 180.
        check((0, 0), (1_000_000, 0), 111_195.080);
        check((0, 0), (0, 1_000_000), 111_195.080);
        check((60_000_000, 0), (60_000_000, 1_000_000), 55_597.011);
        check((39_904_200, 116_407_400), (31_230_400, 121_473_700), 1_067_311.645);
        check((90_000_000, 0), (-90_000_000, 0), 20_015_114.442);
    }

    #[test]
    fn a_box_holds_the_whole_circle() {
        for latitude in [0, 39_904_200, -53_000_000, 80_000_000] {
            let centre = Point::new(latitude, 116_407_400);
            let bounds = Bounds::around(centre, 1_200.0);
            for bearing in 0..360 {
                let point = travel(centre, f64::from(bearing), 1_199.8);
                assert!(bounds.contains(point), "{latitude} towards {bearing}");
            }
        }
    }

    #[test]
    fn a_box_is_no_larger_than_the_circle() {
        let centre = Point::new(39_904_200, 116_407_400);
        let bounds = Bounds::around(centre, 1_200.0);
        for bearing in [0.0, 90.0, 180.0, 270.0] {
            assert!(!bounds.contains(travel(centre, bearing, 1_200.5)), "towards {bearing}");
        }
    }

    #[test]
    fn a_box_around_a_pole_has_every_longitude() {
        let bounds = Bounds::around(Point::new(89_999_000, 0), 1_000.0);
        assert!(bounds.contains(Point::new(89_995_000, 180_000_000)));
        assert!(bounds.contains(Point::new(90_000_000, -180_000_000)));
    }

    #[expect(clippy::cast_possible_truncation, reason = "degrees on the globe")]
    fn travel(from: Point, bearing: f64, metres: f64) -> Point {
        let (lat, lng) = (from.latitude().to_radians(), from.longitude().to_radians());
        let (bearing, angle) = (bearing.to_radians(), metres / EARTH_RADIUS);
        let to_lat = (lat.sin() * angle.cos() + lat.cos() * angle.sin() * bearing.cos()).asin();
        let east = bearing.sin() * angle.sin() * lat.cos();
        let to_lng = lng + east.atan2(angle.cos() - lat.sin() * to_lat.sin());
        Point::new((to_lat.to_degrees() * 1e6).round() as i32, (to_lng.to_degrees() * 1e6).round() as i32)
    }
}
