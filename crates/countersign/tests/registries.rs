//! What the code uses stands in `spec/registries.md`, and the numbers of `spec/limits.md` are those of the code and of the
//! requirements.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use countersign::revocation::{MAX_ENTRIES, MAX_FRESHNESS, MAX_LIST_TEXT, MAX_NUMBER};
use countersign::verify::{Binding, IssuerKeys, MAX_APPROVAL_SECONDS, MAX_JSON_BODY, VerifierBuilder};
use countersign::{checks, json, jsonrpc, rar, request, token};

const REGISTRIES_MD: &str = include_str!("../../../spec/registries.md");
const CHECKS_MD: &str = include_str!("../../../spec/checks.md");
const LIMITS_MD: &str = include_str!("../../../spec/limits.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn source(path: &str) -> String {
    fs::read_to_string(root().join("crates/countersign/src").join(path)).unwrap()
}

/// What stands in quotes of one kind, in order.
fn between(text: &str, quote: char) -> impl Iterator<Item = &str> {
    text.split(quote).skip(1).step_by(2)
}

/// A section of the registries, up to the next heading.
fn section(title: &str) -> &'static str {
    let (_, rest) = REGISTRIES_MD.split_once(&format!("\n## {title}\n")).unwrap();
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

/// The names in the first cells of a section's table.
fn first_cells(title: &str) -> BTreeSet<&'static str> {
    let cells = section(title).lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(|cell| between(cell, '`')).collect()
}

/// The names at the beginning of the arms of a match: `"name" =>` or `("name", …`.
fn arms(text: &str) -> BTreeSet<&str> {
    let named = |line: &'_ str| line.starts_with('"') || line.starts_with("(\"");
    let arms = text.lines().map(str::trim).filter(|line| named(line));
    arms.filter_map(|line| line.split('"').nth(1)).collect()
}

fn part<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

#[test]
fn facts_of_tokens_are_registered() {
    let text = source("token/block.rs");
    assert_eq!(arms(part(&text, "fn add(", "_ => ")), first_cells("Facts of a token"));
}

#[test]
fn facts_of_requests_are_registered() {
    let text = source("checks/predicate.rs");
    let predicates = arms(part(&text, "fn named(", "_ => "));
    assert_eq!(predicates, first_cells("Facts of a request"));
    for name in predicates {
        assert!(CHECKS_MD.contains(&format!("`{name}(")), "spec/checks.md lacks {name}");
    }
}

#[test]
fn restrictions_are_registered() {
    let text = source("token/recognise.rs");
    let named = part(&text, "pub fn name(&self)", "\n    }\n");
    let mut names: BTreeSet<&str> = between(named, '"').filter(|name| !name.is_empty()).collect();
    names.extend(between(part(&text, "SUBJECTS", "];"), '"').filter(|name| name.ends_with('s')));
    names.insert("when");
    let registered: BTreeSet<&str> =
        between(section("Typed restrictions"), '`').filter(|name| !name.contains('.')).collect();
    assert_eq!(names, registered);
    for name in names.iter().filter(|name| **name != "when") {
        assert!(CHECKS_MD.contains(&format!("`{name}")), "spec/checks.md lacks {name}");
    }
}

fn rust_files(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// Words in the text of all our code, that of tests too.
fn words(is: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut files = Vec::new();
    rust_files(&root().join("crates"), &mut files);
    let mut found = BTreeSet::new();
    for path in files {
        let text = fs::read_to_string(path).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c)));
        found.extend(words.filter(|word| is(word)).map(str::to_owned));
    }
    found
}

