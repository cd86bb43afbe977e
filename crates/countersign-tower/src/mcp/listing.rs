//! Listings without what the caller may not use (`spec/jsonrpc.md`, JR-25).

use std::sync::Arc;

use bytes::{Buf, Bytes};
use countersign::jsonrpc::mcp::{Listing, Server};
use countersign::verify::Idle;
use http::{HeaderMap, Response, header};
use http_body::Body;
use http_body_util::BodyExt as _;
use serde_json::Value;

/// The longest answer to a listing that is read, in bytes.
const MAX_ANSWER: usize = 4 << 20;

/// What one caller may see of one listing.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    idle: Arc<Idle>,
    server: Server,
    listing: Listing,
}

/// The answer can't be read, so nobody knows what it shows.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl Filter {
    /// For a message that asks for a listing; `None` for any other.
    pub(crate) fn new(idle: &Arc<Idle>, server: &Server, method: &str) -> Option<Self> {
        let listing = Listing::of(method)?;
        Some(Self { idle: Arc::clone(idle), server: server.clone(), listing })
    }

    /// Takes out of a JSON-RPC answer what the caller may not use. What is no item with a key is taken out as well.
    pub(crate) fn message(&self, answer: &mut Value) {
        let Some(items) = answer.get_mut("result").and_then(|result| result.get_mut(self.listing.member())) else {
            return;
        };
        match items.as_array_mut() {
            Some(items) => items.retain(|item| {
                let key = item.get(self.listing.key()).and_then(Value::as_str);
                key.is_some_and(|key| self.idle.shows(&self.server, &self.listing, key))
            }),
            None => *items = Value::Array(Vec::new()),
        }
    }

    /// The same for an answer over HTTP: JSON, or a stream of events that ends with the answer.
    pub(crate) async fn response<R>(&self, response: Response<R>) -> Result<Response<R>, Unreadable>
    where
        R: Body + From<Bytes>,
    {
        let form = Form::of(response.headers());
        if !response.status().is_success() || response.body().is_end_stream() {
            return Ok(response);
        }
        let (mut head, body) = response.into_parts();
        let text = match form? {
            Form::Json => {
                let mut answer = serde_json::from_slice(&read(body, |_| false).await?).map_err(|_| Unreadable)?;
                if !matches!(answer, Value::Object(_)) {
                    return Err(Unreadable);
                }
                self.message(&mut answer);
                answer.to_string()
            }
            Form::Events => self.events(&read(body, has_answer).await?)?,
        };
        // What they say is true of the unfiltered answer.
        for name in [header::CONTENT_LENGTH, header::ETAG, header::HeaderName::from_static("content-digest")] {
            head.headers.remove(name);
        }
        Ok(Response::from_parts(head, R::from(Bytes::from(text))))
    }

    /// Every whole event; what is no message is left out.
    fn events(&self, stream: &[u8]) -> Result<String, Unreadable> {
        let mut text = String::new();
        let mut rest = std::str::from_utf8(stream).map_err(|_| Unreadable)?;
        while let Some((event, behind)) = next_event(rest) {
            rest = behind;
            let data = data(event);
            let mut written: Vec<String> =
                event.lines().filter(|line| field(line) != "data").map(str::to_owned).collect();
            if !data.is_empty() {
                let Ok(mut message @ Value::Object(_)) = serde_json::from_str(&data) else { continue };
                self.message(&mut message);
                written.push(format!("data: {message}"));
            }
            text.extend(written.iter().flat_map(|line| [line.as_str(), "\n"]));
            text.push('\n');
        }
        Ok(text)
    }
}

enum Form {
    Json,
    Events,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, Unreadable> {
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            _ if headers.contains_key(header::CONTENT_ENCODING) => Err(Unreadable),
            "application/json" => Ok(Self::Json),
            "text/event-stream" => Ok(Self::Events),
            _ => Err(Unreadable),
        }
    }
}

/// Reads a body to its end, or until `enough`.
async fn read<R: Body>(body: R, enough: fn(&[u8]) -> bool) -> Result<Vec<u8>, Unreadable> {
    let (mut body, mut text) = (std::pin::pin!(body), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Unreadable)?.into_data() else { continue };
        if text.len().saturating_add(data.remaining()) > MAX_ANSWER {
            return Err(Unreadable);
        }
        text.extend_from_slice(&data.copy_to_bytes(data.remaining()));
        if enough(&text) {
            break;
        }
    }
    Ok(text)
}

/// Whether a whole event has an answer: a server may keep the stream open behind it.
fn has_answer(stream: &[u8]) -> bool {
    let mut rest = match std::str::from_utf8(stream) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(stream.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default(),
    };
    while let Some((event, behind)) = next_event(rest) {
        rest = behind;
        let message: Option<Value> = serde_json::from_str(&data(event)).ok();
        if message.is_some_and(|message| message.get("result").or(message.get("error")).is_some()) {
            return true;
        }
    }
    false
}

/// The first event that has ended, and what follows it. Lines end at CR LF, LF or CR (HTML, server-sent events).
fn next_event(text: &str) -> Option<(&str, &str)> {
    let ends = ["\n\n", "\n\r\n", "\r\r"].into_iter().filter_map(|end| Some((text.find(end)?, end.len())));
    let (at, length) = ends.min()?;
    Some((text.get(..at)?, text.get(at.checked_add(length)?..)?))
}

fn field(line: &str) -> &str {
    line.split(':').next().unwrap_or_default()
}

/// The lines of `data` of an event, joined.
fn data(event: &str) -> String {
    let lines = event.split(['\n', '\r']).filter(|line| field(line) == "data");
    let values = lines.map(|line| line.strip_prefix("data:").unwrap_or_default());
    values.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_at_empty_lines_of_any_kind() {
        for text in ["id: 1\ndata: {}\n\nrest", "id: 1\r\ndata: {}\r\n\r\nrest", "id: 1\rdata: {}\r\rrest"] {
            let (event, rest) = next_event(text).unwrap_or_default();
            assert_eq!((data(event).as_str(), rest), ("{}", "rest"), "{text:?}");
        }
        assert_eq!(next_event("data: {}\n"), None);
        assert_eq!(data("data: a\ndata:b\ndata"), "a\nb\n");
    }

    #[test]
    fn an_answer_ends_the_reading() {
        let started = "id: 0\ndata:\n\ndata: {\"method\":\"notifications/progress\"}\n\n";
        assert!(!has_answer(started.as_bytes()));
        assert!(!has_answer(format!("{started}data: {{\"id\":1,\"result\":{{}}}}\n").as_bytes()));
        assert!(has_answer(format!("{started}data: {{\"id\":1,\"result\":{{}}}}\n\n\u{fc}").as_bytes()));
    }
}
