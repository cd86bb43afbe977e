//! Every requirement of `spec/` is cited by a vector or by a named test, and nothing else is cited.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use countersign_testkit::{format_rar, runner};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Ids such as `TK-12` in a text.
fn ids(text: &str) -> BTreeSet<String> {
    let is_id = |word: &str| {
        let Some((family, number)) = word.split_once('-') else { return false };
        ["TK", "RQ", "CK", "VF", "RA", "RV", "JR"].contains(&family)
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    };
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| is_id(word)).map(str::to_owned).collect()
}

fn defined() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for file in ["token", "request", "checks", "verify", "rar", "revocation", "jsonrpc"] {
        let text = fs::read_to_string(root().join(format!("spec/{file}.md"))).unwrap();
        for bold in text.split("**").skip(1).step_by(2) {
            for id in ids(bold).into_iter().filter(|id| id == bold) {
                assert!(all.insert(id.clone()), "{id} is defined twice");
            }
        }
    }
    all
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

/// Ids in `// spec: …` comments, by whether a test stands right below.
fn cited_in_code() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut files = Vec::new();
    rust_files(&root().join("crates"), &mut files);
    let (mut by_tests, mut by_code) = (BTreeSet::new(), BTreeSet::new());
    for path in files {
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("// spec: ")) {
            let next =
                lines.iter().skip(index).skip(1).find(|line| !line.starts_with("//")).copied().unwrap_or_default();
            let is_test = next.starts_with("#[test]") || next.starts_with("#[tokio::test");
            if is_test { &mut by_tests } else { &mut by_code }.extend(ids(line));
        }
    }
    (by_tests, by_code)
}

#[test]
fn every_requirement_is_cited_by_a_vector_or_a_named_test() {
    let defined = defined();
    let mut cited: BTreeMap<String, usize> = BTreeMap::new();
    let requests = runner::load(&root().join("test-vectors")).unwrap();
    let details = format_rar::load(&root().join("test-vectors")).unwrap();
    let messages = runner::load_rpc(&root().join("test-vectors")).unwrap();
    let of_requests = requests.into_iter().map(|vector| (vector.id, vector.req));
    let of_details = details.into_iter().map(|vector| (vector.id, vector.req));
    let of_messages = messages.into_iter().map(|vector| (vector.id, vector.req));
    for (vector, req) in of_requests.chain(of_details).chain(of_messages) {
        assert!(!req.is_empty(), "{vector} cites no requirement");
        for id in req {
            assert!(defined.contains(&id), "{vector} cites {id}, which spec/ does not define");
            *cited.entry(id).or_default() += 1;
        }
    }
    for list in runner::load_lists(&root().join("test-vectors")).unwrap() {
        for id in list.req {
            assert!(defined.contains(&id), "{} cites {id}, which spec/ does not define", list.id);
            *cited.entry(id).or_default() += 1;
        }
    }
    let (by_tests, by_code) = cited_in_code();
    for id in by_tests.iter().chain(&by_code) {
        assert!(defined.contains(id), "the code cites {id}, which spec/ does not define");
    }
    by_tests.into_iter().for_each(|id| *cited.entry(id).or_default() += 1);
    let missing: Vec<&String> = defined.iter().filter(|id| !cited.contains_key(*id)).collect();
    println!("{} requirements, {} cited", defined.len(), cited.len());
    assert!(missing.is_empty(), "cited by no vector and no named test: {missing:?}");
}

#[test]
fn every_refused_vector_names_a_valid_twin() {
    let requests = runner::load(&root().join("test-vectors")).unwrap();
    let messages = runner::load_rpc(&root().join("test-vectors")).unwrap();
    let of_requests = requests.iter().map(|vector| (&vector.id, &vector.flags, &vector.expect));
    let of_messages = messages.iter().map(|vector| (&vector.id, &vector.flags, &vector.expect));
    let vectors: Vec<_> = of_requests.chain(of_messages).collect();
    let allowed: BTreeSet<&str> =
        vectors.iter().filter(|(.., expect)| expect.stage.is_none()).map(|(id, ..)| id.as_str()).collect();
    for (id, flags, _) in vectors.iter().filter(|(.., expect)| expect.stage.is_some()) {
        let twins: Vec<&str> = flags.iter().filter_map(|flag| flag.strip_prefix("twin:")).collect();
        assert!(!twins.is_empty(), "{id} names no twin");
        for twin in twins {
            assert!(allowed.contains(twin), "{id}: its twin {twin} is no allowed vector");
        }
    }
}
