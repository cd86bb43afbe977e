//! Streams of server-sent events, and what goes on of one that answers no message (`spec/jsonrpc.md`, JR-39).

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;

use super::listing::{Form, MAX_ANSWER, Unreadable, is_answer, untell, write};

/// The longest event that is read, in bytes.
const MAX_EVENT: usize = MAX_ANSWER;

/// What a client gets of the inner service's answer: the body as it is, or the part of a stream of events that may go on.
#[derive(Debug)]
pub struct AnswerBody<R>(Kind<R>);

#[derive(Debug)]
enum Kind<R> {
    Whole(R),
    Messages { body: R, events: Events, over: bool },
}

impl<R> AnswerBody<R> {
    pub(crate) fn whole(body: R) -> Self {
        Self(Kind::Whole(body))
    }

    /// The answer to a `GET` at an endpoint: a stream of the server's own messages, or a refusal of it.
    // spec: JR-39
    pub(crate) fn stream(response: Response<R>) -> Result<Response<Self>, Unreadable> {
        if !response.status().is_success() {
            return Ok(response.map(Self::whole));
        }
        let Form::Events = Form::of(response.headers())? else { return Err(Unreadable) };
        let (mut head, body) = response.into_parts();
        untell(&mut head.headers);
        let kind = Kind::Messages { body, events: Events::default(), over: false };
        Ok(Response::from_parts(head, Self(kind)))
    }
}

impl<R: Body + Unpin> Body for AnswerBody<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let (body, events, over) = match &mut self.0 {
            Kind::Whole(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                let bytes = |mut data: R::Data| data.copy_to_bytes(data.remaining());
                return Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(bytes))));
            }
            Kind::Messages { body, events, over } => (body, events, over),
        };
        loop {
            if *over {
                return Poll::Ready(None);
            }
            let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(cx)?) else {
                *over = true;
                continue;
            };
            // Trailers say nothing here.
            let Ok(mut data) = frame.into_data() else { continue };
            let mut ended = Vec::new();
            // Past what can't be read nobody knows what comes.
            *over = events.read(&data.copy_to_bytes(data.remaining()), &mut ended).is_err();
            let text = messages(&ended);
            if !text.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(text.into()))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(body) => body.is_end_stream(),
            Kind::Messages { over, .. } => *over,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(body) => body.size_hint(),
            Kind::Messages { .. } => SizeHint::default(),
        }
    }
}

/// Requests and notifications, and in the place of anything else a comment: whoever waits sees that the stream lives.
fn messages(events: &[Event]) -> String {
    let mut text = String::new();
    for Event { fields, data } in events {
        match serde_json::from_str(&data.join("\n")) {
            Ok(message @ Value::Object(_)) if !is_answer(&message) && message.get("method").is_some() => {
                write(&mut text, fields, &message);
            }
            _ => text.push_str(":\n\n"),
        }
    }
    text
}

/// Server-sent events as they come (HTML, "Parsing an event stream"): each byte is looked at once.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    /// The last byte was a CR, to which a LF may belong.
    after_cr: bool,
    begun: bool,
    event: Event,
    /// How much of the event is held, in bytes.
    held: usize,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Event {
    /// The lines that say the event's id, its name and when to come back.
    pub(super) fields: Vec<String>,
    pub(super) data: Vec<String>,
}

impl Events {
    /// The events that end in these bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Unreadable> {
        let mut ended = Vec::new();
        self.read(bytes, &mut ended)?;
        Ok(ended)
    }

    /// The same, behind others, also where what follows them can't be read.
    fn read(&mut self, bytes: &[u8], ended: &mut Vec<Event>) -> Result<(), Unreadable> {
        for byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => ended.extend(self.end_of_line()?),
                _ => self.line.push(*byte),
            }
            self.held = self.held.saturating_add(1);
            if self.held > MAX_EVENT {
                return Err(Unreadable);
            }
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> Result<Option<Event>, Unreadable> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| Unreadable)?;
        let first = !std::mem::replace(&mut self.begun, true);
        let line = if first { line.strip_prefix('\u{feff}').unwrap_or(&line) } else { &line };
        if line.is_empty() {
            self.held = 0;
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
