//! What a request costs beside the document that it brings. One cost is about what a field of a record costs in a list.

use actix_web::HttpRequest;
use actix_web::http::Method;

/// A request, whatever it is.
const REQUEST: u64 = 2;
/// A page is some lists, and their HTML.
const PAGE: u64 = 20;
/// A file, or a picture in small.
const FILE: u64 = 5;
/// What is read and looked through as a whole.
const UPLOAD: u64 = 200;
/// A spreadsheet, of up to some hundred thousand cells.
const SHEET: u64 = 2_000;
/// Everything that a tenant has.
const ARCHIVE: u64 = 5_000;

/// What a request costs.
#[must_use]
pub(crate) fn of(request: &HttpRequest) -> u64 {
    let pattern = request.match_pattern().unwrap_or_default();
    let below = pattern.strip_prefix("/t/{tenant}").unwrap_or(&pattern);
    let is_post = request.method() == Method::POST;
    match below.split('/').nth(1).unwrap_or_default() {
        "graphql" => REQUEST,
        "records" => SHEET,
        "files" if is_post => UPLOAD,
        "files" => FILE,
        "export" => ARCHIVE,
        "preferences" | "openapi.json" => REQUEST,
        _ => PAGE,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, init_service, try_call_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;

    #[actix_web::test]
    async fn what_does_more_costs_more() {
        async fn told(request: HttpRequest) -> HttpResponse {
            HttpResponse::Ok().body(of(&request).to_string())
        }
        let routes = |config: &mut web::ServiceConfig| {
            for path in ["", "/graphql", "/files", "/files/{id}/{name}", "/records/{a}/{b}", "/export", "/p/{x}/{y:.*}"]
            {
                config.route(path, web::to(told));
            }
        };
        let app = App::new().service(web::scope("/t/{tenant}").configure(routes)).configure(routes);
        let app = init_service(app).await;
        for base in ["", "/t/900001"] {
            let price = async |method: Method, path: &str| {
                let request = TestRequest::default().method(method).uri(&format!("{base}{path}")).to_request();
                let answer = try_call_service(&app, request).await.unwrap();
                let body = actix_web::test::read_body(answer).await;
                String::from_utf8(body.to_vec()).unwrap().parse::<u64>().unwrap_or_else(|_| panic!("{path}"))
            };
            assert_eq!(price(Method::POST, "/graphql").await, REQUEST);
            assert_eq!(price(Method::GET, "/files/1/a").await, FILE);
            assert_eq!(price(Method::POST, "/files").await, UPLOAD);
            assert_eq!(price(Method::GET, "/records/a/b").await, SHEET);
            assert_eq!(price(Method::GET, "/export").await, ARCHIVE);
            assert_eq!(price(Method::GET, "/p/street-cards/streets/1").await, PAGE);
        }
    }
}
