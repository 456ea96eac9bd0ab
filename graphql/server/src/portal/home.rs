//! A tenant's home: a way into each of its packages.

use sunlit_app::{AppError, Reading};
use sunlit_pages::{Home, HomeEntry, Page, PageBody};

use super::Frame;

/// The home page.
///
/// # Errors
/// None now; pages that read content will have some.
pub async fn page(reading: &Reading, frame: &Frame<'_>) -> Result<Page, AppError> {
    let entries = reading.context().packages.iter().flat_map(|installed| {
        let manifest = &installed.package.manifest;
        manifest.views.iter().filter(|view| view.nav).map(|view| HomeEntry {
            title: view.title.get(frame.locale).to_owned(),
            summary: manifest.plugin.description.as_ref().map(|text| text.get(frame.locale).to_owned()),
            href: format!("{}/p/{}{}", frame.base, manifest.plugin.id, view.path),
        })
    });
    let home = Home { entries: entries.collect(), ..Home::default() };
    let title = frame.tenant.name.get(frame.locale).to_owned();
    Ok(frame.page(reading, None, title, Vec::new(), PageBody::Home(home)))
}
