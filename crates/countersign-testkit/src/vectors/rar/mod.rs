//! `rar/`: authorization details to tokens and back.

mod knockout;
mod locations;
mod members;
mod tokens;

use serde_json::json;

use crate::format_rar::{Expect, FOLDER, Input, Token, Vector, VectorFile};

/// The resource of most vectors.
const RESOURCE: &str = "https://calendar.example.com";

/// The details of the standard vector.
const STANDARD: &str = r#"[{"type":"calendar","locations":["/calendars/primary"],"actions":["read","write"],"purpose":"scheduling","max_duration":"PT1H"}]"#;

/// All files, by name without `.json`.
#[must_use]
pub fn files() -> Vec<(&'static str, VectorFile)> {
    let file = |comment: &str, cases: Vec<Case>| VectorFile {
        comment: comment.into(),
        vectors: cases.into_iter().map(|case| case.0).collect(),
    };
    vec![
        ("members", file("The array, its members and their values.", members::cases())),
        ("durations", file("Durations.", members::durations())),
        ("locations", file("Locations and the resource.", locations::cases())),
        ("tokens", file("Which tokens come of details, and the details of tokens.", tokens::cases())),
        ("knockout", file("Rules that no other vector shows by themselves.", knockout::cases())),
    ]
}

/// A vector in the making.
struct Case(Vector);

impl Case {
    /// A vector at [`RESOURCE`].
    fn new(slug: &str, comment: &str, details: &str) -> Self {
        Self(Vector {
            id: format!("{FOLDER}/{slug}"),
            req: Vec::new(),
            flags: Vec::new(),
            comment: comment.into(),
            input: Input {
                details: details.into(),
                resource: Some(RESOURCE.into()),
                purpose: None,
                max_duration: None,
            },
            expect: Expect::Ok { tokens: Vec::new() },
        })
    }

    /// The standard vector with one text in place of another, of which it has one.
    fn changed(slug: &str, comment: &str, from: &str, to: &str) -> Self {
        assert_eq!(STANDARD.matches(from).count(), 1, "{slug}: {from}");
        Self::new(slug, comment, &STANDARD.replace(from, to))
    }

    fn req(mut self, id: &str) -> Self {
        self.0.req.push(id.into());
        self
    }

    fn input(mut self, change: impl FnOnce(&mut Input)) -> Self {
        change(&mut self.0.input);
        self
    }

    fn resource(self, resource: Option<&str>) -> Self {
        self.input(|input| input.resource = resource.map(Into::into))
    }

    fn ok(mut self, tokens: impl IntoIterator<Item = Token>) -> Self {
        self.0.expect = Expect::Ok { tokens: tokens.into_iter().collect() };
        self
    }

    /// Refused with `invalid_authorization_details`.
    fn refused(mut self, member: Option<&str>, twin: &str) -> Self {
        let error = "invalid_authorization_details".into();
        self.0.expect = Expect::Refused { error, member: member.map(Into::into) };
        self.0.flags.push(format!("twin:{FOLDER}/{twin}"));
        self
    }

    /// Refused with `invalid_target`.
    fn bad_target(mut self, member: Option<&str>, twin: &str) -> Self {
        self.0.expect = Expect::Refused { error: "invalid_target".into(), member: member.map(Into::into) };
        self.0.flags.push(format!("twin:{FOLDER}/{twin}"));
        self
    }
}

/// Type, locations and actions of one detail of a token: what RA-25 and RA-26 make of its rights.
type Detail<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

/// A token; `iso` is its duration as its details write it.
fn token(
    audience: &str,
    purpose: &str,
    (duration, iso): (u64, &str),
    rights: &[[&str; 3]],
    details: &[Detail<'_>],
) -> Token {
    let details: Vec<_> = details
        .iter()
        .map(|(kind, locations, actions)| {
            // The names come out in their order.
            json!({
                "type": kind, "locations": locations, "actions": actions, "purpose": purpose, "max_duration": iso,
            })
        })
        .collect();
    Token {
        audience: audience.into(),
        purpose: purpose.into(),
        duration,
        rights: rights.iter().map(|right| right.map(str::to_owned)).collect(),
        details: serde_json::to_string(&details).expect("details are JSON"),
    }
}

/// The token of the standard vector.
fn standard() -> Token {
    reading(RESOURCE, "scheduling", (3_600, "PT1H"))
}

/// The rights of the standard vector.
fn reading(audience: &str, purpose: &str, duration: (u64, &str)) -> Token {
    let rights = ["read", "write"].map(|action| ["calendar", "/calendars/primary", action]);
    let location = format!("{audience}/calendars/primary");
    token(audience, purpose, duration, &rights, &[("calendar", &[&location], &["read", "write"])])
}

#[cfg(test)]
mod tests;
