//! The requests of the demonstration: who sends what, and what must become of it.

use countersign::request::{DigestAlgorithm, content_digest};
use countersign::time::UnixTime;
use countersign::token::{Grant, Right};

use super::cast::{Cast, EVENTS, fresh_key};
use super::forge::{Draft, hand_on_beyond_depth};
use super::wire::Wire;

const TEA: &str = r#"{"title":"Tea with Bob"}"#;
const PUB: &str = r#"{"title":"Pub with Eve"}"#;

/// One request.
pub(super) struct Step {
    pub(super) who: &'static str,
    pub(super) what: &'static str,
    pub(super) bytes: Vec<u8>,
    /// The code that it must be denied with; without one it must be allowed.
    pub(super) code: Option<&'static str>,
    /// What the service must answer, where it matters.
    pub(super) answer: Option<&'static str>,
    /// A list of revocations that the service gets before it.
    pub(super) revoked: Option<String>,
}

pub(super) fn allowed(who: &'static str, what: &'static str, wire: &Wire) -> Step {
    Step { who, what, bytes: wire.bytes(), code: None, answer: None, revoked: None }
}

pub(super) fn denied(who: &'static str, what: &'static str, wire: &Wire, code: &'static str) -> Step {
    Step { who, what, bytes: wire.bytes(), code: Some(code), answer: None, revoked: None }
}

