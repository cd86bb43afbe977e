//! `verify/parties.json`: issuer, service, times, and whose key.

use crate::clock::{EXPIRES, NOW};
use crate::format::Issuer;
use crate::keys::Key;
use crate::raw_checks::{check_if, date, expiry, pred, query, string, v, var};
use crate::raw_request::Signature;

use super::case::{Case, File};
use super::standard::{ISSUER, PATH, Plan, SERVICE, get, get_by, get_target, right, token, unsigned};

const TWIN: &str = "request/get";
const OTHER: &str = "https://other.example";

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("verify", "parties", "issuer, service, times, and whose key signs");
    issuers(&mut file);
    audiences(&mut file);
    times(&mut file);
    file
}

fn issuers(file: &mut File) {
    let by = |issuer: &str, root: &str| {
        Plan { root: Key::named(root), ..Plan::standard() }.replace(pred("issuer", [string(issuer)])).text()
    };
    let two = |case: Case| {
        case.config(|config| {
            config.issuers.push(Issuer { issuer: OTHER.into(), keys: vec![Key::named("root-2").public_text()] })
        })
    };
    file.push(
        Case::new("issuer-unknown", "an issuer that is not configured, though its key is", &get(&by(OTHER, "root")))
            .req("VF-5")
            .attack(42)
            .deny(5, "issuer_unknown", TWIN),
    );
    file.push(
        Case::new("issuer-case", "the issuer's name in another case", &get(&by("https://HUB.example", "root")))
            .req("VF-5")
            .attack(42)
            .deny(5, "issuer_unknown", TWIN),
    );
    file.push(
        Case::new(
            "issuer-slash",
            "the issuer's name with a slash at its end",
            &get(&by("https://hub.example/", "root")),
        )
        .req("VF-5")
        .attack(42)
        .deny(5, "issuer_unknown", TWIN),
    );
    file.push(two(Case::new("two-issuers", "the second of two issuers signs as itself", &get(&by(OTHER, "root-2")))
        .req("VF-5")
        .req("VF-17")
        .expect(|expect| {
            expect.issuer = Some(OTHER.into());
            if let Some(agents) = &mut expect.agents {
                agents[0].claimed_by = OTHER.into();
            }
        })));
    file.push(two(Case::new(
        "issuer-as-another",
        "the second of two issuers signs as the first",
        &get(&by(ISSUER, "root-2")),
    )
    .req("VF-5")
    .req("VF-17")
    .attack(42)
    .deny(7, "token_signature", "verify/two-issuers")));
    let keys = |case: Case, names: &[&str]| {
        let keys = names.iter().map(|name| Key::named(name).public_text()).collect();
        case.config(|config| config.issuers[0].keys = keys)
    };
    file.push(keys(
        Case::new("issuer-second-key", "a token by the second of the issuer's two keys", &get(&by(ISSUER, "root-2")))
            .req("VF-17"),
        &["root", "root-2"],
    ));
    file.push(keys(
        Case::new(
            "issuer-old-key",
            "the same token at a verifier that knows the first key alone",
            &get(&by(ISSUER, "root-2")),
        )
        .req("VF-17")
        .deny(7, "token_signature", "verify/issuer-second-key"),
        &["root"],
    ));
}

