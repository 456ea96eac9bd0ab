//! Which views pass and which are refused, by type or by check, and where.

use serde_json::{Value, json};

use super::{Problem, check};
use crate::view::{Block, Feature, Map, Text, View};

fn view(block: &Value) -> Value {
    json!({"apiVersion": "view/1", "id": "street-cards.list", "title": {"zh-CN": "名片"}, "blocks": [block]})
}

fn refused(block: &Value) -> (String, Problem) {
    let view: View = serde_json::from_value(view(block)).unwrap();
    let refused = check(&view).unwrap_err();
    (refused.path, refused.problem)
}

#[test]
fn a_view_with_each_kind_passes() {
    let blocks = json!([
        {"kind": "section", "title": {"zh-CN": "一"}, "blocks": [{"kind": "text", "text": {"zh-CN": "二"}}]},
        {"kind": "notice", "text": {"zh-CN": "示例数据"}, "tone": "info"},
        {"kind": "empty", "text": {"zh-CN": "无"}},
        {"kind": "stats", "items": [{"label": {"zh-CN": "宗"}, "value": 3, "unit": "宗", "trend": "up"}]},
        {"kind": "list", "items": [{"title": "甲", "href": "/a", "date": "2026-11-22", "tags": ["示例数据"]}], "page": {"n": 1, "of": 1, "total": 1}},
        {"kind": "table", "title": {"zh-CN": "表"}, "columns": [{"key": "a", "label": {"zh-CN": "甲"}, "type": "link"}], "rows": [{"a": {"text": "x", "href": "/x"}}, {"a": null}]},
        {"kind": "detail", "items": [{"label": {"zh-CN": "电话"}, "value": "029-0000-0001", "href": "tel:029-0000-0001"}], "tags": ["示例数据"]},
        {"kind": "map", "title": {"zh-CN": "图"}, "crs": "CGCS2000", "outline": {"type": "Polygon", "coordinates": [[[108.0, 34.0], [109.0, 34.0], [109.0, 35.0], [108.0, 34.0]]]}, "features": [{"title": "甲", "lat": 34.1, "lng": 108.2}, {"title": "乙"}]},
        {"kind": "actions", "items": [{"label": {"zh-CN": "返回"}, "href": "/"}]}
    ]);
    let mut whole = view(&json!({}));
    whole["blocks"] = blocks;
    let view: View = serde_json::from_value(whole).unwrap();
    assert_eq!(check(&view), Ok(()));
}

#[test]
fn unknown_kinds_and_fields_are_refused_by_type() {
    for block in [
        json!({"kind": "iframe", "src": "/x"}),
        json!({"kind": "text", "text": {"zh-CN": "一"}, "html": "<b>"}),
        json!({"kind": "notice", "text": {"zh-CN": "一"}, "tone": "purple"}),
        json!({"kind": "text", "text": "bare"}),
        json!({"kind": "list", "items": [{"title": "一", "style": "color:red"}]}),
        json!({"kind": "actions", "items": [{"label": {"zh-CN": "一"}, "op": "visit.create"}]}),
        json!({"kind": "map", "features": []}),
        json!({"kind": "map", "title": {"zh-CN": "一"}, "features": [], "outline": {"type": "Point", "coordinates": [1, 2]}}),
        json!({"kind": "table", "title": {"zh-CN": "一"}, "columns": [{"key": "a", "label": {"zh-CN": "a"}}], "rows": [{"a": {"text": "x", "href": "/", "onclick": "x"}}]}),
    ] {
        assert!(serde_json::from_value::<View>(view(&block)).is_err(), "{block}");
    }
    let mut other = view(&json!({"kind": "empty", "text": {"zh-CN": "一"}}));
    other["apiVersion"] = json!("view/2");
    assert!(serde_json::from_value::<View>(other).is_err());
}

