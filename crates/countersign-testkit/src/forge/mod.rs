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

mod base;
mod bench;
mod blocks;
mod chain;
mod charges;
pub mod classes;
mod draft;
mod errand;
mod fields;
mod flips;
mod judge;
mod limits;
mod outside;
mod random;
mod recombined;
mod report;
mod resigned;
mod revoked;
mod run;
mod service;
mod splices;
mod world;

pub use self::draft::Asked;
pub use self::judge::{Core, CoreJudge, Judge, Verdict};
pub use self::report::{Accepted, Report};
pub use self::run::{BATCH, Plan, again, run};
pub use self::world::World;
