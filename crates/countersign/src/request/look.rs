//! What a request says of its own signatures, for tools that explain a decision. Nothing is decided by it: a verifier
//! reads the same fields with the same parser and judges them.

use super::fields::{BareItem, byte_sequences, inner_lists, sized};
use super::parts::Parts;

/// A member of Signature-Input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignatureClaims {
    /// Its label.
    pub label: String,
    /// The covered components, in order; those that are no string or have parameters are left out.
    pub components: Vec<String>,
    /// Whether a component is no string or has parameters.
    pub odd_components: bool,
    /// The names of its parameters, in order.
    pub parameters: Vec<String>,
    /// `tag`, where it is a string.
    pub tag: Option<String>,
    /// `keyid`, where it is a string.
    pub keyid: Option<String>,
    /// `alg`, where it is a string.
    pub alg: Option<String>,
    /// `created`, where it is an integer.
    pub created: Option<i64>,
    /// `expires`, where it is an integer.
    pub expires: Option<i64>,
    /// The length of `nonce` in characters, where it is a string.
    pub nonce_chars: Option<usize>,
    /// Whether Signature has a member under this label.
    pub signed: bool,
    /// Whether that member has the 64 bytes of an Ed25519 signature.
    pub sized: bool,
}

/// The members of Signature-Input; `None` where this field or Signature is not in its one form (RQ-23, RQ-24).
pub fn signature_claims(parts: &Parts<'_>) -> Option<Vec<SignatureClaims>> {
    let (input, signature) = (joined(parts, "signature-input")?, joined(parts, "signature")?);
    let lists = if input.is_empty() { Vec::new() } else { inner_lists(&input, |_| true).ok()? };
    let signatures = if signature.is_empty() { Vec::new() } else { byte_sequences(&signature, |_| true).ok()? };
    let members = lists.into_iter().map(|list| {
        let text = |name: &str| match list.parameter(name) {
            Some(BareItem::String(text)) => Some(text.to_owned()),
            _ => None,
        };
        let number = |name: &str| match list.parameter(name) {
            Some(BareItem::Integer(number)) => Some(number),
            _ => None,
        };
        let component = |item: super::fields::Item<'_>| match item.value {
            BareItem::String(name) if !item.has_parameters => Some(name.to_owned()),
            _ => None,
        };
        let components: Vec<String> = list.items().filter_map(component).collect();
        let value = signatures.iter().find(|(label, _)| *label == list.label).map(|(_, value)| *value);
        SignatureClaims {
            label: list.label.to_owned(),
            odd_components: components.len() != list.items().count(),
            components,
            parameters: list.parameters().map(|(key, _)| key.to_owned()).collect(),
            tag: text("tag"),
            keyid: text("keyid"),
            alg: text("alg"),
            created: number("created"),
            expires: number("expires"),
            nonce_chars: text("nonce").map(|nonce| nonce.len()),
            signed: value.is_some(),
            sized: value.is_some_and(|value| sized::<64>(value).is_some()),
        }
    });
    Some(members.collect())
}

/// The algorithms that Content-Digest names; `None` where it is not in its one form (RQ-25).
pub fn digest_algorithms(parts: &Parts<'_>) -> Option<Vec<String>> {
    let text = joined(parts, "content-digest")?;
    if parts.lines("content-digest").next().is_none() {
        return Some(Vec::new());
    }
    Some(byte_sequences(&text, |_| true).ok()?.into_iter().map(|(key, _)| key.to_owned()).collect())
}

/// The lines of a field joined; empty where there are none.
fn joined(parts: &Parts<'_>, name: &str) -> Option<String> {
    let lines: Option<Vec<&str>> = parts.lines(name).map(|line| core::str::from_utf8(line).ok()).collect();
    lines.map(|lines| lines.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_signature_says_of_itself() {
        let mut parts = Parts::new("GET", "/");
        let input = br#"a=("@method" "x";sf);created=5;keyid="k";tag="t", b=();expires=-1;nonce="abcd""#;
        parts.push("Signature-Input", input);
        parts.push("signature", b"b=:AA==:");
        let read = signature_claims(&parts).unwrap();
        assert_eq!((read[0].label.as_str(), read[0].components.as_slice()), ("a", &["@method".to_owned()][..]));
        assert!(read[0].odd_components && !read[0].signed);
        assert_eq!(
            (read[0].created, read[0].keyid.as_deref(), read[0].tag.as_deref()),
            (Some(5), Some("k"), Some("t"))
        );
        assert_eq!((read[1].expires, read[1].nonce_chars, read[1].tag.as_deref()), (Some(-1), Some(4), None));
        assert!(read[1].signed && !read[1].sized && !read[1].odd_components);
        parts.push("signature-input", b"a=()");
        assert_eq!(signature_claims(&parts), None);
        assert_eq!(digest_algorithms(&parts).unwrap(), Vec::<String>::new());
        parts.push("content-digest", b"md5=:AA==:");
        assert_eq!(digest_algorithms(&parts).unwrap(), ["md5"]);
        parts.push("content-digest", b"md5");
        assert_eq!(digest_algorithms(&parts), None);
    }
}
