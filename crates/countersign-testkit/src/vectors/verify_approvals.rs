//! `verify/approvals.json`: what an approver consented to, and nothing else, once.

use crate::clock::NOW;
use crate::keys::Key;
use crate::raw_approval::{self, Approval, Json, OperationObject, content_sha256, object};
use crate::raw_checks::{Predicate, Term, pred, string};
use crate::text::b64u;

use super::case::{Case, File};
use super::curve;
use super::mail::{Mail, has_not};
use super::standard::{first_agent, later_agent, right};

/// The field.
pub(super) const FIELD: &str = "Countersign-Approval";

/// The vector that most others depart from.
const GOOD: &str = "verify/approval-good";

const BODY: &str = r#"{"to":"x","n":5}"#;

/// `approval(kind, action, key)`.
pub(super) fn needs(kind: &str, action: &str, key: &str) -> Predicate {
    pred("approval", [string(kind), string(action), Term::Bytes(Key::named(key).public().to_vec())])
}

/// A request that needs the approver's approval.
pub(super) fn needed() -> Mail {
    Mail::json(BODY).fact(needs("email", "send", "approver"))
}

fn args() -> Json {
    object([("to", "x".into()), ("n", 5.into())])
}

/// What is approved.
pub(super) fn operation(mail: &Mail) -> OperationObject {
    mail.operation(Some(args()))
}

/// An approval by this key of this operation.
pub(super) fn by(key: &str, operation: &OperationObject) -> Approval {
    Approval::new(&Key::named(key), &operation.digest())
}

fn good() -> Approval {
    by("approver", &operation(&needed()))
}

fn invalid(case: Case) -> Case {
    case.attack(56).deny(11, "approval_invalid", GOOD)
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("verify", "approvals", "what an approver consented to, and nothing else, once");
    digests(&mut file);
    spellings(&mut file);
    keys(&mut file);
    times(&mut file);
    forms(&mut file);
    fields(&mut file);
    uses(&mut file);
    file
}

/// Every member of the operation is signed.
fn digests(file: &mut File) {
    let with = |text: String| needed().field(FIELD, text);
    file.push(
        with(good().text())
            .case("approval-good", "the approval that the operation needs")
            .req("VF-32")
            .req("VF-44")
            .req("RQ-57")
            .req("RQ-58"),
    );
    let base = || operation(&needed());
    let others: [(&str, Json); 20] = [
        ("issuer", "https://other.example".into()),
        ("user", "bob@example.com".into()),
        ("purpose", "billing".into()),
        ("grant", "g-1".into()),
        ("conversation", "c-1".into()),
        ("agents", Json::Array(vec![raw_approval::agent("other-bot", &Key::named("agent"))])),
        ("authority", "backup.example.com".into()),
        ("holder", Json::Text(Key::named("sub-agent").id())),
        ("service", "https://mail.example.com".into()),
        ("method", "PUT".into()),
        ("path", "/mail/in".into()),
        ("query", "to=y".into()),
        ("type", "calendar".into()),
        ("resource", "/mail/in".into()),
        ("action", "read".into()),
        ("tool", "send_mail".into()),
        ("args", object([("to", "y".into()), ("n", 5.into())])),
        ("content_sha256", content_sha256(BODY.as_bytes())),
        ("fields", object([("content-type", "application/json; charset=utf-8".into())])),
        ("meta", object([])),
    ];
    for (name, value) in others {
        let case = with(by("approver", &base().with(name, value)).text());
        let slug = format!("approval-for-other-{}", name.replace('_', "-"));
        file.push(invalid(case.case(&slug, &format!("an approval for another `{name}`")).req("VF-44").req("RQ-58")));
    }
    let mut without = base();
    without.0.retain(|(name, _)| name != "tool");
    let mut more = base();
    more.0.push(("extra".into(), Json::Null));
    for (slug, comment, operation) in [
        ("query-empty", "a query of nothing where there is none", base().with("query", "")),
        ("args-null", "the digest of the body in place of what it says", {
            base().with("args", Json::Null).with("content_sha256", content_sha256(BODY.as_bytes()))
        }),
        ("args-more", "a member more among the arguments", {
            base().with("args", object([("to", "x".into()), ("n", 5.into()), ("cc", "y".into())]))
        }),
        (
            "args-kind",
            "an argument of another kind",
            base().with("args", object([("to", "x".into()), ("n", "5".into())])),
        ),
        ("member-missing", "a member left out, not null", without),
        ("member-more", "a member too many", more),
    ] {
        let case = with(by("approver", &operation).text()).case(&format!("approval-{slug}"), comment);
        file.push(invalid(case.req("VF-44").req("RQ-58")));
    }
    let undomained = {
        use sha2::{Digest as _, Sha256};
        Approval::new(&Key::named("approver"), &Sha256::digest(base().jcs().as_bytes()))
    };
    let case = with(undomained.text()).case("approval-digest-without-domain", "a digest without its domain in front");
    file.push(invalid(case.req("VF-44").req("RQ-58")));
}

