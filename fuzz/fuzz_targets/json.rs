//! A text is JSON here exactly when it is JSON to serde_json and no two parsers differ about it, with the same meaning;
//! its canonical form is that of RFC 8785 by another writer, and says the same again.
//!
//! Input is a text; behind a zero byte, what a text is made from.
#![no_main]

use arbitrary::Unstructured;
use countersign::json::{JsonError, MAX_DEPTH, Value};
use countersign_fuzz::json::{self, MAX_INTEGER, Tree};
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
    let other = json::read(text);
    match (Value::parse(text), other) {
        (Ok(value), Some(tree)) => accepted(&value, &tree),
        (Ok(_), None) => panic!("serde_json refuses what is taken here"),
        (Err(error), Some(tree)) => {
            let why = match error {
                JsonError::NameTwice => tree.any(&Tree::has_name_twice),
                JsonError::Depth => tree.depth() > MAX_DEPTH,
                JsonError::Number => tree.any(&beyond),
                _ => false,
            };
            assert!(why, "refused without a reason: {error}");
        }
        (Err(_), None) => {}
    }
}

/// Whether it is a number that a text may spell only as an integer beyond the bound.
fn beyond(tree: &Tree) -> bool {
    tree.number().is_some_and(|number| number.trunc() == number && number.abs() > MAX_INTEGER as f64)
}

fn accepted(value: &Value, tree: &Tree) {
    assert!(!tree.any(&Tree::has_name_twice), "a name twice");
    assert!(tree.depth() <= MAX_DEPTH, "too deep");
    same(value, tree);
    let jcs = value.to_jcs();
    assert_eq!(jcs, tree.to_jcs(), "another canonical form");
    // RFC 8785 writes a double below 1e21 without an exponent; where that is beyond the bound of integers, RQ-55
    // refuses the canonical form of what it takes.
    let unreadable = tree.any(&|tree| beyond(tree) && tree.number().is_some_and(|number| number.abs() < 1e21));
    match Value::parse(jcs.as_bytes()) {
        Ok(again) => {
            assert!(!unreadable);
            same(&again, &json::read(jcs.as_bytes()).expect("what is taken here is taken there"));
            assert!(json::read(jcs.as_bytes()).as_ref() == Some(tree), "another value");
            sorted(&again);
            assert_eq!(again.to_jcs(), jcs, "no fixed point");
        }
        Err(error) => assert!(unreadable && error == JsonError::Number, "own canonical form refused: {error}"),
    }
}

fn same(value: &Value, tree: &Tree) {
    match (value, tree) {
        (Value::Null, Tree::Null) => {}
        (Value::Bool(one), Tree::Bool(other)) => assert_eq!(one, other),
        (Value::Integer(one), Tree::Integer(other)) => {
            assert_eq!(i128::from(*one), *other);
            assert!((-MAX_INTEGER..=MAX_INTEGER).contains(one));
        }
        // serde_json keeps the sign of `-0`.
        (Value::Integer(0), Tree::Double(zero)) => assert_eq!(zero.to_bits(), (-0.0_f64).to_bits()),
        (Value::Fraction(one), Tree::Double(other)) => {
            assert_eq!(one.to_f64().to_bits(), other.to_bits(), "{}", one.spelling());
        }
        (Value::Str(one), Tree::Str(other)) => assert_eq!(one, other),
        (Value::Array(one), Tree::Array(other)) => {
            assert_eq!(one.len(), other.len());
            one.iter().zip(other).for_each(|(one, other)| same(one, other));
        }
        (Value::Object(one), Tree::Object(other)) => {
            assert_eq!(one.len(), other.len());
            for ((name, value), (known, tree)) in one.iter().zip(other) {
                assert_eq!(name, known);
                same(value, tree);
            }
        }
        _ => panic!("{value:?} is not {tree:?}"),
    }
}

/// Members in the order of UTF-16 code units, all the way down.
fn sorted(value: &Value) {
    match value {
        Value::Array(elements) => elements.iter().for_each(sorted),
        Value::Object(object) => {
            let names: Vec<Vec<u16>> = object.iter().map(|(name, _)| name.encode_utf16().collect()).collect();
            assert!(names.is_sorted(), "{value:?}");
            object.iter().for_each(|(_, value)| sorted(value));
        }
        _ => {}
    }
}
