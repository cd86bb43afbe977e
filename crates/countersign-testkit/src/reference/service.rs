//! A verifier with its configuration and stores, and its decisions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::chain::Chain;
use super::framing::Limits;
use super::message::Message;
use super::{Faults, base64, charges, ed25519, request, resource};
use crate::clock::rfc3339;
use crate::format::{Config, Revoked, Vector};
use crate::format_rpc::Mcp;

/// What one verifier is configured with and remembers.
#[derive(Debug)]
pub(super) struct Service<'a> {
    pub(super) config: &'a Config,
    pub(super) revoked: Revoked,
    pub(super) mcp: Option<&'a Mcp>,
    pub(super) now: i64,
    pub(super) nonces: BTreeSet<(String, String)>,
    pub(super) charges: charges::Store,
}

/// What a verification gives: all broken rules, and the decision that follows.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// All broken rules.
    pub faults: Faults,
    /// The decision, as an object of `spec/verify.md`.
    pub decision: Value,
}

impl Judgement {
    /// What was decided.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.faults.0.is_empty()
    }

    /// Where the decision of another verifier differs. Inside the stages whose order the text leaves open (VF-2) it may give
    /// any code that applies.
    #[must_use]
    pub fn difference(&self, other: &Value) -> Option<String> {
        let Some(first) = self.faults.first() else {
            return (*other != self.decision).then(|| format!("other {other}, reference {}", self.decision));
        };
        let (stage, code) = (other["stage"].as_u64().unwrap_or(0), other["code"].as_str().unwrap_or("none"));
        let ordered = [5, 6, 11].contains(&first.stage);
        let mut applies = self.faults.0.iter().filter(|fault| fault.stage == first.stage);
        let code_fits =
            if ordered { code == first.code } else { first.stage == 4 || applies.any(|fault| fault.code == code) };
        (stage != u64::from(first.stage) || !code_fits)
            .then(|| format!("other {stage} {code}, reference {:?}", self.faults.0))
    }
}

impl<'a> Service<'a> {
    pub(super) fn new(config: &'a Config, revoked: Option<&Revoked>, mcp: Option<&'a Mcp>, now: i64) -> Self {
        let revoked = revoked.cloned().unwrap_or_default();
        Self { config, revoked, mcp, now, nonces: BTreeSet::new(), charges: charges::Store::default() }
    }

    pub(super) fn limits(&self) -> Limits<'a> {
        Limits {
            max_body: self.config.max_body_bytes.unwrap_or(1_048_576),
            https: self.config.audience.iter().any(|audience| audience.starts_with("https://")),
            authorities: &self.config.authorities,
        }
    }

    /// The service that a path is of.
    // spec: VF-6
    pub(super) fn of_path(&self, path: &[u8]) -> Option<String> {
        let path_of = |audience: &str| {
            let rest = audience.split_once("://").map_or(audience, |(_, rest)| rest);
            rest.find('/').map_or("/".to_owned(), |at| rest[at..].to_owned())
        };
        let covering = self.config.audience.iter().filter(|it| resource::covers(path_of(it).as_bytes(), path));
        covering.max_by_key(|audience| path_of(audience).len()).cloned()
    }

    /// Stage 5, but for how the service is found, and for `keyid`. The keys to try at stage 7.
    pub(super) fn stage_5(
        &self,
        chain: &Chain,
        (service, service_rule): (Option<&Option<String>>, &'static str),
        keyid: Option<&String>,
        key_rule: &'static str,
        faults: &mut Faults,
    ) -> Option<Vec<[u8; 32]>> {
        let claims = &chain.claims;
        // spec: VF-5
        let issuer = self.config.issuers.iter().find(|known| Some(&known.issuer) == claims.issuer.as_ref());
        faults.need(issuer.is_some() || claims.issuer.is_none(), 5, "issuer_unknown", "VF-5");
        // spec: VF-7
        if let (Some(Some(service)), Some(audience)) = (service, &claims.audience)
            && audience != service
        {
            faults.refuse_for(5, "audience_mismatch", &["VF-7", service_rule]);
        }
        // spec: VF-8
        let now = self.now as u64;
        faults.need(claims.issued_at.is_none_or(|at| at <= now + 30), 5, "token_not_yet_valid", "VF-8");
        // spec: VF-9
        faults.need(chain.expires.is_none_or(|date| now <= date), 5, "token_expired", "VF-9");
        // spec: RQ-45
        let holder = chain.holders.last().map(|holder| ed25519::key_id(&holder.key));
        if let (Some(keyid), Some(holder)) = (keyid, holder) {
            faults.need(*keyid == holder, 5, "key_mismatch", key_rule);
        }
        issuer.map(|issuer| issuer.keys.iter().map(|key| base64::public_key(key).expect("a key")).collect())
    }

    /// Stage 6. Views of vectors are fresh (VF-10).
    pub(super) fn stage_6(&self, chain: &Chain, faults: &mut Faults) {
        let (revoked, claims) = (&self.revoked, &chain.claims);
        let same = |given: &String, claim: &Option<String>| Some(given) == claim.as_ref();
        // spec: VF-11
        for signed in &chain.blocks {
            let entry = |id: &String| id[..32] == base64::hex(&signed.id())[..32];
            faults.need(!revoked.blocks.iter().any(entry), 6, "token_revoked", "VF-11");
        }
        // spec: VF-12
        for holder in &chain.holders {
            let gone = revoked.holders.contains(&ed25519::key_id(&holder.key));
            faults.need(!gone, 6, "token_revoked", "VF-12");
        }
        // spec: VF-13
        let user = revoked.users.iter().any(|it| {
            let old = claims.issued_at.is_some_and(|at| it.before >= 0 && at <= it.before as u64);
            same(&it.issuer, &claims.issuer) && same(&it.user, &claims.user) && old
        });
        faults.need(!user, 6, "token_revoked", "VF-13");
        // spec: VF-14
        let grant = revoked.grants.iter().any(|it| same(&it.issuer, &claims.issuer) && same(&it.grant, &claims.grant));
        faults.need(!grant, 6, "token_revoked", "VF-14");
        // spec: VF-15
        let ended = revoked.conversations.iter().any(|it| {
            same(&it.issuer, &claims.issuer)
                && same(&it.user, &claims.user)
                && same(&it.conversation, &claims.conversation)
        });
        faults.need(!ended, 6, "conversation_ended", "VF-15");
    }

    /// The keys that may be tried.
    // spec: VF-16
    pub(super) fn not_revoked(&self, keys: &[[u8; 32]]) -> Vec<[u8; 32]> {
        let gone: Vec<_> = self.revoked.issuer_keys.iter().filter_map(|key| base64::public_key(key)).collect();
        keys.iter().filter(|key| !gone.contains(key)).copied().collect()
    }

    /// Stage 10.
    // spec: VF-19, VF-22, JR-15 (one store for both kinds of proof)
    pub(super) fn stage_10(&mut self, chain: &Chain, nonce: Option<&String>, faults: &mut Faults) {
        let (Some(nonce), Some(holder)) = (nonce, chain.holders.last()) else { return };
        let pair = (ed25519::key_id(&holder.key), nonce.clone());
        if self.nonces.contains(&pair) {
            faults.refuse_for(10, "replayed", &["VF-19", "VF-22", "JR-15"]);
        }
        if faults.none_to(10) {
            self.nonces.insert(pair);
        }
    }
}

