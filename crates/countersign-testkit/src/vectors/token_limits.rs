//! `token/limits.json`: every limit of the token, at its edge and one above.

use crate::clock::EXPIRES;
use crate::keys::Key;
use crate::raw_checks::{
    Check, Expr, Term, check_if, check_one, expiry, integers, lit, pred, query, string, truth, v, var,
};

use super::case::{Case, File};
use super::standard::{Plan, first_agent, get, get_by, later_agent, right};

/// The names of the holders in a chain of seven, and their keys.
pub const CHAIN: [&str; 8] =
    ["agent", "sub-agent", "third-agent", "holder-4", "holder-5", "holder-6", "holder-7", "holder-8"];

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("token", "limits", "each limit of a token, at the edge and above it");
    size(&mut file);
    blocks(&mut file);
    facts(&mut file);
    checks(&mut file);
    file
}

fn above(file: &mut File, slug: &str, comment: &str, req: &str, plan: &Plan, twin: &str) {
    let twin = format!("token/{twin}");
    file.push(Case::new(slug, comment, &get(&plan.text())).req(req).attack(52).deny(4, "limit_exceeded", &twin));
}

fn at(file: &mut File, slug: &str, comment: &str, req: &str, plan: &Plan) {
    file.push(Case::new(slug, comment, &get(&plan.text())).req(req));
}

/// A token of exactly this many bytes, filled up with checks that hold.
fn sized(bytes: usize) -> Plan {
    let filler = |length: usize| check_one("purpose", |p| p.ne(lit(&"x".repeat(length))));
    for tail in 1..1024 {
        for head in [900, 901, 902] {
            let plan = [head, 1000, 1001, 1002].into_iter().fold(Plan::standard(), |plan, n| plan.check(filler(n)));
            // A different letter keeps the strings apart at equal lengths.
            let plan = plan.check(check_one("purpose", |p| p.ne(lit(&"y".repeat(tail)))));
            if plan.sign().sealed().len() == bytes {
                return plan;
            }
        }
    }
    panic!("no filler gives {bytes} bytes");
}

fn size(file: &mut File) {
    at(file, "size-5120", "a token of 5,120 bytes, 6,827 characters", "TK-2", &sized(5120));
    let big = sized(5121).text();
    file.push(
        Case::new("size-5121", "a token of 5,121 bytes, 6,828 characters", &get(&big)).req("TK-2").attack(52).deny(
            1,
            "limit_exceeded",
            "token/size-5120",
        ),
    );
    file.push(
        Case::new(
            "size-garbage",
            "6,828 characters that are no token at all: told before anything is decoded",
            &get(&"A".repeat(6828)),
        )
        .req("TK-2")
        .attack(52)
        .deny(1, "limit_exceeded", "request/get"),
    );
}

fn blocks(file: &mut File) {
    let restricted = |count: i64| (1..=count).fold(Plan::standard(), |plan, n| plan.restrict([expiry(EXPIRES + n)]));
    at(file, "blocks-12", "12 blocks", "TK-13", &restricted(11));
    above(file, "blocks-13", "13 blocks", "TK-13", &restricted(12), "blocks-12");

    let chain = |hops: usize| {
        (0..hops).fold(Plan::deep(6), |plan, hop| {
            let left = 5 - i64::try_from(hop).unwrap_or(i64::MAX);
            let depth = if left > 0 { Some(left) } else { None };
            plan.delegate(CHAIN[hop], &format!("bot-{}", hop + 2), CHAIN[hop + 1], depth)
        })
    };
    let agents = || {
        let later = (0..6).map(|hop| later_agent(&format!("bot-{}", hop + 2), CHAIN[hop + 1], CHAIN[hop]));
        std::iter::once(first_agent()).chain(later)
    };
    file.push(
        Case::new("delegations-6", "6 delegations", &get_by(CHAIN[6], &chain(6).text())).req("TK-47").agents(agents()),
    );
    file.push(
        Case::new("delegations-7", "7 delegations", &get_by(CHAIN[7], &chain(7).text())).req("TK-47").attack(54).deny(
            4,
            "delegation_depth",
            "token/delegations-6",
        ),
    );
    let full = (1..=5).fold(chain(6), |plan, n| plan.restrict([expiry(EXPIRES + n)]));
    file.push(
        Case::new(
            "signatures-19",
            "12 blocks of which 6 are delegations, sealed: 19 signatures",
            &get_by(CHAIN[6], &full.text()),
        )
        .req("TK-13")
        .req("TK-47")
        .agents(agents()),
    );
}

