//! A vector's configuration as the core's own types, for the runners that go through the core.

use countersign::from_hex;
use countersign::time::UnixTime;
use countersign::verify::{CostEntry, OperationEntry, Operations, Revocations, Verifier};

use crate::format::{Config, Cost, Operation as Row, Revoked, Vector};

/// What a vector's request is verified by.
#[derive(Debug)]
pub struct Setup {
    /// The verifier.
    pub verifier: Verifier,
    /// The operation table.
    pub operations: Operations,
    /// What is revoked.
    pub revocations: Revocations,
    /// The present.
    pub now: UnixTime,
}

impl Setup {
    /// Reads the vector's configuration, which must be a good one.
    #[must_use]
    pub fn of(vector: &Vector) -> Self {
        Self::with(&vector.input.config, vector.input.revoked.as_ref(), vector.input.now)
    }

    /// Reads the configuration of a vector of either form.
    #[must_use]
    pub fn with(config: &Config, revoked: Option<&Revoked>, now: i64) -> Self {
        Self {
            verifier: verifier(config),
            operations: operations(config),
            revocations: revoked.map(revocations).unwrap_or_default(),
            now: UnixTime(now.try_into().unwrap()),
        }
    }
}

fn verifier(config: &Config) -> Verifier {
    let mut builder = Verifier::builder();
    for audience in &config.audience {
        builder = builder.audience(audience);
    }
    for authority in &config.authorities {
        builder = builder.authority(authority);
    }
    for issuer in &config.issuers {
        builder = builder.issuer(&issuer.issuer, issuer.keys.iter().map(|key| key.parse().unwrap()));
    }
    if let Some(bytes) = config.max_body_bytes {
        builder = builder.max_body(bytes);
    }
    builder.build().unwrap()
}

fn operations(config: &Config) -> Operations {
    let Some(rows) = &config.operations else { return Operations::http() };
    Operations::table(rows.iter().map(entry)).unwrap()
}

fn entry(row: &Row) -> OperationEntry {
    let cost = |cost: &Cost| match cost {
        Cost::Amount(amount) => CostEntry::Amount(*amount),
        Cost::Argument(name) => CostEntry::Argument(name.clone()),
    };
    OperationEntry {
        tool: row.tool.clone(),
        urls: row.urls.clone(),
        paths: row.paths.clone(),
        scales: row.scales.clone(),
        cost: row.cost.as_ref().map(|costs| costs.iter().map(|(unit, of)| (unit.clone(), cost(of))).collect()),
        read_body: row.read_body,
        ..OperationEntry::new(&row.method, &row.path, &row.kind, &row.resource, &row.action)
    }
}

fn revocations(revoked: &Revoked) -> Revocations {
    let mut view = Revocations::default();
    revoked.blocks.iter().for_each(|id| view.revoke_block(&from_hex(id).unwrap()));
    revoked.holders.iter().for_each(|id| view.revoke_holder(id.parse().unwrap()));
    for user in &revoked.users {
        view.revoke_user(&user.issuer, &user.user, UnixTime(user.before.try_into().unwrap()));
    }
    revoked.grants.iter().for_each(|grant| view.revoke_grant(&grant.issuer, &grant.grant));
    revoked.conversations.iter().for_each(|c| view.end_conversation(&c.issuer, &c.user, &c.conversation));
    for issuer in &revoked.issuer_keys {
        view.revoke_issuer_key("https://hub.example", issuer.parse().unwrap());
    }
    view
}
