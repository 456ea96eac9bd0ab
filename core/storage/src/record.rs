//! Records of collections: reading and writing, typed by the manifest.

mod bulk;
mod condition;
mod encoding;
mod read;
mod write;

pub use bulk::insert_many;
pub use read::{ListQuery, RecordPage, count, get, get_many, list};
pub use write::{Stamp, Target, change, delete, insert, update};
