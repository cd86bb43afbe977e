//! Decisions as records (`spec/verify.md`, Decision).

use serde::Serialize;

use super::charges::Authorized;
use crate::denial::Denial;
use crate::token::Claims;

/// A decision, for the service's own records and tools. Its exact code is not for strangers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// `allow` or `deny`.
    pub decision: String,
    /// The stage that refused.
    pub stage: Option<u8>,
    /// The code of the refusal.
    pub code: Option<String>,
    /// Who issued the token.
    pub issuer: Option<String>,
    /// For whom.
    pub user: Option<String>,
    /// The chain of holders, the first agent first.
    pub agents: Option<Vec<AgentRecord>>,
    /// Why.
    pub purpose: Option<String>,
    /// The effective expiry, RFC 3339.
    pub expires: Option<String>,
    /// The right that covers the operation, `TYPE:LOCATION:ACTION`.
    pub right: Option<String>,
    /// How the request proved who asked.
    pub binding: Option<String>,
}

/// A holder in a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentRecord {
    /// Its name, by the word of `claimed_by`.
    pub name: String,
    /// Its key.
    pub key_id: String,
    /// The issuer, or the key id of the delegator.
    pub claimed_by: String,
}

impl Decision {
    pub(crate) fn allow(authorized: &Authorized) -> Self {
        let right = authorized.right().map(|right| [right.r#type, right.location, right.action].join(":"));
        Self {
            decision: "allow".to_owned(),
            right,
            ..Self::identity(authorized.chain().claims(), authorized.binding().as_str())
        }
    }

    /// On allow where there was nothing to have a right to.
    pub(crate) fn without_right(claims: Claims<'_>, binding: &str) -> Self {
        Self { decision: "allow".to_owned(), ..Self::identity(claims, binding) }
    }

    fn identity(claims: Claims<'_>, binding: &str) -> Self {
        let agents = claims.agents().map(|agent| AgentRecord {
            name: agent.name.to_owned(),
            key_id: agent.key.id().to_string(),
            claimed_by: agent.claimed_by.map_or_else(|| claims.issuer().to_owned(), |key| key.id().to_string()),
        });
        Self {
            decision: "deny".to_owned(),
            stage: None,
            code: None,
            issuer: Some(claims.issuer().to_owned()),
            user: Some(claims.user().to_owned()),
            agents: Some(agents.collect()),
            purpose: Some(claims.purpose().to_owned()),
            expires: Some(claims.expires().to_string()),
            right: None,
            binding: Some(binding.to_owned()),
        }
    }
}

impl From<&Denial> for Decision {
    // spec: VF-37
    fn from(denial: &Denial) -> Self {
        let identity = match denial.chain() {
            Some(chain) => Self::identity(chain.claims(), denial.binding().unwrap_or(super::Binding::Ed25519).as_str()),
            None => Self {
                decision: "deny".to_owned(),
                stage: None,
                code: None,
                issuer: None,
                user: None,
                agents: None,
                purpose: None,
                expires: None,
                right: None,
                binding: None,
            },
        };
        Self { stage: Some(denial.stage()), code: Some(denial.code().as_str().to_owned()), ..identity }
    }
}
