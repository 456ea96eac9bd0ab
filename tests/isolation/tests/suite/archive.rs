//! What an administrator takes along is all of the tenant, and nothing of another.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use sunlit_tenants::ArchiveError;
use sunlit_tenants::archive::read::{MAX_TOTAL_BYTES, Sink, read_from};
use sunlit_tenants::archive::{Entry, Manifest, Opening};

use crate::kit::{Kit, Side};

/// Everything that an archive says, as one text.
#[derive(Default)]
struct Said(Vec<u8>);

impl Sink for Said {
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), ArchiveError> {
        self.0.extend_from_slice(manifest.text()?.as_bytes());
        Ok(())
    }

    fn piece(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), ArchiveError> {
        if entry.rows.is_some() {
            self.0.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end(&mut self, _: &Entry) -> Result<(), ArchiveError> {
        Ok(())
    }
}

async fn taken_along(kit: &Kit, side: &Side) -> String {
    let request = TestRequest::get().uri(&format!("/t/{}/export?plain=true", side.slug));
    let request = request.insert_header(("authorization", format!("Bearer {}", side.token)));
    let (status, _, body) = kit.app.call(request).await;
    assert_eq!(status, StatusCode::OK, "{body:?}");
    let mut said = Said::default();
    read_from(&*body, &Opening::Plain, MAX_TOTAL_BYTES, &mut said).unwrap();
    String::from_utf8(said.0).unwrap()
}

#[actix_web::test]
async fn an_archive_holds_everything_of_its_tenant_and_nothing_of_another() {
    let kit = Kit::new().await;
    for (side, foreign) in [(&kit.own, &kit.other), (&kit.other, &kit.own)] {
        let said = taken_along(&kit, side).await;
        for word in side.ids.values().chain([&side.canary, &side.document, &side.tenant.to_string()]) {
            assert!(said.contains(word.as_str()), "{word} is missing");
        }
        for word in foreign.ids.values().chain([&foreign.canary, &foreign.tenant.to_string()]) {
            assert!(!said.contains(word.as_str()), "{word} is another tenant's");
        }
    }
}
