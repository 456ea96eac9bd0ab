//! Where Prometheus asks: a listener of its own, so that the public port tells nothing.

use std::net::SocketAddr;

use actix_web::http::header;
use actix_web::web::{self, get};
use actix_web::{App, HttpResponse, HttpServer, dev};

use super::numbers::{self, Numbers, Sources};
use crate::command::Failed;

/// What Prometheus calls its text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Begins to count, and to answer `GET /metrics` at `address`. None when there is no address: then nothing is counted either.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) fn start(address: Option<SocketAddr>, sources: Sources) -> Result<Option<dev::ServerHandle>, Failed> {
    let Some(address) = address else { return Ok(None) };
    let numbers = numbers::install()?;
    let (numbers_of_all, sources) = (web::Data::new(numbers.clone()), web::Data::new(sources));
    let server = HttpServer::new(move || {
        App::new().app_data(numbers_of_all.clone()).app_data(sources.clone()).route("/metrics", get().to(tell))
    });
    let server = server.workers(1).disable_signals().bind(address).map_err(|error| {
        format!("cannot listen on {address}: {error}: stop what uses the port, or choose another with `metrics_listen`")
    })?;
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    actix_web::rt::spawn(numbers.keep());
    tracing::info!(listen = %address, "telling numbers");
    Ok(Some(handle))
}

async fn tell(numbers: web::Data<Numbers>, sources: web::Data<Sources>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, FORMAT))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(numbers.render(&sources).await)
}
