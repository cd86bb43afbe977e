//! Benchmarks of Countersign's core beside its peers: what they run, and how two sides are compared.
//!
//! The same request stands before both sides, as the `http::Request` that a server hands over: [`fixture`] makes it,
//! [`service`] answers it with the core, [`stack`] with what one would otherwise put together, and [`paired`] measures two
//! sides against each other. See `README.md` for what the figures mean.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a measuring tool over its own fixed inputs: a panic says that a fixture is not what it should be"
)]

pub mod bodies;
pub mod fixture;
pub mod paired;
pub mod rejected;
pub mod service;
pub mod sizes;
pub mod stack;
pub mod verdicts;
pub mod work;
pub mod worst;
