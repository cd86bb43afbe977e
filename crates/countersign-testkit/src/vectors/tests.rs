use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::*;
use crate::format::{Outcome, Vector, VectorFile};
use crate::format_revocation::{ListFile, ListResult, ListVector};
use crate::format_rpc::RpcFile;

/// All vectors with their files, made once for all tests: there are thousands of signatures in them.
fn all() -> &'static [(String, Vector)] {
    static ALL: OnceLock<Vec<(String, Vector)>> = OnceLock::new();
    ALL.get_or_init(|| {
        files()
            .iter()
            .flat_map(|file| {
                let name = format!("{}/{}", file.folder, file.name);
                file.content().vectors.into_iter().map(move |vector| (name.clone(), vector))
            })
            .collect()
    })
}

#[test]
fn generates_the_same_files_twice() {
    assert!(generate() == generate());
}

#[test]
fn reads_back_what_it_writes() {
    for (name, text) in generate().into_iter().filter(|(name, _)| !name.starts_with("rar/")) {
        if name.starts_with("jsonrpc/") {
            let file: RpcFile = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!file.vectors.is_empty(), "{name} is empty");
            continue;
        }
        if name.starts_with(revocation_lists::FOLDER) {
            let file: ListFile = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!file.vectors.is_empty(), "{name} is empty");
            continue;
        }
        let file: VectorFile = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!file.vectors.is_empty(), "{name} is empty");
    }
}

#[test]
fn ids_are_unique() {
    let mut seen = BTreeMap::new();
    for (file, vector) in all() {
        if let Some(other) = seen.insert(vector.id.clone(), file.clone()) {
            panic!("{} stands in {other} and in {file}", vector.id);
        }
    }
}

#[test]
fn every_refused_vector_names_an_allowed_twin() {
    let all = all();
    let allowed: BTreeSet<&str> =
        all.iter().filter(|(_, v)| v.expect.result == Outcome::Allow).map(|(_, v)| v.id.as_str()).collect();
    for (_, vector) in all {
        let twins: Vec<&str> = vector.flags.iter().filter_map(|flag| flag.strip_prefix("twin:")).collect();
        if vector.expect.result == Outcome::Deny {
            assert_eq!(twins.len(), 1, "{} has one twin", vector.id);
            assert!(allowed.contains(twins[0]), "{}: {} is no allowed vector", vector.id, twins[0]);
        } else {
            assert!(twins.is_empty(), "{} is allowed and names a twin", vector.id);
        }
    }
}

#[test]
fn every_vector_cites_a_requirement() {
    for (_, vector) in all() {
        assert!(!vector.req.is_empty(), "{} cites nothing", vector.id);
    }
}

#[test]
fn cited_requirements_stand_in_the_specification() {
    let spec = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec");
    let text: String = ["token.md", "request.md", "checks.md", "verify.md", "jsonrpc.md"]
        .iter()
        .map(|name| std::fs::read_to_string(spec.join(name)).unwrap())
        .collect();
    for (_, vector) in all() {
        for id in &vector.req {
            assert!(text.contains(&format!("**{id}**")), "{} cites {id}", vector.id);
        }
    }
}

#[test]
fn no_two_vectors_are_the_same() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (_, vector) in all() {
        let input = serde_json::to_string(&vector.input).unwrap();
        if let Some(other) = seen.insert(input, vector.id.clone()) {
            panic!("{} and {other} have one input", vector.id);
        }
    }
}

#[test]
fn the_files_on_disk_are_current() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors");
    for (name, text) in generate() {
        let found = std::fs::read_to_string(root.join(&name)).unwrap_or_default();
        assert!(found == text, "{name} differs: run `vectors generate test-vectors`");
    }
}

fn lists() -> Vec<ListVector> {
    revocation_lists::files().into_iter().flat_map(|(_, file)| file.vectors).collect()
}

#[test]
fn list_vectors_are_unique_and_refused_ones_name_an_accepted_twin() {
    let lists = lists();
    let ids: BTreeSet<&str> = lists.iter().map(|list| list.id.as_str()).collect();
    assert_eq!(ids.len(), lists.len());
    let inputs: BTreeSet<String> = lists.iter().map(|list| serde_json::to_string(&list.input).unwrap()).collect();
    assert_eq!(inputs.len(), lists.len());
    let accepted: BTreeSet<&str> =
        lists.iter().filter(|list| list.expect.result == ListResult::Accept).map(|list| list.id.as_str()).collect();
    for list in &lists {
        let twins: Vec<&str> = list.flags.iter().filter_map(|flag| flag.strip_prefix("twin:")).collect();
        let refused = list.expect.result == ListResult::Refuse;
        assert_eq!((twins.len(), list.expect.error.is_some()), (usize::from(refused), refused), "{}", list.id);
        assert!(twins.iter().all(|twin| accepted.contains(twin)), "{}: {twins:?}", list.id);
        assert!(!list.req.is_empty(), "{} cites nothing", list.id);
    }
}

#[test]
fn vectors_of_messages_obey_the_same_rules() {
    let all: Vec<_> = rpc_files().iter().flat_map(|file| file.content().vectors).collect();
    let allowed: BTreeSet<&str> =
        all.iter().filter(|v| v.expect.result == Outcome::Allow).map(|v| v.id.as_str()).collect();
    let spec = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec");
    let text: String = ["jsonrpc.md", "request.md", "verify.md", "checks.md"]
        .iter()
        .map(|name| std::fs::read_to_string(spec.join(name)).unwrap())
        .collect();
    let (mut ids, mut inputs) = (BTreeSet::new(), BTreeMap::new());
    for vector in &all {
        assert!(ids.insert(&vector.id), "{} stands twice", vector.id);
        if let Some(other) = inputs.insert(serde_json::to_string(&vector.input).unwrap(), &vector.id) {
            panic!("{} and {other} have one input", vector.id);
        }
        assert!(!vector.req.is_empty(), "{} cites nothing", vector.id);
        for id in &vector.req {
            assert!(text.contains(&format!("**{id}**")), "{} cites {id}", vector.id);
        }
        let twins: Vec<&str> = vector.flags.iter().filter_map(|flag| flag.strip_prefix("twin:")).collect();
        match vector.expect.result {
            Outcome::Deny => {
                assert!(matches!(&twins[..], [twin] if allowed.contains(twin)), "{}: {twins:?}", vector.id)
            }
            Outcome::Allow => assert!(twins.is_empty(), "{} is allowed and names a twin", vector.id),
        }
    }
}
