//! `verify/charges.json`: budgets, what an operation costs, and whose counter it raises.
//!
//! A vector has one time, so what a window's end does is left to named tests of each store.

use crate::clock::{EXPIRES, ISSUED};
use crate::format::{Agent, Cost};
use crate::keys::Key;
use crate::raw_checks::{Predicate, Term, date, pred, string};
use crate::raw_request::Request;
use crate::raw_token::Block;

use super::case::{Case, File};
use super::mail::{Mail, has_not};
use super::standard::{AGENT, Later, PATH, Plan, first_agent, get, get_by, later_agent, right, unsigned};
use super::verify_approvals::{FIELD, by, needed, needs, operation};

const DAY: i64 = 86_400;

fn budget(account: &str, unit: &str, amount: i64, window: i64) -> Predicate {
    pred("budget", [string(account), string(unit), Term::Int(amount), Term::Int(window)])
}

fn metered(account: &str, kind: &str, action: &str) -> Predicate {
    pred("metered", [string(account), string(kind), string(action)])
}

/// So many calls a day.
fn calls(amount: i64) -> Mail {
    Mail::new().fact(budget("daily", "calls", amount, DAY))
}

/// The request again with a nonce of its own.
fn again(mail: &Mail, number: usize) -> Request {
    mail.clone().nonce(&format!("charge-{number}")).request()
}

fn exceeded(case: Case, twin: &str) -> Case {
    case.req("VF-34").attack(57).deny(12, "budget_exceeded", &format!("verify/{twin}"))
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("verify", "charges", "budgets, what an operation costs, and whose counter it raises");
    standard(&mut file);
    amounts(&mut file);
    costs(&mut file);
    meters(&mut file);
    counters(&mut file);
    delegated(&mut file);
    refused(&mut file);
    approved(&mut file);
    file
}

/// Over the standard GET, without an operation table.
fn standard(file: &mut File) {
    let meter = |action: &str| metered("daily", "http", action);
    let day = || budget("daily", "calls", 100, DAY);
    for (slug, comment, plan) in [
        ("budget", "a budget that counts every operation", Plan::standard().fact(day())),
        ("budget-for-good", "a budget without a window", Plan::standard().fact(budget("daily", "calls", 1, 0))),
        ("budget-metered", "a budget metered for this operation", Plan::standard().fact(day()).fact(meter("GET"))),
        (
            "budget-metered-elsewhere",
            "a budget metered for another operation alone",
            Plan::standard().fact(day()).fact(meter("DELETE")),
        ),
    ] {
        file.push(Case::new(slug, comment, &get(&plan.text())).req("VF-34"));
    }
    let mut block = Block::delegation("summary-bot", &Key::named("sub-agent"), []);
    block.facts.push(day());
    let plan = with_block(Plan::deep(1), block, "agent");
    file.push(
        Case::new("budget-in-delegation", "a budget of a delegation block", &get_by("sub-agent", &plan.text()))
            .agents([first_agent(), later_agent("summary-bot", "sub-agent", "agent")])
            .req("VF-34"),
    );
    let approved = |slug: &str, comment: &str, kind: &str, action: &str| {
        let plan = Plan::standard().fact(needs(kind, action, "approver"));
        Case::new(slug, comment, &get(&plan.text())).req("VF-32")
    };
    file.push(
        approved("approval", "this operation needs an approval, and there is none", "http", "GET").attack(56).deny(
            11,
            "approval_required",
            "verify/approval-other-action",
        ),
    );
    file.push(approved("approval-other-action", "another action of the type needs an approval", "http", "POST"));
    file.push(approved("approval-other-type", "the same action of another type needs an approval", "calendar", "GET"));
    let plan = Plan::standard().fact(needs("http", "GET", "approver"));
    let request = unsigned("GET", PATH, &plan.text()).with(FIELD, "e30.c2ln");
    let mut signature = crate::raw_request::Signature::new(&Key::named("agent"));
    signature.cover("countersign-approval");
    file.push(
        Case::new(
            "approval-unread",
            "a field that is read where it is needed, and has no approval",
            &signature.sign(request),
        )
        .req("VF-32")
        .req("RQ-57")
        .attack(56)
        .deny(11, "approval_invalid", "request/protected-countersign-approval"),
    );
}

