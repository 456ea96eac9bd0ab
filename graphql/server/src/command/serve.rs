//! `sunlit serve`: until SIGTERM or Ctrl-C; then what runs comes to its end.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use sunlit_app::command::package::publish::Existing;
use sunlit_app::keys::token_seeds;
use sunlit_app::{nodes, usage};
use sunlit_domain::ScopeAuthority;
use sunlit_pages::Renderer;

use super::Failed;
use super::installation::Installation;
use super::worker;
use crate::config::Config;
use crate::oidc::{ProviderClient, Providers};
use crate::state::State;
use crate::telemetry::listener;
use crate::telemetry::numbers::Sources;
use crate::token::TokenKeys;

pub(super) async fn run(config: Config, authority: ScopeAuthority) -> Result<(), Failed> {
    let existing = if config.development { Existing::Replace } else { Existing::Keep };
    let installation = Installation::open(&config, existing).await?;
    until_stopped(&config, installation, authority, || {}).await
}

/// Serves an open installation; `listening` is called as soon as the port is ours.
pub(super) async fn until_stopped(
    config: &Config,
    installation: Installation,
    authority: ScopeAuthority,
    listening: impl FnOnce(),
) -> Result<(), Failed> {
    let Installation { app, .. } = installation;
    let tokens = TokenKeys::new(&token_seeds(&app.platform, &app.vault).await?)?;
    let authority = Arc::new(authority);
    let mut state = State::new(
        app.clone(),
        Arc::clone(&authority),
        tokens,
        Renderer::new()?,
        config.development,
        Providers::new(ProviderClient::new(config.local_identity_providers)?),
    );
    state.trusted_proxies.clone_from(&config.trusted_proxies);
    let state = web::Data::new(state);
    let sources = Sources { app: Arc::clone(&app), state: Some(state.clone()) };
    let numbers = listener::start(config.metrics_listen, sources)?;
    let server = crate::http::serve(state.clone(), config.listen, config.threads).map_err(|error| {
        format!("cannot listen on {}: {error}: stop what uses the port, or choose another with `listen`", config.listen)
    })?;
    tracing::info!(listen = %config.listen, allocation = ?app.host.allocation(), "serving");
    listening();
    let _listening = nodes::listen(&app).await?;
    let workers = worker::start(&app, &authority, config.workers);
    let renewing = actix_web::rt::spawn(renew_token_keys(state.clone()));
    let counting = actix_web::rt::spawn(usage::keep(Arc::clone(&app), Arc::clone(&authority)));
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        if let Err(error) = stop_signal().await {
            tracing::error!(%error, "signals cannot be received: only a kill stops this process");
            return;
        }
        state.live.end();
        tracing::info!("stopping: requests that run come to their end");
        handle.stop(true).await;
    });
    server.await?;
    renewing.abort();
    worker::stop(workers).await;
    counting.abort();
    usage::write(&app, &authority).await;
    if let Some(numbers) = numbers {
        numbers.stop(false).await;
    }
    app.stores.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Takes up keys of tokens that were made elsewhere.
async fn renew_token_keys(state: web::Data<State>) {
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    loop {
        minutes.tick().await;
        state.renew_token_keys().await;
    }
}

/// Waits until somebody asks the process to stop.
pub(super) async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
