//! What operators see of a running process: lines ([`lines`]), traces ([`traces`]) and numbers ([`numbers`]).
//!
//! A request, a job and a call of a plugin each have a span with `tenant.id`, `package.id` and `trace.id` where they have them; each
//! line carries those of the spans that it was written in, and the spans themselves go to a collector where one is
//! configured. Nothing here may hold what people wrote: no query, no variables, no address beyond its route, no token.
//! Start at [`request`].

pub mod lines;
pub mod listener;
pub mod numbers;
mod process;
pub mod request;
pub mod traces;

pub(crate) use process::most_open_files;
