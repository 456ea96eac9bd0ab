//! Points on the map.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in CGCS2000, in millionths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Latitude, north positive.
    pub lat_e6: i32,
    /// Longitude, east positive.
    pub lng_e6: i32,
}

impl Point {
    /// The name by which the tokens recognise a point among newtypes.
    pub(crate) const NAME: &'static str = "$sunlit::Point";

    /// The point at this latitude and longitude in millionths of a degree.
    #[must_use]
    pub const fn new(lat_e6: i32, lng_e6: i32) -> Self {
        Self { lat_e6, lng_e6 }
    }

    /// Latitude in degrees.
    #[must_use]
    pub fn latitude(self) -> f64 {
        f64::from(self.lat_e6) / 1e6
    }

    /// Longitude in degrees.
    #[must_use]
    pub fn longitude(self) -> f64 {
        f64::from(self.lng_e6) / 1e6
    }
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Self::NAME, &(self.lat_e6, self.lng_e6))
    }
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::NAME, PointVisitor)
    }
}

struct PointVisitor;

impl<'de> de::Visitor<'de> for PointVisitor {
    type Value = Point;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a point")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Point, D::Error> {
        let (lat_e6, lng_e6) = Deserialize::deserialize(deserializer)?;
        Ok(Point { lat_e6, lng_e6 })
    }
}
