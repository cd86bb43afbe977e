//! `chain/delegation.json`: the token handed on.

use crate::clock::{EXPIRES, NOW};
use crate::keys::Key;
use crate::raw_checks::{Term, check_one, expiry, lit};
use crate::raw_token::Block;

use super::case::{Case, File};
use super::standard::{Later, Plan, first_agent, get, get_by, later_agent};

/// A delegation with checks.
fn with_checks(plan: Plan, by: &str, name: &str, to: &str, checks: Vec<crate::raw_checks::Check>) -> Plan {
    let mut plan = plan;
    plan.later.push(Later::Delegation(Block::delegation(name, &Key::named(to), checks), Box::new(Key::named(by))));
    plan
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("chain", "delegation", "tokens handed from holder to holder");
    let one = || Plan::deep(1).delegate("agent", "summary-bot", "sub-agent", None);
    let two = |first: Option<i64>| {
        Plan::deep(2).delegate("agent", "summary-bot", "sub-agent", first).delegate(
            "sub-agent",
            "mail-bot",
            "third-agent",
            None,
        )
    };
    let second = || later_agent("summary-bot", "sub-agent", "agent");
    let third = || later_agent("mail-bot", "third-agent", "sub-agent");
    file.push(
        Case::new(
            "one-delegation",
            "the first holder hands the token to a second",
            &get_by("sub-agent", &one().text()),
        )
        .agents([first_agent(), second()])
        .req("TK-37")
        .req("TK-41")
        .req("TK-47")
        .req("VF-36"),
    );
    file.push(
        Case::new(
            "two-delegations",
            "the second holder hands it to a third",
            &get_by("third-agent", &two(Some(1)).text()),
        )
        .agents([first_agent(), second(), third()])
        .req("TK-37")
        .req("TK-47"),
    );
    let before = Plan::deep(1)
        .restrict([expiry(EXPIRES - 60)])
        .delegate("agent", "summary-bot", "sub-agent", None)
        .restrict([expiry(EXPIRES - 30)]);
    file.push(
        Case::new(
            "restrictions-around",
            "a restriction before and one after a delegation",
            &get_by("sub-agent", &before.text()),
        )
        .agents([first_agent(), second()])
        .expires(EXPIRES - 60)
        .req("TK-36")
        .req("TK-35"),
    );
    let back = Plan::deep(2).delegate("agent", "summary-bot", "sub-agent", Some(1)).delegate(
        "sub-agent",
        "calendar-bot",
        "agent",
        None,
    );
    file.push(
        Case::new("handed-back", "the second holder hands it back to the first", &get(&back.text()))
            .agents([first_agent(), second(), later_agent("calendar-bot", "agent", "sub-agent")])
            .req("TK-37"),
    );
    let same = Plan::deep(1).delegate("agent", "calendar-bot-2", "agent", None);
    file.push(
        Case::new(
            "handed-to-itself",
            "the first holder hands it to its own key under another name",
            &get(&same.text()),
        )
        .agents([first_agent(), later_agent("calendar-bot-2", "agent", "agent")])
        .req("TK-37"),
    );

    signers(&mut file);
    depths(&mut file);

    let expiring = |unix: i64| with_checks(Plan::deep(1), "agent", "summary-bot", "sub-agent", vec![expiry(unix)]);
    file.push(
        Case::new("delegation-expiry", "a delegation that ends sooner", &get_by("sub-agent", &expiring(NOW).text()))
            .agents([first_agent(), second()])
            .expires(NOW)
            .req("TK-35")
            .req("VF-9"),
    );
    file.push(
        Case::new(
            "delegation-expired",
            "a delegation that ended a second ago",
            &get_by("sub-agent", &expiring(NOW - 1).text()),
        )
        .req("TK-35")
        .req("VF-9")
        .attack(46)
        .deny(5, "token_expired", "chain/delegation-expiry"),
    );
    let method = |name: &'static str| {
        with_checks(Plan::deep(1), "agent", "summary-bot", "sub-agent", vec![check_one("method", |m| m.eq(lit(name)))])
    };
    file.push(
        Case::new(
            "delegation-check",
            "a check in the delegation block that holds",
            &get_by("sub-agent", &method("GET").text()),
        )
        .agents([first_agent(), second()])
        .req("CK-20"),
    );
    file.push(
        Case::new(
            "delegation-check-fails",
            "a check in the delegation block that fails",
            &get_by("sub-agent", &method("HEAD").text()),
        )
        .req("CK-20")
        .req("CK-22")
        .deny(11, "check_failed", "chain/delegation-check"),
    );
    let holder = |key: &str| {
        Plan::deep(1).check(check_one("holder", |h| h.eq(Term::Bytes(Key::named(key).public().to_vec())))).delegate(
            "agent",
            "summary-bot",
            "sub-agent",
            None,
        )
    };
    file.push(
        Case::new(
            "holder-check",
            "a check that names the current holder",
            &get_by("sub-agent", &holder("sub-agent").text()),
        )
        .agents([first_agent(), second()])
        .req("CK-21"),
    );
    file.push(
        Case::new(
            "holder-check-former",
            "a check that names a former holder",
            &get_by("sub-agent", &holder("agent").text()),
        )
        .req("CK-22")
        .attack(45)
        .deny(11, "check_failed", "chain/holder-check"),
    );
    let named = |name: &'static str| {
        Plan::deep(1)
            .check(crate::raw_checks::check_if([crate::raw_checks::query(
                [crate::raw_checks::pred("agent", [crate::raw_checks::var("name"), crate::raw_checks::var("key")])],
                [crate::raw_checks::v("name").eq(lit(name))],
            )]))
            .delegate("agent", "summary-bot", "sub-agent", None)
    };
    file.push(
        Case::new(
            "agent-check",
            "`agent` in a check is the first holder, whoever holds the token now",
            &get_by("sub-agent", &named("calendar-bot").text()),
        )
        .agents([first_agent(), second()])
        .req("CK-6"),
    );
    file.push(
        Case::new(
            "agent-check-delegate",
            "`agent` in a check is not the delegate",
            &get_by("sub-agent", &named("summary-bot").text()),
        )
        .req("CK-22")
        .deny(11, "check_failed", "chain/agent-check"),
    );
    file
}

