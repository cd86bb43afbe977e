//! From details to what tokens say (`spec/rar.md`, Tokens).

use std::collections::{BTreeMap, BTreeSet};

use super::duration::MaxDuration;
use super::error::{ErrorKind, RarError};
use super::location::{Location, Resource};
use super::{AuthorizationDetails, MAX_RIGHTS, MAX_TOKENS, write};
use crate::time::UnixTime;
use crate::token::{Grant, Right};

/// What a request says besides its details: the resource, and what holds for details that do not say it themselves.
#[derive(Clone, Debug, Default)]
pub struct Request {
    resource: Option<Resource>,
    purpose: Option<String>,
    max_duration: Option<MaxDuration>,
}

impl Request {
    /// A request for one resource (RFC 8707). [`Request::default`] names none.
    pub fn for_resource(resource: Resource) -> Self {
        Self { resource: Some(resource), ..Self::default() }
    }

    /// The purpose of details without one.
    #[must_use]
    pub fn purpose(mut self, purpose: &str) -> Self {
        self.purpose = Some(purpose.to_owned());
        self
    }

    /// The duration of details without one.
    #[must_use]
    pub fn max_duration(mut self, duration: MaxDuration) -> Self {
        self.max_duration = Some(duration);
        self
    }
}

/// What one token has to say for a request: one audience, one purpose, one duration, and its rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    audience: String,
    purpose: String,
    max_duration: MaxDuration,
    rights: BTreeSet<[String; 3]>,
}

impl Requested {
    /// The service.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Why.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// For how long, from when the token is issued.
    pub const fn max_duration(&self) -> MaxDuration {
        self.max_duration
    }

    /// The rights, 1 to [`MAX_RIGHTS`], by type, location and action in byte order.
    pub fn rights(&self) -> impl Iterator<Item = Right<'_>> {
        self.rights.iter().map(|[r#type, location, action]| Right { r#type, location, action })
    }

    /// Its details: those of a token that says this and nothing else.
    pub fn details(&self) -> Result<AuthorizationDetails, RarError> {
        let rights: Vec<_> = self.rights().collect();
        write::details(&self.audience, &self.purpose, self.max_duration, &rights)
    }

    /// Puts it into a grant: audience, purpose, rights, and times from `issued_at` on.
    ///
    /// Signing the grant fails where the token would be longer than 5 KiB, or end after the year 9999.
    // spec: RA-24
    #[must_use]
    pub fn apply(&self, grant: Grant, issued_at: UnixTime) -> Grant {
        let grant = grant
            .audience(&self.audience)
            .purpose(&self.purpose)
            .valid(issued_at, issued_at.plus(self.max_duration.seconds()));
        self.rights().fold(grant, Grant::right)
    }
}

impl AuthorizationDetails {
    /// The tokens that the details ask for: the fewest that mix no purposes, durations and audiences, in the byte order
    /// of audience and purpose, then by duration. At most [`MAX_TOKENS`].
    // spec: RA-20, RA-23
    pub fn grants(&self, request: &Request) -> Result<Vec<Requested>, RarError> {
        let mut groups: BTreeMap<(&str, &str, MaxDuration), BTreeSet<[String; 3]>> = BTreeMap::new();
        for (index, detail) in self.0.iter().enumerate() {
            let fault = |kind, member| Err(RarError::of(kind).at(member).in_detail(index));
            // spec: RA-12
            let Some(purpose) = detail.purpose.as_deref().or(request.purpose.as_deref()) else {
                return fault(ErrorKind::Missing, "purpose");
            };
            if !super::is_text(purpose) {
                return fault(ErrorKind::Value, "purpose");
            }
            // spec: RA-13
            let Some(duration) = detail.max_duration.or(request.max_duration) else {
                return fault(ErrorKind::Missing, "max_duration");
            };
            for location in &detail.locations {
                let audience = match audience(request.resource.as_ref(), location) {
                    Ok(audience) => audience,
                    Err(kind) => return fault(kind, "locations"),
                };
                let rights = groups.entry((audience, purpose, duration)).or_default();
                for action in &detail.actions {
                    rights.insert([&detail.r#type, location.right(), action].map(str::to_owned));
                    // spec: RA-21
                    if rights.len() > MAX_RIGHTS {
                        return Err(RarError::of(ErrorKind::Rights));
                    }
                }
                // spec: RA-22
                if groups.len() > MAX_TOKENS {
                    return Err(RarError::of(ErrorKind::Tokens));
                }
            }
        }
        let requested = groups.into_iter().map(|((audience, purpose, max_duration), rights)| Requested {
            audience: audience.to_owned(),
            purpose: purpose.to_owned(),
            max_duration,
            rights,
        });
        Ok(requested.collect())
    }
}

/// The service that a location is of.
fn audience<'a>(resource: Option<&'a Resource>, location: &'a Location) -> Result<&'a str, ErrorKind> {
    match resource {
        // spec: RA-18
        Some(resource) if resource.has(location) => Ok(resource.as_str()),
        Some(_) => Err(ErrorKind::Elsewhere),
        // spec: RA-19
        None => location.origin().ok_or(ErrorKind::NoResource),
    }
}
