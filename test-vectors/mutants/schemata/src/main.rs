//! Reads the list of cargo-mutants and writes sources in which every mutant stands behind `crate::knocked(N)`.
//!
//! `countersign-schemata MUTANTS.json SOURCES PLAN.json OUT`: MUTANTS.json is what `cargo mutants --list --json` prints,
//! SOURCES the folder that its file names start from. A mutant's number is its place in the list, from 1. PLAN.json says
//! which numbers are left out and which functions stay `const`. The rewritten files and `map.json` go into OUT.

mod place;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use serde::{Deserialize, Serialize};

/// A mutant, as far as it matters here.
#[derive(Deserialize)]
struct Mutant {
    file: String,
    genre: String,
    replacement: String,
    span: Span,
}

#[derive(Clone, Copy, Deserialize)]
struct Span {
    start: Position,
    end: Position,
}

/// Both count from 1, columns in characters.
#[derive(Clone, Copy, Deserialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Deserialize)]
struct Plan {
    /// Mutants that are left out: they do not compile, or have no place.
    without: BTreeSet<u32>,
    /// Names of functions that are called where a constant is computed.
    consts: BTreeSet<String>,
}

/// What stands where in a rewritten file, in bytes.
#[derive(Default, Serialize)]
struct FileMap {
    mutants: Vec<text::Place>,
    functions: Vec<text::Function>,
}

#[derive(Default, Serialize)]
struct Map {
    files: BTreeMap<String, FileMap>,
    /// These cannot compile in the hands of cargo-mutants either.
    unviable: BTreeMap<u32, String>,
    not_placed: BTreeMap<u32, String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mutants, sources, plan, out] = arguments.as_slice() else {
        return Err("usage: countersign-schemata MUTANTS.json SOURCES PLAN.json OUT".into());
    };
    let mutants: Vec<Mutant> = serde_json::from_str(&fs::read_to_string(mutants)?)?;
    let plan: Plan = serde_json::from_str(&fs::read_to_string(plan)?)?;
    let mut files: BTreeMap<&str, Vec<(u32, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in (1..).zip(&mutants) {
        let of_file = files.entry(&mutant.file).or_default();
        if !plan.without.contains(&number) {
            of_file.push((number, mutant));
        }
    }
    let mut map = Map::default();
    for (file, of_file) in files {
        let source = fs::read_to_string(Path::new(sources).join(file))?;
        let found = place::place(&source, &of_file, &plan.consts).map_err(|error| format!("{file}: {error}"))?;
        let (rewritten, places, functions) = text::render(&found.source, found.inserts, found.functions);
        let path = Path::new(out).join(file);
        fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
        fs::write(path, rewritten)?;
        map.files.insert(file.to_owned(), FileMap { mutants: places, functions });
        map.unviable.extend(found.unviable);
        map.not_placed.extend(found.not_placed);
    }
    fs::write(Path::new(out).join("map.json"), serde_json::to_string(&map)?)?;
    Ok(())
}
