//! Data cannot become markup: whatever the strings, the tags and attribute names of the page stay the same.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::sample;
use crate::view::*;
use crate::{Crumb, ErrorNotice, Home, HomeEntry, HomeSection, Link, Locale, NavItem, PageBody, Renderer};

static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new().unwrap());

/// A view that shows `word` wherever a view can show text.
fn view(word: &str) -> View {
    let text = || Text::zh(word);
    let title = || Some(text());
    let words = || vec![word.to_owned(); 6];
    let feature = |href: Option<&str>| Feature {
        title: word.into(),
        lat: Some(34.3),
        lng: Some(108.9),
        href: href.map(str::to_owned),
        meta: Some(word.into()),
        tags: words(),
        tone: Tone::Info,
    };
    let item = ListItem {
        title: word.into(),
        href: Some("/a".into()),
        summary: Some(word.into()),
        date: None,
        tags: words(),
        tone: Tone::Info,
    };
    let columns = [("a", ValueType::Text), ("b", ValueType::Status), ("c", ValueType::Number), ("d", ValueType::Link)];
    let cells = ["a", "b", "c"].map(|key| (key.to_owned(), Cell::Value(word.into()))).into_iter();
    let link = ("d".to_owned(), Cell::Link(CellLink { text: word.into(), href: "/d".into() }));
    let value = |href: Option<&str>, value_type| DetailItem {
        label: text(),
        value: word.into(),
        value_type,
        href: href.map(str::to_owned),
    };
    let blocks = vec![
        Block::Text(TextBlock { title: title(), text: text() }),
        Block::Notice(Notice { title: title(), text: text(), tone: Tone::Info }),
        Block::Empty(Empty { title: title(), text: text() }),
        Block::Stats(Stats {
            title: title(),
            items: vec![Stat { label: text(), value: word.into(), unit: Some(word.into()), trend: Some(Trend::Up) }],
        }),
        Block::List(List { title: title(), items: vec![item], page: Some(Pager { n: 1, of: 2, total: 3 }) }),
        Block::Table(Table {
            title: text(),
            columns: columns
                .map(|(key, value_type)| Column { key: key.into(), label: text(), value_type, row_header: key == "a" })
                .to_vec(),
            rows: vec![cells.chain([link]).collect()],
            page: None,
        }),
        Block::Detail(Detail {
            title: title(),
            items: vec![
                value(None, ValueType::Text),
                value(None, ValueType::Status),
                value(Some("/x"), ValueType::Link),
            ],
            tags: words(),
        }),
        Block::Map(Map { title: text(), features: vec![feature(Some("/m")), feature(None)], ..Map::default() }),
        Block::Actions(Actions {
            title: title(),
            items: vec![Action { label: text(), href: "/".into(), tone: Tone::Info }],
        }),
    ];
    View::new("hostile", text(), vec![Block::Section(Section { title: title(), blocks })])
}

/// Pages that show `word` wherever a page can show text.
fn pages(word: &str) -> Vec<String> {
    let home = Home {
        introduction: Some(word.into()),
        entries: vec![HomeEntry { title: word.into(), summary: Some(word.into()), href: "/".into() }],
        sections: vec![HomeSection { title: word.into(), more_href: Some("/".into()), blocks: view(word).blocks }],
    };
    let error = ErrorNotice {
        code: 404,
        heading: word.into(),
        message: word.into(),
        trace_id: Some(word.into()),
        leads_home: true,
    };
    [PageBody::View(view(word)), PageBody::Home(home), PageBody::Error(error)]
        .into_iter()
        .map(|body| {
            let mut page = sample::page(body);
            page.title = word.into();
            page.path = format!("/t/000001/{word}");
            page.nav = vec![NavItem { title: word.into(), href: "/".into(), current: true }];
            page.breadcrumb =
                vec![Crumb { title: word.into(), href: Some("/".into()) }, Crumb { title: word.into(), href: None }];
            let known = || Some(word.to_owned());
            page.site = crate::Site {
                name: format!("{word}."),
                short_name: known(),
                kind: known(),
                organiser: known(),
                undertaker: known(),
                contact: known(),
                code: known(),
                icp: known(),
                police: known(),
                report_error_href: Some("https://www.gov.cn/".into()),
                footer_links: vec![Link { title: word.into(), href: "/".into() }],
            };
            page.meta = crate::Meta {
                site_domain: known(),
                column_name: known(),
                column_description: known(),
                column_keywords: known(),
                column_type: known(),
                article_title: known(),
                pub_date: known(),
                content_source: known(),
                keywords: known(),
                author: known(),
                description: known(),
                url: known(),
            };
            RENDERER.render_page(&page).unwrap()
        })
        .collect()
}

/// The tags of `html` with their attribute names: what a browser would build, without any text or value.
fn skeleton(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let mut tag = String::new();
        let mut quoted = false;
        let mut end = rest.len();
        for (index, c) in rest[start..].char_indices() {
            match c {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = start + index + 1;
                    break;
                }
                _ if !quoted => tag.push(c),
                _ => {}
            }
        }
        tags.push(tag);
        rest = &rest[end..];
    }
    tags
}

fn check_word(word: &str) {
    for (hostile, benign) in pages(word).iter().zip(pages("x")) {
        assert_eq!(skeleton(hostile), skeleton(&benign), "{word:?}");
        assert!(!hostile.to_lowercase().contains("<script"), "{word:?}");
        assert!(!hostile.contains(['\u{202a}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{0}']), "{word:?}");
    }
}

#[test]
fn well_known_attacks_stay_text() {
    for word in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title><script>",
        "--><script>",
        "{{ 7*7 }}",
        "{% raw %}",
        "x\u{202e}fdp.exe",
        "&lt;script&gt;",
        "</textarea></svg></style><b>",
        "`onload=alert(1)`",
        "\u{2066}x",
    ] {
        check_word(&format!("x{word}"));
    }
    assert!(!pages("x{{ 7*7 }}").concat().contains("x49"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_string_changes_the_markup(word in "x([<>\"'&/=`{}%\u{202e}a-z \\PC]|<script|onerror=|javascript:){0,30}") {
        check_word(&word);
    }
}

#[test]
fn addresses_that_are_not_allowed_give_no_page() {
    for href in ["javascript:alert(1)", "//evil.example", "data:text/html,x", "/\\evil.example"] {
        let mut page = sample::page(PageBody::View(view("x")));
        page.nav[0].href = href.into();
        assert!(RENDERER.render_page(&page).is_err(), "{href}");
        let action = Action { label: Text::zh("x"), href: href.into(), tone: Tone::Info };
        let view = View::new("a", Text::zh("x"), vec![Block::Actions(Actions { title: None, items: vec![action] })]);
        assert!(RENDERER.render_view(&view, Locale::ZhCn).is_err(), "{href}");
    }
}
