//! The details of a token (`spec/rar.md`, From a token).

use std::collections::{BTreeMap, BTreeSet};

use super::json::{self, Json};
use super::rar_grammar as grammar;

/// The details as canonical JSON.
// spec: RA-25, RA-26
pub(super) fn details(audience: &str, purpose: &str, duration: u64, rights: &[[String; 3]]) -> String {
    // The set of actions of each type and location, then the locations of each type and set of actions.
    let mut actions: BTreeMap<(&String, &String), BTreeSet<&String>> = BTreeMap::new();
    for [kind, location, action] in rights {
        actions.entry((kind, location)).or_default().insert(action);
    }
    let mut groups: BTreeMap<(&String, Vec<&String>), BTreeSet<&String>> = BTreeMap::new();
    for ((kind, location), actions) in actions {
        groups.entry((kind, actions.into_iter().collect())).or_default().insert(location);
    }
    let is_origin = grammar::origin(audience).is_some_and(|(_, path)| path.is_empty());
    let urls = is_origin && rights.iter().all(|[_, location, _]| location.starts_with('/'));
    let text = |text: &str| Json::Text(text.to_owned());
    let detail = |((kind, actions), locations): ((&String, Vec<&String>), BTreeSet<&String>)| {
        let place = |location: &String| if urls { format!("{audience}{location}") } else { location.clone() };
        let members = [
            ("actions", Json::Array(actions.into_iter().map(|action| text(action)).collect())),
            ("locations", Json::Array(locations.into_iter().map(|location| text(&place(location))).collect())),
            ("max_duration", text(&grammar::write_duration(duration))),
            ("purpose", text(purpose)),
            ("type", text(kind)),
        ];
        Json::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
    };
    json::jcs(&Json::Array(groups.into_iter().map(detail).collect()))
}