#[test]
fn contexts_and_tags_are_registered() {
    let is_context = |word: &str| {
        let name = word.strip_prefix("countersign-").and_then(|rest| rest.rsplit_once("-v"));
        name.is_some_and(|(_, version)| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let contexts = words(is_context);
    assert!(contexts.contains(request::REQUEST_TAG) && contexts.contains(jsonrpc::CONTEXT));
    for context in contexts {
        assert!(section("Contexts").contains(&context), "spec/registries.md lacks {context}");
    }
    // Those of Biscuit.
    for tag in ["BLOCK", "EXTERNAL"] {
        assert!(section("Contexts").contains(&format!("`0x00 \"{tag}\" 0x00`")), "{tag}");
    }
}

#[test]
fn members_of_meta_are_registered() {
    let members = words(|word| word.len() > 16 && word.starts_with("dev.countersign/"));
    assert!(members.contains(jsonrpc::ENVELOPE) && members.contains(jsonrpc::CALLER));
    for member in members {
        assert!(section("JSON members").contains(&format!("`{member}`")), "spec/registries.md lacks {member}");
    }
}

#[test]
fn fields_are_registered() {
    let fields = section("Fields").to_ascii_lowercase();
    for file in ["request/mod.rs", "request/parts.rs", "request/framing.rs", "verify/mod.rs", "jsonrpc/mcp/http.rs"] {
        let text = source(file);
        let ours = between(&text, '"').filter(|name| name.starts_with("countersign-") || name.starts_with("mcp-"));
        for name in ours.filter(|name| !["mcp-", request::REQUEST_TAG, request::SESSION_TAG].contains(name)) {
            assert!(fields.contains(&format!("`{name}")), "spec/registries.md lacks {name}");
        }
    }
}

#[test]
fn bindings_are_registered() {
    let all = [Binding::Ed25519, Binding::Hmac, Binding::Jsonrpc, Binding::Dpop, Binding::Bearer];
    let names: BTreeSet<&str> = all.iter().map(|binding| binding.as_str()).collect();
    // Another one would stand there.
    let text = source("verify/mod.rs");
    assert_eq!(between(part(&text, "pub const fn as_str", "\n    }\n"), '"').collect::<BTreeSet<_>>(), names);
    assert_eq!(names, first_cells("Bindings"));
}

/// The rows of the limits: what, how much, and ids.
fn rows() -> Vec<[&'static str; 3]> {
    let cells = |line: &'static str| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [what, limit, _, ids] = cells[..] else { return None };
        ids.contains('-').then_some([what, limit, ids])
    };
    let rows: Vec<_> = LIMITS_MD.lines().filter_map(cells).filter(|row| row[0] != "---").collect();
    assert!(rows.len() > 50, "{} rows", rows.len());
    rows
}

/// The numbers of a cell, each as it is written.
fn numbers(text: &str) -> Vec<&str> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || ",^-_".contains(c)));
    parts.map(|part| part.trim_matches(',')).filter(|part| part.starts_with(|c: char| c.is_ascii_digit())).collect()
}

#[test]
fn limits_are_those_of_the_requirements() {
    let mut text = String::new();
    for file in ["token", "request", "checks", "verify", "rar", "revocation", "jsonrpc"] {
        text += &fs::read_to_string(root().join(format!("spec/{file}.md"))).unwrap();
        text.push('\n');
    }
    for [what, limit, ids] in rows() {
        for id in ids.split(", ") {
            assert!(text.contains(&format!("**{id}**")), "{what}: there is no {id}");
        }
        // The rules of a row, with what stands between their headings.
        let sections: Vec<&str> =
            text.split("\n## ").filter(|it| ids.split(", ").any(|id| it.contains(&format!("**{id}**")))).collect();
        // "Greater than 0" is a limit of 1, too.
        for number in numbers(limit).into_iter().filter(|number| *number != "1") {
            assert!(
                sections.iter().any(|section| numbers(section).contains(&number)),
                "{what}: {number} is not in {ids}"
            );
        }
    }
}

/// A constant of the source: numbers, products and shifts.
fn constant(file: &str, name: &str) -> u64 {
    let text = source(file);
    let line = text.lines().find(|line| line.contains(&format!("const {name}: "))).unwrap();
    let value = line.split(" = ").nth(1).unwrap().split(';').next().unwrap().replace('_', "");
    let number = |text: &str| text.trim().parse::<u64>().unwrap();
    match (value.split_once(" * "), value.split_once(" << ")) {
        (Some((one, other)), _) => number(one).saturating_mul(number(other)),
        (_, Some((one, bits))) => number(one) << number(bits),
        _ => number(&value),
    }
}

fn written(number: &str) -> u64 {
    number.replace(',', "").parse().unwrap()
}

