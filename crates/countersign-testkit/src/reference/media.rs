//! Media types (RFC 9110 section 8.3.1), for RQ-56, CK-28 and JR-28.

use super::framing::is_token;

/// A media type; names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    pub(super) name: String,
    pub(super) parameters: Vec<(String, Vec<u8>)>,
}

fn blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

fn token(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !is_token(&[*byte])).unwrap_or(text.len());
    text.split_at(end)
}

fn lower(text: &[u8]) -> String {
    String::from_utf8_lossy(text).to_ascii_lowercase()
}

/// What a quoted string says, and what follows it.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut value = Vec::new();
    loop {
        let (first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'"' => return Some((value, rest)),
            b'\\' => {
                let (escaped, after) = rest.split_first()?;
                rest = after;
                if !matches!(escaped, b'\t' | 0x20..=0x7e | 0x80..) {
                    return None;
                }
                value.push(*escaped);
            }
            plain @ (b'\t' | 0x20..=0x7e | 0x80..) => value.push(*plain),
            _ => return None,
        }
    }
}

/// Reads a field value that is one media type.
pub(super) fn read(value: &[u8]) -> Option<MediaType> {
    let (kind, rest) = token(value);
    let (subtype, mut rest) = token(rest.strip_prefix(b"/")?);
    if kind.is_empty() || subtype.is_empty() {
        return None;
    }
    let mut parameters = Vec::new();
    // parameters = *( OWS ";" OWS [ parameter ] )
    while !rest.is_empty() {
        rest = blanks(blanks(rest).strip_prefix(b";")?);
        let (name, after) = token(rest);
        if name.is_empty() {
            continue;
        }
        let after = after.strip_prefix(b"=")?;
        let value = if after.starts_with(b"\"") {
            let (value, after) = quoted(after)?;
            rest = after;
            value
        } else {
            let (value, after) = token(after);
            rest = after;
            if value.is_empty() {
                return None;
            }
            value.to_vec()
        };
        parameters.push((lower(name), value));
    }
    Some(MediaType { name: format!("{}/{}", lower(kind), lower(subtype)), parameters })
}

impl MediaType {
    /// Whether a body of it is JSON (CK-28).
    pub(super) fn is_json(&self) -> bool {
        self.name == "application/json" || self.name.ends_with("+json")
    }

    /// Whether every `charset` is `utf-8` in any case.
    pub(super) fn is_utf_8(&self) -> bool {
        let charsets = self.parameters.iter().filter(|(name, _)| name == "charset");
        charsets.into_iter().all(|(_, value)| value.eq_ignore_ascii_case(b"utf-8"))
    }
}
