//! Who takes part: keys made for this run, and the tokens that the honest ones hold.

use countersign::key::SigningKey;
use countersign::request::SignRequest;
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Restriction, Right};
use countersign_tower::system_clock;
use zeroize::Zeroizing;

use super::service::Place;
use super::wire::Wire;

pub(super) const ISSUER: &str = "https://hub.example";
pub(super) const EVENTS: &str = "/calendars/primary/events";

pub(super) struct Cast {
    pub(super) audience: String,
    pub(super) authority: String,
    pub(super) now: UnixTime,
    pub(super) issuer: SigningKey,
    /// calendar-bot's key.
    pub(super) agent: SigningKey,
    /// summary-bot's key.
    pub(super) summary: SigningKey,
    /// The attacker's key.
    pub(super) mallory: SigningKey,
    /// What Alice lets calendar-bot do.
    pub(super) token: OpenToken,
    /// The same, narrowed by calendar-bot to reading.
    pub(super) narrowed: OpenToken,
    /// The same, handed on to summary-bot for reading.
    pub(super) handed_on: OpenToken,
}

impl Cast {
    pub(super) fn new(place: &Place) -> anyhow::Result<Self> {
        let [issuer, agent, summary, mallory] = [fresh_key()?, fresh_key()?, fresh_key()?, fresh_key()?];
        let now = system_clock();
        let read_only = || Restriction::Actions(vec!["read".to_owned()]);
        let token = alice_grants(&place.audience(), &agent, now).sign(&issuer, &fresh_key()?)?;
        let narrowed = token.restrict(&[read_only()], &fresh_key()?)?;
        let delegation = Delegation::to("summary-bot", summary.public()).restriction(read_only());
        let handed_on = token.delegate(&delegation)?.sign(&agent, &fresh_key()?)?;
        let (audience, authority) = (place.audience(), place.authority());
        Ok(Self { audience, authority, now, issuer, agent, summary, mallory, token, narrowed, handed_on })
    }

    /// What Alice grants, to be changed by whoever forges it.
    pub(super) fn grant(&self) -> Grant {
        alice_grants(&self.audience, &self.agent, self.now)
    }

    /// A request as an honest client makes it.
    pub(super) fn sign(
        &self,
        holder: (&OpenToken, &SigningKey),
        method: &str,
        target: &str,
        body: &str,
    ) -> anyhow::Result<Wire> {
        self.sign_with(holder, method, target, body, &[])
    }

    /// The same with fields of one's own.
    pub(super) fn sign_with(
        &self,
        (token, holder): (&OpenToken, &SigningKey),
        method: &str,
        target: &str,
        body: &str,
        fields: &[(&str, String)],
    ) -> anyhow::Result<Wire> {
        let (sealed, url) = (token.seal()?, format!("http://{}{target}", self.authority));
        let mut request = SignRequest::new(method, &url, &sealed).created(self.now, nonce()?.to_vec());
        if !body.is_empty() {
            request = request.field("content-type", "application/json").body(body.as_bytes());
        }
        for (name, value) in fields {
            request = request.field(name, value);
        }
        let signed = request.sign(holder)?;
        Ok(Wire {
            method: method.to_owned(),
            target: signed.target().to_owned(),
            fields: signed.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.to_owned(),
            trailers: None,
        })
    }

    /// calendar-bot's request to read the events.
    pub(super) fn read(&self) -> anyhow::Result<Wire> {
        self.sign((&self.token, &self.agent), "GET", EVENTS, "")
    }

    /// calendar-bot's request to add an event.
    pub(super) fn add(&self, body: &str) -> anyhow::Result<Wire> {
        self.sign((&self.token, &self.agent), "POST", EVENTS, body)
    }
}

fn alice_grants(audience: &str, agent: &SigningKey, now: UnixTime) -> Grant {
    let right = |action| Right { r#type: "calendar", location: "/calendars/primary", action };
    Grant::new(ISSUER, "alice@example.com", "calendar-bot", agent.public())
        .purpose("scheduling")
        .audience(audience)
        .valid(now, now.plus(3600))
        .right(right("read"))
        .right(right("write"))
        .delegation_depth(1)
}

pub(super) fn fresh_key() -> anyhow::Result<SigningKey> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut())?;
    Ok(SigningKey::from_seed(&seed))
}

pub(super) fn nonce() -> anyhow::Result<[u8; 16]> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)?;
    Ok(nonce)
}