/// The decision of `spec/verify.md`.
// spec: VF-36, VF-37
pub(super) fn judgement(
    faults: Faults,
    chain: Option<&Chain>,
    binding: &str,
    right: Option<&[String; 3]>,
) -> Judgement {
    let first = faults.first().cloned();
    let proven = first.as_ref().is_none_or(|fault| fault.stage >= 9);
    let shown = |value: Value| if proven { value } else { Value::Null };
    let claim = |of: fn(&Chain) -> Option<String>| shown(json!(chain.and_then(of)));
    let agents: Option<Vec<Value>> = chain.map(|chain| {
        let one = |holder: &super::chain::Holder| {
            json!({"name": holder.name, "key_id": ed25519::key_id(&holder.key), "claimed_by": holder.claimed_by})
        };
        chain.holders.iter().map(one).collect()
    });
    let expires = chain.and_then(|chain| chain.expires).map(|date| rfc3339(date.min(253_402_300_799) as i64));
    let decision = json!({
        "decision": if first.is_none() { "allow" } else { "deny" },
        "stage": first.as_ref().map(|fault| fault.stage),
        "code": first.as_ref().map(|fault| fault.code),
        "issuer": claim(|chain| chain.claims.issuer.clone()),
        "user": claim(|chain| chain.claims.user.clone()),
        "purpose": claim(|chain| chain.claims.purpose.clone()),
        "agents": shown(json!(agents)),
        "expires": shown(json!(expires)),
        "right": right.filter(|_| first.is_none()).map(|right| right.join(":")),
        "binding": shown(json!(binding)),
    });
    Judgement { faults, decision }
}

/// Decides a vector's request, after those that came before it.
///
/// # Errors
///
/// When one of those went another way.
pub fn decide_request(vector: &Vector) -> Result<Judgement, String> {
    let input = &vector.input;
    let mut service = Service::new(&input.config, input.revoked.as_ref(), None, input.now);
    for (requests, allowed) in [(&input.before, true), (&input.before_denied, false)] {
        for request in requests {
            let message = Message::read(&base64::from_url(request.as_bytes()).expect("base64url"), None);
            let judged = request::decide(&message, &mut service);
            if judged.is_allowed() != allowed {
                return Err(format!("a request before it: {}", judged.decision));
            }
        }
    }
    let bytes = base64::from_url(input.request_b64u.as_bytes()).expect("base64url");
    Ok(request::decide(&Message::read(&bytes, input.authority.as_deref()), &mut service))
}
