//! `countersign sign`.

use std::io::Write as _;

use anyhow::Context as _;
use countersign::request::{SignError, SignRequest, TokenField};
use countersign::time::UnixTime;

use crate::args::Sign;
use crate::{input, keyfile, output};

pub(crate) fn run(args: &Sign, now: UnixTime) -> anyhow::Result<()> {
    let key = keyfile::read(&args.key, "--key")?;
    let token = input::sealed_token(&args.token, "--token")?;
    let body = match &args.body {
        Some(path) => {
            let body = input::file(path, input::MESSAGE - input::SMALL);
            Some(body.with_context(|| format!("--body {}", path.display()))?)
        }
        None => None,
    };
    let nonce = match &args.nonce {
        Some(nonce) => nonce.clone(),
        None => input::random::<16>()?.to_vec(),
    };
    let mut request = SignRequest::new(&args.method, &args.url, &token).created(now, nonce);
    for field in &args.fields {
        request = request.field(&field.name, &field.value);
        if field.name.eq_ignore_ascii_case("authorization") {
            request = request.token_field(TokenField::CountersignToken);
        }
    }
    let approvals = args.approvals.join(", ");
    if !approvals.is_empty() {
        request = request.field("countersign-approval", &approvals);
    }
    if let Some(body) = &body {
        request = request.body(body);
    }
    let signed = request.sign(&key).map_err(|error| match error {
        SignError::Url => anyhow::anyhow!("URL: {error}"),
        SignError::ContentType => anyhow::anyhow!("--body: a body needs its type: -H 'content-type: application/json'"),
        SignError::NotTheHolder => anyhow::anyhow!("--key: {error}"),
        _ => anyhow::anyhow!("-H: {error}"),
    })?;
    let mut message = Vec::new();
    write!(message, "{} {} HTTP/1.1\r\n", args.method, signed.target())?;
    for (name, value) in signed.iter() {
        write!(message, "{name}: {value}\r\n")?;
    }
    if let Some(body) = &body {
        write!(message, "content-length: {}\r\n", body.len())?;
    }
    message.extend_from_slice(b"\r\n");
    message.extend_from_slice(body.as_ref().map(|body| body.as_slice()).unwrap_or_default());
    output::bytes(&message)
}
