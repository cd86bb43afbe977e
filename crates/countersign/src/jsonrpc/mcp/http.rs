//! What the header fields of MCP over HTTP say, held against the body.

use super::{Unmapped, refuse};
use crate::code::Code;
use crate::encoding::from_base64;
use crate::json::{Object, Value};
use crate::jsonrpc::Message;

const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";
const VERSION: &str = "mcp-protocol-version";
const PARAM: &str = "mcp-param-";

/// Holds the fields of a request (names and values, in order) against the message in its body.
///
/// Several lines of one field are one value, joined by a comma and a space; so two lines equal nothing.
pub fn fields_agree<'f>(
    fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    message: &Message,
) -> Result<(), Unmapped> {
    let mut values: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in fields {
        let name = name.to_ascii_lowercase();
        let value = value.trim_ascii();
        if ![METHOD, NAME, VERSION].contains(&name.as_str()) && !name.starts_with(PARAM) {
            continue;
        }
        match values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, joined)) => {
                joined.extend_from_slice(b", ");
                joined.extend_from_slice(value);
            }
            None => values.push((name, value.to_vec())),
        }
    }
    for (name, value) in &values {
        let value = decoded(value);
        let agrees = value.is_some_and(|value| match name.as_str() {
            METHOD => value == message.method(),
            NAME => named(message) == Some(&value),
            // spec: JR-32
            VERSION => message
                .meta("io.modelcontextprotocol/protocolVersion")
                .is_none_or(|version| version.as_str() == Some(&value)),
            _ => has_argument(message, &value),
        });
        // spec: JR-30, JR-31, JR-33
        if !agrees {
            return refuse(Code::HeaderBodyMismatch, "a field and the body name different things");
        }
    }
    Ok(())
}

fn named(message: &Message) -> Option<&str> {
    let member = match message.method() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return None,
    };
    message.params()?.member(member)?.as_str()
}

/// Whether some argument is this text.
fn has_argument(message: &Message, text: &str) -> bool {
    let arguments = message.params().and_then(|params| params.member("arguments")).and_then(Value::as_object);
    message.method() == "tools/call" && arguments.is_some_and(|arguments| within(arguments, text))
}

/// Objects only: a schema's annotations lead through properties alone.
fn within(object: &Object, text: &str) -> bool {
    object.iter().any(|(_, value)| match value {
        Value::Str(value) => value == text,
        Value::Integer(value) => value.to_string() == text,
        Value::Bool(value) => value.to_string() == text,
        Value::Object(object) => within(object, text),
        Value::Null | Value::Fraction(_) | Value::Array(_) => false,
    })
}

/// The text that a value stands for.
fn decoded(value: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(value).ok()?;
    let Some(inner) = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(text.to_owned());
    };
    let mut buffer = vec![0; inner.len()];
    let bytes = from_base64(inner.as_bytes(), &mut buffer)?;
    core::str::from_utf8(bytes).ok().map(str::to_owned)
}
