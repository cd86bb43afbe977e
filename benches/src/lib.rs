//! Benchmarks of Countersign's core beside its peers: what they run, and how two sides are compared.
//!
//! The same request stands before both sides, as the `http::Request` that a server hands over: [`fixture`] makes it,
//! [`service`] answers it with the core, [`stack`] with what one would otherwise put together, and [`paired`] measures two
//! sides against each other. See `README.md` for what the figures mean.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a measuring tool over its own fixed inputs: a panic says that a fixture is not what it should be"
)]

pub mod fixture;
pub mod paired;
pub mod rejected;
pub mod service;
pub mod stack;

#[cfg(test)]
mod tests {
    use crate::fixture::{BODY, Scenario, authority, delegated, key};
    use crate::service::Service;
    use crate::stack::{Refused, Stack};

    fn body(scenario: Scenario) -> &'static [u8] {
        if scenario == Scenario::OneBlockBody { BODY } else { b"" }
    }

    #[test]
    fn both_sides_allow_what_they_are_measured_on() {
        for scenario in Scenario::ALL {
            let (cold, warm) = (Service::cold(), Service::warm());
            let stack = Stack::new(scenario.holder().public(), key("agent").public());
            let body = body(scenario);
            for service in [&cold, &warm, &warm] {
                assert!(service.verify(&scenario.request(), body).is_ok(), "{}", scenario.name());
            }
            for stack in [stack.clone(), stack.with_all_facts()] {
                assert_eq!(stack.verify(scenario.request(), !body.is_empty()), Ok(()), "{}", scenario.name());
            }
        }
    }
}
