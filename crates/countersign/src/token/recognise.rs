//! The inverse of typed restrictions: checks that have a name, found by their shape (`spec/checks.md`, Typed
//! restrictions).
//!
//! For people and tools that explain a token. Nothing is decided by what is found here: the checks themselves are what
//! a verifier evaluates. Variables may have any name, and a set of one value counts as the value; what else differs
//! from the text of the table has no name.

use super::datalog::{Check, CheckKind, Expression, Op, Predicate, Query, Term, binary_op, unary_op};
use super::restriction::{ArgValue, Restriction};
use crate::time::UnixTime;

/// A condition that `spec/checks.md` has a name for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// `expires_by`: up to and including this second.
    ExpiresBy(UnixTime),
    /// `not_before`: from this second on.
    NotBefore(UnixTime),
    /// `services`, `types` and so on: the one fact of `subject` is one of `values`.
    OneOf {
        /// `service`, `type`, `action`, `method`, `tool`, `user`, `purpose` or `binding`.
        subject: &'static str,
        /// One or more.
        values: Vec<String>,
    },
    /// `resource_is`.
    ResourceIs(String),
    /// `resource_under`: this location, without a `/` at its end unless it is `/`, and all beneath it.
    ResourceUnder(String),
    /// `arg_is` and `arg_in`: the argument is there, and each of its values is one of `values`.
    ArgIn {
        /// The argument's name.
        name: String,
        /// Strings, integers or Booleans; one for `arg_is`.
        values: Vec<Term>,
        /// Whether it is written as `arg_is`.
        exact: bool,
    },
    /// `arg_starts_with`.
    ArgStartsWith {
        /// The argument's name.
        name: String,
        /// How each value begins.
        prefix: String,
    },
    /// `arg_ends_with`.
    ArgEndsWith {
        /// The argument's name.
        name: String,
        /// How each value ends.
        suffix: String,
    },
    /// `arg_at_most`.
    ArgAtMost {
        /// The argument's name.
        name: String,
        /// The greatest value.
        most: i64,
    },
    /// `arg_at_least`.
    ArgAtLeast {
        /// The argument's name.
        name: String,
        /// The least value.
        least: i64,
    },
    /// `arg_under`: each value is a path at or beneath this one.
    ArgUnder {
        /// The argument's name.
        name: String,
        /// The path, without a `/` at its end unless it is `/`.
        path: String,
    },
    /// `arg_host_in`: each value is a URL with one of these hosts.
    ArgHostIn {
        /// The argument's name.
        name: String,
        /// One or more.
        hosts: Vec<String>,
    },
    /// `arg_absent`.
    ArgAbsent {
        /// The argument's name.
        name: String,
    },
    /// `args_only`: there are no arguments but these.
    ArgsOnly {
        /// Their names.
        names: Vec<String>,
    },
}

impl Condition {
    /// Its name in `spec/checks.md`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ExpiresBy(_) => "expires_by",
            Self::NotBefore(_) => "not_before",
            Self::OneOf { subject, .. } => {
                SUBJECTS.iter().find(|(known, _)| known == subject).map_or("", |(_, name)| name)
            }
            Self::ResourceIs(_) => "resource_is",
            Self::ResourceUnder(_) => "resource_under",
            Self::ArgIn { exact: true, .. } => "arg_is",
            Self::ArgIn { .. } => "arg_in",
            Self::ArgStartsWith { .. } => "arg_starts_with",
            Self::ArgEndsWith { .. } => "arg_ends_with",
            Self::ArgAtMost { .. } => "arg_at_most",
            Self::ArgAtLeast { .. } => "arg_at_least",
            Self::ArgUnder { .. } => "arg_under",
            Self::ArgHostIn { .. } => "arg_host_in",
            Self::ArgAbsent { .. } => "arg_absent",
            Self::ArgsOnly { .. } => "args_only",
        }
    }
}

/// One or more checks that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// What they say, where that has a name.
    pub condition: Option<Condition>,
    /// The type and the action of the only operations that they speak of (`when`).
    pub when: Option<(String, String)>,
    /// The place of the first of them in the block, from 0.
    pub first: usize,
    /// How many they are, 1 or 2.
    pub count: usize,
}

/// Predicates of one fact that a list of strings may restrict, and what the restriction is called.
const SUBJECTS: [(&str, &str); 8] = [
    ("service", "services"),
    ("type", "types"),
    ("action", "actions"),
    ("method", "methods"),
    ("tool", "tools"),
    ("user", "users"),
    ("purpose", "purposes"),
    ("binding", "bindings"),
];

