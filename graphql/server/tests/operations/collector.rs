//! A small OpenTelemetry collector on loopback: takes what arrives by OTLP over HTTP, and decodes it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// A span that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    attributes: Vec<(String, String)>,
    /// Everything else, so that nothing is overlooked.
    #[expect(dead_code, reason = "looked through as text")]
    whole: Span,
}

impl Sent {
    #[track_caller]
    pub(crate) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().rev().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("{} has no {name}: {:?}", self.name, self.attributes)).1
    }

    fn new(span: Span) -> Self {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let text = |value: &Value| match value {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => number.to_string(),
            Value::BoolValue(bool) => bool.to_string(),
            other => format!("{other:?}"),
        };
        let attributes = span.attributes.iter().map(|attribute| {
            let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
            (attribute.key.clone(), value.map(text).unwrap_or_default())
        });
        Self {
            name: span.name.clone(),
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            attributes: attributes.collect(),
            whole: span,
        }
    }
}

pub(crate) struct Collector {
    address: String,
    taken: Arc<Mutex<Vec<Sent>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&taken);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let into = Arc::clone(&into);
                std::thread::spawn(move || serve(&stream.unwrap(), &into));
            }
        });
        Self { address, taken }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// What arrived. To be asked when the server has ended, which sends its last spans before.
    pub(crate) fn stop(self) -> Vec<Sent> {
        self.taken.lock().unwrap().clone()
    }
}

/// One connection, as long as it sends batches.
fn serve(stream: &TcpStream, taken: &Mutex<Vec<Sent>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length, mut kind) = (String::new(), 0, String::new());
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        assert!(line.starts_with("POST /v1/traces HTTP/1.1"), "{line}");
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "content-type" => value.trim().clone_into(&mut kind),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        assert_eq!(kind, "application/x-protobuf");
        let batch = ExportTraceServiceRequest::decode(&*body).unwrap();
        for of_resource in batch.resource_spans {
            let resource = format!("{:?}", of_resource.resource);
            assert!(resource.contains("service.name") && resource.contains("sunlit"), "{resource}");
            let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
            taken.lock().unwrap().extend(spans.map(Sent::new));
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        (&*stream).write_all(answer.as_bytes()).unwrap();
    }
}
