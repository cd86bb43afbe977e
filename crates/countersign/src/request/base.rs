//! The signature base of RFC 9421, section 2.5.

use super::framing::Framed;
use super::parts::Parts;
use crate::code::Code;
use crate::denial::Denial;

/// Builds the base for components that are known to resolve. `parameters` is the value of `@signature-params`.
// spec: RQ-46, RQ-47
pub(crate) fn build(
    parts: &Parts<'_>,
    framed: &Framed<'_>,
    covered: &[&str],
    parameters: &str,
) -> Result<Vec<u8>, Denial> {
    // All of the message, and what a line adds to its value: enough, so that nothing is held twice while it grows.
    let values: usize = parts.fields.iter().map(|field| field.value.len().saturating_add(2)).sum();
    let names: usize = covered.iter().map(|name| name.len().saturating_add(8)).sum();
    let own = parts.target.len().saturating_add(framed.authority.len()).saturating_add(parameters.len());
    let mut base = Vec::with_capacity(values.saturating_add(names).saturating_add(own).saturating_add(64));
    for name in covered {
        base.push(b'"');
        base.extend_from_slice(name.as_bytes());
        base.extend_from_slice(b"\": ");
        match *name {
            "@method" => base.extend_from_slice(parts.method.as_bytes()),
            "@authority" => base.extend_from_slice(framed.authority.as_bytes()),
            "@path" => base.extend_from_slice(framed.path.as_bytes()),
            "@query" => {
                base.push(b'?');
                base.extend_from_slice(framed.query.unwrap_or_default().as_bytes());
            }
            name => lines(&mut base, parts, name)?,
        }
        base.push(b'\n');
    }
    base.extend_from_slice(b"\"@signature-params\": ");
    base.extend_from_slice(parameters.as_bytes());
    Ok(base)
}

fn lines(base: &mut Vec<u8>, parts: &Parts<'_>, name: &str) -> Result<(), Denial> {
    for (index, line) in parts.lines(name).enumerate() {
        // spec: RQ-38
        if !line.is_ascii() {
            return Err(Denial::new(3, Code::HeaderMalformed, "covered field that is not ASCII"));
        }
        if index > 0 {
            base.extend_from_slice(b", ");
        }
        base.extend_from_slice(line);
    }
    Ok(())
}
