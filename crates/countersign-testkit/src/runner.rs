//! Runs the vector files: reading them, one trait for whatever decides them, and holding an answer against what is
//! expected.
//!
//! The core, the reference verifier, the middleware and the command are each an [`Implementation`]; all run the same
//! files through [`run`]. What one of them has no answer to is counted by its form and printed, never passed over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::format::{Expect, Outcome, Vector, VectorFile};
use crate::format_rar;
use crate::format_revocation::{ListExpect, ListFile, ListVector};
use crate::format_rpc::{RpcFile, RpcVector};

/// What an implementation makes of a vector.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The decision about a request or a message, an object of `spec/verify.md`.
    Decision(Value),
    /// What comes of authorization details.
    Details(format_rar::Expect),
    /// What becomes of a revocation list, and the view after it.
    List(Box<ListExpect>),
    /// Nothing: the vector did not get to where it is decided, for this reason.
    NotReached(String),
    /// Nothing: the implementation has no vectors of this form.
    NotApplicable,
    /// Something else went wrong, such as a request before the vector's own.
    Failed(String),
}

/// What decides vectors. Each form has a method; what an implementation lacks it leaves out.
pub trait Implementation {
    /// Its name in what is printed.
    fn name(&self) -> &str;

    /// Decides the request of a vector, after those before it.
    fn decide(&self, _vector: &Vector) -> Answer {
        Answer::NotApplicable
    }

    /// Decides the message of a vector, after those before it.
    fn decide_message(&self, _vector: &RpcVector) -> Answer {
        Answer::NotApplicable
    }

    /// Reads the authorization details of a vector.
    fn read_details(&self, _vector: &format_rar::Vector) -> Answer {
        Answer::NotApplicable
    }

    /// Takes the list of a vector, after those before it.
    fn take_list(&self, _vector: &ListVector) -> Answer {
        Answer::NotApplicable
    }
}

/// How the vectors went.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// How many were answered as expected.
    pub passed: usize,
    /// Which did not get to where they are decided, and why; first those that are to be refused.
    pub not_reached: [Vec<(String, String)>; 2],
    /// How many there are of a form that the implementation does not have.
    pub not_applicable: BTreeMap<&'static str, usize>,
    /// What went wrong.
    pub failures: Vec<String>,
}

impl Ran {
    fn add(&mut self, form: &'static str, id: &str, refused: bool, held: Result<(), Answer>) {
        match held {
            Ok(()) => self.passed += 1,
            Err(Answer::NotApplicable) => *self.not_applicable.entry(form).or_default() += 1,
            Err(Answer::NotReached(why)) => self.not_reached[usize::from(!refused)].push((id.to_owned(), why)),
            Err(Answer::Failed(what)) => self.failures.push(what),
            Err(other) => self.failures.push(format!("{id}: an answer of another form: {other:?}")),
        }
    }

    /// Nothing went wrong.
    ///
    /// # Panics
    ///
    /// When something did.
    pub fn none_failed(&self) {
        assert!(self.failures.is_empty(), "{} failed:\n{}", self.failures.len(), self.failures.join("\n"));
        assert!(self.passed > 0, "no vector was decided");
    }

    /// Nothing went wrong, and nothing was held up on its way.
    ///
    /// # Panics
    ///
    /// When something was.
    pub fn all_pass(&self) {
        self.none_failed();
        assert!(self.not_reached.iter().all(Vec::is_empty), "{:?}", self.not_reached);
    }
}

/// The files of this repository.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors")
}

/// Runs all vectors of [`folder`] through an implementation and prints how many there were.
///
/// # Panics
///
/// When the files can't be read.
#[must_use]
pub fn run(implementation: &impl Implementation) -> Ran {
    let (dir, mut ran) = (folder(), Ran::default());
    for vector in load(&dir).expect("vectors of requests") {
        let held = match implementation.decide(&vector) {
            Answer::Decision(decision) => compare(&vector, &decision).map_err(Answer::Failed),
            other => Err(other),
        };
        ran.add("requests", &vector.id, vector.expect.result == Outcome::Deny, named(&vector.id, held));
    }
    for vector in load_rpc(&dir).expect("vectors of messages") {
        let held = match implementation.decide_message(&vector) {
            Answer::Decision(decision) => compare_with(&vector.id, &vector.expect, &decision).map_err(Answer::Failed),
            other => Err(other),
        };
        ran.add("messages", &vector.id, vector.expect.result == Outcome::Deny, named(&vector.id, held));
    }
    for vector in format_rar::load(&dir).expect("vectors of authorization details") {
        let held = match implementation.read_details(&vector) {
            Answer::Details(found) if found == vector.expect => Ok(()),
            Answer::Details(found) => Err(Answer::Failed(format!("{found:?}"))),
            other => Err(other),
        };
        let refused = matches!(vector.expect, format_rar::Expect::Refused { .. });
        ran.add("authorization details", &vector.id, refused, named(&vector.id, held));
    }
    for vector in load_lists(&dir).expect("vectors of lists") {
        let held = match implementation.take_list(&vector) {
            Answer::List(found) if same_list(&found, &vector.expect) => Ok(()),
            Answer::List(found) => Err(Answer::Failed(format!("{found:?}"))),
            other => Err(other),
        };
        ran.add("revocation lists", &vector.id, vector.expect.error.is_some(), named(&vector.id, held));
    }
    println!("{} vectors: {}", ran.passed, implementation.name());
    for (form, count) in &ran.not_applicable {
        println!("not applicable: {count} vectors of {form}: {}", implementation.name());
    }
    ran
}

/// A failure says of what.
fn named(id: &str, held: Result<(), Answer>) -> Result<(), Answer> {
    held.map_err(|answer| match answer {
        Answer::Failed(what) if !what.starts_with(id) => Answer::Failed(format!("{id}: {what}")),
        other => other,
    })
}

/// What a view without a list revokes is not compared.
fn same_list(found: &ListExpect, expected: &ListExpect) -> bool {
    let mut found = found.clone();
    if expected.number.is_none() {
        found.revoked = expected.revoked.clone();
    }
    found == *expected
}

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
            // Details, lists and messages have formats of their own; the verifiers by others are none.
            let others = [format_rar::FOLDER, crate::vectors::revocation_lists::FOLDER, "jsonrpc"];
            let tools = ["checkers", "knockout", "mutants"];
            if !others.iter().chain(&tools).any(|other| path.ends_with(other)) {
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
    let mut members = expected.as_object().cloned().unwrap_or_default();
    // What acts on nothing is allowed without a right (JR-23).
    if expect.result == Outcome::Allow {
        members.entry("right").or_insert(Value::Null);
    }
    let mut differences = Vec::new();
    for (member, value) in &members {
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
