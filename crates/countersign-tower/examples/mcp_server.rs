//! A server of the Model Context Protocol that knows who asks, over stdio or Streamable HTTP.
//!
//!     cargo run -p countersign-tower --example mcp_server -- http  ed25519/ISSUER_KEY
//!     cargo run -p countersign-tower --example mcp_server -- stdio ed25519/ISSUER_KEY https://calendar.example.com/mcp
//!
//! The server itself is rmcp's, and knows nothing of tokens. What stands before it verifies every message, and takes from
//! the list of tools those that the token does not allow. The last argument is the service that tokens are for; over HTTP it
//! is the address, which is printed.

use std::error::Error;
use std::sync::Arc;

use countersign::jsonrpc::mcp::Server;
use countersign::key::PublicKey;
use countersign::verify::{Endpoint, MemoryReplay, Operations, Verifier};
use countersign_tower::mcp::{CALLER, Caller, Gate, guard_lines};
use countersign_tower::{CountersignLayer, JsonLines, LayerBuilder};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{ServerCapabilities, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, ServiceExt as _, schemars, tool, tool_handler, tool_router};

type Outcome = Result<(), Box<dyn Error>>;

/// How rights know this server: `mcp_tool:calendar/list_events:call`, or `mcp_tool:calendar:call` for all its tools.
const NAME: &str = "calendar";

#[derive(Clone)]
struct Calendar;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Day {
    day: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Event {
    day: String,
    title: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Email {
    to: String,
}

#[tool_router]
impl Calendar {
    #[tool(description = "The events of a day")]
    fn list_events(&self, Parameters(Day { day }): Parameters<Day>, context: RequestContext<RoleServer>) -> String {
        format!("no events on {day} for {}", user(&context))
    }

    #[tool(description = "Adds an event")]
    fn add_event(&self, Parameters(event): Parameters<Event>, context: RequestContext<RoleServer>) -> String {
        format!("added {} on {} for {}", event.title, event.day, user(&context))
    }

    #[tool(description = "Sends an invitation")]
    fn send_email(&self, Parameters(Email { to }): Parameters<Email>, context: RequestContext<RoleServer>) -> String {
        format!("sent to {to} for {}", user(&context))
    }
}

#[tool_handler]
impl ServerHandler for Calendar {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

/// On whose behalf a tool is called: the layer tells among the extensions of the HTTP request, the gate in `_meta`.
fn user(context: &RequestContext<RoleServer>) -> String {
    let parts = context.extensions.get::<http::request::Parts>();
    let over_http = parts.and_then(|parts| parts.extensions.get::<Caller>());
    let over_stdio = context.meta.get(CALLER).and_then(|caller| caller.get("user")?.as_str());
    match (over_http, over_stdio) {
        (Some(caller), None) => caller.chain().claims().user().to_owned(),
        (None, Some(user)) => user.to_owned(),
        _ => "nobody".to_owned(),
    }
}

/// Everything that does not depend on the transport.
fn protection(issuer: PublicKey, audience: &str, authority: &str) -> Result<LayerBuilder, Box<dyn Error>> {
    let verifier =
        Verifier::builder().audience(audience).authority(authority).issuer("https://hub.example", [issuer]).build()?;
    // No operation but those of messages: any other request is refused.
    Ok(CountersignLayer::builder(Arc::new(verifier), Operations::table([])?)
        // A message that an earlier run of this program took could be sent again within the minute or two in which its
        // signature holds. A server with something to lose keeps its nonces in a store that outlives it.
        .replay(MemoryReplay::insecure_without_epoch())
        // Standard output may be the transport.
        .audit(Arc::new(JsonLines::new(std::io::stderr()))))
}

async fn over_stdio(issuer: PublicKey, audience: &str) -> Outcome {
    let gate = Gate::new(&protection(issuer, audience, "localhost")?.build(), audience, Server::new(NAME)?)?;
    // The server reads and writes a pipe, and the gate is at its other end.
    let (inside, outside) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move {
        Calendar.serve(inside).await?.waiting().await.map_err(Box::<dyn Error + Send + Sync>::from)
    });
    guard_lines(&gate, (tokio::io::stdin(), tokio::io::stdout()), tokio::io::split(outside)).await?;
    // A peer that never began a session leaves the server nothing to end well.
    let _ = server.await?;
    Ok(())
}

async fn over_http(issuer: PublicKey) -> Outcome {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let authority = listener.local_addr()?.to_string();
    let audience = format!("http://{authority}/mcp");
    let endpoint = Endpoint { path: "/mcp".to_owned(), server: Server::new(NAME)?, envelope: false };
    let layer = protection(issuer, &audience, &authority)?.mcp(endpoint).build();
    let config = StreamableHttpServerConfig::default()
        // A session of MCP belongs to whoever knows its name. Each request says for itself who asks.
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let service = StreamableHttpService::new(|| Ok(Calendar), NeverSessionManager::default().into(), config);
    let app = axum::Router::new().route_service("/mcp", service).layer(layer);
    println!("{audience}");
    Ok(axum::serve(listener, app).await?)
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stdio", issuer, audience] => over_stdio(issuer.parse()?, audience).await,
        ["http", issuer] => over_http(issuer.parse()?).await,
        _ => Err("usage: mcp_server stdio ISSUER_KEY AUDIENCE, or mcp_server http ISSUER_KEY".into()),
    }
}
