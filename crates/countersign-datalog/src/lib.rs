//! biscuit-auth beside Countersign: a service's own Datalog policies, and an oracle for tests.
//!
//! - [`Policies`]: what a service adds to a verified request in Datalog: further conditions over the chain, the operation
//!   and the request.
//! - [`oracle`]: reads any token of the profile with biscuit-auth and runs its checks there. Test support.
//!
//! Core decides without this crate. A policy can refuse what core allowed, and never allow what core refused.
#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking"))]

pub mod oracle;
mod policies;
mod terms;

pub use self::policies::{Policies, PolicyDenial, PolicyError};
