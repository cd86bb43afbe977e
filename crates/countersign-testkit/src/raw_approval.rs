//! Operation digests and detached approvals from primitives (`spec/verify.md`, Operation digest; `spec/request.md`,
//! Approvals).
//!
//! The canonical form (RFC 8785) is written here anew. Numbers are given in the spelling that ECMAScript has for them, so
//! nothing is computed that could be computed wrongly.

use sha2::{Digest as _, Sha256};

use crate::clock::NOW;
use crate::keys::Key;
use crate::text::{b64u, hex};

/// A JSON value that knows its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, spelled as ECMAScript spells it.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, its members in any order.
    Object(Vec<(String, Json)>),
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Number(number.to_string())
    }
}

/// An object of these members.
#[must_use]
pub fn object<'n>(members: impl IntoIterator<Item = (&'n str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

impl Json {
    /// The canonical form.
    #[must_use]
    pub fn jcs(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Number(spelling) => spelling.clone(),
            Self::Text(text) => quoted(text),
            Self::Array(elements) => {
                let elements: Vec<String> = elements.iter().map(Self::jcs).collect();
                format!("[{}]", elements.join(","))
            }
            Self::Object(members) => {
                let mut members: Vec<(Vec<u16>, String)> = members
                    .iter()
                    .map(|(name, value)| (name.encode_utf16().collect(), format!("{}:{}", quoted(name), value.jcs())))
                    .collect();
                members.sort();
                let members: Vec<String> = members.into_iter().map(|(_, text)| text).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The object that an approver signs the digest of.
#[derive(Clone, Debug)]
pub struct OperationObject(pub Vec<(String, Json)>);

impl OperationObject {
    /// Another value for a member.
    ///
    /// # Panics
    ///
    /// When there is no such member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        let member = self.0.iter_mut().find(|(known, _)| known == name);
        member.expect("a member of the operation").1 = value.into();
        self
    }

    /// The canonical form.
    #[must_use]
    pub fn jcs(&self) -> String {
        Json::Object(self.0.clone()).jcs()
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest([b"countersign-operation-v1\0", self.jcs().as_bytes()].concat()).into()
    }
}

/// One of `agents`.
#[must_use]
pub fn agent(name: &str, key: &Key) -> Json {
    object([("key_id", Json::Text(key.id())), ("name", name.into())])
}

/// SHA-256 in lower-case hexadecimal: `content_sha256`.
#[must_use]
pub fn content_sha256(body: &[u8]) -> Json {
    Json::Text(hex(&Sha256::digest(body)))
}

/// An approval in the making. Every member can be replaced, and the payload written in another way.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Who signs.
    pub key: Key,
    /// The members of the payload, by name and JSON text, in the order of JCS.
    pub members: Vec<(String, String)>,
}

impl Approval {
    /// An approval by this key of the operation with this digest, from now for five minutes.
    #[must_use]
    pub fn new(key: &Key, digest: &[u8]) -> Self {
        let id = &Sha256::digest(b"countersign test approval")[..16];
        let members = [
            ("approver", quoted(&key.id())),
            ("created", NOW.to_string()),
            ("digest", quoted(&b64u(digest))),
            ("expires", (NOW + 300).to_string()),
            ("id", quoted(&b64u(id))),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { key: key.clone(), members }
    }

    /// Another JSON text for a member.
    ///
    /// # Panics
    ///
    /// When there is no such member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        let member = self.members.iter_mut().find(|(known, _)| known == name);
        member.expect("a member of the payload").1 = value.to_string();
        self
    }

    /// From `created` to `expires`.
    #[must_use]
    pub fn times(self, created: i64, expires: i64) -> Self {
        self.with("created", created).with("expires", expires)
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> String {
        let members: Vec<String> = self.members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    /// `<payload>.<signature>`.
    #[must_use]
    pub fn text(&self) -> String {
        self.text_of(&self.payload())
    }

    /// The same over another text of the payload.
    #[must_use]
    pub fn text_of(&self, payload: &str) -> String {
        format!("{}.{}", b64u(payload.as_bytes()), b64u(&self.signature(payload)))
    }

    /// The signature over a text of the payload.
    #[must_use]
    pub fn signature(&self, payload: &str) -> Vec<u8> {
        self.key.sign(&[b"countersign-approval-v1\0", payload.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_canonical_form_of_rfc_8785() {
        // RFC 8785 section 3.2.3: the order is that of UTF-16 code units.
        let names = ["\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}"];
        let value = object(names.map(|name| (name, Json::Null)));
        let sorted = ["\\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"];
        let members: Vec<String> = sorted.iter().map(|name| format!("\"{name}\":null")).collect();
        assert_eq!(value.jcs(), format!("{{{}}}", members.join(",")));
        // Section 3.2.2.2.
        let text = Json::from("\u{20ac}$\u{f}\nA'B\"\\\\\"/");
        assert_eq!(text.jcs(), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"");
    }

    #[test]
    fn an_approvals_payload_is_canonical() {
        let approval = Approval::new(&Key::named("approver"), &[7; 32]);
        let names: Vec<&str> = approval.members.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.is_sorted());
        assert!(!approval.payload().contains(' '));
    }
}
