//! Typed restrictions: checks with a name and one exact form (`spec/checks.md`, Typed restrictions).

use super::datalog::{Check, CheckKind, Expression, Predicate, Query, Term, binary_op};
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
    /// A check of the holder's own, inside the bounded subset.
    Check(Check),
}

impl Restriction {
    /// The checks that the restriction stands for.
    ///
    /// Fails where a value can't be what the restriction needs: an empty list, an empty location.
    // spec: CK-40
    pub fn to_checks(&self) -> Result<Vec<Check>, TokenError> {
        Ok(vec![match self {
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
        }])
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

fn time(op: i32, date: UnixTime) -> Check {
    check_if([query("time", op, Term::Date(date.0))])
}

fn one_of(name: &str, values: &[String]) -> Result<Check, TokenError> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.dedup();
    match values.as_slice() {
        [] => Err(TokenError::new(ErrorKind::Restriction)),
        [value] => Ok(check_if([query(name, binary_op::EQUAL, value.as_str().into())])),
        values => {
            let variable = Term::Variable(name.to_owned());
            let set = Term::Set(values.iter().map(|value| value.as_str().into()).collect());
            Ok(check_if([Query {
                predicates: vec![Predicate::new(name, [variable.clone()])],
                expressions: vec![Expression::binary(set, binary_op::CONTAINS, variable)],
            }]))
        }
    }
}
