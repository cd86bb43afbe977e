//! `token/forms.json`: checks that a Biscuit engine runs and the profile refuses.

use crate::raw_checks::{
    Check, Expr, Op, Predicate, Query, Term, binary, check_if, check_one, lit, num, pred, query, reject_if, string,
    strings, truth, unary, v, var,
};
use crate::wire::Message;

use super::case::{Case, File};
use super::standard::{Plan, get};

const TWIN: &str = "request/get";

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("token", "forms", "checks that a Biscuit engine runs and the profile refuses");
    check_shapes(&mut file);
    expression_shapes(&mut file);
    file
}

/// Refused, and one of the forms of attack 58.
fn form(file: &mut File, slug: &str, comment: &str, req: &str, plan: &Plan) {
    form_of(file, slug, comment, req, plan, TWIN);
}

pub(super) fn form_of(file: &mut File, slug: &str, comment: &str, req: &str, plan: &Plan, twin: &str) {
    file.push(Case::new(slug, comment, &get(&plan.text())).req(req).attack(58).deny(4, "token_profile", twin));
}

/// The standard token with a check to which block version 4 or 6 applies, so that a form that
/// Biscuit has since that version can be added without a second fault in the version.
pub(super) fn base(version: Option<u64>) -> (Plan, &'static str) {
    let method = |change: fn(Expr) -> Expr| Plan::standard().check(check_one("method", change));
    match version {
        None => (Plan::standard(), TWIN),
        Some(4) => (method(|m| m.ne(lit("DELETE"))), "token/version-with-not-equal"),
        Some(_) => (method(|m| m.clone().eq(lit("GET")).or(m.eq(lit("HEAD")))), "token/version-with-closure"),
    }
}

fn time_query(expressions: impl IntoIterator<Item = Expr>) -> Query {
    query([pred("time", [var("time")])], expressions)
}

