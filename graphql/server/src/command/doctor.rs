//! `sunlit doctor`: what is wrong with an installation, in plain words.

use std::path::Path;
use std::sync::Arc;

use sunlit_app::query::tenant_find;
use sunlit_app::{App, Reading};
use sunlit_domain::{Actor, Locale, Scope, ScopeAuthority};
use sunlit_plugin_host::Allocation;
use sunlit_schema::compose;

use super::Failed;
use super::installation::Installation;
use super::output::line;
use crate::config::Config;

pub(super) async fn run(config: &Config, authority: &ScopeAuthority) -> Result<(), Failed> {
    let mut faults = 0_usize;
    let mut told = |what: &str, result: Result<String, String>| match result {
        Ok(detail) => line(format!("ok    {what}: {detail}")),
        Err(mend) => {
            faults += 1;
            line(format!("FAULT {what}: {mend}"));
        }
    };
    told("data folder", writable(&config.data));
    let port = std::net::TcpListener::bind(config.listen);
    told(
        "address",
        match port {
            Ok(_) => Ok(format!("{} is free", config.listen)),
            Err(error) => Err(format!(
                "{}: {error}: if Sunlit runs already this is no fault, else choose another `listen`",
                config.listen
            )),
        },
    );
    match Installation::existing(config).await {
        Err(error) => told("installation", Err(error.to_string())),
        Ok(Installation { app, .. }) => {
            told("installation", Ok("opens".to_owned()));
            told("master key", master_keys(&app).await);
            told(
                "plugins",
                match app.host.allocation() {
                    Allocation::Pooling => Ok(format!("{} slots in the pool", app.host.free_slots())),
                    Allocation::OnDemand => Err(
                        "no address space for the pool, calls are slower: raise `ulimit -v` or lower `plugin_slots`"
                            .to_owned(),
                    ),
                },
            );
            let tenants = tenant_find::all(&app).await?;
            if tenants.is_empty() {
                told("tenants", Err("none: create one with `sunlit tenant create <slug>`".to_owned()));
            }
            for tenant in tenants {
                let scope = authority.scope(tenant.id, Actor::anonymous());
                told(&format!("tenant {}", tenant.slug), answers(&app, scope).await);
            }
            app.stores.close().await;
        }
    }
    if faults == 0 { Ok(()) } else { Err(format!("{faults} fault(s): mend them in the order told").into()) }
}

fn writable(folder: &Path) -> Result<String, String> {
    let mend = |error: std::io::Error| format!("{}: {error}: make it, or let this user write there", folder.display());
    if !folder.exists() {
        return Err(format!("{} does not exist: `sunlit serve` makes it, or set `data`", folder.display()));
    }
    let probe = folder.join(".doctor");
    std::fs::write(&probe, b"").map_err(mend)?;
    std::fs::remove_file(&probe).map_err(mend)?;
    Ok(folder.display().to_string())
}

async fn master_keys(app: &App) -> Result<String, String> {
    let standing = app.vault.standing().await.map_err(|error| error.to_string())?;
    match (standing.former.first(), &standing.waiting) {
        (Some(id), _) => Err(format!("{id} is still needed: run `sunlit key rewrap` to its end")),
        (None, Some(id)) => Err(format!("{id} stands first and is not used yet: run `sunlit key rewrap`")),
        (None, None) => Ok(format!("{} wraps everything", standing.current)),
    }
}

async fn answers(app: &Arc<App>, scope: Scope) -> Result<String, String> {
    let reading = Reading::begin(app, scope, Locale::Zh).await.map_err(|error| error.to_string())?;
    let packages = &reading.context().packages;
    let manifests: Vec<_> = packages.iter().map(|one| one.package.manifest.clone()).collect();
    compose(&manifests).map_err(|error| error.to_string())?;
    let names: Vec<_> = packages.iter().map(|one| one.package.id().to_owned()).collect();
    Ok(if names.is_empty() { "opens, no packages".to_owned() } else { format!("opens, {}", names.join(" ")) })
}
