//! What a service has to remember: what was spent, what was approved, what was taken back; and what a body's arguments say.

use anyhow::Context as _;
use countersign::key::SigningKey;
use countersign::revocation::{Entries, UnsignedList};
use countersign::token::{Delegation, OpenToken, Restriction, Right};
use countersign::verify::{Approval, Operations, UnsignedApproval, Verifier};
use countersign::verify::{Approvals, MemoryReplay, ReplayStore as _, Revocations};

use super::calendar;
use super::cast::{Cast, EVENTS, ISSUER, fresh_key, nonce};
use super::steps::{Step, allowed, denied};
use super::wire::Wire;

const PRIVATE: &str = "/calendars/private/events";
const DINNER: &str = r#"{"title":"Dinner"}"#;
const PARTY: &str = r#"{"title":"Party"}"#;

/// Everything, in order: the revocation last, since nothing of Alice's comes after it.
pub(super) fn all(cast: &Cast) -> anyhow::Result<Vec<Step>> {
    let mut steps = arguments(cast)?;
    steps.extend(budget(cast)?);
    steps.extend(approval(cast)?);
    steps.extend(revocation(cast)?);
    Ok(steps)
}

/// A token that lets events be added only with a certain title.
fn arguments(cast: &Cast) -> anyhow::Result<Vec<Step>> {
    let only = Restriction::ArgStartsWith("/title".to_owned(), "Tea".to_owned());
    let token = cast.token.restrict(&[only], &fresh_key()?)?;
    let add = |body: &str| cast.sign((&token, &cast.agent), "POST", EVENTS, body);
    let twice = r#"{"title":"Tea","title":"Pub with Eve"}"#;
    Ok(vec![
        allowed("calendar-bot", "adds tea with a token for tea alone", &add(r#"{"title":"Tea"}"#)?),
        denied("calendar-bot", "adds something else with it", &add(PARTY)?, "check_failed"),
        denied("calendar-bot", "says the title as a list", &add(r#"{"title":["Tea",["Party"]]}"#)?, "check_error"),
        denied("calendar-bot", "says the title twice", &add(twice)?, "body_ambiguous"),
    ])
}

/// Two calls, for calendar-bot and for whomever it hands the token on to.
fn budget(cast: &Cast) -> anyhow::Result<Vec<Step>> {
    let token = cast.grant().budget("demo", "calls", 2, 0).sign(&cast.issuer, &fresh_key()?)?;
    let delegation = Delegation::to("summary-bot", cast.summary.public());
    let handed_on = token.delegate(&delegation)?.sign(&cast.agent, &fresh_key()?)?;
    let own = || cast.sign((&token, &cast.agent), "GET", EVENTS, "");
    let summary = || cast.sign((&handed_on, &cast.summary), "GET", EVENTS, "");
    let elsewhere = cast.sign((&token, &cast.agent), "GET", "/calendars/work/events", "")?;
    Ok(vec![
        allowed("calendar-bot", "reads, the first of two calls", &own()?),
        denied("calendar-bot", "reads what it may not; that costs nothing", &elsewhere, "right_missing"),
        allowed("summary-bot", "reads, the second of the two", &summary()?),
        denied("calendar-bot", "reads a third time", &own()?, "budget_exceeded"),
        denied("summary-bot", "reads a third time", &summary()?, "budget_exceeded"),
    ])
}

/// What is written into Alice's private calendar, she approves herself.
fn approval(cast: &Cast) -> anyhow::Result<Vec<Step>> {
    let (alice, who) = (fresh_key()?, "calendar-bot");
    let private = Right { r#type: "calendar", location: "/calendars/private", action: "write" };
    let grant = cast.grant().right(private).approval("calendar", "write", alice.public());
    let token = grant.sign(&cast.issuer, &fresh_key()?)?;
    let add = |body: &str| cast.sign((&token, &cast.agent), "POST", PRIVATE, body);
    let approved = |body: &str, approval: &Approval| {
        let field = [("countersign-approval", approval.to_text())];
        cast.sign_with((&token, &cast.agent), "POST", PRIVATE, body, &field)
    };
    let digest = digest(cast, &add(DINNER)?)?;
    let by = |key: &SigningKey| -> anyhow::Result<Approval> {
        let unsigned = UnsignedApproval::new(key.public(), digest, cast.now, 300, nonce()?);
        unsigned.and_then(|unsigned| unsigned.sign(key)).context("an approval of five minutes")
    };
    let by_alice = by(&alice)?;
    let added_later = add(DINNER)?.add("countersign-approval", &by_alice.to_text());
    Ok(vec![
        denied(who, "writes without the approval that it needs", &add(DINNER)?, "approval_required"),
        denied(who, "shows an approval by Mallory", &approved(DINNER, &by(&cast.mallory)?)?, "approval_required"),
        denied(who, "shows Alice's approval of something else", &approved(PARTY, &by_alice)?, "approval_invalid"),
        denied("network", "adds Alice's approval to a request", &added_later, "header_uncovered"),
        allowed(who, "writes what Alice approved", &approved(DINNER, &by_alice)?),
        denied(who, "writes it once more with the same approval", &approved(DINNER, &by_alice)?, "approval_invalid"),
    ])
}

/// The digest of the operation that a request asks for, as an approver's own tool computes it.
fn digest(cast: &Cast, wire: &Wire) -> anyhow::Result<[u8; 32]> {
    let verifier = Verifier::builder().audience(&cast.audience).authority(&cast.authority);
    let verifier = verifier.issuer(ISSUER, [cast.issuer.public()]).build()?;
    let bytes = wire.bytes();
    let message = countersign::request::Message::parse(&bytes)?;
    let proven = verifier.check(message.parts(), cast.now, &Revocations::default())?;
    let mut hasher = proven.hasher();
    hasher.update(message.body());
    let claim = proven.body(hasher.finish())?;
    let outcome = MemoryReplay::insecure_without_epoch().record(claim.entry(), cast.now);
    let operations: Operations = calendar::operations()?;
    match claim.recorded(outcome)?.map(&operations, message.body(), &Approvals::none()) {
        Ok(_) => anyhow::bail!("the operation needs no approval"),
        Err(denial) => Ok(denial.approval().context("the operation is refused")?.0.digest()),
    }
}

/// Alice takes it all back.
fn revocation(cast: &Cast) -> anyhow::Result<Vec<Step>> {
    let mut entries = Entries::default();
    let block = cast.token.claims().block_ids().next().context("a token has a block")?;
    entries.revoke_block(*block.first_chunk().context("an id has 32 bytes")?);
    let list = UnsignedList::new(ISSUER, 1, cast.now, cast.now.plus(3600), entries)?.sign(&cast.issuer)?;
    let read = |token: &OpenToken, key| cast.sign((token, key), "GET", EVENTS, "");
    let first = denied(
        "calendar-bot",
        "reads after Alice revoked its token",
        &read(&cast.token, &cast.agent)?,
        "token_revoked",
    );
    Ok(vec![
        allowed("calendar-bot", "reads, while Alice opens the list of her agents", &read(&cast.token, &cast.agent)?),
        Step { revoked: Some(list.text().to_owned()), ..first },
        denied(
            "calendar-bot",
            "reads with the token that it narrowed",
            &read(&cast.narrowed, &cast.agent)?,
            "token_revoked",
        ),
        denied(
            "summary-bot",
            "reads with the token that it was handed",
            &read(&cast.handed_on, &cast.summary)?,
            "token_revoked",
        ),
    ])
}
