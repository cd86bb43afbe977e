//! Listings without what the caller may not use (`spec/jsonrpc.md`, JR-25).

use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
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
                let mut answer = serde_json::from_slice(&read(body).await?).map_err(|_| Unreadable)?;
                if !matches!(answer, Value::Object(_)) {
                    return Err(Unreadable);
                }
                self.message(&mut answer);
                answer.to_string()
            }
            Form::Events => self.events(body).await?,
        };
        // What they say is true of the unfiltered answer.
        for name in [header::CONTENT_LENGTH, header::ETAG, header::HeaderName::from_static("content-digest")] {
            head.headers.remove(name);
        }
        Ok(Response::from_parts(head, R::from(Bytes::from(text))))
    }

    /// Every whole event up to the answer, behind which a server may keep the stream open. What is no message is left out.
    async fn events<R: Body>(&self, body: R) -> Result<String, Unreadable> {
        let (mut body, mut events) = (std::pin::pin!(body), Events::default());
        let (mut text, mut length) = (String::new(), 0_usize);
        while let Some(frame) = body.frame().await {
            let Ok(mut data) = frame.map_err(|_| Unreadable)?.into_data() else { continue };
            length = length.saturating_add(data.remaining());
            if length > MAX_ANSWER {
                return Err(Unreadable);
            }
            for Event { fields, data } in events.take(&data.copy_to_bytes(data.remaining()))? {
                let Ok(mut message @ Value::Object(_)) = serde_json::from_str(&data.join("\n")) else { continue };
                self.message(&mut message);
                text.extend(fields.iter().flat_map(|line| [line.as_str(), "\n"]));
                text.push_str(&format!("data: {message}\n\n"));
                if message.get("result").or(message.get("error")).is_some() {
                    return Ok(text);
                }
            }
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

/// Reads a body to its end.
async fn read<R: Body>(body: R) -> Result<Bytes, Unreadable> {
    let (mut body, mut text) = (std::pin::pin!(body), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Unreadable)?.into_data() else { continue };
        if text.len().saturating_add(data.remaining()) > MAX_ANSWER {
            return Err(Unreadable);
        }
        text.extend_from_slice(&data.copy_to_bytes(data.remaining()));
    }
    Ok(text.freeze())
}

/// Server-sent events as they come (HTML, "Parsing an event stream"): each byte is looked at once.
#[derive(Debug, Default)]
struct Events {
    line: Vec<u8>,
    /// The last byte was a CR, to which a LF may belong.
    after_cr: bool,
    begun: bool,
    event: Event,
}

#[derive(Debug, Default, PartialEq)]
struct Event {
    /// The lines that say the event's id, its name and when to come back.
    fields: Vec<String>,
    data: Vec<String>,
}

impl Events {
    /// The events that end in these bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Unreadable> {
        let mut ended = Vec::new();
        for byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => ended.extend(self.end_of_line()?),
                _ => self.line.push(*byte),
            }
        }
        Ok(ended)
    }

    fn end_of_line(&mut self) -> Result<Option<Event>, Unreadable> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| Unreadable)?;
        let first = !std::mem::replace(&mut self.begun, true);
        let line = if first { line.strip_prefix('\u{feff}').unwrap_or(&line) } else { &line };
        if line.is_empty() {
            return Ok(Some(std::mem::take(&mut self.event)));
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name {
            "data" => self.event.data.push(value.strip_prefix(' ').unwrap_or(value).to_owned()),
            "id" | "event" | "retry" => self.event.fields.push(line.to_owned()),
            // Comments, and what no client reads.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<Event> {
        Events::default().take(text.as_bytes()).unwrap_or_default()
    }

    fn event(fields: &[&str], data: &[&str]) -> Event {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Event { fields: owned(fields), data: owned(data) }
    }

    #[test]
    fn lines_end_at_cr_at_lf_and_at_both() {
        let lines =
            ["\u{feff}id: 1", "data: {", "data:}", "data-x: y", ":comment", "", "event: message", "data", "", "rest"];
        for end in ["\n", "\r\n", "\r"] {
            let expected = [event(&["id: 1"], &["{", "}"]), event(&["event: message"], &[""])];
            assert_eq!(events(&lines.join(end)), expected, "{end:?}");
        }
        // Only the first line may begin with a byte order mark.
        assert_eq!(events("\n\u{feff}data: {}\n\n"), [Event::default(), Event::default()]);
    }

    #[test]
    fn events_may_come_in_any_pieces() {
        let text = "id: 1\r\ndata: {}\r\n\r\ndata: {\"\u{fc}\":1}\n\n";
        let mut parser = Events::default();
        let pieces: Vec<Event> = text.bytes().flat_map(|byte| parser.take(&[byte]).unwrap_or_default()).collect();
        assert_eq!((pieces.len(), pieces), (2, events(text)));
    }
}
