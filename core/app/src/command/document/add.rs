//! Registers GraphQL documents, so that clients may send their hash, and anonymous callers nothing else where the tenant
//! wants it so.

use std::collections::BTreeMap;

use sunlit_domain::Scope;
use sunlit_storage::tenant::document::{self, Document};

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::{only_administrators, trail};
use crate::query::document_find::hash_of;
use crate::{App, AppError};

/// How many documents a tenant may register.
pub const MAX_DOCUMENTS: usize = 2_000;
/// Bytes of a document: what a signed-in caller may send.
pub const MAX_BYTES: usize = 64 * 1024;
/// Characters of a document's name.
const MAX_NAME: usize = 200;

/// A document to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// What people call it.
    pub name: String,
    /// The GraphQL document, byte for byte as the client's compiler hashed it.
    pub text: String,
    /// The hash that the client will send, when it is known: it must be the text's.
    pub hash: Option<String>,
}

/// Registers all of them or none; answers their hashes in the same order. What is registered already stays as it is.
///
/// Whether a text is GraphQL is the API's affair: it checks each document as if it had been sent.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] for anybody but an administrator, [`AppError::Argument`] for a hash
/// that is not the text's or a name that is not acceptable, [`AppError::Limit`] for a document that is too large or one
/// more than [`MAX_DOCUMENTS`].
pub async fn run(app: &App, scope: &Scope, new: &[NewDocument]) -> Result<Vec<String>, AppError> {
    only_administrators(scope)?;
    let mut hashes = Vec::new();
    let mut distinct = BTreeMap::new();
    for one in new {
        let hash = checked(one)?;
        distinct.insert(hash.clone(), one);
        hashes.push(hash);
    }
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    for (hash, one) in distinct {
        let document = Document { hash: hash.clone(), text: one.text.clone(), name: one.name.clone(), at };
        document::add(scope, &work, document).await?;
        trail::of_change(app, scope, &work, ("add", "document", &hash), at).await?;
    }
    // Counted inside the transaction, so that two who add at once cannot pass the limit together.
    if document::count(scope, &work).await? > MAX_DOCUMENTS as u64 {
        return Err(AppError::Limit(format!("a tenant may register at most {MAX_DOCUMENTS} documents")));
    }
    commit(app, scope, work, None).await?;
    Ok(hashes)
}

fn checked(new: &NewDocument) -> Result<String, AppError> {
    let name = &new.name;
    if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
        return Err(AppError::Argument(format!("a document's name has 1 to {MAX_NAME} characters on one line")));
    }
    if new.text.trim().is_empty() {
        return Err(AppError::Argument(format!("{name}: the document is empty")));
    }
    if new.text.len() > MAX_BYTES {
        return Err(AppError::Limit(format!("{name}: the document is larger than {MAX_BYTES} bytes")));
    }
    let hash = hash_of(&new.text);
    match &new.hash {
        Some(given) if !given.eq_ignore_ascii_case(&hash) => {
            Err(AppError::Argument(format!("{name}: the text's SHA-256 is {hash}, not {given}")))
        }
        _ => Ok(hash),
    }
}
