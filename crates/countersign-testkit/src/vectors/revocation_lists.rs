//! `revocation/lists.json` and `revocation/order.json`: lists by themselves, and lists after others.

use crate::clock::NOW;
use crate::format_revocation::ListFile;
use crate::keys::Key;
use crate::text::{b64u, hex};

use super::revocation_case::{Case, List, quoted, sign, signature};
use super::revocation_keys::keys;

/// The folder, whose files have a format of their own.
pub const FOLDER: &str = "revocation";

/// Ids of 16 bytes whose order as text is not that of their bytes.
const BLOCKS: [&str; 3] = ["-AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA", "_wAAAAAAAAAAAAAAAAAAAA"];

fn full() -> List {
    List::empty(7)
        .blocks(&BLOCKS)
        .holders(&["agent", "stranger"])
        .users(&[
            (r#""Zo\"ë\n\u001f""#, "Zo\"ë\n\u{1f}", NOW - 300),
            (r#""alice@example.com""#, "alice@example.com", 0),
        ])
        .grants(&["", "g-19c2", "g-19c3"])
        .conversations(&[
            ("alice@example.com", "conv-7f3a"),
            ("alice@example.com", "conv-7f3b"),
            ("bob@example.com", "conv-1"),
        ])
        .issuer_keys(&["root", "root-2"])
}

/// The files, by name.
#[must_use]
pub fn files() -> [(&'static str, ListFile); 2] {
    let file = |comment: &str, cases: Vec<Case>| ListFile {
        comment: comment.into(),
        vectors: cases.into_iter().map(|case| case.0).collect(),
    };
    [
        ("lists", file("one list, and nothing before it", [good(), texts(), payloads(), entries()].concat())),
        ("order", file("a list after others, and over time", [times(), numbers(), keys()].concat())),
    ]
}

fn good() -> Vec<Case> {
    let long = "a".repeat(1024);
    vec![
        Case::accept("empty", "nothing is revoked", &List::empty(1)).req(&["RV-1", "RV-3", "RV-6", "RV-7"]),
        Case::accept("full", "all six kinds of entries, in the order of their texts", &full()).req(&["RV-7", "RV-13"]),
        Case::accept("number-greatest", "the greatest number", &List::empty(9_007_199_254_740_991)).req(&["RV-10"]),
        Case::accept("name-longest", "a grant of 1,024 bytes", &List::empty(1).grants(&[&long])).req(&["RV-12"]),
        Case::accept("second-key", "signed by the second of two keys", &List::empty(1))
            .keys(&["root", "revocation"])
            .req(&["RV-4"]),
    ]
}

fn texts() -> Vec<Case> {
    let list = List::empty(1);
    let (payload, text) = (list.payload(), list.text());
    let (p, s) = text.split_once('.').unwrap();
    let signed = |message: &[u8]| format!("{p}.{}", b64u(&Key::named("revocation").sign(message)));
    let refuse = |slug: &str, comment: &str, error: &str, text: String| {
        Case::refuse(slug, comment, &list, error, "empty").list(text)
    };
    let mut altered = payload.clone().into_bytes();
    let at = payload.find("\"number\":1").unwrap() + 9;
    altered[at] = b'2';
    let malformed = |slug, comment, text| refuse(slug, comment, "malformed", text).req(&["RV-1"]);
    let mut half = signature(payload.as_bytes(), "revocation");
    half.truncate(63);
    vec![
        malformed("text-empty", "no text", String::new()),
        malformed("text-no-signature", "the payload alone", p.to_owned()),
        malformed("text-empty-signature", "nothing after the dot", format!("{p}.")),
        malformed("text-three-parts", "a third part", format!("{p}.{s}.{s}")),
        malformed("text-padded", "padding after the signature", format!("{p}.{s}==")),
        malformed("text-line-feed", "a line feed, which is the file's and not the list's", format!("{p}.{s}\n")),
        malformed("text-standard-base64", "base64 with + and / in the signature", {
            let standard = s.replace('-', "+").replace('_', "/");
            assert_ne!(standard, s, "this signature has neither");
            format!("{p}.{standard}")
        }),
        malformed("text-short-signature", "a signature of 63 bytes", format!("{p}.{}", b64u(&half))),
        malformed("text-json", "the payload as it is, not base64url", format!("{payload}.{s}")),
        refuse("altered", "another number under the signature", "signature_invalid", format!("{}.{s}", b64u(&altered)))
            .req(&["RV-3"]),
        refuse("signature-no-domain", "signed without the domain", "signature_invalid", signed(payload.as_bytes()))
            .req(&["RV-3"]),
        refuse(
            "signature-domain-without-zero",
            "signed without the zero byte after the domain",
            "signature_invalid",
            signed(&[b"countersign-revocations-v1", payload.as_bytes()].concat()),
        )
        .req(&["RV-3"]),
        refuse("signature-malleable", "S with the group's order added", "signature_invalid", {
            let mut signature = signature(payload.as_bytes(), "revocation");
            add_order(&mut signature[32..]);
            format!("{p}.{}", b64u(&signature))
        })
        .req(&["RV-3"]),
        Case::refuse(
            "by-stranger",
            "signed by a stranger's key",
            &list.clone().by("stranger"),
            "signature_invalid",
            "empty",
        )
        .req(&["RV-4"]),
        Case::refuse(
            "by-root",
            "signed by the issuer's root key, where it has a revocation key",
            &list.clone().by("root"),
            "signature_invalid",
            "empty",
        )
        .req(&["RV-4"]),
    ]
}

/// Adds L to a little-endian S.
fn add_order(s: &mut [u8]) {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0_u16;
    for (byte, order) in s.iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

fn payloads() -> Vec<Case> {
    let list = List::empty(1);
    let payload = list.payload();
    let raw = |slug: &str, comment: &str, error: &str, payload: &[u8]| {
        Case::refuse(slug, comment, &list, error, "empty").list(sign(payload, "revocation"))
    };
    let refuse =
        |slug: &str, comment: &str, error: &str, list: List| Case::refuse(slug, comment, &list, error, "empty");
    let json = |slug, comment, payload: &[u8]| raw(slug, comment, "json_invalid", payload).req(&["RV-6"]);
    let spelled =
        |slug, comment, payload: String| raw(slug, comment, "not_canonical", payload.as_bytes()).req(&["RV-6"]);
    let member = |slug, comment, list| refuse(slug, comment, "member_invalid", list).req(&["RV-7"]);
    let mut cases = vec![
        json("json-cut", "a payload that breaks off", &payload.as_bytes()[..payload.len() - 1]),
        json("json-none", "an empty payload", b""),
        json("json-twice", "a member twice", list.clone().add(10, "users", "[]").payload().as_bytes()),
        json("json-not-utf-8", "a byte that is not UTF-8", &[b"{\"\xff\":1,", &payload.as_bytes()[1..]].concat()),
        json("json-behind", "another value behind the object", format!("{payload}{{}}").as_bytes()),
        spelled("space", "a space", payload.replace("\"v\":1", "\"v\": 1")),
        spelled("line-feed", "a line feed behind the object", format!("{payload}\n")),
        spelled("escaped", "a letter escaped", payload.replace("\"v\"", "\"\\u0076\"")),
        spelled("slash-escaped", "a slash escaped", payload.replace("https://", "https:\\/\\/")),
        spelled("fraction", "the version as 1.0", payload.replace("\"v\":1", "\"v\":1.0")),
        spelled("exponent", "the number as 1e0", payload.replace("\"number\":1,", "\"number\":1e0,")),
        spelled("order", "members in another order", {
            let mut other = list.clone();
            other.members.swap(0, 1);
            other.payload()
        }),
        member("member-unknown", "a member more", list.clone().add(11, "w", "1")),
        member("number-text", "the number as a string", list.clone().set("number", "\"1\"")),
        member("number-half", "the number 1.5", list.clone().set("number", "1.5")),
        member("blocks-null", "null for blocks", list.clone().set("blocks", "null")),
        member("blocks-number", "a number among the blocks", list.clone().set("blocks", "[1]")),
        member("users-string", "a string among the users", list.clone().set("users", r#"["alice"]"#)),
        member("user-member-missing", "a user without a time", list.clone().set("users", r#"[{"user":"alice"}]"#)),
        member(
            "user-member-unknown",
            "a user with a member more",
            list.clone().set("users", r#"[{"until":1,"user":"alice","why":""}]"#),
        ),
        member(
            "conversation-member-missing",
            "a conversation without a user",
            list.clone().set("conversations", r#"[{"conversation":"c"}]"#),
        ),
        raw("array", "an array for the object", "member_invalid", b"[]").req(&["RV-7"]),
        refuse("version-2", "version 2", "version_unsupported", list.clone().set("v", "2")).req(&["RV-8"]),
        refuse(
            "issuer-other",
            "the list of another issuer",
            "issuer_mismatch",
            list.clone().set("issuer", "\"https://other.example\""),
        )
        .req(&["RV-9"]),
        refuse(
            "issuer-slash",
            "the issuer with a slash more",
            "issuer_mismatch",
            list.clone().set("issuer", "\"https://hub.example/\""),
        )
        .req(&["RV-9"]),
        refuse("number-zero", "the number 0", "number_invalid", list.clone().set("number", "0")).req(&["RV-10"]),
        refuse("number-negative", "a negative number", "number_invalid", list.clone().set("number", "-1"))
            .req(&["RV-10"]),
    ];
    // An integer that doubles can't hold is refused by the reader of JSON.
    cases.push(
        raw(
            "number-too-great",
            "the number 2^53",
            "json_invalid",
            list.clone().set("number", "9007199254740992").payload().as_bytes(),
        )
        .req(&["RV-6", "RV-10"]),
    );
    for name in list.members.iter().map(|(name, _)| name.clone()) {
        let (slug, comment) = (format!("member-missing-{}", name.replace('_', "-")), format!("no {name}"));
        cases.push(refuse(&slug, &comment, "member_invalid", list.clone().without(&name)).req(&["RV-7"]));
    }
    cases
}

fn entries() -> Vec<Case> {
    let full = full();
    let id = |name: &str| quoted(&Key::named(name).id());
    let key = |name: &str| quoted(&Key::named(name).public_text());
    let mut ids = [id("agent"), id("stranger")];
    ids.sort();
    ids.reverse();
    let mut keys = [key("root"), key("root-2")];
    keys.sort();
    keys.reverse();
    let long = quoted(&"a".repeat(1025));
    let refused = |error: &str, requirement: &str, cases: &[(&str, &str, &str, String)]| {
        let case = |(slug, comment, name, value): &(&str, &str, &str, String)| {
            Case::refuse(slug, comment, &full.clone().set(name, value), error, "full").req(&[requirement])
        };
        cases.iter().map(case).collect::<Vec<_>>()
    };
    let two = |one: &str, other: &str| format!("[{one},{other}]");
    let block = |index: usize| quoted(BLOCKS[index]);
    let user = |name: &str, until: &str| format!(r#"{{"until":{until},"user":{name}}}"#);
    let ended = |user: &str, name: &str| format!(r#"{{"conversation":{name},"user":{user}}}"#);
    let hub = Key::named("root").public();
    [
        refused(
            "entry_invalid",
            "RV-12",
            &[
                ("block-short", "15 bytes of a block's id", "blocks", format!("[{}]", quoted(&b64u(&[1; 15])))),
                ("block-whole", "all 32 bytes of a block's id", "blocks", format!("[{}]", quoted(&b64u(&[1; 32])))),
                ("block-hex", "a block's id in hexadecimal", "blocks", format!("[{}]", quoted(&hex(&[1; 16])))),
                ("block-stray-bits", "unused bits that are not zero", "blocks", r#"["AAAAAAAAAAAAAAAAAAAAAB"]"#.into()),
                ("block-padded", "a block's id with padding", "blocks", r#"["AAAAAAAAAAAAAAAAAAAAAA=="]"#.into()),
                ("holder-truncated", "16 bytes of a key id", "holders", format!("[{}]", quoted(&b64u(&[1; 16])))),
                ("holder-key", "a key for a key id", "holders", format!("[{}]", key("agent"))),
                ("issuer-key-id", "a key id for a key", "issuer_keys", format!("[{}]", id("root"))),
                (
                    "issuer-key-upper-case",
                    "a key in upper-case digits",
                    "issuer_keys",
                    format!("[{}]", quoted(&format!("ed25519/{}", hex(&hub).to_uppercase()))),
                ),
                ("user-long", "a user of 1,025 bytes", "users", format!("[{}]", user(&long, "1"))),
                ("user-negative", "a time before 1970", "users", format!("[{}]", user("\"alice\"", "-1"))),
                (
                    "user-late",
                    "a time after the year 9999",
                    "users",
                    format!("[{}]", user("\"alice\"", "253402300800")),
                ),
                ("grant-long", "a grant of 1,025 bytes", "grants", format!("[{long}]")),
                (
                    "conversation-long",
                    "a conversation of 1,025 bytes",
                    "conversations",
                    format!("[{}]", ended("\"a\"", &long)),
                ),
            ],
        ),
        refused(
            "order_invalid",
            "RV-13",
            &[
                ("blocks-by-bytes", "blocks by their bytes, not their texts", "blocks", two(&block(1), &block(0))),
                ("blocks-twice", "a block twice", "blocks", two(&block(1), &block(1))),
                ("holders-descending", "holders descending", "holders", two(&ids[0], &ids[1])),
                ("holders-twice", "a holder twice", "holders", two(&ids[0], &ids[0])),
                ("users-descending", "users descending", "users", two(&user("\"b\"", "1"), &user("\"a\"", "2"))),
                ("users-twice", "a user twice with two times", "users", two(&user("\"a\"", "1"), &user("\"a\"", "2"))),
                ("grants-descending", "grants descending", "grants", two("\"b\"", "\"a\"")),
                ("grants-by-case", "upper case after lower case", "grants", two("\"a\"", "\"B\"")),
                ("grants-utf-16", "by UTF-16, not by bytes", "grants", two("\"\u{1f600}\"", "\"\u{ff5e}\"")),
                (
                    "conversations-descending",
                    "conversations of a user descending",
                    "conversations",
                    two(&ended("\"a\"", "\"d\""), &ended("\"a\"", "\"c\"")),
                ),
                (
                    "conversations-by-name",
                    "by conversation and then by user",
                    "conversations",
                    two(&ended("\"b\"", "\"c\""), &ended("\"a\"", "\"d\"")),
                ),
                (
                    "conversations-twice",
                    "a conversation twice",
                    "conversations",
                    two(&ended("\"a\"", "\"c\""), &ended("\"a\"", "\"c\"")),
                ),
                ("issuer-keys-descending", "keys descending", "issuer_keys", two(&keys[0], &keys[1])),
            ],
        ),
    ]
    .concat()
}

fn times() -> Vec<Case> {
    let at = |created: i64, next: i64| {
        List::empty(1).grants(&["g-1"]).set("created", &created.to_string()).set("next", &next.to_string())
    };
    let refuse =
        |slug, comment, list: &List, twin| Case::refuse(slug, comment, list, "time_invalid", twin).req(&["RV-11"]);
    vec![
        Case::accept("week", "fresh for seven days", &at(NOW, NOW + 604_800)).req(&["RV-11"]),
        refuse("week-and-second", "a second more than seven days", &at(NOW, NOW + 604_801), "week"),
        Case::accept("second", "fresh for a second", &at(NOW, NOW + 1)).req(&["RV-11"]),
        refuse("no-second", "next is created", &at(NOW, NOW), "second"),
        refuse("inverted", "next before created", &at(NOW, NOW - 1), "second"),
        refuse("created-negative", "created before 1970", &at(-1, 604_000), "second"),
        refuse("next-after-9999", "next after the year 9999", &at(253_402_300_000, 253_402_300_800), "second")
            .now(253_402_300_000),
        Case::accept("created-at-skew", "created 30 seconds from now", &at(NOW + 30, NOW + 90))
            .req(&["RV-14", "RV-21"]),
        Case::refuse(
            "created-in-future",
            "created 31 seconds from now",
            &at(NOW + 31, NOW + 90),
            "not_yet_valid",
            "created-at-skew",
        )
        .req(&["RV-14"]),
        Case::accept("last-second", "the last second of freshness", &at(NOW - 3600, NOW)).req(&["RV-21"]),
        Case::accept("stale", "a second later: accepted, and not fresh", &at(NOW - 3600, NOW - 1))
            .stale()
            .req(&["RV-17", "RV-21"]),
        Case::accept("stale-for-long", "no longer fresh for a year", &at(NOW - 3600, NOW - 1))
            .now(NOW + 31_536_000)
            .stale()
            .req(&["RV-17", "RV-21"]),
    ]
}

fn numbers() -> Vec<Case> {
    let list = |number: i64, grant: &str| List::empty(number).grants(&[grant]);
    let one = list(4, "g-1");
    let holders = |number: i64, names: &[&str]| List::empty(number).holders(names);
    let keep = |list: &List, kept: &List| {
        let kept = kept.revoked.holders.clone();
        Case::accept("", "", list).revoked(|revoked| {
            revoked.holders.extend(kept);
            revoked.holders.sort();
            revoked.holders.dedup();
        })
    };
    let named = |mut case: Case, slug: &str, comment: &str| {
        case.0.id = format!("{FOLDER}/{slug}");
        case.0.comment = comment.into();
        case
    };
    vec![
        Case::accept("same", "the same list again", &one).after(&one).req(&["RV-16"]),
        Case::accept("next", "the next number, which revokes another grant and the first no more", &list(5, "g-2"))
            .after(&one)
            .req(&["RV-17"]),
        Case::accept("gap", "a number further on", &list(500, "g-2")).after(&one).req(&["RV-17"]),
        Case::refuse("lower", "a number less by one", &list(3, "g-2"), "rolled_back", "next")
            .after(&one)
            .req(&["RV-15", "RV-19"]),
        Case::refuse("back-to-first", "the first list again after the second", &one, "rolled_back", "next")
            .after(&one)
            .after(&list(5, "g-2"))
            .req(&["RV-15", "RV-19"]),
        Case::refuse("same-number", "the same number with another payload", &list(4, "g-2"), "number_reused", "same")
            .after(&one)
            .req(&["RV-16", "RV-19"]),
        Case::refuse(
            "same-number-later",
            "the same number and entries, made later",
            &one.clone().set("created", &(NOW - 59).to_string()),
            "number_reused",
            "same",
        )
        .after(&one)
        .req(&["RV-16", "RV-19"]),
        Case::accept("restart-same", "the same list after a restart", &one)
            .after(&one)
            .restarted()
            .req(&["RV-16", "RV-20"]),
        Case::accept("restart-next", "the next list after a restart", &list(5, "g-2"))
            .after(&one)
            .restarted()
            .req(&["RV-17", "RV-20"]),
        Case::refuse("restart-lower", "an older list after a restart", &list(3, "g-2"), "rolled_back", "restart-next")
            .after(&one)
            .restarted()
            .req(&["RV-15", "RV-20"]),
        Case::refuse(
            "restart-same-number",
            "the same number with another payload after a restart",
            &list(4, "g-2"),
            "number_reused",
            "restart-same",
        )
        .after(&one)
        .restarted()
        .req(&["RV-16", "RV-20"]),
        named(
            keep(&holders(5, &["stranger"]), &holders(4, &["agent"])).after(&holders(4, &["agent"])).req(&["RV-18"]),
            "holder-left-out",
            "a list that lacks a holder of the one before: the holder stays revoked",
        ),
        named(
            keep(&holders(6, &["stranger"]), &holders(4, &["agent"]))
                .after(&holders(4, &["agent"]))
                .after(&holders(5, &[]))
                .restarted()
                .req(&["RV-18", "RV-20"]),
            "holder-left-out-restart",
            "the same over a list between and a restart",
        ),
        Case::accept(
            "issuer-key-left-out",
            "a list that lacks an issuer key of the one before: it stays revoked",
            &List::empty(5),
        )
        .after(&List::empty(4).issuer_keys(&["root"]))
        .revoked(|revoked| revoked.issuer_keys.push(Key::named("root").public_text()))
        .req(&["RV-18"]),
    ]
}