/// What the request says in other words, and in other places.
fn spellings(file: &mut File) {
    let mut same = |slug: &str, comment: &str, mail: Mail, operation: OperationObject| {
        let mail = mail.fact(needs("email", "send", "approver"));
        let slug = format!("approval-of-{slug}");
        let case = mail.clone().field(FIELD, by("approver", &operation).text()).case(&slug, comment);
        file.push(case.req("VF-44").req("RQ-55"));
        let other = by("approver", &operation.with("purpose", "billing"));
        let case =
            mail.field(FIELD, other.text()).case(&format!("{slug}-other"), &format!("{comment}: for another purpose"));
        file.push(case.req("VF-44").attack(56).deny(11, "approval_invalid", &format!("verify/{slug}")));
    };
    let of = |mail: &Mail, args: Json| mail.operation(Some(args));
    for (slug, comment, body) in [
        ("spaces", "white space in the body", "{ \"n\" : 5,\n \"to\": \"x\" }"),
        ("escapes", "escapes in the body", r#"{"\u006e":5,"to":"\u0078"}"#),
    ] {
        let mail = Mail::json(body);
        same(slug, comment, mail.clone(), of(&mail, args()));
    }
    for (slug, number, canonical) in [
        ("whole-fraction", "5.0", "5"),
        ("exponent", "1e2", "100"),
        ("half", "0.50", "0.5"),
        ("great", "1e21", "1e+21"),
        ("below-great", "1e20", "100000000000000000000"),
        ("small", "1e-7", "1e-7"),
        ("above-small", "1e-6", "0.000001"),
        ("minus-zero", "-0", "0"),
        ("minus-zero-fraction", "-0.0", "0"),
        ("binary", "333333333.33333329", "333333333.3333333"),
        ("greatest", "9007199254740991", "9007199254740991"),
    ] {
        let mail = Mail::json(format!(r#"{{"n":{number}}}"#));
        let args = object([("n", Json::Number(canonical.into()))]);
        same(&format!("number-{slug}"), &format!("{number} is {canonical} by JCS"), mail.clone(), of(&mail, args));
    }
    let mail = Mail::json("{\"\u{fb33}\":1,\"\u{1f600}\":2,\"\\u20ac\":\"\\u000f\\/\u{e9}\"}");
    let names =
        object([("\u{fb33}", 1.into()), ("\u{1f600}", 2.into()), ("\u{20ac}", Json::Text("\u{f}/\u{e9}".into()))]);
    same("names", "names sorted by UTF-16 code units, characters as they are", mail.clone(), of(&mail, names));
    let mail = Mail::json(r#"{"a":[null,true,{"b":[]},"x"],"c":{}}"#);
    let inner = object([("b", Json::Array(Vec::new()))]);
    let array = Json::Array(vec![Json::Null, Json::Bool(true), inner, "x".into()]);
    same("nested", "arrays and objects", mail.clone(), of(&mail, object([("a", array), ("c", object([]))])));
    let mail = Mail::json("{}");
    same("nothing", "an object without members is no null", mail.clone(), of(&mail, object([])));
    for (slug, comment, mail) in [
        ("no-body", "no body: neither arguments nor a digest of one", Mail::new()),
        ("empty-body", "a body of no bytes is none", Mail::json("")),
        ("array", "a root that is no object", Mail::json(r#"[{"to":"x"}]"#)),
        ("text", "a body that is not JSON", Mail::new().body("to=x", "text/plain")),
        ("unread", "a body that is not read", Mail::json(BODY).row(|row| row.read_body = Some(false))),
    ] {
        let operation = mail.operation(None);
        let operation = if slug == "empty-body" { operation.with("content_sha256", Json::Null) } else { operation };
        same(slug, comment, mail, operation);
    }
    let many: Vec<Json> = (0..1025).map(|_| Json::from(1)).collect();
    let mail = Mail::json(format!(r#"{{"n":[1{}]}}"#, ",1".repeat(1024)));
    same("too-many", "more arguments than facts", mail.clone(), of(&mail, object([("n", Json::Array(many))])));
    let mail = Mail::json(BODY).to("/mail/out?to=a%40b&b=+&a");
    same("query", "a query as received", mail.clone(), operation(&mail));
    let mail = Mail::json(BODY).to("/mail/caf%C3%A9");
    same("escaped-path", "a path as received", mail.clone(), operation(&mail));
    let mail = Mail::json(BODY).row(|row| row.tool = Some("send_mail".into()));
    same("tool", "a tool", mail.clone(), operation(&mail));
    let mail = Mail::json(BODY).scale("/n", 2);
    same("scaled", "a scale is for checks: the digest has the number as it is", mail.clone(), operation(&mail));
}

fn required(case: Case) -> Case {
    case.attack(56).deny(11, "approval_required", GOOD)
}

fn keys(file: &mut File) {
    let approved = |texts: &[String]| needed().field(FIELD, texts.join(", "));
    let op = || operation(&needed());
    file.push(required(needed().case("approval-none", "no approval").req("VF-32")));
    let case = approved(&[by("stranger", &op()).text()]).case("approval-by-stranger", "by a key that is not needed");
    file.push(required(case.req("VF-32").req("RQ-57")));
    let agent = |name: &str| Mail::json(BODY).fact(needs("email", "send", name));
    let by_holder = agent("agent");
    let case = by_holder.clone().field(FIELD, by("agent", &operation(&by_holder)).text());
    file.push(invalid(case.case("approval-by-holder", "by the holder, whom the token names as approver").req("RQ-58")));
    let delegated = |approver: &str| {
        let mut mail = agent(approver).plan(|plan| {
            plan.fact(pred("delegation_depth", [Term::Int(1)])).delegate("agent", "summary-bot", "sub-agent", None)
        });
        mail.holder = "sub-agent".into();
        mail
    };
    let chain = || [first_agent(), later_agent("summary-bot", "sub-agent", "agent")];
    let handed = delegated("approver");
    file.push(
        handed
            .clone()
            .field(FIELD, by("approver", &operation(&handed)).text())
            .case("approval-delegated", "for the current holder of a delegated token")
            .agents(chain())
            .req("VF-44")
            .req("RQ-58"),
    );
    for (slug, comment, mail, approval) in [
        ("former-holder", "by a former holder, whom the token names", delegated("agent"), "agent"),
        ("current-holder", "by the current holder, whom the token names", delegated("sub-agent"), "sub-agent"),
    ] {
        let case = mail.clone().field(FIELD, by(approval, &operation(&mail)).text());
        let case = case.case(&format!("approval-by-{slug}"), comment).req("RQ-58").attack(56);
        file.push(case.deny(11, "approval_invalid", "verify/approval-delegated"));
    }
    let case = handed.clone().field(FIELD, by("approver", &op()).text());
    let case = case.case("approval-for-former-holder", "for the holder before").req("VF-44").attack(56);
    file.push(case.deny(11, "approval_invalid", "verify/approval-delegated"));

    let two = || needed().fact(needs("email", "send", "approver-2"));
    let (first, second) = (by("approver", &op()), by("approver-2", &op()));
    let (bad_first, bad_second) = (first.clone().times(NOW, NOW), second.clone().times(NOW, NOW));
    let texts =
        |approvals: &[&Approval]| approvals.iter().map(|approval| approval.text()).collect::<Vec<_>>().join(", ");
    let both = |slug: &str, comment: &str, approvals: &[&Approval]| {
        two().field(FIELD, texts(approvals)).case(slug, comment).req("VF-32")
    };
    file.push(both("approval-two", "two keys are needed, and both approve", &[&first, &second]));
    file.push(both("approval-two-turned", "in the other order", &[&second, &first]));
    let twin = "verify/approval-two";
    for (slug, comment, approvals, code) in [
        ("second-missing", "the second is missing", vec![&first], "approval_required"),
        ("first-missing", "the first is missing", vec![&second], "approval_required"),
        ("second-bad", "the second is bad", vec![&first, &bad_second], "approval_invalid"),
        ("first-bad", "the first is bad", vec![&bad_first, &second], "approval_invalid"),
        ("first-bad-second-missing", "the first, which is bad, decides", vec![&bad_first], "approval_invalid"),
        ("first-missing-second-bad", "the first, which is missing, decides", vec![&bad_second], "approval_required"),
    ] {
        let case = both(&format!("approval-two-{slug}"), comment, &approvals).attack(56);
        file.push(case.deny(11, code, twin));
    }
    let other_id = first.clone().with("id", format!("\"{}\"", b64u(&[9; 16])));
    for (slug, comment, approvals) in [
        ("same", "one approval twice", vec![&first, &first]),
        ("one-key", "two approvals by one key, both good", vec![&first, &other_id]),
        ("one-key-one-bad", "two approvals by one key, the second bad", vec![&first, &bad_first]),
    ] {
        let case = needed().field(FIELD, texts(&approvals)).case(&format!("approval-twice-{slug}"), comment);
        file.push(invalid(case.req("RQ-57")));
    }
    let stranger = by("stranger", &op());
    for (slug, comment, other) in [
        ("beside", "an approval beside it by a key that is not needed", stranger.clone()),
        ("beside-expired", "that one is expired", stranger.clone().times(1, 2)),
        (
            "beside-other",
            "that one is for another operation",
            stranger.clone().with("digest", format!("\"{}\"", b64u(&[0; 32]))),
        ),
        ("beside-no-key", "that one names no key at all", stranger.clone().with("approver", "\"somebody\"")),
    ] {
        let case = approved(&[other.text(), first.text()]).case(&format!("approval-{slug}"), comment);
        file.push(case.req("RQ-57").req("VF-33"));
    }
    let case = approved(&[stranger.text(), first.text(), stranger.text()]);
    file.push(case.case("approval-beside-twice", "that one stands twice").req("RQ-57").req("VF-33"));
    let crowd = |count: usize| {
        let others = (1..count).map(|n| by(&format!("crowd-{n}"), &op()).text());
        approved(&others.chain([first.text()]).collect::<Vec<_>>())
    };
    file.push(crowd(16).case("approval-sixteen", "sixteen approvals").req("RQ-57"));
    let case = crowd(17).case("approval-seventeen", "seventeen approvals").req("RQ-57").attack(56);
    file.push(case.deny(11, "approval_invalid", "verify/approval-sixteen"));
}

fn times(file: &mut File) {
    let lasting = |created: i64, expires: i64| needed().field(FIELD, good().times(created, expires).text());
    for (slug, comment, created, expires) in [
        ("created-now-30", "created 30 seconds ahead", NOW + 30, NOW + 330),
        ("expires-now", "expires now", NOW - 600, NOW),
        ("600", "lasts 600 seconds", NOW - 300, NOW + 300),
        ("1", "lasts a second", NOW, NOW + 1),
    ] {
        file.push(lasting(created, expires).case(&format!("approval-{slug}"), comment).req("RQ-58").attack(65));
    }
    for (slug, comment, created, expires, twin) in [
        ("created-now-31", "created 31 seconds ahead", NOW + 31, NOW + 331, "created-now-30"),
        ("expires-before", "expired a second ago: there is no skew", NOW - 600, NOW - 1, "expires-now"),
        ("601", "lasts 601 seconds", NOW - 300, NOW + 301, "600"),
        ("0", "lasts no second", NOW, NOW, "1"),
        ("inverted", "expires before it is created", NOW + 1, NOW, "1"),
        ("for-good", "lasts for good", NOW, 9_007_199_254_740_991, "600"),
        ("since-ever", "created at the beginning of time", 0, NOW + 300, "600"),
    ] {
        let case = lasting(created, expires).case(&format!("approval-{slug}"), comment).req("RQ-58").attack(65);
        file.push(case.attack(56).deny(11, "approval_invalid", &format!("verify/approval-{twin}")));
    }
}

/// One payload has one form.
fn forms(file: &mut File) {
    let approval = good();
    let payload = approval.payload();
    let member = |name: &str| {
        let (name, value) = approval.members.iter().find(|(known, _)| known == name).expect("a member");
        format!("\"{name}\":{value}")
    };
    let swapped = format!(
        "{{{},{},{},{},{}}}",
        member("created"),
        member("approver"),
        member("digest"),
        member("expires"),
        member("id")
    );
    let without = payload.replace(&format!(",{}", member("id")), "");
    let of = |text: &str| approval.text_of(text);
    let digest = operation(&needed()).digest();
    let quoted = |bytes: &[u8]| format!("\"{}\"", b64u(bytes));
    let texts: Vec<(&str, &str, String)> = vec![
        ("order", "members in another order", of(&swapped)),
        ("member-more", "a member more", of(&payload.replace('}', ",\"x\":1}"))),
        ("member-missing", "a member less", of(&without)),
        ("member-twice", "a member twice", of(&payload.replace('}', &format!(",{}}}", member("id"))))),
        ("space", "a space", of(&payload.replace(',', ", "))),
        ("space-behind", "a space behind it", of(&format!("{payload} "))),
        ("line-feed", "a line feed behind it", of(&format!("{payload}\n"))),
        ("mark", "a byte order mark", of(&format!("\u{feff}{payload}"))),
        ("escape", "a letter as an escape", of(&payload.replace("\"id\"", "\"\\u0069d\""))),
        ("array", "an array", of(&format!("[{payload}]"))),
        ("two-values", "two values", of(&format!("{payload}{payload}"))),
        ("not-json", "no JSON", of("approved")),
        ("created-text", "`created` as a string", approval.clone().with("created", format!("\"{NOW}\"")).text()),
        ("created-fraction", "`created` as a fraction", approval.clone().with("created", format!("{NOW}.0")).text()),
        ("created-exponent", "`created` with an exponent", approval.clone().with("created", "17954532e2").text()),
        ("expires-null", "`expires` is null", approval.clone().with("expires", "null").text()),
        ("digest-31", "a digest of 31 bytes", approval.clone().with("digest", quoted(&digest[..31])).text()),
        (
            "digest-33",
            "a digest of 33 bytes",
            approval.clone().with("digest", quoted(&[&digest[..], &[0]].concat())).text(),
        ),
        (
            "digest-padded",
            "a digest with padding",
            of(&payload.replace(&b64u(&digest), &format!("{}=", b64u(&digest)))),
        ),
        ("digest-hexadecimal", "a digest in hexadecimal", {
            approval.clone().with("digest", format!("\"{}\"", crate::text::hex(&digest))).text()
        }),
        ("id-15", "an id of 15 bytes", approval.clone().with("id", quoted(&[1; 15])).text()),
        ("id-17", "an id of 17 bytes", approval.clone().with("id", quoted(&[1; 17])).text()),
    ];
    for (slug, comment, text) in texts {
        let case = needed().field(FIELD, text).case(&format!("approval-form-{slug}"), comment);
        file.push(invalid(case.req("RQ-57")));
    }
    // The form is asked of approvals that nobody needs, too.
    let stranger = by("stranger", &operation(&needed()));
    let beside = |other: String| needed().field(FIELD, format!("{}, {other}", approval.text()));
    // 2 × 86 + … characters: a payload of 702 bytes makes 1,023, the next one 1,025.
    let named = |length: usize| {
        let own = stranger.clone().with("approver", "\"\"").payload().len();
        stranger.clone().with("approver", format!("\"{}\"", "a".repeat(length - own))).text()
    };
    assert_eq!((named(702).len(), named(703).len()), (1023, 1025), "the greatest length is 1,024");
    file.push(beside(named(702)).case("approval-1023", "another one of 1,023 characters").req("RQ-57"));
    for (slug, comment, text, twin) in [
        ("1025", "another one of 1,025 characters", named(703), "verify/approval-1023"),
        (
            "beside-negative",
            "another one from before 1970",
            stranger.clone().times(-1, 2).text(),
            "verify/approval-beside-expired",
        ),
        (
            "beside-minus-zero",
            "another one created at -0",
            stranger.clone().with("created", "-0").text(),
            "verify/approval-beside-expired",
        ),
        ("beside-garbage", "another one of no form", "e30.c2ln".into(), "verify/approval-beside"),
    ] {
        let case = beside(text).case(&format!("approval-{slug}"), comment).req("RQ-57").attack(56);
        file.push(case.deny(11, "approval_invalid", twin));
    }

    let signature = approval.signature(&payload);
    let with = |signature: &[u8]| format!("{}.{}", b64u(payload.as_bytes()), b64u(signature));
    let signed = [b"countersign-approval-v1\0", payload.as_bytes()].concat();
    let neutral = curve::neutral_r(&Key::named("approver"), &curve::NEUTRAL, &signed);
    let mut stray = approval.text();
    let last = stray.pop().expect("a last character");
    // 64 bytes leave four unused bits, which are zero in the one spelling.
    stray.push(char::from(last as u8 + 1));
    let text = approval.text();
    for (slug, comment, text, req) in [
        ("63", "a signature of 63 bytes", with(&signature[..63]), "RQ-57"),
        ("65", "a signature of 65 bytes", with(&[&signature[..], &[0]].concat()), "RQ-57"),
        ("malleable", "S plus the order of the group", with(&curve::plus_order(&signature)), "RQ-58"),
        ("neutral", "R is the neutral element", with(&neutral), "RQ-58"),
        ("by-another", "by another key than it says", with(&Key::named("stranger").sign(&signed)), "RQ-58"),
        ("by-holder", "by the holder, under the approver's name", with(&Key::named("agent").sign(&signed)), "RQ-58"),
        ("no-domain", "over the payload alone", with(&Key::named("approver").sign(payload.as_bytes())), "RQ-58"),
        ("zero", "64 bytes of zero", with(&[0; 64]), "RQ-58"),
        ("stray-bits", "a base64url text with unused bits", stray, "RQ-57"),
        ("padded", "a base64url text with padding", format!("{text}=="), "RQ-57"),
        ("no-dot", "no dot", text.replace('.', ""), "RQ-57"),
        ("two-dots", "two dots", text.replace('.', ".."), "RQ-57"),
        ("third-part", "a third part", format!("{text}.{}", b64u(&signature)), "RQ-57"),
        ("payload-alone", "no signature", b64u(payload.as_bytes()), "RQ-57"),
        ("space-inside", "a space within", text.replace('.', ". "), "RQ-57"),
        ("quoted", "in quotes", format!("\"{text}\""), "RQ-57"),
        ("comma-behind", "a comma behind it", format!("{text},"), "RQ-57"),
        ("comma-before", "a comma in front of it", format!(", {text}"), "RQ-57"),
        ("empty", "an empty field", String::new(), "RQ-57"),
    ] {
        let case = needed().field(FIELD, text).case(&format!("approval-signature-{slug}"), comment);
        file.push(invalid(case.req(req).req("TK-44")));
    }
}

fn fields(file: &mut File) {
    let (first, second) = (by("approver", &operation(&needed())), by("approver-2", &operation(&needed())));
    let (one, two) = (first.text(), second.text());
    let both = || needed().fact(needs("email", "send", "approver-2"));
    for (slug, comment, mail) in [
        ("lines", "an approval in each of two lines", both().field(FIELD, &one).field(FIELD, &two)),
        ("no-space", "a comma alone", both().field(FIELD, format!("{one},{two}"))),
        ("spaces", "spaces and tabs around a comma", both().field(FIELD, format!("{one} \t, \t {two}"))),
        ("lower-case", "the field's name in lower case", needed().field("countersign-approval", &one)),
    ] {
        file.push(mail.case(&format!("approval-{slug}"), comment).req("RQ-57"));
    }
    let (mut request, signature) = needed().unsigned();
    request.add(FIELD, &one);
    file.push(
        needed()
            .case_of("approval-uncovered", "the field is not covered", &signature.sign(request))
            .req("RQ-36")
            .attack(56)
            .deny(3, "header_uncovered", GOOD),
    );
    let mut added = needed().request();
    added.add(FIELD, &one);
    file.push(
        needed()
            .case_of("approval-added", "the field was added to a signed request", &added)
            .req("RQ-36")
            .attack(56)
            .deny(3, "header_uncovered", GOOD),
    );
    // What needs no approval reads none.
    for (slug, comment, mail) in [
        ("no-approval", "the token asks for none", Mail::json(BODY)),
        (
            "approval-elsewhere",
            "it asks for one for another action",
            Mail::json(BODY).fact(needs("email", "read", "approver")),
        ),
        (
            "approval-of-type",
            "it asks for one for another type",
            Mail::json(BODY).fact(needs("calendar", "send", "approver")),
        ),
    ] {
        file.push(mail.case(&format!("needs-{slug}"), comment).req("VF-32"));
        let case =
            mail.clone().field(FIELD, &one).case(&format!("needs-{slug}-given"), &format!("{comment}, and gets one"));
        file.push(case.req("VF-33"));
        let case = mail
            .field(FIELD, "what, ever")
            .case(&format!("needs-{slug}-garbage"), &format!("{comment}, and gets garbage"));
        file.push(case.req("RQ-57").req("VF-33"));
    }
    let failing = needed().check(has_not("/to")).case("approval-after-checks", "no approval, and a check that fails");
    file.push(failing.req("VF-2").req("VF-32").deny(11, "check_failed", GOOD));
    let unrighted = needed().plan(|plan| plan.rights([right("email", "/other", "send")]));
    let case = unrighted.case("approval-after-right", "no approval, and no right").req("VF-2").req("VF-29");
    file.push(case.deny(11, "right_missing", GOOD));
}

fn uses(file: &mut File) {
    let once = || needed().field(FIELD, good().text());
    let used =
        |case: Case| case.req("RQ-59").req("VF-45").attack(56).deny(12, "approval_invalid", "verify/approval-fresh");
    let other_id = good().with("id", format!("\"{}\"", b64u(&[9; 16])));
    let earlier = once().nonce("second").request();
    file.push(
        needed()
            .field(FIELD, other_id.text())
            .case("approval-fresh", "a second approval for the same operation")
            .before(&earlier)
            .req("RQ-59"),
    );
    file.push(used(once().case("approval-used", "an approval that was used before").before(&earlier)));
    let other_token = || once().plan(|plan| plan.restrict([crate::raw_checks::expiry(NOW + 1800)]));
    let case = other_token().case("approval-used-other-token", "under another token").before(&earlier);
    file.push(used(case.expires(NOW + 1800)));
    let two = || needed().fact(needs("email", "send", "approver-2"));
    let second = by("approver-2", &operation(&needed()));
    let case = two().field(FIELD, format!("{}, {}", good().text(), second.text()));
    file.push(used(case.case("approval-one-of-two-used", "one of two was used before").before(&earlier)));
    let refused = once().nonce("second").check(has_not("/to")).request();
    file.push(
        once()
            .case("approval-after-refusal", "after a request with it failed a check: it was not used")
            .before_denied(&refused)
            .req("RQ-59")
            .req("VF-22"),
    );
    let missing = two().field(FIELD, good().text()).nonce("second").request();
    file.push(
        once()
            .case("approval-after-missing", "after a request with it lacked another approval: it was not used")
            .before_denied(&missing)
            .req("RQ-59")
            .req("VF-45"),
    );
    let unneeded = Mail::json(BODY).field(FIELD, good().text()).nonce("second").request();
    file.push(
        once()
            .case("approval-after-unneeded", "after a request with it needed none: it was not used")
            .before(&unneeded)
            .req("VF-33")
            .req("RQ-59"),
    );
    let burnt = [once().nonce("second").request(), once().nonce("third").request()];
    file.push(used(once().case("approval-used-thrice", "a third time").before(&burnt[0]).before_denied(&burnt[1])));
}
