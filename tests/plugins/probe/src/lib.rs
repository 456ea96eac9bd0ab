//! A plugin that misbehaves on request, for the tests and benchmarks of the host.
//!
//! The well-behaved fields are in `fair.rs`, those that break a limit in `greedy.rs`, those that break the contract in
//! `lying.rs`, and the actions in `writing.rs`.

mod fair;
mod greedy;
mod lying;
mod writing;

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

    query write_in_query => writing::write_in_query,

    actions: {
        add => writing::add,
        add_as_package => writing::add,
        increment => writing::increment,
        set_at_version => writing::set_at_version,
        many => writing::many,
        add_with_note => writing::add_with_note,
        replace => writing::replace,
        look => writing::look,
        write_trap => writing::write_trap,
        write_decline => writing::write_decline,
        write_spin => writing::write_spin,
        write_wrong_type => writing::write_wrong_type,
        write_foreign => writing::write_foreign,
        write_invalid => writing::write_invalid,
    },
}
