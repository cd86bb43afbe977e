//! Typed restrictions: checks with a name and one exact form (`spec/checks.md`, Typed restrictions).

use super::datalog::{Check, CheckKind, Expression, Op, Predicate, Query, Term, binary_op, unary_op};
use super::{ErrorKind, TokenError};
use crate::time::UnixTime;

/// A restriction that any holder of an open token may append.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restriction {
    /// Up to and including this second. Lowers the token's expiry.
    ExpiresBy(UnixTime),
    /// From this second on.
    NotBefore(UnixTime),
    /// Only these services.
    Services(Vec<String>),
    /// Only operations of these types.
    Types(Vec<String>),
    /// Only these actions.
    Actions(Vec<String>),
    /// Only these HTTP methods.
    Methods(Vec<String>),
    /// Only these tools.
    Tools(Vec<String>),
    /// Only on behalf of these users.
    Users(Vec<String>),
    /// Only for these purposes.
    Purposes(Vec<String>),
    /// Only under these bindings.
    Bindings(Vec<String>),
    /// Exactly this resource.
    ResourceIs(String),
    /// This location and everything beneath it; a `/` at its end makes no difference.
    ResourceUnder(String),
    /// The argument of this name is there, and every value of it is this one.
    ArgIs(String, ArgValue),
    /// The argument is there, and every value of it is one of these.
    ArgIn(String, Vec<ArgValue>),
    /// The argument is there, and every value of it is a string that starts so.
    ArgStartsWith(String, String),
    /// The argument is there, and every value of it is a string that ends so.
    ArgEndsWith(String, String),
    /// The argument is there, and every value of it is an integer of at most this, in the service's declared scale.
    ArgAtMost(String, i64),
    /// The argument is there, and every value of it is an integer of at least this, in the service's declared scale.
    ArgAtLeast(String, i64),
    /// The argument, which the service declares to be a path, is there and at this path or beneath it.
    ArgUnder(String, String),
    /// The argument, which the service declares to be a URL, is there and every value of it has one of these hosts, in
    /// lower case.
    ArgHostIn(String, Vec<String>),
    /// The argument is not there.
    ArgAbsent(String),
    /// No other arguments are there. Path and query parameters are arguments too.
    ArgsOnly(Vec<String>),
    /// The restriction holds for operations of this type and action; others it lets be.
    When(String, String, Box<Restriction>),
    /// A check of the holder's own, inside the bounded subset.
    Check(Check),
}

/// A value that an argument is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgValue {
    /// A string.
    Str(String),
    /// An integer, in the service's declared scale.
    Integer(i64),
    /// A Boolean.
    Bool(bool),
}

impl From<&ArgValue> for Term {
    fn from(value: &ArgValue) -> Self {
        match value {
            ArgValue::Str(text) => Self::Str(text.clone()),
            ArgValue::Integer(integer) => Self::Integer(*integer),
            ArgValue::Bool(value) => Self::Bool(*value),
        }
    }
}

