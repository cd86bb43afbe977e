//! `countersign rar`: a token's authorization details. It verifies nothing and shows no secret.

use countersign::rar::AuthorizationDetails;

use crate::args::Rar;
use crate::text::visible_json;
use crate::{input, output};

pub(crate) fn run(args: &Rar) -> anyhow::Result<()> {
    let token = input::token(&args.token, "TOKEN")?;
    let details = AuthorizationDetails::of(token.claims())
        .map_err(|error| anyhow::anyhow!("TOKEN: no authorization details say what it says: {error}"))?;
    let text = if args.json { details.to_json() } else { serde_json::to_string_pretty(&details)? };
    output::line(&visible_json(&text))
}
