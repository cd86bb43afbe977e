//! A service's own policies in Datalog, over a request that core allowed.

use core::fmt;
use core::time::Duration;

use biscuit_auth::builder::{Fact, Rule, Term};
use biscuit_auth::error::{FailedCheck, Logic, MatchedPolicy, Token};
use biscuit_auth::parser::{SourceResult, parse_source};
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits};
use countersign::verify::Authorized;

use crate::terms::{self, date, fact, key, str};

/// The longest text of policies, in bytes.
const TEXT: usize = 65_536;
/// How deep brackets may nest: the parser recurses.
const NESTING: usize = 32;
/// The most rules, checks and policies together.
const CLAUSES: usize = 128;
/// The most predicates of one body that can match more than one fact. The engine looks at its limits between iterations
/// only, so a body may not join more than this.
const JOINED: usize = 2;
/// The most facts, a text's own and made ones included; those about arguments come on top.
const FACTS: u64 = 1_000;
const ARGUMENTS: u64 = 4_096;
const ITERATIONS: u64 = 32;
/// A backstop: what the other limits let through takes far less.
const TIME: Duration = Duration::from_secs(2);

/// What policies may ask for: name, number of terms, and whether there can be more than one such fact.
const VOCABULARY: [(&str, usize, bool); 27] = [
    ("time", 1, false),
    ("service", 1, false),
    ("type", 1, false),
    ("resource", 1, false),
    ("action", 1, false),
    ("tool", 1, false),
    ("method", 1, false),
    ("authority", 1, false),
    ("path", 1, false),
    ("binding", 1, false),
    ("issuer", 1, false),
    ("user", 1, false),
    ("agent", 2, false),
    ("delegate", 3, true),
    ("delegations", 1, false),
    ("holder", 1, false),
    ("purpose", 1, false),
    ("audience", 1, false),
    ("issued_at", 1, false),
    ("expires", 1, false),
    ("right", 3, true),
    ("grant", 1, false),
    ("cost", 2, true),
    ("arg", 2, true),
    ("arg_host", 2, true),
    ("arg_path", 2, true),
    ("arg_present", 1, true),
];

/// Whether a predicate is about arguments, of which there may be a thousand: it is joined with no other that has many.
fn is_argument(name: &str) -> bool {
    name == "arg" || name.starts_with("arg_")
}

/// A service's own policies: Biscuit Datalog that is trusted as configuration is, and checked when it is loaded.
///
/// They see an [`Authorized`] request, so core has decided by then, checks and their limit of work included: a policy can
/// refuse more and never allow more. The first policy that matches decides, and every check must pass.
///
/// | fact | |
/// | --- | --- |
/// | `issuer` `user` `purpose` `audience` | strings of the authority block; `grant` where there is one |
/// | `issued_at` `expires` | dates; `expires` is the effective one |
/// | `agent(name, key)` | the first holder, by the issuer's word |
/// | `delegate(n, name, key)` | each later holder, n from 1, by its delegator's word |
/// | `delegations(n)`, `holder(key)` | how many there were, and the current holder |
/// | `right(type, location, action)` | each right of the token |
/// | `type` `resource` `action` `tool` | the operation; `tool` where there is one |
/// | `cost(unit, amount)` | what it costs |
/// | `arg` `arg_host` `arg_path` `arg_present` | its arguments, as in checks |
/// | `service` `binding` `time` | the request; in HTTP `method` `authority` `path` too |
///
/// ```
/// use countersign_datalog::Policies;
///
/// let policies = Policies::parse(r#"
///     staff("alice@example.com");
///     // Mail is sent by the first agent alone.
///     deny if type("mail"), delegations($n), $n > 0;
///     allow if user($user), staff($user);
/// "#);
/// assert!(policies.is_ok());
///
/// // A name that is no fact would never match: refused when loaded, not silently true or false later.
/// assert!(Policies::parse("deny if resouce(\"/secret\"); allow if true").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Policies {
    builder: AuthorizerBuilder,
    /// Whether they ask for arguments.
    arguments: bool,
}