fn facts(file: &mut File) {
    let rights = |count: usize| {
        (0..count)
            .fold(Plan::standard().rights([]), |plan, n| plan.fact(right("http", "/calendars", &format!("{n:x}"))))
    };
    let last = |count: usize| rights(count - 1).fact(right("http", "/calendars", "GET"));
    at(file, "rights-128", "128 rights; the last one is needed", "TK-30", &last(128));
    above(file, "rights-129", "129 rights", "TK-30", &last(129), "rights-128");
    // Few strings in many pairs, so that the token itself is not too long.
    let needed = Plan::standard().rights([right("http", "/calendars", "GET")]);
    let paired = (0..201 - 8)
        .fold(needed, |plan, n| plan.fact(right(&format!("{:x}", n / 14), "/calendars", &format!("{:x}", n % 14))));
    above(file, "facts-201", "201 facts, too many of them rights", "TK-25", &paired, "rights-128");

    let approvals = |count: usize| {
        (0..count).fold(Plan::standard(), |plan, n| {
            let key = Term::Bytes(Key::named("approver").public().to_vec());
            plan.fact(pred("approval", [string("email"), string(format!("send-{n}")), key]))
        })
    };
    at(file, "approvals-16", "16 approvals, all for other operations", "TK-30", &approvals(16));
    above(file, "approvals-17", "17 approvals", "TK-30", &approvals(17), "approvals-16");
    let metered = |count: usize| {
        (0..count).fold(Plan::standard(), |plan, n| {
            plan.fact(pred("metered", [string("daily"), string("email"), string(format!("send-{n}"))]))
        })
    };
    at(file, "metered-16", "16 `metered`, all for other operations", "TK-30", &metered(16));
    above(file, "metered-17", "17 `metered`", "TK-30", &metered(17), "metered-16");
    // All are metered for another operation, so that none of them counts this request.
    let budgets = |count: usize| {
        (0..count).fold(metered(1), |plan, n| {
            plan.fact(pred(
                "budget",
                [string("daily"), string("calls"), Term::Int(i64::try_from(n).unwrap_or(0) + 1), Term::Int(86_400)],
            ))
        })
    };
    at(file, "budgets-8", "8 budgets, none of which counts this operation", "TK-30", &budgets(8));
    above(file, "budgets-9", "9 budgets", "TK-30", &budgets(9), "budgets-8");
}

fn checks(file: &mut File) {
    let many = |count: i64| (1..count).fold(Plan::standard(), |plan, n| plan.check(expiry(EXPIRES + n)));
    at(file, "checks-64", "64 checks in the authority block", "TK-25", &many(64));
    above(file, "checks-65", "65 checks in the authority block", "TK-25", &many(65), "checks-64");
    let one = |check: Check| Plan::standard().check(check);
    let alternatives = |count: usize| {
        let last = count - 1;
        one(check_if((0..count).map(|n| {
            query([pred("method", [var("method")])], [v("method").eq(lit(if n == last { "GET" } else { "PUT" }))])
        })))
    };
    at(file, "queries-16", "16 alternatives; the last one holds", "CK-3", &alternatives(16));
    above(file, "queries-17", "17 alternatives", "CK-3", &alternatives(17), "queries-16");
    // 1 + 21 × 3 operations: a value, then closure, value and `&&` each time.
    let sixty_four = || (0..21).fold(truth(true), |left, _| left.and(truth(true)));
    let operations = |expression: Expr| one(check_if([query([pred("method", [var("method")])], [expression])]));
    at(file, "operations-64", "64 operations, those in closures counted", "CK-12", &operations(sixty_four()));
    above(file, "operations-65", "65 operations", "CK-12", &operations(sixty_four().parens()), "operations-64");
    let set = |count: i64| {
        one(check_if([query(
            [pred("method", [var("method")])],
            [Expr::from(integers(0..count)).contains(Term::Int(0))],
        )]))
    };
    at(file, "set-128", "a set of 128 integers", "CK-18", &set(128));
    above(file, "set-129", "a set of 129 integers", "CK-18", &set(129), "set-128");
    debug_assert_eq!(sixty_four().count(), 64);
}
