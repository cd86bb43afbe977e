//! Runs the vector files: reading them, and holding an answer against what is expected.
//!
//! Each implementation brings a function from a vector to its answer; the middleware, the command and the core all run
//! the same files through this.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::format::{Expect, Outcome, Vector, VectorFile};
use crate::format_rar;
use crate::format_revocation::{ListFile, ListVector};
use crate::format_rpc::{RpcFile, RpcVector};

/// Reads every vector below `dir` but those of authorization details. An empty folder, an unknown member and a repeated id are errors.
pub fn load(dir: &Path) -> Result<Vec<Vector>, String> {
    let mut files = Vec::new();
    collect(dir, &mut files).map_err(|error| format!("{}: {error}", dir.display()))?;
    files.sort();
    let mut vectors: Vec<Vector> = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file: VectorFile = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if file.vectors.is_empty() {
            return Err(format!("{}: no vectors", path.display()));
        }
        vectors.extend(file.vectors);
    }
    let mut ids: Vec<&str> = vectors.iter().map(|vector| vector.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(pair) => Err(format!("{pair:?}: repeated id")),
        None if vectors.is_empty() => Err(format!("{}: no vectors", dir.display())),
        None => Ok(vectors),
    }
}

/// Reads every vector of the folder `jsonrpc` below `dir`, which have a form of their own.
pub fn load_rpc(dir: &Path) -> Result<Vec<RpcVector>, String> {
    let mut files = Vec::new();
    collect(&dir.join("jsonrpc"), &mut files).map_err(|error| format!("{}: {error}", dir.display()))?;
    files.sort();
    let mut vectors: Vec<RpcVector> = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file: RpcFile = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for vector in file.vectors {
            if vectors.iter().any(|known| known.id == vector.id) {
                return Err(format!("{}: repeated id", vector.id));
            }
            vectors.push(vector);
        }
    }
    if vectors.is_empty() { Err(format!("{}: no vectors", dir.display())) } else { Ok(vectors) }
}

/// The folders' vector files; `schema.json` beside them is none, and the folder `jsonrpc` has its own form.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut any = false;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        any = true;
        if path.is_dir() {
            // Details, lists and messages have formats of their own.
            let others = [format_rar::FOLDER, crate::vectors::revocation_lists::FOLDER, "jsonrpc"];
            if !others.iter().any(|other| path.ends_with(other)) {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|end| end == "json") && path.file_name() != Some("schema.json".as_ref())
        {
            files.push(path);
        }
    }
    if any { Ok(()) } else { Err(io::Error::other(format!("{}: empty folder", dir.display()))) }
}

/// Reads every vector of revocation lists below `dir`.
pub fn load_lists(dir: &Path) -> Result<Vec<ListVector>, String> {
    let mut files = Vec::new();
    let folder = dir.join(crate::vectors::revocation_lists::FOLDER);
    for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        files.push(entry.map_err(|error| error.to_string())?.path());
    }
    files.sort();
    let mut vectors = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file: ListFile = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        vectors.extend(file.vectors);
    }
    if vectors.is_empty() { Err(format!("{}: no vectors", folder.display())) } else { Ok(vectors) }
}

/// Holds a decision object of `spec/verify.md` against the expectation; what differs, in words.
pub fn compare(vector: &Vector, decision: &Value) -> Result<(), String> {
    compare_with(&vector.id, &vector.expect, decision)
}

/// Holds a decision against the expectation of a vector of either form.
pub fn compare_with(id: &str, expect: &Expect, decision: &Value) -> Result<(), String> {
    let expected = serde_json::to_value(expect).map_err(|error| error.to_string())?;
    let word = match expect.result {
        Outcome::Allow => "allow",
        Outcome::Deny => "deny",
    };
    let mut differences = Vec::new();
    for (member, value) in expected.as_object().into_iter().flatten() {
        let (member, value) = match member.as_str() {
            "result" => ("decision", Value::from(word)),
            other => (other, value.clone()),
        };
        let found = decision.get(member).unwrap_or(&Value::Null);
        if *found != value {
            differences.push(format!("{member} is {found}, not {value}"));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(format!("{id}: {}", differences.join("; "))) }
}