impl Policies {
    /// Reads policies, and holds them to what can be evaluated within limits.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > TEXT || nesting(text) > NESTING {
            return Err(PolicyError::TooLarge);
        }
        let text = text.trim();
        let source = parse_source(text).map_err(|_| PolicyError::Syntax)?;
        let arguments = check(&source)?;
        let max_facts = if arguments { FACTS.saturating_add(ARGUMENTS) } else { FACTS };
        let limits = AuthorizerLimits { max_facts, max_iterations: ITERATIONS, max_time: TIME };
        let builder = AuthorizerBuilder::new().code(text).map_err(|_| PolicyError::Syntax)?.set_limits(limits);
        Ok(Self { builder, arguments })
    }

    /// Evaluates the policies over a request that core allowed; the number of the `allow` policy that matched, from 0.
    pub fn evaluate(&self, authorized: &Authorized) -> Result<usize, PolicyDenial> {
        // A fact that is missing would let a `deny` pass: where one has no one reading, nothing is decided by it.
        if self.arguments && authorized.operation().arguments().has_unreadable() {
            return Err(PolicyDenial::Arguments);
        }
        let run = || {
            let mut builder = self.builder.clone();
            let arguments =
                if self.arguments { terms::of_arguments(authorized.operation().arguments()) } else { vec![] };
            for fact in facts(authorized).into_iter().chain(arguments) {
                builder = builder.fact(fact)?;
            }
            builder.build_unauthenticated()?.authorize()
        };
        run().map_err(PolicyDenial::from)
    }
}

fn facts(authorized: &Authorized) -> Vec<Fact> {
    let (claims, operation) = (authorized.chain().claims(), authorized.operation());
    let mut facts = vec![
        fact("time", [date(authorized.at())]),
        fact("service", [str(authorized.service())]),
        fact("type", [str(operation.r#type())]),
        fact("resource", [str(operation.resource())]),
        fact("action", [str(operation.action())]),
        fact("binding", [str(authorized.binding().as_str())]),
        fact("issuer", [str(claims.issuer())]),
        fact("user", [str(claims.user())]),
        fact("holder", [key(claims.holder())]),
        fact("purpose", [str(claims.purpose())]),
        fact("audience", [str(claims.audience())]),
        fact("issued_at", [date(claims.issued_at())]),
        fact("expires", [date(claims.expires())]),
    ];
    if let Some(http) = authorized.http() {
        facts.push(fact("method", [str(&http.method)]));
        facts.push(fact("authority", [str(&http.authority)]));
        facts.push(fact("path", [str(&http.path)]));
    }
    facts.extend(operation.tool_name().map(|tool| fact("tool", [str(tool)])));
    facts.extend(
        operation
            .costs()
            .filter_map(|(unit, amount)| Some(fact("cost", [str(unit), Term::Integer(i64::try_from(amount).ok()?)]))),
    );
    facts.extend(claims.grant().map(|grant| fact("grant", [str(grant)])));
    let mut delegations = 0;
    for (number, agent) in (0_i64..).zip(claims.agents()) {
        delegations = number;
        facts.push(match agent.claimed_by {
            None => fact("agent", [str(agent.name), key(agent.key)]),
            Some(_) => fact("delegate", [Term::Integer(number), str(agent.name), key(agent.key)]),
        });
    }
    facts.push(fact("delegations", [Term::Integer(delegations)]));
    facts.extend(claims.rights().map(|right| fact("right", [right.r#type, right.location, right.action].map(str))));
    facts
}

/// How deep brackets nest at most; those in strings and comments count too.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = depth.max(deepest);
    }
    deepest
}

/// Holds a text to the limits; whether it asks for arguments.
fn check(source: &SourceResult<'_>) -> Result<bool, PolicyError> {
    if source.policies.is_empty() {
        return Err(PolicyError::NoPolicy);
    }
    let clauses = [source.facts.len(), source.rules.len(), source.checks.len(), source.policies.len()];
    if clauses.into_iter().sum::<usize>() > CLAUSES {
        return Err(PolicyError::TooLarge);
    }
    let own: Vec<(&str, usize)> = source
        .facts
        .iter()
        .map(|(_, fact)| &fact.predicate)
        .chain(source.rules.iter().map(|(_, rule)| &rule.head))
        .map(|predicate| (predicate.name.as_str(), predicate.terms.len()))
        .collect();
    // What the chain and the request say, the text can't say too.
    if own.iter().any(|(name, _)| VOCABULARY.iter().any(|(known, ..)| known == name)) {
        return Err(PolicyError::Reserved);
    }
    let rules = source.rules.iter().map(|(_, rule)| rule);
    let checks = source.checks.iter().flat_map(|(_, check)| &check.queries);
    let policies = source.policies.iter().flat_map(|(_, policy)| &policy.queries);
    let scoped = !source.scopes.is_empty();
    let mut arguments = false;
    for body in rules.chain(checks).chain(policies) {
        if scoped || !body.scopes.is_empty() {
            return Err(PolicyError::Scope);
        }
        let mut joined = 0_usize;
        for predicate in &body.body {
            let is = |name: &str, arity: usize| predicate.name == name && predicate.terms.len() == arity;
            let known = VOCABULARY.iter().find(|(name, arity, _)| is(name, *arity));
            let many = match known {
                Some((.., many)) => *many,
                None if own.iter().any(|(name, arity)| is(name, *arity)) => true,
                None => return Err(PolicyError::UnknownPredicate),
            };
            arguments |= is_argument(&predicate.name);
            let weight = if is_argument(&predicate.name) { JOINED } else { usize::from(many) };
            joined = joined.saturating_add(weight);
        }
        if joined > JOINED {
            return Err(PolicyError::Join);
        }
        Rule::from(body.clone()).validate_variables().map_err(|_| PolicyError::Syntax)?;
    }
    Ok(arguments)
}

/// Policies that are not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// More than 64 KiB, 128 clauses, or brackets nested deeper than 32.
    TooLarge,
    /// Not Biscuit Datalog, or a rule whose head has a variable that its body does not bind.
    Syntax,
    /// No policy: everything would be refused.
    NoPolicy,
    /// A fact or a rule makes what only the chain and the request say.
    Reserved,
    /// A predicate that no fact and no rule gives, by name and number of terms.
    UnknownPredicate,
    /// `trusting …`: there are no blocks here to trust.
    Scope,
    /// A body that joins more than two predicates with many facts, or arguments with another of them.
    Join,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "policies are longer, more or deeper nested than the limits",
            Self::Syntax => "policies are not well-formed Datalog",
            Self::NoPolicy => "policies without a policy would refuse everything",
            Self::Reserved => "a fact or rule of the policies makes what only the request says",
            Self::UnknownPredicate => "a predicate of the policies is no fact that there can be",
            Self::Scope => "policies can't trust blocks",
            Self::Join => "a body of the policies joins more than two predicates with many facts",
        })
    }
}

impl core::error::Error for PolicyError {}

/// A request that the service's own policies refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyDenial {
    /// A `deny` policy matched: its number among the policies, from 0.
    Denied(usize),
    /// No policy matched.
    NoMatch,
    /// A check failed: its number among the checks, from 0.
    Check(usize),
    /// Evaluating a policy is an error, such as a comparison of two types.
    Evaluation,
    /// The policies ask for arguments, and these were not read, or one of them has no one reading.
    Arguments,
    /// The policies need more than the fixed limits.
    Limit,
}

