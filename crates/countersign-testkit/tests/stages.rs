//! The table of stages in `spec/verify.md` has every requirement, and the codes of each requirement are of its stages.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const FILES: [&str; 7] = ["token", "request", "checks", "verify", "rar", "revocation", "jsonrpc"];

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../spec/{file}.md"))).unwrap()
}

fn id(word: &str) -> Option<(&str, u32)> {
    let (family, number) = word.split_once('-')?;
    let known = ["TK", "RQ", "CK", "VF", "RA", "RV", "JR"].contains(&family);
    number.parse().ok().filter(|_| known).map(|number| (family, number))
}

/// The requirements, each with its text, which is a list item.
fn requirements() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for file in FILES {
        for item in read(file).split("\n- **").skip(1) {
            let (name, rest) = item.split_once("**").unwrap();
            let lines = rest.lines().take_while(|line| line.is_empty() || !line.starts_with(char::is_alphanumeric));
            let text: Vec<&str> = lines.take_while(|line| !line.starts_with(['|', '#', '`'])).collect();
            if id(name).is_some() {
                all.insert(name.to_owned(), text.join(" "));
            }
        }
    }
    assert!(all.len() > 250, "{} requirements", all.len());
    all
}

/// The ids of a cell such as `RQ-1 to RQ-17, TK-2; of messages JR-1`.
fn listed(cell: &str) -> BTreeSet<String> {
    let words: Vec<&str> = cell.split([' ', ',', ';']).filter(|it| !it.is_empty()).collect();
    let mut all = BTreeSet::new();
    let mut rest = words.as_slice();
    while let [word, behind @ ..] = rest {
        rest = behind;
        let Some((family, number)) = id(word) else { continue };
        let to = if let ["to", last, ..] = behind { id(last) } else { None };
        let last = to.map_or(number, |(other, last)| {
            assert_eq!(family, other, "{cell}");
            last
        });
        assert!(number <= last, "{cell}");
        all.extend((number..=last).map(|number| format!("{family}-{number}")));
    }
    all
}

/// The rows of both tables: the stage, or 0, and the ids.
fn rows() -> Vec<(u8, BTreeSet<String>)> {
    let text = read("verify");
    let (_, tables) = text.split_once("| stage | looks at | rules |").unwrap();
    let (tables, _) = tables.split_once("- **VF-1**").unwrap();
    let rows = tables.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|row| (row.split(" | ").next().unwrap().parse().unwrap_or(0), listed(row)));
    rows.filter(|(_, ids)| !ids.is_empty()).collect()
}

#[test]
fn every_requirement_stands_in_a_row() {
    let (requirements, rows) = (requirements(), rows());
    let listed: BTreeSet<&String> = rows.iter().flat_map(|(_, ids)| ids).collect();
    let missing: Vec<&String> = requirements.keys().filter(|id| !listed.contains(id)).collect();
    assert!(missing.is_empty(), "in no row of spec/verify.md: {missing:?}");
    let unknown: Vec<&&String> = listed.iter().filter(|id| !requirements.contains_key(**id)).collect();
    assert!(unknown.is_empty(), "in a row, and defined nowhere: {unknown:?}");
    let stages: BTreeSet<u8> = rows.iter().map(|(stage, _)| *stage).collect();
    assert_eq!(stages, (0..=12).collect());
}

#[test]
fn requirements_that_the_other_files_name_are_defined() {
    let requirements = requirements();
    for file in ["security", "registries", "limits", "errors", "README", "decisions/0014-gaps"] {
        let text = read(file);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        for word in words.filter(|word| id(word).is_some()) {
            assert!(requirements.contains_key(word), "spec/{file}.md names {word}");
        }
    }
}

#[test]
fn the_index_has_every_file() {
    let index = read("README");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || index.contains(&format!("]({name}")), "spec/README.md lacks {name}");
    }
}

/// Codes with their stages in a text: `` `word` (n) ``. Numbers of fields are written so, too; their names have no `_`.
fn codes(text: &str) -> Vec<(String, u8)> {
    let mut found = Vec::new();
    // In turn what stands outside of a pair of backticks, what stands inside, and what follows it.
    let parts: Vec<&str> = text.split('`').collect();
    for parts in parts.windows(3).step_by(2) {
        let (word, behind) = (parts[1], parts[2]);
        let stage = behind.strip_prefix(" (").and_then(|rest| rest.split_once(')')?.0.parse().ok());
        let is_code = word.contains('_') || word == "replayed";
        if let Some(stage) = stage.filter(|stage| is_code && (1..=12).contains(stage)) {
            found.push((word.to_owned(), stage));
        }
    }
    found
}

#[test]
fn codes_of_requirements_are_of_their_stages() {
    let errors = read("errors");
    let registered: BTreeMap<&str, BTreeSet<u8>> = errors
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let code = cells.next()?.trim_end_matches('`');
            Some((code, cells.next()?.split(", ").map(str::parse).collect::<Result<_, _>>().ok()?))
        })
        .collect();
    let (mut count, rows) = (0_u32, rows());
    for (id, text) in requirements() {
        for (code, stage) in codes(&text) {
            let known = registered.get(code.as_str()).is_some_and(|stages| stages.contains(&stage));
            assert!(known, "{id}: spec/errors.md has no {code} at {stage}");
            let listed = rows.iter().any(|(row, ids)| *row == stage && ids.contains(&id));
            assert!(listed, "{id} refuses at stage {stage}, where spec/verify.md does not list it");
            count += 1;
        }
    }
    assert!(count > 100, "{count} codes");
}

#[test]
fn stage_lists_have_the_codes_of_the_registry() {
    let errors = read("errors");
    let (table, lists) = errors.split_once("## Stage lists").unwrap();
    let mut by_table: BTreeMap<u8, BTreeSet<&str>> = BTreeMap::new();
    for line in table.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        for stage in cells[1].split(", ") {
            by_table.entry(stage.parse().unwrap()).or_default().insert(cells[0]);
        }
    }
    let mut by_list: BTreeMap<u8, BTreeSet<&str>> = BTreeMap::new();
    for line in lists.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")) {
        let Some((stage, codes)) = line.split_once(" | ") else { continue };
        if let Ok(stage) = stage.parse() {
            by_list.insert(stage, codes.split(", ").collect());
        }
    }
    assert_eq!(by_table, by_list);
}
