//! Which tokens come of details, and the details of tokens.

use serde_json::{Value, json};

use super::{Case, RESOURCE, token};

const HOUR: (u64, &str) = (3_600, "PT1H");

fn detail(kind: &str, location: &str, actions: &[&str], purpose: &str, duration: &str) -> Value {
    json!({
        "type": kind, "locations": [location], "actions": actions, "purpose": purpose, "max_duration": duration,
    })
}

fn case(slug: &str, comment: &str, details: &[Value]) -> Case {
    Case::new(slug, comment, &Value::from(details.to_vec()).to_string()).req("RA-20")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    groups(&mut cases);
    back(&mut cases);
    limits(&mut cases);
    cases
}

fn groups(cases: &mut Vec<Case>) {
    let (a, b) = ("https://calendar.example.com/a", "https://calendar.example.com/b");
    let one = |location: &str, url: &str, purpose: &str, duration: (u64, &str)| {
        token(RESOURCE, purpose, duration, &[["calendar", location, "read"]], &[("calendar", &[url], &["read"])])
    };
    let details = [
        detail("calendar", "/b", &["read"], "scheduling", "PT1H"),
        detail("calendar", "/a", &["read"], "billing", "PT1H"),
    ];
    cases.push(
        case("two-purposes", "Two purposes never share a token. Tokens come in their order.", &details)
            .req("RA-23")
            .ok([one("/a", a, "billing", HOUR), one("/b", b, "scheduling", HOUR)]),
    );
    let details = [
        detail("calendar", "/a", &["read"], "scheduling", "P1D"),
        detail("calendar", "/b", &["read"], "scheduling", "PT1H"),
    ];
    cases.push(
        case("two-durations", "Two durations never share a token; the shorter comes first.", &details)
            .req("RA-23")
            .ok([one("/b", b, "scheduling", HOUR), one("/a", a, "scheduling", (86_400, "P1D"))]),
    );
    let details = [
        detail("mail", "/inbox", &["send"], "scheduling", "60m"),
        detail("calendar", "/b", &["write", "read"], "scheduling", "PT1H"),
        detail("calendar", "/a", &["read"], "scheduling", "3600s"),
        detail("calendar", "/b", &["read"], "scheduling", "PT60M"),
    ];
    cases.push(
        case(
            "one-triple",
            "One purpose, and one duration in four spellings: one token. Its rights come in order, each once.",
            &details,
        )
        .req("RA-23")
        .req("RA-25")
        .ok([token(
            RESOURCE,
            "scheduling",
            HOUR,
            &[
                ["calendar", "/a", "read"],
                ["calendar", "/b", "read"],
                ["calendar", "/b", "write"],
                ["mail", "/inbox", "send"],
            ],
            &[
                ("calendar", &[a], &["read"]),
                ("calendar", &[b], &["read", "write"]),
                ("mail", &["https://calendar.example.com/inbox"], &["send"]),
            ],
        )]),
    );
    let inbox = "https://mail.example.com/inbox";
    let details = [
        detail("mail", inbox, &["read"], "scheduling", "PT1H"),
        detail("calendar", a, &["read"], "scheduling", "PT1H"),
        detail("mail", inbox, &["read"], "billing", "PT1H"),
    ];
    cases.push(
        case(
            "two-audiences",
            "Audiences never share a token. They come before purposes in the order of tokens.",
            &details,
        )
        .req("RA-19")
        .req("RA-23")
        .resource(None)
        .ok([
            one("/a", a, "scheduling", HOUR),
            token(
                "https://mail.example.com",
                "billing",
                HOUR,
                &[["mail", "/inbox", "read"]],
                &[("mail", &[inbox], &["read"])],
            ),
            token(
                "https://mail.example.com",
                "scheduling",
                HOUR,
                &[["mail", "/inbox", "read"]],
                &[("mail", &[inbox], &["read"])],
            ),
        ]),
    );
}

