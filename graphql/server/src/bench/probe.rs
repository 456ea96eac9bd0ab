//! The probe plugin and its functions compiled natively: what is asked, who answers, and the records behind `storage`.
//!
//! Both take the same arguments, read through the same port and give the same answer, which is checked before anything is
//! timed.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sunlit_plugin_builder::{BuildOptions, build};
use sunlit_plugin_host::{
    CallInput, Data, FindQuery, FoundPage, Lane, Limits, LoadedPlugin, Order, Outcome, PortError, Ports, StoragePort,
    Token,
};

use crate::command::Failed;

/// Where the probe lies in a checkout of the source.
const FOLDER: &str = "tests/plugins/probe";
/// What is echoed.
const TEXT: &str = "阳光政务";
/// How many records are read.
const RECORDS: u32 = 50;
/// The instant of the calls.
const NOW_MICROS: i64 = 1_795_392_000_000_000;
/// Longer than a query may take: on a busy machine a measurement must not end by a deadline.
const WALL_CLOCK: Duration = Duration::from_secs(30);

/// Builds the probe.
pub(super) fn component() -> Result<Vec<u8>, Failed> {
    let folder = Path::new(FOLDER);
    if !folder.is_dir() {
        return Err(
            format!("there is no {FOLDER} in the current folder: run this in the folder of a source checkout").into()
        );
    }
    Ok(build(folder, &BuildOptions::default())?.component)
}

/// A question that both can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// A short text comes back.
    Echo,
    /// Fifty records are read from the host and answered as objects.
    Records,
}

impl Question {
    pub(super) const ALL: [Self; 2] = [Self::Echo, Self::Records];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Records => "records",
        }
    }

    fn args(self) -> Data {
        match self {
            Self::Echo => Data {
                shapes: vec![vec!["text".to_owned()]],
                tokens: vec![Token::Object(0), Token::Text(TEXT.to_owned())],
            },
            Self::Records => Data { shapes: vec![Vec::new()], tokens: vec![Token::Object(0)] },
        }
    }

    /// The question for the plugin.
    pub(super) fn input(self, lane: &Lane, port: Arc<dyn StoragePort>) -> CallInput {
        CallInput {
            lane: lane.clone(),
            field: self.name().to_owned(),
            args: self.args(),
            parents: Data { shapes: Vec::new(), tokens: vec![Token::Items(1), Token::Null] },
            ports: Ports { storage: Some(port), ..Ports::default() },
            now_micros: NOW_MICROS,
            limits: Limits { wall_clock: WALL_CLOCK, ..Limits::query() },
            deadline: None,
        }
    }

    /// Asks the plugin.
    pub(super) async fn ask(
        self,
        plugin: &LoadedPlugin,
        lane: &Lane,
        port: &Arc<dyn StoragePort>,
    ) -> Result<Data, Failed> {
        match plugin.resolve(self.input(lane, Arc::clone(port))).await.outcome {
            Outcome::Ok(data) => Ok(data),
            other => Err(format!("the probe did not answer {}: {other:?}", self.name()).into()),
        }
    }

    /// Answers natively, from arguments to answer as the plugin does.
    pub(super) async fn answer(self, port: &Arc<dyn StoragePort>) -> Result<Data, Failed> {
        let args = self.args();
        match self {
            Self::Echo => echo(&args),
            Self::Records => records(port.as_ref()).await,
        }
    }
}

fn echo(args: &Data) -> Result<Data, Failed> {
    let Some(Token::Text(text)) = args.tokens.get(1) else { return Err("echo was given no text".into()) };
    Ok(Data { shapes: Vec::new(), tokens: vec![Token::Items(1), Token::Text(text.clone())] })
}

struct Record {
    name: String,
    number: Option<i64>,
}

async fn records(port: &dyn StoragePort) -> Result<Data, Failed> {
    let query = FindQuery {
        filter: None,
        order: vec![Order { field: "name".to_owned(), descending: false }],
        first: RECORDS,
        after: None,
        fields: vec!["name".to_owned(), "number".to_owned()],
    };
    let found = read(port.find("item", query).await?.records)?;
    let mut tokens = vec![Token::Items(1), Token::Items(u32::try_from(found.len())?)];
    for Record { name, number } in found {
        tokens.extend([Token::Object(0), Token::Text(name), number.map_or(Token::Null, Token::Int)]);
    }
    Ok(Data { shapes: vec![vec!["name".to_owned(), "number".to_owned()]], tokens })
}

fn read(data: Data) -> Result<Vec<Record>, Failed> {
    let mut records = Vec::new();
    let mut tokens = data.tokens.into_iter().skip(1);
    while let Some(token) = tokens.next() {
        let (Token::Object(_), Some(_id), Some(Token::Text(name)), Some(number)) =
            (token, tokens.next(), tokens.next(), tokens.next())
        else {
            return Err("the port answered other records than it holds".into());
        };
        let number = match number {
            Token::Int(number) => Some(number),
            _ => None,
        };
        records.push(Record { name, number });
    }
    Ok(records)
}

/// Fifty records in memory, ordered by name.
#[derive(Debug)]
pub(super) struct InMemory(Vec<(String, String, i64)>);

impl InMemory {
    pub(super) fn new() -> Self {
        let record = |number| {
            let id = format!("00000000-0000-7000-8000-{number:012}");
            (id, format!("示例条目 {number:03}"), i64::from(number))
        };
        Self((0..RECORDS).map(record).collect())
    }

    fn page(&self, query: &FindQuery) -> Result<FoundPage, PortError> {
        if query.fields != ["name", "number"] {
            return Err(PortError::Invalid("only name and number are here".to_owned()));
        }
        let first = usize::try_from(query.first).unwrap_or(usize::MAX).min(self.0.len());
        let mut tokens = Vec::with_capacity(1 + first * 4);
        tokens.push(Token::Items(u32::try_from(first).unwrap_or(u32::MAX)));
        for (id, name, number) in self.0.iter().take(first) {
            tokens.extend([Token::Object(0), Token::Text(id.clone()), Token::Text(name.clone()), Token::Int(*number)]);
        }
        let shape = ["id", "name", "number"].map(str::to_owned).to_vec();
        let records = Data { shapes: vec![shape], tokens };
        Ok(FoundPage { records, end_cursor: None, has_next: first < self.0.len() })
    }
}

type Finding<'f> = Pin<Box<dyn Future<Output = Result<FoundPage, PortError>> + Send + 'f>>;

impl StoragePort for InMemory {
    fn find<'s, 'c, 'f>(&'s self, _: &'c str, query: FindQuery) -> Finding<'f>
    where
        's: 'f,
        'c: 'f,
        Self: 'f,
    {
        Box::pin(async move { self.page(&query) })
    }
}

/// Keeps everybody who reads until it is opened.
#[derive(Debug)]
pub(super) struct ClosedDoor {
    pub(super) arrived: std::sync::atomic::AtomicUsize,
    pub(super) door: tokio::sync::Semaphore,
    records: InMemory,
}

impl ClosedDoor {
    pub(super) fn new() -> Self {
        Self { arrived: 0.into(), door: tokio::sync::Semaphore::new(0), records: InMemory::new() }
    }
}

impl StoragePort for ClosedDoor {
    fn find<'s, 'c, 'f>(&'s self, _: &'c str, query: FindQuery) -> Finding<'f>
    where
        's: 'f,
        'c: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            self.arrived.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _entered = self.door.acquire().await.map_err(|error| PortError::Host(error.into()))?;
            self.records.page(&query)
        })
    }
}
