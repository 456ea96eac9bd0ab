//! Records of collections: reading and writing, typed by the manifest.

mod condition;
mod encoding;
mod items;
mod read;
pub mod transfer;
mod write;

pub use read::{ListQuery, RecordPage, count, get, get_many, list};
pub use write::{Stamp, Target, delete, insert, update};
