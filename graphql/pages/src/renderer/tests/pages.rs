//! What a portal page promises.

use super::sample;
use crate::view::{Block, Cell, Column, Empty, Feature, Map, Section, Table, Text, View};
use crate::{
    FontScale, Link, Locale, Mode, Page, PageBody, PlatformBody, Preferences, RenderError, Renderer, Site, Theme,
};

fn render(page: &Page) -> String {
    Renderer::new().unwrap().render_page(page).unwrap()
}

fn page() -> Page {
    sample::page(PageBody::View(sample::view()))
}

#[test]
fn pages_need_no_script_and_no_inline_style() {
    let renderer = Renderer::new().unwrap();
    let bodies = [PageBody::View(sample::view()), PageBody::Home(sample::home()), PageBody::Error(sample::error())];
    let mut pages: Vec<String> = bodies.into_iter().map(|body| render(&sample::page(body))).collect();
    pages.push(renderer.render_platform(&sample::platform()).unwrap());
    for html in pages {
        for forbidden in
            ["<script", "<style", " style=", "javascript:", " onload=", " onclick=", " onerror=", "<iframe", "<base"]
        {
            assert!(!html.contains(forbidden), "{forbidden} in {html}");
        }
        assert!(html.starts_with(
            "<!doctype html>\n<html lang=\"zh-CN\" data-fs=\"1\" data-theme=\"default\" data-mode=\"standard\">"
        ));
        assert!(html.contains(&renderer.stylesheet().path));
        assert_eq!(html.matches("<h1").count(), 1);
        assert_eq!(html.matches("<main").count(), 1);
    }
}

#[test]
fn preferences_are_set_by_the_server_and_their_links_come_back() {
    let mut page = page();
    page.preferences = Preferences { font_scale: FontScale::ExtraLarge, theme: Theme::HighContrast, mode: Mode::Elder };
    let html = render(&page);
    assert!(html.contains("data-fs=\"3\" data-theme=\"high-contrast\" data-mode=\"elder\""));
    assert!(html.contains("退出长者版") && html.contains("退出高对比度"));
    let back = "back=%2Ft%2F000001%2Fp%2Fstreet-cards%3Fpage%3D2%26kind%3D%E5%95%86%E8%B4%B8";
    for setting in ["fs=1", "fs=2", "fs=3", "theme=default", "mode=standard", "lang=en"] {
        let link = format!("/preferences?{setting}&amp;{back}");
        assert!(html.contains(&link), "{link}");
    }
}

#[test]
fn the_footer_shows_only_what_is_known() {
    let mut page = page();
    page.site = Site { name: "示例区".into(), ..Site::default() };
    let html = render(&page);
    for word in ["主办单位", "承办单位", "联系方式", "网站标识码", "ICP", "公安备案", "找错"] {
        assert!(!html.contains(word), "{word}");
    }
    page.site.icp = Some("示例ICP备00000000号".into());
    page.site.report_error_href = Some("https://www.gov.cn/".into());
    let html = render(&page);
    assert!(html.contains("ICP备案号") && html.contains("我为政府网站找错"));
}

#[test]
fn page_tags_are_there_when_known() {
    let html = render(&page());
    for tag in [
        "name=\"SiteName\" content=\"示例区政务公开\"",
        "name=\"SiteIDCode\" content=\"0000010001\"",
        "name=\"ColumnName\"",
        "name=\"PubDate\"",
    ] {
        assert!(html.contains(tag), "{tag}");
    }
    assert!(!html.contains("ArticleTitle") && !html.contains("SiteDomain"));
}

#[test]
fn sample_data_is_marked_in_words() {
    let html = render(&page());
    assert!(html.matches("示例数据").count() > 12);
}

#[test]
fn an_english_page_says_which_words_are_chinese() {
    let mut page = page();
    page.locale = Locale::En;
    let html = render(&page);
    assert!(html.contains("<html lang=\"en\"") && html.contains("Skip to content"));
    assert!(html.contains("<h1 class=\"page-title\" lang=\"zh-CN\">街道名片</h1>"));
    assert!(html.contains("lang=\"zh-CN\" hreflang=\"zh-CN\">中文</a>"));
}

#[test]
fn a_platform_page_can_say_that_no_site_is_there() {
    let mut page = sample::platform();
    page.body = PlatformBody::Error(sample::error());
    let html = Renderer::new().unwrap().render_platform(&page).unwrap();
    assert!(html.contains("没有找到这个页面") && html.contains("404"));
    let subscribe = Some(Link { title: "开通".to_owned(), href: "/subscribe".to_owned() });
    page.body = PlatformBody::Tenants { tenants: Vec::new(), subscribe };
    let html = Renderer::new().unwrap().render_platform(&page).unwrap();
    assert!(html.contains("暂无站点") && html.contains("<a href=\"/subscribe\">开通</a>"), "{html}");
}

#[test]
fn a_view_that_breaks_a_limit_is_refused_with_its_place() {
    let view = View::new("a", Text::zh("甲"), vec![Block::Empty(Empty { title: None, text: Text::default() })]);
    let error = Renderer::new().unwrap().render_view(&view, Locale::ZhCn).unwrap_err();
    assert!(matches!(&error, RenderError::View(refused) if refused.path == "blocks[0].text"));
    assert_eq!(
        error.to_string(),
        "view `a`, blocks[0].text: the text has no wording; give it at least one locale, for instance `zh-CN`"
    );
}

#[test]
fn the_largest_views_allowed_do_not_run_out_of_fuel() {
    let renderer = Renderer::new().unwrap();
    let feature = |index: u32| Feature {
        title: format!("点位{index}"),
        lat: Some(30.0 + f64::from(index) / 1000.0),
        lng: Some(108.0),
        href: Some("/".into()),
        meta: Some("甲".into()),
        tags: vec!["示例数据".into(); 6],
        ..Feature::default()
    };
    let map = Map { title: Text::zh("图"), features: (0..2000).map(feature).collect(), ..Map::default() };
    assert!(renderer.render_view(&View::new("a", Text::zh("甲"), vec![Block::Map(map)]), Locale::ZhCn).is_ok());

    let keys: Vec<String> = (0..24).map(|index| format!("k{index}")).collect();
    let row = || keys.iter().map(|key| (key.clone(), Cell::Value(1234.into()))).collect();
    let table = || {
        Block::Table(Table {
            title: Text::zh("表"),
            columns: keys
                .iter()
                .map(|key| Column { key: key.clone(), label: Text::zh("列"), ..Column::default() })
                .collect(),
            rows: (0..200).map(|_| row()).collect(),
            page: None,
        })
    };
    let section = Block::Section(Section { title: None, blocks: (0..10).map(|_| table()).collect() });
    assert!(renderer.render_view(&View::new("a", Text::zh("甲"), vec![section]), Locale::ZhCn).is_ok());
}
