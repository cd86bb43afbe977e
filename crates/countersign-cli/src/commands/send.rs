//! `countersign send`.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use countersign::Class;
use countersign::request::SignError;
use countersign::time::UnixTime;
use countersign_tower::client::{ClientError, ErrorKind, Refusal, Signer, SignerBuilder, SigningLayer, admitted};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Map, Value, json};
use tower::{Layer as _, ServiceExt as _};

use crate::args::Send;
use crate::text::visible;
use crate::{input, keyfile, output};

/// The greatest answer that is printed as JSON: it has to be held.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The longest part of a refusal that is repeated on standard error.
const MAX_SAID: usize = 500;

type Body = Full<bytes::Bytes>;

pub(crate) fn run(args: Send, now: Option<UnixTime>) -> anyhow::Result<ExitCode> {
    let signer = signer(&args, now)?;
    let signer = match args.restrictions.at(input::now(now)?) {
        none if none.is_empty() => signer,
        restrictions => signer.for_call(&restrictions).map_err(|error| named(error, "--token"))?,
    };
    let request = request(&args.method, &args.url, &args.fields, args.approval.as_deref(), args.body.as_deref())?;
    let https = request.uri().scheme() == Some(&http::uri::Scheme::HTTPS);
    let layer = SigningLayer::new(signer).max_body(input::MESSAGE);
    let client = layer.layer(client(https, args.cacert.as_deref())?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let limit = Duration::from_secs(args.timeout.0);
        let late = |_| anyhow!("--timeout: no answer within {} seconds", args.timeout.0);
        let answer = tokio::time::timeout(limit, client.oneshot(request)).await.map_err(late)?;
        let answer = answer.map_err(|error| named(error, "URL"))?;
        if args.include {
            print_head(&answer)?;
        }
        // Of a refusal the body is read here, and nobody says that it ends.
        match tokio::time::timeout(limit, admitted(answer)).await.map_err(late)? {
            Ok(answer) if args.json => print_json(answer).await,
            Ok(answer) => print_body(answer).await,
            Err(refusal) => print_refusal(&refusal, args.json),
        }
    })
}

fn signer(args: &Send, now: Option<UnixTime>) -> anyhow::Result<Signer> {
    let key = keyfile::read(&args.key, "--key")?;
    let token = input::token(&args.token, "--token")?;
    let token_refused = |error| input::refused(&error, "--token");
    let mut builder: SignerBuilder = if token.is_sealed() {
        Signer::builder_sealed(token.into_sealed().map_err(token_refused)?, key)
    } else {
        Signer::builder(token.into_open().map_err(token_refused)?, key)
    };
    if let Some(now) = now {
        builder = builder.clock(move || now);
    }
    for origin in &args.also_at {
        builder = builder.also_at(origin);
    }
    builder.build().map_err(|error| named(error, "--also-at"))
}

fn request(
    method: &str,
    url: &str,
    fields: &[crate::parse::FieldLine],
    approval: Option<&str>,
    body: Option<&Path>,
) -> anyhow::Result<Request<Body>> {
    let body = match body {
        Some(path) => {
            let bytes = input::file(path, input::MESSAGE.saturating_sub(input::SMALL));
            bytes.with_context(|| format!("--body {}", path.display()))?.to_vec()
        }
        None => Vec::new(),
    };
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method.parse().context("METHOD")?;
    *request.uri_mut() = url.parse().map_err(|_| anyhow!("URL: {}", ClientError::from(SignError::Url)))?;
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("countersign/", env!("CARGO_PKG_VERSION"))));
    for own in fields.iter().filter_map(|field| HeaderName::try_from(&field.name).ok()) {
        // What the caller gives takes the place of what is there without.
        headers.remove(own);
    }
    for field in fields {
        let name = HeaderName::try_from(&field.name).context("-H")?;
        headers.append(name, HeaderValue::try_from(field.value.trim_matches([' ', '\t'])).context("-H")?);
    }
    if let Some(approval) = approval {
        let value = HeaderValue::try_from(approval);
        let value = value.map_err(|_| anyhow!("--approval: not visible characters on one line"))?;
        headers.append("countersign-approval", value);
    }
    Ok(request)
}

/// A client that follows no redirect and speaks http, and https by rustls.
fn client(https: bool, cacert: Option<&Path>) -> anyhow::Result<Client<HttpsConnector<HttpConnector>, Body>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let tls = match cacert {
        Some(path) => tls.with_root_certificates(roots(path)?),
        None if https => tls.with_native_roots().context("the system has no certificates to trust; give --cacert")?,
        None => tls.with_root_certificates(RootCertStore::empty()),
    };
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(Duration::from_secs(20)));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls.with_no_client_auth()).https_or_http().enable_http1();
    Ok(Client::builder(TokioExecutor::new()).build(connector.wrap_connector(http)))
}

fn roots(path: &Path) -> anyhow::Result<RootCertStore> {
    let option = || format!("--cacert {}", path.display());
    let pem = input::file(path, input::SMALL).with_context(option)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| anyhow!("{}: not certificates in PEM", option()))?;
        roots.add(certificate).map_err(|_| anyhow!("{}: a certificate that can't be trusted", option()))?;
    }
    if roots.is_empty() {
        bail!("{}: no certificate in it", option());
    }
    Ok(roots)
}

