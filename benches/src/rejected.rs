//! Requests that are refused, each for one reason.

use countersign::time::UnixTime;
use countersign::to_base64url;
use countersign::token::{Grant, UnverifiedToken};
use countersign_testkit::keys::Key;
use countersign_testkit::raw_checks::{Predicate, Query, Term, date, expiry, pred, query, string, v, var};
use countersign_testkit::raw_token::{Block, RawToken, Symbols};
use http::HeaderValue;
use httpsig_hyper::MessageSignatureReqSync as _;
use httpsig_hyper::prelude::message_component::HttpMessageComponentId;
use httpsig_hyper::prelude::{AlgorithmName, HttpSignatureParams, SecretKey};

use crate::fixture::{AUDIENCE, HttpRequest, ISSUER, NOW, Scenario, authority, grant, key, unsigned};

/// How many facts the rule of a rule token joins four times: 24⁴ = 331,776 combinations.
const FACTS: usize = 24;

/// A request and the code under which it is refused.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Its name in reports.
    pub name: &'static str,
    /// The request; nothing else is wrong with it.
    pub request: HttpRequest,
    /// The code that it is refused with.
    pub code: &'static str,
}

/// All of them. The first two carry the token that an engine works on for seconds.
#[must_use]
pub fn all() -> Vec<Rejected> {
    let sealed = |grant: Grant, issuer: &str| grant.sign(&key(issuer), &key("next-0")).unwrap().seal();
    let expired = sealed(grant().valid(UnixTime(NOW.0 - 7200), UnixTime(NOW.0 - 3600)), "root").unwrap();
    let forged = sealed(grant(), "stranger").unwrap();
    let valid = authority().seal().unwrap().to_text();
    let case = |name, request, code| Rejected { name, request, code };
    let mut no_signature = unsigned(Scenario::OneBlock);
    authorize(&mut no_signature, &valid);
    let mut bad_signature = Scenario::OneBlock.request();
    *bad_signature.method_mut() = http::Method::PUT;
    let mut oversize_header = Scenario::OneBlock.request();
    oversize_header.headers_mut().insert("x-filler", HeaderValue::from_str(&"x".repeat(40_000)).unwrap());
    vec![
        case("reject_rule_token", signed_by_peer(&rule_token(), 0), "token_profile"),
        case("reject_rule_token_bare", signed_by_peer(&bare_rule_token(), 0), "token_profile"),
        case("reject_no_signature", no_signature, "signature_required"),
        case("reject_oversize_header", oversize_header, "limit_exceeded"),
        case("reject_expired_signature", signed_by_peer(&valid, 600), "window_invalid"),
        case("reject_expired_token", signed_by_peer(&expired.to_text(), 0), "token_expired"),
        case("reject_forged_token", signed_by_peer(&forged.to_text(), 0), "token_signature"),
        case("reject_bad_signature", bad_signature, "signature_invalid"),
    ]
}

/// The token of [`authority`] with 24 rights and a rule that joins them four times; all else is inside the profile.
#[must_use]
pub fn rule_token() -> String {
    let right = |index: usize| pred("right", [string("http"), string(format!("/calendars/{index}")), string("GET")]);
    let mut facts = vec![
        pred("countersign", [Term::Int(1)]),
        pred("issuer", [string(ISSUER)]),
        pred("user", [string("alice@example.com")]),
        pred("agent", [string("calendar-bot"), Term::Bytes(key("agent").public().as_bytes().to_vec())]),
        pred("purpose", [string("scheduling")]),
        pred("audience", [string(AUDIENCE)]),
        pred("issued_at", [date(NOW.0.cast_signed())]),
    ];
    facts.extend((0..FACTS).map(right));
    let place = |name: &str| pred("right", [var("type"), var(name), var("action")]);
    let body = ["a", "b", "c", "d"];
    // More than any four of them together: it never holds, so that no limit on facts ends the work.
    let never = body.iter().skip(1).fold(v("a").length(), |sum, name| sum.op(ADD, v(name).length()));
    let rule = Query { head: pred("operation", [var("a")]), ..query(body.map(place), [never.gt(Term::Int(1000))]) };
    sealed(&Block {
        facts,
        rules: vec![rule],
        checks: vec![expiry(NOW.plus(3600).0.cast_signed())],
        ..Block::default()
    })
}

/// The least token of that kind: 24 numbers and a rule.
#[must_use]
pub fn bare_rule_token() -> String {
    let fact = |index: usize| pred("n", [Term::Int(i64::try_from(index).unwrap())]);
    let body = ["a", "b", "c", "d"];
    let never = body.iter().skip(1).fold(v("a"), |sum, name| sum.op(ADD, v(name)));
    let named = |name: &str| -> Predicate { pred("n", [var(name)]) };
    let rule = Query { head: pred("r", [var("a")]), ..query(body.map(named), [never.gt(Term::Int(1000))]) };
    sealed(&Block { facts: (0..FACTS).map(fact).collect(), rules: vec![rule], ..Block::default() })
}

/// `+`, in the schema's numbers.
const ADD: u64 = countersign_testkit::raw_checks::binary::ADD;

fn sealed(block: &Block) -> String {
    let payload = block.first_party(&mut Symbols::default()).encode();
    let text = RawToken::authority(&Key::named("root"), payload).sealed_text();
    // What the core refuses here is the rule and nothing else.
    let refused = UnverifiedToken::from_text(&text).map(drop).unwrap_err();
    assert_eq!(refused.code().as_str(), "token_profile");
    text
}

/// A request signed by httpsig-hyper, which asks nothing of the token that it covers, `age` seconds ago.
#[must_use]
pub fn signed_by_peer(token: &str, age: u64) -> HttpRequest {
    let mut request = unsigned(Scenario::OneBlock);
    authorize(&mut request, token);
    let components = ["@method", "@authority", "@path", "@query", "authorization"];
    let components: Vec<_> = components.map(|name| HttpMessageComponentId::try_from(name).unwrap()).into();
    let mut parameters = HttpSignatureParams::try_new(&components).unwrap();
    let created = NOW.0 - age;
    parameters
        .set_created(created)
        .set_expires(created + 60)
        .set_nonce(&to_base64url(&[7; 16]))
        .set_keyid(&key("agent").public().id().to_string())
        .set_tag(countersign::request::REQUEST_TAG);
    let agent = SecretKey::from_bytes(&AlgorithmName::Ed25519, key("agent").dangerous_seed().as_ref()).unwrap();
    request.set_message_signature_sync(&parameters, &agent, None).unwrap();
    request
}

fn authorize(request: &mut HttpRequest, token: &str) {
    let value = HeaderValue::from_str(&["Countersign ", token].concat()).unwrap();
    request.headers_mut().insert("authorization", value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Service;

    #[test]
    fn each_request_is_refused_for_its_one_reason() {
        let service = Service::cold();
        for Rejected { name, request, code } in all() {
            assert_eq!(service.verify(&request, b"").map(drop).unwrap_err().code().as_str(), code, "{name}");
        }
    }

    #[test]
    fn a_request_signed_by_the_peer_is_allowed() {
        let request = signed_by_peer(&authority().seal().unwrap().to_text(), 0);
        assert!(Service::cold().verify(&request, b"").is_ok());
    }
}
