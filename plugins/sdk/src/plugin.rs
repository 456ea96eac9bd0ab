//! The way in: which function answers which field.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Data, Error, Host, tokens};

/// What the platform asks of a component, as it crosses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// A query by its name, or a computed field by collection and name (`street.nearby_service_points`).
    pub field: String,
    /// An object of the declared arguments.
    pub args: Data,
    /// For a computed field a list of one object for each parent, for a query a list of one null.
    pub parents: Data,
}

/// What [`plugin!`](crate::plugin) implements: answers fields by their names.
pub trait Resolve {
    /// The fields that are answered, as the manifest declares them.
    const FIELDS: &'static [&'static str];

    /// Answers a list with one value for each parent.
    ///
    /// # Errors
    /// The vendor's own; `NotFound` for a field that is not in [`Resolve::FIELDS`]; a plugin fault when arguments or
    /// answers do not fit.
    fn resolve(host: &Host, request: Request) -> Result<Data, Error>;
}

/// The arguments of a query that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct NoArgs {}

/// Declares the plugin: each field of the manifest and the function that answers it.
///
/// - `query name => function`: `fn(&Host, Args) -> Result<Answer, Error>`.
/// - `computed collection.name => function`: `fn(&Host, Vec<Parent>) -> Result<Vec<Answer>, Error>`, one answer for each
///   parent in their order.
/// - `raw name => function`, `raw collection.name => function`: `fn(&Host, Request) -> Result<Data, Error>`, for whoever
///   writes tokens by hand.
///
/// It is used once, in the crate's root, where it makes a `pub struct Plugin`, which native tests call through
/// [`Resolve`](crate::Resolve).
#[macro_export]
macro_rules! plugin {
    ($($kind:ident $name:ident $(. $field:ident)? => $function:path),+ $(,)?) => {
        /// The fields of this plugin.
        pub struct Plugin;

        impl $crate::Resolve for Plugin {
            const FIELDS: &'static [&'static str] =
                &[$(concat!(stringify!($name) $(, ".", stringify!($field))?)),+];

            fn resolve(host: &$crate::Host, request: $crate::Request) -> Result<$crate::Data, $crate::Error> {
                $(if request.field == concat!(stringify!($name) $(, ".", stringify!($field))?) {
                    return $crate::__answer!($kind, host, request, $function);
                })+
                Err($crate::Error::not_found(request.field))
            }
        }

        #[cfg(target_arch = "wasm32")]
        $crate::bindings::export!(Plugin with_types_in $crate::bindings::generated);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __answer {
    (query, $host:ident, $request:ident, $function:path) => {
        $crate::answer_query($host, $request, $function)
    };
    (computed, $host:ident, $request:ident, $function:path) => {
        $crate::answer_computed($host, $request, $function)
    };
    (raw, $host:ident, $request:ident, $function:path) => {
        $function($host, $request)
    };
    ($kind:ident, $host:ident, $request:ident, $function:path) => {
        compile_error!(concat!("`", stringify!($kind), "` is no kind of field: use query, computed or raw"))
    };
}

/// Answers a query, which has one parent, null.
///
/// # Errors
/// As for [`Resolve::resolve`].
#[doc(hidden)]
pub fn answer_query<A: DeserializeOwned, T: Serialize>(
    host: &Host,
    request: Request,
    function: impl FnOnce(&Host, A) -> Result<T, Error>,
) -> Result<Data, Error> {
    let args = tokens::from_data(request.args).map_err(|error| Error::fault(format!("argument {error}")))?;
    let answer = function(host, args)?;
    Ok(tokens::to_data(&[answer])?)
}

/// Answers a computed field for a page of parents.
///
/// # Errors
/// As for [`Resolve::resolve`], and a plugin fault when there is not one answer for each parent.
#[doc(hidden)]
pub fn answer_computed<P: DeserializeOwned, T: Serialize>(
    host: &Host,
    request: Request,
    function: impl FnOnce(&Host, Vec<P>) -> Result<Vec<T>, Error>,
) -> Result<Data, Error> {
    let parents: Vec<P> =
        tokens::from_data(request.parents).map_err(|error| Error::fault(format!("parent {error}")))?;
    let wanted = parents.len();
    let answers = function(host, parents)?;
    if answers.len() != wanted {
        return Err(Error::fault(format!("{}: {} answers for {wanted} parents", request.field, answers.len())));
    }
    Ok(tokens::to_data(&answers)?)
}
