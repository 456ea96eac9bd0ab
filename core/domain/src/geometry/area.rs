//! Areas: polygons with holes, and several of them, read from and written as GeoJSON (RFC 7946).

use serde_json::{Value as Json, json};

use super::{BoundingBox, Point, degrees_to_e6};

/// How many points an area may have.
pub const MAX_POINTS: usize = 5_000;

/// Rings of points; the first of each polygon is its outline, the others are holes. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area {
    polygons: Vec<Vec<Vec<Point>>>,
    bounds: BoundingBox,
}

impl Area {
    /// Reads a GeoJSON `Polygon` or `MultiPolygon`: rings are closed and have at least four positions (RFC 7946, 3.1.6),
    /// positions are `[longitude, latitude]`.
    ///
    /// # Errors
    /// What is wrong and what to write instead.
    pub fn from_geojson(json: &Json) -> Result<Self, String> {
        const FORM: &str = "expected a GeoJSON Polygon or MultiPolygon: { type, coordinates }";
        let object = json.as_object().filter(|object| object.len() == 2).ok_or(FORM)?;
        let coordinates = object.get("coordinates").and_then(Json::as_array).ok_or(FORM)?;
        let mut reader = Reader { points: 0 };
        let polygons = match object.get("type").and_then(Json::as_str) {
            Some("Polygon") => vec![reader.polygon(coordinates)?],
            Some("MultiPolygon") => {
                let rings = coordinates.iter().map(|rings| rings.as_array().ok_or(FORM.to_owned()));
                rings.map(|rings| reader.polygon(rings?)).collect::<Result<_, _>>()?
            }
            _ => return Err(FORM.to_owned()),
        };
        let bounds = bounds(&polygons).ok_or("an area needs at least one ring")?;
        Ok(Self { polygons, bounds })
    }

    /// As GeoJSON: a `Polygon` when it is one, else a `MultiPolygon`.
    #[must_use]
    pub fn to_geojson(&self) -> Json {
        let position = |point: &Point| json!([point.lng(), point.lat()]);
        let ring = |ring: &Vec<Point>| ring.iter().map(position).collect::<Json>();
        let polygon = |rings: &Vec<Vec<Point>>| rings.iter().map(ring).collect::<Json>();
        match self.polygons.as_slice() {
            [one] => json!({ "type": "Polygon", "coordinates": polygon(one) }),
            many => json!({ "type": "MultiPolygon", "coordinates": many.iter().map(polygon).collect::<Json>() }),
        }
    }

    /// The smallest box that holds it.
    #[must_use]
    pub fn bounds(&self) -> BoundingBox {
        self.bounds
    }

    /// All its points.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        self.polygons.iter().flatten().flatten().copied()
    }
}

struct Reader {
    points: usize,
}

impl Reader {
    fn polygon(&mut self, rings: &[Json]) -> Result<Vec<Vec<Point>>, String> {
        if rings.is_empty() {
            return Err("a polygon needs an outline".to_owned());
        }
        rings.iter().map(|ring| self.ring(ring)).collect()
    }

    fn ring(&mut self, json: &Json) -> Result<Vec<Point>, String> {
        let positions = json.as_array().ok_or("a ring is a list of positions")?;
        self.points = self.points.saturating_add(positions.len());
        if self.points > MAX_POINTS {
            return Err(format!("more than {MAX_POINTS} points: simplify the outline"));
        }
        let ring: Vec<Point> = positions.iter().map(position).collect::<Result<_, _>>()?;
        if ring.len() < 4 || ring.first() != ring.last() {
            return Err("a ring has at least four positions, the last like the first".to_owned());
        }
        Ok(ring)
    }
}

fn position(json: &Json) -> Result<Point, String> {
    let degrees = |at: usize| json.get(at).and_then(Json::as_f64).and_then(degrees_to_e6);
    let two = json.as_array().is_some_and(|position| position.len() == 2);
    let point = degrees(1).zip(degrees(0)).filter(|_| two).and_then(|(lat, lng)| Point::from_e6(lat, lng));
    point.ok_or_else(|| "a position is [longitude, latitude] in degrees".to_owned())
}

fn bounds(polygons: &[Vec<Vec<Point>>]) -> Option<BoundingBox> {
    let points = || polygons.iter().flatten().flatten();
    let (south, north) = (points().map(|p| p.lat_e6).min()?, points().map(|p| p.lat_e6).max()?);
    let (west, east) = (points().map(|p| p.lng_e6).min()?, points().map(|p| p.lng_e6).max()?);
    Some(BoundingBox {
        south_west: Point { lat_e6: south, lng_e6: west },
        north_east: Point { lat_e6: north, lng_e6: east },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_read_with_its_box() {
        let rings = json!([[[1.0, 2.0], [3.0, 2.0], [3.0, 5.5], [1.0, 2.0]]]);
        let area = Area::from_geojson(&json!({ "type": "Polygon", "coordinates": rings })).unwrap();
        let bounds = area.bounds();
        assert_eq!((bounds.south_west.lat(), bounds.south_west.lng()), (2.0, 1.0));
        assert_eq!((bounds.north_east.lat(), bounds.north_east.lng()), (5.5, 3.0));
    }

    #[test]
    fn what_is_no_area_is_refused() {
        let refuse = |json: Json| assert!(Area::from_geojson(&json).is_err(), "{json}");
        let polygon = |rings: Json| json!({ "type": "Polygon", "coordinates": rings });
        refuse(json!("x"));
        refuse(json!({ "type": "Point", "coordinates": [1, 2] }));
        refuse(json!({ "type": "Polygon", "coordinates": [], "crs": 1 }));
        refuse(polygon(json!([])));
        refuse(polygon(json!([[[1, 2], [3, 4], [1, 2]]])));
        refuse(polygon(json!([[[1, 2], [3, 4], [5, 6], [1, 3]]])));
        refuse(polygon(json!([[[1, 2], [3, 4], [5, 96], [1, 2]]])));
        refuse(polygon(json!([[[1, 2, 0], [3, 4, 0], [5, 6, 0], [1, 2, 0]]])));
        refuse(polygon(json!([vec![json!([1, 2]); MAX_POINTS + 1]])));
        refuse(json!({ "type": "MultiPolygon", "coordinates": [] }));
    }
}
