//! Every file under `test-vectors/` is valid by `schema.json`, and the schema says nothing that this does not look at.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what went wrong by panicking"
)]

use std::fs;

use countersign_testkit::runner::folder;
use regex::Regex;
use serde_json::Value;

/// The part of JSON Schema 2020-12 that `schema.json` uses. Another keyword ends the test.
struct Schema(Value);

impl Schema {
    fn resolve(&self, schema: &Value) -> Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(path) => self.0.pointer(path.trim_start_matches('#')).unwrap_or_else(|| panic!("{path}")).clone(),
            None => schema.clone(),
        }
    }

    /// What is wrong with a value, and where.
    fn check(&self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        let schema = self.resolve(schema);
        let wrong = |what: &str| Err(format!("{place}: {what}"));
        let list = |value: &Value| value.as_array().unwrap().clone();
        for (keyword, wanted) in schema.as_object().unwrap() {
            let number = wanted.as_i64().unwrap_or_default();
            let length = |of: Option<usize>| of.map(|of| i64::try_from(of).unwrap());
            let (items, members, text) = (value.as_array(), value.as_object(), value.as_str());
            let holds = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" => true,
                "type" => {
                    let types = if wanted.is_array() { list(wanted) } else { vec![wanted.clone()] };
                    types.iter().any(|kind| is_a(value, kind.as_str().unwrap()))
                }
                "const" => value == wanted,
                "enum" => list(wanted).contains(value),
                "pattern" => text.is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
                "minLength" => length(text.map(|text| text.chars().count())).is_none_or(|length| length >= number),
                "minItems" => length(items.map(Vec::len)).is_none_or(|length| length >= number),
                "maxItems" => length(items.map(Vec::len)).is_none_or(|length| length <= number),
                "minProperties" => length(members.map(|all| all.len())).is_none_or(|length| length >= number),
                "minimum" => value.as_i64().is_none_or(|value| value >= number),
                "maximum" => value.as_i64().is_none_or(|value| value <= number),
                "uniqueItems" => {
                    items.is_none_or(|items| items.iter().enumerate().all(|(at, item)| !items[..at].contains(item)))
                }
                "required" => {
                    members.is_none_or(|all| list(wanted).iter().all(|it| all.contains_key(it.as_str().unwrap())))
                }
                "items" => {
                    for (at, item) in items.into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{place}[{at}]"))?;
                    }
                    true
                }
                "properties" => {
                    for (name, schema) in wanted.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.check(schema, member, &format!("{place}.{name}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let known = schema.get("properties").and_then(Value::as_object);
                    let unknown = |name: &String| known.is_none_or(|known| !known.contains_key(name));
                    for (name, member) in members.into_iter().flatten().filter(|(name, _)| unknown(name)) {
                        if *wanted == Value::Bool(false) {
                            return wrong(&format!("unknown member {name}"));
                        }
                        self.check(wanted, member, &format!("{place}.{name}"))?;
                    }
                    true
                }
                "propertyNames" => {
                    for name in members.into_iter().flat_map(|all| all.keys()) {
                        self.check(wanted, &Value::from(name.as_str()), &format!("{place} {name}"))?;
                    }
                    true
                }
                "allOf" => {
                    list(wanted).iter().try_for_each(|schema| self.check(schema, value, place))?;
                    true
                }
                "oneOf" => {
                    let all: Vec<_> = list(wanted).iter().map(|schema| self.check(schema, value, place)).collect();
                    if all.iter().filter(|outcome| outcome.is_ok()).count() != 1 {
                        return wrong(&format!("not one of: {all:?}"));
                    }
                    true
                }
                other => panic!("{place}: the keyword {other} is not looked at"),
            };
            if !holds {
                return wrong(&format!("{value} against {keyword} {wanted}"));
            }
        }
        Ok(())
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other}"),
    }
}

#[test]
fn every_file_is_valid_by_the_schema() {
    let read = |path: &std::path::Path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let schema = Schema(read(&folder().join("schema.json")));
    let mut count = 0_u32;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        // The verifiers of others, the knock-out and the mutants beside the vectors are none.
        let folder = path.is_dir() && !["checkers", "knockout", "mutants"].iter().any(|tool| path.ends_with(tool));
        for file in folder.then(|| fs::read_dir(&path).unwrap()).into_iter().flatten() {
            let mut value = read(&file.unwrap().path());
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert_eq!(schema.check(&schema.0, &value, &name), Ok(()));
            count += 1;
            // And a member more is not.
            value["vectors"][0]["input"]["more"] = Value::Null;
            assert!(schema.check(&schema.0, &value, &name).is_err(), "{name}");
        }
    }
    assert!(count > 30, "only {count} files");
}
