//! Why the proof of who asks was refused: the signature and the body (stages 3, 8 and 9).

use countersign::Code;
use countersign::request::{DigestAlgorithm, SignatureClaims, content_digest, digest_algorithms, is_protected_field};
use countersign::time::{SKEW, UnixTime};

use super::Why;
use super::case::{Case, TAG, key_id, plural, shown, shown_word};
use crate::sentences::{list, span};

/// Stage 3.
pub(super) fn signature(case: &Case<'_>, code: Code) -> Option<Why> {
    match code {
        Code::SignatureRequired | Code::TagInvalid | Code::SignatureAmbiguous => Some(selection(case)),
        Code::ComponentsInvalid
        | Code::ComponentsIncomplete
        | Code::BodyUncovered
        | Code::HeaderUncovered
        | Code::ComponentUnresolvable
        | Code::HeaderMalformed => coverage(case, case.ours()?, code),
        _ => parameters(case, case.ours()?, code),
    }
}

fn selection(case: &Case<'_>) -> Why {
    let member = |signature: &SignatureClaims| {
        let tag = match &signature.tag {
            None => "no tag".to_owned(),
            Some(tag) => format!("the tag {}", shown(tag)),
        };
        let signed = if signature.signed { "a value" } else { "no value" };
        format!("Signature-Input has the label {} with {tag}; Signature has {signed} under it", shown(&signature.label))
    };
    let mut why =
        Why::new(&format!("one member of Signature-Input with tag={TAG:?}, and a value in Signature under its label"))
            .all(case.signatures.iter().map(member));
    for name in ["signature-input", "signature"] {
        if !case.has(name) {
            why = why.seen(format!("there is no {name}"));
        }
    }
    why.sender("sign the request once: `countersign sign`, or the signing client of the library")
        .operator("where a proxy in front of the service takes these fields away, let them pass")
}

