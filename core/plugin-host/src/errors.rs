//! What can go wrong outside a call: [`PluginError`] for the operator, [`Malformed`] for a value that is no value,
//! [`PortError`] for what a port answers.
//!
//! What goes wrong *inside* a call is not an error of this crate but an [`Outcome`](crate::Outcome). Every message for an
//! operator names the mend.

use crate::capability::Capability;

/// Why a component was refused, could not be loaded, or the sandbox could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The file is larger than [`MAX_COMPONENT_BYTES`](crate::MAX_COMPONENT_BYTES).
    #[error(
        "component has {bytes} bytes, at most {max} are taken: build with opt-level = \"s\" and strip debug information"
    )]
    TooLarge {
        /// Size of the file.
        bytes: usize,
        /// The bound.
        max: usize,
    },

    /// WebAssembly text was given.
    #[error("this is WebAssembly text, not a binary: upload the file that `sunlit plugin build` wrote")]
    Text,

    /// A core module was given.
    #[error(
        "this is a core module, not a component: build with `sunlit plugin build`, which wraps the module into a component"
    )]
    CoreModule,

    /// Something that is not WebAssembly was given.
    #[error("this is not WebAssembly: upload the file that `sunlit plugin build` wrote")]
    NotWasm,

    /// The binary breaks off or contradicts itself.
    #[error("component is damaged ({reason}): build it again with `sunlit plugin build`")]
    Damaged {
        /// What the reader found, with its byte offset.
        reason: String,
    },

    /// The component wants something that is not Sunlit's, such as WASI.
    #[error(
        "component imports `{name}`, which no plugin may use: remove the dependency that needs it and build for wasm32-unknown-unknown; only `sunlit:host` and `sunlit:types` can be imported"
    )]
    ForeignImport {
        /// The import as written in the binary.
        name: String,
    },

    /// The component wants a Sunlit interface that this host does not have.
    #[error(
        "component imports `{name}`, which this host does not offer: upgrade the host, or build with the SDK of this host (sunlit:host 0.1)"
    )]
    UnknownInterface {
        /// The import as written in the binary.
        name: String,
    },

    /// The component exports nothing that the host can call.
    #[error("component does not export `{name}`: implement it with the SDK's `#[plugin]` macro and build again")]
    MissingExport {
        /// The interface that was looked for.
        name: &'static str,
    },

    /// The component is made of too many parts.
    #[error(
        "component has {count} {what}, at most {max} are taken: build it from one crate with `sunlit plugin build`"
    )]
    TooManyParts {
        /// `core instances`, `memories` or `tables`.
        what: &'static str,
        /// How many it has.
        count: usize,
        /// The bound.
        max: usize,
    },

    /// The compiler refused the component: a disabled proposal, or invalid code.
    #[error("component does not compile ({reason}): build it with the toolchain that the SDK names")]
    Compile {
        /// The compiler's words.
        reason: String,
    },

    /// The component imports a capability that was not granted and that cannot be answered with `denied`.
    #[error("component imports `{0}`, which is not granted: grant it to the plugin, or disable the plugin")]
    NotGranted(Capability),

    /// Imports or exports have other types than this host's.
    #[error("component does not fit this host ({reason}): build it with the SDK of this host (sunlit:host 0.1)")]
    Link {
        /// The linker's words.
        reason: String,
    },

    /// The engine could not be made, even without the pool.
    #[error(
        "the WebAssembly engine does not start ({reason}): check the processor, the address space limit (ulimit -v) and the `plugins` section of the configuration"
    )]
    Engine {
        /// The engine's words.
        reason: String,
    },

    /// The threads could not be started.
    #[error("plugin threads do not start: raise the process limit (ulimit -u)")]
    Threads(#[source] std::io::Error),

    /// The folder of compiled artefacts cannot be used.
    #[error("artefact cache {path} cannot be used: make it a folder that only the server can write")]
    Cache {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },

    /// The key for the artefact cache is too short to be one.
    #[error("the key of the artefact cache has {bytes} bytes, at least 32 random bytes are needed: generate a new one")]
    WeakCacheKey {
        /// Its length.
        bytes: usize,
    },
}

/// Why a token stream is not one value. See [`Data::check`](crate::Data::check).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There are no tokens.
    #[error("value has no tokens")]
    Empty,
    /// A list or an object promises more values than follow.
    #[error("value breaks off: {missing} or more values are missing at the end")]
    Incomplete {
        /// A lower bound.
        missing: u64,
    },
    /// The value is complete and tokens follow it.
    #[error("value is complete before token {at}, but more tokens follow")]
    LeftOver {
        /// Index of the first token too many.
        at: usize,
    },
    /// An object names a shape that does not exist.
    #[error("token {at} names shape {shape}, but there are {shapes} shapes")]
    NoSuchShape {
        /// Index of the token.
        at: usize,
        /// The shape it names.
        shape: u32,
        /// How many there are.
        shapes: usize,
    },
    /// Lists and objects are nested deeper than [`Data::MAX_DEPTH`](crate::Data::MAX_DEPTH).
    #[error("token {at} is nested deeper than {max} levels")]
    TooDeep {
        /// Index of the token.
        at: usize,
        /// The bound.
        max: usize,
    },
}

/// What a port answers when it cannot do what the plugin asked.
///
/// All but [`PortError::Host`] reach the plugin as the error of the same name. `Host` is the platform's own failure: the
/// plugin only learns `unavailable`, the operator reads the source, and the call is not held against the plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// The viewer or the plugin may not.
    #[error("denied: {0}")]
    Denied(String),
    /// There is no such thing, or it is another tenant's.
    #[error("not found: {0}")]
    NotFound(String),
    /// The request makes no sense.
    #[error("invalid: {0}")]
    Invalid(String),
    /// A quota is used up.
    #[error("limit: {0}")]
    Limit(String),
    /// Temporarily not possible, and foreseen (maintenance, a quota's pause).
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The record is at another version than the one that was read.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The platform failed.
    #[error("host failure")]
    Host(#[source] Box<dyn std::error::Error + Send + Sync>),
}
