//! A page that a package declares.

use std::collections::BTreeMap;

use sunlit_app::query::record_get;
use sunlit_app::{AppError, Reading};
use sunlit_domain::manifest::View;
use sunlit_domain::record::Record;
use sunlit_pages::{Crumb, Page, PageBody};

use super::{Frame, fill, show, text};

/// The page at `path` below the package's prefix.
///
/// # Errors
/// [`AppError::NotFound`] when no view has the path, or it names no record that the reader may read.
pub async fn page(reading: &Reading, frame: &Frame<'_>, package: &str, path: &str) -> Result<Page, AppError> {
    let installed = reading.context().package(package)?;
    let manifest = &installed.package.manifest;
    let matched = manifest.views.iter().find_map(|view| Some((view, view.matches(path)?)));
    let (view, values) = matched.ok_or(AppError::NotFound)?;
    let record = record(reading, package, view, &values).await?;
    let title = title(reading, package, view, record.as_ref(), frame)?;
    let blocks = fill::blocks(reading, installed, frame, view, record.as_ref()).await?;
    let id = format!("{package}.page");
    let filled = sunlit_pages::View::new(id, text(&view.title), blocks).mounted_at(frame.base);
    let crumbs = crumbs(manifest.views.iter().find(|view| view.nav), view, &title, package, frame);
    Ok(frame.page(reading, Some(package), title, crumbs, PageBody::View(filled)))
}

async fn record(
    reading: &Reading,
    package: &str,
    view: &View,
    values: &BTreeMap<String, String>,
) -> Result<Option<Record>, AppError> {
    let Some(binding) = &view.record else { return Ok(None) };
    let value = values.get(binding.by.as_str()).ok_or(AppError::NotFound)?;
    let package = &reading.context().package(package)?.package;
    let (collection, by) = (binding.collection.as_str(), binding.by.as_str());
    record_get::by_field(reading, package, collection, by, value).await.map(Some)
}

fn title(
    reading: &Reading,
    package: &str,
    view: &View,
    record: Option<&Record>,
    frame: &Frame<'_>,
) -> Result<String, AppError> {
    let (Some(binding), Some(record)) = (&view.record, record) else {
        return Ok(view.title.get(frame.locale).to_owned());
    };
    let package = &reading.context().package(package)?.package;
    let collection = package.table(binding.collection.as_str())?.collection();
    let shown = show::plain(collection, record, binding.title.as_str(), frame.locale);
    Ok(shown.unwrap_or_else(|| view.title.get(frame.locale).to_owned()))
}

fn crumbs(entry: Option<&View>, view: &View, title: &str, package: &str, frame: &Frame<'_>) -> Vec<Crumb> {
    let above = entry.filter(|entry| entry.path != view.path).map(|entry| Crumb {
        title: entry.title.get(frame.locale).to_owned(),
        href: Some(format!("{}/p/{package}{}", frame.base, entry.path)),
    });
    above.into_iter().chain([Crumb { title: title.to_owned(), href: None }]).collect()
}