fn amounts(file: &mut File) {
    for (slug, amount, before) in [("one-of-one", 1, 0), ("two-of-two", 2, 1), ("three-of-four", 4, 2)] {
        let mail = calls(amount);
        let case = (0..before).fold(mail.case(slug, "within the amount"), |case, n| case.before(&again(&mail, n)));
        file.push(case.req("VF-34").req("VF-45"));
    }
    for (slug, amount, twin) in [("two-of-one", 1, "one-of-one"), ("three-of-two", 2, "two-of-two")] {
        let mail = calls(amount);
        let before = usize::try_from(amount).expect("a small amount");
        let case = (0..before).fold(mail.case(slug, "the amount is spent"), |case, n| case.before(&again(&mail, n)));
        file.push(exceeded(case.req("VF-45"), twin));
    }
    let mail = calls(1);
    let again_and_again = mail.case("still-spent", "it is spent still, after another was refused");
    file.push(exceeded(again_and_again.before(&again(&mail, 0)).before_denied(&again(&mail, 1)), "one-of-one"));
    let good = Mail::new().fact(budget("good", "calls", 1, 0));
    let case = good.case("for-good", "a budget for good, of which all is spent").before(&again(&good, 0));
    file.push(exceeded(case, "budget-for-good"));
    let named = |unit: &str| Mail::new().fact(budget("daily", unit, 100, DAY));
    file.push(exceeded(named("pages").case("unit-not-named", "a unit that the cost does not name"), "one-of-one"));
    file.push(exceeded(named("Calls").case("unit-case", "a unit in another case"), "one-of-one"));
    file.push(named("pages").cost("pages", Cost::Amount(3)).case("unit-named", "a unit that it names").req("VF-34"));
    let case = calls(100).cost("pages", Cost::Amount(3)).case("calls-not-named", "a cost that says nothing of calls");
    file.push(exceeded(case, "unit-named"));
    let empty = calls(100).row(|row| row.cost = Some(std::collections::BTreeMap::new()));
    file.push(exceeded(empty.case("nothing-named", "a cost of no unit"), "one-of-one"));
    let unbudgeted = Mail::new().row(|row| row.cost = Some(std::collections::BTreeMap::new()));
    file.push(unbudgeted.case("nothing-counted", "a cost of no unit where no budget counts").req("VF-34"));
    let priced = |amount: i64| calls(amount).cost("calls", Cost::Amount(5));
    file.push(priced(5).case("cost-at", "a cost of all that there is").req("VF-34"));
    file.push(exceeded(priced(4).case("cost-above", "a cost above the amount"), "cost-at"));
    let case = priced(9).case("cost-twice", "a cost above what is left").before(&again(&priced(9), 0));
    file.push(exceeded(case, "cost-at"));
    let greatest = i64::MAX;
    let case = calls(greatest).cost("calls", Cost::Amount((1 << 53) - 1));
    let most = case.case("cost-greatest", "the greatest cost, twice, of the greatest amount").before(&again(&case, 0));
    file.push(most.req("VF-34"));
}

