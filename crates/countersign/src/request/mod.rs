//! The signed request: a strict profile of RFC 9421 and RFC 9530 (`spec/request.md`).
//!
//! [`Parts`] is what a verifier reads; [`SignRequest`] is how an agent signs. The verifying stages themselves are in
//! [`crate::verify`].

mod authority;
mod base;
mod coverage;
mod digest;
pub(crate) mod fields;
mod framing;
#[doc(hidden)]
pub mod fuzzing;
mod http1;
mod look;
mod media;
mod parts;
mod sign;

pub use self::authority::Scheme;
pub(crate) use self::authority::normalise;
pub(crate) use self::coverage::select;
pub(crate) use self::digest::Expected;
pub use self::digest::{BodyDigest, BodyHasher, DigestAlgorithm, content_digest};
pub(crate) use self::framing::{Names, frame};
pub use self::http1::{Message, NotAMessage};
pub use self::look::{SignatureClaims, digest_algorithms, signature_claims};
pub(crate) use self::media::{Media, is_plain_json};
pub use self::parts::{BodyLength, Field, Parts};
pub use self::sign::{SignError, SignRequest, SignedFields, TokenField, UnsignedRequest};

/// The tag of signatures outside sessions.
pub const REQUEST_TAG: &str = "countersign-request-v1";
/// The tag of MACs inside sessions.
pub const SESSION_TAG: &str = "countersign-session-v1";

/// The limits of stage 1 (`spec/request.md`, Sizes).
pub(crate) mod limit {
    pub(crate) const METHOD: usize = 32;
    pub(crate) const TARGET: usize = 8192;
    pub(crate) const HEAD: usize = 32_768;
    pub(crate) const FIELDS: usize = 128;
    pub(crate) const SIGNATURE: usize = 4096;
    pub(crate) const CONTENT_DIGEST: usize = 1024;
}

/// The transport set: fields that servers and intermediaries need or add, and that carry no instruction of the agent.
// spec: RQ-39
const TRANSPORT_FIELDS: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "baggage",
    "cache-control",
    "cdn-loop",
    "connection",
    "content-digest",
    "content-length",
    "content-type",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "max-forwards",
    "pragma",
    "priority",
    "proxy-connection",
    "signature",
    "signature-input",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "x-request-id",
];

/// Whether a field passes to the application although no signature covers it.
pub fn is_transport_field(name: &str) -> bool {
    TRANSPORT_FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Fields that must be covered whenever they are present, besides every `mcp-…`.
const PROTECTED_FIELDS: &[&str] = &[
    "content-digest",
    "content-encoding",
    "authorization",
    "countersign-token",
    "countersign-approval",
    "idempotency-key",
];

/// Whether a field must be covered whenever it is present.
pub fn is_protected_field(name: &str) -> bool {
    PROTECTED_FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name))
        || name.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("mcp-"))
}
