//! The text of a message, and the shape that it must have.

use core::fmt;

use super::{CONTEXT, ENVELOPE, UNCOVERED};
use crate::code::Code;
use crate::denial::Denial;
use crate::json::{Object, Value};
use crate::token::MAX_TEXT_LEN;
use crate::verify::MAX_JSON_BODY;

/// A JSON-RPC 2.0 request or notification that everybody reads alike. Nothing in it is verified.
///
/// ```
/// use countersign::jsonrpc::Message;
///
/// let message = Message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, 1 << 20)?;
/// assert_eq!(message.method(), "tools/list");
/// assert!(Message::parse(br#"[{"jsonrpc":"2.0","method":"ping"}]"#, 1 << 20).is_err());
/// # Ok::<(), countersign::Denial>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Message(Object);

impl Message {
    /// Reads one text of at most `max` bytes, and of 1 MiB whatever `max` says.
    pub fn parse(text: &[u8], max: u64) -> Result<Self, Denial> {
        // spec: JR-1
        if u64::try_from(text.len()).map_or(true, |len| len > max.min(MAX_JSON_BODY)) {
            return Err(Self::too_long());
        }
        Self::read(text).map_err(|(code, detail)| Denial::new(1, code, detail))
    }

    /// The denial of a text of which so much was seen that it is too long; a transport need not hold it to give it here.
    // spec: JR-1
    pub const fn too_long() -> Denial {
        Denial::new(1, Code::BodyTooLarge, "message longer than the service reads")
    }

    /// Reads one text; the stage of a fault depends on where the text came from.
    pub(crate) fn read(text: &[u8]) -> Result<Self, (Code, &'static str)> {
        // spec: JR-2
        match Value::parse(text) {
            Ok(value) => Self::whole(value),
            Err(_) => Err((Code::BodyAmbiguous, "message is not one JSON value that all parsers read alike")),
        }
    }

    /// Takes a value that is a message already.
    pub fn from_value(value: Value) -> Result<Self, Denial> {
        Self::whole(value).map_err(|(code, detail)| Denial::new(1, code, detail))
    }

    fn whole(value: Value) -> Result<Self, (Code, &'static str)> {
        let message = Self::shaped(value)?;
        // spec: JR-5
        if message.envelope_member("token").and_then(Value::as_str).is_some_and(|token| token.len() > MAX_TEXT_LEN) {
            return Err((Code::LimitExceeded, "token too long"));
        }
        Ok(message)
    }

    /// What JR-2 to JR-4 say of a value. In the body of an HTTP request an envelope is looked at where it is asked for.
    pub(crate) fn shaped(value: Value) -> Result<Self, (Code, &'static str)> {
        let object = match value {
            Value::Object(object) => object,
            // spec: JR-3
            Value::Array(_) => return Err((Code::BatchRejected, "batch of messages")),
            _ => return Err((Code::BodyAmbiguous, "message is no object")),
        };
        // spec: JR-4
        let shaped = object.iter().all(|(name, value)| match name {
            "jsonrpc" => value.as_str() == Some("2.0"),
            "method" => value.as_str().is_some(),
            "id" => value.as_str().is_some() || value.as_integer().is_some(),
            "params" => value.as_object().is_some(),
            _ => false,
        });
        if !shaped || object.member("jsonrpc").is_none() || object.member("method").is_none() {
            return Err((Code::BodyAmbiguous, "message is no JSON-RPC 2.0 request"));
        }
        Ok(Self(object))
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.0.member("method").and_then(Value::as_str).unwrap_or_default()
    }

    /// The id, a string or an integer; a notification has none.
    pub fn id(&self) -> Option<&Value> {
        self.0.member("id")
    }

    /// The parameters, where there are some.
    pub fn params(&self) -> Option<&Object> {
        self.0.member("params").and_then(Value::as_object)
    }

    /// A member of `params._meta`.
    pub fn meta(&self, name: &str) -> Option<&Value> {
        self.params()?.member("_meta")?.as_object()?.member(name)
    }

    fn envelope_member(&self, name: &str) -> Option<&Value> {
        self.meta(ENVELOPE)?.as_object()?.member(name)
    }

    /// The message as a value.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// The message as text: compact, without line ends, members sorted.
    pub fn to_text(&self) -> String {
        Value::Object(self.0.clone()).to_readable()
    }

    /// The bytes that a signature is over.
    // spec: JR-14
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut params = self.params().cloned().unwrap_or_default();
        if let Some(Value::Object(mut meta)) = params.remove("_meta") {
            uncover(&mut meta);
            if let Some(Value::Object(mut envelope)) = meta.remove(ENVELOPE) {
                envelope.remove("sig");
                meta.set(ENVELOPE, Value::Object(envelope));
            }
            params.set("_meta", Value::Object(meta));
        }
        let covered = Value::object([("method", Value::from(self.method())), ("params", Value::Object(params))]);
        [CONTEXT.as_bytes(), &[0], covered.to_jcs().as_bytes()].concat()
    }

    /// What is covered of `_meta`, without the envelope where that is a `proof`; `None` where nothing is.
    pub(crate) fn signed_meta(&self, proof: bool) -> Option<Object> {
        let mut meta = self.params()?.member("_meta")?.as_object()?.clone();
        uncover(&mut meta);
        if proof {
            meta.remove(ENVELOPE);
        }
        (!meta.is_empty()).then_some(meta)
    }

    /// With this member of `_meta`. `None` where `_meta` is there and no object.
    pub(crate) fn with_meta(mut self, name: &str, value: Value) -> Option<Self> {
        let mut params = match self.0.remove("params") {
            Some(Value::Object(params)) => params,
            _ => Object::default(),
        };
        let mut meta = match params.remove("_meta") {
            Some(Value::Object(meta)) => meta,
            None => Object::default(),
            Some(_) => return None,
        };
        meta.set(name, value);
        params.set("_meta", Value::Object(meta));
        self.0.set("params", Value::Object(params));
        Some(self)
    }
}

/// Takes away what relays add and change.
fn uncover(meta: &mut Object) {
    for name in UNCOVERED {
        meta.remove(name);
    }
}

// Tokens and arguments stay out of logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("notification", &self.id().is_none()).finish_non_exhaustive()
    }
}
