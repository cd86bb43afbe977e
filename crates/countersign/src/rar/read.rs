//! From JSON to details (`spec/rar.md`, The array, Members).

use std::collections::BTreeSet;

use super::error::{ErrorKind, RarError};
use super::location::Location;
use super::{AuthorizationDetails, Detail, MAX_DETAILS, MAX_TEXT, is_text};
use crate::json::{Object, Value};

/// What RFC 9396 registers and a right can't say. They are named before anything else is looked at, so that their names
/// show whole.
const NOT_SAID: [&str; 3] = ["datatypes", "identifier", "privileges"];

const MEMBERS: [&str; 5] = ["type", "locations", "actions", "purpose", "max_duration"];

pub(super) fn parse(json: &[u8]) -> Result<AuthorizationDetails, RarError> {
    // spec: RA-2
    if json.len() > MAX_TEXT {
        return Err(RarError::of(ErrorKind::TooLong));
    }
    // spec: RA-1
    let value = Value::parse(json).map_err(|error| RarError::of(ErrorKind::Json(error)))?;
    // spec: RA-3
    let elements = value.as_array().filter(|elements| (1..=MAX_DETAILS).contains(&elements.len()));
    let elements = elements.ok_or(RarError::of(ErrorKind::Array))?;
    let details = elements.iter().enumerate().map(|(index, element)| {
        let object = element.as_object().ok_or(RarError::of(ErrorKind::Object));
        object.and_then(detail).map_err(|error| error.in_detail(index))
    });
    details.collect::<Result<_, _>>().map(AuthorizationDetails)
}

fn detail(object: &Object) -> Result<Detail, RarError> {
    // spec: RA-4
    if let Some(name) = NOT_SAID.into_iter().find(|name| object.member(name).is_some()) {
        return Err(RarError::of(ErrorKind::Unknown).at(name));
    }
    if let Some((name, _)) = object.iter().find(|(name, _)| !MEMBERS.contains(name)) {
        return Err(RarError::of(ErrorKind::Unknown).at_unknown(name));
    }
    let r#type = text(object, "type")?.ok_or(RarError::of(ErrorKind::Missing).at("type"))?;
    let locations = list(object, "locations", ErrorKind::Location, Location::parse)?;
    let actions = list(object, "actions", ErrorKind::Value, |text| is_text(text).then(|| text.to_owned()))?;
    let max_duration = match object.member("max_duration") {
        // spec: RA-10
        Some(value) => Some(value.as_str().ok_or(RarError::of(ErrorKind::Duration).at("max_duration"))?.parse()?),
        None => None,
    };
    Ok(Detail { r#type, locations, actions, purpose: text(object, "purpose")?, max_duration })
}

// spec: RA-5, RA-8
fn text(object: &Object, name: &'static str) -> Result<Option<String>, RarError> {
    let Some(value) = object.member(name) else { return Ok(None) };
    let text = value.as_str().filter(|text| is_text(text)).ok_or(RarError::of(ErrorKind::Value).at(name))?;
    Ok(Some(text.to_owned()))
}

/// A list of one or more. What stands in it twice counts once.
// spec: RA-6, RA-7, RA-9
fn list<T: Ord>(
    object: &Object,
    name: &'static str,
    kind: ErrorKind,
    element: impl Fn(&str) -> Option<T>,
) -> Result<BTreeSet<T>, RarError> {
    let value = object.member(name).ok_or(RarError::of(ErrorKind::Missing).at(name))?;
    let elements = value.as_array().filter(|elements| !elements.is_empty());
    let elements = elements.ok_or(RarError::of(ErrorKind::Value).at(name))?;
    let read = |value: &Value| {
        let text = value.as_str().ok_or(RarError::of(ErrorKind::Value).at(name))?;
        element(text).ok_or(RarError::of(kind).at(name))
    };
    elements.iter().map(read).collect()
}
