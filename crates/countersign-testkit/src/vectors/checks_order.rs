//! `checks/order.json`, `checks/restrictions.json`, `checks/work.json`.

use crate::clock::NOW;
use crate::raw_checks::{
    Check, Expr, Predicate, Query, check_if, check_one, date, expiry, integers, lit, num, pred, query, reject_if,
    strings, v, var,
};

use super::case::{Case, File};
use super::standard::{PURPOSE, Plan, SERVICE, USER, get, get_target, right};

pub(super) fn method() -> Predicate {
    pred("method", [var("method")])
}

/// A query over `method` with these expressions.
fn of(expressions: impl IntoIterator<Item = Expr>) -> Query {
    query([method()], expressions)
}

fn yes() -> Expr {
    v("method").eq(lit("GET"))
}

fn no() -> Expr {
    v("method").eq(lit("HEAD"))
}

pub(super) fn error() -> Expr {
    v("method").eq(num(1))
}

pub(super) fn case(slug: &str, comment: &str, checks: Vec<Check>) -> Case {
    let plan = checks.into_iter().fold(Plan::standard(), Plan::check);
    Case::new(slug, comment, &get(&plan.text()))
}

/// `checks/order.json`.
#[must_use]
pub fn order() -> File {
    let mut file = File::new("checks", "order", "what is evaluated, in which order, and what decides");
    let failed = |case: Case, twin: &str| case.deny(11, "check_failed", &format!("checks/{twin}"));
    let errs = |case: Case, twin: &str| case.deny(11, "check_error", &format!("checks/{twin}"));

    file.push(case("expressions", "two expressions that hold", vec![check_if([of([yes(), yes()])])]).req("CK-21"));
    file.push(failed(
        case(
            "expressions-second-false",
            "the second of two expressions does not hold",
            vec![check_if([of([yes(), no()])])],
        )
        .req("CK-22"),
        "expressions",
    ));
    file.push(failed(
        case(
            "expressions-false-before-error",
            "the first is false, so the second, which would err, is not evaluated",
            vec![check_if([of([no(), error()])])],
        )
        .req("CK-21")
        .req("CK-24"),
        "expressions",
    ));
    file.push(errs(
        case(
            "expressions-error-before-false",
            "the first errs, though the second is false",
            vec![check_if([of([error(), no()])])],
        )
        .req("CK-24"),
        "expressions",
    ));

    file.push(
        case(
            "alternatives-first",
            "the first alternative holds; the second, which would err, is not evaluated",
            vec![check_if([of([yes()]), of([error()])])],
        )
        .req("CK-22")
        .req("CK-24"),
    );
    file.push(
        case("alternatives-second", "the second alternative holds", vec![check_if([of([no()]), of([yes()])])])
            .req("CK-22"),
    );
    file.push(failed(
        case("alternatives-neither", "neither alternative holds", vec![check_if([of([no()]), of([no()])])])
            .req("CK-22"),
        "alternatives-second",
    ));
    file.push(errs(
        case(
            "alternatives-error-first",
            "the first alternative errs, though the second would hold",
            vec![check_if([of([error()]), of([yes()])])],
        )
        .req("CK-24"),
        "alternatives-second",
    ));
    file.push(errs(
        case(
            "alternatives-error-last",
            "the first is false, the second errs",
            vec![check_if([of([no()]), of([error()])])],
        )
        .req("CK-24"),
        "alternatives-second",
    ));

    file.push(
        case("reject-false", "a `reject if` that does not hold", vec![reject_if(of([no()]))]).req("CK-23").req("CK-1"),
    );
    file.push(failed(
        case("reject-true", "a `reject if` that holds", vec![reject_if(of([yes()]))]).req("CK-23"),
        "reject-false",
    ));
    file.push(errs(
        case("reject-error", "a `reject if` that errs", vec![reject_if(of([error()]))]).req("CK-24"),
        "reject-false",
    ));
    file.push(
        case(
            "reject-false-before-error",
            "a `reject if` that is false before it would err",
            vec![reject_if(of([no(), error()]))],
        )
        .req("CK-21"),
    );
    file.push(failed(
        case("reject-bare", "a `reject if` of a predicate alone, which has a fact", vec![reject_if(of([]))])
            .req("CK-23"),
        "reject-absent",
    ));
    file.push(
        case(
            "reject-absent",
            "a `reject if` of a predicate alone, which has no fact",
            vec![reject_if(query([pred("tool", [var("tool")])], []))],
        )
        .req("CK-21"),
    );

    let two = |first: Check, second: Check| vec![first, second];
    let failing = || check_if([of([no()])]);
    let erring = || check_if([of([error()])]);
    let passing = || check_if([of([yes()])]);
    file.push(case("checks-both", "two checks that pass", two(passing(), passing_other())).req("CK-20"));
    file.push(failed(
        case("checks-failed-first", "a check that fails before one that errs", two(failing(), erring())).req("CK-20"),
        "checks-both",
    ));
    file.push(errs(
        case("checks-error-first", "a check that errs before one that fails", two(erring(), failing())).req("CK-20"),
        "checks-both",
    ));
    file.push(failed(
        case("checks-last-fails", "the last check fails", two(passing(), failing())).req("CK-20"),
        "checks-both",
    ));

    let blocks = |slug: &str, comment: &str, own: Check, later: Check| {
        Case::new(slug, comment, &get(&Plan::standard().check(own).restrict([later]).text())).req("CK-20")
    };
    file.push(blocks("blocks-both", "a check in each of two blocks; both pass", passing(), passing()));
    file.push(failed(
        blocks("blocks-later-fails", "the later block's check fails", passing(), failing()),
        "blocks-both",
    ));
    file.push(errs(blocks("blocks-later-errs", "the later block's check errs", passing(), erring()), "blocks-both"));
    file.push(failed(
        blocks(
            "blocks-failed-before-error",
            "the authority block's check fails, the later one would err",
            failing(),
            erring(),
        ),
        "blocks-both",
    ));
    file.push(errs(
        blocks(
            "blocks-error-before-failed",
            "the authority block's check errs, the later one would fail",
            erring(),
            failing(),
        ),
        "blocks-both",
    ));
    let right_first = Plan::standard().rights([right("http", "/other", "GET")]).check(erring());
    file.push(
        Case::new("right-before-checks", "no right, and a check that would err", &get(&right_first.text()))
            .req("VF-29")
            .req("VF-31")
            .deny(11, "right_missing", "verify/right-equal"),
    );
    file
}

