//! What another parser of JSON and another writer of its canonical form make of a text.

use std::collections::BTreeSet;
use std::fmt;

use countersign::json::{MAX_INTEGER, Value as Core};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What stands in a text by serde_json, before members of one name become one.
#[derive(Debug, Default)]
pub struct Seen {
    /// A name stands twice in one object.
    pub twice: bool,
    /// How deep arrays and objects nest.
    pub depth: usize,
    /// There is a number beyond ±(2^53 − 1).
    pub great: bool,
    /// There is one that the canonical form writes as an integer all the same.
    pub unreadable: bool,
}

/// `None` where serde_json does not take the text.
pub fn seen(text: &[u8]) -> Option<Seen> {
    let mut seen = Seen::default();
    let mut reader = serde_json::Deserializer::from_slice(text);
    Look { seen: &mut seen, depth: 0 }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(seen)
}

struct Look<'s> {
    seen: &'s mut Seen,
    depth: usize,
}

impl<'s> Look<'s> {
    fn inside(&mut self) -> Look<'_> {
        Look { seen: self.seen, depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.seen.great |= value.unsigned_abs() > MAX_INTEGER.unsigned_abs();
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.seen.great |= value > MAX_INTEGER.unsigned_abs();
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        let great = value.abs() > MAX_INTEGER as f64;
        self.seen.great |= great;
        self.seen.unreadable |= great && value.abs() < 1e21;
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        self.seen.depth = self.seen.depth.max(self.depth + 1);
        while elements.next_element_seed(self.inside())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.seen.depth = self.seen.depth.max(self.depth + 1);
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.seen.twice |= !names.insert(name);
            members.next_value_seed(self.inside())?;
        }
        Ok(())
    }
}

/// Whether core read the same value: integers exactly, other numbers as the same double.
pub fn same(core: &Core, other: &Value) -> bool {
    match (core, other) {
        (Core::Null, Value::Null) => true,
        (Core::Bool(one), Value::Bool(other)) => one == other,
        (Core::Str(one), Value::String(other)) => one == other,
        // `-0` is a double to serde_json.
        (Core::Integer(0), Value::Number(other)) => other.as_f64() == Some(0.0),
        (Core::Integer(one), Value::Number(other)) => other.as_i64() == Some(*one) && one.abs() <= MAX_INTEGER,
        (Core::Fraction(one), Value::Number(other)) => {
            one.spelling().contains(['.', 'e', 'E']) && other.as_f64().map(f64::to_bits) == Some(one.to_f64().to_bits())
        }
        (Core::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Core::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        _ => false,
    }
}

/// Whether two values say the same, however their numbers are spelled.
pub fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| alike(one, other)))
        }
        _ => one == other,
    }
}

/// RFC 8785: ryu-js writes numbers, serde_json writes strings, and names are compared as bytes of UTF-16BE.
pub fn jcs(value: &Value) -> String {
    match value {
        Value::Number(number) => ryu_js::Buffer::new().format(number.as_f64().unwrap()).to_owned(),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(jcs).collect();
            format!("[{}]", elements.join(","))
        }
        Value::Object(object) => {
            let mut members: Vec<(Vec<u8>, String)> = object
                .iter()
                .map(|(name, value)| {
                    let sorted_by = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
                    (sorted_by, format!("{}:{}", Value::from(name.as_str()), jcs(value)))
                })
                .collect();
            members.sort();
            let members: Vec<String> = members.into_iter().map(|(_, member)| member).collect();
            format!("{{{}}}", members.join(","))
        }
        plain => plain.to_string(),
    }
}
