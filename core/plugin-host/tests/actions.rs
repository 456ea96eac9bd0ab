//! Actions of a real plugin that misbehaves on request: what reaches the port, and what the host reports.
#![expect(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use kit::{host, input, list, load, object, resolver};
use sunlit_plugin_builder::{BuildOptions, build};
use sunlit_plugin_host::{
    ActionInput, Blame, Budget, CallReport, Capability, Data, Grants, GuestError, Limits, Outcome, PluginHost,
    PortError, Ports, RecordsPort, Token,
};

fn probe() -> &'static [u8] {
    static PROBE: OnceLock<Vec<u8>> = OnceLock::new();
    PROBE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/plugins/probe");
        build(&folder, &BuildOptions::default()).unwrap().component
    })
}

/// Keeps what it is told, has one record, and may fail.
#[derive(Default)]
struct Book {
    kept: Mutex<Vec<String>>,
    fails: bool,
}

impl Book {
    fn keep(&self, change: String) -> Result<(), PortError> {
        if self.fails {
            return Err(PortError::Host("disk on fire".into()));
        }
        self.kept.lock().unwrap().push(change);
        Ok(())
    }

    fn count(&self) -> usize {
        self.kept.lock().unwrap().len()
    }
}

#[async_trait]
impl RecordsPort for Book {
    async fn create(&self, collection: &str, values: Data) -> Result<String, PortError> {
        if collection != "item" {
            return Err(PortError::NotFound(collection.to_owned()));
        }
        self.keep(format!("create {:?}", values.tokens))?;
        Ok(format!("id {}", self.count()))
    }

    async fn update(&self, _: &str, id: &str, version: i64, values: Data) -> Result<i64, PortError> {
        if version != 3 {
            return Err(PortError::Conflict(format!("the record is at version 3, not {version}")));
        }
        self.keep(format!("update {id} at {version} {:?}", values.tokens))?;
        Ok(version + 1)
    }

    async fn delete(&self, _: &str, id: &str, version: i64) -> Result<(), PortError> {
        self.keep(format!("delete {id} at {version}"))
    }

    async fn get(&self, _: &str, _: &str) -> Result<Option<Data>, PortError> {
        let shapes = vec![["version", "number"].map(str::to_owned).to_vec()];
        Ok(Some(Data { shapes, tokens: vec![Token::Object(0), Token::Int(3), Token::Int(41)] }))
    }
}

/// The limits of an action, without its clock.
fn patient() -> Limits {
    Limits { wall_clock: kit::patient().wall_clock, ..Limits::action() }
}

async fn act_with(book: &Arc<Book>, action: &str, args: Data, limits: Limits) -> CallReport {
    let host = host();
    let plugin = load(&host, probe());
    let lane = host.lane("t", "probe");
    let ports = Ports { records: Some(Arc::clone(book) as Arc<dyn RecordsPort>), ..Ports::default() };
    let report = plugin.act(ActionInput {
        lane: lane.clone(),
        action: action.to_owned(),
        args,
        ports,
        now_micros: kit::NOW,
        limits,
    });
    let report = report.await;
    let echo = plugin.resolve(input(&lane, "echo", object(Some(("text", Token::Text("x".to_owned())))))).await;
    assert_eq!(echo.outcome, Outcome::Ok(list([Token::Text("x".to_owned())])), "after {action}");
    assert_eq!((lane.free(), host.free_slots()), (16, 16), "after {action}");
    report
}

async fn act(book: &Arc<Book>, action: &str, args: Data) -> CallReport {
    act_with(book, action, args, patient()).await
}

fn value(token: Token) -> Outcome<Data> {
    Outcome::Ok(Data { shapes: Vec::new(), tokens: vec![token] })
}

fn text(text: &str) -> Token {
    Token::Text(text.to_owned())
}

fn of_item() -> Data {
    object(Some(("item", text("one"))))
}

fn count(count: i64) -> Data {
    object(Some(("count", Token::Int(count))))
}

#[tokio::test]
async fn what_an_action_writes_reaches_the_port_and_is_counted() {
    let book = Arc::new(Book::default());
    let report = act(&book, "increment", of_item()).await;
    assert_eq!((report.outcome, report.blame), (value(Token::Int(42)), None));
    assert_eq!(*book.kept.lock().unwrap(), ["update one at 3 [Object(0), Int(42)]"]);
    assert_eq!((report.used.writes, report.used.rows, report.used.host_calls), (1, 1, 2));
    let report = act(&book, "replace", of_item()).await;
    assert_eq!(report.outcome, value(text("id 2")));
    assert_eq!(book.kept.lock().unwrap()[2], "delete one at 3");
}

#[tokio::test]
async fn a_call_may_make_200_changes_and_no_more() {
    let book = Arc::new(Book::default());
    let report = act(&book, "many", count(200)).await;
    assert_eq!((report.outcome, report.used.writes), (value(Token::Int(200)), 200));
    let book = Arc::new(Book::default());
    let report = act(&book, "many", count(201)).await;
    assert_eq!((report.outcome, report.blame), (Outcome::LimitExceeded(Budget::Writes), Some(Blame::Guest)));
    assert_eq!((report.used.writes, book.count()), (200, 200));
}

