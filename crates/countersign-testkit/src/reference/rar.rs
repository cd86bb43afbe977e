//! Authorization details to tokens (`spec/rar.md`).

use std::collections::{BTreeMap, BTreeSet};

use super::json::{self, Json};
use super::{Faults, rar_grammar as grammar, rar_output as output, resource};
use crate::format_rar::{Expect, Input, Token, Vector};

const DETAILS: &str = "invalid_authorization_details";
const TARGET: &str = "invalid_target";
const MEMBERS: [&str; 5] = ["type", "locations", "actions", "purpose", "max_duration"];

/// Refusals, each with the member at fault.
#[derive(Debug, Default)]
struct Refusals {
    faults: Faults,
    members: Vec<Option<String>>,
}

impl Refusals {
    // spec: RA-29
    fn refuse(&mut self, error: &'static str, rule: &'static str, member: Option<&str>) {
        let before = self.faults.0.len();
        self.faults.refuse(0, error, rule);
        if self.faults.0.len() > before {
            self.members.push(member.map(str::to_owned));
        }
    }

    fn need(&mut self, holds: bool, rule: &'static str, member: &str) {
        if !holds {
            self.refuse(DETAILS, rule, Some(member));
        }
    }
}

/// A detail; what was refused is absent.
#[derive(Debug)]
struct Detail {
    kind: Option<String>,
    locations: Vec<String>,
    actions: Vec<String>,
    purpose: Option<String>,
    duration: Option<u64>,
}

/// Audience, purpose and duration of a token.
type Triple = (String, String, u64);

/// Reads the details of a vector: what they break, and what comes of them.
#[must_use]
pub fn read(vector: &Vector) -> (Faults, Expect) {
    let mut refusals = Refusals::default();
    let tokens = tokens(&vector.input, &mut refusals);
    let expect = match refusals.faults.first() {
        None => Expect::Ok { tokens },
        Some(fault) => Expect::Refused { error: fault.code.to_owned(), member: refusals.members[0].clone() },
    };
    (refusals.faults, expect)
}

fn tokens(input: &Input, refusals: &mut Refusals) -> Vec<Token> {
    let resource = input.resource.as_deref();
    // spec: RA-17
    if resource.is_some_and(|resource| !grammar::is_resource(resource)) {
        refusals.refuse(TARGET, "RA-17", None);
        return Vec::new();
    }
    // spec: RA-8
    refusals.need(input.purpose.as_deref().is_none_or(grammar::is_text), "RA-8", "purpose");
    // spec: RA-13
    let duration = match input.max_duration.as_deref().map(grammar::duration) {
        Some(Err(rule)) => {
            refusals.refuse(DETAILS, rule, Some("max_duration"));
            None
        }
        Some(Ok(seconds)) => Some(seconds),
        None => None,
    };
    // spec: RA-2
    if input.details.len() > 1_048_576 {
        refusals.refuse(DETAILS, "RA-2", None);
        return Vec::new();
    }
    // spec: RA-1
    let Ok(value) = json::read(input.details.as_bytes()) else {
        refusals.refuse(DETAILS, "RA-1", None);
        return Vec::new();
    };
    // spec: RA-3
    let objects = value.elements().filter(|all| (1..=128).contains(&all.len()));
    let Some(objects) = objects.filter(|all| all.iter().all(|one| one.members().is_some())) else {
        refusals.refuse(DETAILS, "RA-3", None);
        return Vec::new();
    };
    let mut triples: BTreeMap<Triple, BTreeSet<[String; 3]>> = BTreeMap::new();
    for object in objects {
        let by_default = (duration, input.max_duration.is_some());
        let detail = detail(object, input.purpose.as_deref(), by_default, refusals);
        let (Some(kind), Some(purpose), Some(duration)) = (&detail.kind, &detail.purpose, detail.duration) else {
            continue;
        };
        for location in &detail.locations {
            let Some((audience, location)) = place(location, resource, refusals) else { continue };
            let rights = triples.entry((audience, purpose.clone(), duration)).or_default();
            rights.extend(detail.actions.iter().map(|action| [kind.clone(), location.clone(), action.clone()]));
        }
    }
    // spec: RA-21
    if triples.values().any(|rights| rights.len() > 128) {
        refusals.refuse(DETAILS, "RA-21", None);
    }
    // spec: RA-22
    if triples.len() > 64 {
        refusals.refuse(DETAILS, "RA-22", None);
    }
    // spec: RA-20, RA-23 (the maps and sets are in the order of their bytes)
    let token = |((audience, purpose, duration), rights): (Triple, BTreeSet<[String; 3]>)| {
        let rights: Vec<[String; 3]> = rights.into_iter().collect();
        let details = output::details(&audience, &purpose, duration, &rights);
        Token { audience, purpose, duration, rights, details }
    };
    triples.into_iter().map(token).collect()
}

