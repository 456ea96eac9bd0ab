//! Plans: what is given is given to its bound and refused beyond, what is used is counted and shown; and how an authority subscribes
//! by itself, changes its plan, and leaves.
#![expect(clippy::unwrap_used, reason = "tests")]

mod cancelled;
mod counted;
mod kit;
mod levels;
mod subscribed;
