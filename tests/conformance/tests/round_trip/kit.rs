//! A Sunlit with the package, and what a test does with it over the routes.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use serde_json::{Map, Value as Json, json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_domain::id::{TenantId, lower_camel, upper_camel};
use sunlit_domain::manifest::{Collection, Field, FieldType};
use sunlit_domain::{Manifest, Role};
use sunlit_sheet::Form;
use sunlit_test_support::TestApp;

use crate::package;

pub(crate) struct Kit {
    pub(crate) app: TestApp,
    pub(crate) manifest: Arc<Manifest>,
}

/// A tenant, and who writes there.
pub(crate) struct Place {
    pub(crate) slug: &'static str,
    pub(crate) tenant: TenantId,
    token: String,
}

impl Kit {
    pub(crate) async fn new() -> Self {
        let text = package::manifest();
        let manifest = Manifest::parse("package", &text).map_err(|errors| errors.to_string()).unwrap();
        let app = TestApp::start().await;
        publish::run(app.app(), text, None, Existing::Keep).await.unwrap();
        Self { app, manifest: Arc::new(manifest) }
    }

    /// A tenant that has the package enabled; the same administrator in each.
    pub(crate) async fn place(&self, slug: &'static str) -> Place {
        let tenant = self.app.tenant(slug, &[(package::ID, &[])]).await;
        Place { slug, tenant, token: self.app.token(tenant, Role::Administrator) }
    }

    /// Creates a record and answers its id.
    pub(crate) async fn create(&self, place: &Place, collection: &Collection, input: &Map<String, Json>) -> String {
        let own = upper_camel(collection.name.as_str());
        let query = format!(
            "mutation($input: RoundTrip_{own}Create!) {{ it: roundTripCreate{own}(input: $input) \
             {{ record {{ id }} errors {{ code message path }} }} }}"
        );
        let answer = self.app.graphql(place.slug, Some(&place.token), &query, json!({ "input": input })).await;
        let made = &answer.data()["it"];
        assert_eq!(made["errors"], json!([]), "{own}: {}", Json::from(input.clone()));
        made["record"]["id"].as_str().unwrap().to_owned()
    }

    /// Every record with every field, by id.
    pub(crate) async fn records(&self, place: &Place, collection: &Collection) -> Vec<Json> {
        let fields: Vec<String> = collection.fields.iter().map(selection).collect();
        let query = format!(
            "{{ workspace {{ roundTrip {{ it: {}(first: 50, order: [ID_ASC]) {{ nodes {{ id version state {} }} }} }} }} }}",
            lower_camel(&collection.plural()),
            fields.join(" ")
        );
        let answer = self.app.graphql(place.slug, Some(&place.token), &query, json!({})).await;
        answer.data()["workspace"]["roundTrip"]["it"]["nodes"].as_array().unwrap().clone()
    }

    pub(crate) async fn export(&self, place: &Place, collection: &Collection, form: Form) -> Bytes {
        let path = format!("{}.{}", self.path(place, collection), form.extension());
        let request = TestRequest::get().uri(&path).insert_header(("authorization", format!("Bearer {}", place.token)));
        let (status, _, body) = self.app.call(request).await;
        assert_eq!(status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&body));
        body
    }

    pub(crate) async fn import(
        &self,
        place: &Place,
        collection: &Collection,
        (form, more): (Form, &str),
        file: impl Into<Bytes>,
    ) -> (StatusCode, Json) {
        self.import_as(&place.token, place, collection, (form, more), file).await
    }

    pub(crate) async fn import_as(
        &self,
        token: &str,
        place: &Place,
        collection: &Collection,
        (form, more): (Form, &str),
        file: impl Into<Bytes>,
    ) -> (StatusCode, Json) {
        let path = format!("{}?format={}{more}", self.path(place, collection), form.extension());
        let request = TestRequest::post()
            .uri(&path)
            .insert_header(("content-type", form.media_type()))
            .insert_header(("authorization", format!("Bearer {token}")))
            .set_payload(file.into());
        let (status, _, body) = self.app.call(request).await;
        (status, serde_json::from_slice(&body).unwrap_or(Json::Null))
    }

    fn path(&self, place: &Place, collection: &Collection) -> String {
        format!("/t/{}/records/{}/{}", place.slug, self.manifest.plugin.id, collection.name)
    }
}

fn selection(field: &Field) -> String {
    let parts = match field.item_type() {
        FieldType::Point => " { lat lng }",
        FieldType::Ref | FieldType::File => " { id }",
        _ => "",
    };
    format!("{}{parts}", lower_camel(field.name.as_str()))
}
