//! `jsonrpc/message.json` and `jsonrpc/envelope.json`: the text of a message, its envelope, its signature.

use crate::clock::{EXPIRES, NOW};
use crate::format_rpc::Sent;
use crate::keys::Key;
use crate::raw_checks::{check_one, lit, pred, string};
use crate::raw_request::{Signature, nonce};
use crate::raw_rpc::{ENVELOPE, Json, Rpc};
use crate::text::b64u;

use super::rpc_case::{RpcCase, RpcCases, call, envelope, envelope_of, plan, signed};
use super::standard::unsigned;

/// A message whose text is `text` in the place of the standard one.
fn spelled(slug: &str, comment: &str, from: &str, to: &str) -> RpcCase {
    let text = signed(call()).wire();
    assert!(text.contains(from), "{slug}: {from}");
    RpcCase::text(slug, comment, text.replacen(from, to, 1))
}

/// The text of a message: stage 1, and what may change on the way.
#[must_use]
pub fn message() -> RpcCases {
    let mut file = RpcCases::new("message", "the text of a message, and what relays may change in it");
    file.push(
        RpcCase::new("call", "a call of a tool, signed by the holder of its token", &signed(call()))
            .req(["JR-14", "JR-16"]),
    );
    let mut push = |case: RpcCase| file.push(case);
    push(
        spelled("id-text", "with a string for an id, which is not covered", "\"id\":7", "\"id\":\"seven\"")
            .req(["JR-4", "JR-14"]),
    );
    push(spelled("id-absent", "without an id", "\"id\":7,", "").req(["JR-4", "JR-14"]));
    push(
        spelled("spaces", "with spaces and line ends between its parts", "\"id\":7,", "\r\n\t\"id\" : 7 ,")
            .req(["JR-2", "JR-14"]),
    );
    push(
        spelled(
            "escapes",
            "with a name and a value spelled in escapes",
            "\"day\":\"2026",
            "\"\\u0064ay\":\"\\u0032026",
        )
        .req(["JR-2", "JR-14"]),
    );
    let mut reordered = signed(call());
    reordered.params.members().reverse();
    push(RpcCase::new("order", "with the members of its parameters in another order", &reordered).req(["JR-14"]));
    let mut relayed = signed(call());
    relayed.meta(|meta| {
        for name in ["progressToken", "traceparent", "tracestate", "baggage"] {
            meta.set(name, Json::text(name));
        }
    });
    push(RpcCase::new("relayed", "with the four members of _meta that relays add", &relayed).req(["JR-14"]));
    let mut meta = call();
    meta.meta(|meta| meta.set("example/note", Json::Array(vec![Json::word("null"), Json::word("true")])));
    push(RpcCase::new("meta", "with another member of _meta, covered", &signed(meta.clone())).req(["JR-14"]));
    let mut names = call();
    let value = Json::Object(
        [("\u{fb33}", "1e2", "100"), ("\u{1f600}", "0.50", "0.5"), ("\u{7f}\n\"", "-0.0", "0"), ("a", "1e21", "1e+21")]
            .map(|(name, wire, jcs)| (name.to_owned(), Json::Word(wire.into(), jcs.into())))
            .to_vec(),
    );
    names.meta(|meta| meta.set("example/numbers", value));
    push(
        RpcCase::new(
            "canonical",
            "names sorted by UTF-16 code units, numbers as ECMAScript writes them",
            &signed(names),
        )
        .req(["JR-14"]),
    );
    let text = signed(call()).wire();
    let limit =
        |case: RpcCase, bytes: usize| case.config(|config| config.max_body_bytes = Some(bytes as u64)).req(["JR-1"]);
    push(limit(RpcCase::text("at-limit", "a text as long as the limit", &text), text.len()));
    push(
        limit(RpcCase::text("over-limit", "a text one byte longer than the limit", &text), text.len() - 1)
            .attack(52)
            .deny(1, "body_too_large", "at-limit"),
    );
    let long = envelope_of(&"A".repeat(6_828)).sign(call());
    push(RpcCase::new("token-too-long", "a token of 6,828 characters", &long).req(["JR-5"]).attack(52).deny(
        1,
        "limit_exceeded",
        "call",
    ));
    let mut ambiguous = |slug: &str, comment: &str, from: &str, to: &str| {
        let case = spelled(slug, comment, from, to).req(["JR-2"]);
        file.push(if to.contains("\"name\":\"") || slug.starts_with("twice") { case.attack(48) } else { case }.deny(
            1,
            "body_ambiguous",
            "call",
        ));
    };
    ambiguous(
        "twice-name",
        "the tool's name twice: first another one",
        "\"name\":",
        "\"name\":\"create_event\",\"name\":",
    );
    ambiguous(
        "twice-name-escaped",
        "the tool's name twice, once in an escape",
        "\"name\":",
        "\"n\\u0061me\":\"create_event\",\"name\":",
    );
    ambiguous("twice-method", "the method twice", "\"method\":", "\"method\":\"ping\",\"method\":");
    ambiguous("twice-argument", "an argument twice", "{\"day\":", "{\"day\":\"\",\"day\":");
    ambiguous("twice-token", "the token twice in the envelope", "\"token\":", "\"token\":\"A\",\"token\":");
    ambiguous("surrogate", "an unpaired surrogate in an argument", "\"day\":\"", "\"day\":\"\\ud800");
    ambiguous(
        "integer-too-great",
        "an integer that a double cannot hold",
        "\"day\":",
        "\"n\":9007199254740993,\"day\":",
    );
    ambiguous("comma-at-end", "a comma behind the last member", "\"id\":7,", "\"id\":7,,");
    ambiguous("comment", "a comment", "\"id\":7,", "\"id\":7,/**/");
    let mut other = |slug: &str, comment: &str, text: String, code: &str, id: &str| {
        let case = RpcCase::text(slug, comment, text).req([id]);
        file.push(if code == "batch_rejected" { case.attack(50) } else { case }.deny(1, code, "call"));
    };
    let call_text = signed(call()).wire();
    other("byte-order-mark", "a byte order mark before it", format!("\u{feff}{call_text}"), "body_ambiguous", "JR-2");
    other("two-texts", "two messages in one text", format!("{call_text}{call_text}"), "body_ambiguous", "JR-2");
    other("cut-short", "without its last byte", call_text[..call_text.len() - 1].to_owned(), "body_ambiguous", "JR-2");
    other("batch", "a batch of one", format!("[{call_text}]"), "batch_rejected", "JR-3");
    other("batch-of-two", "a batch of two", format!("[{call_text},{call_text}]"), "batch_rejected", "JR-3");
    other("batch-empty", "an empty batch", "[]".into(), "batch_rejected", "JR-3");
    other("string", "a string that holds a message", Json::text(&call_text).wire(), "body_ambiguous", "JR-4");
    let mut shape = |slug: &str, comment: &str, from: &str, to: &str| {
        file.push(spelled(slug, comment, from, to).req(["JR-4"]).deny(1, "body_ambiguous", "call"));
    };
    shape("id-null", "with null for an id", "\"id\":7", "\"id\":null");
    shape("id-fraction", "with a fraction for an id", "\"id\":7", "\"id\":7.0");
    shape("version-absent", "without jsonrpc", "\"jsonrpc\":\"2.0\",", "");
    shape("version-other", "of JSON-RPC 1.0", "\"jsonrpc\":\"2.0\"", "\"jsonrpc\":\"1.0\"");
    shape("method-absent", "without a method", "\"method\":\"tools/call\",", "");
    shape("member-more", "with a member that nothing covers", "\"id\":7,", "\"id\":7,\"extra\":1,");
    shape("response", "a response", "\"method\":\"tools/call\",\"params\"", "\"result\"");
    let list = by_position(&signed(call()).wire());
    file.push(RpcCase::text("params-array", "with parameters by position", list).req(["JR-4"]).deny(
        1,
        "body_ambiguous",
        "call",
    ));
    file
}