/// Names what was misused.
fn named(error: ClientError, option: &str) -> anyhow::Error {
    let option = match error.kind() {
        ErrorKind::Sign(SignError::ContentType) => {
            return anyhow!("--body: a body needs its type: -H 'content-type: application/json'");
        }
        ErrorKind::Token(error) => return input::refused(error, option),
        ErrorKind::Sealed => "--token",
        ErrorKind::NotTheHolder => "--key",
        ErrorKind::BodyTooLarge => "--body",
        ErrorKind::Sign(SignError::Url) => "URL",
        ErrorKind::Sign(_) | ErrorKind::Host | ErrorKind::Field => "-H",
        ErrorKind::OtherOrigin => {
            return anyhow!("URL: {error}; name it with --also-at if the token's service answers there too");
        }
        ErrorKind::Transport => return anyhow::Error::new(error).context("URL"),
        ErrorKind::Random | ErrorKind::Key => return anyhow::Error::new(error),
        _ => option,
    };
    anyhow!("{option}: {error}")
}

fn print_head<B>(answer: &Response<B>) -> anyhow::Result<()> {
    let status = answer.status();
    let mut head =
        format!("{:?} {} {}\r\n", answer.version(), status.as_u16(), status.canonical_reason().unwrap_or(""));
    for (name, value) in answer.headers() {
        // The body is the caller's to look at, or to put into a file; this is for people to read.
        let value = String::from_utf8_lossy(value.as_bytes());
        head.push_str(&visible(&format!("{name}: {value}")));
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    output::bytes(head.as_bytes())
}

/// As it comes, however long it is.
async fn print_body<B>(answer: Response<B>) -> anyhow::Result<ExitCode>
where
    B: http_body::Body<Data = bytes::Bytes> + Unpin,
    B::Error: std::error::Error + std::marker::Send + Sync + 'static,
{
    let status = answer.status();
    let redirect = status.is_redirection() && answer.headers().contains_key(header::LOCATION);
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.context("the answer broke off")?.into_data() {
            io::stdout().lock().write_all(&data).context("standard output can't be written")?;
        }
    }
    io::stdout().lock().flush().context("standard output can't be written")?;
    if redirect {
        output::complain("the answer is a redirect, which is not followed; --include shows where to");
    }
    Ok(exit(status))
}

async fn print_json<B>(answer: Response<B>) -> anyhow::Result<ExitCode>
where
    B: http_body::Body<Data = bytes::Bytes>,
    B::Error: Into<Box<dyn std::error::Error + std::marker::Send + Sync>>,
{
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
        anyhow!("--json: the answer is not whole or longer than {} MiB: {error}", MAX_ANSWER / (1024 * 1024))
    })?;
    let body = body.to_bytes();
    // Bytes that are no text have another name, so that no one mistakes the one for the other.
    let (name, body) = match core::str::from_utf8(&body) {
        Ok(text) => ("body", text.to_owned()),
        Err(_) => ("body_base64url", countersign::to_base64url(&body)),
    };
    output::json(&json!({ "status": head.status.as_u16(), "fields": fields(&head.headers), name: body }))?;
    Ok(exit(head.status))
}

fn fields(headers: &HeaderMap) -> BTreeMap<&str, Vec<String>> {
    let mut fields: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        fields.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    fields
}

fn exit(status: http::StatusCode) -> ExitCode {
    if status.is_client_error() || status.is_server_error() {
        output::complain(&format!("the service answered with status {}", status.as_u16()));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// One sentence; with `--json` all that the refusal says besides.
fn print_refusal(refusal: &Refusal, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        output::json(&json!({ "status": refusal.status.as_u16(), "refusal": members(refusal) }))?;
    }
    let more = match (refusal.class, &refusal.authorization_details, &refusal.approval, &refusal.budget) {
        (Class::InsufficientAuthorization, Some(enough), _, _) => format!(": {enough} would be enough"),
        (Class::ApprovalRequired, _, Some(approval), _) => format!(": {approval}, then --approval"),
        (Class::BudgetExceeded, _, _, Some(budget)) => {
            let unit = budget.unit.as_deref().unwrap_or("its unit");
            match budget.resets_at {
                Some(at) => format!(": {unit} are there again at {at}"),
                None => format!(": {unit} will not be there again"),
            }
        }
        _ => String::new(),
    };
    let trace = refusal.trace_id.as_ref().map(|id| format!(" (trace {id})")).unwrap_or_default();
    // A service that says more than fits a sentence is read with --json.
    let [more, trace] = [more, trace].map(|text| if text.len() <= MAX_SAID { text } else { String::new() });
    output::complain(&format!("{refusal}{more}{trace}"));
    Ok(ExitCode::FAILURE)
}

fn members(refusal: &Refusal) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| members.extend(value.map(|value| (name.to_owned(), value)));
    put("class", Some(refusal.class.as_str().into()));
    put("advice", Some(refusal.advice().into()));
    put("title", refusal.title.clone().map(Value::from));
    put("detail", refusal.detail.clone().map(Value::from));
    put("trace_id", refusal.trace_id.clone().map(Value::from));
    put("authorization_details", refusal.authorization_details.clone());
    put("approval", refusal.approval.clone());
    let resets_at = |at: Option<UnixTime>| at.map(|at| at.to_string());
    let budget = refusal.budget.as_ref();
    put("budget", budget.map(|budget| json!({ "unit": budget.unit, "resets_at": resets_at(budget.resets_at) })));
    Value::Object(members)
}
