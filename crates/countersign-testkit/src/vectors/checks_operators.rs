//! `checks/operators.json`: every operator, holding, not holding, and where it errs.

use crate::clock::NOW;
use crate::raw_checks::{
    Expr, Predicate, Term, check_if, date, integers, lit, num, pred, query, strings, truth, v, var,
};

use super::case::{Case, File};
use super::standard::{Plan, get};

/// The predicates that bind what the expressions here use.
fn body() -> Vec<Predicate> {
    vec![pred("time", [var("time")]), pred("method", [var("method")]), pred("holder", [var("holder")])]
}

fn case(slug: &str, comment: &str, expression: Expr) -> Case {
    let plan = Plan::standard().check(check_if([query(body(), [expression])]));
    Case::new(slug, comment, &get(&plan.text()))
}

/// The outcomes of one operation: each with its name behind the slug, and what it says.
struct Outcomes {
    name: &'static str,
    holds: Vec<(&'static str, Expr)>,
    fails: Vec<(&'static str, Expr)>,
    errs: Vec<(&'static str, Expr)>,
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("checks", "operators", "every operator: holding, not holding, and in error");
    for outcomes in
        [comparisons(), equality(), strings_of(), sets(), lengths(), booleans(), laziness()].into_iter().flatten()
    {
        let Outcomes { name, holds, fails, errs } = outcomes;
        let twin = format!("checks/{name}-{}", holds[0].0);
        for (what, expression) in holds {
            file.push(
                case(&format!("{name}-{what}"), &format!("{name}, {}: holds", what.replace('-', " ")), expression)
                    .req("CK-21")
                    .req("CK-25")
                    .req("CK-14"),
            );
        }
        for (what, expression) in fails {
            file.push(
                case(
                    &format!("{name}-{what}"),
                    &format!("{name}, {}: does not hold", what.replace('-', " ")),
                    expression,
                )
                .req("CK-22")
                .deny(11, "check_failed", &twin),
            );
        }
        for (what, expression) in errs {
            file.push(
                case(&format!("{name}-{what}"), &format!("{name}, {}: an error", what.replace('-', " ")), expression)
                    .req("CK-24")
                    .req("CK-25")
                    .deny(11, "check_error", &twin),
            );
        }
    }
    result(&mut file);
    file
}

fn day(offset: i64) -> Expr {
    date(NOW + offset).into()
}

fn set(term: Term) -> Expr {
    term.into()
}

fn bytes(value: &[u8]) -> Expr {
    Term::Bytes(value.to_vec()).into()
}

fn comparisons() -> Vec<Outcomes> {
    vec![
        Outcomes {
            name: "less",
            holds: vec![
                ("integers", num(1).lt(num(2))),
                ("negative", num(-1).lt(num(0))),
                ("extremes", num(i64::MIN).lt(num(i64::MAX))),
                ("dates", v("time").lt(day(1))),
            ],
            fails: vec![("equal-integers", num(2).lt(num(2))), ("equal-dates", v("time").lt(day(0)))],
            errs: vec![
                ("strings", lit("a").lt(lit("b"))),
                ("integer-and-date", num(1).lt(v("time"))),
                ("booleans", truth(false).lt(truth(true))),
                ("bytes", bytes(b"a").lt(bytes(b"b"))),
            ],
        },
        Outcomes {
            name: "less-or-equal",
            holds: vec![("equal-integers", num(2).le(num(2))), ("equal-dates", v("time").le(day(0)))],
            fails: vec![("integers", num(3).le(num(2))), ("dates", v("time").le(day(-1)))],
            errs: vec![("strings", lit("a").le(lit("a"))), ("date-and-integer", v("time").le(num(2_000_000_000)))],
        },
        Outcomes {
            name: "greater",
            holds: vec![
                ("integers", num(2).gt(num(1))),
                ("negative", num(-1).gt(num(-2))),
                ("dates", v("time").gt(day(-1))),
            ],
            fails: vec![("equal-integers", num(2).gt(num(2))), ("equal-dates", v("time").gt(day(0)))],
            errs: vec![("strings", lit("b").gt(lit("a"))), ("sets", set(integers([1, 2])).gt(set(integers([1]))))],
        },
        Outcomes {
            name: "greater-or-equal",
            holds: vec![("equal-integers", num(2).ge(num(2))), ("equal-dates", v("time").ge(day(0)))],
            fails: vec![("integers", num(1).ge(num(2))), ("dates", v("time").ge(day(1)))],
            errs: vec![("strings", lit("b").ge(lit("b")))],
        },
    ]
}

fn equality() -> Vec<Outcomes> {
    vec![
        Outcomes {
            name: "equal",
            holds: vec![
                ("strings", v("method").eq(lit("GET"))),
                ("integers", num(-7).eq(num(-7))),
                ("dates", v("time").eq(day(0))),
                ("bytes", bytes(b"\x00\xff").eq(bytes(b"\x00\xff"))),
                ("booleans", truth(false).eq(truth(false))),
                ("sets", set(integers([1, 2])).eq(set(integers([1, 2])))),
                ("empty-sets", set(Term::Set(vec![])).eq(set(Term::Set(vec![])))),
                ("comparisons", num(1).lt(num(2)).parens().eq(truth(true))),
            ],
            fails: vec![
                ("other-case", v("method").eq(lit("get"))),
                ("other-integers", num(7).eq(num(-7))),
                ("prefix-of-bytes", bytes(b"ab").eq(bytes(b"a"))),
                ("other-sets", set(integers([1, 2])).eq(set(integers([1])))),
                ("sets-of-two-kinds", set(integers([1])).eq(set(strings(&["a"])))),
                ("composed-letters", lit("\u{e9}").eq(lit("e\u{301}"))),
            ],
            errs: vec![
                ("integer-and-string", num(1).eq(lit("1"))),
                ("integer-and-date", num(NOW).eq(v("time"))),
                ("string-and-bytes", lit("a").eq(bytes(b"a"))),
                ("integer-and-boolean", num(1).eq(truth(true))),
                ("set-and-integer", set(integers([1])).eq(num(1))),
            ],
        },
        Outcomes {
            name: "not-equal",
            holds: vec![
                ("strings", v("method").ne(lit("POST"))),
                ("integers", num(1).ne(num(2))),
                ("dates", v("time").ne(day(1))),
                ("bytes", v("holder").ne(bytes(&[7; 32]))),
                ("booleans", truth(true).ne(truth(false))),
                ("sets", set(integers([1])).ne(set(integers([2])))),
                ("sets-of-two-kinds", set(integers([1])).ne(set(strings(&["a"])))),
            ],
            fails: vec![("same-strings", v("method").ne(lit("GET"))), ("same-dates", v("time").ne(day(0)))],
            errs: vec![("integer-and-string", num(1).ne(lit("1"))), ("date-and-integer", v("time").ne(num(1)))],
        },
    ]
}

fn strings_of() -> Vec<Outcomes> {
    vec![
        Outcomes {
            name: "starts-with",
            holds: vec![
                ("prefix", v("method").starts_with(lit("GE"))),
                ("itself", v("method").starts_with(lit("GET"))),
                ("empty", v("method").starts_with(lit(""))),
            ],
            fails: vec![
                ("longer", v("method").starts_with(lit("GETS"))),
                ("other-case", v("method").starts_with(lit("g"))),
                ("reversed", lit("GE").starts_with(v("method"))),
            ],
            errs: vec![("bytes", bytes(b"ab").starts_with(bytes(b"a"))), ("integer", v("method").starts_with(num(1)))],
        },
        Outcomes {
            name: "ends-with",
            holds: vec![
                ("suffix", v("method").ends_with(lit("ET"))),
                ("itself", v("method").ends_with(lit("GET"))),
                ("empty", v("method").ends_with(lit(""))),
            ],
            fails: vec![("longer", v("method").ends_with(lit("AGET"))), ("prefix", v("method").ends_with(lit("GE")))],
            errs: vec![("date", v("time").ends_with(lit("0"))), ("set", set(strings(&["GET"])).ends_with(lit("T")))],
        },
        Outcomes {
            name: "contains-string",
            holds: vec![
                ("inner", v("method").contains(lit("E"))),
                ("itself", v("method").contains(lit("GET"))),
                ("empty", v("method").contains(lit(""))),
                ("inside-a-letter", lit("caf\u{e9}s").contains(lit("\u{e9}"))),
            ],
            fails: vec![("absent", v("method").contains(lit("GT"))), ("other-case", v("method").contains(lit("e")))],
            errs: vec![
                ("integer", lit("1").contains(num(1))),
                ("bytes", v("holder").contains(bytes(b""))),
                ("integer-left", num(11).contains(num(1))),
                ("string-and-set", v("method").contains(set(strings(&["GET"])))),
            ],
        },
    ]
}

fn sets() -> Vec<Outcomes> {
    let holder = crate::keys::Key::named("agent").public().to_vec();
    let dates = |values: &[i64]| set(Term::Set(values.iter().map(|unix| date(*unix)).collect()));
    let empty = || set(Term::Set(vec![]));
    vec![
        Outcomes {
            name: "contains-element",
            holds: vec![
                ("string", set(strings(&["GET", "HEAD"])).contains(v("method"))),
                ("default-string", set(strings(&["read", "write"])).contains(lit("write"))),
                ("integer", set(integers([-5, 0, 7])).contains(num(-5))),
                ("date", dates(&[NOW - 1, NOW]).contains(v("time"))),
                ("bytes", set(Term::Set(vec![Term::Bytes(vec![7]), Term::Bytes(holder)])).contains(v("holder"))),
                ("boolean", set(Term::Set(vec![Term::Bool(false), Term::Bool(true)])).contains(truth(true))),
            ],
            fails: vec![
                ("absent", set(strings(&["HEAD", "POST"])).contains(v("method"))),
                ("prefix", set(strings(&["GETS"])).contains(v("method"))),
                ("of-empty", empty().contains(v("method"))),
                ("of-other-kind", set(integers([1, 2])).contains(v("method"))),
                ("date-of-integers", set(integers([NOW])).contains(v("time"))),
            ],
            errs: vec![("of-integer", num(1).contains(num(1)))],
        },
        Outcomes {
            name: "contains-set",
            holds: vec![
                ("part", set(integers([1, 2, 3])).contains(set(integers([1, 3])))),
                ("itself", set(integers([1, 2])).contains(set(integers([1, 2])))),
                ("empty", set(integers([1])).contains(empty())),
                ("empty-in-empty", empty().contains(empty())),
            ],
            fails: vec![
                ("overlapping", set(integers([1, 2])).contains(set(integers([2, 3])))),
                ("greater", set(integers([1])).contains(set(integers([1, 2])))),
                ("of-other-kind", set(integers([1])).contains(set(strings(&["a"])))),
            ],
            errs: vec![],
        },
    ]
}

fn lengths() -> Vec<Outcomes> {
    vec![Outcomes {
        name: "length",
        holds: vec![
            ("string", v("method").length().eq(num(3))),
            ("of-utf8-bytes", lit("caf\u{e9}").length().eq(num(5))),
            ("bytes", v("holder").length().eq(num(32))),
            ("set", set(integers([4, 5])).length().eq(num(2))),
            ("empty", lit("").length().eq(num(0))),
        ],
        fails: vec![("of-letters", lit("caf\u{e9}").length().eq(num(4)))],
        errs: vec![
            ("integer", num(3).length().eq(num(1))),
            ("date", v("time").length().gt(num(0))),
            ("boolean", truth(true).length().gt(num(0))),
        ],
    }]
}

fn booleans() -> Vec<Outcomes> {
    let yes = || num(1).eq(num(1));
    let no = || num(1).eq(num(2));
    vec![
        Outcomes {
            name: "not",
            holds: vec![
                ("comparison", no().not()),
                ("constant", truth(false).not()),
                ("twice", yes().parens().not().parens().not()),
                ("parentheses", no().parens().not()),
            ],
            fails: vec![("true", yes().not())],
            errs: vec![],
        },
        Outcomes {
            name: "and",
            holds: vec![
                ("both", yes().and(yes())),
                ("constants", truth(true).and(truth(true))),
                ("nested", yes().and(yes().and(yes()).parens())),
            ],
            fails: vec![("left", no().and(yes())), ("right", yes().and(no()))],
            errs: vec![],
        },
        Outcomes {
            name: "or",
            holds: vec![
                ("left", yes().or(no())),
                ("right", no().or(yes())),
                ("not-inside", no().or(no().parens().not())),
            ],
            fails: vec![("neither", no().or(no()))],
            errs: vec![],
        },
        Outcomes {
            name: "parentheses",
            holds: vec![("group", no().and(no()).parens().or(yes())), ("value", num(1).parens().eq(num(1)))],
            fails: vec![("other-group", no().and(no().or(yes()).parens()))],
            errs: vec![],
        },
    ]
}

fn laziness() -> Vec<Outcomes> {
    let yes = || num(1).eq(num(1));
    let no = || num(1).eq(num(2));
    let error = || num(1).eq(lit("1"));
    vec![
        Outcomes {
            name: "lazy-or",
            holds: vec![("skips-error", yes().or(error()))],
            fails: vec![],
            errs: vec![("right-errs", no().or(error())), ("left-errs", error().or(yes()))],
        },
        Outcomes {
            name: "lazy-and",
            holds: vec![("skips-error-inside-or", no().and(error()).parens().or(yes()))],
            fails: vec![("skips-error", no().and(error()))],
            errs: vec![("right-errs", yes().and(error())), ("left-errs", error().and(no()))],
        },
    ]
}

fn result(file: &mut File) {
    let twin = "checks/equal-strings";
    for (slug, comment, expression) in [
        ("result-string", "an expression that is a string", v("method")),
        ("result-date", "an expression that is a date", v("time")),
        ("result-integer", "an expression that is an integer", num(1)),
        ("result-length", "an expression that is a length", v("method").length()),
        ("result-set", "an expression that is a set", set(integers([1]))),
    ] {
        file.push(case(slug, comment, expression).req("CK-26").deny(11, "check_error", twin));
    }
    file.push(case("result-true", "an expression that is the constant true", truth(true)).req("CK-26"));
    file.push(case("result-false", "an expression that is the constant false", truth(false)).req("CK-22").deny(
        11,
        "check_failed",
        "checks/result-true",
    ));
}
