//! Facts, checks and expressions as plain data, with no rule of the profile built in.
//!
//! Strings stay strings here; [`crate::raw_token::Symbols`] turns them into numbers. What the
//! profile refuses (maps, rules' heads, unknown operators) can be written as well.

/// Numbers of the unary operators in the schema.
pub mod unary {
    #![expect(missing_docs, reason = "the names are those of the schema")]
    pub const NEGATE: u64 = 0;
    pub const PARENS: u64 = 1;
    pub const LENGTH: u64 = 2;
    pub const TYPE_OF: u64 = 3;
    pub const FFI: u64 = 4;
}

/// Numbers of the binary operators in the schema.
pub mod binary {
    #![expect(missing_docs, reason = "the names are those of the schema")]
    pub const LESS_THAN: u64 = 0;
    pub const GREATER_THAN: u64 = 1;
    pub const LESS_OR_EQUAL: u64 = 2;
    pub const GREATER_OR_EQUAL: u64 = 3;
    pub const EQUAL: u64 = 4;
    pub const CONTAINS: u64 = 5;
    pub const PREFIX: u64 = 6;
    pub const SUFFIX: u64 = 7;
    pub const REGEX: u64 = 8;
    pub const ADD: u64 = 9;
    pub const AND: u64 = 13;
    pub const OR: u64 = 14;
    pub const INTERSECTION: u64 = 15;
    pub const UNION: u64 = 16;
    pub const BITWISE_AND: u64 = 17;
    pub const NOT_EQUAL: u64 = 20;
    pub const HETEROGENEOUS_EQUAL: u64 = 21;
    pub const HETEROGENEOUS_NOT_EQUAL: u64 = 22;
    pub const LAZY_AND: u64 = 23;
    pub const LAZY_OR: u64 = 24;
    pub const ALL: u64 = 25;
    pub const ANY: u64 = 26;
    pub const GET: u64 = 27;
    pub const FFI: u64 = 28;
    pub const TRY_OR: u64 = 29;
}

/// A term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// `$name`.
    Var(String),
    /// An integer.
    Int(i64),
    /// A string.
    Str(String),
    /// A date, in seconds since the Unix epoch.
    Date(u64),
    /// `hex:…`.
    Bytes(Vec<u8>),
    /// `true` or `false`.
    Bool(bool),
    /// A set; elements are written in the order given, once new strings have been numbered in byte order.
    Set(Vec<Term>),
    /// A set of strings, written in ascending order of their numbers as the profile has it.
    Strings(Vec<String>),
    /// `null`.
    Null,
    /// An array.
    Array(Vec<Term>),
    /// A map with string keys.
    Map(Vec<(String, Term)>),
    /// A string by its number, whether the table has it or not.
    Symbol(u64),
    /// The bytes of a `Term` message.
    Raw(Vec<u8>),
}

/// A variable.
#[must_use]
pub fn var(name: &str) -> Term {
    Term::Var(name.into())
}

/// A string.
#[must_use]
pub fn string(text: impl Into<String>) -> Term {
    Term::Str(text.into())
}

/// A set of strings.
#[must_use]
pub fn strings(texts: &[&str]) -> Term {
    Term::Strings(texts.iter().map(|text| (*text).into()).collect())
}

/// A set of integers.
#[must_use]
pub fn integers(values: impl IntoIterator<Item = i64>) -> Term {
    Term::Set(values.into_iter().map(Term::Int).collect())
}

/// A date from seconds since the epoch.
///
/// # Panics
///
/// When `unix` is negative.
#[must_use]
pub fn date(unix: i64) -> Term {
    Term::Date(u64::try_from(unix).expect("dates start in 1970"))
}

/// A predicate or a fact: a name and terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// Its name.
    pub name: String,
    /// Its terms.
    pub terms: Vec<Term>,
}

/// A predicate.
#[must_use]
pub fn pred(name: &str, terms: impl IntoIterator<Item = Term>) -> Predicate {
    Predicate { name: name.into(), terms: terms.into_iter().collect() }
}

/// An operation of an expression, in postfix order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Pushes a value.
    Value(Term),
    /// Applies a unary operator, by number.
    Unary(u64),
    /// Applies a binary operator, by number.
    Binary(u64),
    /// Pushes a closure: parameter names and operations.
    Closure(Vec<String>, Vec<Op>),
    /// A foreign function: unary or binary by its operator number, with its name.
    Foreign(bool, String),
}

/// An expression in postfix order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expr(
    /// The operations.
    pub Vec<Op>,
);

impl From<Term> for Expr {
    fn from(term: Term) -> Self {
        Self(vec![Op::Value(term)])
    }
}

/// The value of a variable.
#[must_use]
pub fn v(name: &str) -> Expr {
    var(name).into()
}

/// A string literal.
#[must_use]
pub fn lit(text: &str) -> Expr {
    string(text).into()
}

/// An integer literal.
#[must_use]
pub fn num(value: i64) -> Expr {
    Term::Int(value).into()
}

/// A Boolean literal.
#[must_use]
pub fn truth(value: bool) -> Expr {
    Term::Bool(value).into()
}

