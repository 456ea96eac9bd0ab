//! What a caller asks: the parameters of GraphQL over HTTP, of any transport, before they are looked at; and the document
//! that they mean, written out or registered.

use std::sync::Arc;

use async_graphql::Variables;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sunlit_app::query::document_find;
use sunlit_app::{AppError, Reading};

/// The parameters of a request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Map<String, Json>")]
pub struct Ask {
    /// The document, written out.
    pub query: Option<String>,
    /// The hash of a registered document; with `query` beside it, the hash that the text must have.
    pub document_id: Option<String>,
    /// Which of the document's operations is meant.
    pub operation_name: Option<String>,
    /// The values of its variables.
    pub variables: Variables,
}

/// Why parameters are malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` must be {expected}")]
pub struct Malformed {
    name: &'static str,
    expected: &'static str,
}

impl TryFrom<Map<String, Json>> for Ask {
    type Error = Malformed;

    /// Reads the parameters of GraphQL over HTTP (§5), `documentId`, and Apollo's `extensions.persistedQuery`. Others are
    /// ignored, and `null` counts as not there.
    fn try_from(mut parameters: Map<String, Json>) -> Result<Self, Malformed> {
        let extensions = object(&mut parameters, "extensions")?;
        Ok(Self {
            query: text(&mut parameters, "query")?,
            document_id: match text(&mut parameters, "documentId")? {
                Some(id) => Some(id),
                None => persisted(extensions)?,
            },
            operation_name: text(&mut parameters, "operationName")?.filter(|name| !name.is_empty()),
            variables: Variables::from_json(Json::Object(object(&mut parameters, "variables")?)),
        })
    }
}

fn text(parameters: &mut Map<String, Json>, name: &'static str) -> Result<Option<String>, Malformed> {
    match parameters.remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(Malformed { name, expected: "a string" }),
    }
}

fn object(parameters: &mut Map<String, Json>, name: &'static str) -> Result<Map<String, Json>, Malformed> {
    match parameters.remove(name) {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(Json::Object(object)) => Ok(object),
        Some(_) => Err(Malformed { name, expected: "an object" }),
    }
}

/// The hash as Apollo's clients send it: `{ persistedQuery: { version: 1, sha256Hash } }`.
fn persisted(mut extensions: Map<String, Json>) -> Result<Option<String>, Malformed> {
    let mut persisted = object(&mut extensions, "persistedQuery")?;
    text(&mut persisted, "sha256Hash")
}

impl Ask {
    /// Whether any document is asked for.
    #[must_use]
    pub fn has_document(&self) -> bool {
        self.query.as_ref().is_some_and(|query| !query.is_empty()) || self.document_id.is_some()
    }

    /// The text of the document that is meant.
    ///
    /// # Errors
    /// [`AppError::Argument`] when there is none or its hash is another one, [`AppError::DocumentUnknown`],
    /// [`AppError::DocumentNotTrusted`] where the tenant answers anonymous callers registered documents only.
    pub(crate) async fn document(&self, reading: &Reading) -> Result<Arc<str>, AppError> {
        let Some(text) = &self.query else {
            let Some(hash) = &self.document_id else {
                return Err(AppError::Argument("the request has no query and no documentId".to_owned()));
            };
            return document_find::by_hash(reading, hash).await;
        };
        if let Some(given) = &self.document_id {
            let hash = document_find::hash_of(text);
            if !given.strip_prefix("sha256:").unwrap_or(given).eq_ignore_ascii_case(&hash) {
                return Err(AppError::Argument(format!("the query's SHA-256 is {hash}, not {given:.80}")));
            }
        }
        let only_trusted = reading.context().core.trusted_documents_only && reading.scope().actor().id().is_none();
        if !only_trusted {
            return Ok(text.as_str().into());
        }
        match document_find::by_hash(reading, &document_find::hash_of(text)).await {
            Err(AppError::DocumentUnknown) => Err(AppError::DocumentNotTrusted),
            found => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(parameters: Json) -> Result<Ask, String> {
        serde_json::from_value(parameters).map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_are_typed_and_null_counts_as_missing() {
        for name in ["query", "documentId", "operationName", "variables", "extensions"] {
            assert!(check(json!({ "query": "{ a }", name: null })).is_ok(), "{name}");
            for wrong in [json!(0), json!(false), json!(["a"])] {
                let error = check(json!({ name: wrong })).unwrap_err();
                assert!(error.contains(name), "{error}");
            }
        }
        assert!(check(json!({ "variables": "{}" })).is_err());
        assert!(check(json!({ "query": {} })).is_err());
        assert!(check(json!(["{ a }"])).is_err(), "a list is no request");
        assert!(!check(json!({ "query": "" })).unwrap().has_document());
    }

    #[test]
    fn a_hash_comes_as_document_id_or_as_apollo_sends_it() {
        let id = |parameters: Json| check(parameters).unwrap().document_id;
        assert_eq!(id(json!({ "documentId": "sha256:ab" })).as_deref(), Some("sha256:ab"));
        let apollo = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "cd" } } });
        assert_eq!(id(apollo).as_deref(), Some("cd"));
        assert!(check(json!({ "extensions": { "persistedQuery": 1 } })).is_err());
        assert!(check(json!({ "extensions": { "persistedQuery": { "sha256Hash": 1 } } })).is_err());
    }
}
