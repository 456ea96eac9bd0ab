//! HTTP: the route table, and one file for each kind of answer.

mod address;
mod assets;
mod auth;
mod body;
mod cors;
mod credential;
mod events;
mod explorer;
mod export;
mod failure;
mod file;
mod form;
mod graphql;
mod health;
mod media;
mod moved;
mod openapi;
mod page;
mod preferences;
mod sheet;
mod socket;
mod subscribe;
mod visitor;

use actix_web::body::MessageBody;
use actix_web::http::header;
use actix_web::middleware::{Compress, DefaultHeaders, Next, from_fn};
use actix_web::web::{self, ServiceConfig, get, head, post};
use actix_web::{App, Error, HttpServer, dev};
use tracing_actix_web::TracingLogger;

use crate::state::State;
use crate::telemetry::numbers;
use crate::telemetry::request::{self, RequestSpan};

/// Every route. A tenant's routes stand twice: below `/t/{tenant}`, and at the root of its own host name.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/healthz", get().to(health::alive))
        .route("/readyz", get().to(health::ready))
        .route("/.well-known/jwks.json", get().to(auth::jwks))
        .service(web::resource("/subscribe").route(get().to(subscribe::form_page)).route(post().to(subscribe::send)))
        .service(
            web::resource("/subscribe/confirm")
                .route(get().to(subscribe::confirm_page))
                .route(post().to(subscribe::confirm)),
        )
        .route("/assets/explorer/{name}", get().to(explorer::file))
        .route("/assets/{name}", get().to(assets::asset))
        .service(web::scope("/t/{tenant}").wrap(from_fn(moved::lead)).configure(tenant_routes))
        .configure(tenant_routes)
        .default_service(web::to(page::nothing));
}

/// What a tenant answers.
fn tenant_routes(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/graphql")
                .wrap(from_fn(cors::guard))
                .route(post().to(graphql::post))
                .route(get().to(graphql::get))
                .default_service(web::to(graphql::other_method)),
        )
        .service(web::resource("/graphql/schema.graphql").wrap(from_fn(cors::guard)).route(get().to(explorer::schema)))
        .service(
            web::resource("/records/{package}/{collection}.{form:csv|xlsx}")
                .wrap(from_fn(cors::guard))
                .route(get().to(sheet::export)),
        )
        .service(
            web::resource("/records/{package}/{collection:[^./]+}")
                .wrap(from_fn(cors::guard))
                .route(post().to(sheet::import)),
        )
        .service(web::resource("/files").wrap(from_fn(cors::guard)).route(post().to(file::post)))
        .service(
            web::resource("/files/{id}/{name}")
                .wrap(from_fn(cors::guard))
                .route(get().to(file::get))
                .route(head().to(file::get)),
        )
        .service(web::resource("/export").wrap(from_fn(cors::guard)).route(get().to(export::get)))
        .service(web::resource("/openapi.json").wrap(from_fn(cors::guard)).route(get().to(openapi::document)))
        .service(web::resource("/auth").wrap(from_fn(cors::guard)).route(get().to(auth::ways)))
        .service(
            web::resource("/auth/sign-in")
                .wrap(from_fn(cors::guard))
                .route(get().to(auth::sign_in_page))
                .route(post().to(auth::sign_in)),
        )
        .service(web::resource("/auth/ticket").wrap(from_fn(cors::guard)).route(get().to(auth::ticket_page)))
        .service(web::resource("/auth/account").wrap(from_fn(cors::guard)).route(get().to(auth::account_page)))
        .service(
            web::resource("/auth/second-factor")
                .wrap(from_fn(cors::guard))
                .route(get().to(auth::second_factor_page))
                .route(post().to(auth::second_factor)),
        )
        .service(web::resource("/auth/refresh").wrap(from_fn(cors::guard)).route(post().to(auth::refresh)))
        .service(web::resource("/auth/sign-out").wrap(from_fn(cors::guard)).route(post().to(auth::sign_out)))
        .service(
            web::resource("/auth/reset")
                .wrap(from_fn(cors::guard))
                .route(get().to(auth::reset_page))
                .route(post().to(auth::reset)),
        )
        .service(web::resource("/auth/redeem").wrap(from_fn(cors::guard)).route(post().to(auth::redeem)))
        .service(web::resource("/auth/oidc").wrap(from_fn(cors::guard)).route(get().to(auth::oidc_begin)))
        .service(web::resource("/auth/oidc/callback").wrap(from_fn(cors::guard)).route(get().to(auth::oidc_callback)))
        .route("/preferences", get().to(preferences::set))
        .route("/p/{package}", get().to(page::view))
        .route("/p/{package}/{path:.*}", get().to(page::view))
        .route("", get().to(page::home))
        .route("/", get().to(page::home));
}

/// What every answer carries. Pages run no script, load nothing from elsewhere and stand in no frame.
#[must_use]
pub fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "same-origin"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ))
}

/// Serves until a signal asks to stop; then lets requests that run come to their end.
///
/// # Errors
/// When the address cannot be listened on.
pub fn serve(
    state: web::Data<State>,
    listen: std::net::SocketAddr,
    threads: Option<usize>,
) -> std::io::Result<dev::Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .wrap(headers())
            .wrap(Compress::default())
            .wrap(from_fn(request::answer_with_trace))
            .wrap(from_fn(numbers::observe))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(routes)
    });
    let server = match threads {
        Some(threads) => server.workers(threads),
        None => server,
    };
    // Head and body of an answer are two writes: the second must not wait for the client to acknowledge the first.
    Ok(server.tcp_nodelay(true).shutdown_timeout(20).disable_signals().bind(listen)?.run())
}

/// Gives every answer one type.
async fn boxed(
    request: dev::ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<dev::ServiceResponse, Error> {
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// The factory of an application for tests: the same routes, headers and spans, without a socket.
pub fn application(
    state: web::Data<State>,
) -> App<
    impl dev::ServiceFactory<
        dev::ServiceRequest,
        Config = (),
        Response = dev::ServiceResponse,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(state)
        .wrap(headers())
        .wrap(from_fn(request::answer_with_trace))
        .wrap(from_fn(numbers::observe))
        .wrap(TracingLogger::<RequestSpan>::new())
        .wrap(from_fn(boxed))
        .configure(routes)
}
