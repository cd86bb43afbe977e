//! `verify/approval_fields.json`: an approval holds for the fields that the application gets (`spec/verify.md`, Operation
//! digest).

use sha2::{Digest as _, Sha256};

use crate::keys::Key;
use crate::raw_approval::{Json, OperationObject, agent, object};
use crate::raw_checks::{Term, pred, string};
use crate::raw_request::{Request, Signature, digest_sha256, nonce};
use crate::text::hex;

use super::case::{Case, File};
use super::mail::Mail;
use super::standard::{AGENT, AUTHORITY, unsigned};
use super::verify_approvals::{FIELD, by, needed, operation};

const CODE: &str = "approval_invalid";

/// The file.
#[must_use]
pub fn file() -> File {
    let comment = "an approval holds for the fields that the application gets, and for no others";
    let mut file = File::new("verify", "approval_fields", comment);
    covered(&mut file);
    transport(&mut file);
    credentials(&mut file);
    tokens(&mut file);
    authorities(&mut file);
    file
}

/// An approval holds for one grant, conversation and chain of agents.
fn tokens(file: &mut File) {
    for member in ["grant", "conversation"] {
        let mail = |value: &str| needed().fact(pred(member, [string(value)]));
        let seen = |value: &str| operation(&mail("x")).with(member, value);
        let good = format!("approval-{member}");
        file.push(approved(&mail("a-1"), &seen("a-1"), &good, &format!("for the token's `{member}`")));
        for (slug, comment, operation) in [
            ("other", "for another", seen("a-2")),
            ("unseen", "it was not shown to the approver", operation(&needed())),
        ] {
            file.push(denied(approved(&mail("a-1"), &operation, &format!("{good}-{slug}"), comment), &good));
        }
    }
    let handed = |name: &str| {
        let depth = pred("delegation_depth", [Term::Int(1)]);
        needed().plan(|plan| plan.fact(depth).delegate("agent", name, "sub-agent", None)).by("sub-agent")
    };
    let good = "approval-delegated";
    let seen = operation(&handed("summary-bot"));
    let (first, second) = (agent(AGENT, &Key::named("agent")), agent("summary-bot", &Key::named("sub-agent")));
    file.push(denied(approved(&handed("mail-bot"), &seen, "approval-agents-name", "under another name"), good));
    for (slug, comment, agents) in [
        ("first", "the first agent alone", vec![first.clone()]),
        ("last", "the last agent alone", vec![second.clone()]),
        ("turned", "the last agent first", vec![second, first]),
    ] {
        let seen = seen.clone().with("agents", Json::Array(agents));
        file.push(denied(approved(&handed("summary-bot"), &seen, &format!("approval-agents-{slug}"), comment), good));
    }
}

/// A service that two names lead to may be two to its application.
fn authorities(file: &mut File) {
    const OTHER: &str = "backup.example.com";
    let at = |host: &str, seen: &OperationObject, slug: &str, comment: &str| {
        let mail = needed().field(FIELD, by("approver", seen).text());
        let (mut request, signature) = mail.unsigned();
        request.set("Host", host);
        let case = mail.case_of(slug, comment, &signature.sign(request)).req("VF-44");
        case.config(|config| config.authorities.push(OTHER.into()))
    };
    let seen = |host: &str| operation(&needed()).with("authority", host);
    let good = "approval-authority";
    file.push(at(OTHER, &seen(OTHER), good, "for the authority that it was sent to"));
    file.push(at("Calendar.Example.com:443", &seen(AUTHORITY), "approval-authority-spelled", "normalised"));
    let case = at(OTHER, &seen(AUTHORITY), "approval-authority-other", "for another authority of the same service");
    file.push(denied(case, good));
}

/// A request with the approval of this operation.
fn approved(mail: &Mail, operation: &OperationObject, slug: &str, comment: &str) -> Case {
    mail.clone().field(FIELD, by("approver", operation).text()).case(slug, comment).req("VF-44")
}

