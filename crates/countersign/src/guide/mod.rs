//! A guide for each reader.
//!
//! | you | guide | whole example |
//! | --- | --- | --- |
//! | run a service that agents call | [`service`] | `countersign-cli/examples/calendar.rs`, `countersign-datalog/examples/policies.rs` |
//! | write an agent | [`agent`] | `countersign-tower/examples/agent.rs` |
//! | issue tokens | [`issuer`] | `countersign/examples/issuer.rs` |
//! | implement the format | [`implementer`] | `countersign/examples/implementer.rs` |

#[doc = include_str!("service.md")]
pub mod service {}

#[doc = include_str!("agent.md")]
pub mod agent {}

#[doc = include_str!("issuer.md")]
pub mod issuer {}

#[doc = include_str!("implementer.md")]
pub mod implementer {}
