//! Records of collections: reading and writing, typed by the manifest.

mod aggregate;
mod bulk;
mod condition;
mod dump;
mod encoding;
mod items;
mod nested;
mod read;
mod sealed;
mod state;
pub mod transfer;
mod write;

pub use aggregate::{AggregateQuery, Group, GroupTerm, Groups, Measure, aggregate};
pub use bulk::insert_many;
pub use dump::{dump, restore_many, slots_there};
pub use nested::{count_by, list_by};
pub use read::{ListQuery, RecordPage, count, get, get_many, list};
pub use sealed::{Resealed, SealedColumns, digest, digest_of, reseal, there};
pub use state::enter;
pub use write::{Stamp, Target, change, delete, insert, update};
