//! The sketch map: an outline and numbered places as shapes on a small canvas, computed on the server.
//!
//! Equirectangular projection: x is longitude × cos(middle latitude), y is latitude, downwards. Good for an area of the size of
//! a province or less; areas across the 180th meridian are not provided for. It knows numbers only: words and links are the
//! template's. It is a sketch without a map approval number (审图号) and the template says so.

use std::collections::HashMap;

use serde::Serialize;

use crate::view::Geometry;

/// Width of the canvas. A phone shows it at about this many pixels, so that a marker keeps its size there.
const WIDTH: f64 = 360.0;
const HEIGHTS: std::ops::RangeInclusive<f64> = 220.0..=420.0;
const MARGIN: f64 = 22.0;
/// Strip under the drawing for the scale bar.
const FOOT: f64 = 26.0;
/// Radius of a numbered marker.
const RADIUS: f64 = 11.0;
/// With more places than this, markers are dots without numbers.
const NUMBERED: usize = 60;
/// Shortest side of the area shown, in degrees of latitude: about 1 km.
const SMALLEST_SPAN: f64 = 0.01;
/// Length of one degree of latitude: 2π × 6371.0088 km (IUGG mean radius) / 360.
const KM_PER_DEGREE: f64 = 111.195;
/// Positions of an outline nearer than this on the canvas are drawn as one.
const FINEST: f64 = 0.4;

/// Shapes of a sketch map, in canvas units, one decimal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sketch {
    /// Width of the canvas.
    pub width: f64,
    /// Height of the canvas.
    pub height: f64,
    /// Data of the outline's path, to be filled by the even-odd rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outline: Option<String>,
    /// One for each place with a position.
    pub markers: Vec<Marker>,
    /// Whether markers carry their numbers.
    pub numbered: bool,
    /// Scale bar.
    pub scale: ScaleBar,
}

/// The mark of one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Marker {
    /// Index of the place in the list given.
    pub index: usize,
    /// Number shown, which is the place's number in the list beside the map.
    pub number: usize,
    /// Centre of the mark.
    pub x: f64,
    /// Centre of the mark.
    pub y: f64,
    /// The place itself.
    pub place_x: f64,
    /// The place itself.
    pub place_y: f64,
    /// The mark stands beside its place, because another mark is there.
    pub moved: bool,
}

/// A length on the map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScaleBar {
    /// Its left end.
    pub x1: f64,
    /// Its right end.
    pub x2: f64,
    /// Its height on the canvas.
    pub y: f64,
    /// Its length, in `unit`.
    pub length: u32,
    /// `km` or `m`.
    pub unit: &'static str,
}

/// Draws `outline` and the positions of `places` (longitude, latitude in degrees; `None` for a place that is listed only).
/// `None` when there is nothing to draw.
#[must_use]
pub fn sketch(outline: Option<&Geometry>, places: &[Option<(f64, f64)>]) -> Option<Sketch> {
    let on_outline = outline.into_iter().flat_map(Geometry::rings).flatten().map(|[lng, lat]| (*lng, *lat));
    let canvas = Canvas::around(on_outline.chain(places.iter().flatten().copied()))?;
    let numbered = places.iter().flatten().count() <= NUMBERED;
    Some(Sketch {
        width: WIDTH,
        height: tenth(canvas.height),
        outline: outline.and_then(|geometry| path(&canvas, geometry)),
        markers: markers(&canvas, places, numbered),
        numbered,
        scale: canvas.scale_bar(),
    })
}

struct Canvas {
    west: f64,
    north: f64,
    /// Canvas units in one degree of latitude.
    unit: f64,
    /// Cosine of the middle latitude: how much shorter a degree of longitude is.
    shrink: f64,
    left: f64,
    top: f64,
    height: f64,
}

impl Canvas {
    fn around(positions: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        let (mut west, mut east, mut south, mut north) = (f64::MAX, f64::MIN, f64::MAX, f64::MIN);
        for (lng, lat) in positions {
            (west, east) = (west.min(lng), east.max(lng));
            (south, north) = (south.min(lat), north.max(lat));
        }
        if west > east {
            return None;
        }
        // A pole has no width; no authority is that far north or south.
        let shrink = f64::midpoint(south, north).to_radians().cos().max(0.01);
        let (wide, high) = (((east - west) * shrink).max(SMALLEST_SPAN), (north - south).max(SMALLEST_SPAN));
        let (room_x, most_y) = (WIDTH - 2.0 * MARGIN, HEIGHTS.end() - 2.0 * MARGIN - FOOT);
        let unit = (room_x / wide).min(most_y / high);
        let height = (high * unit + 2.0 * MARGIN + FOOT).clamp(*HEIGHTS.start(), *HEIGHTS.end());
        Some(Self {
            west,
            north,
            unit,
            shrink,
            left: (WIDTH - (east - west) * shrink * unit) / 2.0,
            top: (height - FOOT - (north - south) * unit) / 2.0,
            height,
        })
    }