fn denied(case: Case, twin: &str) -> Case {
    case.req("RQ-58").attack(56).deny(11, CODE, &format!("verify/{twin}"))
}

/// The fields of a mail with these beside its media type.
fn fields(more: &[(&str, &str)]) -> Json {
    object(
        [("content-type", Json::from("application/json"))]
            .into_iter()
            .chain(more.iter().map(|(n, v)| (*n, (*v).into()))),
    )
}

fn covered(file: &mut File) {
    let key = |value: &str| needed().field("Idempotency-Key", value);
    let good = "approval-field";
    file.push(approved(&key("a-1"), &operation(&key("a-1")), good, "a covered field is approved").req("RQ-39"));
    for (slug, comment, sent, seen) in [
        ("changed", "another value of it", Some("a-2"), Some("a-1")),
        ("added", "it was not there when the approver looked", Some("a-1"), None),
        ("removed", "it was there when the approver looked", None, Some("a-1")),
        ("case", "a value in another case", Some("A-1"), Some("a-1")),
        ("emptied", "its value was taken away", Some(""), Some("a-1")),
    ] {
        let of = |value: Option<&str>| value.map_or_else(needed, key);
        let case = approved(&of(sent), &operation(&of(seen)), &format!("{good}-{slug}"), comment);
        file.push(denied(case, good));
    }
    let media = |media: &str| needed().body(r#"{"to":"x","n":5}"#, media);
    let charset = media("application/json; charset=utf-8");
    file.push(approved(&charset, &operation(&charset), "approval-media", "a media type with a parameter"));
    let case =
        approved(&charset, &operation(&needed()), "approval-media-changed", "the approver saw another media type");
    file.push(denied(case, "approval-media"));
    let named = || operation(&needed()).with("fields", object([("Content-Type", "application/json".into())]));
    let case = approved(&needed(), &named(), "approval-media-name", "the name of the field in capitals");
    file.push(denied(case, good));
    let case =
        approved(&needed(), &operation(&needed()).with("fields", Json::Null), "approval-media-null", "fields are null");
    file.push(denied(case, good));

    let two = |values: [&str; 2]| values.into_iter().fold(needed(), |mail, value| mail.field("X-Label", value));
    file.push(approved(
        &two(["a", "b"]),
        &operation(&two(["a", "b"])),
        "approval-field-lines",
        "two lines are one value",
    ));
    let joined = needed().field("X-Label", "a, b");
    let case = approved(&joined, &operation(&two(["a", "b"])), "approval-field-joined", "the same value in one line");
    file.push(case.req("RQ-47"));
    let first = |value: &str| operation(&needed()).with("fields", fields(&[("x-label", value)]));
    let case = approved(&two(["a", "b"]), &first("a"), "approval-field-first", "the approver saw the first line alone");
    file.push(denied(case, "approval-field-lines"));
    let case =
        approved(&two(["b", "a"]), &operation(&two(["a", "b"])), "approval-field-turned", "the lines were turned");
    file.push(denied(case, "approval-field-lines"));
    let quoted = needed().field("X-Label", "say \"no\\yes\"");
    file.push(approved(&quoted, &operation(&quoted), "approval-field-quoted", "a value with quotes and a backslash"));
    let empty = needed().field("X-Label", "");
    file.push(approved(&empty, &operation(&empty), "approval-field-empty", "a field of no bytes is there"));
    let bare = Mail::new().fact(super::verify_approvals::needs("email", "send", "approver"));
    let empty = bare.operation(None).with("fields", object([]));
    let case = approved(&bare, &empty, "approval-fields-empty", "an object without members where there is no field");
    file.push(denied(case, "approval-of-no-body"));
}

/// Fields that carry no instruction.
fn transport(file: &mut File) {
    for (slug, name, value) in
        [("accept", "Accept", "text/html"), ("date", "Date", "now"), ("trace", "Traceparent", "00-1-1-01")]
    {
        let mail = needed().field(name, value);
        let comment = format!("`{name}`, covered, is of the transport set");
        let slug = format!("approval-without-{slug}");
        file.push(approved(&mail, &operation(&needed()), &slug, &comment));
        let case = approved(
            &mail,
            &operation(&mail),
            &format!("{slug}-there"),
            &format!("{comment}, and approved all the same"),
        );
        file.push(denied(case, &slug));
    }
    // What no signature covers is no part of it: the application does not get it.
    let operation = operation(&needed());
    let mut request = needed().field(FIELD, by("approver", &operation).text()).request();
    request.add("X-Label", "a");
    let case = needed().case_of("approval-field-uncovered", "a field that is not covered is no part of it", &request);
    file.push(case.req("VF-44").req("RQ-39"));
}

/// A request with the token in a field of its own, and these fields, all covered.
fn beside(approval: &str, more: &[(&str, &str)]) -> Request {
    let mail = needed();
    let token = mail.plan.text();
    let (body, media) = mail.body.clone().expect("a body");
    let mut request = Request::new("POST", &mail.target).with("Countersign-Token", token);
    let mut signature = Signature::new(&Key::named("agent"));
    signature.uncover("authorization");
    let length = body.len().to_string();
    let digest = digest_sha256(&body);
    let own = [("Content-Type", &*media), ("Content-Digest", &*digest), ("Countersign-Approval", approval)];
    signature.cover("countersign-token");
    request.add("Content-Length", length);
    for (name, value) in own.into_iter().chain(more.iter().copied()) {
        request.add(name, value);
        signature.cover(&name.to_ascii_lowercase());
    }
    request.body = body;
    signature.set("nonce", format!("\"{}\"", nonce("standard")));
    signature.sign(request)
}

fn credentials(file: &mut File) {
    let hash = |value: &str| hex(&Sha256::digest(value));
    let seen = |more: &[(&str, &str)]| operation(&needed()).with("fields", fields(more));
    let case = |slug: &str, comment: &str, more: &[(&str, &str)], seen: &OperationObject| {
        needed().case_of(slug, comment, &beside(&by("approver", seen).text(), more)).req("VF-44")
    };
    let field = "approval-token-field";
    file.push(case(field, "the token in a field of its own is no part of it", &[], &seen(&[])));
    let token = needed().plan.text();
    let shown = seen(&[("countersign-token", &token)]);
    file.push(denied(case("approval-token-field-there", "the token approved, too", &[], &shown), field));
    for (slug, name, value) in [
        ("authorization", "Authorization", "Basic dXNlcjpwYXNz"),
        ("proxy-authorization", "Proxy-Authorization", "Basic dXNlcjpwYXNz"),
        ("cookie", "Cookie", "session=1"),
    ] {
        let lower = name.to_ascii_lowercase();
        let slug = format!("approval-beside-{slug}");
        let more = [(name, value)];
        let comment = format!("`{name}` stands there as a hash");
        file.push(case(&slug, &comment, &more, &seen(&[(&lower, &hash(value))])));
        let comment = format!("`{name}` as it is");
        file.push(denied(case(&format!("{slug}-plain"), &comment, &more, &seen(&[(&lower, value)])), &slug));
        let comment = format!("another `{name}`");
        let other = [(name, "Basic dXNlcjpvdGhlcg==")];
        file.push(denied(case(&format!("{slug}-other"), &comment, &other, &seen(&[(&lower, &hash(value))])), &slug));
    }
    // The scheme of ours in `Authorization` is the token header; without a token field it is no credential beside it.
    let plain = operation(&needed());
    let shown = plain.clone().with("fields", fields(&[("authorization", &hash(&unsigned_value()))]));
    let case = approved(&needed(), &shown, "approval-token-hash", "the token's own header approved, too");
    file.push(denied(case, "approval-field"));
}

fn unsigned_value() -> String {
    let request = unsigned("POST", "/", &needed().plan.text());
    request.field_text("Authorization")
}
