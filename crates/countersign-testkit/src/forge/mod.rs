//! The forger: requests that nobody may make, by the million, made out of valid ones.
//!
//! ```text
//! World      from a seed: issuers, a pool of chains, what was taken back
//!   Bench    one batch of it: a clock, the valid requests that were sent, what they spent
//!     Class  one way to forge:  fn(&mut Bench) -> Asked
//! run        batches on threads, each Asked to a Judge  ->  Report
//! ```
//!
//! Chains and requests are made from the primitives of this crate, never by the code under test, and what is allowed is
//! known from how a request was made. So no forged request is left out because it was accepted: each class is thought out
//! so that all of its members have to be refused, and says at which stage; valid requests in between, which are all to be
//! accepted, show that the refusals are not due to something that they have in common.
//!
//! | module | forges |
//! | --- | --- |
//! | `flips` | one bit of whatever is signed |
//! | `recombined`, `splices` | fields of two requests, parts of two tokens |
//! | `resigned` | by another key: the request, each kind of block |
//! | `blocks` | dropped, reordered, repeated, moved, widened |
//! | `revoked` | taken back, and wrapped anew |
//! | `outside` | rightly signed, at the wrong time or place |
//! | `fields` | twice, unsigned, gone |
//! | `charges` | used twice, used up, not approved |

pub mod base;
pub mod bench;
pub mod blocks;
pub mod chain;
pub mod charges;
pub mod classes;
pub mod draft;
pub mod errand;
pub mod fields;
pub mod flips;
pub mod judge;
pub mod limits;
pub mod outside;
pub mod random;
pub mod recombined;
pub mod report;
pub mod resigned;
pub mod revoked;
pub mod run;
pub mod service;
pub mod splices;
pub mod world;

pub use self::draft::Asked;
pub use self::judge::{Core, CoreJudge, Judge, Verdict};
pub use self::report::{Accepted, Report};
pub use self::run::{BATCH, Plan, again, run};
pub use self::world::World;
