//! From tokens, and from refused operations, to details (`spec/rar.md`, From a token, What would have been enough).

use std::collections::{BTreeMap, BTreeSet};

use super::duration::MaxDuration;
use super::error::{ErrorKind, RarError};
use super::location::{Location, as_origin};
use super::{AuthorizationDetails, Detail, is_text};
use crate::json::Value;
use crate::token::{Claims, Right};
use crate::verify::Operation;

impl AuthorizationDetails {
    /// The details that ask for a token's rights, purpose and duration: one for each type and set of actions, with the
    /// locations that share them.
    ///
    /// They say what the authority block grants and when the token ends, and nothing of its other checks, budgets,
    /// approvals and holders. Locations are URLs where the audience is an origin and each location is a path: then they
    /// say the audience too. Otherwise they stand as in the token, and are read back with the audience as resource.
    ///
    /// Fails where the token says what no details could: a right whose location is no resource, a lifetime that is none.
    // spec: RA-25
    pub fn of(claims: Claims<'_>) -> Result<Self, RarError> {
        let lifetime = claims.expires().0.checked_sub(claims.issued_at().0);
        let max_duration = lifetime.and_then(MaxDuration::from_seconds);
        // spec: RA-27
        let max_duration = max_duration.ok_or(RarError::of(ErrorKind::Duration).at("max_duration"))?;
        let rights: Vec<Right<'_>> = claims.rights().collect();
        details(claims.audience(), claims.purpose(), max_duration, &rights)
    }

    /// The details that would have been enough for one operation at one service: its type, its resource, its action, and
    /// nothing more. Purpose and duration are for the one who asks to say.
    ///
    /// A denial tells both in [`crate::Denial::refused`]. Fails for an operation that no right could allow.
    // spec: RA-28
    pub fn sufficient(operation: &Operation, service: &str) -> Result<Self, RarError> {
        let right = Right { r#type: operation.r#type(), location: operation.resource(), action: operation.action() };
        of_rights(service, &[right]).map(Self)
    }
}

pub(super) fn details(
    audience: &str,
    purpose: &str,
    max_duration: MaxDuration,
    rights: &[Right<'_>],
) -> Result<AuthorizationDetails, RarError> {
    // spec: RA-27
    if !is_text(purpose) {
        return Err(RarError::of(ErrorKind::Value).at("purpose"));
    }
    let mut details = of_rights(audience, rights)?;
    for detail in &mut details {
        (detail.purpose, detail.max_duration) = (Some(purpose.to_owned()), Some(max_duration));
    }
    Ok(AuthorizationDetails(details))
}

/// One detail for each type and set of actions, in byte order.
fn of_rights(audience: &str, rights: &[Right<'_>]) -> Result<Vec<Detail>, RarError> {
    // spec: RA-26
    let origin = as_origin(audience).filter(|_| rights.iter().all(|right| right.location.starts_with('/')));
    let mut actions: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for right in rights {
        for (text, member) in [(right.r#type, "type"), (right.action, "actions")] {
            if !is_text(text) {
                return Err(RarError::of(ErrorKind::Value).at(member));
            }
        }
        actions.entry((right.r#type, right.location)).or_default().insert(right.action);
    }
    let mut shared: BTreeMap<(&str, BTreeSet<&str>), BTreeSet<Location>> = BTreeMap::new();
    for ((r#type, location), actions) in actions {
        let location = Location::of_right(location, origin).ok_or(RarError::of(ErrorKind::Location).at("locations"))?;
        shared.entry((r#type, actions)).or_default().insert(location);
    }
    let details = shared.into_iter().map(|((r#type, actions), locations)| Detail {
        r#type: r#type.to_owned(),
        locations,
        actions: actions.into_iter().map(str::to_owned).collect(),
        purpose: None,
        max_duration: None,
    });
    Ok(details.collect())
}

impl Detail {
    pub(super) fn to_value(&self) -> Value {
        let list = |texts: &mut dyn Iterator<Item = &str>| Value::Array(texts.map(Value::from).collect());
        let mut members = vec![
            ("type", Value::from(self.r#type.as_str())),
            ("locations", list(&mut self.locations.iter().map(Location::text))),
            ("actions", list(&mut self.actions.iter().map(String::as_str))),
        ];
        members.extend(self.purpose.as_deref().map(|purpose| ("purpose", purpose.into())));
        members.extend(self.max_duration.map(|duration| ("max_duration", duration.to_string().as_str().into())));
        Value::object(members)
    }
}