/// What an argument says the operation costs.
fn costs(file: &mut File) {
    let spends = |body: &str, amount: i64| {
        Mail::json(body).fact(budget("total", "eur", amount, 0)).cost("eur", Cost::Argument("/n".into()))
    };
    for (slug, comment, body) in [
        ("at", "as much as there is", r#"{"n":100}"#),
        ("below", "less than there is", r#"{"n":99}"#),
        ("element", "one element of an array", r#"{"n":[100]}"#),
        ("zero", "nothing", r#"{"n":0}"#),
    ] {
        file.push(spends(body, 100).case(&format!("spends-{slug}"), comment).req("VF-34"));
    }
    for (slug, comment, body) in [
        ("above", "one more than there is", r#"{"n":101}"#),
        ("great", "the greatest integer", r#"{"n":9007199254740991}"#),
        ("absent", "no such argument", "{}"),
        ("negative", "a negative integer", r#"{"n":-1}"#),
        ("fraction", "a fraction", r#"{"n":1.5}"#),
        ("fraction-whole", "a fraction that is whole", r#"{"n":1.0}"#),
        ("string", "a string", r#"{"n":"1"}"#),
        ("boolean", "a Boolean", r#"{"n":true}"#),
        ("null", "null", r#"{"n":null}"#),
        ("object", "an object", r#"{"n":{"n":1}}"#),
        ("empty-array", "an empty array", r#"{"n":[]}"#),
        ("two-values", "two values", r#"{"n":[1,2]}"#),
        ("two-equal-values", "two equal values: what they cost together is more", r#"{"n":[1,1]}"#),
        ("value-and-null", "a value and null", r#"{"n":[1,null]}"#),
        ("value-and-object", "a value and an object", r#"{"n":[1,{}]}"#),
        ("value-and-string", "a value and a string", r#"{"n":[1,"1"]}"#),
        ("other-case", "a name in another case", r#"{"N":1}"#),
    ] {
        let case = spends(body, 100).case(&format!("spends-{slug}"), comment);
        file.push(exceeded(case, "spends-at"));
        if !matches!(slug, "above" | "great") {
            let unbudgeted = Mail::json(body).cost("eur", Cost::Argument("/n".into()));
            let comment = format!("{comment}, where no budget counts the unit");
            file.push(unbudgeted.case(&format!("spends-{slug}-uncounted"), &comment).req("VF-34"));
        }
    }
    let no_json = Mail::new().body("n=1", "text/plain").fact(budget("total", "eur", 100, 0));
    let no_json = no_json.cost("eur", Cost::Argument("/n".into()));
    file.push(exceeded(
        no_json.case("spends-not-extracted", "arguments that are not extracted").req("CK-33"),
        "spends-at",
    ));
    let parameter = |body: Option<&str>| {
        let mail = body.map_or_else(Mail::new, Mail::json).fact(budget("total", "eur", 100, 0));
        mail.to("/mail/out?n=1").cost("eur", Cost::Argument("query.n".into()))
    };
    file.push(exceeded(parameter(None).case("spends-query", "digits of the query are a string"), "spends-at"));
    let scaled = |amount: i64| spends(r#"{"n":1.5}"#, amount).scale("/n", 2);
    file.push(scaled(150).case("spends-scaled", "a fraction at scale 2").req("VF-34").req("CK-35"));
    file.push(exceeded(scaled(149).case("spends-scaled-above", "more than there is").req("CK-35"), "spends-scaled"));

    let all = spends(r#"{"n":100}"#, 100);
    let nothing = spends(r#"{"n":0}"#, 100);
    let case = nothing.case("zero-of-none", "a cost of 0 where all is spent").before(&again(&all, 0));
    file.push(case.req("VF-34"));
    let one = spends(r#"{"n":1}"#, 100).case("one-of-none", "a cost of 1 where all is spent").before(&again(&all, 0));
    file.push(exceeded(one, "zero-of-none"));
    let lowered =
        spends(r#"{"n":0}"#, 50).case("zero-of-less", "a cost of 0 where more is spent than a new token allows");
    file.push(lowered.before(&again(&all, 0)).req("VF-34"));
    // All or nothing: what one budget refuses, the other does not count.
    let both = |n: u32| spends(&format!(r#"{{"n":{n}}}"#), 100).fact(budget("daily", "calls", 1, DAY));
    let both = |n: u32| both(n).cost("calls", Cost::Amount(1));
    let case = both(100).case("all-or-nothing", "after a request that one of two budgets refused");
    file.push(case.before_denied(&again(&both(101), 0)).req("VF-45").attack(57));
    let case = both(1).case("both-counted", "after a request that both counted").before(&again(&both(1), 0));
    file.push(exceeded(case.req("VF-45"), "all-or-nothing"));
}

fn meters(file: &mut File) {
    let with = |facts: &[Predicate]| facts.iter().fold(calls(1), |mail, fact| mail.fact(fact.clone()));
    for (slug, comment, facts) in [
        ("metered-action", "metered for another action", vec![metered("daily", "email", "read")]),
        ("metered-type", "metered for another type", vec![metered("daily", "calendar", "send")]),
    ] {
        let mail = with(&facts);
        file.push(mail.case(slug, &format!("{comment}: not counted")).before(&again(&mail, 0)).req("VF-34"));
    }
    for (slug, comment, facts) in [
        ("metered-this", "metered for this operation", vec![metered("daily", "email", "send")]),
        (
            "metered-two",
            "metered for two operations, this one last",
            vec![metered("daily", "email", "read"), metered("daily", "email", "send")],
        ),
        (
            "metered-other-account",
            "another account is metered for another action",
            vec![metered("weekly", "email", "read")],
        ),
    ] {
        let mail = with(&facts);
        let case = mail.case(slug, &format!("{comment}: counted")).before(&again(&mail, 0));
        file.push(exceeded(case, "metered-action"));
    }
    let unnamed = Mail::new().fact(budget("pages", "pages", 1, DAY)).fact(metered("pages", "email", "read"));
    file.push(unnamed.case("metered-unit", "a unit that is not named, for another action").req("VF-34"));
}

/// A budget's counter is named by issuer, user, account, unit and window.
fn counters(file: &mut File) {
    let spent = || again(&calls(1), 0);
    let refreshed = |change: fn(Plan) -> Plan| {
        let plan = Plan::standard().rights([right("email", "/mail", "send")]);
        let mail = Mail::new().plan(|_| change(plan.fact(budget("daily", "calls", 1, DAY))));
        mail.nonce("refreshed")
    };
    for (slug, comment, change) in [
        ("issued", "issued later", (|plan| plan.replace(pred("issued_at", [date(ISSUED + 60)]))) as fn(Plan) -> Plan),
        ("rights", "with another right beside", |plan| plan.fact(right("email", "/", "read"))),
        ("grant", "under another grant", |plan| plan.fact(pred("grant", [string("g-2")]))),
        ("restricted", "narrowed", |plan| plan.restrict([crate::raw_checks::expiry(EXPIRES)])),
    ] {
        let case = refreshed(change).case(&format!("refreshed-{slug}"), &format!("a token {comment}: not afresh"));
        file.push(exceeded(case.before(&spent()), "one-of-one"));
    }
    let purpose = refreshed(|plan| plan.replace(pred("purpose", [string("billing")])));
    let case = purpose.case("refreshed-purpose", "a token for another purpose: not afresh").before(&spent());
    file.push(exceeded(case, "one-of-one"));
    let agent = |plan: Plan| {
        plan.replace(pred("agent", [string(AGENT), Term::Bytes(Key::named("third-agent").public().to_vec())]))
    };
    let case = refreshed(agent).by("third-agent").case("refreshed-agent", "a token of another agent: not afresh");
    file.push(exceeded(case.before(&spent()), "one-of-one"));
    let bob = refreshed(|plan| plan.replace(pred("user", [string("bob@example.com")])));
    let case = bob.case("counter-user", "another user has a counter of their own").before(&spent());
    file.push(case.expect(|expect| expect.user = Some("bob@example.com".into())).req("VF-34"));
    let mut other = refreshed(|plan| plan.replace(pred("issuer", [string("https://other.example")])));
    other.plan.root = Key::named("root-2");
    let issuer = || "https://other.example".to_owned();
    let keys = vec![Key::named("root-2").public_text()];
    file.push(
        other
            .case("counter-issuer", "another issuer's user of this name has one too")
            .config(|config| config.issuers.push(crate::format::Issuer { issuer: issuer(), keys }))
            .before(&spent())
            .expect(|expect| expect.issuer = Some(issuer()))
            .agents([Agent { claimed_by: issuer(), ..first_agent() }])
            .req("VF-34"),
    );
    let budgets = |facts: &[Predicate]| facts.iter().fold(Mail::new(), |mail, fact| mail.fact(fact.clone()));
    for (slug, comment, fact) in [
        ("account", "another account", budget("weekly", "calls", 1, DAY)),
        ("window", "another window", budget("daily", "calls", 1, 2 * DAY)),
        ("for-good", "no window", budget("daily", "calls", 1, 0)),
    ] {
        let case = budgets(&[fact]).case(&format!("counter-{slug}"), &format!("{comment}: another counter"));
        file.push(case.before(&spent()).req("VF-34"));
    }
    let pages = Mail::new().fact(budget("daily", "pages", 1, DAY));
    let priced = |mail: Mail| mail.cost("calls", Cost::Amount(1)).cost("pages", Cost::Amount(1));
    let case = priced(pages).case("counter-unit", "another unit: another counter").before(&spent());
    file.push(case.req("VF-34"));
    let raised = calls(2).case("counter-raised", "a token with a greater amount goes on counting").before(&spent());
    file.push(raised.req("VF-34"));
    let second = again(&calls(2), 1);
    let raised = calls(2).case("counter-raised-spent", "and ends there").before(&spent()).before(&second);
    file.push(exceeded(raised, "counter-raised"));
    let lowered = calls(2).nonce("lowered").case("counter-lowered", "a token with a lesser amount than is spent");
    let more = [again(&calls(5), 2), again(&calls(5), 3), again(&calls(5), 4)];
    file.push(exceeded(more.iter().fold(lowered, Case::before), "one-of-one"));
    // Two budgets of one token.
    let pair = |first: i64, second: i64, window: i64| {
        budgets(&[budget("daily", "calls", first, DAY), budget("daily", "calls", second, window)])
    };
    let same = pair(2, 5, DAY);
    let case = same.case("one-counter", "two budgets name one counter: it is raised once").before(&again(&same, 0));
    file.push(case.req("VF-34").req("VF-45"));
    for (slug, comment, mail) in [
        ("least-first", "and the least amount counts, which is the first", pair(1, 5, DAY)),
        ("least-second", "and the least amount counts, which is the second", pair(5, 1, DAY)),
        ("second-window", "two windows are two counters, and the second is spent", pair(5, 1, 0)),
        ("first-window", "two windows are two counters, and the first is spent", pair(1, 5, 0)),
    ] {
        file.push(exceeded(mail.case(slug, comment).before(&again(&mail, 0)), "one-counter"));
    }
}

/// `plan` with this delegation block behind it.
fn with_block(mut plan: Plan, block: Block, by: &str) -> Plan {
    plan.later.push(Later::Delegation(block, Box::new(Key::named(by))));
    plan
}

fn block(name: &str, to: &str, facts: &[Predicate]) -> Block {
    let mut block = Block::delegation(name, &Key::named(to), []);
    block.facts.extend(facts.iter().cloned());
    block
}

/// Parents and children.
fn delegated(file: &mut File) {
    let sub = |mail: Mail, facts: &[Predicate]| {
        let block = block("summary-bot", "sub-agent", facts);
        mail.plan(|plan| with_block(plan, block, "agent")).by("sub-agent")
    };
    let deep = |mail: Mail| mail.fact(pred("delegation_depth", [Term::Int(2)]));
    let chain = || [first_agent(), later_agent("summary-bot", "sub-agent", "agent")];
    let parent = |amount: i64| deep(calls(amount));
    let child = |amount: i64| sub(parent(amount), &[]);
    let case = child(2).case("child-shares", "a child after its parent, of two calls").before(&again(&parent(2), 0));
    file.push(case.agents(chain()).req("VF-34"));
    let case =
        child(1).case("child-after-parent", "a child after its parent, of one call").before(&again(&parent(1), 0));
    file.push(exceeded(case, "child-shares"));
    let case =
        parent(1).case("parent-after-child", "a parent after its child, of one call").before(&again(&child(1), 0));
    file.push(exceeded(case, "one-of-one"));

    let own = || sub(deep(Mail::new()), &[budget("own", "calls", 1, DAY)]);
    let free = || deep(Mail::new());
    let case = own().case("child-budget", "a budget of the child's block, after its parent's calls");
    file.push(case.before(&again(&free(), 0)).before(&again(&free(), 1)).agents(chain()).req("VF-34"));
    let case = own().case("child-budget-spent", "after a call of the child's").before(&again(&own(), 0));
    file.push(exceeded(case, "child-budget"));
    let case =
        free().case("child-budget-parent", "the parent, after the child spent its own").before(&again(&own(), 0));
    file.push(case.req("VF-34"));
    let meter = metered("own", "email", "read");
    let mail = sub(deep(Mail::new()).fact(meter), &[budget("own", "calls", 1, DAY)]);
    let case = mail.case("child-budget-metered", "`metered` says nothing of a delegation block's budget");
    file.push(exceeded(case.before(&again(&mail, 0)), "child-budget"));
    let pages = sub(deep(Mail::new()), &[budget("own", "pages", 1, DAY)]);
    file.push(exceeded(pages.case("child-budget-unit", "a unit that the cost does not name"), "child-budget"));
    let same = sub(parent(5), &[budget("daily", "calls", 1, DAY)]);
    let case = same.case("child-budget-same-name", "the child's account of the same name is another counter");
    file.push(case.before(&again(&parent(5), 0)).agents(chain()).req("VF-34"));
    let case = same.case("child-budget-same-name-spent", "which is spent for itself").before(&again(&same, 0));
    file.push(exceeded(case, "child-budget-same-name"));
    // Beneath the child, its budget counts as well.
    let grandchild = || {
        let first = block(
            "summary-bot",
            "sub-agent",
            &[pred("delegation_depth", [Term::Int(1)]), budget("own", "calls", 1, DAY)],
        );
        let second = block("mail-bot", "third-agent", &[]);
        let mail = deep(Mail::new()).plan(|plan| with_block(with_block(plan, first, "agent"), second, "sub-agent"));
        mail.by("third-agent")
    };
    let all = [
        first_agent(),
        later_agent("summary-bot", "sub-agent", "agent"),
        later_agent("mail-bot", "third-agent", "sub-agent"),
    ];
    file.push(grandchild().case("grandchild", "a holder beneath the child").agents(all).req("VF-34"));
    let case = grandchild().case("grandchild-spent", "the child's budget is spent").before(&again(&grandchild(), 0));
    file.push(exceeded(case, "grandchild"));

    // The same delegation block behind another throw-away key: another Biscuit revocation id, the same block id.
    let delegation = || block("summary-bot", "sub-agent", &[budget("own", "calls", 1, DAY)]).third_party().encode();
    let wrapped = |next: &str| {
        let mut token = deep(Mail::new()).plan.sign();
        let external = token.external(&delegation(), &Key::named("agent"));
        token.append(delegation(), Some(external), Key::named(next));
        let mut mail = deep(Mail::new()).by("sub-agent");
        mail.token = Some(token.sealed_text());
        mail
    };
    let case = wrapped("next-other").case("wrapped", "a delegation block wrapped anew").agents(chain());
    file.push(case.req("VF-34"));
    let case = wrapped("next-other").case("wrapped-spent", "its budget was spent in its first wrapping");
    file.push(exceeded(case.before(&again(&wrapped("next-1"), 0)), "wrapped"));
    let siblings = |name: &str| {
        let block = block(name, "sub-agent", &[budget("own", "calls", 1, DAY)]);
        deep(Mail::new()).plan(|plan| with_block(plan, block, "agent")).by("sub-agent")
    };
    let case = siblings("summary-bot").case("sibling", "another delegation block has another counter");
    file.push(case.before(&again(&siblings("mail-bot"), 0)).agents(chain()).req("VF-34"));
}

/// What is refused for another reason costs nothing.
fn refused(file: &mut File) {
    let elsewhere = calls(1).plan(|plan| plan.rights([right("email", "/other", "send")]));
    let failing = calls(1).check(has_not("path.box"));
    let unapproved = calls(1).fact(needs("email", "send", "approver"));
    for (slug, comment, denied) in [
        ("right", "had no right", again(&elsewhere, 0)),
        ("check", "failed a check", again(&failing, 0)),
        ("approval", "lacked an approval", again(&unapproved, 0)),
        ("ambiguous", "had a broken escape", again(&calls(1).to("/mail/out?a=%zz"), 0)),
    ] {
        let case = calls(1).case(&format!("after-{slug}"), &format!("after a request that {comment}"));
        file.push(case.before_denied(&denied).req("VF-22").req("VF-45").attack(57));
    }
    let replayed = again(&calls(2), 0);
    let case =
        calls(2).case("after-replay", "after a request that was replayed").before(&replayed).before_denied(&replayed);
    file.push(case.req("VF-22").req("VF-45").attack(57).attack(34));
    let uncounted = Mail::new();
    let case = calls(1).case("after-uncounted", "after a request under a token without budgets");
    file.push(case.before(&again(&uncounted, 0)).req("VF-34"));
}

/// Budgets and approvals are taken together.
fn approved(file: &mut File) {
    let consent = || by("approver", &operation(&needed())).text();
    // The digest is of the operation, not of the token: one approval fits tokens with and without a budget.
    let free = || needed().field(FIELD, consent());
    let counted = || free().fact(budget("daily", "calls", 1, DAY));
    let spender = again(&calls(1), 0);
    let case = free().case("approval-unburnt", "a budget refused a request with this approval: it is unused");
    file.push(case.before(&spender).before_denied(&again(&counted(), 1)).req("VF-45").req("RQ-59").attack(57));
    let case = free().case("approval-burnt", "a budget counted a request with this approval: it is used");
    let case = case.before(&again(&counted(), 1)).req("VF-45").req("RQ-59").attack(56);
    file.push(case.deny(12, "approval_invalid", "verify/approval-unburnt"));
    let case = calls(1).case("used-approval-uncharged", "a used approval refused a request: nothing is charged");
    file.push(case.before(&again(&free(), 0)).before_denied(&again(&counted(), 1)).req("VF-45").attack(57));
    let unnamed = free().fact(budget("daily", "pages", 1, DAY));
    let case = free().case("approval-unit", "a budget of a unit that is not named refused one with this approval");
    file.push(case.before_denied(&again(&unnamed, 1)).req("VF-45").req("RQ-59").attack(57));
}
