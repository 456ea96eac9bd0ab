//! Fields that run into a limit.

use std::hint::black_box;

use sunlit_plugin_sdk::{Error, Host, NoArgs};

const MIB: usize = 1 << 20;

/// Runs for ever.
pub(crate) fn spin(_host: &Host, _: NoArgs) -> Result<i64, Error> {
    let mut turns = 0_i64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Allocates without end, and touches every page.
pub(crate) fn allocate(_host: &Host, _: NoArgs) -> Result<i64, Error> {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1_u8; MIB]);
        black_box(&kept);
    }
}

/// Panics, which traps.
pub(crate) fn trap(_host: &Host, _: NoArgs) -> Result<i64, Error> {
    panic!("the probe was asked to panic")
}

/// Calls itself until the stack ends.
pub(crate) fn recurse(_host: &Host, _: NoArgs) -> Result<i64, Error> {
    #[expect(unconditional_recursion, reason = "that is what it is for")]
    #[inline(never)]
    fn deeper(depth: i64) -> i64 {
        black_box(deeper(black_box(depth + 1))) + depth
    }
    Ok(deeper(0))
}

/// Answers 10 MiB of text.
pub(crate) fn huge(_host: &Host, _: NoArgs) -> Result<String, Error> {
    Ok("x".repeat(10 * MIB))
}

/// Writes 4 MiB to the log.
pub(crate) fn log_flood(host: &Host, _: NoArgs) -> Result<i64, Error> {
    let line = "x".repeat(1_024);
    let lines = 4_096;
    for _ in 0..lines {
        host.log().info(&line, &[("source", "probe")]);
    }
    Ok(lines)
}
