//! Who somebody is: passwords, authenticators, tokens that only their owner knows, and what a credential is good for now.

pub mod authenticator;
pub(crate) mod passwords;
pub mod principal;
pub(crate) mod secret;
pub mod ticket;