fn coverage(case: &Case<'_>, ours: &SignatureClaims, code: Code) -> Option<Why> {
    let covers = |name: &str| ours.components.iter().any(|covered| covered.eq_ignore_ascii_case(name));
    let uncovered =
        |names: &[&'static str]| -> Vec<&'static str> { names.iter().copied().filter(|name| !covers(name)).collect() };
    let covered = format!("it covers {}", list(ours.components.iter().map(|name| shown_word(name)), "and"));
    let cover = |names: &[String]| format!("sign again and cover {}", list(names.iter().cloned(), "and"));
    Some(match code {
        Code::ComponentsIncomplete => {
            let missing = uncovered(&["@method", "@authority", "@path", "@query", case.token_field]);
            let missing: Vec<String> = missing.into_iter().map(str::to_owned).collect();
            Why::new(&format!(
                "@method, @authority, @path, @query and {} are covered in every request",
                case.token_field
            ))
            .seen(covered)
            .seen(format!("not covered: {}", list(missing.iter().cloned(), "and")))
            .sender(cover(&missing))
        }
        Code::BodyUncovered => {
            let missing = uncovered(&["content-digest", "content-type"]);
            let absent = missing
                .iter()
                .filter(|name| !case.has(name))
                .map(|name| format!("{name} is not in the message either"));
            let missing: Vec<String> = missing.iter().map(|name| (*name).to_owned()).collect();
            Why::new("with a body, content-digest and content-type are covered")
                .seen(format!("the body has {}", case.body_size()))
                .seen(format!("not covered: {}", list(missing.iter().cloned(), "and")))
                .all(absent.collect::<Vec<_>>())
                .sender(format!("{}, with Content-Digest made from the body", cover(&missing)))
        }
        Code::HeaderUncovered => {
            let fields = case.message.parts().fields().iter();
            let mut missing: Vec<String> = fields
                .filter(|field| is_protected_field(field.name) && !covers(field.name))
                .map(|field| shown_word(&field.name.to_ascii_lowercase()))
                .collect();
            missing.dedup();
            Why::new(
                "each of content-digest, content-encoding, authorization, countersign-token, countersign-approval, \
                 idempotency-key and mcp-… that is present is covered",
            )
            .seen(covered)
            .seen(format!("present and not covered: {}", list(missing.iter().cloned(), "and")))
            .sender(cover(&missing))
            .operator("where a proxy in front of the service added the field, tell it not to")
        }
        Code::ComponentUnresolvable => {
            let absent = ours.components.iter().filter(|name| !name.starts_with('@') && !case.has(name));
            Why::new("every covered field is in the message")
                .all(absent.map(|name| format!("{} is covered, and not in the message", shown_word(name))))
                .sender("send the field, or sign again without it")
                .operator("where a proxy in front of the service takes the field away, let it pass")
        }
        Code::ComponentsInvalid => invalid_components(ours).seen(covered),
        Code::HeaderMalformed => {
            let odd = ours.components.iter().filter(|name| case.lines(name).any(|line| !line.is_ascii()));
            Why::new("every covered field is ASCII")
                .all(odd.map(|name| format!("{} has bytes that are not ASCII", shown_word(name))))
                .sender("send the field in ASCII, or sign again without it where it is not protected")
        }
        _ => return None,
    })
}

fn invalid_components(ours: &SignatureClaims) -> Why {
    let mut why = Why::new(
        "each component is @method, @authority, @path, @query or the name of a field in lower case, without \
            parameters, \
         and none stands twice",
    );
    if ours.odd_components {
        why = why.seen("a component has parameters, or is no string");
    }
    let mut known: Vec<&str> = Vec::new();
    for name in &ours.components {
        let derived = matches!(name.as_str(), "@method" | "@authority" | "@path" | "@query");
        if known.contains(&name.as_str()) {
            why = why.seen(format!("{} stands twice", shown(name)));
        } else if name.is_empty() || name.bytes().any(|b| b.is_ascii_uppercase()) || (name.starts_with('@') && !derived)
        {
            why = why.seen(format!("{} is no component of the profile", shown(name)));
        }
        known.push(name);
    }
    why.sender("sign again with these components alone: @target-uri, @scheme and the like have no place here")
}

fn parameters(case: &Case<'_>, ours: &SignatureClaims, code: Code) -> Option<Why> {
    const KNOWN: [&str; 6] = ["created", "expires", "nonce", "keyid", "alg", "tag"];
    let has = |name: &str| ours.parameters.iter().any(|parameter| parameter == name);
    Some(match code {
        Code::ParamsIncomplete => {
            let missing: Vec<String> = ["created", "expires", "nonce", "keyid"]
                .into_iter()
                .filter(|name| !has(name))
                .map(str::to_owned)
                .collect();
            Why::new("created, expires, nonce, keyid and tag are parameters of every signature")
                .seen(format!("missing: {}", list(missing.iter().cloned(), "and")))
                .sender(format!("sign again with {}", list(missing.into_iter(), "and")))
        }
        Code::ParamsInvalid => {
            let unknown = ours.parameters.iter().filter(|name| !KNOWN.contains(&name.as_str()));
            let typed = [
                ("created", ours.created.is_some(), "integer"),
                ("expires", ours.expires.is_some(), "integer"),
                ("nonce", ours.nonce_chars.is_some(), "string"),
                ("keyid", ours.keyid.is_some(), "string"),
                ("alg", ours.alg.is_some(), "string"),
            ];
            let mistyped = typed.into_iter().filter(|(name, well, _)| has(name) && !well);
            Why::new(
                "created and expires are integers; nonce, keyid, alg and tag strings; there are no others; nonce is \
                    16 to 64 \
                 bytes in base64url without padding, 22 to 86 characters",
            )
            .all(unknown.map(|name| format!("the parameter {} is unknown", shown(name))))
            .all(mistyped.map(|(name, _, kind)| format!("{name} is no {kind}")))
            .all(ours.nonce_chars.map(|chars| format!("nonce has {chars} characters")))
            .sender("sign again with parameters in that form")
        }
        Code::AlgRejected => Why::new("alg is \"ed25519\", or left out")
            .seen(format!("alg is {}", shown(ours.alg.as_deref().unwrap_or_default())))
            .sender("sign with Ed25519: no other algorithm is taken"),
        Code::WindowInvalid => window(case.now, ours.created?, ours.expires?),
        _ => return None,
    })
}

/// Which of the four bounds is not kept, and by how much.
fn window(now: UnixTime, created: i64, expires: i64) -> Why {
    let mut why = Why::new(&format!(
        "created before expires, at most 300 seconds apart; created at most {SKEW} seconds after now, and now at \
            most {SKEW} \
         seconds after expires"
    ));
    let (Ok(start), Ok(end)) = (u64::try_from(created), u64::try_from(expires)) else {
        return why.seen("created or expires is negative").sender("sign again with the present as created");
    };
    why = why.seen(format!("created is {}, expires {}, now {now}", UnixTime(start), UnixTime(end)));
    if end <= start {
        why = why.seen("expires is not after created");
    } else if end.saturating_sub(start) > 300 {
        why = why.seen(format!("the window is {} long", span(end.saturating_sub(start))));
    }
    if start > now.0.saturating_add(SKEW) {
        let early = span(start.saturating_sub(now.0));
        return why
            .seen(format!("the signature begins in {early}"))
            .sender(format!("set the clock: it is {early} fast"))
            .operator("compare the clock of the service with another one");
    }
    if now.0 > end.saturating_add(SKEW) {
        let late = span(now.0.saturating_sub(end));
        return why
            .seen(format!("the window ended {late} ago"))
            .sender("sign again and send at once; where the request was just signed, set the clock")
            .operator(format!(
                "to look at a request of the past, give the time at which it came: --now {}",
                UnixTime(start)
            ));
    }
    why.sender("sign again with expires at most 300 seconds after created")
}

/// Stage 8.
pub(super) fn holds(case: &Case<'_>, code: Code) -> Option<Why> {
    let (ours, claims) = (case.ours()?, case.claims()?);
    if code != Code::SignatureInvalid {
        return None;
    }
    let parts = case.message.parts();
    let (path, query) = case.target();
    let value = |name: &String| match name.as_str() {
        "@method" => format!("@method as received: {}", shown(parts.method())),
        "@authority" => {
            let authority = case.authority().and_then(|authority| case.verifier.normalised_authority(&authority));
            format!("@authority as received: {}", shown(&authority.unwrap_or_default()))
        }
        "@path" => format!("@path as received: {}", shown(path)),
        "@query" => format!("@query as received: {}", shown(&["?", query.unwrap_or_default()].concat())),
        name => {
            let bytes: usize = case.lines(name).map(<[u8]>::len).sum();
            format!("{} as received: {}, {bytes} bytes", shown_word(name), plural(case.lines(name).count(), "line"))
        }
    };
    let key = claims.holder().id();
    let mut why = Why::new(
        "an Ed25519 signature by the current holder's key over exactly these components, in this \
        order, and the parameters",
    )
    .seen(format!("the current holder's key is {key}; keyid names it"));
    if !ours.sized {
        why = why.seen("the signature has another length than 64 bytes");
    }
    Some(
        why.all(ours.components.iter().map(value))
            .sender(format!(
                "sign with the key {key}, and send the request as it was signed: compare the values above with what \
                    was signed"
            ))
            .operator(
                "where the sender's values differ, something in between altered them: a proxy that decodes or \
                    rewrites the path, \
                 reorders the query, or changes a covered field",
            ),
    )
}

/// Stage 9.
pub(super) fn body(case: &Case<'_>, code: Code) -> Option<Why> {
    let body = case.message.body();
    Some(match code {
        Code::DigestMismatch => {
            let named = digest_algorithms(case.message.parts()).unwrap_or_default();
            let of = |algorithm: DigestAlgorithm| {
                let named = named.iter().any(|name| name == algorithm.as_str());
                named.then(|| format!("the body that arrived has {}", content_digest(algorithm, body)))
            };
            Why::new("a body whose digest is every one that Content-Digest lists")
                .seen(format!("the body has {} bytes; Content-Digest, which is signed, promises another", body.len()))
                .all([DigestAlgorithm::Sha256, DigestAlgorithm::Sha512].into_iter().filter_map(of))
                .sender(
                    "make Content-Digest from the very bytes that are sent, with their content coding on, then sign",
                )
                .operator("where a proxy in front of the service changes the body, tell it not to")
        }
        Code::BodyTooLarge => Why::new(&format!("a body of at most {} bytes", case.verifier.max_body()))
            .seen(format!("the body has {} bytes", body.len()))
            .sender("send less at a time")
            .operator("raise max_body_bytes under [limits], if the service is meant to read more"),
        Code::BodyUncovered => Why::new("with a body, content-digest and content-type are covered")
            .seen(format!("the body has {} bytes and its length was not announced", body.len()))
            .sender("sign again and cover content-digest and content-type"),
        Code::TrailerRejected => {
            Why::new("no trailer fields").seen("fields stand behind the body").sender("send all fields in the head")
        }
        _ => return None,
    })
}

/// A key id that the sender wrote.
pub(super) fn claimed_key(case: &Case<'_>) -> String {
    case.ours().and_then(|ours| ours.keyid.as_deref()).map(key_id).unwrap_or_default()
}