impl Expr {
    /// Appends `right` and a binary operator by number: the strict, closure-free form.
    #[must_use]
    pub fn op(mut self, operator: u64, right: impl Into<Expr>) -> Self {
        self.0.extend(right.into().0);
        self.0.push(Op::Binary(operator));
        self
    }

    /// Appends a unary operator by number.
    #[must_use]
    pub fn apply(mut self, operator: u64) -> Self {
        self.0.push(Op::Unary(operator));
        self
    }

    /// Appends a closure of `right` with these parameters and a binary operator.
    #[must_use]
    pub fn closure(mut self, operator: u64, parameters: &[&str], right: impl Into<Expr>) -> Self {
        let parameters = parameters.iter().map(|name| (*name).into()).collect();
        self.0.push(Op::Closure(parameters, right.into().0));
        self.0.push(Op::Binary(operator));
        self
    }

    /// `self === right`.
    #[must_use]
    pub fn eq(self, right: impl Into<Expr>) -> Self {
        self.op(binary::EQUAL, right)
    }

    /// `self !== right`.
    #[must_use]
    pub fn ne(self, right: impl Into<Expr>) -> Self {
        self.op(binary::NOT_EQUAL, right)
    }

    /// `self < right`.
    #[must_use]
    pub fn lt(self, right: impl Into<Expr>) -> Self {
        self.op(binary::LESS_THAN, right)
    }

    /// `self <= right`.
    #[must_use]
    pub fn le(self, right: impl Into<Expr>) -> Self {
        self.op(binary::LESS_OR_EQUAL, right)
    }

    /// `self > right`.
    #[must_use]
    pub fn gt(self, right: impl Into<Expr>) -> Self {
        self.op(binary::GREATER_THAN, right)
    }

    /// `self >= right`.
    #[must_use]
    pub fn ge(self, right: impl Into<Expr>) -> Self {
        self.op(binary::GREATER_OR_EQUAL, right)
    }

    /// `self.starts_with(right)`.
    #[must_use]
    pub fn starts_with(self, right: impl Into<Expr>) -> Self {
        self.op(binary::PREFIX, right)
    }

    /// `self.ends_with(right)`.
    #[must_use]
    pub fn ends_with(self, right: impl Into<Expr>) -> Self {
        self.op(binary::SUFFIX, right)
    }

    /// `self.contains(right)`.
    #[must_use]
    pub fn contains(self, right: impl Into<Expr>) -> Self {
        self.op(binary::CONTAINS, right)
    }

    /// `self.length()`.
    #[must_use]
    pub fn length(self) -> Self {
        self.apply(unary::LENGTH)
    }

    /// `!self`.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "this builds an operation and evaluates none")]
    pub fn not(self) -> Self {
        self.apply(unary::NEGATE)
    }

    /// `(self)`.
    #[must_use]
    pub fn parens(self) -> Self {
        self.apply(unary::PARENS)
    }

    /// `self && right`, lazily.
    #[must_use]
    pub fn and(self, right: impl Into<Expr>) -> Self {
        self.closure(binary::LAZY_AND, &[], right)
    }

    /// `self || right`, lazily.
    #[must_use]
    pub fn or(self, right: impl Into<Expr>) -> Self {
        self.closure(binary::LAZY_OR, &[], right)
    }

    /// How many operations there are, closures counted with what they hold.
    #[must_use]
    pub fn count(&self) -> usize {
        fn count(ops: &[Op]) -> usize {
            ops.iter()
                .map(|op| match op {
                    Op::Closure(_, inner) => 1 + count(inner),
                    _ => 1,
                })
                .sum()
        }
        count(&self.0)
    }
}

/// One alternative of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The head; the profile asks for `query()`.
    pub head: Predicate,
    /// The predicates.
    pub body: Vec<Predicate>,
    /// The expressions.
    pub expressions: Vec<Expr>,
    /// Encoded `Scope` messages (`trusting …`), which the profile refuses.
    pub scope: Vec<Vec<u8>>,
}

/// A query with the profile's head.
#[must_use]
pub fn query(body: impl IntoIterator<Item = Predicate>, expressions: impl IntoIterator<Item = Expr>) -> Query {
    Query {
        head: pred("query", []),
        body: body.into_iter().collect(),
        expressions: expressions.into_iter().collect(),
        scope: Vec::new(),
    }
}

/// A check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its alternatives.
    pub queries: Vec<Query>,
    /// The `kind` field as written: absent for `check if`, 2 for `reject if`.
    pub kind: Option<u64>,
}

/// `check if` over alternatives.
#[must_use]
pub fn check_if(queries: impl IntoIterator<Item = Query>) -> Check {
    Check { queries: queries.into_iter().collect(), kind: None }
}

/// `reject if`.
#[must_use]
pub fn reject_if(query: Query) -> Check {
    Check { queries: vec![query], kind: Some(2) }
}

/// `check if PREDICATE($x), EXPRESSION over $x`, where the variable bears the predicate's name.
#[must_use]
pub fn check_one(name: &str, expression: impl FnOnce(Expr) -> Expr) -> Check {
    check_if([query([pred(name, [var(name)])], [expression(v(name))])])
}

/// The expiry check in its one shape: `check if time($time), $time <= <date>`.
#[must_use]
pub fn expiry(unix: i64) -> Check {
    check_one("time", |time| time.le(date(unix)))
}
