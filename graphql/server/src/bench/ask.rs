//! Asking a service as a client does, without a socket: what contenders over HTTP have in common.

use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::ContentType;
use actix_web::test::{TestRequest, init_service, try_call_service};
use actix_web::web::Bytes;
use actix_web::{App, Error};
use serde_json::Value as Json;

use crate::command::Failed;

/// An answer under way.
pub(super) type Asking = Pin<Box<dyn Future<Output = Result<Bytes, Failed>>>>;
/// Asks the same thing each time.
pub(super) type Ask = Rc<dyn Fn() -> Asking>;
/// Sends any request.
pub(super) type Sender = Rc<dyn Fn(TestRequest) -> Asking>;

/// Sends requests to the service, and gives back the body of a good answer.
pub(super) async fn sender<T, B>(app: App<T>) -> Sender
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    let service = Rc::new(init_service(app).await);
    Rc::new(move |request| {
        let service = Rc::clone(&service);
        Box::pin(async move {
            let answer =
                try_call_service(service.as_ref(), request.to_request()).await.map_err(|error| error.to_string())?;
            let (status, path) = (answer.status(), answer.request().path().to_owned());
            let body = actix_web::test::try_read_body(answer).await.map_err(|error| error.into().to_string())?;
            if status.is_success() && !body.starts_with(b"{\"errors\"") {
                return Ok(body);
            }
            Err(format!("{path} answers {status}: {}", String::from_utf8_lossy(&body)).into())
        })
    })
}

/// A request with a body of JSON.
pub(super) fn post(uri: &str, body: Bytes) -> TestRequest {
    TestRequest::post().uri(uri).insert_header(ContentType::json()).set_payload(body)
}

/// Posts the same body each time.
pub(super) fn asker(sender: &Sender, uri: &str, body: &Json) -> Ask {
    let (sender, uri, body): (_, Rc<str>, Bytes) = (Rc::clone(sender), uri.into(), body.to_string().into());
    Rc::new(move || sender(post(&uri, body.clone())))
}