fn passing_other() -> Check {
    check_if([of([v("method").starts_with(lit("G"))])])
}

/// `checks/restrictions.json`: the typed restrictions.
#[must_use]
pub fn restrictions() -> File {
    let mut file =
        File::new("checks", "restrictions", "the restrictions that libraries offer by name, as they are written");
    let under = |root: &str| {
        check_if([
            query([pred("resource", [var("resource")])], [v("resource").eq(lit(root))]),
            query([pred("resource", [var("resource")])], [v("resource").starts_with(lit(&format!("{root}/")))]),
        ])
    };
    let to = |check: Check, target: &str| {
        get_target(target, &Plan::standard().rights([right("http", "/", "GET")]).check(check).text())
    };
    let allowed = |slug: &str, comment: &str, check: Check, target: &str| {
        Case::new(slug, comment, &to(check, target)).right("http:/:GET").req("CK-40")
    };
    file.push(allowed("resource-under", "resource_under: beneath", under("/docs"), "/docs/a.md").req("CK-41"));
    file.push(
        allowed("resource-under-itself", "resource_under: the resource itself", under("/docs"), "/docs").req("CK-41"),
    );
    file.push(
        allowed("resource-under-slash", "resource_under: the resource itself with a slash", under("/docs"), "/docs/")
            .req("CK-41"),
    );
    for (slug, target) in
        [("resource-under-sibling", "/docs-old"), ("resource-under-above", "/"), ("resource-under-case", "/Docs/a.md")]
    {
        file.push(
            Case::new(slug, "resource_under: not beneath", &to(under("/docs"), target)).req("CK-41").attack(59).deny(
                11,
                "check_failed",
                "checks/resource-under",
            ),
        );
    }
    file.push(
        allowed(
            "resource-under-root",
            "resource_under /: the second alternative alone",
            check_one("resource", |r| r.starts_with(lit("/"))),
            "/docs",
        )
        .req("CK-41"),
    );
    file.push(allowed("resource-is", "resource_is", check_one("resource", |r| r.eq(lit("/docs"))), "/docs"));
    file.push(
        Case::new(
            "resource-is-slash",
            "resource_is: with a slash it is another resource",
            &to(check_one("resource", |r| r.eq(lit("/docs"))), "/docs/"),
        )
        .req("CK-40")
        .deny(11, "check_failed", "checks/resource-is"),
    );
    let not_before =
        |unix: i64| case("", "", vec![check_one("time", |t| t.ge(Expr::from(date(unix))))]).req("CK-40").attack(65);
    file.push(not_before(NOW).named("not-before", "not_before: the date itself"));
    file.push(not_before(NOW + 1).named("not-before-early", "not_before: a second early").deny(
        11,
        "check_failed",
        "checks/not-before",
    ));
    for (slug, name, good, bad) in [
        ("services", "service", SERVICE, "https://mail.example.com"),
        ("types", "type", "http", "email"),
        ("actions", "action", "GET", "POST"),
        ("methods", "method", "GET", "POST"),
        ("users", "user", USER, "bob@example.com"),
        ("purposes", "purpose", PURPOSE, "billing"),
        ("bindings", "binding", "ed25519", "hmac"),
    ] {
        let one = |value: &str| vec![check_one(name, |x| x.eq(lit(value)))];
        let several = |mut values: Vec<&str>| {
            values.sort_unstable();
            vec![check_one(name, |x| Expr::from(strings(&values)).contains(x))]
        };
        file.push(case(&format!("{slug}-one"), &format!("{slug} with one value"), one(good)).req("CK-40"));
        file.push(
            case(&format!("{slug}-one-other"), &format!("{slug} with another value"), one(bad))
                .req("CK-40")
                .attack(42)
                .deny(11, "check_failed", &format!("checks/{slug}-one")),
        );
        file.push(
            case(&format!("{slug}-several"), &format!("{slug} with several values"), several(vec![good, bad, "zz"]))
                .req("CK-40"),
        );
        file.push(
            case(
                &format!("{slug}-several-other"),
                &format!("{slug} with several other values"),
                several(vec![bad, "zz"]),
            )
            .req("CK-40")
            .deny(11, "check_failed", &format!("checks/{slug}-several")),
        );
    }
    file.push(
        case(
            "tools-outside-mcp",
            "tools, in a request that has none",
            vec![check_one("tool", |x| x.eq(lit("search")))],
        )
        .req("CK-40")
        .deny(11, "check_failed", "checks/types-one"),
    );
    let guarded = |kind: &str, action: &str| {
        let mut check = check_one("method", |m| m.eq(lit("HEAD")));
        check.queries.insert(0, query([pred("action", [var("action")])], [v("action").ne(lit(action))]));
        check.queries.insert(0, query([pred("type", [var("type")])], [v("type").ne(lit(kind))]));
        check
    };
    file.push(
        case("when-other-type", "when: a restriction for operations of another type", vec![guarded("email", "GET")])
            .req("CK-42"),
    );
    file.push(
        case("when-other-action", "when: a restriction for another action", vec![guarded("http", "POST")]).req("CK-42"),
    );
    file.push(
        case("when-this", "when: a restriction for this operation, which does not hold", vec![guarded("http", "GET")])
            .req("CK-42")
            .deny(11, "check_failed", "checks/when-other-type"),
    );
    super::checks_restrictions::extend(&mut file);
    file
}

