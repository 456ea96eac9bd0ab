//! An upload of five gigabytes: refused or cut off, it costs neither memory nor space.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;

use crate::kit::{HERE, Kit, PDF, signed};

/// Set in the process that has memory of its own.
const IS_ALONE: &str = "SUNLIT_MEMORY_IS_MEASURED";
const PIECE: usize = 64 * 1024;
const GIGABYTES: u64 = 5_000_000_000;
/// KiB that an upload may take: some parts of 5 MiB, here and in the server of the bucket, which is in the same process.
const MOST: u64 = 48 * 1024;

/// Runs itself again in a process of its own, for other tests take memory too.
#[test]
fn an_upload_of_five_gigabytes_takes_neither_memory_nor_space() {
    if std::env::var(IS_ALONE).is_ok() {
        return actix_web::rt::System::new().block_on(async {
            measure(Kit::new().await).await;
            measure(Kit::in_bucket().await).await;
        });
    }
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", "large::an_upload_of_five_gigabytes_takes_neither_memory_nor_space", "--nocapture"]);
    assert!(run.env(IS_ALONE, "yes").status().unwrap().success());
}

/// Of this process, in KiB.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// `bytes` of a PDF, made as they are asked for, then a break.
fn pieces(bytes: u64, asked: &Arc<AtomicU64>) -> impl Iterator<Item = Result<Bytes, PayloadError>> + use<> {
    let asked = Arc::clone(asked);
    let count = bytes.div_ceil(PIECE as u64);
    (0..=count).map(move |n| {
        if n == count {
            return Err(PayloadError::Incomplete(None));
        }
        asked.fetch_add(PIECE as u64, Ordering::Relaxed);
        let mut piece = vec![b' '; PIECE];
        if n == 0 {
            piece[..PDF.len()].copy_from_slice(PDF);
        }
        Ok(Bytes::from(piece))
    })
}

async fn measure(kit: Kit) {
    let asked = Arc::new(AtomicU64::new(0));
    // What is taken once, such as connections, is taken before.
    let (status, _) = kit.post_in_pieces("a.pdf", "application/pdf", pieces(12_000_000, &asked)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let before = memory("VmRSS:");
    // Forgets the peak until now (proc_pid_clear_refs(5)).
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    for (bytes, expect, most) in
        [(96_000_000, StatusCode::BAD_REQUEST, 97_000_000), (GIGABYTES, StatusCode::PAYLOAD_TOO_LARGE, 106_000_000)]
    {
        asked.store(0, Ordering::Relaxed);
        let (status, body) = kit.post_in_pieces("a.pdf", "application/pdf", pieces(bytes, &asked)).await;
        assert_eq!(status, expect, "{body:?}");
        let read = asked.load(Ordering::Relaxed);
        assert!(read < most, "{read} bytes were read of {bytes}");
        assert!(kit.blobs().is_empty(), "{:?}", kit.blobs());
    }
    let taken = memory("VmHWM:").saturating_sub(before);
    eprintln!("{taken} KiB at most for an upload, {before} KiB before");
    assert!(taken < MOST, "{taken} KiB");
    // Who says before how much it is does not have to send it.
    asked.store(0, Ordering::Relaxed);
    let request = TestRequest::post().uri(&format!("/t/{HERE}/files?name=a.pdf"));
    let request = request.insert_header(("content-type", "application/pdf"));
    let request = signed(request.insert_header(("content-length", GIGABYTES.to_string())), Some(&kit.editor));
    let (status, _, _) = kit.app.call_in_pieces(request, pieces(GIGABYTES, &asked)).await;
    assert_eq!((status, asked.load(Ordering::Relaxed)), (StatusCode::PAYLOAD_TOO_LARGE, 0));
}
