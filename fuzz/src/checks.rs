//! Checks of the bounded subset, and requests for them to judge.
//!
//! Values come from small pools, so that comparisons hold often enough, and types mostly fit, so that evaluation goes
//! deep; now and then they do not, since errors are outcomes too.

use arbitrary::{Result, Unstructured};
use countersign::checks::{ArgName, Argument, Arguments, Facts, Scalar};
use countersign::time::UnixTime;
use countersign::token::{
    Check, CheckKind, Delegation, Expression, Grant, Op, OpenToken, Predicate, Query, Restriction, Right, Term,
    TokenError, binary_op, unary_op,
};

use crate::keys::{NOW, agent, delegate, next, root};

/// Strings of facts, arguments and literals; some are default symbols.
pub const WORDS: [&str; 16] =
    ["", "a", "ab", "b", "read", "write", "time", "query", "/", "/a", "/a/b", "/a/bc", "user", "ü", "ab\u{0}", LONG];
const LONG: &str =
    "/a/long/enough/to/cost/more/than/one/unit/of/work/when/it/is/compared/with/another/string/of/its/kind";
/// Names of arguments.
pub const NAMES: [&str; 4] = ["/to", "/to/x", "path.id", "a"];
const INTEGERS: [i64; 8] = [i64::MIN, -2, -1, 0, 1, 2, 9_007_199_254_740_991, i64::MAX];
const DATES: [u64; 5] = [0, NOW.0 - 1, NOW.0, NOW.0 + 1, UnixTime::MAX_DATE.0];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Str,
    Integer,
    Date,
    Bytes,
    Bool,
    /// An argument's value: any scalar but a date and bytes.
    Any,
}

const SCALARS: [Type; 5] = [Type::Str, Type::Integer, Type::Date, Type::Bytes, Type::Bool];

/// The predicates with one term, and its type.
const SINGLE: [(&str, Type); 14] = [
    ("time", Type::Date),
    ("service", Type::Str),
    ("type", Type::Str),
    ("resource", Type::Str),
    ("action", Type::Str),
    ("method", Type::Str),
    ("authority", Type::Str),
    ("path", Type::Str),
    ("tool", Type::Str),
    ("binding", Type::Str),
    ("holder", Type::Bytes),
    ("user", Type::Str),
    ("purpose", Type::Str),
    ("issuer", Type::Str),
];

