//! A refusal: where, why, and who asked as far as that is proven.

use core::fmt;
use std::sync::Arc;

use crate::code::{Class, Code, Stage};
use crate::key::PublicKey;
use crate::time::UnixTime;
use crate::token::VerifiedChain;
use crate::verify::{Binding, Charge, NonceEntry, Operation, OperationRecord};

/// A request was refused.
///
/// [`Denial::code`] is for the service's own records. Strangers are told [`crate::Class`] only.
#[derive(Clone, Debug)]
#[must_use]
pub struct Denial {
    stage: Stage,
    code: Code,
    detail: &'static str,
    check: Option<(usize, usize)>,
    chain: Option<VerifiedChain>,
    binding: Option<Binding>,
    under_no_key_of: Option<Arc<str>>,
    told: Option<Class>,
    more: Option<Box<More>>,
}

/// What is known of a refusal late in the stages.
#[derive(Clone, Debug, Default)]
struct More {
    refused: Option<(Operation, String)>,
    approval: Option<(OperationRecord, Vec<PublicKey>)>,
    exceeded: Option<(Charge, Option<UnixTime>)>,
    nonce: Option<NonceEntry>,
}

impl Denial {
    pub(crate) const fn new(stage: Stage, code: Code, detail: &'static str) -> Self {
        Self {
            stage,
            code,
            detail,
            check: None,
            chain: None,
            binding: None,
            under_no_key_of: None,
            told: None,
            more: None,
        }
    }

    pub(crate) fn at_check(mut self, block: usize, check: usize) -> Self {
        self.check = Some((block, check));
        self
    }

    pub(crate) fn by(mut self, chain: &VerifiedChain, binding: Binding) -> Self {
        self.chain = Some(chain.clone());
        self.binding = Some(binding);
        self
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    pub(crate) fn for_operation(mut self, operation: &Operation, service: &str) -> Self {
        self.more().refused = Some((operation.clone(), service.to_owned()));
        self
    }

    pub(crate) fn naming(mut self, issuer: &Arc<str>) -> Self {
        self.under_no_key_of = Some(Arc::clone(issuer));
        self
    }

    /// The configured issuer that the token names, where its signatures verify under none of that issuer's keys
    /// (`token_signature` at stage 7).
    ///
    /// For whoever keeps the issuer's keys up to date: the token may be signed by a key that is newer than the set. Anybody
    /// can make such a token at will, so what is done about it needs a limit.
    pub fn under_no_key_of(&self) -> Option<&str> {
        self.under_no_key_of.as_deref()
    }

    pub(crate) fn awaiting(mut self, record: OperationRecord, approvers: Vec<PublicKey>) -> Self {
        self.more().approval = Some((record, approvers));
        self
    }

    pub(crate) fn exceeding(mut self, charge: Option<Charge>, now: UnixTime) -> Self {
        self.more().exceeded = charge.map(|charge| {
            let resets_at = charge.resets_at(now);
            (charge, resets_at)
        });
        self
    }

    pub(crate) fn owing(mut self, nonce: Option<NonceEntry>) -> Self {
        if nonce.is_some() {
            self.more().nonce = nonce;
        }
        self
    }

    /// What has to be approved, and by whose keys, where approvals are missing or bad (stage 11).
    pub fn approval(&self) -> Option<(&OperationRecord, &[PublicKey])> {
        let approval = self.more.as_ref()?.approval.as_ref()?;
        Some((&approval.0, &approval.1))
    }

    /// The charge that its counter has too little left for, and when that starts afresh (stage 12).
    pub fn exceeded(&self) -> Option<(&Charge, Option<UnixTime>)> {
        let exceeded = self.more.as_ref()?.exceeded.as_ref()?;
        Some((&exceeded.0, exceeded.1))
    }

    /// The nonce that is still to be recorded, where recording it was put off: the request spends it all the same.
    // spec: VF-47
    pub fn owed_nonce(&self) -> Option<&NonceEntry> {
        self.more.as_ref()?.nonce.as_ref()
    }

    /// The operation that was asked for and the service that it was asked of, where they are known (stages 11 and 12).
    pub fn refused(&self) -> Option<(&Operation, &str)> {
        self.more.as_ref()?.refused.as_ref().map(|refused| (&refused.0, refused.1.as_str()))
    }

    /// The stage that refused, 1 to 12.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// The exact code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What the sender may be told, and no more.
    // spec: VF-38, VF-50
    pub const fn class(&self) -> Class {
        match self.told {
            Some(class) => class,
            None => self.code.class(),
        }
    }

    pub(crate) fn told_as(mut self, class: Class) -> Self {
        self.told = Some(class);
        self
    }

    /// As somebody is told who has no good token: the class of that refusal, and whether newer keys are to be looked for,
    /// which takes time that anybody can measure.
    pub(crate) fn told_like(mut self, forged: &Self) -> Self {
        self.under_no_key_of.clone_from(&forged.under_no_key_of);
        self.told_as(forged.class())
    }

    /// One sentence without secrets and without anything that the sender wrote.
    pub const fn detail(&self) -> &'static str {
        self.detail
    }

    /// The block and the check in it, both from 0, where a check refused.
    pub const fn check(&self) -> Option<(usize, usize)> {
        self.check
    }

    /// How the request proved who asked, where its proof held (stages 9 to 12).
    pub const fn binding(&self) -> Option<Binding> {
        self.binding
    }

    /// The chain behind the request, where its proof held (stages 9 to 12).
    pub const fn chain(&self) -> Option<&VerifiedChain> {
        self.chain.as_ref()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage {}, {}: {}", self.stage, self.code, self.detail)?;
        match self.check {
            Some((block, check)) => write!(f, " (block {block}, check {check})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Denial {}
