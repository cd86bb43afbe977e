//! The blocks: symbols, facts of the profile, and hand-over to the check decoder (`spec/token.md`, Blocks).

use super::check::{CheckDecoder, shallow};
use super::decode::{DecodeError, malformed, over, profile, scope_of};
use super::layout::{Approval, Budget, Check, Holder, Metered, Right, limit};
use super::symbol::{DEFAULT, OFFSET, Scope, Symbols, Text};
use super::term::{Predicate, Term};
use super::wire::{Fields, Malformed, Span, once};
use crate::key::PublicKey;
use crate::time::UnixTime;

/// Reads one block; symbols and their first use are followed on the way.
pub(crate) struct BlockDecoder<'a, 's> {
    pub(crate) bytes: &'a [u8],
    symbols: &'s mut Symbols,
    third_party: bool,
    /// Length of the table that this block appends to, before it does.
    start: usize,
    scope: Scope,
    /// How many of the block's own symbols were used so far: each must be the next when first met.
    used: usize,
    pub(crate) not_equal: bool,
    pub(crate) closure_or_reject: bool,
    facts: Facts,
    checks: Vec<Check>,
    expires: Option<u64>,
}

impl<'a, 's> BlockDecoder<'a, 's> {
    pub(crate) fn new(bytes: &'a [u8], symbols: &'s mut Symbols, third_party: bool) -> Self {
        let start = if third_party { symbols.local.len() } else { symbols.shared.len() };
        let scope = scope_of(symbols, third_party, start);
        Self {
            bytes,
            symbols,
            third_party,
            start,
            scope,
            used: 0,
            not_equal: false,
            closure_or_reject: false,
            facts: Facts::default(),
            checks: Vec::new(),
            expires: None,
        }
    }

    pub(crate) fn finish(self) -> (Scope, Facts, Vec<Check>, Option<u64>) {
        (self.scope, self.facts, self.checks, self.expires)
    }

    pub(crate) fn read(&mut self, payload: Span) -> Result<(), DecodeError> {
        let mut version = None;
        let mut table_closed = false;
        let mut facts: Vec<&[u8]> = Vec::new();
        let mut fields = Fields::new(self.bytes, payload);
        while let Some((number, value)) = fields.next()? {
            if number > 1 && !table_closed {
                table_closed = true;
                self.close_table()?;
            }
            match number {
                1 => self.add_symbol(value.bytes()?)?,
                2 => return Err(profile("block context")),
                3 => once(&mut version, value.uint32()?)?,
                4 => {
                    // spec: TK-25
                    if facts.len() >= limit::FACTS {
                        return Err(over("more than 200 facts in a block"));
                    }
                    let span = value.bytes()?;
                    facts.push(span.of(self.bytes));
                    self.fact(span)?;
                }
                5 => return Err(profile("rule")),
                6 => {
                    if self.checks.len() >= limit::CHECKS {
                        return Err(over("more than 64 checks in a block"));
                    }
                    let span = value.bytes()?;
                    let (kind, expiry) = CheckDecoder::new(self, self.table_len()).check(span)?;
                    self.checks.push(Check { kind, span });
                    self.expires = match (self.expires, expiry) {
                        (Some(least), Some(date)) => Some(least.min(date)),
                        (least, date) => least.or(date),
                    };
                }
                7 => return Err(profile("scope")),
                8 => return Err(profile("public keys of a block")),
                _ => return Err(malformed("unknown field of a block")),
            }
        }
        if !table_closed {
            self.close_table()?;
        }
        if self.used != self.own() {
            return Err(malformed("unused symbol"));
        }
        // Canonical bytes are equal where facts are.
        facts.sort_unstable();
        if facts.is_sorted_by(|a, b| a < b) { self.version(version) } else { Err(malformed("repeated fact")) }
    }

    // spec: TK-26
    fn version(&self, version: Option<u32>) -> Result<(), DecodeError> {
        let expected = if self.closure_or_reject {
            6
        } else if self.third_party {
            5
        } else if self.not_equal {
            4
        } else {
            3
        };
        match version {
            Some(version) if version == expected => Ok(()),
            Some(0) => Err(malformed("explicit default value")),
            _ => Err(profile("block version that does not fit the block")),
        }
    }

    fn table_len(&self) -> usize {
        DEFAULT.len().saturating_add(self.symbols.visible(self.scope).len())
    }

    fn own(&self) -> usize {
        let table = if self.third_party { &self.symbols.local } else { &self.symbols.shared };
        table.len().saturating_sub(self.start)
    }

    fn add_symbol(&mut self, span: Span) -> Result<(), DecodeError> {
        core::str::from_utf8(span.of(self.bytes)).map_err(|_| malformed("symbol that is not UTF-8"))?;
        if span.len() > limit::STRING_BYTES {
            return Err(profile("string longer than 1 KiB"));
        }
        if self.third_party { &mut self.symbols.local } else { &mut self.symbols.shared }.push(span);
        Ok(())
    }

