//! `countersign mint`.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use countersign::key::SigningKey;
use countersign::rar::{self, AuthorizationDetails, MaxDuration, RarError, Request, Requested};
use countersign::time::UnixTime;
use countersign::token::{ErrorKind, Grant, OpenToken, Right};

use crate::args::Mint;
use crate::{input, keyfile, output};

pub(crate) fn run(args: &Mint, now: UnixTime) -> anyhow::Result<()> {
    let issuer = keyfile::read(&args.issuer_key, "--issuer-key")?;
    let mut grant = Grant::new(&args.issuer, &args.user, &args.agent.name, args.agent.key).delegation_depth(args.depth);
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
    let tokens = match &args.rar {
        Some(path) => {
            let requested = requested(args, path)?;
            let sign = |requested: &Requested| sign(&requested.apply(grant.clone(), now), &issuer, "--rar");
            // All of them before any is printed: a request is granted as a whole.
            requested.iter().map(sign).collect::<anyhow::Result<_>>()?
        }
        None => vec![sign(&by_hand(args, grant, now)?, &issuer, "--right")?],
    };
    tokens.iter().try_for_each(|token| output::line(&token.dangerous_text()))
}

fn by_hand(args: &Mint, grant: Grant, now: UnixTime) -> anyhow::Result<Grant> {
    let (Some(purpose), Some(audience), Some(expires_in)) = (&args.purpose, &args.audience, args.valid_for) else {
        bail!("--purpose, --audience and --expires-in are needed without --rar");
    };
    let grant = grant.purpose(purpose).audience(audience).valid(now, now.plus(expires_in.0));
    let rights = args.rights.iter();
    Ok(rights.fold(grant, |grant, right| {
        grant.right(Right { r#type: &right.r#type, location: &right.location, action: &right.action })
    }))
}

/// The tokens that the details of `--rar` ask for.
fn requested(args: &Mint, path: &Path) -> anyhow::Result<Vec<Requested>> {
    let named = || format!("--rar {}", path.display());
    let text = input::file_or_stdin(path, rar::MAX_TEXT).with_context(named)?;
    let mut request = args.resource.clone().map_or_else(Request::default, Request::for_resource);
    if let Some(purpose) = &args.purpose {
        request = request.purpose(purpose);
    }
    if let Some(duration) = args.valid_for.and_then(|seconds| MaxDuration::from_seconds(seconds.0)) {
        request = request.max_duration(duration);
    }
    let requested = AuthorizationDetails::parse(&text).and_then(|details| details.grants(&request));
    requested.map_err(|error| anyhow!("{}: {error}{}", named(), hint(&error)))
}

/// The option that would have helped.
fn hint(error: &RarError) -> &'static str {
    match (error.kind(), error.member()) {
        (rar::ErrorKind::Missing, Some("purpose")) => " (--purpose gives one)",
        (rar::ErrorKind::Missing, Some("max_duration")) => " (--expires-in gives one)",
        (rar::ErrorKind::NoResource, _) => " (--resource names one)",
        _ => "",
    }
}

fn sign(grant: &Grant, issuer: &SigningKey, content: &str) -> anyhow::Result<OpenToken> {
    let next = SigningKey::from_seed(&*input::random()?);
    grant.sign(issuer, &next).map_err(|error| match error.kind() {
        ErrorKind::Decode(error) => {
            anyhow!("{content}, or another option: what would come out is no token: {error}")
        }
        _ => anyhow!("--issuer-key: {error}"),
    })
}
