//! Checks as values, for those who write them (`spec/checks.md`).
//!
//! These are the builders' side: [`super::encode`] turns them into bytes, and the decoder holds the bytes to the profile.

/// A term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// `$name`.
    Variable(String),
    /// A signed 64-bit integer.
    Integer(i64),
    /// A string.
    Str(String),
    /// Seconds since the Unix epoch.
    Date(u64),
    /// Bytes, written `hex:…`.
    Bytes(Vec<u8>),
    /// `true` or `false`.
    Bool(bool),
    /// `{…}`: constants of one type. Order and repetition do not matter here.
    Set(Vec<Term>),
}

impl From<&str> for Term {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

/// `name(term, …)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// Its name.
    pub name: String,
    /// Its terms.
    pub terms: Vec<Term>,
}

impl Predicate {
    /// `name(term, …)`.
    pub fn new(name: &str, terms: impl IntoIterator<Item = Term>) -> Self {
        Self { name: name.to_owned(), terms: terms.into_iter().collect() }
    }
}

/// One operation of an expression, which is a list of them in postfix order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Pushes a term.
    Value(Term),
    /// Replaces the top; see [`unary_op`].
    Unary(i32),
    /// Replaces the top two; see [`binary_op`].
    Binary(i32),
    /// The right side of `&&` or `||`, which stands directly behind it.
    Closure(Vec<Op>),
}

/// An expression that must leave one Boolean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(pub Vec<Op>);

impl Expression {
    /// `left op right`, with an operation of [`binary_op`].
    pub fn binary(left: Term, op: i32, right: Term) -> Self {
        Self(vec![Op::Value(left), Op::Value(right), Op::Binary(op)])
    }

    /// `!(self)`.
    #[must_use]
    pub fn negated(mut self) -> Self {
        self.0.extend([Op::Unary(unary_op::PARENS), Op::Unary(unary_op::NEGATE)]);
        self
    }
}

/// One query: predicates, then expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// One or more.
    pub predicates: Vec<Predicate>,
    /// Evaluated left to right, up to the first that is false.
    pub expressions: Vec<Expression>,
}

/// Which outcome of the queries passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// Passes when one of the queries succeeds.
    CheckIf,
    /// Passes when its one query does not succeed.
    RejectIf,
}

/// A check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which outcome passes.
    pub kind: CheckKind,
    /// One or more; for `reject if` exactly one.
    pub queries: Vec<Query>,
}

/// Numbers of the unary operations in the profile.
pub mod unary_op {
    /// `!`.
    pub const NEGATE: i32 = 0;
    /// `( )`.
    pub const PARENS: i32 = 1;
    /// `.length()`.
    pub const LENGTH: i32 = 2;
}

/// Numbers of the binary operations in the profile.
pub mod binary_op {
    /// `<`.
    pub const LESS_THAN: i32 = 0;
    /// `>`.
    pub const GREATER_THAN: i32 = 1;
    /// `<=`.
    pub const LESS_OR_EQUAL: i32 = 2;
    /// `>=`.
    pub const GREATER_OR_EQUAL: i32 = 3;
    /// `===`.
    pub const EQUAL: i32 = 4;
    /// `.contains()`.
    pub const CONTAINS: i32 = 5;
    /// `.starts_with()`.
    pub const PREFIX: i32 = 6;
    /// `.ends_with()`.
    pub const SUFFIX: i32 = 7;
    /// `!==`.
    pub const NOT_EQUAL: i32 = 20;
    /// `&&`, behind a closure.
    pub const LAZY_AND: i32 = 23;
    /// `||`, behind a closure.
    pub const LAZY_OR: i32 = 24;
}