/// `checks/work.json`. With one fact for each name no token of 5 KiB can reach the limit of
/// work: those at and above it have arguments.
#[must_use]
pub fn work() -> File {
    let mut file = File::new(
        "checks",
        "work",
        "work: the limit to the unit, the examples of the text, and what would go far beyond",
    );
    let square = || check_if([query([method()], [Expr::from(integers(0..128)).contains(integers(0..128))])]);
    let heavy = Plan::standard().check(square()).check(square()).check(square()).check(square());
    file.push(
        Case::new(
            "four-squares",
            "four times a set of 128 in a set of 128: 65,552 units and those of the expiry",
            &get(&heavy.text()),
        )
        .req("CK-27")
        .req("CK-31")
        .attack(66),
    );
    let long = format!("/calendars/{}", "a".repeat(4000));
    let scan = |needle: &str| {
        let expression =
            (0..9).fold(v("path").contains(lit(needle)), |left, _| left.or(v("path").contains(lit(needle))));
        check_if([query([pred("path", [var("path")])], [expression])])
    };
    let scans = |last: &str| Plan::standard().check(scan(last)).check(scan(last));
    file.push(
        Case::new("scans", "a path of 4,011 bytes searched again and again", &get_target(&long, &scans("aaaa").text()))
            .req("CK-27")
            .attack(66),
    );
    file.push(
        Case::new(
            "scans-in-vain",
            "the same, for something that is not there",
            &get_target(&long, &scans("zz").text()),
        )
        .req("CK-27")
        .req("CK-22")
        .attack(66)
        .deny(11, "check_failed", "checks/scans"),
    );
    let path = "/projects/2026/northern-region/quarterly-planning/working-documents/drafts/q3/report.md";
    let root = "/projects/2026/northern-region/quarterly-planning/working-documents/drafts";
    let example = check_if([
        query([pred("resource", [var("resource")])], [v("resource").eq(lit(root))]),
        query([pred("resource", [var("resource")])], [v("resource").starts_with(lit(&format!("{root}/")))]),
    ]);
    let plan = Plan::standard().rights([right("http", "/projects", "GET")]).check(example);
    file.push(
        Case::new(
            "first-example",
            "the token of the first example of the text: 14 units",
            &get_target(path, &plan.text()),
        )
        .right("http:/projects:GET")
        .req("CK-27"),
    );
    let sixty_four = (1..64).fold(Plan::standard(), |plan, n| plan.check(expiry(NOW + 3600 + n)));
    let twelve = (0..11).fold(sixty_four, |plan, n| plan.restrict([expiry(NOW + 7200 + n)]));
    file.push(
        Case::new("many-checks", "75 checks in 12 blocks", &get(&twelve.text()))
            .req("CK-20")
            .req("CK-27")
            .req("TK-13")
            .attack(66),
    );
    super::checks_work::extend(&mut file);
    file
}
