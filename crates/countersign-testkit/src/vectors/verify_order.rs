//! `verify/order.json`: which of two broken rules of stage 11 decides (`spec/verify.md`, VF-2), and the form of approvals that
//! nobody needs.

use crate::raw_checks::{Check, pred, query, reject_if};
use crate::text::b64u;

use super::case::{Case, File};
use super::mail::{JSON, Mail, has, has_not};
use super::standard::right;
use super::verify_approvals::{FIELD, by, needed, operation};

const TWIN: &str = "verify/order-good";

const TWICE: &str = r#"{"to":"x","to":"y"}"#;

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file =
        File::new("verify", "order", "which of two broken rules of stage 11 decides; approvals beside those needed");
    order(&mut file);
    beside(&mut file);
    file
}

/// A request that obeys all rules, and has something for each of them.
fn good() -> Mail {
    Mail::json(r#"{"to":"x"}"#).to("/mail/out?a=%41").check(has("/to"))
}

fn without_right(mail: Mail) -> Mail {
    mail.plan(|plan| plan.rights([right("email", "/other", "send")]))
}

/// `reject if type("email")`, which fails.
fn failing() -> Check {
    reject_if(query([pred("type", [crate::raw_checks::string("email")])], []))
}

fn order(file: &mut File) {
    file.push(good().case("order-good", "the twin of vectors that break two rules").req("VF-2"));
    let mut two = |slug: &str, comment: &str, code: &str, mail: &Mail, first: &str, second: &str| {
        let case: Case = mail.case(&format!("order-{slug}"), comment).req("VF-2").req(first).req(second);
        file.push(case.deny(11, code, TWIN));
    };
    let ambiguous = || good().body(TWICE, JSON);
    let (path, body) = ("resource_invalid", "body_ambiguous");
    two(
        "path-body",
        "a path outside of the grammar, and a name twice",
        path,
        &ambiguous().to("/mail/o;t"),
        "VF-25",
        "RQ-55",
    );
    let media = || good().body("x", "text/plain, text/html");
    two(
        "path-media",
        "a path outside of the grammar, and two media types",
        path,
        &media().to("/mail/o;t"),
        "VF-25",
        "RQ-56",
    );
    two(
        "path-escape",
        "a path outside of the grammar, and a broken escape",
        path,
        &good().to("/mail/o;t?a=%4"),
        "VF-25",
        "CK-30",
    );
    let both = without_right(good().to("/mail/o;t"));
    two(
        "path-check",
        "a path outside of the grammar, and a check that fails",
        path,
        &both.check(failing()),
        "VF-25",
        "CK-23",
    );
    two("body-right", "a name twice, and no right", body, &without_right(ambiguous()), "RQ-55", "VF-29");
    two("media-right", "two media types, and no right", body, &without_right(media()), "RQ-56", "VF-29");
    let latin = good().body(r#"{"to":"x"}"#, "application/json; charset=latin1");
    two("charset-right", "another charset, and no right", body, &without_right(latin), "RQ-56", "VF-29");
    let escape = || good().to("/mail/out?a=%4");
    two("escape-right", "a broken escape, and no right", body, &without_right(escape()), "CK-30", "VF-29");
    two(
        "escape-check",
        "a broken escape, and a check that fails",
        body,
        &escape().check(has_not("/to")),
        "CK-30",
        "CK-23",
    );
    let unread = Mail::new().body("x", "text/plain").to("/mail/out?a=%4");
    two(
        "escape-unread-right",
        "a broken escape beside a body that is not read, and no right",
        body,
        &without_right(unread),
        "CK-30",
        "VF-29",
    );
}

/// What is asked of the form of an approval that nobody needs (RQ-57).
fn beside(file: &mut File) {
    let own = by("approver", &operation(&needed()));
    let other = by("stranger", &operation(&needed()));
    let payload = other.payload();
    let signed = |signature: &[u8]| format!("{}.{}", b64u(payload.as_bytes()), b64u(signature));
    let signature = other.signature(&payload);
    let with = |other: &[String]| needed().field(FIELD, [&[own.text()], other].concat().join(", "));
    let good = "approval-unneeded";
    let mut wrong = signature.clone();
    wrong[0] ^= 1;
    for (slug, comment, other) in [
        (good, "one that nobody needs, beside the one that is needed", vec![other.text()]),
        ("approval-unneeded-wrong", "one that nobody needs, whose signature is wrong", vec![signed(&wrong)]),
        ("approval-unneeded-sixteen", "one that nobody needs, fifteen times", vec![other.text(); 15]),
        ("approval-unneeded-no-key", "one by what is no key id", vec![other.clone().with("approver", "\"\"").text()]),
    ] {
        file.push(with(&other).case(slug, comment).req("RQ-57").req("VF-33"));
    }
    let quoted = |bytes: &[u8]| format!("\"{}\"", b64u(bytes));
    for (slug, comment, other, twin) in [
        ("signature-63", "a signature of 63 bytes", vec![signed(&signature[..63])], good),
        ("signature-65", "a signature of 65 bytes", vec![signed(&[&signature[..], &[0]].concat())], good),
        ("signature-empty", "no bytes of a signature", vec![signed(&[])], good),
        ("digest-31", "a digest of 31 bytes", vec![other.clone().with("digest", quoted(&[7; 31])).text()], good),
        ("id-15", "an id of 15 bytes", vec![other.clone().with("id", quoted(&[7; 15])).text()], good),
        ("approver-number", "an approver that is a number", vec![other.clone().with("approver", 7).text()], good),
        ("empty-part", "an empty part between commas", vec![String::new(), other.text()], good),
        ("seventeen", "one that nobody needs, sixteen times", vec![other.text(); 16], "approval-unneeded-sixteen"),
    ] {
        let case = with(&other)
            .case(&format!("approval-unneeded-{slug}"), &format!("beside the one that is needed: {comment}"));
        file.push(case.req("RQ-57").attack(56).deny(11, "approval_invalid", &format!("verify/{twin}")));
    }
}