/// Gives the checks of one block their names, in order. Together the results cover every check once.
///
/// ```
/// use countersign::token::{Condition, Restriction, recognise};
/// let checks = Restriction::ResourceUnder("/calendars/".to_owned()).to_checks()?;
/// assert_eq!(recognise(&checks)[0].condition, Some(Condition::ResourceUnder("/calendars".to_owned())));
/// # Ok::<(), countersign::token::TokenError>(())
/// ```
pub fn recognise(checks: &[Check]) -> Vec<Recognised> {
    let mut found = Vec::new();
    let mut first = 0_usize;
    while let Some((check, behind)) = checks.get(first..).and_then(<[Check]>::split_first) {
        let pair = behind.first().and_then(|next| argument(check, next)).map(|(condition, when)| (condition, when, 2));
        let single = || alone(check).map(|(condition, when)| (condition, when, 1));
        let recognised = match pair.or_else(single) {
            Some((condition, when, count)) => Recognised { condition: Some(condition), when, first, count },
            None => Recognised { condition: None, when: None, first, count: 1 },
        };
        first = first.saturating_add(recognised.count);
        found.push(recognised);
    }
    found
}

impl Restriction {
    /// The restrictions that checks stand for, in order; what has no name is [`Restriction::Check`].
    ///
    pub fn recognise(checks: &[Check]) -> Vec<Self> {
        let mut restrictions = Vec::new();
        for Recognised { condition, when, first, count } in recognise(checks) {
            let typed = condition.and_then(Self::of).map(|typed| match when {
                Some((r#type, action)) => Self::When(r#type, action, Box::new(typed)),
                None => typed,
            });
            match typed {
                Some(typed) => restrictions.push(typed),
                None => restrictions.extend(checks.iter().skip(first).take(count).cloned().map(Self::Check)),
            }
        }
        restrictions
    }

    fn of(condition: Condition) -> Option<Self> {
        Some(match condition {
            Condition::ExpiresBy(date) => Self::ExpiresBy(date),
            Condition::NotBefore(date) => Self::NotBefore(date),
            Condition::OneOf { subject: "service", values } => Self::Services(values),
            Condition::OneOf { subject: "type", values } => Self::Types(values),
            Condition::OneOf { subject: "action", values } => Self::Actions(values),
            Condition::OneOf { subject: "method", values } => Self::Methods(values),
            Condition::OneOf { subject: "tool", values } => Self::Tools(values),
            Condition::OneOf { subject: "user", values } => Self::Users(values),
            Condition::OneOf { subject: "purpose", values } => Self::Purposes(values),
            Condition::OneOf { subject: "binding", values } => Self::Bindings(values),
            Condition::ResourceIs(resource) => Self::ResourceIs(resource),
            Condition::ResourceUnder(location) => Self::ResourceUnder(location),
            Condition::OneOf { .. } => return None,
            Condition::ArgIn { name, values, exact: true } => Self::ArgIs(name, value(values.first()?)?),
            Condition::ArgIn { name, values, exact: false } => {
                Self::ArgIn(name, values.iter().map(value).collect::<Option<_>>()?)
            }
            Condition::ArgStartsWith { name, prefix } => Self::ArgStartsWith(name, prefix),
            Condition::ArgEndsWith { name, suffix } => Self::ArgEndsWith(name, suffix),
            Condition::ArgAtMost { name, most } => Self::ArgAtMost(name, most),
            Condition::ArgAtLeast { name, least } => Self::ArgAtLeast(name, least),
            Condition::ArgUnder { name, path } => Self::ArgUnder(name, path),
            Condition::ArgHostIn { name, hosts } => Self::ArgHostIn(name, hosts),
            Condition::ArgAbsent { name } => Self::ArgAbsent(name),
            Condition::ArgsOnly { names } => Self::ArgsOnly(names),
        })
    }
}

fn value(term: &Term) -> Option<ArgValue> {
    Some(match term {
        Term::Str(text) => ArgValue::Str(text.clone()),
        Term::Integer(integer) => ArgValue::Integer(*integer),
        Term::Bool(value) => ArgValue::Bool(*value),
        _ => return None,
    })
}

type Found = (Condition, Option<(String, String)>);

/// A restriction that is one check.
fn alone(check: &Check) -> Option<Found> {
    match check.kind {
        CheckKind::CheckIf => {
            let (when, queries) = guarded_check(check);
            let condition = match queries {
                [query] => fact(query)?,
                [exact, beneath] => under(exact, beneath)?,
                _ => return None,
            };
            Some((condition, when))
        }
        CheckKind::RejectIf => {
            let (when, predicates, expressions) = guarded_reject(check)?;
            let [Predicate { name, terms }] = predicates else { return None };
            let condition = match (name.as_str(), terms.as_slice(), expressions) {
                ("arg_present", [Term::Str(name)], []) => Condition::ArgAbsent { name: name.clone() },
                ("arg_present", [variable @ Term::Variable(_)], [Expression(ops)]) => {
                    let set = negated_contains(ops, variable)?;
                    Condition::ArgsOnly { names: strings(set)? }
                }
                _ => return None,
            };
            Some((condition, when))
        }
    }
}

/// A restriction on an argument: it must be there, and then each value must fit.
fn argument(present: &Check, reject: &Check) -> Option<Found> {
    if (present.kind, reject.kind) != (CheckKind::CheckIf, CheckKind::RejectIf) {
        return None;
    }
    let (when, queries) = guarded_check(present);
    let [Query { predicates: there, expressions: none }] = queries else { return None };
    let [Predicate { name: predicate, terms }] = there.as_slice() else { return None };
    let ([Term::Str(argument)], [], "arg_present") = (terms.as_slice(), none.as_slice(), predicate.as_str()) else {
        return None;
    };
    let (also, predicates, expressions) = guarded_reject(reject)?;
    let [Predicate { name: predicate, terms }] = predicates else { return None };
    let ([Term::Str(name), variable @ Term::Variable(_)], [Expression(ops)]) = (terms.as_slice(), expressions) else {
        return None;
    };
    if name != argument || when != also {
        return None;
    }
    let condition = match predicate.as_str() {
        "arg" => values(name, variable, ops)?,
        "arg_path" => Condition::ArgUnder { name: name.clone(), path: negated_under(ops, variable)? },
        "arg_host" => Condition::ArgHostIn { name: name.clone(), hosts: strings(negated_contains(ops, variable)?)? },
        _ => return None,
    };
    Some((condition, when))
}

/// What a rejected expression asks of each value of an argument.
fn values(name: &str, variable: &Term, ops: &[Op]) -> Option<Condition> {
    let name = name.to_owned();
    if let Some(set) = negated_contains(ops, variable) {
        let scalar = |term: &Term| matches!(term, Term::Str(_) | Term::Integer(_) | Term::Bool(_));
        let usable = !set.is_empty() && set.iter().all(scalar);
        return usable.then(|| Condition::ArgIn { name, values: set.to_vec(), exact: false });
    }
    match ops {
        [Op::Value(left), Op::Value(right), Op::Binary(op)] if left == variable => match (*op, right) {
            (binary_op::NOT_EQUAL, value @ (Term::Str(_) | Term::Integer(_) | Term::Bool(_))) => {
                Some(Condition::ArgIn { name, values: vec![value.clone()], exact: true })
            }
            (binary_op::GREATER_THAN, Term::Integer(most)) => Some(Condition::ArgAtMost { name, most: *most }),
            (binary_op::LESS_THAN, Term::Integer(least)) => Some(Condition::ArgAtLeast { name, least: *least }),
            _ => None,
        },
        [Op::Value(left), Op::Value(Term::Str(part)), Op::Binary(op), Op::Unary(unary_op::NEGATE)]
            if left == variable =>
        {
            match *op {
                binary_op::PREFIX => Some(Condition::ArgStartsWith { name, prefix: part.clone() }),
                binary_op::SUFFIX => Some(Condition::ArgEndsWith { name, suffix: part.clone() }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The operation that a `check if` is tied to, and the queries behind the two that do it.
// spec: CK-42
fn guarded_check(check: &Check) -> (Option<(String, String)>, &[Query]) {
    if let [r#type, action, rest @ ..] = check.queries.as_slice()
        && !rest.is_empty()
        && let (Some(r#type), Some(action)) = (differs("type", r#type), differs("action", action))
    {
        return (Some((r#type.to_owned(), action.to_owned())), rest);
    }
    (None, &check.queries)
}

/// The value in `name($x), $x !== value`.
fn differs<'q>(name: &str, query: &'q Query) -> Option<&'q str> {
    match compared(query)? {
        (predicate, binary_op::NOT_EQUAL, Term::Str(value)) if predicate == name => Some(value),
        _ => None,
    }
}

type Rejected<'c> = (Option<(String, String)>, &'c [Predicate], &'c [Expression]);

/// The operation that a `reject if` is tied to, the predicates behind the two that do it, and the expressions.
// spec: CK-42
fn guarded_reject(check: &Check) -> Option<Rejected<'_>> {
    let [Query { predicates, expressions }] = check.queries.as_slice() else { return None };
    if let [r#type, action, rest @ ..] = predicates.as_slice()
        && !rest.is_empty()
        && let ("type", [Term::Str(kind)]) = (r#type.name.as_str(), r#type.terms.as_slice())
        && let ("action", [Term::Str(does)]) = (action.name.as_str(), action.terms.as_slice())
    {
        return Some((Some((kind.clone(), does.clone())), rest, expressions));
    }
    Some((None, predicates, expressions))
}

/// `name($x), $x op constant`.
fn compared(query: &Query) -> Option<(&str, i32, &Term)> {
    let [Predicate { name, terms }] = query.predicates.as_slice() else { return None };
    let ([variable @ Term::Variable(_)], [Expression(ops)]) = (terms.as_slice(), query.expressions.as_slice()) else {
        return None;
    };
    match ops.as_slice() {
        [Op::Value(left), Op::Value(right), Op::Binary(op)] if left == variable => Some((name, *op, right)),
        _ => None,
    }
}

/// A condition on one fact, in one query.
fn fact(query: &Query) -> Option<Condition> {
    if let Some((subject, set)) = contained(query) {
        return Some(Condition::OneOf { subject, values: strings(set)? });
    }
    match compared(query)? {
        ("time", binary_op::LESS_OR_EQUAL, Term::Date(date)) => Some(Condition::ExpiresBy(UnixTime(*date))),
        ("time", binary_op::GREATER_OR_EQUAL, Term::Date(date)) => Some(Condition::NotBefore(UnixTime(*date))),
        ("resource", binary_op::EQUAL, Term::Str(resource)) => Some(Condition::ResourceIs(resource.clone())),
        ("resource", binary_op::PREFIX, Term::Str(root)) if root == "/" => Some(Condition::ResourceUnder(root.clone())),
        (name, binary_op::EQUAL, Term::Str(value)) => {
            Some(Condition::OneOf { subject: subject(name)?, values: vec![value.clone()] })
        }
        _ => None,
    }
}

fn subject(name: &str) -> Option<&'static str> {
    SUBJECTS.iter().map(|(subject, _)| *subject).find(|subject| *subject == name)
}

/// `name($x), {…}.contains($x)` of a known subject.
fn contained(query: &Query) -> Option<(&'static str, &[Term])> {
    let [Predicate { name, terms }] = query.predicates.as_slice() else { return None };
    let ([variable @ Term::Variable(_)], [Expression(ops)]) = (terms.as_slice(), query.expressions.as_slice()) else {
        return None;
    };
    Some((subject(name)?, contains(ops, variable)?))
}

/// `{…}.contains($x)`.
fn contains<'o>(ops: &'o [Op], variable: &Term) -> Option<&'o [Term]> {
    match ops {
        [Op::Value(Term::Set(set)), Op::Value(needle), Op::Binary(binary_op::CONTAINS)] if needle == variable => {
            Some(set)
        }
        _ => None,
    }
}

/// `!{…}.contains($x)`.
fn negated_contains<'o>(ops: &'o [Op], variable: &Term) -> Option<&'o [Term]> {
    match ops {
        [inner @ .., Op::Unary(unary_op::NEGATE)] => contains(inner, variable),
        _ => None,
    }
}

/// `resource($x), $x === "R" or resource($x), $x.starts_with("R/")`.
fn under(exact: &Query, beneath: &Query) -> Option<Condition> {
    match (compared(exact)?, compared(beneath)?) {
        (("resource", binary_op::EQUAL, Term::Str(location)), ("resource", binary_op::PREFIX, Term::Str(prefix)))
            if is_beneath(location, prefix) =>
        {
            Some(Condition::ResourceUnder(location.clone()))
        }
        _ => None,
    }
}

/// `!($x === "P" || $x.starts_with("P/"))`, or `!$x.starts_with("/")`: the path.
// spec: CK-41
fn negated_under(ops: &[Op], variable: &Term) -> Option<String> {
    match ops {
        [Op::Value(left), Op::Value(Term::Str(root)), Op::Binary(binary_op::PREFIX), Op::Unary(unary_op::NEGATE)]
            if left == variable && root == "/" =>
        {
            Some(root.clone())
        }
        [
            Op::Value(left),
            Op::Value(Term::Str(path)),
            Op::Binary(binary_op::EQUAL),
            Op::Closure(beneath),
            Op::Binary(binary_op::LAZY_OR),
            Op::Unary(unary_op::PARENS),
            Op::Unary(unary_op::NEGATE),
        ] if left == variable => match beneath.as_slice() {
            [Op::Value(left), Op::Value(Term::Str(prefix)), Op::Binary(binary_op::PREFIX)]
                if left == variable && is_beneath(path, prefix) =>
            {
                Some(path.clone())
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_beneath(location: &str, prefix: &str) -> bool {
    !location.is_empty() && !location.ends_with('/') && prefix.strip_suffix('/') == Some(location)
}

/// All of a set, if it is one of strings that has any.
fn strings(set: &[Term]) -> Option<Vec<String>> {
    let text = |term: &Term| match term {
        Term::Str(text) => Some(text.clone()),
        _ => None,
    };
    if set.is_empty() { None } else { set.iter().map(text).collect() }
}
