//! Everything that a plugin can ask of the platform.
//!
//! Each capability is a file. What a plugin never calls is not in its binary, so an administrator is asked for exactly
//! the capabilities that are used; the log is always one of them, because a panic is reported there.

mod clock;
mod filter;
mod log;
mod records;
mod settings;
mod storage;

pub use clock::Clock;
pub use filter::{Filter, Value};
pub use log::Log;
pub use records::Records;
pub use settings::Settings;
pub use storage::{Find, Page, Storage};

/// A component calls its imports directly: through a `dyn` all of them would count as used.
#[cfg(target_arch = "wasm32")]
type Port = crate::bindings::Imports;
#[cfg(not(target_arch = "wasm32"))]
type Port = std::rc::Rc<dyn crate::port::HostPort>;

/// The platform as a plugin sees it during one call.
pub struct Host {
    port: Port,
}

impl Host {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn imports() -> Self {
        Self { port: crate::bindings::Imports }
    }

    /// A host for a native test.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new(port: impl crate::port::HostPort + 'static) -> Self {
        Self { port: std::rc::Rc::new(port) }
    }

    /// The plugin's own collections, read with the rights of whoever asked.
    #[must_use]
    pub fn storage(&self) -> Storage<'_> {
        Storage { host: self }
    }

    /// Changes of the plugin's own collections, in an action.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records { host: self }
    }

    /// The settings that the manifest declares.
    #[must_use]
    pub fn settings(&self) -> Settings<'_> {
        Settings { host: self }
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> Clock<'_> {
        Clock { host: self }
    }

    /// Lines for the operator and the vendor.
    #[must_use]
    pub fn log(&self) -> Log<'_> {
        Log { host: self }
    }
}
