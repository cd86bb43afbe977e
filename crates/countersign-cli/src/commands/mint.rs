//! `countersign mint`.

use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{ErrorKind, Grant, Right};

use crate::args::Mint;
use crate::{input, keyfile, output};

pub(crate) fn run(args: &Mint, now: UnixTime) -> anyhow::Result<()> {
    let issuer = keyfile::read(&args.issuer_key, "--issuer-key")?;
    let mut grant = Grant::new(&args.issuer, &args.user, &args.agent.name, args.agent.key)
        .purpose(&args.purpose)
        .audience(&args.audience)
        .valid(now, now.plus(args.valid_for.0))
        .delegation_depth(args.depth);
    for right in &args.rights {
        grant = grant.right(Right { r#type: &right.r#type, location: &right.location, action: &right.action });
    }
    for budget in &args.budgets {
        grant = grant.budget(&budget.account, &budget.unit, budget.amount, budget.window);
    }
    for metered in &args.metered {
        // ACCOUNT:TYPE:ACTION has the shape of TYPE:LOCATION:ACTION.
        grant = grant.metered(&metered.r#type, &metered.location, &metered.action);
    }
    for approval in &args.approvals {
        grant = grant.approval(&approval.r#type, &approval.action, approval.key);
    }
    if let Some(id) = &args.grant {
        grant = grant.grant(id);
    }
    if let Some(id) = &args.conversation {
        grant = grant.conversation(id);
    }
    for restriction in args.restrictions.at(now) {
        grant = grant.restriction(restriction);
    }
    let next = SigningKey::from_seed(&*input::random()?);
    let token = grant.sign(&issuer, &next).map_err(|error| match error.kind() {
        ErrorKind::Decode(error) => {
            anyhow::anyhow!("--right, or another option: what would come out is no token: {error}")
        }
        _ => anyhow::anyhow!("--issuer-key: {error}"),
    })?;
    output::line(&token.dangerous_text())
}
