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
        .valid(now, now.plus(args.expires_in.0))
        .delegation_depth(args.depth);
    for right in &args.rights {
        grant = grant.right(Right { r#type: &right.r#type, location: &right.location, action: &right.action });
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
