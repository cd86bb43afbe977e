//! A verifier that is `spec/` transcribed line by line: slow, obvious, and none of our other code.
//!
//! It shares no line with the crate `countersign`, and none with what makes the vectors: it has its own protobuf reader,
//! field parser, JSON reader and evaluator, and takes SHA-2 and the group operations of Ed25519 from their libraries.
//! Where it and the core disagree, one of them misreads the text, or the text can be read in two ways.
//!
//! It does not stop at the first refusal. Every rule that can still be looked at is, and each one that is broken goes
//! into [`Faults`]; the decision is the first of the earliest stage. So a test can show that a refused vector breaks one
//! rule and no other. A rule that needs what an earlier fault took away (the key of a token that can't be read, say)
//! is passed over: it is not broken by itself.
//!
//! A comment `// spec: RQ-12` stands where that rule is looked at. The same id is the name of the fault.

mod approvals;
mod arguments;
mod base64;
mod block;
mod chain;
mod charges;
mod ed25519;
mod evaluate;
mod facts;
mod fields;
mod form;
mod framing;
mod json;
mod lists;
mod mcp;
mod media;
mod message;
mod operation;
mod proof;
mod proto;
mod rar;
mod rar_grammar;
mod rar_output;
mod request;
mod resource;
mod rpc;
mod schema;
mod service;
mod symbols;

use crate::format::Vector;
use crate::format_rar;
use crate::format_revocation::ListVector;
use crate::format_rpc::RpcVector;
use crate::runner::{Answer, Implementation};

pub use lists::take;
pub use rar::read;
pub use rpc::decide_message;
pub use service::{Judgement, decide_request};

/// The reference verifier as an implementation that runs the vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Implementation for Reference {
    fn name(&self) -> &str {
        "reference"
    }

    fn decide(&self, vector: &Vector) -> Answer {
        decide_request(vector).map_or_else(Answer::Failed, |judged| Answer::Decision(judged.decision))
    }

    fn decide_message(&self, vector: &RpcVector) -> Answer {
        decide_message(vector).map_or_else(Answer::Failed, |judged| Answer::Decision(judged.decision))
    }

    fn read_details(&self, vector: &format_rar::Vector) -> Answer {
        Answer::Details(read(vector).1)
    }

    fn take_list(&self, vector: &ListVector) -> Answer {
        take(vector).map_or_else(Answer::Failed, |(_, found)| Answer::List(Box::new(found)))
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stage of `spec/verify.md`; 0 where there are no stages (lists, authorization details).
    pub stage: u8,
    /// The code of `spec/errors.md`, or the word of the refusal.
    pub code: &'static str,
    /// The rule; behind it the rules that it rests on and that made it break, where there are such.
    pub rules: Vec<&'static str>,
}

impl Fault {
    /// Whether one of these is the rule, or one that it rests on.
    #[must_use]
    pub fn is_of(&self, ids: &[String]) -> bool {
        self.rules.iter().any(|rule| ids.iter().any(|id| id == rule))
    }
}

/// All rules that an input breaks, as they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    fn refuse(&mut self, stage: u8, code: &'static str, rule: &'static str) {
        self.refuse_for(stage, code, &[rule]);
    }

    /// A refusal by a rule that rests on others. A rule that is broken in several places is broken once.
    fn refuse_for(&mut self, stage: u8, code: &'static str, rules: &[&'static str]) {
        let fault = Fault { stage, code, rules: rules.to_vec() };
        if !self.0.iter().any(|known| (known.stage, known.code, known.rules[0]) == (stage, code, rules[0])) {
            self.0.push(fault);
        }
    }

    /// Refuses unless the condition holds.
    fn need(&mut self, holds: bool, stage: u8, code: &'static str, rule: &'static str) {
        if !holds {
            self.refuse(stage, code, rule);
        }
    }

    /// Whether nothing is broken up to this stage.
    fn none_to(&self, stage: u8) -> bool {
        self.0.iter().all(|fault| fault.stage > stage)
    }

    /// What decides: the first fault of the earliest stage.
    // spec: VF-1
    #[must_use]
    pub fn first(&self) -> Option<&Fault> {
        self.0.iter().min_by_key(|fault| fault.stage)
    }
}