    // spec: TK-18
    fn close_table(&mut self) -> Result<(), DecodeError> {
        self.scope = scope_of(self.symbols, self.third_party, self.start);
        if self.own() == 0 {
            return Ok(());
        }
        let visible = self.symbols.visible(self.scope);
        let mut all: Vec<&[u8]> = DEFAULT.iter().map(|s| s.as_bytes()).collect();
        all.extend(visible.iter().map(|span| span.of(self.bytes)));
        all.sort_unstable();
        if all.is_sorted_by(|a, b| a < b) { Ok(()) } else { Err(malformed("symbol that the table has already")) }
    }

    /// Resolves a symbol and holds it to the order of first use.
    pub(crate) fn text(&mut self, number: u64) -> Result<Text, DecodeError> {
        let text = self.symbols.text(self.scope, number).ok_or(malformed("symbol outside the table"))?;
        if let Some(index) = number.checked_sub(OFFSET).and_then(|index| usize::try_from(index).ok()) {
            let before = if self.third_party { 0 } else { self.start };
            if let Some(own) = index.checked_sub(before) {
                if own > self.used {
                    return Err(malformed("symbols not in order of first use"));
                }
                self.used = self.used.max(own.saturating_add(1));
            }
        }
        Ok(text)
    }

    /// How many own symbols were used so far; what lies at or past it is new.
    pub(crate) fn is_new(&self, number: u64) -> bool {
        let before = if self.third_party { 0 } else { self.start };
        number
            .checked_sub(OFFSET)
            .and_then(|index| usize::try_from(index).ok()?.checked_sub(before))
            .is_some_and(|own| own >= self.used)
    }

    fn fact(&mut self, span: Span) -> Result<(), DecodeError> {
        let mut fields = Fields::new(self.bytes, span);
        let predicate = match fields.next()? {
            Some((1, value)) => Predicate::read(self.bytes, value.bytes()?)?,
            _ => return Err(malformed("fact without a predicate")),
        };
        if fields.next()?.is_some() {
            return Err(malformed("unknown field of a fact"));
        }
        let name = self.text(predicate.name)?;
        let mut terms = [None; 4];
        let mut count = 0_usize;
        let mut rest = predicate.terms;
        while let Some(term) = rest.next()? {
            let slot = terms.get_mut(count).ok_or(profile("fact of an unknown shape"))?;
            *slot = Some(self.fact_term(term)?);
            count = count.saturating_add(1);
        }
        let name = name.of(self.bytes);
        self.facts.add(name, terms)
    }

    fn fact_term(&mut self, term: Term) -> Result<FactTerm, DecodeError> {
        Ok(match term {
            Term::Str(number) => FactTerm::Str(self.text(number)?),
            Term::Integer(value) => FactTerm::Integer(value),
            Term::Date(date) if date > UnixTime::MAX_DATE.0 => return Err(profile("date after the year 9999")),
            Term::Date(date) => FactTerm::Date(date),
            Term::Bytes(span) => FactTerm::Key(match span.of(self.bytes).try_into() {
                Ok(key) => PublicKey(key),
                Err(_) => return Err(profile("bytes in a fact that are no key")),
            }),
            other => {
                // The block is 1, the fact 2, the predicate 3.
                shallow(self.bytes, other, 4)?;
                return Err(profile("term that no fact of the profile has"));
            }
        })
    }
}

/// A term of a fact.
#[derive(Clone, Copy, Debug)]
enum FactTerm {
    Str(Text),
    Integer(i64),
    Date(u64),
    Key(PublicKey),
}

/// The facts of one block, before its kind says which may be there.
#[derive(Default)]
pub(crate) struct Facts {
    any: bool,
    version: Option<()>,
    issuer: Option<Text>,
    user: Option<Text>,
    agent: Option<Holder>,
    delegate: Option<Holder>,
    purpose: Option<Text>,
    audience: Option<Text>,
    issued_at: Option<u64>,
    depth: Option<i64>,
    rights: Vec<Right>,
    budgets: Vec<Budget>,
    metered: Vec<Metered>,
    approvals: Vec<Approval>,
    grant: Option<Text>,
    conversation: Option<Text>,
}

/// The facts of an authority block, all there.
pub(crate) struct AuthorityFacts {
    pub(crate) issuer: Text,
    pub(crate) user: Text,
    pub(crate) agent: Holder,
    pub(crate) purpose: Text,
    pub(crate) audience: Text,
    pub(crate) issued_at: u64,
    pub(crate) depth: u8,
    pub(crate) rights: Vec<Right>,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) metered: Vec<Metered>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) grant: Option<Text>,
    pub(crate) conversation: Option<Text>,
}

/// The facts of a delegation block.
pub(crate) struct Delegation {
    pub(crate) delegate: Holder,
    pub(crate) depth: u8,
    pub(crate) budgets: Vec<Budget>,
}

/// A number of delegations, if a chain can have it.
fn depth(number: i64) -> Option<u8> {
    u8::try_from(number).ok().filter(|depth| *depth <= limit::DEPTH)
}

fn single<T>(slot: &mut Option<T>, value: T) -> Result<(), DecodeError> {
    once(slot, value).map_err(|Malformed| profile("fact that may stand once stands twice"))
}

