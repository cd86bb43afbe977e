//! OAuth Rich Authorization Requests to tokens and back (`spec/rar.md`; RFC 9396, RFC 8707).
//!
//! A client asks for authority with `authorization_details`; the issuer turns them into tokens, of which each has one
//! audience, one purpose and one end. What a token can't say is refused by name, never dropped.
//!
//! ```
//! use countersign::key::SigningKey;
//! use countersign::rar::{AuthorizationDetails, Request, Resource};
//! use countersign::time::UnixTime;
//! use countersign::token::Grant;
//!
//! let details = AuthorizationDetails::parse(br#"[
//!     {"type": "calendar", "locations": ["/calendars/primary"], "actions": ["read", "write"],
//!      "purpose": "scheduling", "max_duration": "PT1H"}
//! ]"#)?;
//! let resource = Resource::parse("https://calendar.example.com")?;
//! let grants = details.grants(&Request::for_resource(resource))?;
//! assert_eq!(grants.len(), 1);
//!
//! // Seeds come from the caller; these are visibly for tests.
//! let (issuer, agent, next) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[3; 32]));
//! let grant = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent.public());
//! let token = grants[0].apply(grant, UnixTime(1_795_453_200)).sign(&issuer, &next)?;
//! assert_eq!(token.claims().audience(), "https://calendar.example.com");
//!
//! // And back: the same rights, purpose, duration and audience.
//! let back = AuthorizationDetails::of(token.claims())?;
//! assert_eq!(back.grants(&Request::default())?, grants);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod duration;
mod error;
mod group;
mod location;
mod read;
mod write;

use std::collections::BTreeSet;

pub use self::duration::MaxDuration;
pub use self::error::{ErrorKind, RarError};
pub use self::group::{Request, Requested};
use self::location::Location;
pub use self::location::Resource;
use crate::json::Value;

/// The longest text of authorization details, in bytes. What any token says fits, and is read back.
pub const MAX_TEXT: usize = 1024 * 1024;

/// The most details of one array: as many as the rights of one token can need.
pub const MAX_DETAILS: usize = MAX_RIGHTS;

/// The most rights of one token (TK-30).
pub const MAX_RIGHTS: usize = 128;

/// The most tokens of one array.
pub const MAX_TOKENS: usize = 64;

/// The longest type, location, action and purpose, in bytes (TK-22).
const MAX_STRING: usize = 1_024;

/// An RFC 9396 array in the profile of `spec/rar.md`. Each of its details is whole; none is of another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationDetails(Vec<Detail>);

/// One of its objects: every action at every location.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Detail {
    r#type: String,
    locations: BTreeSet<Location>,
    actions: BTreeSet<String>,
    purpose: Option<String>,
    max_duration: Option<MaxDuration>,
}

impl AuthorizationDetails {
    /// Reads the JSON text of `authorization_details`, of at most [`MAX_TEXT`] bytes.
    ///
    /// Fails on the first member that is not known, missing or not of its form, and names it. What a location means
    /// shows with the resource: [`AuthorizationDetails::grants`].
    pub fn parse(json: &[u8]) -> Result<Self, RarError> {
        read::parse(json)
    }

    /// The details as a JSON value: members in the order `type`, `locations`, `actions`, `purpose`, `max_duration`;
    /// locations and actions in byte order, each once.
    pub fn to_value(&self) -> Value {
        Value::Array(self.0.iter().map(Detail::to_value).collect())
    }

    /// The details as JSON text in the canonical form of RFC 8785: equal details have equal bytes.
    pub fn to_json(&self) -> String {
        self.to_value().to_jcs()
    }
}

impl serde::Serialize for AuthorizationDetails {
    /// [`AuthorizationDetails::to_value`].
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

/// Whether a type, action or purpose is one that a token says and people can read.
// spec: RA-8
fn is_text(text: &str) -> bool {
    (1..=MAX_STRING).contains(&text.len()) && !text.chars().any(char::is_control)
}
