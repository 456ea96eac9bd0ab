//! Pages for the tests. Names and numbers are made up.

use crate::view::{Block, Geometry, List, ListItem, Map, Notice, Text, Tone, View};
use crate::{
    Crumb, ErrorNotice, Form, FormField, FormPart, FormProblem, Home, HomeEntry, HomeSection, Link, Locale, Meta,
    Named, NavItem, Page, PageBody, Picture, PlatformBody, PlatformPage, Preferences, Site, TenantLink,
};

pub(super) fn page(body: PageBody) -> Page {
    let nav = [
        ("首页", "/t/000001/", false),
        ("街道名片", "/t/000001/p/street-cards", true),
        ("信息公开", "/t/000001/p/disclosure", false),
    ];
    Page {
        locale: Locale::ZhCn,
        base_path: "/t/000001".into(),
        path: "/t/000001/p/street-cards?page=2&kind=商贸".into(),
        site: Site {
            name: "示例区政务公开".into(),
            short_name: Some("示例区".into()),
            kind: Some("政府信息公开平台".into()),
            organiser: Some("示例区人民政府办公室".into()),
            code: Some("0000010001".into()),
            footer_links: vec![Link { title: "网站地图".into(), href: "/t/000001/site-map".into() }],
            ..Site::default()
        },
        nav: nav.map(|(title, href, current)| NavItem { title: title.into(), href: href.into(), current }).to_vec(),
        breadcrumb: vec![Crumb { title: "街道名片".into(), href: None }],
        title: "街道名片".into(),
        body,
        meta: Meta {
            column_name: Some("街道名片".into()),
            pub_date: Some("2026-11-22 09:00".into()),
            ..Meta::default()
        },
        preferences: Preferences::default(),
    }
}

pub(super) fn view() -> View {
    let notice = Notice {
        title: Some(Text::zh("示例数据")),
        text: Text::zh("本页内容为示例，由街道填报后更新。"),
        tone: Tone::Warning,
    };
    let edge = vec![[108.8, 34.25], [109.04, 34.25], [109.02, 34.43], [108.9, 34.4], [108.8, 34.25]];
    let map = Map {
        title: Text::zh("街道分布"),
        outline: Some(Geometry::Polygon { coordinates: vec![edge] }),
        features: (1..=12).map(place).collect(),
        ..Map::default()
    };
    View::new("street-cards.list", Text::zh("街道名片"), vec![Block::Notice(notice), Block::Map(map)])
}

fn place(number: u32) -> crate::view::Feature {
    let (row, column) = (f64::from(number / 4), f64::from(number % 4));
    crate::view::Feature {
        title: format!("示例{number}街道"),
        lat: Some(34.27 + row * 0.03),
        lng: Some(108.84 + column * 0.03 * f64::from(number % 3)),
        href: Some(format!("/t/000001/p/street-cards/{number}")),
        meta: Some("商贸服务、社区商业".into()),
        tags: vec!["示例数据".into()],
        ..crate::view::Feature::default()
    }
}

pub(super) fn home() -> Home {
    let entry = |title: &str, summary: &str| HomeEntry {
        title: title.into(),
        summary: Some(summary.into()),
        href: "/t/000001/p/street-cards".into(),
    };
    let item = |title: &str| ListItem {
        title: title.into(),
        href: Some("/t/000001/p/street-cards/1".into()),
        summary: Some("辖区概况由街道填报。".into()),
        date: Some("2026-11-22".into()),
        tags: vec!["示例数据".into()],
        ..ListItem::default()
    };
    let list = List {
        title: None, items: ["示例一街道", "示例二街道", "示例三街道"].map(item).to_vec(), page: None
    };
    Home {
        introduction: Some("查阅示例区依法主动公开的政府信息。".into()),
        entries: vec![
            entry("街道名片", "各街道的概况、位置与办事点"),
            entry("政府信息公开", "指南、制度、法定主动公开内容"),
            entry("依申请公开", "提出申请，查询进度"),
        ],
        sections: vec![HomeSection {
            title: "最近更新".into(),
            more_href: Some("/t/000001/p/street-cards".into()),
            blocks: vec![Block::List(list)],
        }],
    }
}

pub(super) fn error() -> ErrorNotice {
    ErrorNotice {
        code: 404,
        heading: "没有找到这个页面".into(),
        message: "页面可能已移动或撤下。\n请从首页重新进入。".into(),
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".into()),
        leads_home: true,
    }
}

pub(super) fn platform() -> PlatformPage {
    let tenant = |name: &str, summary: &str, slug: &str| TenantLink {
        name: name.into(),
        summary: Some(summary.into()),
        href: format!("/t/{slug}/"),
    };
    PlatformPage {
        locale: Locale::ZhCn,
        path: "/".into(),
        name: "阳光政务".into(),
        body: PlatformBody::Tenants {
            tenants: vec![
                tenant("示例省", "省级", "000000"),
                tenant("示例市", "市级", "000100"),
                tenant("示例区", "区级", "000101"),
            ],
            subscribe: None,
        },
        preferences: Preferences::default(),
    }
}

pub(super) fn form() -> Form {
    let field = |name: &str, label: &str, kind, autocomplete| FormField {
        name: name.into(),
        label: label.into(),
        kind,
        autocomplete,
        ..FormField::default()
    };
    let email = FormField { value: "li@example.org".into(), ..field("email", "邮箱", "email", "username") };
    let password = FormField {
        hint: Some("至少 10 个字符".into()),
        wrong: true,
        ..field("password", "密码", "password", "current-password")
    };
    let part = FormPart {
        action: "/t/000001/auth/sign-in".into(),
        hidden: vec![Named { title: "back".into(), text: "<account>".into() }],
        fields: vec![email, password, field("code", "动态验证码", "text", "one-time-code")],
        submit: "登录".into(),
    };
    Form {
        problems: vec![FormProblem { field: Some("password".into()), text: "邮箱或密码不正确".into() }],
        introduction: vec!["工作人员登录。".into()],
        facts: vec![Named { title: "密钥".into(), text: "GEZD GNBV".into() }],
        picture: Some(Picture { source: "data:image/svg+xml;base64,PHN2Zy8+".into(), text: "二维码".into() }),
        parts: vec![part],
        links: vec![Link { title: "忘记密码".into(), href: "/t/000001/auth/reset".into() }],
    }
}
