//! Checks: the bounded subset of Datalog, evaluated with counted work (`spec/checks.md`).
//!
//! Nothing here runs an engine: a check is a few predicates over facts that the verifier knows, then expressions. Work is
//! counted in units that every implementation counts alike, so a verdict never depends on a clock.

mod arguments;
mod derive;
mod eval;
mod extract;
mod facts;
mod predicate;
mod program;
#[cfg(test)]
mod tests;
mod value;

pub use self::arguments::{ArgName, Argument, Arguments};
pub(crate) use self::eval::may_pass;
pub use self::eval::{CheckDenial, Work, evaluate};
pub use self::extract::Declarations;
pub(crate) use self::extract::{Ambiguous, Body, extract};
pub use self::facts::Facts;
pub(crate) use self::predicate::Predicate;
pub use self::value::Scalar;

/// The greatest amount of work for one request, in units.
pub const WORK_LIMIT: u64 = 100_000;
