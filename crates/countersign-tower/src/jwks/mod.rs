//! Keys of issuers as JWK Sets (`spec/token.md`, Keys; `spec/verify.md`, Configuration).
//!
//! [`JwkSet`] reads and writes the document. With the feature `jwks`, [`JwksSource`] fetches it from a URL that the operator
//! configured and keeps the keys of a verifier up to date:
//!
//! | | |
//! | --- | --- |
//! | transport | HTTPS with the system's or given authorities; no redirects, no proxies; at most 64 KiB of JSON |
//! | addresses | public ones alone: the name is resolved, each address looked at, and the connection made to one of them |
//! | a token by a key that is not in the set | one fetch, and one more look at the token; at most one fetch in 30 seconds |
//! | `max-age` | honoured between 5 minutes and 24 hours; refreshed a little before its end |
//! | a fetch that fails | the keys stay, for up to 24 hours past their lifetime; then all are dropped |
//! | a key that is taken out of the set | goes with the next fetch |
//!
//! Where an operator's network has its own NAT64 prefix, addresses under it look public: filter those there.

#[cfg(feature = "jwks")]
mod fetch;
#[cfg(feature = "jwks")]
mod guard;
mod set;
#[cfg(feature = "jwks")]
mod source;

#[cfg(feature = "jwks")]
pub use self::fetch::{JwksConfigError, JwksFetchError};
pub use self::set::{JwkSet, JwkSetError};
#[cfg(feature = "jwks")]
pub use self::source::{JwksOptions, JwksSource};