fn audiences(file: &mut File) {
    let token_for = |audience: &str, location: &str| {
        Plan::standard().replace(pred("audience", [string(audience)])).rights([right("http", location, "GET")]).text()
    };
    let service = |case: Case, audiences: &[&str]| {
        let audience = audiences.iter().map(|text| (*text).to_owned()).collect();
        case.config(|config| config.audience = audience)
    };
    for (slug, comment, audience) in [
        ("audience-other", "a token for another service", "https://mail.example.com"),
        ("audience-case", "the service's name in another case", "https://Calendar.example.com"),
        ("audience-slash", "the service's name with a slash at its end", "https://calendar.example.com/"),
        ("audience-port", "the service's name with its default port", "https://calendar.example.com:443"),
        (
            "audience-path",
            "a path of the service that is no audience of its own",
            "https://calendar.example.com/calendars",
        ),
        ("audience-http", "the service's name under another scheme", "http://calendar.example.com"),
    ] {
        file.push(Case::new(slug, comment, &get(&token_for(audience, "/calendars"))).req("VF-7").attack(41).deny(
            5,
            "audience_mismatch",
            TWIN,
        ));
    }
    let api = "https://calendar.example.com/api";
    let both = [SERVICE, api];
    let at = |slug: &str, comment: &str, target: &str, audience: &str, audiences: &[&str]| {
        service(
            Case::new(slug, comment, &get_target(target, &token_for(audience, "/"))).right("http:/:GET").req("VF-6"),
            audiences,
        )
    };
    file.push(at(
        "audience-longest-path",
        "two audiences; the request is under the longer one, and so is the token",
        "/api/items",
        api,
        &both,
    ));
    file.push(at(
        "audience-shorter-path",
        "two audiences; the request is under the shorter one alone, and so is the token",
        "/items",
        SERVICE,
        &both,
    ));
    let refused = |case: Case, twin: &str| case.attack(41).deny(5, "audience_mismatch", &format!("verify/{twin}"));
    file.push(refused(
        at(
            "audience-outer-for-inner",
            "the token is for the shorter audience, the request under the longer one",
            "/api/items",
            SERVICE,
            &both,
        ),
        "audience-longest-path",
    ));
    file.push(refused(
        at(
            "audience-inner-for-outer",
            "the token is for the longer audience, the request not under it",
            "/items",
            api,
            &both,
        ),
        "audience-shorter-path",
    ));
    file.push(refused(
        at(
            "audience-not-a-segment",
            "a path that starts like the longer audience's and has another segment",
            "/apis/items",
            api,
            &both,
        ),
        "audience-longest-path",
    ));
    file.push(at("audience-exact-path", "the path of the audience itself", "/api", api, &[api]));
    file.push(refused(
        at("audience-none", "no audience covers the path", "/items", api, &[api]),
        "audience-exact-path",
    ));
    file.push(refused(
        at("audience-path-case", "the path of the audience in another case", "/API", api, &[api]),
        "audience-exact-path",
    ));
    file.push(refused(
        at(
            "audience-path-escaped",
            "the path of the audience with a letter escaped: paths are compared as received",
            "/%61pi",
            api,
            &[api],
        ),
        "audience-exact-path",
    ));
}

