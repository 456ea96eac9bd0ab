//! Who people are to a tenant: what an account, a password, a session and a key may be. Rules only; who signs in is decided
//! in `sunlit-app`.

pub mod account;
pub mod consent;
pub mod duty;
pub mod key_scope;
pub mod lockout;
pub mod password;
pub mod session;