/// Reads a detail by the table of its members.
///
/// A default duration that is there and was refused is no second fault where it is missed.
fn detail(
    object: &Json,
    purpose: Option<&str>,
    (duration, given): (Option<u64>, bool),
    refusals: &mut Refusals,
) -> Detail {
    // spec: RA-4
    for (name, _) in object.members().unwrap_or_default() {
        refusals.need(MEMBERS.contains(&name.as_str()), "RA-4", name);
    }
    // spec: RA-5
    let kind = object.get("type").and_then(Json::text);
    refusals.need(kind.is_some(), "RA-5", "type");
    let own_purpose = object.get("purpose");
    refusals.need(own_purpose.is_none_or(|purpose| purpose.text().is_some()), "RA-5", "purpose");
    // spec: RA-6, RA-7, RA-9
    let mut strings = |name: &str, rule: &'static str| {
        let elements = object.get(name).and_then(Json::elements).filter(|elements| !elements.is_empty());
        let texts: Option<BTreeSet<String>> =
            elements.and_then(|elements| elements.iter().map(|it| it.text().map(str::to_owned)).collect());
        refusals.need(texts.is_some(), rule, name);
        texts.unwrap_or_default().into_iter().collect::<Vec<String>>()
    };
    let actions = strings("actions", "RA-6");
    let locations = strings("locations", "RA-7");
    // spec: RA-8
    refusals.need(kind.is_none_or(grammar::is_text), "RA-8", "type");
    refusals.need(actions.iter().all(|action| grammar::is_text(action)), "RA-8", "actions");
    let text = own_purpose.and_then(Json::text);
    refusals.need(text.is_none_or(grammar::is_text), "RA-8", "purpose");
    // spec: RA-12
    refusals.need(own_purpose.is_some() || purpose.is_some(), "RA-12", "purpose");
    // spec: RA-10, RA-13
    let duration = match object.get("max_duration") {
        None => {
            refusals.need(given, "RA-13", "max_duration");
            duration
        }
        Some(value) => match value.text().ok_or("RA-10").and_then(grammar::duration) {
            Ok(seconds) => Some(seconds),
            Err(rule) => {
                refusals.refuse(DETAILS, rule, Some("max_duration"));
                None
            }
        },
    };
    let purpose = if own_purpose.is_some() { text } else { purpose };
    Detail { kind: kind.map(str::to_owned), locations, actions, purpose: purpose.map(str::to_owned), duration }
}

/// Audience and location of the right.
fn place(location: &str, resource: Option<&str>, refusals: &mut Refusals) -> Option<(String, String)> {
    let url = location.starts_with("https://") || location.starts_with("http://");
    let (origin, path) = if url {
        // spec: RA-14
        match grammar::origin(location) {
            Some((origin, path)) if !path.is_empty() => (Some(origin), path),
            _ => {
                refusals.refuse(DETAILS, "RA-14", Some("locations"));
                return None;
            }
        }
    } else {
        (None, location)
    };
    // spec: RA-15
    if !grammar::is_location(path) {
        refusals.refuse(DETAILS, "RA-15", Some("locations"));
        return None;
    }
    // spec: RA-16
    refusals.need(path.len() <= 1_024, "RA-16", "locations");
    match (resource, origin) {
        // spec: RA-18
        (Some(resource), origin) => {
            if let Some(origin) = origin {
                let (own, beneath) = grammar::origin(resource)?;
                let beneath = if beneath.is_empty() { "/" } else { beneath };
                let covered = own == origin && resource::covers(beneath.as_bytes(), path.as_bytes());
                refusals.need(covered, "RA-18", "locations");
            }
            Some((resource.to_owned(), path.to_owned()))
        }
        // spec: RA-19
        (None, Some(origin)) => Some((origin.to_owned(), path.to_owned())),
        (None, None) => {
            refusals.refuse(TARGET, "RA-19", Some("locations"));
            None
        }
    }
}