fn times(file: &mut File) {
    let issued = |unix: i64| get(&Plan::standard().replace(pred("issued_at", [date(unix)])).text());
    file.push(Case::new("issued-at-skew", "issued 30 seconds ahead", &issued(NOW + 30)).req("VF-8").attack(65));
    file.push(Case::new("issued-ahead", "issued 31 seconds ahead", &issued(NOW + 31)).req("VF-8").attack(65).deny(
        5,
        "token_not_yet_valid",
        "verify/issued-at-skew",
    ));
    let plan = |unix: i64| {
        let mut plan = Plan::standard();
        plan.authority.checks = vec![expiry(unix)];
        plan
    };
    file.push(
        Case::new("expires-now", "expiring at the present second: the date itself is allowed", &get(&plan(NOW).text()))
            .req("VF-9")
            .attack(65)
            .expires(NOW),
    );
    file.push(
        Case::new(
            "expired",
            "expired a second ago: no skew, though the signature is fresh",
            &get(&plan(NOW - 1).text()),
        )
        .req("VF-9")
        .attack(46)
        .attack(65)
        .deny(5, "token_expired", "verify/expires-now"),
    );
    file.push(
        Case::new(
            "expired-long-ago",
            "expired a year ago, under a fresh signature",
            &get(&plan(NOW - 31_536_000).text()),
        )
        .req("VF-9")
        .attack(46)
        .deny(5, "token_expired", "verify/expires-now"),
    );
    let later = |unix: i64| plan(EXPIRES).restrict([expiry(unix)]);
    file.push(
        Case::new("expires-in-restriction", "a restriction that ends sooner decides", &get(&later(NOW + 1).text()))
            .req("TK-35")
            .expires(NOW + 1),
    );
    file.push(
        Case::new("expired-in-restriction", "a restriction that ended a second ago", &get(&later(NOW - 1).text()))
            .req("TK-35")
            .req("VF-9")
            .attack(46)
            .deny(5, "token_expired", "verify/expires-in-restriction"),
    );
    file.push(
        Case::new(
            "expires-not-extended",
            "a restriction that would end later changes nothing",
            &get(&later(EXPIRES + 60).text()),
        )
        .req("TK-35"),
    );
    let second = |unix: i64| plan(EXPIRES).check(expiry(unix));
    file.push(
        Case::new(
            "two-expiries",
            "two expiries in the authority block: the sooner one counts",
            &get(&second(NOW + 5).text()),
        )
        .req("TK-35")
        .expires(NOW + 5),
    );
    file.push(
        Case::new(
            "two-expiries-one-past",
            "two expiries in the authority block, one of them past",
            &get(&second(NOW - 5).text()),
        )
        .req("TK-35")
        .req("VF-9")
        .deny(5, "token_expired", "verify/two-expiries"),
    );
    let other = |unix: i64| {
        plan(EXPIRES).check(check_if([query(
            [pred("time", [var("t")])],
            [v("t").le(crate::raw_checks::Expr::from(date(unix)))],
        )]))
    };
    file.push(
        Case::new(
            "expiry-other-variable",
            "a time limit under another variable: an ordinary check that holds",
            &get(&other(NOW).text()),
        )
        .req("TK-35")
        .req("VF-31"),
    );
    file.push(
        Case::new(
            "expiry-other-variable-past",
            "the same, past: a check that fails and no expiry",
            &get(&other(NOW - 1).text()),
        )
        .req("TK-35")
        .req("VF-31")
        .attack(65)
        .deny(11, "check_failed", "verify/expiry-other-variable"),
    );
    let delegated = || Plan::deep(1).delegate("agent", "summary-bot", "sub-agent", None).text();
    file.push(
        Case::new(
            "key-of-first-holder",
            "the first holder signs with a token that it handed on",
            &get_by("agent", &delegated()),
        )
        .req("RQ-45")
        .attack(45)
        .deny(5, "key_mismatch", "chain/one-delegation"),
    );
    let mut named = Signature::new(&Key::named("agent"));
    named.set("keyid", format!("\"{}\"", Key::named("sub-agent").id()));
    file.push(
        Case::new(
            "key-of-first-holder-named-as-second",
            "the first holder signs and names the second one's key",
            &named.sign(unsigned("GET", PATH, &delegated())),
        )
        .req("VF-18")
        .attack(45)
        .deny(8, "signature_invalid", "chain/one-delegation"),
    );
    file.push(
        Case::new("late", "the standard request a second before its window ends", &get(&token()))
            .now(NOW + 90)
            .req("RQ-44")
            .attack(65),
    );
    file.push(
        Case::new("too-late", "the same a second after", &get(&token())).now(NOW + 91).req("RQ-44").attack(65).deny(
            3,
            "window_invalid",
            "verify/late",
        ),
    );
    file.push(
        Case::new("early", "the standard request 30 seconds before it was created", &get(&token()))
            .now(NOW - 30)
            .req("RQ-44")
            .attack(65),
    );
    file.push(
        Case::new("too-early", "the same a second before", &get(&token())).now(NOW - 31).req("RQ-44").attack(65).deny(
            3,
            "window_invalid",
            "verify/early",
        ),
    );
}
