//! Points, boxes, circles and areas in CGCS2000 (used as WGS-84), exact to a microdegree (about 0.1 m).

mod area;
mod circle;

pub use area::{Area, MAX_POINTS};
pub use circle::{Circle, MAX_METRES};

/// A point in millionths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// Latitude, −90,000,000 to 90,000,000.
    pub lat_e6: i32,
    /// Longitude, −180,000,000 to 180,000,000.
    pub lng_e6: i32,
}

impl Point {
    /// A point from millionths of a degree; none outside the globe.
    #[must_use]
    pub fn from_e6(lat_e6: i64, lng_e6: i64) -> Option<Self> {
        let lat = i32::try_from(lat_e6).ok().filter(|lat| lat.abs() <= 90_000_000)?;
        let lng = i32::try_from(lng_e6).ok().filter(|lng| lng.abs() <= 180_000_000)?;
        Some(Self { lat_e6: lat, lng_e6: lng })
    }

    /// A point from degrees, rounded to a microdegree; none outside the globe or for a number that is not finite.
    #[must_use]
    pub fn from_degrees(lat: f64, lng: f64) -> Option<Self> {
        Self::from_e6(degrees_to_e6(lat)?, degrees_to_e6(lng)?)
    }

    /// Latitude in degrees.
    #[must_use]
    pub fn lat(self) -> f64 {
        f64::from(self.lat_e6) / 1e6
    }

    /// Longitude in degrees.
    #[must_use]
    pub fn lng(self) -> f64 {
        f64::from(self.lng_e6) / 1e6
    }
}

/// Degrees as microdegrees; none when not finite or beyond ±180.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "bounded by the check before it")]
pub fn degrees_to_e6(degrees: f64) -> Option<i64> {
    (degrees.is_finite() && degrees.abs() <= 180.0).then(|| (degrees * 1e6).round() as i64)
}

/// A box of latitudes and longitudes, borders included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoundingBox {
    /// The south-western corner.
    pub south_west: Point,
    /// The north-eastern corner.
    pub north_east: Point,
}

impl BoundingBox {
    /// Whether `point` lies in the box or on its border.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        (self.south_west.lat_e6..=self.north_east.lat_e6).contains(&point.lat_e6)
            && (self.south_west.lng_e6..=self.north_east.lng_e6).contains(&point.lng_e6)
    }

    /// Whether `other` lies in the box, borders included.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.contains(other.south_west) && self.contains(other.north_east)
    }

    /// Whether the two boxes share a point.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.south_west.lat_e6 <= other.north_east.lat_e6
            && other.south_west.lat_e6 <= self.north_east.lat_e6
            && self.south_west.lng_e6 <= other.north_east.lng_e6
            && other.south_west.lng_e6 <= self.north_east.lng_e6
    }
}
