//! The worst inputs of each stage up to the eighth: as much as fits, and wrong at the very end. Beside each an accepted
//! request of its size.

use countersign::request::{BodyLength, Parts};
use countersign::token::{ArgValue, Delegation, Grant, OpenToken, Restriction, Right, SealedToken};
use countersign::verify::{Revocations, Verifier};
use countersign_testkit::keys::Key;
use countersign_testkit::raw_request::{Request, Signature};

use crate::fixture::{AUDIENCE, AUTHORITY, ISSUER, NOW, PATH, grant, key};

/// What a head may have (`spec/request.md`, RQ-1).
const HEAD: usize = 32_768;
/// And how many lines.
const LINES: usize = 128;
/// How many keys an issuer may have (VF-43): the one that signs stands last, so all are tried.
const KEYS: usize = 8;

/// A request that is refused, and one that is not.
#[derive(Clone, Debug)]
pub struct Worst {
    /// Its name in reports.
    pub name: &'static str,
    /// Where it is refused, and how.
    pub refused: (u8, &'static str),
    /// What is refused.
    pub request: Request,
    /// What is accepted: as many bytes, as many lines, as many blocks.
    pub accepted: Request,
}

/// A service with all keys that an issuer may have, which remembers no chain.
#[derive(Debug)]
pub struct Crowded {
    verifier: Verifier,
    revocations: Revocations,
}

impl Crowded {
    /// The service; `revoked` is a token whose first block it knows to be revoked.
    #[must_use]
    pub fn new(revoked: Option<&SealedToken>) -> Self {
        let others = (1..KEYS).map(|number| key(&format!("root-{number}")).public());
        let keys = others.chain([key("root").public()]);
        let verifier = Verifier::builder().audience(AUDIENCE).authority(AUTHORITY).issuer(ISSUER, keys).cache(0);
        let mut revocations = Revocations::default();
        for id in revoked.into_iter().flat_map(|token| token.claims().block_ids().next()) {
            revocations.revoke_block(&id);
        }
        Self { verifier: verifier.build().unwrap(), revocations }
    }

    /// Stages 1 to 8, and the stage and code of a refusal.
    pub fn check(&self, request: &Request) -> Result<(), (u8, &'static str)> {
        let proven = self.verifier.check(&parts(request), NOW, &self.revocations);
        proven.map(drop).map_err(|denial| (denial.stage(), denial.code().as_str()))
    }

