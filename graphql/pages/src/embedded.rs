//! The files of `frontend/` that are part of this crate.

use rust_embed::RustEmbed;

/// Blocks, parts, tokens and words: what portal and console share.
#[derive(RustEmbed)]
#[folder = "../../frontend/ui/"]
#[include = "*.html"]
#[include = "*.css"]
#[include = "i18n/*.json"]
#[exclude = "*/examples/*"]
pub(crate) struct Ui;

/// Pages and frame of the portal.
#[derive(RustEmbed)]
#[folder = "../../frontend/portal/"]
#[include = "*.html"]
#[include = "*.css"]
#[include = "*.svg"]
pub(crate) struct Portal;

/// Text of the file `name` of `Files`; `None` if there is none or it is not UTF-8.
pub(crate) fn text<Files: RustEmbed>(name: &str) -> Option<String> {
    String::from_utf8(Files::get(name)?.data.into_owned()).ok()
}

/// Names of the files of `Files` that end in `ending`, sorted.
pub(crate) fn names<Files: RustEmbed>(ending: &str) -> Vec<String> {
    let mut names: Vec<String> =
        Files::iter().map(std::borrow::Cow::into_owned).filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}
