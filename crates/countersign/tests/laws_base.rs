//! The signature base says what was covered and nothing else: it can be read back, so no two requests share one
//! (RFC 9421 section 2.5, `spec/request.md`).
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use countersign::request::fuzzing::signature_base;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const NAMES: [&str; 3] = ["content-type", "x-a", "x-b"];
const COMPONENTS: [&str; 7] = ["@method", "@authority", "@path", "@query", "content-type", "x-a", "x-b"];

#[derive(Clone, Debug, PartialEq)]
struct Asked {
    method: String,
    authority: String,
    path: String,
    query: Option<String>,
    /// Lines, in their order. Each name is there once at least.
    lines: Vec<(&'static str, String)>,
    covered: Vec<&'static str>,
    parameters: String,
}

impl Asked {
    fn base(&self) -> String {
        let target = match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        };
        let lines: Vec<_> = self.lines.iter().map(|(name, value)| (*name, &**value)).collect();
        let base = signature_base(&self.method, &target, &self.authority, &lines, &self.covered, &self.parameters);
        String::from_utf8(base.unwrap()).unwrap()
    }

    /// What the covered components say. An absent query and an empty one say the same (RFC 9421 section 2.2.7), and so do
    /// two lines and one with a comma, and space around a value (RFC 9110 section 5).
    fn said(&self) -> (Vec<(String, String)>, String) {
        let lines = |name: &str| -> Vec<&str> {
            self.lines.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.trim()).collect()
        };
        let said = self.covered.iter().map(|name| {
            let value = match *name {
                "@method" => self.method.clone(),
                "@authority" => self.authority.clone(),
                "@path" => self.path.clone(),
                "@query" => format!("?{}", self.query.as_deref().unwrap_or_default()),
                name => lines(name).join(", "),
            };
            ((*name).to_owned(), value)
        });
        (said.collect(), self.parameters.clone())
    }
}

/// Reads a base back by its grammar alone.
fn read(base: &str) -> Option<(Vec<(String, String)>, String)> {
    let mut lines: Vec<_> = base.split('\n').collect();
    let parameters = lines.pop()?.strip_prefix("\"@signature-params\": ")?;
    let component = |line: &&str| {
        let (name, value) = line.strip_prefix('"')?.split_once("\": ")?;
        Some((name.to_owned(), value.to_owned()))
    };
    Some((lines.iter().map(component).collect::<Option<_>>()?, parameters.to_owned()))
}

/// Text that looks like pieces of a base.
fn text(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(select(pieces), 0..4).prop_map(|pieces| pieces.concat())
}

fn asked() -> impl Strategy<Value = Asked> {
    let value = || text(&["a", "b", ", ", "\"", ": ", "\"x-a\": a", "\"@path\": /", "?", "@signature-params", ";"]);
    let path = text(&["/", "a", "%22", "%0A", ":", ";", "@", "\"x-a\":", "&"]).prop_map(|path| format!("/{path}"));
    let query = option::of(text(&["a", "=", "?", "/", "%0A", "\":", "&", "@path"]));
    let lines = (NAMES.map(|_| value()), vec((select(&NAMES[..]), value()), 0..3));
    let covered = subsequence(COMPONENTS.to_vec(), 0..=COMPONENTS.len()).prop_shuffle();
    let head = (select(&["GET", "POST", "G"][..]), select(&["a", "a:81", "b"][..]));
    (head, path, query, lines, covered, 0..3_u8).prop_map(|((method, authority), path, query, lines, covered, n)| {
        let (first, more) = lines;
        let list: Vec<_> = covered.iter().map(|name| format!("\"{name}\"")).collect();
        Asked {
            method: method.to_owned(),
            authority: authority.to_owned(),
            path,
            query,
            lines: NAMES.into_iter().zip(first).chain(more).collect(),
            parameters: format!("({});created={n}", list.join(" ")),
            covered,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_base_is_read_back(asked in asked()) {
        prop_assert_eq!(read(&asked.base()).unwrap(), asked.said());
    }

    /// One part changed for that of another request: the bases are equal exactly where all that is covered is.
    #[test]
    fn no_two_requests_share_a_base(one in asked(), other in asked(), part in 0..5_u8) {
        let mut two = one.clone();
        match part {
            0 => two.method = other.method,
            1 => two.authority = other.authority,
            2 => two.path = other.path,
            3 => two.query = other.query,
            _ => two.lines = other.lines,
        }
        prop_assert_eq!(one.base() == two.base(), one.said() == two.said());
    }
}