/// The message with its parameters in an array.
fn by_position(text: &str) -> String {
    let (head, params) = text.split_once("\"params\":").unwrap();
    format!("{head}\"params\":[{}]}}", &params[..params.len() - 1])
}

/// The envelope and the signature: stages 2 to 10.
#[must_use]
pub fn envelopes() -> RpcCases {
    let mut file = RpcCases::new("envelope", "the envelope of a message, its signature, its nonce");
    let mut deny = |slug: &str, comment: &str, message: &Rpc, id: &str, stage: u8, code: &str| {
        file.push(RpcCase::new(slug, comment, message).req([id]).deny(stage, code, "call"));
    };
    let changed = |name: &str, value: Json| envelope().with(name, value).sign(call());
    deny(
        "token-absent",
        "an envelope without a token",
        &envelope().without("token").sign(call()),
        "JR-6",
        2,
        "token_missing",
    );
    deny(
        "token-empty",
        "an envelope with an empty token",
        &changed("token", Json::text("")),
        "JR-6",
        2,
        "token_missing",
    );
    deny("unsigned", "a call without an envelope", &call(), "JR-7", 3, "signature_required");
    let mut meta = call();
    meta.params.set("_meta", Json::text("dev.countersign/request"));
    deny("meta-text", "with a string for _meta", &meta, "JR-7", 3, "signature_required");
    let mut elsewhere = signed(call());
    let envelope_value = elsewhere.params.remove("_meta").unwrap().remove(ENVELOPE).unwrap();
    elsewhere.params.set(ENVELOPE, envelope_value);
    deny("elsewhere", "with its envelope beside _meta", &elsewhere, "JR-7", 3, "signature_required");
    for name in ["v", "service", "created", "expires", "nonce", "keyid"] {
        let message = envelope().without(name).sign(call());
        deny(
            &format!("{name}-absent"),
            &format!("an envelope without {name}"),
            &message,
            "JR-8",
            3,
            "params_incomplete",
        );
    }
    let mut unsigned_envelope = signed(call());
    unsigned_envelope.meta(|meta| meta.set(ENVELOPE, envelope().members));
    deny("sig-absent", "an envelope without sig", &unsigned_envelope, "JR-8", 3, "params_incomplete");
    let mut array = call();
    array.meta(|meta| meta.set(ENVELOPE, Json::Array(vec![envelope().members])));
    deny("array", "an array for an envelope", &array, "JR-9", 3, "params_invalid");
    for (slug, comment, name, value) in [
        ("member-unknown", "with a member that the profile does not have", "alg", Json::text("ed25519")),
        ("token-null", "with null for its token", "token", Json::word("null")),
        ("created-text", "with a string for created", "created", Json::text(&NOW.to_string())),
        (
            "created-fraction",
            "with created spelled as a fraction",
            "created",
            Json::Word(format!("{NOW}.0"), NOW.to_string()),
        ),
        ("keyid-null", "with null for keyid", "keyid", Json::word("null")),
        ("v-text", "with a string for v", "v", Json::text("1")),
    ] {
        deny(slug, comment, &changed(name, value), "JR-9", 3, "params_invalid");
    }
    let of_bytes = |bytes: usize| Json::text(&b64u(&vec![7; bytes]));
    for (slug, comment, name, value) in [
        ("v-2", "of version 2", "v", Json::int(2)),
        ("nonce-15", "with a nonce of 15 bytes", "nonce", of_bytes(15)),
        ("nonce-65", "with a nonce of 65 bytes", "nonce", of_bytes(65)),
        ("nonce-padded", "with a padded nonce", "nonce", Json::text(&format!("{}==", nonce("standard")))),
        (
            "nonce-stray-bits",
            "with a nonce whose last character has stray bits",
            "nonce",
            Json::text("AAAAAAAAAAAAAAAAAAAAAB"),
        ),
    ] {
        deny(slug, comment, &changed(name, value), "JR-10", 3, "params_invalid");
    }
    let padded = format!("{}==", b64u(&envelope().signature(&call())));
    deny("sig-padded", "with a padded signature", &envelope().put(call(), &padded), "JR-10", 3, "params_invalid");
    for (slug, comment, created, expires) in [
        ("window-inverted", "that expires when it was created", 0, 0),
        ("window-301", "that holds for 301 seconds", 0, 301),
        ("window-future", "created 31 seconds ahead", 31, 60),
        ("window-past", "that expired 31 seconds ago", -60, -31),
        ("window-negative", "created before 1970", -NOW - 1, -NOW + 100),
    ] {
        let message =
            envelope().with("created", Json::int(NOW + created)).with("expires", Json::int(NOW + expires)).sign(call());
        deny(slug, comment, &message, "JR-11", 3, "window_invalid");
    }
    deny(
        "service-other",
        "for a service that this is not",
        &changed("service", Json::text("https://mail.example.com")),
        "JR-12",
        5,
        "audience_mismatch",
    );
    deny(
        "service-slash",
        "for this service with a slash more",
        &changed("service", Json::text("https://calendar.example.com/")),
        "JR-12",
        5,
        "audience_mismatch",
    );
    let id = Key::named("stranger").id();
    deny(
        "keyid-other",
        "with the key id of a stranger",
        &changed("keyid", Json::text(&id)),
        "JR-13",
        5,
        "key_mismatch",
    );
    deny(
        "keyid-padded",
        "with its key id padded",
        &changed("keyid", Json::text(&format!("{}=", Key::named("agent").id()))),
        "JR-13",
        5,
        "key_mismatch",
    );

    let mut altered = |slug: &str, comment: &str, attack: Option<u8>, change: &dyn Fn(&mut Rpc)| {
        let mut message = signed(call());
        change(&mut message);
        let case = RpcCase::new(slug, comment, &message).req(["JR-14"]);
        let case = attack.map_or(case.clone(), |number| case.attack(number));
        file.push(case.deny(8, "signature_invalid", "call"));
    };
    altered("moved", "the envelope of one call in a call of another tool", Some(51), &|message| {
        message.params.set("name", Json::text("create_event"));
    });
    altered("moved-method", "the envelope of a call in a request for a prompt", Some(51), &|message| {
        message.method = "prompts/get".into();
    });
    altered("argument-changed", "with another argument", None, &|message| {
        message.params.set("arguments", Json::object([("day", Json::text("2026-11-25"))]));
    });
    altered("argument-added", "with an argument more", None, &|message| {
        message.params.set("arguments", Json::object([("day", Json::text("2026-11-24")), ("all", Json::word("true"))]));
    });
    altered("meta-added", "with a member of _meta more that is covered", None, &|message| {
        message.meta(|meta| meta.set("example/note", Json::word("null")));
    });
    altered("progress-outside", "with a progressToken outside _meta", None, &|message| {
        message.params.set("progressToken", Json::int(1));
    });
    altered("nonce-changed", "with another nonce", None, &|message| {
        message.meta(|meta| {
            let mut envelope = meta.remove(ENVELOPE).unwrap();
            envelope.set("nonce", Json::text(&nonce("second")));
            meta.set(ENVELOPE, envelope);
        });
    });
    let other = plan().replace(pred("purpose", [string("billing")])).text();
    altered("token-swapped", "with another token of the same holder", None, &|message| {
        message.meta(|meta| {
            let mut envelope = meta.remove(ENVELOPE).unwrap();
            envelope.set("token", Json::text(&other));
            meta.set(ENVELOPE, envelope);
        });
    });
    let mut deny = |slug: &str, comment: &str, message: &Rpc| {
        file.push(RpcCase::new(slug, comment, message).req(["JR-14"]).deny(8, "signature_invalid", "call"));
    };
    let signature = envelope().signature(&call());
    deny("sig-63", "with the first 63 bytes of its signature", &envelope().put(call(), &b64u(&signature[..63])));
    deny("sig-empty", "with an empty signature", &envelope().put(call(), ""));
    let mut stranger = envelope();
    stranger.key = Key::named("stranger");
    deny("stranger", "signed by a stranger under the holder's key id", &stranger.sign(call()));
    let mut plain = envelope();
    plain.context = Vec::new();
    deny("context-absent", "signed without the context", &plain.sign(call()));
    let mut no_zero = envelope();
    no_zero.context.pop();
    deny("context-without-zero", "signed without the zero byte behind the context", &no_zero.sign(call()));

    let mut allow = |slug: &str, comment: &str, message: &Rpc, id: &str| {
        file.push(RpcCase::new(slug, comment, message).req([id]));
    };
    allow("nonce-64", "with a nonce of 64 bytes", &changed("nonce", of_bytes(64)), "JR-10");
    let window = |created, expires| {
        envelope().with("created", Json::int(NOW + created)).with("expires", Json::int(NOW + expires)).sign(call())
    };
    allow("window-300", "that holds for 300 seconds", &window(0, 300), "JR-11");
    allow("window-skew-future", "created 30 seconds ahead", &window(30, 60), "JR-11");
    allow("window-skew-past", "that expired 30 seconds ago", &window(-60, -30), "JR-11");
    let second = "https://calendar.example.com/mcp";
    let with_second = |case: RpcCase| case.config(|config| config.audience.push(second.into())).req(["JR-12"]);
    file.push(with_second(RpcCase::new(
        "two-audiences",
        "by a service with two audiences, for the first",
        &signed(call()),
    )));
    file.push(
        with_second(RpcCase::new(
            "service-not-the-token",
            "for an audience other than its token's",
            &changed("service", Json::text(second)),
        ))
        .deny(5, "audience_mismatch", "two-audiences"),
    );
    let second_token = plan().replace(pred("audience", [string(second)])).text();
    file.push(with_second(RpcCase::new(
        "second-audience",
        "for the second audience, by a token for it",
        &envelope_of(&second_token).with("service", Json::text(second)).sign(call()),
    )));

    let again = envelope().with("nonce", Json::text(&nonce("second"))).sign(call());
    let sent = Sent::Message(b64u(signed(call()).wire().as_bytes()));
    file.push(
        RpcCase::new("two-nonces", "the same call with another nonce", &again).before(sent.clone()).req(["JR-15"]),
    );
    file.push(
        RpcCase::new("replayed", "the same message again", &signed(call())).before(sent.clone()).req(["JR-15"]).deny(
            10,
            "replayed",
            "two-nonces",
        ),
    );
    let mut renumbered = signed(call());
    renumbered.id = Some(Json::int(8));
    file.push(
        RpcCase::new("replayed-renumbered", "the same message under another id", &renumbered)
            .before(sent.clone())
            .req(["JR-15"])
            .deny(10, "replayed", "two-nonces"),
    );
    let get = Signature::new(&Key::named("agent")).sign(unsigned("GET", super::rpc_case::ENDPOINT, &plan().text()));
    file.push(
        RpcCase::new("replayed-from-http", "with the nonce of a request by HTTP", &signed(call()))
            .before(Sent::Request(b64u(&get.to_bytes())))
            .req(["JR-15"])
            .deny(10, "replayed", "two-nonces"),
    );
    file.push(
        RpcCase::http("replayed-in-http", "a request by HTTP with the nonce of a message", &get)
            .before(sent)
            .req(["JR-15"])
            .deny(10, "replayed", "two-nonces"),
    );

    let checked = |check| envelope_of(&plan().check(check).text()).sign(call());
    let binding = |value: &str| check_one("binding", |b| b.eq(lit(value)));
    file.push(RpcCase::new("binding", "with a check for its binding", &checked(binding("jsonrpc"))).req(["JR-16"]));
    file.push(
        RpcCase::new("binding-other", "with a check for another binding", &checked(binding("ed25519")))
            .req(["JR-16"])
            .deny(11, "check_failed", "binding"),
    );
    let method = check_one("method", |m| m.eq(lit("POST")));
    file.push(RpcCase::new("no-method", "with a check that needs a method", &checked(method)).req(["JR-16"]).deny(
        11,
        "check_failed",
        "binding",
    ));
    let expired =
        envelope().with("created", Json::int(EXPIRES + 1)).with("expires", Json::int(EXPIRES + 61)).sign(call());
    file.push(
        RpcCase::new("token-expired", "a second after its token expired", &expired)
            .now(EXPIRES + 1)
            .req(["VF-9"])
            .deny(5, "token_expired", "call"),
    );
    file
}
