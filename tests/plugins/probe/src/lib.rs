//! A plugin that misbehaves on request, for the tests and benchmarks of the host.
//!
//! The well-behaved fields are in `fair.rs`, those that break a limit in `greedy.rs`, those that break the contract in
//! `lying.rs`.

mod fair;
mod greedy;
mod lying;

use sunlit_plugin_sdk::plugin;

plugin! {
    query echo => fair::echo,
    query rows => fair::rows,
    query records => fair::records,
    query hostcalls => fair::hostcalls,
    query deny => fair::deny,
    query now => fair::now,
    query greeting => fair::greeting,
    computed item.doubled => fair::doubled,

    query spin => greedy::spin,
    query allocate => greedy::allocate,
    query trap => greedy::trap,
    query recurse => greedy::recurse,
    query huge => greedy::huge,
    query log_flood => greedy::log_flood,

    query wrong_type => lying::wrong_type,
    raw wrong_length => lying::wrong_length,
    raw lying_items => lying::lying_items,
}