#[test]
fn limits_are_those_of_the_code() {
    let mebi = |count: u64| count << 20;
    let of = |what: &str| {
        let rows = rows();
        let row = rows.iter().find(|row| row[0].starts_with(what)).unwrap_or_else(|| unreachable!("no row {what}"));
        row[1]
    };
    // The last number of a row is the greatest value.
    let most = |what: &str| {
        let limit = of(what);
        let number = numbers(limit).last().map(|number| written(number)).unwrap();
        if limit.contains("KiB") {
            number << 10
        } else if limit.contains("MiB") {
            mebi(number)
        } else {
            number
        }
    };
    let in_file = |file: &'static str| move |name: &str| constant(file, name);
    let (stage_1, layout) = (in_file("request/mod.rs"), in_file("token/layout.rs"));
    let (arguments, approvals) = (in_file("checks/arguments.rs"), in_file("verify/approval.rs"));
    for (what, value) in [
        ("target", stage_1("TARGET")),
        ("head", stage_1("HEAD")),
        ("field lines", stage_1("FIELDS")),
        ("value of `Signature-Input`", stage_1("SIGNATURE")),
        ("value of `Content-Digest`", stage_1("CONTENT_DIGEST")),
        ("method", stage_1("METHOD")),
        ("token's text", token::MAX_TEXT_LEN as u64),
        ("body, unless", VerifierBuilder::DEFAULT_MAX_BODY),
        ("message", MAX_JSON_BODY),
        ("body that is read", MAX_JSON_BODY),
        ("`expires` − `created`", constant("request/coverage.rs", "WINDOW")),
        ("skew", constant("time.rs", "SKEW")),
        ("approvals in the field", approvals("MAX_APPROVALS")),
        ("one approval", approvals("MAX_TEXT")),
        ("`expires` − `created` of an approval", MAX_APPROVAL_SECONDS),
        ("nesting", json::MAX_DEPTH as u64),
        ("significant digits", constant("json/number.rs", "SIGNIFICANT_DIGITS")),
        ("binary form", layout("TOKEN_BYTES")),
        ("binary form of an open token", layout("OPEN_TOKEN_BYTES")),
        ("blocks", layout("BLOCKS")),
        ("facts of a block", layout("FACTS")),
        ("checks of a block", layout("CHECKS")),
        ("`budget` facts", layout("BUDGETS")),
        ("`metered` facts", layout("METERED")),
        ("`approval` facts", layout("APPROVALS")),
        ("`delegation_depth`", layout("DEPTH")),
        ("delegations", layout("DEPTH")),
        ("bytes of a string in `symbols`", layout("STRING_BYTES")),
        ("depth of messages", layout("NESTING")),
        ("queries", layout("QUERIES")),
        ("operations", layout("OPERATIONS")),
        ("elements", layout("SET")),
        ("work", checks::WORK_LIMIT),
        ("`arg` facts", arguments("MAX_FACTS")),
        ("`arg_present` facts", arguments("MAX_FACTS")),
        ("bytes of an argument's name", arguments("MAX_LEN")),
        ("keys of an issuer", IssuerKeys::LIMIT as u64),
        ("entries", MAX_ENTRIES as u64),
        ("`number`", MAX_NUMBER),
        ("`next` − `created`", MAX_FRESHNESS),
        ("details", rar::MAX_DETAILS as u64),
        ("location of a right", constant("rar/mod.rs", "MAX_STRING")),
        ("resource", constant("rar/mod.rs", "MAX_STRING")),
        ("rights of a token", rar::MAX_RIGHTS as u64),
        ("tokens", rar::MAX_TOKENS as u64),
    ] {
        assert_eq!(most(what), value, "{what}: {}", of(what));
    }
    // Two rows have the same name.
    let texts: Vec<u64> = rows().iter().filter(|row| row[0] == "text").map(|row| written(numbers(row[1])[0])).collect();
    assert_eq!(texts, [MAX_LIST_TEXT as u64, rar::MAX_TEXT as u64]);
    assert!(of("`right` facts").starts_with(&format!("{};", layout("RIGHTS"))));
    assert_eq!(json::MAX_INTEGER, (1 << 53) - 1);
}
