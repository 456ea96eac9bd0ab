//! Templates, compiled once, and the functions that fill them.

use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, merge_maps};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::assets::{self, Asset};
use crate::check::{ViewRefused, check};
use crate::embedded::{Portal, Ui, names, text};
use crate::page::{Home, Locale, Page, PageBody, PlatformBody, PlatformPage, Preferences};
use crate::view::{Text, View};
use crate::words::Words;
use crate::{filters, present};

/// Steps a template may take: several times what the largest view allowed needs.
const FUEL: u64 = 50_000_000;

/// Why there is no HTML.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The view breaks a limit; whoever made it must mend it.
    #[error(transparent)]
    View(#[from] ViewRefused),
    /// A template failed, or an address of the page is not allowed.
    #[error("template failed: {0:#}")]
    Template(#[from] minijinja::Error),
    /// The view could not be turned into template values.
    #[error("view could not be presented: {0}")]
    Present(#[from] serde_json::Error),
    /// An embedded file is missing or broken; this build is not usable.
    #[error("embedded file: {0}")]
    Embedded(String),
}

/// Turns views and pages into HTML. Make one and share it.
#[derive(Debug)]
pub struct Renderer {
    environment: Environment<'static>,
    assets: [Asset; 2],
}

impl Renderer {
    /// Compiles the embedded templates.
    ///
    /// # Errors
    /// If a template does not compile or a word list is missing: a fault of the build, not of data.
    pub fn new() -> Result<Self, RenderError> {
        let words = Words::load(text::<Ui>).map_err(RenderError::Embedded)?;
        Ok(Self { environment: environment(words)?, assets: [assets::stylesheet(), assets::icon()] })
    }

    /// The style sheet every page asks for.
    #[must_use]
    pub fn stylesheet(&self) -> &Asset {
        &self.assets[0]
    }

    /// Everything pages ask for, the style sheet first.
    #[must_use]
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// A view as a fragment: `<div class="view">…</div>`, headings from `h2`.
    ///
    /// # Errors
    /// [`RenderError::View`] if the view breaks a limit.
    pub fn render_view(&self, view: &View, locale: Locale) -> Result<String, RenderError> {
        check(view)?;
        let context = context! { locale => locale.tag(), level => 2, view => Value::from(Serde(present::view(view)?)) };
        Ok(self.environment.get_template("parts/view.html")?.render(context)?)
    }

    /// A page of a portal, whole.
    ///
    /// # Errors
    /// [`RenderError::View`] if its view, or a section of a home page, breaks a limit; [`RenderError::Template`] if an address
    /// is not allowed.
    pub fn render_page(&self, page: &Page) -> Result<String, RenderError> {
        let (template, body) = self.body(&page.body)?;
        let context = context! {
            base_path => page.base_path.trim_end_matches('/'),
            home_path => format!("{}/", page.base_path.trim_end_matches('/')),
            site => Value::from(Serde(&page.site)),
            nav => Value::from(Serde(&page.nav)),
            breadcrumb => Value::from(Serde(&page.breadcrumb)),
            title => &page.title,
            meta => Value::from(Serde(&page.meta)),
            ..merge_maps([body, self.frame(page.locale, &page.path, page.preferences)])
        };
        Ok(self.environment.get_template(template)?.render(context)?)
    }

    /// A page of the platform, whole.
    ///
    /// # Errors
    /// [`RenderError::Template`] if an address is not allowed.
    pub fn render_platform(&self, page: &PlatformPage) -> Result<String, RenderError> {
        let (template, body) = match &page.body {
            PlatformBody::Tenants { tenants, subscribe } => {
                let (tenants, subscribe) = (Value::from(Serde(tenants)), Value::from(Serde(subscribe)));
                ("pages/platform.html", context! { tenants, subscribe, title => &page.name })
            }
            PlatformBody::Error(error) => {
                ("pages/error.html", context! { error => Value::from(Serde(error)), title => &error.heading })
            }
            PlatformBody::Form { title, form } => {
                ("pages/form.html", context! { form => Value::from(Serde(form)), title })
            }
        };
        let context = context! {
            base_path => "",
            home_path => "/",
            site => context! { name => &page.name, footer_links => Vec::<Value>::new() },
            nav => Vec::<Value>::new(),
            breadcrumb => Vec::<Value>::new(),
            meta => context! {},
            ..merge_maps([body, self.frame(page.locale, &page.path, page.preferences)])
        };
        Ok(self.environment.get_template(template)?.render(context)?)
    }

    fn body(&self, body: &PageBody) -> Result<(&'static str, Value), RenderError> {
        Ok(match body {
            PageBody::View(view) => {
                check(view)?;
                ("pages/view.html", context! { view => Value::from(Serde(present::view(view)?)) })
            }
            PageBody::Home(home) => ("pages/home.html", home_context(home)?),
            PageBody::Error(error) => ("pages/error.html", context! { error => Value::from(Serde(error)) }),
            PageBody::Form(form) => ("pages/form.html", context! { form => Value::from(Serde(form)) }),
        })
    }

    fn frame(&self, locale: Locale, path: &str, preferences: Preferences) -> Value {
        context! {
            locale => locale.tag(),
            path,
            font_scale => preferences.font_scale.value(),
            theme => preferences.theme.value(),
            mode => preferences.mode.value(),
            level => 2,
            stylesheet => &self.assets[0].path,
            icon => &self.assets[1].path,
        }
    }
}

fn home_context(home: &Home) -> Result<Value, RenderError> {
    let mut sections = Vec::new();
    for (index, section) in home.sections.iter().enumerate() {
        if !section.blocks.is_empty() {
            check(&View::new("home", Text::zh(section.title.as_str()), section.blocks.clone()))?;
        }
        sections.push(context! {
            title => &section.title,
            more_href => section.more_href.as_deref(),
            blocks => Value::from(Serde(present::blocks(&section.blocks, &format!("s{index}-"))?)),
        });
    }
    Ok(
        context! { introduction => home.introduction.as_deref(), entries => Value::from(Serde(&home.entries)), sections },
    )
}

fn environment(words: Words) -> Result<Environment<'static>, RenderError> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    filters::add(&mut environment, Arc::new(words));
    for name in names::<Ui>(".html") {
        let source = text::<Ui>(&name).unwrap_or_default();
        environment.add_template_owned(name, source)?;
    }
    for name in names::<Portal>(".html") {
        let source = text::<Portal>(&name).unwrap_or_default();
        environment.add_template_owned(name, source)?;
    }
    Ok(environment)
}

#[cfg(test)]
mod tests;
