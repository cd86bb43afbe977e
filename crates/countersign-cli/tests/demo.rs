//! The demonstration, by the real binary: what it prints, and that it holds itself to it.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

fn demo(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign")).arg("demo").args(args).output().unwrap()
}

#[test]
fn decides_every_request_as_it_must() {
    let output = demo(&["--json"]);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    let rows: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for row in &rows {
        assert_eq!(row["decision"], row["expected"], "{row}");
        assert_eq!(row["code"], row["expected_code"], "{row}");
        assert_eq!(row["decision"] == "deny", row["code"].is_string(), "{row}");
        assert!(row["who"].is_string() && row["what"].is_string() && row["micros"].is_u64(), "{row}");
        assert_eq!(row.get("wrong"), None, "{row}");
    }
    let count = |decision: &str| rows.iter().filter(|row| row["decision"] == decision).count();
    assert!(count("allow") >= 4 && count("deny") >= 30, "{} and {}", count("allow"), count("deny"));
    let codes: BTreeSet<&str> = rows.iter().filter_map(|row| row["code"].as_str()).collect();
    for code in [
        "signature_required",
        "signature_invalid",
        "key_mismatch",
        "replayed",
        "digest_mismatch",
        "body_uncovered",
        "audience_mismatch",
        "token_expired",
        "token_signature",
        "right_missing",
        "check_failed",
        "delegation_depth",
        "token_unsealed",
        "authority_mismatch",
        "operation_unmapped",
        "header_uncovered",
        "header_refused",
        "resource_invalid",
        "token_ambiguous",
        "window_invalid",
        "params_invalid",
        "token_missing",
        "budget_exceeded",
        "approval_required",
        "approval_invalid",
        "token_revoked",
        "check_error",
        "body_ambiguous",
    ] {
        assert!(codes.contains(code), "no request is denied with {code}");
    }
}

#[test]
fn prints_a_table_without_colours_where_nobody_looks() {
    let output = demo(&[]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(!table.contains('\x1b'), "{table}");
    assert!(table.lines().any(|line| line.starts_with("thief") && line.contains("signature_required")), "{table}");
    assert!(table.trim_end().ends_with("all as they must be"), "{table}");
    // No token and no secret is in it.
    assert!(!table.contains("cs_sk_") && !table.split_whitespace().any(|word| word.len() > 60), "{table}");
}
