//! A whole page: the frame of a portal and what stands in it.
//!
//! Words given here are final (already in the reader's language where there is a choice); words of the interface itself come
//! from `frontend/ui/i18n`. Addresses are final too, except that the frame puts [`Page::base_path`] before its own two links,
//! home and preferences. What is `None` is not known and leaves no trace on the page.

use serde::Serialize;

use crate::form::Form;
use crate::view::{Block, View};

/// A page of one tenant's portal.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Language of the interface.
    pub locale: Locale,
    /// Path at which the portal is mounted, without a slash at the end: `/t/000001`, or nothing when the host names the tenant.
    pub base_path: String,
    /// Path and query of this page as the browser asked for it; preference links come back to it.
    pub path: String,
    /// Whose site it is.
    pub site: Site,
    /// Main navigation.
    pub nav: Vec<NavItem>,
    /// Way from the home page to here, without the home page; the last one is this page.
    pub breadcrumb: Vec<Crumb>,
    /// Heading of the page, and its title in the browser.
    pub title: String,
    /// What stands in `main`.
    pub body: PageBody,
    /// Tags that inspections read.
    pub meta: Meta,
    /// How the reader wants to see it.
    pub preferences: Preferences,
}

/// What stands in the `main` of a portal page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageBody {
    /// A view under the page's title.
    View(View),
    /// The home page.
    Home(Home),
    /// Something went wrong, or is not there.
    Error(ErrorNotice),
    /// Something to fill in.
    Form(Form),
}

/// The home page's own parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Home {
    /// A sentence under the site's name.
    pub introduction: Option<String>,
    /// Ways into the site, as large cards.
    pub entries: Vec<HomeEntry>,
    /// What follows.
    pub sections: Vec<HomeSection>,
}

/// A way into the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HomeEntry {
    /// Name.
    pub title: String,
    /// A sentence about what is there.
    pub summary: Option<String>,
    /// Where it leads.
    pub href: String,
}

/// A part of the home page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HomeSection {
    /// Heading.
    pub title: String,
    /// Link to all of it.
    pub more_href: Option<String>,
    /// What is shown, under the same limits as a view's blocks.
    pub blocks: Vec<Block>,
}

/// Something went wrong, or is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErrorNotice {
    /// HTTP status.
    pub code: u16,
    /// What happened, in a few words.
    pub heading: String,
    /// What the reader can do.
    pub message: String,
    /// What to quote when asking for help.
    pub trace_id: Option<String>,
    /// Whether the home of the site is there to go on from.
    pub leads_home: bool,
}

/// Whose site a page belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Site {
    /// Full name.
    pub name: String,
    /// Short name, under the icon when a reader keeps the site on a phone.
    pub short_name: Option<String>,
    /// What kind of site it is, for instance "政府信息公开平台"; shown in the strip at the top.
    pub kind: Option<String>,
    /// 主办单位.
    pub organiser: Option<String>,
    /// 承办单位.
    pub undertaker: Option<String>,
    /// 联系方式.
    pub contact: Option<String>,
    /// 网站标识码.
    pub code: Option<String>,
    /// ICP备案号.
    pub icp: Option<String>,
    /// 公安备案号.
    pub police: Option<String>,
    /// Address of "我为政府网站找错" for this site.
    pub report_error_href: Option<String>,
    /// Further links of the footer, for instance the site map and the accessibility statement.
    pub footer_links: Vec<Link>,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What is read.
    pub title: String,
    /// Where it leads.
    pub href: String,
}

/// An item of the main navigation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NavItem {
    /// What is read.
    pub title: String,
    /// Where it leads.
    pub href: String,
    /// This page is it, or below it.
    pub current: bool,
}

/// A step of the way to a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Crumb {
    /// What is read.
    pub title: String,
    /// Where it leads; `None` for the page itself.
    pub href: Option<String>,
}

/// Page tags of 《政府网站发展指引》 that are not already in [`Site`] (`SiteName` and `SiteIDCode` are).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Meta {
    /// `SiteDomain`.
    pub site_domain: Option<String>,
    /// `ColumnName`.
    pub column_name: Option<String>,
    /// `ColumnDescription`.
    pub column_description: Option<String>,
    /// `ColumnKeywords`.
    pub column_keywords: Option<String>,
    /// `ColumnType`.
    pub column_type: Option<String>,
    /// `ArticleTitle`.
    pub article_title: Option<String>,
    /// `PubDate`, as `yyyy-MM-dd HH:mm`.
    pub pub_date: Option<String>,
    /// `ContentSource`.
    pub content_source: Option<String>,
    /// `Keywords`.
    pub keywords: Option<String>,
    /// `Author`.
    pub author: Option<String>,
    /// `Description`.
    pub description: Option<String>,
    /// `Url`.
    pub url: Option<String>,
}

/// How a reader wants to see pages. The server keeps it in cookies, which the links `{base}/preferences?…&back=…` set:
/// `fs=1|2|3`, `theme=default|high-contrast`, `mode=standard|elder`, `lang=zh-CN|en`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Text size.
    pub font_scale: FontScale,
    /// Colours.
    pub theme: Theme,
    /// 长者版 or not.
    pub mode: Mode,
}

/// Text size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FontScale {
    /// 标准.
    #[default]
    Standard,
    /// 大.
    Large,
    /// 特大.
    ExtraLarge,
}

impl FontScale {
    /// Every size, small to large.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Large, Self::ExtraLarge];

    /// Its value in links and in `data-fs`: `1`, `2` or `3`.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Standard => "1",
            Self::Large => "2",
            Self::ExtraLarge => "3",
        }
    }

    /// The size with that value.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scale| scale.value() == value)
    }
}

/// Colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// The site's own.
    #[default]
    Default,
    /// 高对比度.
    HighContrast,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 2] = [Self::Default, Self::HighContrast];

    /// Its value in links and in `data-theme`.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::HighContrast => "high-contrast",
        }
    }

    /// The theme with that value.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.value() == value)
    }
}

/// The usual pages, or those for older readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The usual pages.
    #[default]
    Standard,
    /// 长者版: one column, larger text, stronger contrast.
    Elder,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Elder];

    /// Its value in links and in `data-mode`.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Elder => "elder",
        }
    }

    /// The mode with that value.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.value() == value)
    }
}

/// A language of the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locale {
    /// Chinese as written in mainland China.
    #[default]
    ZhCn,
    /// English.
    En,
}

impl Locale {
    /// Every language of the interface.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// Its tag in links, in `lang` and in texts.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// The language with that tag.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.tag() == tag)
    }
}

/// A page of the platform itself, where the host names no tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct PlatformPage {
    /// Language of the interface.
    pub locale: Locale,
    /// Path and query of this page.
    pub path: String,
    /// Name of the platform.
    pub name: String,
    /// What stands in `main`.
    pub body: PlatformBody,
    /// How the reader wants to see it.
    pub preferences: Preferences,
}

/// What stands in the `main` of a platform page.
#[derive(Clone, Debug, PartialEq)]
pub enum PlatformBody {
    /// The sites on this platform.
    Tenants {
        /// Each of them.
        tenants: Vec<TenantLink>,
        /// Where another authority gets one by itself, if it can.
        subscribe: Option<Link>,
    },
    /// Something went wrong, or is not there.
    Error(ErrorNotice),
    /// Something to fill in.
    Form {
        /// Heading of the page, and its title in the browser.
        title: String,
        /// What is filled in.
        form: Form,
    },
}

/// A site on this platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TenantLink {
    /// Its name.
    pub name: String,
    /// A few words about it, for instance its level.
    pub summary: Option<String>,
    /// Its home page.
    pub href: String,
}
