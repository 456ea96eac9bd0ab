//! People who sign in, what they may do, and those who only pretend.
#![expect(clippy::unwrap_used, reason = "tests")]

mod keys;
mod kit;
mod own_data;
mod roles;
mod sessions;
mod tickets;
