//! Keys, tokens and requests of the benchmarks. All are fixed, so that sizes and verdicts can be asserted.

use bytes::Bytes;
use countersign::key::SigningKey;
use countersign::request::SignRequest;
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Restriction, Right, SealedToken};
use countersign_testkit::keys::Key;
use http::{HeaderValue, Request};
use http_body_util::Full;

/// The instant of all benchmarks, 2100-01-01T00:00:00Z: the peer compares `expires` with the system's clock.
pub const NOW: UnixTime = UnixTime(4_102_444_800);
/// The issuer of all tokens.
pub const ISSUER: &str = "https://hub.example";
/// The service that is asked.
pub const AUDIENCE: &str = "https://calendar.example.com";
/// Its name in `Host`.
pub const AUTHORITY: &str = "calendar.example.com";
/// What is asked for.
pub const URL: &str = "https://calendar.example.com/calendars/primary/events?from=2100-01-01&to=2100-01-08";
/// The path of [`URL`].
pub const PATH: &str = "/calendars/primary/events";
/// The body of the request that has one: 107 bytes of JSON.
pub const BODY: &[u8] =
    br#"{"summary":"Planning","start":"2100-01-04T10:00:00Z","end":"2100-01-04T10:30:00Z","guests":["bob@example.com"]}"#;

/// A request as a server holds it, body and all.
pub type HttpRequest = Request<Full<Bytes>>;

/// The fixed key of a name.
#[must_use]
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(&Key::named(name).seed())
}

/// What a request brings and what it costs to believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// An authority block; `GET` without a body.
    OneBlock,
    /// An authority block; `POST` with a body, its digest and its type covered.
    OneBlockBody,
    /// An authority block and two restrictions; `GET`.
    ThreeBlocks,
    /// An authority block, a restriction and a delegation; `GET` by the delegate.
    ThreeBlocksDelegated,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OneBlock, Self::OneBlockBody, Self::ThreeBlocks, Self::ThreeBlocksDelegated];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OneBlock => "1_block",
            Self::OneBlockBody => "1_block_body",
            Self::ThreeBlocks => "3_blocks",
            Self::ThreeBlocksDelegated => "3_blocks_delegated",
        }
    }

    /// How many signatures stand behind the request: one a block, one more a delegation, the seal, the request's own.
    #[must_use]
    pub fn signatures(self) -> u32 {
        match self {
            Self::OneBlock | Self::OneBlockBody => 3,
            Self::ThreeBlocks => 5,
            Self::ThreeBlocksDelegated => 6,
        }
    }

    /// The method of its request.
    #[must_use]
    pub fn method(self) -> &'static str {
        if self == Self::OneBlockBody { "POST" } else { "GET" }
    }

    /// The key that signs its request.
    #[must_use]
    pub fn holder(self) -> SigningKey {
        key(if self == Self::ThreeBlocksDelegated { "sub-agent" } else { "agent" })
    }

    /// Its token, before it is closed.
    #[must_use]
    pub fn open(self) -> OpenToken {
        match self {
            Self::OneBlock | Self::OneBlockBody => authority(),
            Self::ThreeBlocks => restricted(&restricted(&authority(), &get_only(), 1), &[under_primary()], 2),
            Self::ThreeBlocksDelegated => delegated(&restricted(&authority(), &get_only(), 1), 2),
        }
    }

    /// Its token, as it travels.
    #[must_use]
    pub fn sealed(self) -> SealedToken {
        self.open().seal().unwrap()
    }

    /// Its request, signed by the core.
    #[must_use]
    pub fn request(self) -> HttpRequest {
        signed(self, &self.sealed(), &self.holder())
    }

    fn body(self) -> &'static [u8] {
        if self == Self::OneBlockBody { BODY } else { b"" }
    }
}

/// The authority block of all tokens: two rights, one delegation, an hour.
#[must_use]
pub fn authority() -> OpenToken {
    grant().sign(&key("root"), &key("next-0")).unwrap()
}

/// What [`authority`] is made of.
#[must_use]
pub fn grant() -> Grant {
    Grant::new(ISSUER, "alice@example.com", "calendar-bot", key("agent").public())
        .purpose("scheduling")
        .audience(AUDIENCE)
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/calendars/primary", action: "GET" })
        .right(Right { r#type: "http", location: "/calendars/primary", action: "POST" })
        .delegation_depth(1)
}

/// Until when, and `GET` alone.
#[must_use]
pub fn get_only() -> [Restriction; 2] {
    [Restriction::ExpiresBy(NOW.plus(600)), Restriction::Actions(vec!["GET".to_owned()])]
}

fn under_primary() -> Restriction {
    Restriction::ResourceUnder("/calendars/primary".to_owned())
}

/// `token` with a restriction block more, its `index`th.
#[must_use]
pub fn restricted(token: &OpenToken, restrictions: &[Restriction], index: usize) -> OpenToken {
    token.restrict(restrictions, &key(&format!("next-{index}"))).unwrap()
}

/// `token` handed on to `sub-agent` with one expiry check, in its `index`th block.
#[must_use]
pub fn delegated(token: &OpenToken, index: usize) -> OpenToken {
    let to =
        Delegation::to("summary-bot", key("sub-agent").public()).restriction(Restriction::ExpiresBy(NOW.plus(300)));
    token.delegate(&to).unwrap().sign(&key("agent"), &key(&format!("next-{index}"))).unwrap()
}

/// The core's signer, ready to sign the request of a scenario.
#[must_use]
pub fn to_sign<'a>(scenario: Scenario, token: &'a SealedToken) -> SignRequest<'a> {
    let request = SignRequest::new(scenario.method(), URL, token).created(NOW, vec![7; 16]);
    if scenario == Scenario::OneBlockBody {
        request.field("content-type", "application/json").body(BODY)
    } else {
        request
    }
}

fn signed(scenario: Scenario, token: &SealedToken, holder: &SigningKey) -> HttpRequest {
    let fields = to_sign(scenario, token).sign(holder).unwrap();
    let mut request = unsigned(scenario);
    for (name, value) in fields.iter() {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

/// The request of a scenario with the fields that nobody covers, which an HTTP client sends with any request.
#[must_use]
pub fn unsigned(scenario: Scenario) -> HttpRequest {
    let body = scenario.body();
    let mut request = Request::builder()
        .method(scenario.method())
        .uri(URL)
        .header("host", AUTHORITY)
        .header("accept", "application/json")
        .header("accept-encoding", "gzip, br")
        .header("user-agent", "calendar-bot/1.0");
    if !body.is_empty() {
        request = request.header("content-length", body.len()).header("content-type", "application/json");
    }
    request.body(Full::new(Bytes::from_static(body))).unwrap()
}