fn word(u: &mut Unstructured<'_>) -> Result<&'static str> {
    u.choose(&WORDS).copied()
}

fn bytes(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    Ok(match u.int_in_range(0..=3)? {
        0 => agent().public().as_bytes().to_vec(),
        1 => delegate().public().as_bytes().to_vec(),
        2 => Vec::new(),
        _ => word(u)?.as_bytes().to_vec(),
    })
}

fn constant(u: &mut Unstructured<'_>, kind: Type) -> Result<Term> {
    Ok(match kind {
        Type::Str => Term::Str(if u.ratio(1, 8)? { NAMES[u.choose_index(4)?] } else { word(u)? }.to_owned()),
        Type::Integer => Term::Integer(*u.choose(&INTEGERS)?),
        Type::Date => Term::Date(*u.choose(&DATES)?),
        Type::Bytes => Term::Bytes(bytes(u)?),
        Type::Bool => Term::Bool(u.arbitrary()?),
        Type::Any => return constant_any(u),
    })
}

fn constant_any(u: &mut Unstructured<'_>) -> Result<Term> {
    let kind = *u.choose(&SCALARS)?;
    constant(u, kind)
}

fn set(u: &mut Unstructured<'_>, kind: Type) -> Result<Term> {
    let kind = if kind == Type::Any { *u.choose(&SCALARS)? } else { kind };
    let len = if u.ratio(1, 32)? { 130 } else { u.int_in_range(0..=6)? };
    (0..len).map(|_| constant(u, kind)).collect::<Result<_>>().map(Term::Set)
}

/// The variables of a query so far, with their types.
type Bound = Vec<(String, Type)>;

fn variable(u: &mut Unstructured<'_>, bound: &mut Bound, kind: Type) -> Result<Term> {
    // Names of facts and default symbols as variables too; twice the same is outside the profile.
    let name = match u.int_in_range(0..=2)? {
        0 => format!("v{}", bound.len()),
        1 => "time".to_owned(),
        _ => u.choose(&["user", "value", "resource"])?.to_string(),
    };
    let name = if bound.iter().any(|(known, _)| *known == name) && !u.ratio(1, 64)? {
        format!("w{}", bound.len())
    } else {
        name
    };
    bound.push((name.clone(), kind));
    Ok(Term::Variable(name))
}

fn term(u: &mut Unstructured<'_>, bound: &mut Bound, kind: Type) -> Result<Term> {
    if u.ratio(3, 4)? {
        variable(u, bound, kind)
    } else if u.ratio(1, 8)? {
        constant_any(u)
    } else {
        constant(u, kind)
    }
}

fn predicate(u: &mut Unstructured<'_>, bound: &mut Bound, spread: &mut bool) -> Result<Predicate> {
    let single = |u: &mut Unstructured<'_>, bound: &mut Bound| {
        let (name, kind) = *u.choose(&SINGLE)?;
        Ok(Predicate::new(name, [term(u, bound, kind)?]))
    };
    let name = Term::Str(NAMES[u.choose_index(4)?].to_owned());
    match u.int_in_range(0..=9)? {
        0 => Ok(Predicate::new("agent", [term(u, bound, Type::Str)?, term(u, bound, Type::Bytes)?])),
        1 => Ok(Predicate::new("arg_present", [name])),
        2..=5 if *spread => {
            *spread = u.ratio(1, 64)?;
            Ok(match u.int_in_range(0..=4)? {
                0 => Predicate::new("arg_host", [name, variable(u, bound, Type::Str)?]),
                1 => Predicate::new("arg_path", [name, variable(u, bound, Type::Str)?]),
                2 => Predicate::new("arg_present", [variable(u, bound, Type::Str)?]),
                _ => Predicate::new("arg", [name, variable(u, bound, Type::Any)?]),
            })
        }
        _ => single(u, bound),
    }
}

/// Pushes an operand of about this type.
fn operand(u: &mut Unstructured<'_>, ops: &mut Vec<Op>, bound: &Bound, kind: Type) -> Result<()> {
    let fitting: Vec<&(String, Type)> =
        bound.iter().filter(|(_, known)| *known == kind || *known == Type::Any || kind == Type::Any).collect();
    if !fitting.is_empty() && u.ratio(2, 3)? {
        ops.push(Op::Value(Term::Variable(u.choose(&fitting)?.0.clone())));
    } else if kind == Type::Integer && u.ratio(1, 4)? {
        let inner = *u.choose(&[Type::Str, Type::Bytes, Type::Integer])?;
        if u.arbitrary()? {
            ops.push(Op::Value(set(u, Type::Any)?));
        } else {
            operand(u, ops, bound, inner)?;
        }
        ops.push(Op::Unary(unary_op::LENGTH));
    } else {
        ops.push(Op::Value(constant(u, kind)?));
    }
    if u.ratio(1, 16)? {
        ops.push(Op::Unary(unary_op::PARENS));
    }
    Ok(())
}

