//! Other services that the configuration names: whether somebody is there.

use std::time::Duration;

use tokio::net::TcpStream;

use super::Findings;
use crate::config::Config;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Without it nothing but its traces is lost.
pub(super) async fn collector(config: &Config, findings: &mut Findings) {
    let Some(url) = &config.otlp_endpoint else { return };
    match reach(url, 4_318).await {
        Ok(()) => findings.ok("collector", format!("{url} answers")),
        Err(error) => {
            findings.warning(
                "collector",
                format!("{url}: {error}: traces are lost"),
                "start it, or mend `otlp_endpoint`",
            );
        }
    }
}

/// Without it nobody gets an invitation, and nobody a new password.
pub(super) async fn mail(config: &Config, findings: &mut Findings) {
    let Some(server) = &config.smtp else { return };
    let port = if server.0.starts_with("smtps:") { 465 } else { 25 };
    // What is shown of it has no password.
    match reach(&server.0, port).await {
        Ok(()) => findings.ok("mail", format!("{server:?} answers")),
        Err(error) => findings.fault("mail", format!("{server:?}: {error}"), "start it, or mend `smtp`"),
    }
}

/// Whether somebody listens where a URL leads.
async fn reach(url: &str, default_port: u16) -> Result<(), String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = if has_port { authority.to_owned() } else { format!("{authority}:{default_port}") };
    match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", PATIENCE.as_secs())),
    }
}
