//! A client of the Model Context Protocol that signs every message, over stdio or Streamable HTTP.
//!
//!     cargo run -p countersign-tower --example mcp_client -- TOKEN_FILE KEY_FILE http URL
//!     cargo run -p countersign-tower --example mcp_client -- TOKEN_FILE KEY_FILE stdio COMMAND [ARGUMENT]…
//!
//! The client itself is rmcp's. TOKEN_FILE has an open token, KEY_FILE the holder's key as `cs_sk_…`. It prints the tools
//! that the server shows, and calls two of them.

use std::collections::HashMap;
use std::error::Error;
use std::process::Stdio;
use std::sync::Arc;

use countersign::key::SigningKey;
use countersign::token::OpenToken;
use countersign_tower::client::{ReqwestSigning, Signer};
use countersign_tower::mcp::sign_lines;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue, StatusCode, header};
use reqwest_middleware::{ClientWithMiddleware, RequestBuilder};
use rmcp::model::{CallToolRequestParams, ClientJsonRpcMessage};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError, StreamableHttpPostResponse,
};
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::json;
use sse_stream::{Error as SseError, Sse, SseStream};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Http<T> = std::result::Result<T, StreamableHttpError<reqwest_middleware::Error>>;

/// rmcp's transport over a client of reqwest that signs.
#[derive(Clone)]
struct Signing(ClientWithMiddleware);

type Fields = HashMap<HeaderName, HeaderValue>;

/// Of what rmcp gives, all is signed; an authorization of its own there is none, since the token stands in that field.
async fn send(request: RequestBuilder, session: Option<Arc<str>>, fields: Fields) -> Http<reqwest::Response> {
    let session = session.and_then(|id| HeaderValue::from_str(&id).ok());
    let session = session.map(|id| (HeaderName::from_static("mcp-session-id"), id));
    let fields: http::HeaderMap = fields.into_iter().chain(session).collect();
    let request = request.header(header::ACCEPT, "application/json, text/event-stream").headers(fields);
    let answer = request.send().await.map_err(StreamableHttpError::Client)?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let challenge = answer.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let told = format!("{} {}", answer.status(), challenge.unwrap_or_default());
    Err(StreamableHttpError::UnexpectedServerResponse(told.into()))
}

fn events(answer: reqwest::Response) -> BoxStream<'static, std::result::Result<Sse, SseError>> {
    SseStream::from_bytes_stream(answer.bytes_stream()).boxed()
}

impl StreamableHttpClient for Signing {
    type Error = reqwest_middleware::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _: Option<String>,
        fields: Fields,
    ) -> Http<StreamableHttpPostResponse> {
        let body = serde_json::to_vec(&message)?;
        let request = self.0.post(&*uri).header(header::CONTENT_TYPE, "application/json").body(body);
        let answer = send(request, session, fields).await?;
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match (answer.status(), kind) {
            (StatusCode::ACCEPTED | StatusCode::NO_CONTENT, _) => Ok(StreamableHttpPostResponse::Accepted),
            (_, kind) if kind.starts_with("text/event-stream") => {
                Ok(StreamableHttpPostResponse::Sse(events(answer), None))
            }
            _ => {
                let text = answer.bytes().await.map_err(|error| StreamableHttpError::Client(error.into()))?;
                Ok(StreamableHttpPostResponse::Json(serde_json::from_slice(&text)?, None))
            }
        }
    }

    async fn delete_session(&self, uri: Arc<str>, session: Arc<str>, _: Option<String>, fields: Fields) -> Http<()> {
        send(self.0.delete(&*uri), Some(session), fields).await.map(drop)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        _: Option<String>,
        _: Option<String>,
        fields: Fields,
    ) -> Http<BoxStream<'static, std::result::Result<Sse, SseError>>> {
        send(self.0.get(&*uri), session, fields).await.map(events)
    }
}

/// What an agent does with a server, whatever is between them.
async fn work(client: RunningService<RoleClient, ()>) -> Result<()> {
    let tools = client.list_all_tools().await?;
    println!("tools: {}", tools.iter().map(|tool| &*tool.name).collect::<Vec<_>>().join(" "));
    for (tool, arguments) in
        [("list_events", json!({"day": "2026-11-24"})), ("send_email", json!({"to": "eve@example.com"}))]
    {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        match client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await {
            Ok(result) => println!(
                "{tool}: {}",
                serde_json::to_value(&result.content)?.pointer("/0/text").unwrap_or(&json!(null))
            ),
            Err(error) => println!("{tool}: refused: {error}"),
        }
    }
    client.cancel().await?;
    Ok(())
}

async fn over_stdio(signer: &Signer, program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = tokio::process::Command::new(program);
    let mut server = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let (Some(to_server), Some(from_server)) = (server.stdin.take(), server.stdout.take()) else {
        return Err("the server has no pipes".into());
    };
    // The client reads and writes a pipe, and what signs is at its other end.
    let (inside, outside) = tokio::io::duplex(64 * 1024);
    let signing = sign_lines(signer, tokio::io::split(outside), (from_server, to_server));
    tokio::select! {
        ended = async { work(().serve(inside).await?).await } => ended?,
        ended = signing => ended?,
    }
    Ok(())
}

async fn over_http(signer: Signer, url: &str) -> Result<()> {
    let client = ReqwestSigning::new(signer).client(reqwest::Client::builder())?;
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let transport = StreamableHttpClientTransport::with_client(Signing(client), config);
    work(().serve(transport).await?).await
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [token, key, how, to, rest @ ..] = &arguments[..] else {
        return Err(
            "usage: mcp_client TOKEN_FILE KEY_FILE http URL, or mcp_client TOKEN_FILE KEY_FILE stdio COMMAND…".into()
        );
    };
    let token = OpenToken::from_text(std::fs::read_to_string(token)?.trim())?;
    let key = SigningKey::from_text(std::fs::read_to_string(key)?.trim()).map_err(|error| error.to_string())?;
    let signer = Signer::new(token, key)?;
    match *how {
        "stdio" => over_stdio(&signer, to, rest).await,
        "http" => over_http(signer, to).await,
        _ => Err("the transport is stdio or http".into()),
    }
}
