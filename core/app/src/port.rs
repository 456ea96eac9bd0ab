//! What a component's host calls reach: its own collections with the viewer's rights, and its settings.

mod settings;
mod storage;

pub(crate) use settings::SettingsOfPackage;
pub(crate) use storage::StorageOfPackage;
