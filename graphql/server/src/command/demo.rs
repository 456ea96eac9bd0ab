//! `sunlit demo`: the carried regions with sample data, served with developers' tools.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args as ClapArgs;
use sunlit_app::command::package::publish::Existing;
use sunlit_domain::ScopeAuthority;
use sunlit_domain::id::TenantSlug;
use sunlit_tenants::{RegionLibrary, provision};

use super::installation::Installation;
use super::output::line;
use super::{Failed, serve};
use crate::config::Config;

/// What can be chosen.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The data folder; made when missing, used again when there.
    #[arg(long, default_value = "data/demo")]
    data: PathBuf,
    /// The port on this machine.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

impl Args {
    /// The demo's part of the configuration: its folder, this machine alone, developers' tools on.
    pub(super) fn apply(&self, config: &mut Config) {
        config.data.clone_from(&self.data);
        config.listen = SocketAddr::from(([127, 0, 0, 1], self.port));
        config.development = true;
    }
}

pub(super) async fn run(config: Config, authority: ScopeAuthority, args: &Args) -> Result<(), Failed> {
    let started = Instant::now();
    let installation = Installation::open(&config, Existing::Replace).await?;
    let library = RegionLibrary::carried()?;
    let with_packages: Vec<_> = library
        .regions()
        .filter(|region| !region.packages.is_empty())
        .map(|region| region.tenant.slug.clone())
        .collect();
    for slug in &with_packages {
        for done in provision(&installation.app, &authority, &library, slug).await? {
            line(format!("{}  {}  {} records created, {} kept", done.slug, done.name, done.created, done.kept));
        }
    }
    serve::until_stopped(&config, installation, authority, || what_to_open(args, &with_packages, started)).await
}

fn what_to_open(args: &Args, slugs: &[TenantSlug], started: Instant) {
    let origin = format!("http://localhost:{}", args.port);
    line(format!("ready to serve after {} ms; open:", started.elapsed().as_millis()));
    line(format!("  portals   {origin}/"));
    for slug in slugs {
        line(format!("  portal    {origin}/t/{slug}/"));
        line(format!("  GraphiQL  {origin}/t/{slug}/graphql"));
        line(format!("  schema    {origin}/t/{slug}/graphql/schema.graphql"));
        line(format!(
            "  a token to write with: sunlit token --data {} --tenant {slug} --role editor",
            args.data.display()
        ));
    }
}
