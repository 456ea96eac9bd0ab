//! Lines of the log as JSON: one flat object each, with the fields of the spans around it beside its own, so that a collector finds
//! `tenant.id`, `package.id` and `trace.id` under these names whatever was logged.

use std::fmt;

use serde_json::{Map, Value as Json};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes flat lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonLines;

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        for span in context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                line.extend(read(&fields.fields).filter(|(name, _)| !name.starts_with("otel.")));
            }
        }
        let mut own = String::new();
        JsonFields::new().format_fields(Writer::new(&mut own), event)?;
        line.extend(read(&own));
        let mut at = String::new();
        SystemTime.format_time(&mut Writer::new(&mut at))?;
        let metadata = event.metadata();
        for (name, value) in
            [("timestamp", at.as_str()), ("level", metadata.level().as_str()), ("target", metadata.target())]
        {
            line.insert(name.to_owned(), Json::from(value));
        }
        writeln!(writer, "{}", Json::Object(line))
    }
}

/// The fields that were written as an object.
fn read(text: &str) -> impl Iterator<Item = (String, Json)> {
    serde_json::from_str::<Map<String, Json>>(text).unwrap_or_default().into_iter()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_flat_and_has_the_fields_of_all_spans_around_it() {
        let log = Log::default();
        let writer = log.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let outer =
                tracing::error_span!("request", otel.name = "x", tenant.id = tracing::field::Empty, trace.id = "t1");
            let _outer = outer.enter();
            outer.record("tenant.id", "later");
            let _inner = tracing::error_span!("plugin", package.id = "probe", trace.id = "t2").entered();
            tracing::warn!(rows = 3, words = "\"quoted\"\nand broken", "it is said");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let [line] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        let line: Json = serde_json::from_str(line).unwrap();
        let expect = [
            ("level", Json::from("WARN")),
            ("message", Json::from("it is said")),
            ("tenant.id", Json::from("later")),
            ("package.id", Json::from("probe")),
            ("trace.id", Json::from("t2")),
            ("rows", Json::from(3)),
            ("words", Json::from("\"quoted\"\nand broken")),
        ];
        for (name, value) in expect {
            assert_eq!(line[name], value, "{name}: {line}");
        }
        assert!(line.get("otel.name").is_none() && line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }
}
