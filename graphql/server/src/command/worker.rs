//! `sunlit worker`: runs jobs and serves nobody.

use std::sync::Arc;

use clap::Args as ClapArgs;
use sunlit_app::command::package::publish::Existing;
use sunlit_app::job::{Pace, Running, Worker};
use sunlit_app::{App, nodes, usage};
use sunlit_domain::ScopeAuthority;

use super::Failed;
use super::installation::Installation;
use super::serve::stop_signal;
use crate::config::Config;
use crate::telemetry::listener;
use crate::telemetry::numbers::Sources;

/// What can be chosen.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Work off what is due now, and end.
    #[arg(long)]
    once: bool,
}

pub(super) async fn run(config: Config, authority: ScopeAuthority, args: Args) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::open(&config, Existing::Keep).await?;
    let authority = Arc::new(authority);
    if args.once {
        Worker::new(Arc::clone(&app), Arc::clone(&authority), Pace::default()).once().await?;
    } else {
        let sources = Sources { app: Arc::clone(&app), state: None };
        let numbers = listener::start(config.metrics_listen, sources)?;
        let _listening = nodes::listen(&app).await?;
        let counting = actix_web::rt::spawn(usage::keep(Arc::clone(&app), Arc::clone(&authority)));
        let workers = start(&app, &authority, config.workers.max(1));
        tracing::info!(workers = workers.len(), "working");
        stop_signal().await?;
        tracing::info!("stopping: jobs that run come to their end");
        stop(workers).await;
        counting.abort();
        if let Some(numbers) = numbers {
            numbers.stop(false).await;
        }
    }
    usage::write(&app, &authority).await;
    app.stores.close().await;
    Ok(())
}

/// Starts that many workers in the background.
pub(super) fn start(app: &Arc<App>, authority: &Arc<ScopeAuthority>, workers: usize) -> Vec<Running> {
    let start = |_| Worker::new(Arc::clone(app), Arc::clone(authority), Pace::default()).start();
    (0..workers).map(start).collect()
}

/// Stops them; what they are doing comes to its end.
pub(super) async fn stop(workers: Vec<Running>) {
    for worker in workers {
        worker.stop().await;
    }
}