fn check_shapes(file: &mut File) {
    let with = |check: Check| Plan::standard().check(check);
    let method = |name: &str| query([pred("method", [var("method")])], [v("method").eq(lit(name))]);
    let mut rule = Plan::standard();
    rule.authority.rules.push(Query { head: pred("operation", [var("time")]), ..time_query([]) });
    form(file, "rule", "a rule", "TK-9", &rule);
    let (plan, twin) = base(Some(4));
    let all = plan.check(Check { queries: vec![method("GET")], kind: Some(1) });
    form_of(file, "check-all", "a `check all`", "CK-1", &all, twin);
    form(
        file,
        "check-kind-three",
        "a check of a kind that Biscuit does not have",
        "CK-1",
        &with(Check { queries: vec![method("GET")], kind: Some(3) }),
    );
    form(
        file,
        "reject-if-or",
        "a `reject if … or …`, on which engines disagree",
        "CK-2",
        &with(Check { queries: vec![method("PUT"), method("DELETE")], kind: Some(2) }),
    );
    form(
        file,
        "reject-if-without-query",
        "a `reject if` without a query",
        "CK-2",
        &with(Check { queries: vec![], kind: Some(2) }),
    );
    form(file, "check-without-query", "a `check if` without a query", "CK-2", &with(check_if([])));
    form(
        file,
        "query-other-head",
        "a query whose head is not `query()`",
        "CK-4",
        &with(check_if([Query { head: pred("operation", []), ..method("GET") }])),
    );
    form(
        file,
        "query-head-with-term",
        "a head with a term",
        "CK-4",
        &with(check_if([Query { head: pred("query", [var("method")]), ..method("GET") }])),
    );
    form(
        file,
        "query-without-predicate",
        "a query of an expression alone",
        "CK-5",
        &with(check_if([query([], [truth(true)])])),
    );
    let (plan, twin) = base(Some(4));
    let trusting = plan.check(check_if([Query { scope: vec![Message::new().uint(1, 1).encode()], ..method("GET") }]));
    form_of(file, "trusting", "a query with `trusting previous`", "TK-9", &trusting, twin);
    let bodies: [(&str, &str, &str, Vec<Predicate>); 9] = [
        ("predicate-unknown", "a predicate that the profile does not have", "CK-6", vec![pred("role", [var("role")])]),
        ("predicate-right", "a predicate over rights", "CK-6", vec![pred("right", [var("a"), var("b"), var("c")])]),
        ("predicate-arity", "`time` of two terms", "CK-6", vec![pred("time", [var("a"), var("b")])]),
        ("predicate-agent-arity", "`agent` of one term", "CK-6", vec![pred("agent", [var("a")])]),
        ("predicate-set", "a constant set in a predicate", "CK-7", vec![pred("method", [strings(&["GET"])])]),
        (
            "join-two-predicates",
            "a variable in two predicates: a join",
            "CK-8",
            vec![pred("user", [var("x")]), pred("purpose", [var("x")])],
        ),
        ("join-one-predicate", "a variable twice in one predicate", "CK-8", vec![pred("agent", [var("x"), var("x")])]),
        (
            "check-if-arg",
            "`check if arg(…)`: passes when any value passes",
            "CK-10",
            vec![pred("arg", [string("/to"), var("x")])],
        ),
        ("check-if-arg-present-variable", "`check if arg_present($n)`", "CK-10", vec![pred("arg_present", [var("n")])]),
    ];
    for (slug, comment, req, body) in bodies {
        form(file, slug, comment, req, &with(check_if([query(body, [])])));
    }
    let (plan, twin) = base(Some(6));
    let null = plan.check(check_if([query([pred("method", [Term::Null])], [])]));
    form_of(file, "predicate-null", "a null in a predicate", "TK-9", &null, twin);
    let args: [(&str, &str, &str, Vec<Predicate>); 5] = [
        (
            "arg-constant-value",
            "a constant where an argument's value stands: some value matches",
            "CK-11",
            vec![pred("arg", [string("/to"), string("a")])],
        ),
        (
            "arg-variable-name",
            "a variable where an argument's name stands",
            "CK-11",
            vec![pred("arg", [var("n"), var("x")])],
        ),
        (
            "arg-integer-name",
            "an argument's name that is an integer",
            "CK-11",
            vec![pred("arg", [Term::Int(1), var("x")])],
        ),
        ("arg-present-integer", "`arg_present(1)`", "CK-11", vec![pred("arg_present", [Term::Int(1)])]),
        (
            "two-args",
            "two many-valued predicates in one query",
            "CK-10",
            vec![pred("arg", [string("/a"), var("x")]), pred("arg", [string("/b"), var("y")])],
        ),
    ];
    for (slug, comment, req, body) in args {
        form(file, slug, comment, req, &with(reject_if(query(body, []))));
    }
    form(
        file,
        "variable-unbound",
        "an expression over a variable that no predicate binds",
        "CK-9",
        &with(check_if([time_query([v("method").eq(lit("GET"))])])),
    );
}

