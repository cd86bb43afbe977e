//! Records of decisions, for the operator alone (`spec/verify.md`, Decision).

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use countersign::time::UnixTime;
use countersign::verify::{Decision, Operation};
use countersign::{Denial, to_hex, verify};
use serde::{Serialize, Serializer};

use crate::mcp::Caller;

/// Names one request in the answer and in the audit: 32 hexadecimal digits, random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

impl TraceId {
    pub(crate) fn random() -> Self {
        let mut id = [0; 16];
        // An id names and guards nothing: without randomness all are alike, and requests are decided as ever.
        let _ = getrandom::fill(&mut id);
        Self(id)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One request: what was decided, with the exact code, and what it was about.
///
/// Holds identity only as far as it is proven, and nothing else that the sender wrote but the signed path of the
/// operation.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// When the request was verified, RFC 3339 in JSON.
    #[serde(serialize_with = "display")]
    pub time: UnixTime,
    /// The id in the answer and in the request's extensions.
    pub trace_id: TraceId,
    /// The decision; `None` where none could be given, since the message broke off or the service is set up wrongly.
    /// In JSON its members stand among the others.
    #[serde(flatten)]
    pub decision: Option<Decision>,
    /// What was asked for, once both proofs held and it was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<AuditedOperation>,
    /// One sentence without secrets.
    pub detail: &'static str,
    /// How long the decision took, in microseconds: reading the body and asking the stores included.
    pub micros: u64,
}

/// An operation in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditedOperation {
    /// RFC 9396 `type`.
    pub r#type: String,
    /// The resource.
    pub resource: String,
    /// RFC 9396 action.
    pub action: String,
}

impl From<&Operation> for AuditedOperation {
    fn from(operation: &Operation) -> Self {
        Self {
            r#type: operation.r#type().to_owned(),
            resource: operation.resource().to_owned(),
            action: operation.action().to_owned(),
        }
    }
}

fn display<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl AuditRecord {
    pub(crate) fn allowed(at: (UnixTime, TraceId, u64), authorized: &verify::Authorized) -> Self {
        let operation = Some(AuditedOperation::from(authorized.operation()));
        Self::new(at, Some(authorized.decision()), operation, "allowed")
    }

    pub(crate) fn of_caller(at: (UnixTime, TraceId, u64), caller: &Caller) -> Self {
        match caller {
            Caller::Operation(authorized) => Self::allowed(at, authorized),
            Caller::Nothing(idle) => Self::new(at, Some(idle.decision()), None, "allowed: acts on nothing"),
        }
    }

    pub(crate) fn denied(at: (UnixTime, TraceId, u64), denial: &Denial) -> Self {
        let operation = denial.refused().map(|(operation, _)| operation.into());
        Self::new(at, Some(denial.into()), operation, denial.detail())
    }

    pub(crate) fn undecided(at: (UnixTime, TraceId, u64), detail: &'static str) -> Self {
        Self::new(at, None, None, detail)
    }

    fn new(
        (time, trace_id, micros): (UnixTime, TraceId, u64),
        decision: Option<Decision>,
        operation: Option<AuditedOperation>,
        detail: &'static str,
    ) -> Self {
        Self { time, trace_id, decision, operation, detail, micros }
    }
}

/// Takes the record of every request. Called before the inner service is, and on the thread that serves the request: a
/// sink that has to wait hands the record to a thread of its own.
pub trait AuditSink: Send + Sync {
    /// Takes one record.
    fn record(&self, record: &AuditRecord);
}

impl<F: Fn(&AuditRecord) + Send + Sync> AuditSink for F {
    fn record(&self, record: &AuditRecord) {
        self(record);
    }
}

/// Keeps nothing. Exact codes are lost then: nobody can tell why a request was refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAudit;

impl AuditSink for NoAudit {
    fn record(&self, _: &AuditRecord) {}
}

/// Writes records as JSON, one a line.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: Mutex<W>,
    lost: AtomicU64,
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`, and flushes after every line.
    pub fn new(out: W) -> Self {
        Self { out: Mutex::new(out), lost: AtomicU64::new(0) }
    }

    /// How many records could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn write(&self, record: &AuditRecord) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&line)?;
        out.flush()
    }
}

impl<W: Write + Send> AuditSink for JsonLines<W> {
    fn record(&self, record: &AuditRecord) {
        if self.write(record).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn counts_what_it_could_not_write() {
        let sink = JsonLines::new(Full);
        sink.record(&AuditRecord::undecided((UnixTime(0), TraceId([0; 16]), 1), "body broke off"));
        assert_eq!(sink.lost(), 1);
    }

    #[test]
    fn writes_one_line_a_record() {
        let sink = JsonLines::new(Vec::new());
        sink.record(&AuditRecord::undecided((UnixTime(0), TraceId([0xab; 16]), 1), "body broke off"));
        let text = sink.out.into_inner().map(String::from_utf8);
        let expected = format!(
            "{{\"time\":\"1970-01-01T00:00:00Z\",\"trace_id\":\"{}\",\"detail\":\"body broke off\",\"micros\":1}}\n",
            "ab".repeat(16)
        );
        assert!(matches!(text, Ok(Ok(text)) if text == expected));
    }
}
