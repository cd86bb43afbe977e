//! HTTP/1.1 messages and their signatures (RFC 9421), from primitives.
//!
//! [`Signature::parts`] builds the signature base from the message and from what the signature says
//! it covers. Every text can be replaced, so the base and the message can be made to disagree.

use sha2::{Digest as _, Sha256, Sha512};

use crate::clock::NOW;
use crate::keys::Key;
use crate::text::{b64, b64u};

/// The tag of our signatures.
pub const TAG: &str = "countersign-request-v1";

/// A request as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// Field lines: names and values as written.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What follows the empty line, in its transfer form.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without a body to the test service.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let host = ("Host".to_owned(), b"calendar.example.com".to_vec());
        Self { method: method.into(), target: target.into(), headers: vec![host], body: Vec::new() }
    }

    /// Adds a field line.
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.headers.push((name.into(), value.as_ref().to_vec()));
    }

    /// Adds a field line.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.add(name, value);
        self
    }

    /// Replaces the value of the first line of this name.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let line = self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        line.expect("a line to replace").1 = value.as_ref().to_vec();
    }

    /// Removes all lines of this name.
    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// The value of a field as RFC 9421 takes it: lines trimmed and joined.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Vec<u8>> {
        let lines: Vec<_> = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii())
            .collect();
        if lines.is_empty() { None } else { Some(lines.join(&b", "[..])) }
    }

    /// The text of a field.
    ///
    /// # Panics
    ///
    /// When it is absent or no UTF-8.
    #[must_use]
    pub fn field_text(&self, name: &str) -> String {
        String::from_utf8(self.field(name).expect("the field is there")).expect("UTF-8")
    }

    /// The message bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            out.extend(name.as_bytes());
            out.extend(b": ");
            out.extend(value);
            out.extend(b"\r\n");
        }
        out.extend(b"\r\n");
        out.extend(&self.body);
        out
    }

    fn derived(&self, name: &str) -> Option<Vec<u8>> {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, query),
            None => (&*self.target, ""),
        };
        match name {
            "@method" => Some(self.method.clone().into_bytes()),
            "@path" => Some(path.into()),
            "@query" => Some(format!("?{query}").into_bytes()),
            "@authority" => {
                let host = self.field_text("host").to_ascii_lowercase();
                let host = host.strip_suffix(":443").unwrap_or(&host);
                Some(host.into())
            }
            _ => None,
        }
    }
}

/// A `Content-Digest` of one SHA-256.
#[must_use]
pub fn digest_sha256(body: &[u8]) -> String {
    format!("sha-256=:{}:", b64(&Sha256::digest(body)))
}

/// A `Content-Digest` of one SHA-512.
#[must_use]
pub fn digest_sha512(body: &[u8]) -> String {
    format!("sha-512=:{}:", b64(&Sha512::digest(body)))
}

/// A signature to be made.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its label.
    pub label: String,
    /// The covered components as they stand between the parentheses: `"@method"`.
    pub components: Vec<String>,
    /// The parameters: names and values as written.
    pub parameters: Vec<(String, String)>,
    /// Who signs.
    pub key: Key,
    /// Values that the base takes instead of the message's, by component name.
    pub values: Vec<(String, Vec<u8>)>,
}

/// A nonce of 16 bytes that belongs to a name.
#[must_use]
pub fn nonce(name: &str) -> String {
    b64u(&Sha256::digest(format!("countersign test nonce: {name}").as_bytes())[..16])
}

impl Signature {
    /// What the profile asks of a request without a body, with the token in `Authorization`.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        let mut signature = Self {
            label: "sig".into(),
            components: Vec::new(),
            parameters: Vec::new(),
            key: key.clone(),
            values: Vec::new(),
        };
        for name in ["@method", "@authority", "@path", "@query", "authorization"] {
            signature.cover(name);
        }
        signature.set("created", NOW.to_string());
        signature.set("expires", (NOW + 60).to_string());
        signature.set("nonce", format!("\"{}\"", nonce("standard")));
        signature.set("keyid", format!("\"{}\"", key.id()));
        signature.set("tag", format!("\"{TAG}\""));
        signature
    }

    /// Covers one component more.
    pub fn cover(&mut self, name: &str) {
        self.components.push(format!("\"{name}\""));
    }

    /// Leaves a component out.
    pub fn uncover(&mut self, name: &str) {
        self.components.retain(|known| *known != format!("\"{name}\""));
    }

    /// Sets a parameter in place, or adds it at the end.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.parameters.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value.into(),
            None => self.parameters.push((name.into(), value.into())),
        }
    }

    /// Removes a parameter.
    pub fn unset(&mut self, name: &str) {
        self.parameters.retain(|(known, _)| known != name);
    }

    /// The inner list with its parameters: the member's value and the base's last line.
    #[must_use]
    pub fn member(&self) -> String {
        let mut out = format!("({})", self.components.join(" "));
        for (name, value) in &self.parameters {
            out.push(';');
            out.push_str(name);
            // A Boolean parameter that is true stands without a value.
            if !value.is_empty() {
                out.push('=');
                out.push_str(value);
            }
        }
        out
    }

    /// The signature base (RFC 9421 section 2.5).
    #[must_use]
    pub fn base(&self, request: &Request) -> Vec<u8> {
        let mut out = Vec::new();
        for component in &self.components {
            let name = component.split(';').next().unwrap_or_default().trim_matches('"');
            let replaced = self.values.iter().find(|(known, _)| known == name);
            let value = match replaced {
                Some((_, value)) => value.clone(),
                None if name.starts_with('@') => request.derived(name).unwrap_or_default(),
                None => request.field(name).unwrap_or_default(),
            };
            out.extend(component.as_bytes());
            out.extend(b": ");
            out.extend(value);
            out.push(b'\n');
        }
        out.extend(format!("\"@signature-params\": {}", self.member()).into_bytes());
        out
    }

    /// The values of `Signature-Input` and `Signature`.
    #[must_use]
    pub fn parts(&self, request: &Request) -> (String, String) {
        let signature = self.key.sign(&self.base(request));
        self.parts_with(&signature)
    }

    /// The same with these signature bytes.
    #[must_use]
    pub fn parts_with(&self, signature: &[u8]) -> (String, String) {
        let input = format!("{}={}", self.label, self.member());
        (input, format!("{}=:{}:", self.label, b64(signature)))
    }

    /// Signs and adds the two fields.
    #[must_use]
    pub fn sign(&self, mut request: Request) -> Request {
        let (input, signature) = self.parts(&request);
        request.add("Signature-Input", input);
        request.add("Signature", signature);
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_the_base_line_by_line() {
        let request = Request::new("GET", "/a?b=c").with("X-Two", " 1 ").with("x-two", "2");
        let mut signature = Signature::new(&Key::named("agent"));
        signature.components.clear();
        signature.parameters.truncate(1);
        for name in ["@method", "@authority", "@path", "@query", "x-two"] {
            signature.cover(name);
        }
        let base = String::from_utf8(signature.base(&request)).unwrap();
        let expected = "\"@method\": GET\n\"@authority\": calendar.example.com\n\"@path\": /a\n\
            \"@query\": ?b=c\n\"x-two\": 1, 2\n\"@signature-params\": (\"@method\" \"@authority\" \
            \"@path\" \"@query\" \"x-two\");created=1795453200";
        assert_eq!(base, expected);
    }
}
