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

/// Which action is asked for, as it crosses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionRequest {
    /// The action's name.
    pub action: String,
    /// An object of the declared arguments.
    pub args: Data,
}

/// What [`plugin!`](crate::plugin) implements for a plugin with actions.
pub trait Act {
    /// The actions that are answered, as the manifest declares them.
    const ACTIONS: &'static [&'static str];

    /// Answers one value.
    ///
    /// # Errors
    /// The vendor's own, and then nothing of what was written remains; `NotFound` for an action that is not in
    /// [`Act::ACTIONS`]; a plugin fault when arguments or the answer do not fit.
    fn act(host: &Host, request: ActionRequest) -> Result<Data, Error>;
}

/// Declares the plugin: each field and action of the manifest and the function that answers it.
///
/// - `query name => function`: `fn(&Host, Args) -> Result<Answer, Error>`.
/// - `computed collection.name => function`: `fn(&Host, Vec<Parent>) -> Result<Vec<Answer>, Error>`, one answer for each
///   parent in their order.
/// - `raw name => function`, `raw collection.name => function`: `fn(&Host, Request) -> Result<Data, Error>`, for whoever
///   writes tokens by hand.
/// - `actions: { name => function, … }`, behind the fields: `fn(&Host, Args) -> Result<Answer, Error>`, which may write
///   through [`Host::records`](crate::Host::records).
///
/// It is used once, in the crate's root, where it makes a `pub struct Plugin`, which native tests call through
/// [`Resolve`](crate::Resolve) and [`Act`](crate::Act).
#[macro_export]
macro_rules! plugin {
    ($($declared:tt)+) => {
        /// The fields and actions of this plugin.
        pub struct Plugin;

        $crate::__plugin!([] $($declared)+);
    };
}

/// Takes the fields one by one, because `actions` could begin another one.
#[doc(hidden)]
#[macro_export]
macro_rules! __plugin {
    ([$($fields:tt)*]) => {
        $crate::__fields!($($fields)*);
    };
    ([$($fields:tt)*] actions: { $($action:ident => $function:path),+ $(,)? } $(,)?) => {
        $crate::__fields!($($fields)*);

        impl $crate::Act for Plugin {
            const ACTIONS: &'static [&'static str] = &[$(stringify!($action)),+];

            fn act(host: &$crate::Host, request: $crate::ActionRequest) -> Result<$crate::Data, $crate::Error> {
                $(if request.action == stringify!($action) {
                    return $crate::answer_action(host, request, $function);
                })+
                Err($crate::Error::not_found(request.action))
            }
        }

        #[cfg(target_arch = "wasm32")]
        $crate::bindings::export_actions!(Plugin with_types_in $crate::bindings::acting);
    };
    ([$($fields:tt)*] $kind:ident $name:ident $(. $field:ident)? => $function:path $(, $($rest:tt)*)?) => {
        $crate::__plugin!([$($fields)* $kind $name $(. $field)? => $function,] $($($rest)*)?);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __fields {
    ($($kind:ident $name:ident $(. $field:ident)? => $function:path,)*) => {
        impl $crate::Resolve for Plugin {
            const FIELDS: &'static [&'static str] =
                &[$(concat!(stringify!($name) $(, ".", stringify!($field))?)),*];

            #[allow(unused_variables, reason = "a plugin may have actions only")]
            fn resolve(host: &$crate::Host, request: $crate::Request) -> Result<$crate::Data, $crate::Error> {
                $(if request.field == concat!(stringify!($name) $(, ".", stringify!($field))?) {
                    return $crate::__answer!($kind, host, request, $function);
                })*
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

/// Answers an action.
///
/// # Errors
/// As for [`Act::act`].
#[doc(hidden)]
pub fn answer_action<A: DeserializeOwned, T: Serialize>(
    host: &Host,
    request: ActionRequest,
    function: impl FnOnce(&Host, A) -> Result<T, Error>,
) -> Result<Data, Error> {
    let args = tokens::from_data(request.args).map_err(|error| Error::fault(format!("argument {error}")))?;
    Ok(tokens::to_data(&function(host, args)?)?)
}
