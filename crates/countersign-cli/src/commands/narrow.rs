//! `countersign restrict`, `delegate` and `seal`.

use anyhow::{anyhow, bail};
use countersign::Code;
use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{Delegation, ErrorKind};

use crate::args::{Delegate, Restrict, Seal};
use crate::{input, keyfile, output};

pub(crate) fn restrict(args: Restrict, now: UnixTime) -> anyhow::Result<()> {
    let token = input::open_token(&args.token)?;
    let restrictions = args.restrictions.at(now);
    if restrictions.is_empty() {
        bail!("restrict needs at least one restriction, such as --expires-in 10m");
    }
    let next = SigningKey::from_seed(&*input::random()?);
    let narrowed = token.restrict(&restrictions, &next).map_err(|error| input::refused(&error, "TOKEN"))?;
    output::line(&narrowed.dangerous_text())
}

pub(crate) fn delegate(args: Delegate, now: UnixTime) -> anyhow::Result<()> {
    let token = input::open_token(&args.token)?;
    let holder = keyfile::read(&args.holder_key, "--holder-key")?;
    if holder.public() != token.holder() {
        bail!("--holder-key: the key is not the one that the token names as its current holder");
    }
    let mut delegation = Delegation::to(&args.to.name, args.to.key).delegation_depth(args.depth);
    for restriction in args.restrictions.at(now) {
        delegation = delegation.restriction(restriction);
    }
    for budget in &args.budgets {
        delegation = delegation.budget(&budget.account, &budget.unit, budget.amount, budget.window);
    }
    let next = SigningKey::from_seed(&*input::random()?);
    let left = token.claims().delegation_depth();
    let handed_on =
        token.delegate(&delegation).and_then(|unsigned| unsigned.sign(&holder, &next)).map_err(|error| match error
            .kind()
        {
            ErrorKind::Decode(error) if error.code() == Code::DelegationDepth && left == 0 => {
                anyhow!("TOKEN: the token may not be handed on (any more); its issuer decides by mint --depth")
            }
            ErrorKind::Decode(error) if error.code() == Code::DelegationDepth => {
                anyhow!("--depth: the token may be handed on {left} more times, so the new holder's depth is less")
            }
            _ => input::refused(&error, "TOKEN"),
        })?;
    output::line(&handed_on.dangerous_text())
}

pub(crate) fn seal(args: &Seal) -> anyhow::Result<()> {
    let token = input::open_token(&args.token)?;
    let sealed = token.seal().map_err(|error| input::refused(&error, "TOKEN"))?;
    output::line(&sealed.to_text())
}
