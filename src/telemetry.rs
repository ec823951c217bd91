//! Logs: one line per event on standard error, so that standard output stays the program's own.
//!
//! Owns the choice of what is logged and how a line looks. Must not be given tokens, passwords or tickets.

use std::{
    fmt,
    io::{self, IsTerminal as _},
};

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormattedFields,
        format::{JsonFields, Writer},
    },
    registry::LookupSpan,
};

use crate::{clock, config::LogFormat};

/// What is logged unless `RUST_LOG` says otherwise: what we have to say. Libraries would tell the same failure once
/// more, with every request and in their own words, which no guide explains.
const DEFAULT_FILTER: &str = "widgetapp=info";

/// Starts logging in this process, which has such a name. A second call changes nothing.
pub fn start(format: LogFormat, process: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // It would complain on standard error, and panic if even that fails: a full disk, a closed terminal.
        .log_internal_errors(false);
    // Each fails only if logging runs already, which is what was asked for.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => {
            let process = process.trim_end().to_owned();
            lines.fmt_fields(JsonFields::new()).event_format(Json { process }).try_init()
        }
    };
}

/// A flat JSON object per line: time, level, process and message, then the fields of the event and of the spans that
/// it is in, so that a `request_id` stands at the same place in every line. `process` is the one that writes; the one
/// that an event is about is `about`.
struct Json {
    process: String,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for Json {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line(Map::new());
        let millis = i64::try_from(clock::unix_millis()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
        line.0.insert("time".into(), format!("{time:.3}").into());
        line.0.insert("level".into(), event.metadata().level().as_str().to_lowercase().into());
        line.0.insert("process".into(), self.process.as_str().into());
        event.record(&mut line);
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>().map(|fields| fields.as_str());
            let fields = fields.and_then(|fields| serde_json::from_str::<Map<String, Value>>(fields).ok());
            for (name, value) in fields.into_iter().flatten() {
                line.0.entry(name).or_insert(value);
            }
        }
        writeln!(to, "{}", Value::Object(line.0))
    }
}

/// Takes the fields of an event.
struct Line(Map<String, Value>);

impl Line {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        let name = if name == "process" { "about" } else { name };
        self.0.insert(name.into(), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value);
    }
}
