//! Listings without what the caller may not use (`spec/jsonrpc.md`, JR-25).

use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use countersign::jsonrpc::mcp::{Listing, Server};
use countersign::verify::Idle;
use http::{HeaderMap, Response, header};
use http_body::Body;
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::events::{Event, Events};

/// The longest answer to a listing that is read, in bytes.
pub(super) const MAX_ANSWER: usize = 4 << 20;

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
        if !response.status().is_success() {
            return Ok(response);
        }
        let form = Form::of(response.headers())?;
        let (mut head, body) = response.into_parts();
        let text = match form {
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
        untell(&mut head.headers);
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
                write(&mut text, &fields, &message);
                if is_answer(&message) {
                    return Ok(text);
                }
            }
        }
        Ok(text)
    }
}

/// What such fields say is true of the unfiltered answer.
pub(super) fn untell(headers: &mut HeaderMap) {
    for name in [header::CONTENT_LENGTH, header::ETAG, header::HeaderName::from_static("content-digest")] {
        headers.remove(name);
    }
}

/// Whether a message answers another.
pub(super) fn is_answer(message: &Value) -> bool {
    message.get("result").or(message.get("error")).is_some()
}

/// Writes an event behind others.
pub(super) fn write(text: &mut String, fields: &[String], message: &Value) {
    text.extend(fields.iter().flat_map(|line| [line.as_str(), "\n"]));
    text.push_str(&format!("data: {message}\n\n"));
}

/// How an answer over HTTP holds its messages.
pub(super) enum Form {
    Json,
    Events,
}

impl Form {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Unreadable> {
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
