//! Circles on the map, for "within so many metres": computed in whole numbers, so that every engine says the same.

use super::{BoundingBox, Point};

/// The greatest radius. Within it a plane serves as the globe (error below 0.3 % at the latitudes of China).
pub const MAX_METRES: u32 = 200_000;

/// Metres in a millionth of a degree of latitude: 2πR / 360 / 10⁶ with the mean radius R = 6,371,008.8 m (IUGG).
const METRES_PER_MICRODEGREE: f64 = 0.111_195_079_7;
/// Beyond this latitude a degree of longitude is too short for the plane.
const MAX_LATITUDE_E6: i32 = 85_000_000;
/// The cosine's scale: parts in a million.
const MILLION: i64 = 1_000_000;

/// All points within a distance of a centre, by the equirectangular approximation about the centre's latitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circle {
    centre: Point,
    /// The cosine of the centre's latitude, in parts in a million.
    cosine: i64,
    /// The square of the radius, in square microdegrees of latitude.
    reach: i64,
    bounds: BoundingBox,
}

impl Circle {
    /// The circle of `metres` about `centre`; none for a radius of 0 or above [`MAX_METRES`], beyond 85° of latitude, or
    /// where it would cross the 180th meridian.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the checks before")]
    pub fn new(centre: Point, metres: u32) -> Option<Self> {
        if metres == 0 || metres > MAX_METRES || centre.lat_e6.abs() > MAX_LATITUDE_E6 {
            return None;
        }
        let radius = f64::from(metres) / METRES_PER_MICRODEGREE;
        let cosine = centre.lat().to_radians().cos();
        let (up, across) = (radius.ceil() as i64 + 1, (radius / cosine).ceil() as i64 + 1);
        let (lat, lng) = (i64::from(centre.lat_e6), i64::from(centre.lng_e6));
        let bounds = BoundingBox {
            south_west: Point::from_e6(lat - up, lng - across)?,
            north_east: Point::from_e6(lat + up, lng + across)?,
        };
        let cosine = (cosine * MILLION as f64).round() as i64;
        Some(Self { centre, cosine, reach: (radius * radius).floor() as i64, bounds })
    }

    /// The box that holds the circle.
    #[must_use]
    pub fn bounds(&self) -> BoundingBox {
        self.bounds
    }

    /// Its centre.
    #[must_use]
    pub fn centre(&self) -> Point {
        self.centre
    }

    /// The numbers of the test, for whoever writes it in another language: a point is inside when it is in
    /// [`Circle::bounds`] and `dlat² + (dlng · cosine / 1,000,000)² ≤ reach`, all in 64-bit whole numbers, the division
    /// towards zero.
    #[must_use]
    pub fn terms(&self) -> (i64, i64) {
        (self.cosine, self.reach)
    }

    /// Whether `point` is inside.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        let up = i64::from(point.lat_e6) - i64::from(self.centre.lat_e6);
        let across = (i64::from(point.lng_e6) - i64::from(self.centre.lng_e6)) * self.cosine / MILLION;
        self.bounds.contains(point) && up * up + across * across <= self.reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let bell_tower = Point::from_degrees(34.2610, 108.9423).unwrap();
        let drum_tower = Point::from_degrees(34.2618, 108.9388).unwrap();
        // By the haversine formula 333.9 m.
        assert!(Circle::new(bell_tower, 335).unwrap().contains(drum_tower));
        assert!(!Circle::new(bell_tower, 333).unwrap().contains(drum_tower));
        assert!(Circle::new(bell_tower, 1).unwrap().contains(bell_tower));
    }

    #[test]
    fn what_the_plane_cannot_hold_is_refused() {
        let at = |lat, lng| Point::from_degrees(lat, lng).unwrap();
        assert!(Circle::new(at(34.0, 108.0), 0).is_none());
        assert!(Circle::new(at(34.0, 108.0), MAX_METRES + 1).is_none());
        assert!(Circle::new(at(86.0, 0.0), 10).is_none());
        assert!(Circle::new(at(0.0, 179.999_999), 1_000).is_none());
    }
}
