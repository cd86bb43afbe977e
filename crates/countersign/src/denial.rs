//! A refusal: where, why, and who asked as far as that is proven.

use core::fmt;
use std::sync::Arc;

use crate::code::{Code, Stage};
use crate::token::VerifiedChain;
use crate::verify::Operation;

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
    refused: Option<Box<(Operation, String)>>,
    under_no_key_of: Option<Arc<str>>,
}

impl Denial {
    pub(crate) const fn new(stage: Stage, code: Code, detail: &'static str) -> Self {
        Self { stage, code, detail, check: None, chain: None, refused: None, under_no_key_of: None }
    }

    pub(crate) fn at_check(mut self, block: usize, check: usize) -> Self {
        self.check = Some((block, check));
        self
    }

    pub(crate) fn by(mut self, chain: &VerifiedChain) -> Self {
        self.chain = Some(chain.clone());
        self
    }

    pub(crate) fn for_operation(mut self, operation: &Operation, service: &str) -> Self {
        self.refused = Some(Box::new((operation.clone(), service.to_owned())));
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

    /// The operation that was asked for and the service that it was asked of, where they are known (stages 11 and 12).
    pub fn refused(&self) -> Option<(&Operation, &str)> {
        self.refused.as_ref().map(|refused| (&refused.0, refused.1.as_str()))
    }

    /// The stage that refused, 1 to 12.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// The exact code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// One sentence without secrets and without anything that the sender wrote.
    pub const fn detail(&self) -> &'static str {
        self.detail
    }

    /// The block and the check in it, both from 0, where a check refused.
    pub const fn check(&self) -> Option<(usize, usize)> {
        self.check
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
