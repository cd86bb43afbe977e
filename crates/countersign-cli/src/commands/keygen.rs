//! `countersign keygen`.

use countersign::key::SigningKey;
use serde::Serialize;

use crate::args::Keygen;
use crate::{input, keyfile, output};

#[derive(Serialize)]
struct Made {
    public_key: String,
    key_id: String,
}

pub(crate) fn run(args: &Keygen) -> anyhow::Result<()> {
    let key = SigningKey::from_seed(&*input::random()?);
    keyfile::create(&args.out, &key, "--out")?;
    let public = key.public();
    output::json(&Made { public_key: public.to_string(), key_id: public.id().to_string() })
}
