//! JSON texts, their canonical form (RFC 8785), and signed JSON-RPC messages, from primitives.
//!
//! A text keeps its own spelling beside its canonical one, so that a message can travel in any spelling.

use crate::clock::NOW;
use crate::keys::Key;
use crate::raw_request::nonce;
use crate::text::b64u;

/// The member of `_meta` that holds the proof.
pub const ENVELOPE: &str = "dev.countersign/request";

/// The members of `_meta` that are not covered.
pub const UNCOVERED: [&str; 4] = ["progressToken", "traceparent", "tracestate", "baggage"];

/// A JSON value as it is spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// A literal or a number: as it travels, and in canonical form.
    Word(String, String),
    /// A string: as it travels, quotes included, and its value.
    Text(String, String),
    /// An array.
    Array(Vec<Json>),
    /// An object: names, spelled plainly, and values. A name may stand twice.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An integer.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Self::word(&value.to_string())
    }

    /// A literal or a number whose spelling is the canonical one.
    #[must_use]
    pub fn word(word: &str) -> Self {
        Self::Word(word.into(), word.into())
    }

    /// A string.
    #[must_use]
    pub fn text(value: &str) -> Self {
        Self::Text(quoted(value), value.into())
    }

    /// An object.
    #[must_use]
    pub fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The members of an object.
    ///
    /// # Panics
    ///
    /// When it is none.
    pub fn members(&mut self) -> &mut Vec<(String, Self)> {
        match self {
            Self::Object(members) => members,
            _ => panic!("no object"),
        }
    }

    /// Sets a member in its place, or at the end.
    pub fn set(&mut self, name: &str, value: Self) {
        let members = self.members();
        match members.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => members.push((name.into(), value)),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Self> {
        let members = self.members();
        let at = members.iter().position(|(known, _)| known == name)?;
        Some(members.remove(at).1)
    }

    /// As it travels.
    #[must_use]
    pub fn wire(&self) -> String {
        match self {
            Self::Word(wire, _) | Self::Text(wire, _) => wire.clone(),
            Self::Array(elements) => {
                format!("[{}]", elements.iter().map(Self::wire).collect::<Vec<_>>().join(","))
            }
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| format!("{}:{}", quoted(name), value.wire());
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// RFC 8785.
    #[must_use]
    pub fn jcs(&self) -> String {
        match self {
            Self::Word(_, canonical) => canonical.clone(),
            Self::Text(_, value) => quoted(value),
            Self::Array(elements) => {
                format!("[{}]", elements.iter().map(Self::jcs).collect::<Vec<_>>().join(","))
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<u16>>());
                let member = |(name, value): &(String, Self)| format!("{}:{}", quoted(name), value.jcs());
                format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// A string as RFC 8785 writes it.
fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for character in value.chars() {
        match u32::from(character) {
            0x22 => out.push_str("\\\""),
            0x5c => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x09 => out.push_str("\\t"),
            0x0a => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            0x0d => out.push_str("\\r"),
            control @ 0..=0x1f => out.push_str(&format!("\\u{control:04x}")),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// A message.
#[derive(Clone, Debug)]
pub struct Rpc {
    /// The method.
    pub method: String,
    /// The id; a notification has none.
    pub id: Option<Json>,
    /// The parameters.
    pub params: Json,
}

impl Rpc {
    /// A request with the id 7.
    #[must_use]
    pub fn new(method: &str, params: Json) -> Self {
        Self { method: method.into(), id: Some(Json::int(7)), params }
    }

    /// A call of a tool.
    #[must_use]
    pub fn call(tool: &str, arguments: Json) -> Self {
        Self::new("tools/call", Json::object([("name", Json::text(tool)), ("arguments", arguments)]))
    }

    /// Changes the `_meta` of the parameters, which is made where it is not there.
    pub fn meta(&mut self, change: impl FnOnce(&mut Json)) {
        let mut meta = self.params.remove("_meta").unwrap_or(Json::Object(Vec::new()));
        change(&mut meta);
        self.params.set("_meta", meta);
    }

    /// The whole message.
    #[must_use]
    pub fn json(&self) -> Json {
        let mut message = Json::object([("jsonrpc", Json::text("2.0"))]);
        if let Some(id) = &self.id {
            message.set("id", id.clone());
        }
        message.set("method", Json::text(&self.method));
        message.set("params", self.params.clone());
        message
    }

    /// The text of the message.
    #[must_use]
    pub fn wire(&self) -> String {
        self.json().wire()
    }
}

/// An envelope to be signed. Every part can be replaced.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Its members but for the signature.
    pub members: Json,
    /// Who signs.
    pub key: Key,
    /// What stands before the canonical form, the zero byte included.
    pub context: Vec<u8>,
}

impl Envelope {
    /// What the profile asks for.
    #[must_use]
    pub fn new(key: &Key, service: &str, token: &str) -> Self {
        let members = Json::object([
            ("v", Json::int(1)),
            ("token", Json::text(token)),
            ("service", Json::text(service)),
            ("created", Json::int(NOW)),
            ("expires", Json::int(NOW + 60)),
            ("nonce", Json::text(&nonce("standard"))),
            ("keyid", Json::text(&key.id())),
        ]);
        Self { members, key: key.clone(), context: b"countersign-jsonrpc-v1\0".to_vec() }
    }

    /// With another member.
    #[must_use]
    pub fn with(mut self, name: &str, value: Json) -> Self {
        self.members.set(name, value);
        self
    }

    /// Without a member.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.members.remove(name);
        self
    }

    /// The signature over a message with this envelope in it.
    #[must_use]
    pub fn signature(&self, message: &Rpc) -> Vec<u8> {
        let mut message = message.clone();
        message.meta(|meta| {
            for name in UNCOVERED {
                meta.remove(name);
            }
            meta.set(ENVELOPE, self.members.clone());
        });
        let covered = Json::object([("method", Json::text(&message.method)), ("params", message.params.clone())]);
        self.key.sign(&[&self.context, covered.jcs().as_bytes()].concat())
    }

    /// The message with this envelope and this text as its signature.
    #[must_use]
    pub fn put(&self, mut message: Rpc, sig: &str) -> Rpc {
        message.meta(|meta| meta.set(ENVELOPE, self.clone().with("sig", Json::text(sig)).members));
        message
    }

    /// The signed message.
    #[must_use]
    pub fn sign(&self, message: Rpc) -> Rpc {
        let signature = b64u(&self.signature(&message));
        self.put(message, &signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_names_as_rfc_8785_does() {
        // The example of section 3.2.3, without its line break.
        let names = ["\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}"];
        let object = Json::Object(names.iter().map(|name| ((*name).into(), Json::int(1))).collect());
        let sorted = ["\\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"];
        let expected: Vec<String> = sorted.iter().map(|name| format!("\"{name}\":1")).collect();
        assert_eq!(object.jcs(), format!("{{{}}}", expected.join(",")));
    }
}
