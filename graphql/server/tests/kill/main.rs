//! The real server is killed with SIGKILL in the middle of writing, again and again; nothing that it acknowledged may be
//! lost, nothing half-written may be seen, and every job must run.
//!
//! `SUNLIT_KILLS=10 cargo nextest run --workspace --no-capture -E "binary(kill)"` kills it ten times, after 1,000
//! acknowledged writes and more each time (`SUNLIT_WRITES`); without the variable it is a small edition for every day.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod book;
mod installation;
mod life;
mod server;
mod writer;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use book::Book;
use installation::Installation;
use server::Server;
use sunlit_app::{Environment as _, SystemEnvironment};
use sunlit_storage::testing::{self, Cluster};
use sunlit_test_support::consistency::Story;
use writer::Writer;

const WRITERS: usize = 4;
const FIRED: &str = "kill-kit.schedule.chime";

struct Edition {
    kills: usize,
    writes: usize,
}

impl Edition {
    fn chosen() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let kills = number("SUNLIT_KILLS");
        let writes = number("SUNLIT_WRITES").unwrap_or(if kills.is_some() { 1_000 } else { 150 });
        Self { kills: kills.unwrap_or(2), writes }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let began = Instant::now();
    let edition = Edition::chosen();
    let installation = Installation::new().await;
    let mut book = Book::new(installation.folder());
    let seed = SystemEnvironment.random();
    let mut writers: Vec<_> =
        (0..WRITERS).map(|n| Writer::new(&installation, u64::from(seed) * 31 + u64::try_from(n).unwrap())).collect();
    println!("seed {seed}, {} kills, {} writes and more between them", edition.kills, edition.writes);
    for kill in 0..edition.kills {
        let server = Server::start(&installation);
        compare(&installation.story().await, &book, &mut writers);
        let until = edition.writes + writers[0].below(edition.writes / 5 + 1);
        // Not at an acknowledgement, which is a safe moment, but at any time after it: inside a commit too.
        let after = Duration::from_micros(u64::try_from(writers[0].below(20_000)).unwrap());
        write_and_kill(server.address(), || server.kill(), &mut writers, &mut book, (until, after));
        println!("kill {}: after {until} acknowledged writes", kill + 1);
    }
    let server = Server::start(&installation);
    compare(&installation.story().await, &book, &mut writers);
    server.kill();
    let story = end(&installation, &book, &mut writers).await;
    let doubts: usize = writers.iter().map(|writer| writer.doubts).sum();
    let acknowledged = book.creates + book.updates + book.deletes + book.jobs.len();
    println!(
        "{} kills: {} creates, {} updates, {} deletes and {} jobs were acknowledged and none is lost; {doubts} were in \
         doubt, {} of them committed; {} records, {} audit rows, {} events agree; {} s",
        edition.kills,
        book.creates,
        book.updates,
        book.deletes,
        book.jobs.len(),
        story.events.len() - acknowledged,
        story.records.len(),
        story.audited,
        story.events.len(),
        began.elapsed().as_secs()
    );
}

mod on_postgres {
    use super::*;

    /// The database is killed below a server that goes on: it answers again when the database does, and nothing is lost.
    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_acknowledged_is_lost_when_postgresql_is_killed() {
        let edition = Edition::chosen();
        let folder = tempfile::tempdir().unwrap();
        std::process::Command::new("chmod").arg("755").arg(folder.path()).status().unwrap();
        let cluster = Cluster::start(folder.path().join("cluster"));
        let installation = Installation::on(Some(testing::database_of(&cluster.url()).await)).await;
        let mut book = Book::new(installation.folder());
        let mut writers: Vec<_> = (0..WRITERS)
            .map(|n| Writer::new(&installation, 77 + u64::try_from(n).unwrap()).bearing_failures())
            .collect();
        let server = Server::start(&installation);
        for kill in 0..edition.kills {
            let until = edition.writes + writers[0].below(edition.writes / 5 + 1);
            let after = Duration::from_micros(u64::try_from(writers[0].below(20_000)).unwrap());
            write_and_kill(server.address(), || cluster.kill(), &mut writers, &mut book, (until, after));
            cluster.restart();
            compare(&installation.story().await, &book, &mut writers);
            println!("kill {} of PostgreSQL: after {until} acknowledged writes", kill + 1);
        }
        server.kill();
        end(&installation, &book, &mut writers).await;
        println!(
            "{} kills of PostgreSQL: {} creates, {} updates, {} deletes and {} jobs were acknowledged and none is lost",
            edition.kills,
            book.creates,
            book.updates,
            book.deletes,
            book.jobs.len(),
        );
    }
}

/// What is there when the jobs are done too; it agrees with what was acknowledged.
async fn end(installation: &Installation, book: &Book, writers: &mut [Writer]) -> Story {
    installation.work_off_jobs().await;
    let story = installation.story().await;
    compare(&story, book, writers);
    every_job_ran_once(&story, book, writers);
    installation.audit_verify_agrees(&story);
    story
}

/// Lets the writers write until so many writes are acknowledged and so much time has passed after that, and kills the server
/// while they go on.
fn write_and_kill(
    address: SocketAddr,
    kill: impl FnOnce(),
    writers: &mut [Writer],
    book: &mut Book,
    (until, after): (usize, Duration),
) {
    let (acknowledged, acknowledgements) = mpsc::channel();
    std::thread::scope(|threads| {
        for writer in writers {
            let acknowledged = acknowledged.clone();
            threads.spawn(move || writer.write_until_the_server_is_gone(address, &acknowledged));
        }
        drop(acknowledged);
        for _ in 0..until {
            book.enter(&acknowledgements.recv().unwrap());
        }
        let moment = Instant::now() + after;
        while let Ok(line) = acknowledgements.recv_timeout(moment.saturating_duration_since(Instant::now())) {
            book.enter(&line);
        }
        kill();
        // What was answered before the kill counts as acknowledged too.
        for line in acknowledgements {
            book.enter(&line);
        }
    });
    book.read_again();
}

/// What was acknowledged is there. What was in doubt when the server died may be there or not, but only as a whole; the writers
/// go on from what is there.
fn compare(story: &Story, book: &Book, writers: &mut [Writer]) {
    let mut known = 0;
    for (id, acknowledged) in &book.records {
        let found = story.records.get(id).copied();
        let writer = writers.iter_mut().find(|writer| writer.owns(*id)).unwrap();
        let fits = writer.allows(*id, *acknowledged, found);
        assert!(fits, "{id}: acknowledged {acknowledged:?}, found {found:?}");
        writer.settle(*id, found);
        known += usize::from(found.is_some());
    }
    let unknown = story.records.len() - known;
    let creates: usize = writers.iter().map(|writer| writer.creates_in_doubt).sum();
    assert!(unknown <= creates, "{unknown} records that nobody has asked for: {creates} creates were in doubt");
}

fn every_job_ran_once(story: &Story, book: &Book, writers: &[Writer]) {
    for job in &book.jobs {
        assert_eq!(story.count(FIRED, *job), 1, "job {job}");
    }
    let mut fired: Vec<_> = story.events.iter().filter(|(name, _)| name == FIRED).map(|(_, job)| *job).collect();
    let all = fired.len();
    fired.sort_unstable();
    fired.dedup();
    assert_eq!(fired.len(), all, "a job had its effect twice");
    let in_doubt: usize = writers.iter().map(|writer| writer.jobs_in_doubt).sum();
    assert!(all - book.jobs.len() <= in_doubt, "{all} firings, {} acknowledged, {in_doubt} in doubt", book.jobs.len());
    assert_eq!(story.dead, 0, "jobs were given up");
}
