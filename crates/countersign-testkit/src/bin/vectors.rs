//! Writes the test vectors, or tells whether the written ones are current.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use countersign_testkit::vectors::{FOLDERS, generate};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["generate", folder] => write(Path::new(folder)),
        ["diff", folder] => diff(Path::new(folder)),
        _ => {
            eprintln!("usage: vectors generate DIR | vectors diff DIR");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("vectors: {error}");
        ExitCode::from(2)
    })
}

/// The files that a folder holds where the generator writes, by path below it.
fn present(root: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for folder in FOLDERS {
        let path = root.join(folder);
        if !path.is_dir() {
            continue;
        }
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            // A file that is no text cannot be ours; an empty content reports it as different.
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            files.insert(name, text);
        }
    }
    Ok(files)
}

fn write(root: &Path) -> io::Result<ExitCode> {
    let wanted = generate();
    for (name, text) in &wanted {
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    for name in present(root)?.keys().filter(|name| !wanted.contains_key(*name)) {
        eprintln!("not ours, left alone: {name}");
    }
    Ok(ExitCode::SUCCESS)
}

fn diff(root: &Path) -> io::Result<ExitCode> {
    let wanted = generate();
    let present = present(root)?;
    let mut same = true;
    let mut report = |what: &str, name: &str| {
        same = false;
        eprintln!("{what}: {name}");
    };
    for (name, text) in &wanted {
        match present.get(name) {
            None => report("missing", name),
            Some(found) if found != text => report("differs", name),
            Some(_) => {}
        }
    }
    for name in present.keys().filter(|name| !wanted.contains_key(*name)) {
        report("extra", name);
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