#[test]
fn each_problem_names_its_place() {
    let zh = json!({"zh-CN": "一"});
    let columns = json!([{"key": "a", "label": zh}]);
    let ring = |positions: Value| json!({"kind": "map", "title": zh, "features": [], "outline": {"type": "Polygon", "coordinates": [positions]}});
    for (block, path, problem) in [
        (json!({"kind": "text", "text": {}}), "blocks[0].text", Problem::NoWording),
        (
            json!({"kind": "text", "text": {"chinese!": "一"}}),
            "blocks[0].text",
            Problem::Locale { locale: "chinese!".into() },
        ),
        (
            json!({"kind": "text", "text": {"zh-CN": "长".repeat(2001)}}),
            "blocks[0].text",
            Problem::TextTooLong { length: 2001, limit: 2000 },
        ),
        (
            json!({"kind": "list", "items": [{"title": "一", "href": "javascript:alert(1)"}]}),
            "blocks[0].items[0].href",
            Problem::Href { href: "javascript:alert(1)".into() },
        ),
        (
            json!({"kind": "detail", "items": [{"label": zh, "value": 1, "href": "//evil"}]}),
            "blocks[0].items[0].href",
            Problem::Href { href: "//evil".into() },
        ),
        (
            json!({"kind": "actions", "items": [{"label": zh, "href": "/\\evil"}]}),
            "blocks[0].items[0].href",
            Problem::Href { href: "/\\evil".into() },
        ),
        (
            json!({"kind": "map", "title": zh, "features": [{"title": "一", "href": "data:text/html,x"}]}),
            "blocks[0].features[0].href",
            Problem::Href { href: "data:text/html,x".into() },
        ),
        (
            json!({"kind": "list", "items": [{"title": "一", "date": "22/11/2026"}]}),
            "blocks[0].items[0].date",
            Problem::Date { date: "22/11/2026".into() },
        ),
        (
            json!({"kind": "list", "items": [{"title": "一", "tags": ["1", "2", "3", "4", "5", "6", "7"]}]}),
            "blocks[0].items[0].tags",
            Problem::Count { count: 7, least: 0, most: 6 },
        ),
        (
            json!({"kind": "list", "items": [], "page": {"n": 3, "of": 2, "total": 9}}),
            "blocks[0].page",
            Problem::PageNumber { n: 3, of: 2 },
        ),
        (
            json!({"kind": "table", "title": zh, "columns": [], "rows": []}),
            "blocks[0].columns",
            Problem::Count { count: 0, least: 1, most: 24 },
        ),
        (
            json!({"kind": "table", "title": zh, "columns": [{"key": "A b", "label": zh}], "rows": []}),
            "blocks[0].columns[0].key",
            Problem::Key { key: "A b".into() },
        ),
        (
            json!({"kind": "table", "title": zh, "columns": [{"key": "a", "label": zh}, {"key": "a", "label": zh}], "rows": []}),
            "blocks[0].columns[1].key",
            Problem::RepeatedColumn { key: "a".into() },
        ),
        (
            json!({"kind": "table", "title": zh, "columns": columns, "rows": [{"a": 1, "b": 2}]}),
            "blocks[0].rows[0]",
            Problem::CellWithoutColumn { key: "b".into() },
        ),
        (
            json!({"kind": "table", "title": zh, "columns": columns, "rows": [{}]}),
            "blocks[0].rows[0]",
            Problem::MissingCell { key: "a".into() },
        ),
        (
            json!({"kind": "table", "title": zh, "columns": [{"key": "a", "label": zh, "type": "link"}], "rows": [{"a": "x"}]}),
            "blocks[0].rows[0].a",
            Problem::LinkWithoutHref,
        ),
        (
            json!({"kind": "table", "title": zh, "columns": columns, "rows": [{"a": {"text": "x", "href": "vbscript:x"}}]}),
            "blocks[0].rows[0].a.href",
            Problem::Href { href: "vbscript:x".into() },
        ),
        (
            json!({"kind": "map", "title": zh, "features": [{"title": "一", "lat": 34.0}]}),
            "blocks[0].features[0]",
            Problem::HalfPosition,
        ),
        (
            json!({"kind": "map", "title": zh, "features": [{"title": "一", "lat": 108.0, "lng": 34.0}]}),
            "blocks[0].features[0]",
            Problem::Position { lng: 34.0, lat: 108.0 },
        ),
        (ring(json!([[1.0, 2.0], [2.0, 3.0]])), "blocks[0].outline", Problem::Ring { count: 2 }),
        (
            ring(json!([[1.0, 2.0], [2.0, 3.0], [999.0, 1.0], [1.0, 2.0]])),
            "blocks[0].outline",
            Problem::Position { lng: 999.0, lat: 1.0 },
        ),
    ] {
        assert_eq!(refused(&block), (path.to_owned(), problem), "{block}");
    }
}

#[test]
fn coordinates_that_are_not_numbers_are_refused() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let feature = Feature { title: "一".into(), lat: Some(34.0), lng: Some(bad), ..Feature::default() };
        let map = Map { title: Text::zh("图"), features: vec![feature], ..Map::default() };
        let view = View::new("a", Text::zh("一"), vec![Block::Map(map)]);
        assert!(matches!(check(&view).unwrap_err().problem, Problem::Position { .. }));
    }
}

#[test]
fn nesting_blocks_and_features_are_bounded() {
    let nested = |depth: usize| {
        (1..depth).fold(
            json!({"kind": "empty", "text": {"zh-CN": "一"}}),
            |inner, _| json!({"kind": "section", "blocks": [inner]}),
        )
    };
    let at_the_limit: View = serde_json::from_value(view(&nested(6))).unwrap();
    assert_eq!(check(&at_the_limit), Ok(()));
    assert_eq!(refused(&nested(7)).1, Problem::TooDeep { limit: 6 });

    let empty = json!({"kind": "empty", "text": {"zh-CN": "一"}});
    let section = |count: usize| json!({"kind": "section", "blocks": vec![empty.clone(); count]});
    assert_eq!(refused(&section(21)).1, Problem::Count { count: 21, least: 0, most: 20 });
    let many: Vec<Value> = (0..5).map(|_| section(20)).collect();
    let mut whole = view(&empty);
    whole["blocks"] = json!(many);
    let whole: View = serde_json::from_value(whole).unwrap();
    assert_eq!(check(&whole).unwrap_err().problem, Problem::Count { count: 101, least: 1, most: 100 });

    let places = vec![json!({"title": "一"}); 2001];
    let block = json!({"kind": "map", "title": {"zh-CN": "图"}, "features": places});
    assert_eq!(refused(&block), ("blocks[0].features".into(), Problem::Count { count: 2001, least: 0, most: 2000 }));
}

#[test]
fn ids_may_hold_hyphens_and_nothing_stranger() {
    for (id, good) in [
        ("a", true),
        ("street-cards.list", true),
        ("a.b.c.d", true),
        ("a.b.c.d.e", false),
        ("A", false),
        ("", false),
        ("a..b", false),
        ("-a", false),
        ("a b", false),
        ("a/b", false),
        ("../x", false),
    ] {
        let view =
            View::new(id, Text::zh("一"), vec![Block::Empty(crate::view::Empty { title: None, text: Text::zh("无") })]);
        assert_eq!(check(&view).is_ok(), good, "{id}");
    }
}
