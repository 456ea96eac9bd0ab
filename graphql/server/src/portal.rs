//! Fills declared views with data and puts them into the portal's frame. Rendering is `sunlit-pages`' business.

pub mod files;
pub mod fill;
pub mod home;
pub mod show;
pub mod view;

use sunlit_app::Reading;
use sunlit_domain::Locale;
use sunlit_domain::error_code::message;
use sunlit_pages::Text;
use sunlit_pages::{Crumb, ErrorNotice, Meta, NavItem, Page, PageBody, Preferences, Site};
use sunlit_storage::platform::tenant::Tenant;

/// What a page of a tenant stands in.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Whose page it is.
    pub tenant: &'a Tenant,
    /// The reader's language.
    pub locale: Locale,
    /// What comes before every path: `/t/<slug>` or nothing.
    pub base: &'a str,
    /// Path and query as asked for.
    pub path: &'a str,
    /// How the reader wants pages.
    pub preferences: Preferences,
}

impl Frame<'_> {
    /// The page with this body; `package` is the one whose page it is.
    pub(crate) fn page(
        &self,
        reading: &Reading,
        package: Option<&str>,
        title: String,
        crumbs: Vec<Crumb>,
        body: PageBody,
    ) -> Page {
        self.framed(self.navigation(reading, package), package, title, crumbs, body)
    }

    fn framed(
        &self,
        nav: Vec<NavItem>,
        package: Option<&str>,
        title: String,
        crumbs: Vec<Crumb>,
        body: PageBody,
    ) -> Page {
        let name = self.tenant.name.get(self.locale);
        Page {
            locale: locale(self.locale),
            base_path: self.base.to_owned(),
            path: self.path.to_owned(),
            site: Site {
                name: name.to_owned(),
                short_name: Some(self.tenant.short_name.get(self.locale).to_owned()),
                organiser: Some(name.to_owned()),
                ..Site::default()
            },
            nav,
            breadcrumb: crumbs,
            meta: Meta { article_title: package.map(|_| title.clone()), ..Meta::default() },
            title,
            body,
            preferences: self.preferences,
        }
    }

    /// A page that says what went wrong, in the tenant's frame.
    pub(crate) fn error_page(&self, notice: ErrorNotice) -> Page {
        let title = notice.heading.clone();
        self.framed(Vec::new(), None, title, Vec::new(), PageBody::Error(notice))
    }

    fn navigation(&self, reading: &Reading, package: Option<&str>) -> Vec<NavItem> {
        let installed = reading.context().packages.iter();
        let views = installed.flat_map(|installed| {
            let manifest = &installed.package.manifest;
            manifest.views.iter().filter(|view| view.nav).map(move |view| (manifest, view))
        });
        views
            .map(|(manifest, view)| NavItem {
                title: view.title.get(self.locale).to_owned(),
                href: format!("{}/p/{}{}", self.base, manifest.plugin.id, view.path),
                current: package == Some(manifest.plugin.id.as_str()),
            })
            .collect()
    }
}

/// A domain locale as the renderer knows it.
#[must_use]
pub fn locale(locale: Locale) -> sunlit_pages::Locale {
    match locale {
        Locale::Zh => sunlit_pages::Locale::ZhCn,
        Locale::En => sunlit_pages::Locale::En,
    }
}

/// A domain text as the renderer knows it.
#[must_use]
pub fn text(text: &sunlit_domain::LocalText) -> Text {
    let mut all = Text::zh(text.zh.as_str());
    if let Some(english) = &text.en {
        all.0.insert("en".to_owned(), english.clone());
    }
    all
}

/// The product's name.
#[must_use]
pub fn platform_name(locale: Locale) -> String {
    message("platform.name", locale).to_owned()
}

/// A text of the translation files in all languages.
pub(crate) fn words(key: &str) -> sunlit_domain::LocalText {
    sunlit_domain::LocalText { zh: message(key, Locale::Zh).to_owned(), en: Some(message(key, Locale::En).to_owned()) }
}