fn expression_shapes(file: &mut File) {
    // Each stands alone behind `time($time)`.
    let with = |expression: Expr, version: Option<u64>| {
        let (plan, twin) = base(version);
        (plan.check(check_if([time_query([expression])])), twin)
    };
    let t = || truth(true);
    let shapes: Vec<(&str, &str, &str, Expr, Option<u64>)> = vec![
        ("op-regex", "a regular expression", "CK-13", lit("GET").op(binary::REGEX, lit("G.*")), None),
        ("op-add", "an addition", "CK-13", num(1).op(binary::ADD, num(2)).eq(num(3)), None),
        ("op-strict-and", "the strict `and`", "CK-13", t().op(binary::AND, t()), None),
        ("op-strict-or", "the strict `or`", "CK-13", t().op(binary::OR, t()), None),
        (
            "op-intersection",
            "an intersection of sets",
            "CK-13",
            Expr::from(Term::Set(vec![Term::Int(1)]))
                .op(binary::INTERSECTION, Term::Set(vec![Term::Int(1)]))
                .contains(num(1)),
            None,
        ),
        ("op-bitwise", "a bitwise `and`", "CK-13", num(1).op(binary::BITWISE_AND, num(1)).eq(num(1)), Some(4)),
        ("op-heterogeneous-equal", "`==`", "CK-13", num(1).op(binary::HETEROGENEOUS_EQUAL, num(1)), Some(6)),
        ("op-heterogeneous-not-equal", "`!=`", "CK-13", num(1).op(binary::HETEROGENEOUS_NOT_EQUAL, num(2)), Some(6)),
        (
            "op-any",
            "`any` over a set",
            "CK-13",
            Expr::from(Term::Set(vec![Term::Int(1)])).closure(binary::ANY, &[], t()),
            Some(6),
        ),
        (
            "op-all",
            "`all` over a set",
            "CK-13",
            Expr::from(Term::Set(vec![Term::Int(1)])).closure(binary::ALL, &[], t()),
            Some(6),
        ),
        ("op-try-or", "`try_or`", "CK-13", t().closure(binary::TRY_OR, &[], t()), Some(6)),
        ("op-unknown-binary", "a binary operator that Biscuit does not have", "CK-13", t().op(30, t()), None),
        ("op-type-of", "`type()`", "CK-13", num(1).apply(unary::TYPE_OF).eq(lit("integer")), Some(6)),
        ("op-unknown-unary", "a unary operator that Biscuit does not have", "CK-13", t().apply(5), None),
        (
            "op-foreign",
            "a foreign function",
            "TK-9",
            Expr(vec![Op::Value(Term::Int(1)), Op::Foreign(false, "f".into())]),
            Some(6),
        ),
        (
            "closure-parameter",
            "a closure with a parameter",
            "TK-9",
            t().closure(binary::LAZY_AND, &["p"], t()),
            Some(6),
        ),
        (
            "stack-empty",
            "an operator with one operand too few",
            "CK-14",
            Expr(vec![Op::Value(Term::Bool(true)), Op::Binary(binary::EQUAL)]),
            None,
        ),
        (
            "stack-two",
            "two values left",
            "CK-14",
            Expr(vec![Op::Value(Term::Bool(true)), Op::Value(Term::Bool(true))]),
            None,
        ),
        ("expression-empty", "an expression without operations", "CK-14", Expr(vec![]), None),
        ("closure-empty", "an empty closure", "CK-14", t().closure(binary::LAZY_AND, &[], Expr(vec![])), Some(6)),
        (
            "closure-two-values",
            "a closure that leaves two values",
            "CK-14",
            t().closure(binary::LAZY_AND, &[], Expr(vec![Op::Value(Term::Bool(true)), Op::Value(Term::Bool(true))])),
            Some(6),
        ),
        (
            "closure-alone",
            "a closure that no operator takes",
            "CK-15",
            Expr(vec![Op::Value(Term::Bool(true)), Op::Closure(vec![], t().0)]),
            Some(6),
        ),
        (
            "closure-before-unary",
            "a closure before `!`",
            "CK-15",
            Expr(vec![Op::Closure(vec![], t().0), Op::Unary(unary::NEGATE)]),
            Some(6),
        ),
        ("closure-before-equal", "a closure before `===`", "CK-15", t().closure(binary::EQUAL, &[], t()), Some(6)),
        ("lazy-without-closure", "a lazy `and` without a closure", "CK-15", t().op(binary::LAZY_AND, t()), Some(6)),
        ("not-variable", "`!` before a variable", "CK-16", v("time").not(), None),
        ("not-length", "`!` before a length", "CK-16", lit("x").length().not(), None),
        ("and-variable", "a variable on the left of `and`", "CK-16", v("time").and(t()), None),
        ("or-variable", "a variable on the right of `or`", "CK-16", t().or(v("time")), None),
        (
            "and-parenthesised-variable",
            "a variable in parentheses on the left of `and`",
            "CK-16",
            v("time").parens().and(t()),
            None,
        ),
        ("and-string", "a string on the left of `and`", "CK-16", lit("x").and(t()), None),
        (
            "set-mixed",
            "a set of an integer and a string",
            "CK-17",
            Expr::from(Term::Set(vec![Term::Int(1), string("read")])).contains(num(1)),
            None,
        ),
        (
            "set-of-variable",
            "a set with a variable",
            "CK-17",
            Expr::from(Term::Set(vec![var("time")])).contains(num(1)),
            None,
        ),
        ("set-of-set", "a set of sets", "CK-17", Expr::from(Term::Set(vec![Term::Set(vec![])])).contains(num(1)), None),
    ];
    for (slug, comment, req, expression, version) in shapes {
        let (plan, twin) = with(expression, version);
        form_of(file, slug, comment, req, &plan, twin);
    }
    for (slug, term) in [("null", Term::Null), ("array", Term::Array(vec![])), ("map", Term::Map(vec![]))] {
        let (plan, twin) = with(Expr::from(term).eq(num(1)), Some(6));
        form_of(file, &format!("value-{slug}"), &format!("a value of the kind {slug}"), "TK-9", &plan, twin);
    }
}
