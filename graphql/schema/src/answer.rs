//! How large an answer may grow. A record that was read once may stand in the answer many times, under aliases or repeated
//! selections; so bytes are counted where values become part of the answer, and again where it is written.
//!
//! The count belongs to the task that executes the document, because a value is made far below whoever knows the request.

use std::cell::Cell;
use std::future::Future;
use std::io::{self, Write};

use serde::Serialize;

/// Bytes of an answer, as JSON.
pub(crate) const MAX_BYTES: usize = 16 * 1024 * 1024;

tokio::task_local! {
    static LEFT: Cell<usize>;
}

/// Runs `work` with a fresh count; tells besides whether the answer stayed below the limit.
pub(crate) async fn counted<T>(work: impl Future<Output = T>) -> (T, bool) {
    let whole = async {
        let done = work.await;
        (done, LEFT.with(Cell::get) > 0)
    };
    LEFT.scope(Cell::new(MAX_BYTES), whole).await
}

/// Counts bytes of a value that becomes part of the answer. False when there is no room for it: then it must be left out,
/// and the whole answer will be refused.
pub(crate) fn charge(bytes: usize) -> bool {
    let charge = |left: &Cell<usize>| {
        left.set(left.get().saturating_sub(bytes));
        left.get() > 0
    };
    // Outside of an execution nothing is answered, so that nothing needs to be counted.
    LEFT.try_with(charge).unwrap_or(true)
}

/// `value` as JSON; none when that is larger than an answer may be.
pub(crate) fn to_json(value: &impl Serialize) -> Option<String> {
    let mut bounded = Bounded(Vec::with_capacity(512));
    serde_json::to_writer(&mut bounded, value).ok()?;
    String::from_utf8(bounded.0).ok()
}

/// Writes until the limit.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_counted_while_it_grows_and_when_it_is_written() {
        let (done, whole) = counted(async { charge(MAX_BYTES - 1) }).await;
        assert!(done && whole);
        let (done, whole) = counted(async { charge(MAX_BYTES) }).await;
        assert!(!done && !whole);
        assert!(charge(usize::MAX), "no execution, no count");
        assert!(to_json(&"x".repeat(MAX_BYTES - 2)).is_some());
        assert!(to_json(&"x".repeat(MAX_BYTES - 1)).is_none());
        assert!(to_json(&"\u{1}".repeat(MAX_BYTES / 5)).is_none(), "escapes count");
    }
}
