//! Valid signed requests, the service that they are for, and what an accepted message must share with one of them.

use countersign::Denial;
use countersign::request::{Message, SignRequest, TokenField};
use countersign::token::{Delegation, Grant, Right, SealedToken};
use countersign::verify::{Authorized, Decision, MemoryReplay, Operations, Revocations, Verifier};

use crate::keys::{NOW, agent, delegate, next, root};

/// A valid request as it is sent.
pub struct Sent {
    /// The HTTP/1.1 message.
    pub message: Vec<u8>,
    method: &'static str,
    target: &'static str,
    body: Vec<u8>,
    /// Fields, lower-case names.
    fields: Vec<(String, String)>,
}

fn tokens() -> (SealedToken, SealedToken) {
    let right = |action| Right { r#type: "http", location: "/calendars", action };
    let open = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent().public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(right("GET"))
        .right(right("POST"))
        .delegation_depth(1)
        .sign(&root(), &next(0))
        .unwrap();
    let handed =
        open.delegate(&Delegation::to("summary-bot", delegate().public())).unwrap().sign(&agent(), &next(1)).unwrap();
    (open.seal().unwrap(), handed.seal().unwrap())
}

/// The valid requests: without and with a body, plain and chunked, with the token in either field, handed on.
pub fn sent() -> Vec<Sent> {
    let (token, handed) = tokens();
    let body: &[u8] = br#"{"title":"lunch"}"#;
    let mut all = Vec::new();
    for (number, (method, target, body, chunked, own_field, handed_on)) in [
        ("GET", "/calendars/primary", &b""[..], false, false, false),
        ("GET", "/calendars/primary?from=today&to=%20", b"", false, true, true),
        ("POST", "/calendars/primary/events", body, false, false, false),
        ("POST", "/calendars/primary/events", body, true, true, true),
    ]
    .into_iter()
    .enumerate()
    {
        let url = format!("https://calendar.example.com{target}");
        let (token, key) = if handed_on { (&handed, delegate()) } else { (&token, agent()) };
        let mut request =
            SignRequest::new(method, &url, token).created(NOW, vec![number as u8; 16]).field("x-own", "1");
        if own_field {
            request = request.token_field(TokenField::CountersignToken).field("authorization", "Bearer other");
        }
        if !body.is_empty() {
            request = request.body(body).field("content-type", "application/json");
        }
        let signed = request.sign(&key).unwrap();
        let fields: Vec<(String, String)> =
            signed.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut message = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &fields {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut message = message.into_bytes();
        if chunked {
            message.extend(format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len()).bytes());
            message.extend(body);
            message.extend(b"\r\n0\r\n\r\n");
        } else {
            message.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
            message.extend(body);
        }
        all.push(Sent { message, method, target, body: body.to_vec(), fields });
    }
    all
}

/// The service of the valid requests.
pub fn verifier() -> Verifier {
    Verifier::builder()
        .audience("https://calendar.example.com")
        .authority("calendar.example.com")
        .issuer("https://hub.example", [root().public()])
        .build()
        .unwrap()
}

/// What core says to a message, its stores empty.
pub fn verify(verifier: &Verifier, message: &Message<'_>) -> Result<Authorized, Denial> {
    let revocations = Revocations::default();
    if message.has_trailers() {
        return Err(verifier.check(message.parts(), NOW, &revocations)?.trailers());
    }
    let replay = MemoryReplay::insecure_without_epoch();
    verifier.verify(message.parts(), message.body(), NOW, &revocations, &replay, &Operations::http())
}

/// The value of a field as RFC 9421 reads it, by another reader than core's.
fn field(head: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut values: Vec<&[u8]> = Vec::new();
    for line in head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        if line[..colon].eq_ignore_ascii_case(name.as_bytes()) {
            values.push(line[colon + 1..].trim_ascii());
        }
    }
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

impl Sent {
    /// Whether an allowed message says what this one says: method, authority, target, body, and every covered field, the
    /// token among them. Everything else may differ.
    pub fn says_the_same(&self, bytes: &[u8], message: &Message<'_>, authorized: &Authorized) -> bool {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
        let Some(http) = authorized.http() else { return false };
        let target = match &http.query {
            None => http.path.clone(),
            Some(query) => format!("{}?{query}", http.path),
        };
        let own = |name: &str| self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_bytes());
        let covered = authorized.covered().filter(|name| !name.starts_with('@'));
        http.method == self.method
            && http.authority == "calendar.example.com"
            && target == self.target
            && message.body() == self.body
            && covered.into_iter().all(|name| field(&bytes[..end], name).as_deref() == own(name))
            && self.fields.iter().all(|(name, _)| {
                // Those that need no cover are the only ones that the signer did not cover.
                matches!(&**name, "host" | "signature" | "signature-input")
                    || authorized.covered().any(|covered| covered == name)
            })
    }

    /// What is decided about this request as it was sent.
    pub fn decision(&self, verifier: &Verifier) -> Decision {
        let message = Message::parse(&self.message).unwrap();
        verify(verifier, &message).unwrap().decision()
    }
}