    fn project(&self, lng: f64, lat: f64) -> (f64, f64) {
        (self.left + (lng - self.west) * self.shrink * self.unit, self.top + (self.north - lat) * self.unit)
    }

    /// The longest of 1, 2, 5 × 10ⁿ metres that takes at most a third of the width.
    fn scale_bar(&self) -> ScaleBar {
        let units_per_metre = self.unit / (KM_PER_DEGREE * 1000.0);
        let metres = (0..8)
            .flat_map(|power| [1, 2, 5].map(|step| step * 10_u32.pow(power)))
            .take_while(|metres| f64::from(*metres) * units_per_metre <= WIDTH / 3.0)
            .last()
            .unwrap_or(1);
        let (length, unit) = if metres >= 1000 { (metres / 1000, "km") } else { (metres, "m") };
        ScaleBar {
            x1: MARGIN,
            x2: tenth(MARGIN + f64::from(metres) * units_per_metre),
            y: tenth(self.height - FOOT / 2.0),
            length,
            unit,
        }
    }
}

fn path(canvas: &Canvas, geometry: &Geometry) -> Option<String> {
    let mut data = String::new();
    for ring in geometry.rings() {
        let mut last: Option<(f64, f64)> = None;
        for [lng, lat] in ring.iter().take(ring.len().saturating_sub(1)) {
            let (x, y) = canvas.project(*lng, *lat);
            if last.is_some_and(|(last_x, last_y)| (x - last_x).hypot(y - last_y) < FINEST) {
                continue;
            }
            data.push(if last.is_none() { 'M' } else { 'L' });
            data.push_str(&format!("{} {}", tenth(x), tenth(y)));
            last = Some((x, y));
        }
        if last.is_some() {
            data.push('Z');
        }
    }
    (!data.is_empty()).then_some(data)
}

fn markers(canvas: &Canvas, places: &[Option<(f64, f64)>], numbered: bool) -> Vec<Marker> {
    let mut taken = Taken::default();
    let located = places.iter().enumerate().filter_map(|(index, place)| place.map(|place| (index, place)));
    located
        .map(|(index, (lng, lat))| {
            let place = canvas.project(lng, lat);
            let mark = if numbered { taken.nearest_free(place, canvas.height) } else { place };
            Marker {
                index,
                number: index + 1,
                x: tenth(mark.0),
                y: tenth(mark.1),
                place_x: tenth(place.0),
                place_y: tenth(place.1),
                moved: mark != place,
            }
        })
        .collect()
}

/// Marks already set, by squares of one mark's width.
#[derive(Default)]
struct Taken(HashMap<(i64, i64), Vec<(f64, f64)>>);

impl Taken {
    /// `place` if a mark fits there, else the first free spot on rings around it, clockwise from north. The same places always
    /// give the same spots.
    fn nearest_free(&mut self, place: (f64, f64), height: f64) -> (f64, f64) {
        let rings = (1..=12_u32).flat_map(|ring| (0..ring * 8).map(move |step| (ring, step)));
        let around = rings.map(|(ring, step)| {
            let angle = std::f64::consts::TAU * f64::from(step) / f64::from(ring * 8);
            let distance = f64::from(ring) * (RADIUS + 1.0);
            (place.0 + distance * angle.sin(), place.1 - distance * angle.cos())
        });
        let inside =
            |(x, y): &(f64, f64)| (RADIUS..=WIDTH - RADIUS).contains(x) && (RADIUS..=height - FOOT).contains(y);
        let spot =
            std::iter::once(place).chain(around.filter(inside)).find(|spot| self.is_free(*spot)).unwrap_or(place);
        self.0.entry(square(spot)).or_default().push(spot);
        spot
    }

    fn is_free(&self, (x, y): (f64, f64)) -> bool {
        let (column, row) = square((x, y));
        let near = (column - 1..=column + 1).flat_map(|c| (row - 1..=row + 1).map(move |r| (c, r)));
        near.filter_map(|key| self.0.get(&key))
            .flatten()
            .all(|(other_x, other_y)| (x - other_x).hypot(y - other_y) >= 2.0 * RADIUS)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "canvas coordinates are a few hundred")]
fn square((x, y): (f64, f64)) -> (i64, i64) {
    ((x / (2.0 * RADIUS)).floor() as i64, (y / (2.0 * RADIUS)).floor() as i64)
}

/// Rounded to one decimal; never `-0`.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

#[cfg(test)]
mod tests;
