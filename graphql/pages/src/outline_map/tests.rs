//! Where things land on the canvas.

use super::{FOOT, MARGIN, RADIUS, WIDTH, sketch};
use crate::view::Geometry;

fn square(west: f64, south: f64, side: f64) -> Geometry {
    let (east, north) = (west + side, south + side);
    Geometry::Polygon {
        coordinates: vec![vec![[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }
}

#[test]
fn north_is_up_east_is_right_and_the_drawing_is_centred() {
    let places = [Some((108.0, 34.0)), Some((109.0, 35.0)), Some((108.5, 34.5))];
    let drawn = sketch(None, &places).unwrap();
    let [south_west, north_east, middle] = [0, 1, 2].map(|index| &drawn.markers[index]);
    assert!(south_west.x < north_east.x && south_west.y > north_east.y);
    assert!((middle.x - WIDTH / 2.0).abs() < 0.1 && (middle.y - (drawn.height - FOOT) / 2.0).abs() < 0.1);
    assert!(north_east.y >= MARGIN - 0.1 && south_west.y <= drawn.height - FOOT - MARGIN + 0.1);
}

#[test]
fn a_degree_of_longitude_is_shorter_by_the_cosine_of_the_latitude() {
    let places = [Some((100.0, 59.5)), Some((101.0, 59.5)), Some((100.0, 60.5))];
    let drawn = sketch(None, &places).unwrap();
    let east = drawn.markers[1].x - drawn.markers[0].x;
    let north = drawn.markers[0].y - drawn.markers[2].y;
    assert!((east / north - 0.5).abs() < 0.005, "{east} / {north}");
}

#[test]
fn the_scale_bar_has_the_length_it_says() {
    // One degree of latitude is 111.195 km, here over the height of the drawing.
    let drawn = sketch(Some(&square(108.0, 34.0, 1.0)), &[]).unwrap();
    let path = drawn.outline.unwrap();
    let ys: Vec<f64> = path.split(['M', 'L', 'Z']).filter_map(|pair| pair.split(' ').nth(1)?.parse().ok()).collect();
    let high = ys.iter().copied().fold(f64::MIN, f64::max) - ys.iter().copied().fold(f64::MAX, f64::min);
    let bar = drawn.scale.x2 - drawn.scale.x1;
    assert_eq!((drawn.scale.length, drawn.scale.unit), (20, "km"));
    assert!((bar / high * 111.195 - 20.0).abs() < 0.1, "{bar} / {high}");
}

#[test]
fn nothing_gives_no_sketch_and_one_place_gives_a_small_one() {
    assert_eq!(sketch(None, &[]), None);
    assert_eq!(sketch(None, &[None, None]), None);
    assert_eq!(sketch(Some(&Geometry::MultiPolygon { coordinates: vec![] }), &[None]), None);
    let one = sketch(None, &[None, Some((108.9, 34.3))]).unwrap();
    assert_eq!(one.markers.len(), 1);
    assert_eq!((one.markers[0].index, one.markers[0].number), (1, 2));
    assert!((one.markers[0].x - WIDTH / 2.0).abs() < 0.1);
    assert_eq!(one.scale.unit, "m");
}

#[test]
fn marks_of_one_place_stand_apart_and_always_in_the_same_spots() {
    let places = vec![Some((108.9, 34.3)); 30];
    let drawn = sketch(Some(&square(108.8, 34.2, 0.2)), &places).unwrap();
    for (index, a) in drawn.markers.iter().enumerate() {
        assert!(a.x >= RADIUS && a.x <= WIDTH - RADIUS && a.y >= RADIUS && a.y <= drawn.height - FOOT);
        for b in &drawn.markers[..index] {
            assert!((a.x - b.x).hypot(a.y - b.y) >= 2.0 * RADIUS - 0.2, "{a:?} {b:?}");
        }
    }
    assert_eq!(drawn.markers.iter().filter(|marker| !marker.moved).count(), 1);
    assert_eq!(sketch(Some(&square(108.8, 34.2, 0.2)), &places).unwrap(), drawn);
}

#[test]
fn a_crowd_is_drawn_as_dots_where_the_places_are() {
    let places = vec![Some((108.9, 34.3)); 2000];
    let drawn = sketch(None, &places).unwrap();
    assert!(!drawn.numbered && drawn.markers.iter().all(|marker| !marker.moved));
}

#[test]
fn an_outline_is_drawn_with_one_decimal_and_without_needless_positions() {
    let mut ring: Vec<[f64; 2]> = (0..5000)
        .map(|step| f64::from(step) / 5000.0 * std::f64::consts::TAU)
        .map(|a| [108.0 + a.cos(), 34.0 + a.sin()])
        .collect();
    ring.push(ring[0]);
    let path = sketch(Some(&Geometry::Polygon { coordinates: vec![ring] }), &[]).unwrap().outline.unwrap();
    assert!(path.starts_with('M') && path.ends_with('Z') && path.matches('L').count() < 2500);
    for number in path.split(['M', 'L', 'Z', ' ']).filter(|part| !part.is_empty()) {
        assert!(number.split_once('.').is_none_or(|(_, decimals)| decimals.len() == 1), "{number}");
    }
}
