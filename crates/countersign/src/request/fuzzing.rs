//! Test support, no part of the interface: what oracles and fuzz targets compare with other libraries.

use super::base;
use super::digest::Expected;
use super::fields;
use super::framing::{Framed, split_target};
use super::parts::Parts;

/// Whether `text` is a dictionary of inner lists in its one serialisation, as `Signature-Input` must be.
pub fn is_exact_inner_lists(text: &str) -> bool {
    fields::inner_lists(text, |_| false).is_ok()
}

/// Whether `text` is a dictionary of byte sequences without parameters in its one serialisation, as `Signature` must be.
pub fn is_exact_byte_sequences(text: &str) -> bool {
    fields::byte_sequences(text, |_| false).is_ok()
}

/// The signature base over `covered`, by the code that signs and verifies.
pub fn signature_base(
    method: &str,
    target: &str,
    authority: &str,
    fields: &[(&str, &str)],
    covered: &[&str],
    parameters: &str,
) -> Option<Vec<u8>> {
    let (path, query) = split_target(target);
    let framed = Framed {
        path,
        query,
        authority: authority.to_owned(),
        token: b"",
        token_field: "authorization",
        signature_input: None,
        signature: None,
        digest: Expected::default(),
    };
    let mut parts = Parts::new(method, target);
    parts.extend(fields.iter().map(|(name, value)| (*name, value.as_bytes())));
    base::build(&parts, &framed, covered, parameters).ok()
}
