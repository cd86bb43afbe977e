//! Tokens that grow block by block, and what is asked of each.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use countersign::checks::Declarations;
use countersign::json::{Object, Value};
use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{ArgValue, Delegation, Grant, OpenToken, Restriction, Right, TokenError};
use countersign::verify::{HttpFacts, Operation};

use crate::checks;
use crate::keys::{NOW, agent, key, next, root};

/// The service of all tokens.
pub const SERVICE: &str = "https://service.example";

const TYPES: [&str; 3] = ["http", "calendar", "mcp_tool"];
const LOCATIONS: [&str; 5] = ["/", "/a", "/a/b", "/a/bc", "calendar"];
const ACTIONS: [&str; 3] = ["GET", "read", "call"];
const ARGUMENTS: [&str; 6] = ["/to", "/n", "/x", "/x/y", "/list", "query.q"];
const TEXTS: [&str; 6] = ["a", "ab", "/a/b", "https://a.example/x", "https://b.example", ""];
const UNITS: [&str; 2] = ["calls", "eur"];

fn pick(u: &mut Unstructured<'_>, pool: &[&'static str]) -> Result<String> {
    u.choose(pool).map(|text| (*text).to_owned())
}

fn some(u: &mut Unstructured<'_>, pool: &[&'static str]) -> Result<Vec<String>> {
    (0..u.int_in_range(1..=3)?).map(|_| pick(u, pool)).collect()
}

fn time(u: &mut Unstructured<'_>) -> Result<UnixTime> {
    u.choose(&[NOW.0 - 1, NOW.0, NOW.0 + 1, NOW.0 + 60]).copied().map(UnixTime)
}

fn value(u: &mut Unstructured<'_>) -> Result<ArgValue> {
    Ok(match u.int_in_range(0..=3)? {
        0 | 1 => ArgValue::Str(pick(u, &TEXTS)?),
        2 => ArgValue::Integer(u.int_in_range(-2..=3)?),
        _ => ArgValue::Bool(u.arbitrary()?),
    })
}

/// One restriction of any kind.
pub fn restriction(u: &mut Unstructured<'_>) -> Result<Restriction> {
    let name = |u: &mut Unstructured<'_>| pick(u, &ARGUMENTS);
    Ok(match u.int_in_range(0..=24)? {
        0 => Restriction::ExpiresBy(time(u)?),
        1 => Restriction::NotBefore(time(u)?),
        2 => Restriction::Services(some(u, &[SERVICE, "https://other.example"])?),
        3 => Restriction::Types(some(u, &TYPES)?),
        4 => Restriction::Actions(some(u, &ACTIONS)?),
        5 => Restriction::Methods(some(u, &["GET", "POST"])?),
        6 => Restriction::Tools(some(u, &["t", "other"])?),
        7 => Restriction::Users(some(u, &["alice", "bob"])?),
        8 => Restriction::Purposes(some(u, &["p", "q"])?),
        9 => Restriction::Bindings(some(u, &["ed25519", "jsonrpc"])?),
        10 => Restriction::ResourceIs(pick(u, &LOCATIONS)?),
        11 => Restriction::ResourceUnder(pick(u, &LOCATIONS)?),
        12 => Restriction::ArgIs(name(u)?, value(u)?),
        13 => Restriction::ArgIn(name(u)?, (0..u.int_in_range(1..=3)?).map(|_| value(u)).collect::<Result<_>>()?),
        14 => Restriction::ArgStartsWith(name(u)?, pick(u, &TEXTS)?),
        15 => Restriction::ArgEndsWith(name(u)?, pick(u, &TEXTS)?),
        16 => Restriction::ArgAtMost(name(u)?, u.int_in_range(-2..=300)?),
        17 => Restriction::ArgAtLeast(name(u)?, u.int_in_range(-2..=300)?),
        18 => Restriction::ArgUnder(name(u)?, pick(u, &LOCATIONS)?),
        19 => Restriction::ArgHostIn(name(u)?, some(u, &["a.example", "b.example"])?),
        20 => Restriction::ArgAbsent(name(u)?),
        21 => Restriction::ArgsOnly(some(u, &ARGUMENTS)?),
        22 => Restriction::When(pick(u, &TYPES)?, pick(u, &ACTIONS)?, Box::new(restriction(u)?)),
        _ => Restriction::Check(checks::check(u)?),
    })
}

fn restrictions(u: &mut Unstructured<'_>, least: usize) -> Result<Vec<Restriction>> {
    (0..u.int_in_range(least..=3)?).map(|_| restriction(u)).collect()
}

fn right(u: &mut Unstructured<'_>) -> Result<[&'static str; 3]> {
    Ok([*u.choose(&TYPES)?, *u.choose(&LOCATIONS)?, *u.choose(&ACTIONS)?])
}

