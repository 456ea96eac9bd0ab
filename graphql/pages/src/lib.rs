//! Declared views and portal pages to HTML: data and a view in, HTML out.
//!
//! It must not know SQL, HTTP servers or any other Sunlit crate, and it has no clock: whoever calls it has already fetched
//! the data and decided what the reader may see. Templates, styles and interface words live in `frontend/ui` and
//! `frontend/portal` and are embedded when the crate is built.
//!
//! Start reading at [`Renderer`], then [`View`] (what a page's middle is made of) and [`Page`] (the frame around it).
//! [`check`] says which views are refused.

mod assets;
pub mod check;
mod dates;
mod embedded;
mod filters;
mod form;
pub mod href;
mod mount;
mod numbers;
pub mod outline_map;
mod page;
mod plain_text;
mod present;
mod renderer;
pub mod view;
mod words;

pub use assets::Asset;
pub use check::{Problem, ViewRefused, check};
pub use form::{Form, FormField, FormPart, FormProblem, Named, Picture};
pub use page::{
    Crumb, ErrorNotice, FontScale, Home, HomeEntry, HomeSection, Link, Locale, Meta, Mode, NavItem, Page, PageBody,
    PlatformBody, PlatformPage, Preferences, Site, TenantLink, Theme,
};
pub use renderer::{RenderError, Renderer};
pub use view::{Block, Text, View};