impl From<&str> for ArgValue {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl Restriction {
    /// The checks that the restriction stands for.
    ///
    /// Fails where a value can't be what the restriction needs: an empty list, an empty location, values of several kinds
    /// in one list.
    // spec: CK-40
    pub fn to_checks(&self) -> Result<Vec<Check>, TokenError> {
        use binary_op::{GREATER_THAN, LESS_THAN, NOT_EQUAL, PREFIX, SUFFIX};
        let value = || Term::Variable("value".to_owned());
        let compared = |name: &str, op: i32, with: Term| argument(name, "arg", Expression::binary(value(), op, with));
        let unless = |name: &str, op: i32, with: &str| {
            argument(name, "arg", not(vec![Op::Value(value()), Op::Value(with.into()), Op::Binary(op)]))
        };
        Ok(match self {
            Self::ArgIs(name, is) => compared(name, NOT_EQUAL, is.into()),
            Self::ArgIn(name, values) => argument(name, "arg", not_among(scalars(values)?, "value")),
            Self::ArgStartsWith(name, start) => unless(name, PREFIX, start),
            Self::ArgEndsWith(name, end) => unless(name, SUFFIX, end),
            Self::ArgAtMost(name, most) => compared(name, GREATER_THAN, Term::Integer(*most)),
            Self::ArgAtLeast(name, least) => compared(name, LESS_THAN, Term::Integer(*least)),
            Self::ArgUnder(name, path) => argument(name, "arg_path", not_under(path)?),
            // The fact is in lower case: another host would never match.
            Self::ArgHostIn(_, hosts) if hosts.iter().any(|host| host.contains(|c: char| c.is_ascii_uppercase())) => {
                return Err(TokenError::new(ErrorKind::Restriction));
            }
            Self::ArgHostIn(name, hosts) => argument(name, "arg_host", not_among(strings(hosts)?, "host")),
            Self::ArgAbsent(name) => vec![reject_if(present(name), None)],
            Self::ArgsOnly(names) => {
                let name = Predicate::new("arg_present", [Term::Variable("name".to_owned())]);
                vec![reject_if(name, Some(not_among(strings(names)?, "name")))]
            }
            Self::When(r#type, action, restriction) => {
                restriction.to_checks()?.into_iter().map(|check| guarded(check, r#type, action)).collect()
            }
            plain => vec![plain.to_check()?],
        })
    }

    /// The one check of a restriction that is not about arguments.
    fn to_check(&self) -> Result<Check, TokenError> {
        Ok(match self {
            Self::ExpiresBy(date) => time(binary_op::LESS_OR_EQUAL, *date),
            Self::NotBefore(date) => time(binary_op::GREATER_OR_EQUAL, *date),
            Self::Services(values) => one_of("service", values)?,
            Self::Types(values) => one_of("type", values)?,
            Self::Actions(values) => one_of("action", values)?,
            Self::Methods(values) => one_of("method", values)?,
            Self::Tools(values) => one_of("tool", values)?,
            Self::Users(values) => one_of("user", values)?,
            Self::Purposes(values) => one_of("purpose", values)?,
            Self::Bindings(values) => one_of("binding", values)?,
            Self::ResourceIs(resource) => check_if([query("resource", binary_op::EQUAL, resource.as_str().into())]),
            Self::ResourceUnder(location) => resource_under(location)?,
            Self::Check(check) => check.clone(),
            _ => return Err(TokenError::new(ErrorKind::Unreachable)),
        })
    }

    /// The checks of several restrictions, in order.
    pub(crate) fn all_checks<'r>(restrictions: impl IntoIterator<Item = &'r Self>) -> Result<Vec<Check>, TokenError> {
        let mut checks = Vec::new();
        for restriction in restrictions {
            checks.extend(restriction.to_checks()?);
        }
        Ok(checks)
    }
}

// spec: CK-41
fn resource_under(location: &str) -> Result<Check, TokenError> {
    if location.is_empty() {
        return Err(TokenError::new(ErrorKind::Restriction));
    }
    let location = location.trim_end_matches('/');
    let beneath = query("resource", binary_op::PREFIX, Term::Str([location, "/"].concat()));
    if location.is_empty() {
        return Ok(check_if([beneath]));
    }
    Ok(check_if([query("resource", binary_op::EQUAL, location.into()), beneath]))
}

fn check_if(queries: impl IntoIterator<Item = Query>) -> Check {
    Check { kind: CheckKind::CheckIf, queries: queries.into_iter().collect() }
}

/// `name($name), $name op value`.
fn query(name: &str, op: i32, value: Term) -> Query {
    let variable = Term::Variable(name.to_owned());
    Query {
        predicates: vec![Predicate::new(name, [variable.clone()])],
        expressions: vec![Expression::binary(variable, op, value)],
    }
}

fn reject_if(predicate: Predicate, expression: Option<Expression>) -> Check {
    let query = Query { predicates: vec![predicate], expressions: expression.into_iter().collect() };
    Check { kind: CheckKind::RejectIf, queries: vec![query] }
}

fn present(name: &str) -> Predicate {
    Predicate::new("arg_present", [name.into()])
}

/// The argument is there, and no value of it is as the expression says. `predicate` binds `$value`, `$path` or `$host`.
fn argument(name: &str, predicate: &str, wrong: Expression) -> Vec<Check> {
    let variable = predicate.strip_prefix("arg_").unwrap_or("value");
    let there = Query { predicates: vec![present(name)], expressions: Vec::new() };
    let value = Predicate::new(predicate, [name.into(), Term::Variable(variable.to_owned())]);
    vec![check_if([there]), reject_if(value, Some(wrong))]
}

/// `!` before a call, which needs no parentheses.
fn not(mut ops: Vec<Op>) -> Expression {
    ops.push(Op::Unary(unary_op::NEGATE));
    Expression(ops)
}

fn not_among(set: Vec<Term>, variable: &str) -> Expression {
    let element = Term::Variable(variable.to_owned());
    not(vec![Op::Value(Term::Set(set)), Op::Value(element), Op::Binary(binary_op::CONTAINS)])
}

/// `!($path === "P" || $path.starts_with("P/"))`.
// spec: CK-41
fn not_under(path: &str) -> Result<Expression, TokenError> {
    if path.is_empty() {
        return Err(TokenError::new(ErrorKind::Restriction));
    }
    let path = path.trim_end_matches('/');
    let variable = || Op::Value(Term::Variable("path".to_owned()));
    let beneath = vec![variable(), Op::Value(Term::Str([path, "/"].concat())), Op::Binary(binary_op::PREFIX)];
    if path.is_empty() {
        return Ok(not(beneath));
    }
    Ok(not(vec![
        variable(),
        Op::Value(path.into()),
        Op::Binary(binary_op::EQUAL),
        Op::Closure(beneath),
        Op::Binary(binary_op::LAZY_OR),
        Op::Unary(unary_op::PARENS),
    ]))
}

// spec: CK-42
fn guarded(mut check: Check, r#type: &str, action: &str) -> Check {
    match check.kind {
        CheckKind::RejectIf => {
            for query in &mut check.queries {
                let guards = [Predicate::new("type", [r#type.into()]), Predicate::new("action", [action.into()])];
                query.predicates.splice(0..0, guards);
            }
        }
        CheckKind::CheckIf => {
            let elsewhere = [
                query("type", binary_op::NOT_EQUAL, r#type.into()),
                query("action", binary_op::NOT_EQUAL, action.into()),
            ];
            check.queries.splice(0..0, elsewhere);
        }
    }
    check
}

/// The elements of a set, each once.
fn strings(values: &[String]) -> Result<Vec<Term>, TokenError> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.dedup();
    if values.is_empty() {
        return Err(TokenError::new(ErrorKind::Restriction));
    }
    Ok(values.into_iter().map(Term::Str).collect())
}

/// The elements of a set of one kind, each once.
fn scalars(values: &[ArgValue]) -> Result<Vec<Term>, TokenError> {
    let first = values.first().ok_or(TokenError::new(ErrorKind::Restriction))?;
    if values.iter().any(|value| core::mem::discriminant(value) != core::mem::discriminant(first)) {
        return Err(TokenError::new(ErrorKind::Restriction));
    }
    let mut terms: Vec<Term> = Vec::new();
    for value in values {
        let term = Term::from(value);
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    Ok(terms)
}

fn time(op: i32, date: UnixTime) -> Check {
    check_if([query("time", op, Term::Date(date.0))])
}

fn one_of(name: &str, values: &[String]) -> Result<Check, TokenError> {
    let mut terms = strings(values)?;
    if terms.len() == 1 {
        return Ok(check_if([query(name, binary_op::EQUAL, terms.remove(0))]));
    }
    let variable = Term::Variable(name.to_owned());
    Ok(check_if([Query {
        predicates: vec![Predicate::new(name, [variable.clone()])],
        expressions: vec![Expression::binary(Term::Set(terms), binary_op::CONTAINS, variable)],
    }]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;
    use crate::token::{Grant, Right};

    /// The checks of a restriction as a token prints them.
    fn printed(restriction: Restriction) -> Vec<String> {
        let key = SigningKey::from_seed(&[1; 32]);
        let token = Grant::new("https://hub.example", "alice", "bot", key.public())
            .purpose("p")
            .audience("https://a.example")
            .valid(UnixTime(0), UnixTime(60))
            .right(Right { r#type: "t", location: "/", action: "a" })
            .restriction(restriction)
            .sign(&key, &key)
            .unwrap();
        token.claims().checks(0).into_iter().skip(1).collect()
    }

    // spec: CK-40, CK-41, CK-42
    #[test]
    fn each_name_stands_for_its_text() {
        let name = || "/n".to_owned();
        let there = "check if arg_present(\"/n\")";
        let one = |value: &str| ArgValue::from(value);
        for (restriction, text) in [
            (Restriction::ArgIs(name(), one("v")), r#"reject if arg("/n", $value), $value !== "v""#),
            (Restriction::ArgIs(name(), ArgValue::Bool(true)), r#"reject if arg("/n", $value), $value !== true"#),
            (
                Restriction::ArgIn(name(), vec![one("b"), one("a"), one("b")]),
                r#"reject if arg("/n", $value), !{"a", "b"}.contains($value)"#,
            ),
            (
                Restriction::ArgIn(name(), vec![ArgValue::Integer(2), ArgValue::Integer(-1)]),
                r#"reject if arg("/n", $value), !{-1, 2}.contains($value)"#,
            ),
            (
                Restriction::ArgStartsWith(name(), "s".into()),
                r#"reject if arg("/n", $value), !$value.starts_with("s")"#,
            ),
            (Restriction::ArgEndsWith(name(), "s".into()), r#"reject if arg("/n", $value), !$value.ends_with("s")"#),
            (Restriction::ArgAtMost(name(), 5), r#"reject if arg("/n", $value), $value > 5"#),
            (Restriction::ArgAtLeast(name(), -5), r#"reject if arg("/n", $value), $value < -5"#),
            (
                Restriction::ArgUnder(name(), "/p//".into()),
                r#"reject if arg_path("/n", $path), !($path === "/p" || $path.starts_with("/p/"))"#,
            ),
            (Restriction::ArgUnder(name(), "/".into()), r#"reject if arg_path("/n", $path), !$path.starts_with("/")"#),
            (
                Restriction::ArgHostIn(name(), vec!["a.example".into()]),
                r#"reject if arg_host("/n", $host), !{"a.example"}.contains($host)"#,
            ),
        ] {
            assert_eq!(printed(restriction), [there, text]);
        }
        assert_eq!(printed(Restriction::ArgAbsent(name())), [r#"reject if arg_present("/n")"#]);
        assert_eq!(
            printed(Restriction::ArgsOnly(vec!["/b".into(), "/a".into()])),
            [r#"reject if arg_present($name), !{"/a", "/b"}.contains($name)"#]
        );
        assert_eq!(
            printed(Restriction::When("email".into(), "send".into(), Box::new(Restriction::ArgAtMost(name(), 5)))),
            [
                r#"check if type($type), $type !== "email" or action($action), $action !== "send" or arg_present("/n")"#,
                r#"reject if type("email"), action("send"), arg("/n", $value), $value > 5"#,
            ]
        );
    }

    #[test]
    fn refuses_values_that_say_nothing() {
        let name = || "/n".to_owned();
        for restriction in [
            Restriction::ArgIn(name(), vec![]),
            Restriction::ArgIn(name(), vec![ArgValue::Bool(true), ArgValue::Integer(1)]),
            Restriction::ArgHostIn(name(), vec![]),
            Restriction::ArgHostIn(name(), vec!["A.example".into()]),
            Restriction::ArgUnder(name(), String::new()),
            Restriction::ArgsOnly(vec![]),
            Restriction::When("t".into(), "a".into(), Box::new(Restriction::Actions(vec![]))),
        ] {
            assert_eq!(restriction.to_checks().unwrap_err().kind(), ErrorKind::Restriction, "{restriction:?}");
        }
    }
}