#[tokio::test]
async fn the_bytes_of_changes_are_bounded_before_they_are_kept() {
    let book = Arc::new(Book::default());
    let limits = Limits { write_bytes: 400, ..patient() };
    let report = act_with(&book, "many", count(10), limits).await;
    assert_eq!((report.outcome, report.blame), (Outcome::LimitExceeded(Budget::WriteBytes), Some(Blame::Guest)));
    assert!((1..10).contains(&book.count()), "{}", book.count());
    let limits = Limits { rows: 0, ..patient() };
    let report = act_with(&book, "increment", of_item(), limits).await;
    assert!(matches!(report.outcome, Outcome::Declined(GuestError::Limit(_))), "{:?}", report.outcome);
}

#[tokio::test]
async fn an_action_that_fails_after_writing_has_no_answer() {
    let guest = Some(Blame::Guest);
    for (action, outcome) in [("write_trap", "trapped"), ("write_spin", "limit_exceeded")] {
        let book = Arc::new(Book::default());
        let report = act(&book, action, object(None)).await;
        assert_eq!((report.outcome.name(), report.blame, book.count()), (outcome, guest, 1), "{action}");
    }
    let book = Arc::new(Book::default());
    let report = act(&book, "write_decline", object(None)).await;
    assert_eq!(report.outcome, Outcome::Declined(GuestError::Invalid("今天不办理".to_owned())));
    assert_eq!(report.blame, None);
}

#[tokio::test]
async fn what_the_port_refuses_is_a_typed_error() {
    let book = Arc::new(Book::default());
    let report = act(&book, "write_foreign", object(None)).await;
    assert_eq!(report.outcome, Outcome::Declined(GuestError::NotFound("street".to_owned())));
    let shapes = vec![["item", "version"].map(str::to_owned).to_vec()];
    let stale = Data { shapes, tokens: vec![Token::Object(0), text("one"), Token::Int(2)] };
    let report = act(&book, "set_at_version", stale).await;
    let told = "the record is at version 3, not 2".to_owned();
    assert_eq!(report.outcome, Outcome::Declined(GuestError::Other((GuestError::CONFLICT, told))));
    let report = act(&book, "nothing", object(None)).await;
    assert_eq!(report.outcome, Outcome::Declined(GuestError::NotFound("nothing".to_owned())));
}

#[tokio::test]
async fn a_failing_port_is_the_hosts_fault() {
    let book = Arc::new(Book { fails: true, ..Book::default() });
    let report = act(&book, "many", count(1)).await;
    assert!(matches!(&report.outcome, Outcome::Unavailable(why) if why.starts_with("records: ")), "{report:?}");
    assert_eq!((report.blame, report.used.writes), (Some(Blame::Host), 0));
    assert!(!format!("{:?}", report.logs).contains("fire"));
}

#[tokio::test]
async fn a_query_is_denied_what_only_an_action_may() {
    let host = host();
    let plugin = load(&host, probe());
    let report = plugin.resolve(input(&host.lane("t", "probe"), "write_in_query", object(None))).await;
    let Outcome::Ok(data) = report.outcome else { panic!("{:?}", report.outcome) };
    assert!(matches!(&data.tokens[1], Token::Text(told) if told.starts_with("denied: records: only an action")));
}

async fn declined(host: &PluginHost, action: &str, args: Data) -> CallReport {
    let artefact = host.compile(probe()).unwrap();
    let plugin = host.load(&artefact, &Grants::all().declining([Capability::Records])).unwrap();
    let ports = Ports { records: Some(Arc::new(Book::default())), ..Ports::default() };
    let (lane, action) = (host.lane("t", "probe"), action.to_owned());
    plugin.act(ActionInput { lane, action, args, ports, now_micros: kit::NOW, limits: patient() }).await
}

#[tokio::test]
async fn writing_that_was_not_granted_is_denied_whatever_the_function() {
    let host = host();
    for (action, args) in [("many", count(1)), ("increment", of_item())] {
        let report = declined(&host, action, args).await;
        let expect = (Outcome::NotGranted("records".to_owned()), Some(Blame::Host));
        assert_eq!((report.outcome, report.blame), expect, "{action}");
    }
}

#[tokio::test]
async fn a_component_from_before_there_were_actions_still_runs() {
    let host = host();
    let artefact = host.compile(&resolver("(global.get $answer)", "")).unwrap();
    assert!(!artefact.has_actions());
    assert!(host.compile(probe()).unwrap().has_actions());
    let plugin = host.load(&artefact, &Grants::all()).unwrap();
    let lane = host.lane("t", "old");
    let report = plugin.resolve(input(&lane, "any", object(None))).await;
    assert_eq!(report.outcome, Outcome::Ok(list([Token::Null])));
    let (action, ports) = ("any".to_owned(), Ports::default());
    let asked = ActionInput { lane, action, args: object(None), ports, now_micros: kit::NOW, limits: patient() };
    assert_eq!(plugin.act(asked).await.outcome, Outcome::Declined(GuestError::NotFound("any".to_owned())));
}
