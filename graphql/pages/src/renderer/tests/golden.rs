//! Every example of every block, and one page of each kind, against the HTML kept beside it.
//!
//! After a wanted change run the tests once with `UPDATE_GOLDEN=1` and read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use super::sample;
use crate::{Locale, PageBody, Renderer, View};

fn frontend() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../frontend")
}

fn compare(file: &Path, html: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, html).unwrap();
    }
    let kept = fs::read_to_string(file).unwrap_or_default();
    assert!(kept == html, "{} differs; see the module's documentation\n{html}", file.display());
}

#[test]
fn every_example_renders_as_kept() {
    let renderer = Renderer::new().unwrap();
    for kind in ["section", "text", "notice", "empty", "stats", "list", "table", "detail", "map", "actions"] {
        let folder = frontend().join("ui/blocks").join(kind).join("examples");
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let Some(name) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".view.json").map(str::to_owned)
            else {
                continue;
            };
            let view: View = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            compare(&folder.join(format!("{name}.html")), &renderer.render_view(&view, Locale::ZhCn).unwrap());
            if name == "normal" {
                compare(&folder.join("normal.en.html"), &renderer.render_view(&view, Locale::En).unwrap());
            }
            found.push(name);
        }
        for name in ["normal", "empty", "long", "hostile"] {
            assert!(found.iter().any(|other| other == name), "{kind} has no example `{name}`");
        }
    }
}

#[test]
fn every_page_renders_as_kept() {
    let renderer = Renderer::new().unwrap();
    let folder = frontend().join("portal/examples");
    // The address of the style sheet changes with every style; the pages are kept without it.
    let settled = |html: String| {
        html.replace(&renderer.stylesheet().path, "/assets/portal.css")
            .replace(&renderer.assets()[1].path, "/assets/icon.svg")
    };
    let page = |body: PageBody| settled(renderer.render_page(&sample::page(body)).unwrap());
    compare(&folder.join("home.html"), &page(PageBody::Home(sample::home())));
    compare(&folder.join("view.html"), &page(PageBody::View(sample::view())));
    compare(&folder.join("error.html"), &page(PageBody::Error(sample::error())));
    compare(&folder.join("form.html"), &page(PageBody::Form(sample::form())));
    compare(&folder.join("platform.html"), &settled(renderer.render_platform(&sample::platform()).unwrap()));
}