/// Operations that leave one Boolean.
fn boolean(u: &mut Unstructured<'_>, bound: &Bound, depth: u8) -> Result<Vec<Op>> {
    use binary_op::*;
    let mut ops = Vec::new();
    // A wrong type on one side now and then: an error at evaluation.
    let beside = |u: &mut Unstructured<'_>, kind| if u.ratio(1, 12)? { u.choose(&SCALARS).copied() } else { Ok(kind) };
    match u.int_in_range(0..=if depth == 0 { 6 } else { 10 })? {
        0 | 1 => {
            let kind = *u.choose(&[Type::Integer, Type::Date])?;
            let other = beside(u, kind)?;
            operand(u, &mut ops, bound, kind)?;
            operand(u, &mut ops, bound, other)?;
            ops.push(Op::Binary(*u.choose(&[LESS_THAN, GREATER_THAN, LESS_OR_EQUAL, GREATER_OR_EQUAL])?));
        }
        2 | 3 => {
            let kind = *u.choose(&SCALARS)?;
            let other = beside(u, kind)?;
            operand(u, &mut ops, bound, kind)?;
            operand(u, &mut ops, bound, other)?;
            ops.push(Op::Binary(*u.choose(&[EQUAL, NOT_EQUAL])?));
        }
        4 => {
            let other = beside(u, Type::Str)?;
            operand(u, &mut ops, bound, Type::Str)?;
            operand(u, &mut ops, bound, other)?;
            ops.push(Op::Binary(*u.choose(&[CONTAINS, PREFIX, SUFFIX])?));
        }
        5 => {
            let kind = *u.choose(&SCALARS)?;
            ops.push(Op::Value(set(u, kind)?));
            if u.ratio(1, 3)? {
                ops.push(Op::Value(set(u, kind)?));
                ops.push(Op::Binary(*u.choose(&[CONTAINS, EQUAL, NOT_EQUAL])?));
            } else {
                let kind = beside(u, kind)?;
                operand(u, &mut ops, bound, kind)?;
                ops.push(Op::Binary(if u.ratio(1, 16)? { EQUAL } else { CONTAINS }));
            }
        }
        6 => ops.push(Op::Value(Term::Bool(u.arbitrary()?))),
        7 => {
            ops = boolean(u, bound, depth - 1)?;
            if u.arbitrary()? {
                ops.push(Op::Unary(unary_op::PARENS));
            }
            ops.push(Op::Unary(unary_op::NEGATE));
        }
        _ => {
            ops = boolean(u, bound, depth - 1)?;
            ops.push(Op::Closure(boolean(u, bound, depth - 1)?));
            ops.push(Op::Binary(*u.choose(&[LAZY_AND, LAZY_OR])?));
        }
    }
    Ok(ops)
}

fn expression(u: &mut Unstructured<'_>, bound: &Bound) -> Result<Expression> {
    if u.ratio(1, 24)? {
        // A bare value, of whatever type.
        let mut ops = Vec::new();
        operand(u, &mut ops, bound, Type::Any)?;
        return Ok(Expression(ops));
    }
    boolean(u, bound, 3).map(Expression)
}

fn query(u: &mut Unstructured<'_>, kind: CheckKind) -> Result<Query> {
    let (mut bound, mut spread) = (Bound::new(), kind == CheckKind::RejectIf || u.ratio(1, 64)?);
    let predicates =
        (0..u.int_in_range(1..=3)?).map(|_| predicate(u, &mut bound, &mut spread)).collect::<Result<_>>()?;
    let expressions = (0..u.int_in_range(0..=2)?).map(|_| expression(u, &bound)).collect::<Result<_>>()?;
    Ok(Query { predicates, expressions })
}

/// One check.
pub fn check(u: &mut Unstructured<'_>) -> Result<Check> {
    let kind = if u.arbitrary()? { CheckKind::CheckIf } else { CheckKind::RejectIf };
    let queries = if kind == CheckKind::RejectIf { 1 } else { u.int_in_range(1..=3)? };
    Ok(Check { kind, queries: (0..queries).map(|_| query(u, kind)).collect::<Result<_>>()? })
}

fn checks(u: &mut Unstructured<'_>, least: usize) -> Result<Vec<Restriction>> {
    (0..u.int_in_range(least..=2)?).map(|_| check(u).map(Restriction::Check)).collect()
}

