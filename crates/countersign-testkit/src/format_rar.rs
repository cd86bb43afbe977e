//! The JSON format of the vectors under `test-vectors/rar/`: authorization details in, tokens out.
//!
//! Unknown members are errors, as in [`mod@crate::format`].

use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// The folder of these vectors. All others have requests.
pub const FOLDER: &str = "rar";

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// What the file is about.
    pub comment: String,
    /// Its vectors.
    pub vectors: Vec<Vector>,
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// `rar/slug`, unique.
    pub id: String,
    /// The requirements of `spec/` that it tests.
    pub req: Vec<String>,
    /// `twin:ID`.
    pub flags: Vec<String>,
    /// What is asked and why the outcome follows.
    pub comment: String,
    /// What is asked.
    pub input: Input,
    /// The outcome.
    pub expect: Expect,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The text of `authorization_details`.
    pub details: String,
    /// The resource of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The default purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The default duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<String>,
}

/// The outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum Expect {
    /// These tokens, in this order.
    Ok {
        /// What each has to say.
        tokens: Vec<Token>,
    },
    /// No token.
    Refused {
        /// The error of the OAuth answer.
        error: String,
        /// The member at fault, where it is one's.
        member: Option<String>,
    },
}

/// One token, and its details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its audience.
    pub audience: String,
    /// Its purpose.
    pub purpose: String,
    /// Seconds from `issued_at` to the expiry.
    pub duration: u64,
    /// Type, location and action of each right, in order.
    pub rights: Vec<[String; 3]>,
    /// Its details in the canonical form of RFC 8785.
    pub details: String,
}

/// Reads the vectors below `dir/rar`.
pub fn load(dir: &Path) -> Result<Vec<Vector>, String> {
    let folder = dir.join(FOLDER);
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let entries: io::Result<Vec<_>> =
        fs::read_dir(&folder).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut paths = entries.map_err(|error| told(&error))?;
    paths.sort();
    let mut vectors = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|error| told(&error))?;
        let file: VectorFile = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        vectors.extend(file.vectors);
    }
    if vectors.is_empty() { Err(told(&"no vectors")) } else { Ok(vectors) }
}
