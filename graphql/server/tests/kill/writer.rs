//! A client that writes without pause and remembers what it does not know the end of.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Sender;
use std::time::Duration;

use serde_json::{Value as Json, json};
use sunlit_app::{Environment as _, SystemEnvironment};
use sunlit_domain::id::RecordId;

use crate::installation::{Installation, TENANT};

const CREATE: &str = "mutation($input: KillKit_ItemCreate!) { killKitCreateItem(input: $input) { record { id version } errors { code } } }";
const UPDATE: &str = "mutation($id: ID!, $version: Int!, $input: KillKit_ItemUpdate!) { killKitUpdateItem(id: $id, version: $version, input: $input) { record { id version } errors { code } } }";
const DELETE: &str = "mutation($id: ID!, $version: Int!) { killKitDeleteItem(id: $id, version: $version) { record { id } errors { code } } }";
const RUN: &str = "mutation($at: DateTime) { runSchedule(package: \"kill-kit\", schedule: \"chime\", at: $at) { id errors { code } } }";

/// What was asked for when the server died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Update,
    Delete,
}

/// A writer; nobody else writes its records.
pub(crate) struct Writer {
    token: String,
    random: u64,
    /// Every record that it has created, with its version while it is there.
    records: BTreeMap<RecordId, Option<i64>>,
    in_doubt: BTreeMap<RecordId, Doubt>,
    pub(crate) creates_in_doubt: usize,
    pub(crate) jobs_in_doubt: usize,
    pub(crate) doubts: usize,
    /// Whether the server may answer that it failed.
    bears_failures: bool,
}

impl Writer {
    pub(crate) fn new(installation: &Installation, seed: u64) -> Self {
        Self {
            token: installation.token(),
            random: seed | 1,
            records: BTreeMap::new(),
            in_doubt: BTreeMap::new(),
            creates_in_doubt: 0,
            jobs_in_doubt: 0,
            doubts: 0,
            bears_failures: false,
        }
    }

    /// The same, where the server may answer that it failed.
    pub(crate) fn bearing_failures(self) -> Self {
        Self { bears_failures: true, ..self }
    }

    /// A random number below `bound` (xorshift64).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).unwrap() % bound.max(1)
    }

    pub(crate) fn owns(&self, id: RecordId) -> bool {
        self.records.contains_key(&id)
    }

    /// Whether what is there is what was acknowledged or seen last, or what has been in doubt since.
    pub(crate) fn allows(&self, id: RecordId, acknowledged: Option<i64>, found: Option<i64>) -> bool {
        let last = self.records[&id];
        let fits = match self.in_doubt.get(&id) {
            Some(Doubt::Update) => found == last || found == last.map(|version| version + 1),
            Some(Doubt::Delete) => found == last || found.is_none(),
            None => found == last,
        };
        // The book is the other witness: what it says was deleted is gone, and no version falls behind it.
        fits && match (acknowledged, found) {
            (None, found) => found.is_none(),
            (Some(acknowledged), Some(found)) => found >= acknowledged,
            (Some(_), None) => true,
        }
    }

    /// Goes on from what is there.
    pub(crate) fn settle(&mut self, id: RecordId, found: Option<i64>) {
        self.records.insert(id, found);
        self.in_doubt.remove(&id);
    }

    pub(crate) fn write_until_the_server_is_gone(&mut self, address: SocketAddr, acknowledged: &Sender<String>) {
        let Ok(stream) = TcpStream::connect(address) else { return };
        let mut stream = BufReader::new(stream);
        loop {
            let line = match self.below(10) {
                0..5 => self.create(&mut stream),
                5..8 => self.update(&mut stream),
                8 => self.delete(&mut stream),
                _ => self.run(&mut stream),
            };
            match line {
                Ok(Some(line)) => acknowledged.send(line).unwrap(),
                Ok(None) => {}
                Err(_) => return,
            }
        }
    }

    fn create(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
        let number = self.below(1_000);
        self.creates_in_doubt += 1;
        self.doubts += 1;
        let input = json!({ "input": { "name": format!("条目{number}"), "number": number } });
        let record = self.ask(stream, CREATE, &input, "killKitCreateItem")?["record"].clone();
        self.creates_in_doubt -= 1;
        self.doubts -= 1;
        let id: RecordId = record["id"].as_str().unwrap().parse().unwrap();
        self.records.insert(id, Some(1));
        Ok(Some(format!("create {id} 1")))
    }

    fn update(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
        let Some((id, version)) = self.pick() else { return Ok(None) };
        let number = self.below(1_000);
        self.doubt(id, Doubt::Update);
        let variables = json!({ "id": id, "version": version, "input": { "number": number } });
        let record = self.ask(stream, UPDATE, &variables, "killKitUpdateItem")?["record"].clone();
        self.end_doubt(id);
        let version = record["version"].as_i64().unwrap();
        self.records.insert(id, Some(version));
        Ok(Some(format!("update {id} {version}")))
    }

    fn delete(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
        let Some((id, version)) = self.pick() else { return Ok(None) };
        self.doubt(id, Doubt::Delete);
        let answer = self.ask(stream, DELETE, &json!({ "id": id, "version": version }), "killKitDeleteItem")?;
        assert_eq!(answer["errors"], json!([]), "{id}");
        self.end_doubt(id);
        self.records.insert(id, None);
        Ok(Some(format!("delete {id} 0")))
    }

    /// A job that is due within half a second.
    fn run(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
        let ahead = Duration::from_millis(u64::try_from(self.below(500)).unwrap());
        let at = SystemEnvironment.now().plus(ahead).to_string();
        self.jobs_in_doubt += 1;
        self.doubts += 1;
        let answer = self.ask(stream, RUN, &json!({ "at": at }), "runSchedule")?;
        self.jobs_in_doubt -= 1;
        self.doubts -= 1;
        Ok(Some(format!("job {} 0", answer["id"].as_str().unwrap())))
    }

    fn pick(&mut self) -> Option<(RecordId, i64)> {
        let there: Vec<_> = self.records.iter().filter_map(|(id, version)| Some((*id, (*version)?))).collect();
        if there.is_empty() { None } else { Some(there[self.below(there.len())]) }
    }

    fn doubt(&mut self, id: RecordId, doubt: Doubt) {
        self.in_doubt.insert(id, doubt);
        self.doubts += 1;
    }

    fn end_doubt(&mut self, id: RecordId) {
        self.in_doubt.remove(&id);
        self.doubts -= 1;
    }

    /// One mutation over HTTP/1.1; an error when the server has gone away before the whole answer was read.
    fn ask(&self, stream: &mut BufReader<TcpStream>, query: &str, variables: &Json, field: &str) -> io::Result<Json> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = format!(
            "POST /t/{TENANT}/graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Accept: application/graphql-response+json\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes())?;
        let mut length = None;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse::<usize>().ok();
            }
        }
        let mut answer = vec![0; length.unwrap()];
        stream.read_exact(&mut answer)?;
        let answer: Json = serde_json::from_slice(&answer).unwrap();
        if self.bears_failures && answer["data"][field].is_null() {
            // The database was killed below the server: what became of it is not known.
            let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            assert!(["INTERNAL", "UNAVAILABLE", "OVERLOADED"].contains(&code), "{answer}");
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let payload = &answer["data"][field];
        assert!(answer.get("errors").is_none() && payload.is_object(), "{answer}");
        Ok(payload.clone())
    }
}