/// Details of tokens.
fn back(cases: &mut Vec<Case>) {
    let at = |path: &str| format!("{RESOURCE}{path}");
    let details = [
        detail("calendar", "/c", &["read", "write"], "scheduling", "PT1H"),
        detail("calendar", "/a", &["write"], "scheduling", "PT1H"),
        detail("calendar", "/a", &["read"], "scheduling", "PT1H"),
        detail("calendar", "/b", &["read"], "scheduling", "PT1H"),
    ];
    let rights = [
        ["calendar", "/a", "read"],
        ["calendar", "/a", "write"],
        ["calendar", "/b", "read"],
        ["calendar", "/c", "read"],
        ["calendar", "/c", "write"],
    ];
    let comment = "Locations with one set of actions share a detail; fewer actions come first.";
    let (a, b, c) = (at("/a"), at("/b"), at("/c"));
    let written: [super::Detail<'_>; 2] = [("calendar", &[&b], &["read"]), ("calendar", &[&a, &c], &["read", "write"])];
    let back = token(RESOURCE, "scheduling", HOUR, &rights, &written);
    cases.push(case("back-sets-of-actions", comment, &details).req("RA-25").req("RA-26").req("RA-31").ok([back]));
    let details = [
        detail("calendar", "/a", &["a", "c"], "scheduling", "PT1H"),
        detail("calendar", "/b", &["a", "b", "c"], "scheduling", "PT1H"),
        detail("calendar", "/c", &["ab"], "scheduling", "PT1H"),
    ];
    let rights = [
        ["calendar", "/a", "a"],
        ["calendar", "/a", "c"],
        ["calendar", "/b", "a"],
        ["calendar", "/b", "b"],
        ["calendar", "/b", "c"],
        ["calendar", "/c", "ab"],
    ];
    let comment = "Sets of actions are compared one action after the other.";
    let written: [super::Detail<'_>; 3] =
        [("calendar", &[&b], &["a", "b", "c"]), ("calendar", &[&a], &["a", "c"]), ("calendar", &[&c], &["ab"])];
    let back = token(RESOURCE, "scheduling", HOUR, &rights, &written);
    cases.push(case("back-order-of-actions", comment, &details).req("RA-25").ok([back]));
    let details = [
        detail("mcp_tool", "files/read", &["call"], "scheduling", "PT1H"),
        detail("http", "https://calendar.example.com/mcp", &["POST"], "scheduling", "PT1H"),
    ];
    let rights = [["http", "/mcp", "POST"], ["mcp_tool", "files/read", "call"]];
    let written: [super::Detail<'_>; 2] = [("http", &["/mcp"], &["POST"]), ("mcp_tool", &["files/read"], &["call"])];
    let comment =
        "A name among the locations: all are written as they stand, and are read with the audience as resource.";
    let back = token(RESOURCE, "scheduling", HOUR, &rights, &written);
    cases.push(case("back-name", comment, &details).req("RA-26").req("RA-31").ok([back]));
    let (quoted, words) = ("say \"hello\" \\ \u{20ac}/\u{1f916}", ["\u{e9}t\u{e9}"]);
    let details = [detail("calendar", "/a", &words, quoted, "PT1H")];
    let rights = [["calendar", "/a", words[0]]];
    let written: [super::Detail<'_>; 1] = [("calendar", &[&a], &words)];
    let back = token(RESOURCE, quoted, HOUR, &rights, &written);
    cases.push(
        case("back-escapes", "Strings of all scripts; what JSON escapes.", &details)
            .req("RA-8")
            .req("RA-31")
            .ok([back]),
    );
}

fn limits(cases: &mut Vec<Case>) {
    let numbered = |count: usize| (0..count).map(|number| format!("a{number:03}")).collect::<Vec<_>>();
    let asked = |names: &[String]| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        [detail("calendar", "/a", &names, "scheduling", "PT1H")]
    };
    let names = numbered(128);
    let actions: Vec<&str> = names.iter().map(String::as_str).collect();
    let rights: Vec<[&str; 3]> = actions.iter().map(|action| ["calendar", "/a", action]).collect();
    let written: [super::Detail<'_>; 1] = [("calendar", &["https://calendar.example.com/a"], &actions)];
    let full = token(RESOURCE, "scheduling", HOUR, &rights, &written);
    cases.push(case("rights-128", "As many rights as a token has.", &asked(&names)).req("RA-21").ok([full]));
    let more = case("rights-129", "One right more: no second token takes it.", &asked(&numbered(129)));
    cases.push(more.req("RA-21").refused(None, "rights-128"));
    let many = |count: u64| -> Vec<Value> {
        (1..=count).map(|seconds| detail("calendar", "/a", &["read"], "scheduling", &format!("{seconds}s"))).collect()
    };
    let tokens = (1..=64).map(|seconds| {
        let iso = match seconds {
            60 => "PT1M".to_owned(),
            61.. => format!("PT1M{}S", seconds - 60),
            _ => format!("PT{seconds}S"),
        };
        let written: [super::Detail<'_>; 1] = [("calendar", &["https://calendar.example.com/a"], &["read"])];
        token(RESOURCE, "scheduling", (seconds, &iso), &[["calendar", "/a", "read"]], &written)
    });
    cases.push(case("tokens-64", "As many tokens as details may give.", &many(64)).req("RA-22").ok(tokens));
    cases.push(case("tokens-65", "One token more.", &many(65)).req("RA-22").refused(None, "tokens-64"));
}
