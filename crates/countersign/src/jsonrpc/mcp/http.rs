//! What the header fields of MCP over HTTP say, held against the body.

use std::borrow::Cow;
use std::collections::HashSet;

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
    // Collected once, and only where a field asks: there may be a hundred fields, and as many arguments as fit a body.
    let mut arguments: Option<HashSet<Cow<'_, str>>> = None;
    for (name, value) in &values {
        let value = decoded(value);
        let agrees = value.is_some_and(|value| match name.as_str() {
            METHOD => value == message.method(),
            NAME => named(message) == Some(&value),
            // spec: JR-32
            VERSION => message
                .meta("io.modelcontextprotocol/protocolVersion")
                .is_none_or(|version| version.as_str() == Some(&value)),
            _ => arguments.get_or_insert_with(|| texts(message)).contains(value.as_str()),
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

/// The texts of all arguments of a tool.
fn texts(message: &Message) -> HashSet<Cow<'_, str>> {
    let mut texts = HashSet::new();
    let arguments = message.params().and_then(|params| params.member("arguments")).and_then(Value::as_object);
    if let Some(arguments) = arguments.filter(|_| message.method() == "tools/call") {
        within(arguments, &mut texts);
    }
    texts
}

/// Objects only: a schema's annotations lead through properties alone. They nest no deeper than the reader allows.
fn within<'m>(object: &'m Object, texts: &mut HashSet<Cow<'m, str>>) {
    for (_, value) in object.iter() {
        match value {
            Value::Str(value) => drop(texts.insert(Cow::Borrowed(value))),
            Value::Integer(value) => drop(texts.insert(Cow::Owned(value.to_string()))),
            Value::Bool(value) => drop(texts.insert(Cow::Borrowed(if *value { "true" } else { "false" }))),
            Value::Object(object) => within(object, texts),
            Value::Null | Value::Fraction(_) | Value::Array(_) => {}
        }
    }
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
