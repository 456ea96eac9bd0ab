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
use super::{Failed, serve, tenant};
use crate::config::Config;

/// The demo's own data folder, where no other is named; made when missing, used again when there.
const DATA: &str = "data/demo";

/// What can be chosen.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The port on this machine.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

impl Args {
    /// The demo's part of the configuration: files in its folder, this machine alone, developers' tools on.
    pub(super) fn apply(&self, config: &mut Config) {
        config.keep_in(PathBuf::from(DATA));
        config.listen = SocketAddr::from(([127, 0, 0, 1], self.port));
        config.development = true;
    }
}

pub(super) async fn run(config: Config, authority: ScopeAuthority) -> Result<(), Failed> {
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
            tenant::tell(&done);
        }
    }
    serve::until_stopped(&config, installation, authority, || what_to_open(&config, &with_packages, started)).await
}

fn what_to_open(config: &Config, slugs: &[TenantSlug], started: Instant) {
    let origin = format!("http://localhost:{}", config.listen.port());
    let data = config.data.display();
    line(format!("ready to serve after {} ms; open:", started.elapsed().as_millis()));
    line(format!("  portals   {origin}/"));
    for slug in slugs {
        line(format!("  portal    {origin}/t/{slug}/"));
        line(format!("  GraphiQL  {origin}/t/{slug}/graphql"));
        line(format!("  schema    {origin}/t/{slug}/graphql/schema.graphql"));
        line(format!("  a token to write with: sunlit token {slug} --role editor --data {data}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseUrl;

    #[test]
    fn the_demo_never_touches_the_configured_database() {
        let url = || Some(DatabaseUrl("postgres://sunlit_app@localhost/sunlit".to_owned()));
        let mut config = Config { database: url(), migrator_database: url(), ..Config::default() };
        Args { port: 8080 }.apply(&mut config);
        assert!(config.database().is_none());
        assert!(config.migrator_database.is_none());
        assert_eq!(config.data, PathBuf::from(DATA));
    }
}