fn signers(file: &mut File) {
    let twin = "chain/two-delegations";
    let start = || Plan::deep(2).delegate("agent", "summary-bot", "sub-agent", Some(1));
    for (slug, comment, by) in [
        ("by-stranger", "the second delegation signed by a stranger", "stranger"),
        ("by-former-holder", "the second delegation signed by the holder before", "agent"),
        ("by-new-holder", "the second delegation signed by the one that it names", "third-agent"),
        ("by-approver", "the second delegation signed by an approver", "approver"),
        ("by-root", "the second delegation signed by the issuer", "root"),
        ("by-next-key", "the second delegation signed by the block's own next secret", "next-1"),
    ] {
        let plan = start().delegate(by, "mail-bot", "third-agent", None);
        file.push(Case::new(slug, comment, &get_by("third-agent", &plan.text())).req("TK-37").attack(45).deny(
            4,
            "delegation_invalid",
            twin,
        ));
    }
    let plan = Plan::deep(1).delegate("stranger", "summary-bot", "sub-agent", None);
    file.push(
        Case::new("first-by-stranger", "the first delegation signed by a stranger", &get_by("sub-agent", &plan.text()))
            .req("TK-37")
            .attack(45)
            .deny(4, "delegation_invalid", "chain/one-delegation"),
    );
}

fn depths(file: &mut File) {
    let mut deny = |slug: &str, comment: &str, signer: &str, plan: Plan, twin: &str| {
        file.push(Case::new(slug, comment, &get_by(signer, &plan.text())).req("TK-47").attack(54).deny(
            4,
            "delegation_depth",
            &format!("chain/{twin}"),
        ));
    };
    let hop = |plan: Plan, depth: Option<i64>| plan.delegate("agent", "summary-bot", "sub-agent", depth);
    let next = |plan: Plan| plan.delegate("sub-agent", "mail-bot", "third-agent", None);
    deny(
        "no-depth",
        "a delegation where the issuer allowed none",
        "sub-agent",
        hop(Plan::standard(), None),
        "one-delegation",
    );
    deny(
        "depth-used-up",
        "a second delegation where one was allowed",
        "third-agent",
        next(hop(Plan::deep(1), None)),
        "two-delegations",
    );
    deny(
        "depth-ended-by-delegator",
        "a second delegation, though two were allowed, behind a first that left none",
        "third-agent",
        next(hop(Plan::deep(2), None)),
        "two-delegations",
    );
    deny(
        "depth-kept",
        "a delegation that leaves as much as there was",
        "sub-agent",
        hop(Plan::deep(2), Some(2)),
        "one-delegation",
    );
    deny(
        "depth-raised",
        "a delegation that leaves more than there was",
        "sub-agent",
        hop(Plan::deep(2), Some(6)),
        "one-delegation",
    );
    deny(
        "depth-raised-past-seven",
        "a delegation that leaves seven",
        "sub-agent",
        hop(Plan::deep(2), Some(7)),
        "one-delegation",
    );
    deny(
        "depth-one-of-one",
        "a delegation that leaves one where one was left",
        "sub-agent",
        hop(Plan::deep(1), Some(1)),
        "one-delegation",
    );
}
