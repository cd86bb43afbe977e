//! The strict reader takes only what serde_json reads too, with the same meaning, and what it refuses besides it refuses
//! for its reasons; the canonical form is that of another writer and is read again as the same value.
//!
//! Input is a text; behind a zero byte, what a text is made from.
#![no_main]

use arbitrary::Unstructured;
use countersign::json::{JsonError, MAX_DEPTH, Value};
use countersign_fuzz::{json, json_oracle as oracle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, rest)) => {
            if let Ok(text) = json::text(&mut Unstructured::new(rest)) {
                run(text.as_bytes());
            }
        }
        _ => run(data),
    }
});

fn run(text: &[u8]) {
    let (value, seen) = match (Value::parse(text), oracle::seen(text)) {
        (Ok(value), Some(seen)) => {
            assert!(!seen.twice && seen.depth <= MAX_DEPTH, "{seen:?}");
            (value, seen)
        }
        (Ok(value), None) => panic!("serde_json refuses {value:?}"),
        (Err(_), None) => return,
        (Err(error), Some(seen)) => {
            return assert!(
                match error {
                    JsonError::NameTwice => seen.twice,
                    JsonError::Depth => seen.depth > MAX_DEPTH,
                    JsonError::Number => seen.great,
                    _ => false,
                },
                "{error:?} {seen:?}"
            );
        }
    };
    let other: serde_json::Value = serde_json::from_slice(text).unwrap();
    assert!(oracle::same(&value, &other), "{value:?} {other:?}");
    assert!(oracle::same(&value, &serde_json::to_value(&value).unwrap()), "serialised otherwise: {value:?}");

    let jcs = value.to_jcs();
    assert_eq!(jcs, oracle::jcs(&other), "another canonical form");
    let again = match Value::parse(jcs.as_bytes()) {
        Ok(again) => again,
        // RQ-55 takes `1e20`, and refuses what RFC 8785 makes of it.
        Err(error) => return assert!(seen.unreadable && error == JsonError::Number, "{error}: {jcs}"),
    };
    assert!(!seen.unreadable, "{jcs}");
    assert_eq!(again.to_jcs(), jcs, "another canonical form the second time");
    assert!(oracle::alike(&serde_json::from_str(&jcs).unwrap(), &other), "another value: {jcs}");
    assert_eq!(Value::parse(again.to_jcs().as_bytes()), Ok(again));
}
