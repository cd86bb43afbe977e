//! A whole HTTP/1.1 request message in bytes (RFC 9112), for the command line, vectors and fuzzing.

use core::fmt;

use super::parts::{BodyLength, Parts};

/// A request message: head borrowed, body with its transfer coding taken off.
#[derive(Clone)]
pub struct Message<'a> {
    parts: Parts<'a>,
    body: Vec<u8>,
    trailers: bool,
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("parts", &self.parts).field("body", &self.body.len()).finish_non_exhaustive()
    }
}

/// The bytes are no HTTP/1.1 request message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAMessage(&'static str);

impl fmt::Display for NotAMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an HTTP/1.1 request message: {}", self.0)
    }
}

impl core::error::Error for NotAMessage {}

impl<'a> Message<'a> {
    /// Reads `METHOD SP target SP HTTP/1.1 CRLF`, field lines, an empty line and the body.
    ///
    /// Judges nothing that a verifier judges: a field line that is folded or holds control bytes is handed on as it is.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotAMessage> {
        let (line, mut rest) = line(bytes)?;
        let text = |bytes: &'a [u8]| core::str::from_utf8(bytes).map_err(|_| NotAMessage("bytes that are no text"));
        // What stands between is the target, spaces and all: its verdict is the verifier's.
        let line = text(line)?.strip_suffix(" HTTP/1.1").ok_or(NotAMessage("request line"))?;
        let (method, target) = line.split_once(' ').ok_or(NotAMessage("request line"))?;
        let mut parts = Parts::new(method, target);
        let mut chunked = None;
        let mut lengths = 0_usize;
        let mut length = None;
        loop {
            let (field, after) = self::line(rest)?;
            rest = after;
            if field.is_empty() {
                break;
            }
            let colon = field.iter().position(|b| *b == b':').ok_or(NotAMessage("field line without a colon"))?;
            let (name, value) = field.split_at_checked(colon).ok_or(NotAMessage("field line"))?;
            let (name, value) = (text(name)?, value.get(1..).unwrap_or_default());
            parts.push(name, value);
            let value = parts.fields.last().map(|field| field.value).unwrap_or_default();
            if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = Some(value.eq_ignore_ascii_case(b"chunked") && chunked.is_none());
            }
            if name.eq_ignore_ascii_case("content-length") {
                lengths = lengths.saturating_add(1);
                // A number that no memory holds is one that the body behind it has not.
                let digits = core::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                length = digits.filter(|digits| !digits.is_empty()).map(|digits| digits.parse().unwrap_or(usize::MAX));
            }
        }
        let (body, body_length, trailers) = match chunked {
            // Where the framing is what a verifier refuses, the rest is handed on as it is.
            Some(false) => (rest.to_vec(), BodyLength::Unknown, false),
            Some(true) if lengths > 0 => (rest.to_vec(), BodyLength::Unknown, false),
            None if lengths > 1 || (lengths == 1 && length.is_none()) => (rest.to_vec(), BodyLength::Unknown, false),
            Some(true) => {
                let (body, trailers) = dechunk(rest)?;
                (body, BodyLength::Unknown, trailers)
            }
            None => {
                let length = length.unwrap_or(0);
                if rest.len() != length {
                    return Err(NotAMessage("body of another length than Content-Length says"));
                }
                (rest.to_vec(), BodyLength::Known(rest.len() as u64), false)
            }
        };
        Ok(Self { parts: parts.body(body_length), body, trailers })
    }

    /// The head.
    pub fn parts(&self) -> &Parts<'a> {
        &self.parts
    }

    /// The head, with the `:authority` pseudo-header that came beside it.
    #[must_use]
    pub fn with_authority(mut self, authority: &'a str) -> Self {
        self.parts = self.parts.authority(authority);
        self
    }

    /// The body, without its transfer coding.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether trailer fields came behind the body.
    pub fn has_trailers(&self) -> bool {
        self.trailers
    }
}

/// A line up to CRLF, and what follows. A folded line is one line: its verdict is the verifier's.
fn line(bytes: &[u8]) -> Result<(&[u8], &[u8]), NotAMessage> {
    let mut from = 0_usize;
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        let at = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(NotAMessage("no end of line"))?;
        let end = from.saturating_add(at);
        let after = bytes.get(end.saturating_add(2)..).unwrap_or_default();
        let folded = end > 0 && matches!(after.first(), Some(b' ' | b'\t'));
        if !folded {
            return Ok((bytes.get(..end).unwrap_or_default(), after));
        }
        from = end.saturating_add(2);
    }
}

fn dechunk(mut rest: &[u8]) -> Result<(Vec<u8>, bool), NotAMessage> {
    const BAD: NotAMessage = NotAMessage("chunked body");
    let mut body = Vec::new();
    loop {
        let at = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(BAD)?;
        let size = core::str::from_utf8(rest.get(..at).ok_or(BAD)?).map_err(|_| BAD)?;
        if size.is_empty() || size.len() > 8 || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BAD);
        }
        let size = usize::from_str_radix(size, 16).map_err(|_| BAD)?;
        rest = rest.get(at.saturating_add(2)..).ok_or(BAD)?;
        if size == 0 {
            let trailers = rest != b"\r\n";
            return if rest.ends_with(b"\r\n") { Ok((body, trailers)) } else { Err(BAD) };
        }
        let (chunk, after) = rest.split_at_checked(size).ok_or(BAD)?;
        body.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n").ok_or(BAD)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_framings() {
        let message = Message::parse(b"POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        assert_eq!((message.body(), message.has_trailers()), (&b"hi"[..], false));
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n";
        let message = Message::parse(chunked).unwrap();
        assert_eq!((message.body(), message.has_trailers()), (&b"hi"[..], true));
    }

    #[test]
    fn hands_a_folded_line_on_as_it_is() {
        let message = Message::parse(b"GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n").unwrap();
        assert_eq!(message.parts().fields[0].value, b"b\r\n c");
    }

    #[test]
    fn refuses_what_is_no_message() {
        for bad in [
            &b""[..],
            b"GET /",
            b"GET / HTTP/1.0\r\n\r\n",
            b"GET / HTTP/1.1\r\na\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\nbody",
            b"GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nhi",
            b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\nhi",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n\r\n",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nhi\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\na: b\r\n",
        ] {
            assert!(Message::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