/// An open token with checks in an authority, a restriction and a delegation block, or why core makes none of them.
pub fn token(u: &mut Unstructured<'_>) -> Result<core::result::Result<OpenToken, TokenError>> {
    let mut grant = Grant::new(word(u)?, word(u)?, word(u)?, agent().public())
        .purpose(word(u)?)
        .audience("https://service.example")
        .valid(UnixTime(0), UnixTime::MAX_DATE)
        .right(Right { r#type: "http", location: "/", action: "GET" })
        .delegation_depth(1);
    for restriction in checks(u, 0)? {
        grant = grant.restriction(restriction);
    }
    let restriction = if u.ratio(1, 2)? { checks(u, 1)? } else { Vec::new() };
    let delegation = if u.ratio(1, 2)? {
        let start = Delegation::to(word(u)?, delegate().public());
        Some(checks(u, 0)?.into_iter().fold(start, Delegation::restriction))
    } else {
        None
    };
    let behind = if u.ratio(1, 4)? { checks(u, 1)? } else { Vec::new() };
    let make = || {
        let mut token = grant.sign(&root(), &next(0))?;
        if !restriction.is_empty() {
            token = token.restrict(&restriction, &next(1))?;
        }
        if let Some(delegation) = &delegation {
            token = token.delegate(delegation)?.sign(&agent(), &next(2))?;
        }
        if !behind.is_empty() {
            token = token.restrict(&behind, &next(3))?;
        }
        Ok(token)
    };
    Ok(make())
}

fn scalar(u: &mut Unstructured<'_>) -> Result<Scalar> {
    Ok(match u.int_in_range(0..=4)? {
        0 | 1 => Scalar::Str(word(u)?.to_owned()),
        2 | 3 => Scalar::Integer(*u.choose(&INTEGERS)?),
        _ => Scalar::Bool(u.arbitrary()?),
    })
}

/// Arguments, and whether an engine knows all that core knows of them.
pub fn arguments(u: &mut Unstructured<'_>) -> Result<(Arguments, bool)> {
    if u.ratio(1, 32)? {
        return Ok((Arguments::not_extracted(), false));
    }
    let (mut arguments, mut plain) = (Arguments::none(), true);
    for name in NAMES {
        let mut known = ArgName { name: name.to_owned(), url: true, path: true, ..ArgName::default() };
        if u.ratio(1, 64)? {
            plain = false;
            (known.poisoned, known.derived_poisoned, known.presence_poisoned, known.url) =
                (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
        }
        arguments.declare(known);
    }
    for _ in 0..u.int_in_range(0..=6)? {
        let name = NAMES[u.choose_index(4)?];
        match u.int_in_range(0..=4)? {
            0 => arguments.host(name, word(u)?),
            1 => arguments.path(name, word(u)?),
            2 => arguments.present(name),
            _ => arguments.value(Argument { name: name.to_owned(), value: scalar(u)? }),
        }
    }
    Ok((arguments, plain))
}

/// The rest of a request's facts.
pub fn facts<'a>(u: &mut Unstructured<'_>, token: &'a OpenToken, arguments: &'a Arguments) -> Result<Facts<'a>> {
    let optional = |u: &mut Unstructured<'_>| Ok(if u.ratio(7, 8)? { Some(word(u)?) } else { None });
    let claims = token.claims();
    let agent = claims.agents().next().map_or(("", token.holder()), |agent| (agent.name, agent.key));
    Ok(Facts {
        time: UnixTime(*u.choose(&DATES)?),
        service: word(u)?,
        r#type: word(u)?,
        resource: word(u)?,
        action: word(u)?,
        method: optional(u)?,
        authority: optional(u)?,
        path: optional(u)?,
        tool: optional(u)?,
        binding: word(u)?,
        holder: token.holder(),
        user: claims.user(),
        agent,
        purpose: claims.purpose(),
        issuer: claims.issuer(),
        arguments,
    })
}
