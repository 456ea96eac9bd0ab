//! The WIT contract, and nothing else in the crate knows it.
//!
//! The types of `wit/` are mapped onto the SDK's own, so a value is lifted and lowered straight into what a vendor
//! holds.

use std::sync::Once;

use crate::port::{Found, HostPort, Level, Query};
use crate::{Act, ActionRequest, Data, Error, Host, Request, Resolve};

pub use acting::export_actions;
pub use generated::export;

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]
#[doc(hidden)]
pub mod generated {
    wit_bindgen::generate!({
        path: "wit",
        world: "plugin",
        pub_export_macro: true,
        default_bindings_module: "sunlit_plugin_sdk::bindings::generated",
        with: {
            "sunlit:types/common@0.1.0/geo-point": crate::Point,
            "sunlit:types/common@0.1.0/decimal": crate::Decimal,
            "sunlit:types/common@0.1.0/token": crate::tokens::Token,
            "sunlit:types/common@0.1.0/data": crate::Data,
            "sunlit:types/common@0.1.0/error": crate::Error,
            "sunlit:host/storage@0.1.0/order": crate::port::Order,
            "sunlit:host/storage@0.1.0/query": crate::port::Query,
            "sunlit:host/storage@0.1.0/page": crate::port::Found,
        },
        generate_all,
    });
}

/// A world of its own, so that a component without actions does not export the interface.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]
#[doc(hidden)]
pub mod acting {
    wit_bindgen::generate!({
        path: "wit",
        world: "acting",
        pub_export_macro: true,
        export_macro_name: "export_actions",
        default_bindings_module: "sunlit_plugin_sdk::bindings::acting",
        with: {
            "sunlit:types/common@0.1.0/geo-point": crate::Point,
            "sunlit:types/common@0.1.0/decimal": crate::Decimal,
            "sunlit:types/common@0.1.0/token": crate::tokens::Token,
            "sunlit:types/common@0.1.0/data": crate::Data,
            "sunlit:types/common@0.1.0/error": crate::Error,
        },
        generate_all,
    });
}

use acting::exports::sunlit::plugin::actions;
use generated::exports::sunlit::plugin::graphql;
use generated::sunlit::host::{clock, log, records, settings, storage};

/// The host behind the component's imports.
pub(crate) struct Imports;

impl HostPort for Imports {
    fn find(&self, collection: &str, query: &Query) -> Result<Found, Error> {
        storage::find(collection, query)
    }

    fn create(&self, collection: &str, values: &Data) -> Result<String, Error> {
        records::create(collection, values)
    }

    fn update(&self, collection: &str, id: &str, version: i64, values: &Data) -> Result<i64, Error> {
        records::update(collection, id, version, values)
    }

    fn delete(&self, collection: &str, id: &str, version: i64) -> Result<(), Error> {
        records::delete(collection, id, version)
    }

    fn get(&self, collection: &str, id: &str) -> Result<Option<Data>, Error> {
        records::get(collection, id)
    }

    fn setting(&self, name: &str) -> Result<Data, Error> {
        settings::get(name)
    }

    fn now_micros(&self) -> i64 {
        clock::now()
    }

    fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let level = match level {
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        log::write(level, message, fields);
    }
}

impl<P: Resolve> graphql::Guest for P {
    fn resolve(request: graphql::Request) -> Result<Data, Error> {
        report_panics();
        let graphql::Request { field, args, parents } = request;
        P::resolve(&Host::imports(), Request { field, args, parents })
    }
}

impl<P: Act> actions::Guest for P {
    fn act(request: actions::ActionRequest) -> Result<Data, Error> {
        report_panics();
        let actions::ActionRequest { action, args } = request;
        P::act(&Host::imports(), ActionRequest { action, args })
    }
}

/// Without a hook the host sees only `unreachable`: a panic aborts, and nothing catches it.
fn report_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
            let message = panic.payload_as_str().unwrap_or("no message");
            Imports.log(Level::Error, &format!("panicked{place}: {message}"), &[]);
        }));
    });
}
