use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::format_rar;

fn all() -> Vec<Vector> {
    files().into_iter().flat_map(|(_, file)| file.vectors).collect()
}

#[test]
fn ids_and_inputs_are_unique() {
    let (mut ids, mut inputs) = (BTreeSet::new(), BTreeSet::new());
    for vector in all() {
        assert!(ids.insert(vector.id.clone()), "{} twice", vector.id);
        let input = serde_json::to_string(&vector.input).unwrap();
        assert!(inputs.insert(input), "{} has the input of another", vector.id);
    }
}

#[test]
fn every_refused_vector_names_a_twin_that_is_not() {
    let all = all();
    let good = |vector: &&Vector| matches!(vector.expect, Expect::Ok { .. });
    let good: BTreeSet<&str> = all.iter().filter(good).map(|vector| vector.id.as_str()).collect();
    for vector in &all {
        let twins: Vec<&str> = vector.flags.iter().filter_map(|flag| flag.strip_prefix("twin:")).collect();
        match &vector.expect {
            Expect::Ok { tokens } => assert!(twins.is_empty() && !tokens.is_empty(), "{}", vector.id),
            Expect::Refused { .. } => {
                assert_eq!(twins.len(), 1, "{}", vector.id);
                assert!(good.contains(twins[0]), "{}: {} is no such vector", vector.id, twins[0]);
            }
        }
    }
}

#[test]
fn cited_requirements_stand_in_the_specification() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/rar.md");
    let text = std::fs::read_to_string(path).unwrap();
    for vector in all() {
        assert!(!vector.req.is_empty(), "{} cites nothing", vector.id);
        for id in &vector.req {
            assert!(text.contains(&format!("**{id}**")), "{} cites {id}", vector.id);
        }
    }
}

#[test]
fn an_unknown_member_is_an_error() {
    let vector = serde_json::to_value(&all()[0]).unwrap();
    let reads = |value: serde_json::Value| serde_json::from_value::<Vector>(value).is_ok();
    assert!(reads(vector.clone()));
    for pointer in ["", "/input", "/expect", "/expect/tokens/0"] {
        let mut other = vector.clone();
        other.pointer_mut(pointer).unwrap()["more"] = json!(1);
        assert!(!reads(other), "{pointer}");
    }
}

#[test]
fn the_files_on_disk_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors");
    assert_eq!(format_rar::load(&root).unwrap().len(), all().len());
}