/// Everything, in order.
pub(super) fn all(cast: &Cast) -> anyhow::Result<Vec<Step>> {
    let read = cast.sign((&cast.token, &cast.agent), "GET", &format!("{EVENTS}?from=today"), "")?;
    let altered_later = cast.add(TEA)?;
    let narrowed = cast.sign((&cast.narrowed, &cast.agent), "GET", EVENTS, "")?;
    let summary = || cast.sign((&cast.handed_on, &cast.summary), "GET", EVENTS, "");
    let mut steps = vec![
        allowed("calendar-bot", "reads Alice's calendar", &read),
        allowed("calendar-bot", "adds an event", &cast.add(TEA)?),
        allowed("calendar-bot", "reads with the token that it narrowed to reading", &narrowed),
        allowed("summary-bot", "reads with the token that it was handed", &summary()?),
    ];
    steps.extend(thief(cast, &read)?);
    steps.extend(network(cast, &read, &altered_later)?);
    steps.extend(agents(cast)?);
    steps.extend(forgers(cast)?);
    // Nothing of all this spent the nonce of the request that was altered on its way, or wrote into the calendar.
    steps.push(allowed("calendar-bot", "sends what was altered on its way, as it was", &altered_later));
    let answer = Some(r#"[{"title":"Tea with Bob"},{"title":"Tea with Bob"}]"#);
    steps.push(Step { answer, ..allowed("summary-bot", "reads: the two events are there, no other", &summary()?) });
    Ok(steps)
}

/// Somebody who has a token and not its key.
fn thief(cast: &Cast, read: &Wire) -> anyhow::Result<Vec<Step>> {
    let who = "thief";
    let unsigned = cast.read()?.without(&["signature", "signature-input"]);
    let bearer = unsigned.field("authorization").replace("Countersign ", "Bearer ");
    let bearer = unsigned.clone().set("authorization", &bearer);
    let own_key = Draft::new(cast, EVENTS)?.sign(&cast.authority, &cast.mallory);
    let keyid = cast.mallory.public().id().to_string();
    let named = Draft { keyid, ..Draft::new(cast, EVENTS)? }.sign(&cast.authority, &cast.mallory);
    Ok(vec![
        denied(who, "shows the stolen token without a signature", &unsigned, "signature_required"),
        denied(who, "uses the stolen token as a bearer token", &bearer, "token_missing"),
        denied(who, "signs with a key of their own", &own_key, "signature_invalid"),
        denied(who, "signs with a key of their own, and names it", &named, "key_mismatch"),
        denied(who, "sends the recorded request again", read, "replayed"),
    ])
}

/// Somebody between the agent and the service.
fn network(cast: &Cast, read: &Wire, add: &Wire) -> anyhow::Result<Vec<Step>> {
    let who = "network";
    let fresh = || cast.read();
    let digest = content_digest(DigestAlgorithm::Sha256, PUB.as_bytes());
    let trailers = Wire { trailers: Some("x-late: 1"), ..cast.add(TEA)? };
    let second = fresh()?.add("countersign-token", &cast.token.seal()?.to_text());
    let absolute = fresh()?.target(&format!("http://{}{EVENTS}", cast.authority));
    Ok(vec![
        denied(who, "alters the path", &fresh()?.target("/calendars/work/events"), "signature_invalid"),
        denied(who, "alters the query", &read.clone().target(&format!("{EVENTS}?from=ever")), "signature_invalid"),
        denied(who, "alters the method", &fresh()?.method("DELETE"), "signature_invalid"),
        denied(who, "alters the body", &add.clone().body(PUB), "digest_mismatch"),
        denied(
            who,
            "alters the body and its digest",
            &add.clone().body(PUB).set("content-digest", &digest),
            "signature_invalid",
        ),
        denied(who, "adds a body to a GET", &fresh()?.body(PUB), "body_uncovered"),
        denied(who, "adds a field behind the body", &trailers, "trailer_rejected"),
        denied(
            who,
            "adds a field that overrides the method",
            &fresh()?.add("x-http-method-override", "DELETE"),
            "header_refused",
        ),
        denied(who, "adds a field that names an MCP tool", &fresh()?.add("mcp-name", "delete_all"), "header_uncovered"),
        denied(who, "adds a second token", &second, "token_ambiguous"),
        denied(
            who,
            "sends it to another virtual host",
            &fresh()?.set("host", "mail.example.com"),
            "authority_mismatch",
        ),
        denied(who, "adds a second Host", &fresh()?.add("host", "mail.example.com"), "authority_ambiguous"),
        denied(who, "writes the target in absolute form", &absolute, "header_malformed"),
    ])
}

/// Agents that want more than they were given.
fn agents(cast: &Cast) -> anyhow::Result<Vec<Step>> {
    let own = (&cast.token, &cast.agent);
    let get = |target: &str| cast.sign(own, "GET", target, "");
    let narrowed = cast.sign((&cast.narrowed, &cast.agent), "POST", EVENTS, PUB)?;
    let handed_on = cast.sign((&cast.handed_on, &cast.summary), "POST", EVENTS, PUB)?;
    let spliced = cast.sign((&cast.handed_on, &cast.summary), "GET", EVENTS, "")?;
    let spliced = spliced.set("authorization", cast.read()?.field("authorization"));
    let errand = fresh_key()?;
    let too_deep = Draft {
        token: hand_on_beyond_depth(&cast.handed_on, &cast.summary, errand.public())?,
        keyid: errand.public().id().to_string(),
        ..Draft::new(cast, EVENTS)?
    };
    let unsealed = Draft { token: cast.token.dangerous_text().to_string(), ..Draft::new(cast, EVENTS)? };
    let future = Draft { created: cast.now.plus(3600).0, ..Draft::new(cast, EVENTS)? };
    let short = Draft { nonce: vec![7; 8], ..Draft::new(cast, EVENTS)? };
    let signed = |draft: Draft| draft.sign(&cast.authority, &cast.agent);
    let bot = "calendar-bot";
    Ok(vec![
        denied(bot, "reads a calendar that it has no right to", &get("/calendars/work/events")?, "right_missing"),
        denied(bot, "adds an event with the token narrowed to reading", &narrowed, "check_failed"),
        denied("summary-bot", "adds an event, though handed on for reading", &handed_on, "check_failed"),
        denied("summary-bot", "takes calendar-bot's token for its own signature", &spliced, "key_mismatch"),
        denied(
            "errand-bot",
            "uses a token handed on once too often",
            &too_deep.sign(&cast.authority, &errand),
            "delegation_depth",
        ),
        denied(bot, "calls a route that is no operation", &get("/export")?, "operation_unmapped"),
        denied(bot, "escapes a letter in the path", &get("/calendars/%70rimary/events")?, "resource_invalid"),
        denied(bot, "escapes a slash in the path", &get("/calendars/primary%2F..%2Fwork/events")?, "resource_invalid"),
        denied(bot, "climbs up in the path", &get("/calendars/primary/../work/events")?, "operation_unmapped"),
        denied(bot, "sends its token unsealed", &signed(unsealed), "token_unsealed"),
        denied(bot, "signs an hour ahead", &signed(future), "window_invalid"),
        denied(bot, "signs with a short nonce", &signed(short), "params_invalid"),
    ])
}

/// Tokens that are old, for somebody else, or nobody's.
fn forgers(cast: &Cast) -> anyhow::Result<Vec<Step>> {
    let now = cast.now;
    let mint = |grant: Grant, issuer| -> anyhow::Result<Wire> {
        cast.sign((&grant.sign(issuer, &fresh_key()?)?, &cast.agent), "GET", EVENTS, "")
    };
    let before = UnixTime(now.0.saturating_sub(7200));
    let elsewhere = mint(cast.grant().audience("https://mail.example.com"), &cast.issuer)?;
    let expired = mint(cast.grant().valid(before, before.plus(3600)), &cast.issuer)?;
    let in_the_name = mint(cast.grant(), &cast.mallory)?;
    let root = Right { r#type: "calendar", location: "/", action: "read" };
    let own = Grant::new("https://mallory.example", "alice@example.com", "calendar-bot", cast.agent.public())
        .purpose("scheduling")
        .audience(&cast.audience)
        .valid(now, now.plus(3600))
        .right(root);
    Ok(vec![
        denied("calendar-bot", "uses a token for another service", &elsewhere, "audience_mismatch"),
        denied("calendar-bot", "uses a token that expired an hour ago", &expired, "token_expired"),
        denied("mallory", "mints a token in the issuer's name", &in_the_name, "token_signature"),
        denied("mallory", "mints a token as an issuer of her own", &mint(own, &cast.mallory)?, "issuer_unknown"),
    ])
}