fn push<T>(list: &mut Vec<T>, value: T, most: usize) -> Result<(), DecodeError> {
    if list.len() >= most {
        return Err(over("more facts of one kind than the profile allows"));
    }
    list.push(value);
    Ok(())
}

impl Facts {
    // spec: TK-28, TK-30, TK-31, TK-32, TK-33
    fn add(&mut self, name: &str, terms: [Option<FactTerm>; 4]) -> Result<(), DecodeError> {
        use FactTerm::{Date, Integer, Key, Str};
        self.any = true;
        match (name, terms) {
            ("countersign", [Some(Integer(1)), None, ..]) => single(&mut self.version, ()),
            ("issuer", [Some(Str(issuer)), None, ..]) => single(&mut self.issuer, issuer),
            ("user", [Some(Str(user)), None, ..]) => single(&mut self.user, user),
            ("agent", [Some(Str(name)), Some(Key(key)), None, _]) => single(&mut self.agent, Holder { name, key }),
            ("delegate", [Some(Str(name)), Some(Key(key)), None, _]) => {
                single(&mut self.delegate, Holder { name, key })
            }
            ("purpose", [Some(Str(purpose)), None, ..]) => single(&mut self.purpose, purpose),
            ("audience", [Some(Str(audience)), None, ..]) => single(&mut self.audience, audience),
            ("issued_at", [Some(Date(date)), None, ..]) => single(&mut self.issued_at, date),
            ("grant", [Some(Str(grant)), None, ..]) => single(&mut self.grant, grant),
            ("conversation", [Some(Str(conversation)), None, ..]) => single(&mut self.conversation, conversation),
            ("delegation_depth", [Some(Integer(depth @ 1..)), None, ..]) => single(&mut self.depth, depth),
            ("right", [Some(Str(r#type)), Some(Str(location)), Some(Str(action)), None]) => {
                push(&mut self.rights, Right { r#type, location, action }, limit::RIGHTS)
            }
            (
                "budget",
                [Some(Str(account)), Some(Str(unit)), Some(Integer(amount @ 1..)), Some(Integer(window @ 0..))],
            ) => {
                let budget =
                    Budget { block: 0, account, unit, amount: amount.unsigned_abs(), window: window.unsigned_abs() };
                push(&mut self.budgets, budget, limit::BUDGETS)
            }
            ("metered", [Some(Str(account)), Some(Str(r#type)), Some(Str(action)), None]) => {
                push(&mut self.metered, Metered { account, r#type, action }, limit::METERED)
            }
            ("approval", [Some(Str(r#type)), Some(Str(action)), Some(Key(key)), None]) => {
                push(&mut self.approvals, Approval { r#type, action, key }, limit::APPROVALS)
            }
            _ => Err(profile("fact that the profile does not know")),
        }
    }

    /// The facts as an authority block's.
    // spec: TK-29
    pub(crate) fn authority(self) -> Result<AuthorityFacts, DecodeError> {
        const MISSING: DecodeError = profile("fact that an authority block must have is missing");
        self.version.ok_or(MISSING)?;
        if self.delegate.is_some() {
            return Err(profile("delegate in the authority block"));
        }
        if self.rights.is_empty() {
            return Err(MISSING);
        }
        Ok(AuthorityFacts {
            issuer: self.issuer.ok_or(MISSING)?,
            user: self.user.ok_or(MISSING)?,
            agent: self.agent.ok_or(MISSING)?,
            purpose: self.purpose.ok_or(MISSING)?,
            audience: self.audience.ok_or(MISSING)?,
            issued_at: self.issued_at.ok_or(MISSING)?,
            depth: depth(self.depth.unwrap_or(0)).ok_or(profile("delegation depth over 6"))?,
            rights: self.rights,
            budgets: self.budgets,
            metered: self.metered,
            approvals: self.approvals,
            grant: self.grant,
            conversation: self.conversation,
        })
    }

    /// The facts as a delegation block's; `block` is its place in the chain.
    // spec: TK-38
    pub(crate) fn delegation(self, block: usize) -> Result<Delegation, DecodeError> {
        let foreign = self.version.is_some()
            || self.issuer.is_some()
            || self.user.is_some()
            || self.agent.is_some()
            || self.purpose.is_some()
            || self.audience.is_some()
            || self.issued_at.is_some()
            || self.grant.is_some()
            || self.conversation.is_some()
            || !self.rights.is_empty()
            || !self.metered.is_empty()
            || !self.approvals.is_empty();
        if foreign {
            return Err(profile("fact that only an authority block may have"));
        }
        Ok(Delegation {
            delegate: self.delegate.ok_or(profile("delegation block without a delegate"))?,
            // More than a chain can have left is more than this one has.
            depth: depth(self.depth.unwrap_or(0)).unwrap_or(u8::MAX),
            budgets: self.budgets.into_iter().map(|budget| Budget { block, ..budget }).collect(),
        })
    }

    /// A restriction block has no facts.
    // spec: TK-36
    pub(crate) fn none(self) -> Result<(), DecodeError> {
        if self.any { Err(profile("fact in a restriction block")) } else { Ok(()) }
    }
}
