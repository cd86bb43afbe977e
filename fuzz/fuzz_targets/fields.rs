//! The field parser takes a text exactly when another RFC 9651 implementation writes back what it read.
#![no_main]

use countersign::request::fuzzing;
use countersign_fuzz::fields;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    assert_eq!(fuzzing::is_exact_inner_lists(text), fields::inner_lists(text), "inner lists: {text:?}");
    assert_eq!(fuzzing::is_exact_byte_sequences(text), fields::byte_sequences(text), "byte sequences: {text:?}");
});