    /// The same over parts that exist already.
    pub fn check_parts(&self, parts: &Parts<'_>) -> bool {
        self.verifier.check(parts, NOW, &self.revocations).is_ok()
    }
}

/// A request as the verifier takes it.
#[must_use]
pub fn parts(request: &Request) -> Parts<'_> {
    let mut parts = Parts::new(&request.method, &request.target).body(BodyLength::Known(0));
    parts.extend(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
    parts
}

/// A token with as many signatures as there can be: six delegations, five restrictions, filled up to the limit of its size.
#[must_use]
pub fn greatest_token(first: &str) -> OpenToken {
    let grant = grant().delegation_depth(6);
    let mut token = grant.sign(&key(first), &key("next-0")).unwrap();
    for index in 1_u8..=6 {
        let to = Delegation::to("sub", key(&format!("sub-{index}")).public()).delegation_depth(6 - index);
        let by = if index == 1 { key("agent") } else { key(&format!("sub-{}", index - 1)) };
        token = token.delegate(&to).unwrap().sign(&by, &key(&format!("next-{index}"))).unwrap();
    }
    for index in 7..=10 {
        token = token.restrict(&[Restriction::Actions(vec!["GET".into()])], &key(&format!("next-{index}"))).unwrap();
    }
    // The last block takes what is left: a set of long texts, each with a text of its own.
    let with = |length: usize| {
        let values = (0..32).map(|number| ArgValue::Str(format!("{number:02}{}", "x".repeat(length)))).collect();
        let restriction = Restriction::ArgIn("/a".into(), values);
        token.restrict(&[restriction], &key("next-11")).ok().filter(|token| token.seal().is_ok())
    };
    (0..200).rev().find_map(with).expect("a token that fits")
}

/// A token of as many parts as there can be: the rights that fit, and checks of many short queries.
#[must_use]
pub fn dense_token(first: &str) -> OpenToken {
    let sign = |grant: &Grant| grant.clone().sign(&key(first), &key("next-0")).ok();
    let fits = |grant: &Grant| sign(grant).is_some_and(|token| token.seal().is_ok());
    let mut dense = grant();
    let mut number = 0;
    let mut more = |dense: &mut Grant, change: &dyn Fn(Grant, &str) -> Grant| {
        while number < 2_000 {
            number += 1;
            let next = change(dense.clone(), &base26(number));
            if !fits(&next) {
                break;
            }
            *dense = next;
        }
    };
    more(&mut dense, &|grant, name| grant.restriction(Restriction::ArgAbsent(name.into())));
    more(&mut dense, &|grant, name| grant.right(Right { r#type: name, location: "/", action: "GET" }));
    sign(&dense).expect("a token that fits")
}

fn authorization(token: &str) -> String {
    ["Countersign ", token].concat()
}

/// A request with this token, signed by this holder, with as many lines and bytes as fit, all covered where they can be.
fn full(token: &str, holder: &str, change: impl FnOnce(&mut Request, &mut Signature)) -> Request {
    let mut request = Request::new("GET", PATH).with("Authorization", authorization(token));
    let mut signature = signature(holder);
    // Signature-Input takes 4,096 bytes: so many short names fit.
    let mut names = 0;
    while request.headers.len() < LINES - 2 {
        let name = format!("x{names:03}");
        request.add(&name, "v");
        if signature.member().len() < 3_900 {
            signature.cover(&name);
        }
        names += 1;
    }
    change(&mut request, &mut signature);
    let signed = fit(signature.sign(request.clone()));
    request.set("x000", signed.field_text("x000"));
    signature.sign(request)
}

/// With a value of `x000` that makes its head as long as one may be.
fn fit(mut request: Request) -> Request {
    request.set("x000", "");
    let fields = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    let used = request.method.len() + request.target.len() + fields;
    request.set("x000", "v".repeat(HEAD - used));
    request
}

fn signature(holder: &str) -> Signature {
    let mut signature = Signature::new(&Key::named(holder));
    let now = NOW.0;
    signature.set("created", now.to_string());
    signature.set("expires", (now + 60).to_string());
    signature
}

/// All of them with the service that refuses them.
#[must_use]
pub fn with_services() -> Vec<(Crowded, Worst)> {
    let (token, revoked) = revoked();
    let knowing = [(Crowded::new(Some(&token)), revoked)];
    all().into_iter().map(|case| (Crowded::new(None), case)).chain(knowing).collect()
}

/// All of them but the sixth stage's, the stages in their order.
#[must_use]
pub fn all() -> Vec<Worst> {
    let greatest = greatest_token("root").seal().unwrap();
    let text = greatest.to_text();
    let good = full(&text, "sub-6", |_, _| {});
    let mut all = Vec::new();
    let mut case = |name, stage, code, request| {
        all.push(Worst { name, refused: (stage, code), request, accepted: good.clone() });
    };
    let mut other_host = good.clone();
    other_host.set("Host", "calendar.example.org");
    case("reject_1_authority", 1, "authority_mismatch", other_host);
    let mut long = good.clone();
    long.set("x000", [&long.field_text("x000"), "v"].concat());
    case("reject_1_head", 1, "limit_exceeded", long);
    let mut target = good.clone();
    target.target = format!("/{}", "a".repeat(8_192));
    case("reject_1_target", 1, "limit_exceeded", target);

    // Dictionaries of as many members as fit, the last of which is not in its one form.
    let members = |member: &str, last: &str, room: usize| {
        let mut text = String::new();
        let mut number = 0_usize;
        while text.len() + 16 + last.len() < room {
            text.push_str(&format!("{}{member}, ", base26(number)));
            number += 1;
        }
        text.push_str(last);
        text
    };
    let mut lists = good.clone();
    lists.set("Signature-Input", members("=()", "zzzz=( )", 4_096));
    case("reject_2_lists", 2, "header_malformed", fit(lists));
    let mut bytes = good.clone();
    bytes.set("Signature", members("=::", "zzzz=:=:", 4_096));
    case("reject_2_signatures", 2, "header_malformed", fit(bytes));
    let mut digests = good.clone();
    digests.remove("x001");
    digests.add("Content-Digest", members("=::", "zzzz=:=:", 1_024));
    case("reject_2_digests", 2, "header_malformed", fit(digests));

    let mut parameters = good.clone();
    parameters.set("Signature-Input", format!("a=(){};b=2", params(";", 1_150)));
    case("reject_2_parameters", 2, "header_malformed", fit(parameters));
    let mut items = good.clone();
    let strings = vec!["\"\""; 1_300].join(" ");
    items.set("Signature-Input", format!("{}=({strings});tag=\"countersign-request-v1\"", signature("agent").label));
    case("reject_3_items", 3, "components_invalid", fit(items));

    let mut none = good.clone();
    none.set("Signature-Input", members("=()", "zzzz=()", 4_096));
    case("reject_3_no_tag", 3, "signature_required", fit(none));
    let late = full(&text, "sub-6", |_, signature| {
        signature.set("created", (NOW.0 - 600).to_string());
        signature.set("expires", (NOW.0 - 540).to_string());
    });
    case("reject_3_window", 3, "window_invalid", late);
    let absent = full(&text, "sub-6", |_, signature| signature.components.push("\"absent\"".into()));
    case("reject_3_absent", 3, "component_unresolvable", absent);

    let open = greatest_token("root").dangerous_text().to_string();
    let opened = full(&open, "sub-6", |_, _| {});
    case("reject_4_open", 4, "token_unsealed", opened);
    let dense = full(&dense_token("root").dangerous_text(), "agent", |_, _| {});
    case("reject_4_dense", 4, "token_unsealed", dense);
    case("reject_5_key", 5, "key_mismatch", full(&text, "agent", |_, _| {}));
    // Stage 7: the last of all signatures, and the first under eight keys.
    let mut wire = countersign::from_base64url(&text).unwrap();
    *wire.last_mut().unwrap() ^= 1;
    let unsealed = countersign::to_base64url(&wire);
    case("reject_7_seal", 7, "token_signature", full(&unsealed, "sub-6", |_, _| {}));
    let forged = greatest_token("stranger").seal().unwrap().to_text();
    case("reject_7_forged", 7, "token_signature", full(&forged, "sub-6", |_, _| {}));
    let mut signed = good.clone();
    signed.method = "PUT".into();
    case("reject_8_request", 8, "signature_invalid", signed);
    all
}

/// What is revoked, and seen at stage 6: both proofs are looked at all the same, so that strangers learn nothing (VF-50).
#[must_use]
pub fn revoked() -> (SealedToken, Worst) {
    let token = greatest_token("root").seal().unwrap();
    let request = full(&token.to_text(), "sub-6", |_, _| {});
    let mut stranger = request.clone();
    stranger.method = "PUT".into();
    (token, Worst { name: "reject_6_revoked", refused: (6, "token_revoked"), request: stranger, accepted: request })
}

/// So many parameters of short names, without a value.
fn params(before: &str, count: usize) -> String {
    (0..count).map(|number| [before, &base26(number)].concat()).collect()
}

fn base26(mut number: usize) -> String {
    let mut text = String::new();
    loop {
        text.insert(0, char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
        if number == 0 {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_as_great_as_can_be_and_refused_where_it_says() {
        let unknowing = Crowded::new(None);
        for (service, Worst { name, refused, request, accepted }) in with_services() {
            assert_eq!(unknowing.check(&accepted), Ok(()), "{name}");
            assert_eq!(service.check(&request), Err(refused), "{name}");
            let size = |request: &Request| request.to_bytes().len();
            assert!(size(&request).abs_diff(size(&accepted)) < 8_800, "{name}");
        }
        let (token, worst) = revoked();
        assert_eq!(token.claims().block_ids().count(), 12);
        assert!(token.to_text().len() > 6_700, "{}", token.to_text().len());
        let lines = worst.accepted.headers.len();
        assert_eq!(lines, LINES);
        let dense = dense_token("root").seal().unwrap();
        println!("{} rights, {} characters", dense.claims().rights().count(), dense.to_text().len());
    }
}
