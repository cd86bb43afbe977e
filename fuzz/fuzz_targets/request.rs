//! Any message is refused without a panic, unless it says the same as a request that was signed.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::{keys, requests};
use libfuzzer_sys::fuzz_target;

static JUDGE: LazyLock<requests::Judge> = LazyLock::new(requests::Judge::default);

fuzz_target!(|message: &[u8]| {
    JUDGE.judge(message, keys::NOW);
});