/// A token with nothing but an authority block, or why core makes none.
pub fn granted(u: &mut Unstructured<'_>) -> Result<core::result::Result<OpenToken, TokenError>> {
    let mut grant = Grant::new("https://hub.example", "alice", "bot", agent().public())
        .purpose("p")
        .audience(SERVICE)
        .valid(NOW, NOW.plus(60))
        .delegation_depth(u.int_in_range(0..=4)?);
    for _ in 0..u.int_in_range(1..=3)? {
        let [r#type, location, action] = right(u)?;
        grant = grant.right(Right { r#type, location, action });
    }
    if u.ratio(1, 3)? {
        grant = grant.budget("account", u.choose(&UNITS)?, u.int_in_range(1..=3)?, u.int_in_range(0..=60)?);
        if u.arbitrary()? {
            let [r#type, _, action] = right(u)?;
            grant = grant.metered("account", r#type, action);
        }
    }
    if u.ratio(1, 12)? {
        let [r#type, _, action] = right(u)?;
        grant = grant.approval(r#type, action, key(9).public());
    }
    if u.ratio(1, 3)? {
        grant = restrictions(u, 0)?.into_iter().fold(grant, Grant::restriction);
    }
    Ok(grant.sign(&root(), &next(0)))
}

/// A block to be appended.
#[derive(Debug)]
pub enum Step {
    /// Restrictions, by whoever has the open token.
    Restrict(Vec<Restriction>),
    /// A delegation to the key of this number.
    Delegate(Box<Delegation>, u8),
}

/// What may come next.
pub fn step(u: &mut Unstructured<'_>) -> Result<Step> {
    if u.arbitrary()? {
        return Ok(Step::Restrict(restrictions(u, 1)?));
    }
    // Now and then back to a key that held it before.
    let to = u.int_in_range(2..=6)?;
    let mut delegation = Delegation::to("sub-bot", key(to).public()).delegation_depth(u.int_in_range(0..=3)?);
    if u.ratio(1, 3)? {
        let (amount, window) = (u.int_in_range(1..=3)?, u.int_in_range(0..=60)?);
        delegation = delegation.budget(u.choose(&["account", "other"])?, u.choose(&UNITS)?, amount, window);
    }
    if u.arbitrary()? {
        delegation = restrictions(u, 0)?.into_iter().fold(delegation, Delegation::restriction);
    }
    Ok(Step::Delegate(Box::new(delegation), to))
}

impl Step {
    /// The token with this block, where core makes it. `holder` is its current holder's key.
    pub fn take(
        &self,
        token: &OpenToken,
        holder: &SigningKey,
        block: u8,
    ) -> core::result::Result<OpenToken, TokenError> {
        match self {
            Self::Restrict(restrictions) => token.restrict(restrictions, &next(block)),
            Self::Delegate(delegation, _) => token.delegate(delegation)?.sign(holder, &next(block)),
        }
    }
}

/// What somebody asks for.
#[derive(Debug)]
pub struct Asked {
    /// The HTTP request, where it is one.
    pub http: Option<HttpFacts>,
    /// The operation, arguments and all.
    pub operation: Operation,
    /// When.
    pub now: UnixTime,
}

/// A request, of which some are allowed.
pub fn asked(u: &mut Unstructured<'_>) -> Result<Asked> {
    let [r#type, resource, action] = right(u)?;
    let mut operation = Operation::new(r#type, resource, action);
    operation = match u.int_in_range(0..=3)? {
        0 => operation.without_arguments(),
        1 => operation,
        _ => operation.with_args(arguments(u)?, &declared()),
    };
    if u.ratio(1, 4)? {
        operation = operation.tool("t");
    }
    match u.int_in_range(0..=3)? {
        0 => operation = operation.cost("eur", u.int_in_range(0..=4)?),
        1 => operation = operation.free(),
        _ => {}
    }
    let text = str::to_owned;
    let http = HttpFacts { method: text("GET"), authority: text("service.example"), path: text("/a/b"), query: None };
    Ok(Asked { http: if u.ratio(3, 4)? { Some(http) } else { None }, operation, now: time(u)? })
}

fn declared() -> Declarations {
    Declarations {
        urls: vec!["/to".to_owned()],
        paths: vec!["/x/y".to_owned()],
        scales: BTreeMap::from([("/n".to_owned(), 2)]),
    }
}

fn arguments(u: &mut Unstructured<'_>) -> Result<Object> {
    let mut members = Vec::new();
    for name in ["to", "n", "x", "list"] {
        let text = match u.int_in_range(0..=9)? {
            0 | 1 => continue,
            2..=4 => format!("\"{}\"", u.choose(&TEXTS)?),
            5 => (*u.choose(&["1", "-1", "2.50", "1e0", "9007199254740991"])?).to_owned(),
            6 => (*u.choose(&["true", "null", "[]", "{}", "[[]]"])?).to_owned(),
            7 => "[\"a\",1,\"ab\"]".to_owned(),
            _ => format!("{{\"y\":\"{}\"}}", u.choose(&TEXTS)?),
        };
        members.push(format!("\"{name}\":{text}"));
    }
    let text = format!("{{{}}}", members.join(","));
    match Value::parse(text.as_bytes()) {
        Ok(Value::Object(object)) => Ok(object),
        _ => unreachable!("{text}"),
    }
}