impl From<Token> for PolicyDenial {
    fn from(error: Token) -> Self {
        let failed = |checks: &[FailedCheck]| match checks.first() {
            Some(FailedCheck::Authorizer(check)) => usize::try_from(check.check_id).ok().map(Self::Check),
            _ => None,
        };
        match error {
            Token::FailedLogic(Logic::Unauthorized { policy: MatchedPolicy::Deny(number), .. }) => Self::Denied(number),
            Token::FailedLogic(Logic::Unauthorized { checks, .. }) => failed(&checks).unwrap_or(Self::Evaluation),
            Token::FailedLogic(Logic::NoMatchingPolicy { checks }) => failed(&checks).unwrap_or(Self::NoMatch),
            Token::RunLimit(_) => Self::Limit,
            _ => Self::Evaluation,
        }
    }
}

impl fmt::Display for PolicyDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(number) => write!(f, "deny policy {number} matched"),
            Self::NoMatch => f.write_str("no policy matched"),
            Self::Check(number) => write!(f, "check {number} of the policies failed"),
            Self::Evaluation => f.write_str("a policy could not be evaluated"),
            Self::Arguments => f.write_str("the policies ask for arguments that have no one reading"),
            Self::Limit => f.write_str("the policies need more than their limits"),
        }
    }
}

impl core::error::Error for PolicyDenial {}

#[cfg(test)]
mod tests;
