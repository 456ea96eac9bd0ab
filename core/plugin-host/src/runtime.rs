//! The threads that plugins run on, apart from the web server's: a web worker is a single-threaded runtime, and a plugin
//! that computes for five milliseconds would hold up everybody on it.
//!
//! A call costs one hop to these threads and one back. Whoever already is on one of them stays.

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::errors::PluginError;

/// A runtime of its own; dropping it is safe on any thread and does not wait.
#[derive(Debug)]
pub(crate) struct Threads(Option<Runtime>);

/// Host code panicked; the plugin cannot cause that on purpose.
#[derive(Debug)]
pub(crate) struct Panicked;

impl Threads {
    pub(crate) fn start(count: Option<usize>) -> Result<Self, PluginError> {
        let mut builder = Builder::new_multi_thread();
        if let Some(count) = count {
            builder.worker_threads(count.max(1));
        }
        let runtime = builder.thread_name("plugin").enable_all().build().map_err(PluginError::Threads)?;
        Ok(Self(Some(runtime)))
    }

    /// Runs the work on these threads. When the caller is dropped the work is dropped too, at the latest at the plugin's
    /// next yield.
    pub(crate) async fn run<F>(&self, work: F) -> Result<F::Output, Panicked>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Some(runtime) = &self.0 else {
            return Err(Panicked);
        };
        if Handle::try_current().is_ok_and(|current| current.id() == runtime.handle().id()) {
            return Ok(work.await);
        }
        let mut task = AbortOnDrop(runtime.spawn(work.in_current_span()));
        (&mut task.0).await.map_err(|_| Panicked)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_runs_on_the_plugin_threads_and_stays_there() {
        let threads = std::sync::Arc::new(Threads::start(Some(1)).unwrap());
        let inner = std::sync::Arc::clone(&threads);
        let names = threads.run(async move {
            let name = || std::thread::current().name().map(str::to_owned);
            (name(), inner.run(async move { name() }).await.unwrap())
        });
        assert_eq!(names.await.unwrap(), (Some("plugin".to_owned()), Some("plugin".to_owned())));
    }

    #[tokio::test]
    async fn work_is_dropped_with_its_caller() {
        let threads = Threads::start(Some(1)).unwrap();
        let (started, mut starts) = tokio::sync::mpsc::channel::<()>(1);
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let caller = threads.run(async move {
            let _held = held;
            let _ = started.send(()).await;
            std::future::pending::<()>().await;
        });
        tokio::select! {
            _ = caller => panic!("the work never ends by itself"),
            _ = starts.recv() => {}
        }
        assert!(dropped.await.is_err());
    }

    #[tokio::test]
    async fn a_panic_of_the_host_is_an_answer() {
        let threads = Threads::start(Some(1)).unwrap();
        assert!(threads.run(async { panic!("host") }).await.is_err());
        assert_eq!(threads.run(async { 1 }).await.unwrap(), 1);
    }
}
