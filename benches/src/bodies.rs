//! What the body of a proven request may cost: as much as one that is read may have, made to be dear.

use countersign::Code;
use countersign::jsonrpc::mcp::Server;
use countersign::request::{BodyLength, Parts, SignRequest, SignedFields};
use countersign::token::{OpenToken, Restriction, SealedToken};
use countersign::verify::{
    Approvals, Authenticated, Endpoint, MAX_JSON_BODY, OperationEntry, Operations, ReplayOutcome, Revocations, Verifier,
};

use crate::fixture::{AUDIENCE, AUTHORITY, ISSUER, NOW, grant, key};

const PATH: &str = "/calendars/primary";

/// A request whose body is dear.
#[derive(Debug)]
pub struct Dear {
    /// What of it is dear.
    pub name: &'static str,
    /// What it may take from stage 9 on, in microseconds.
    pub ceiling: f64,
    /// The body.
    pub body: Vec<u8>,
    fields: SignedFields,
    verifier: Verifier,
    operations: Operations,
    endpoint: Option<Endpoint>,
    /// How it ends; allowed without one.
    expected: Option<Code>,
}

impl Dear {
    fn new(name: &'static str, token: &SealedToken, body: Vec<u8>) -> Self {
        Self::with_fields(name, token, body, &[])
    }

    fn with_fields(name: &'static str, token: &SealedToken, body: Vec<u8>, fields: &[(String, String)]) -> Self {
        let url = [AUDIENCE, PATH].concat();
        let request = SignRequest::new("POST", &url, token).created(NOW, vec![1; 16]).body(&body);
        let request = request.field("content-type", "application/json");
        let request = fields.iter().fold(request, |request, (name, value)| request.field(name, value));
        let fields = request.sign(&key("agent")).expect(name);
        let builder = Verifier::builder().audience(AUDIENCE).authority(AUTHORITY);
        let verifier = builder.issuer(ISSUER, [key("root").public()]).build().expect(name);
        Self {
            name,
            ceiling: 50_000.0,
            body,
            fields,
            verifier,
            operations: Operations::http(),
            endpoint: None,
            expected: None,
        }
    }

    fn ends(mut self, code: Code) -> Self {
        self.expected = Some(code);
        self
    }

    /// Stages 9 to 11: the body hashed, read, its arguments taken, the checks, the digest where an approval is needed.
    ///
    /// # Panics
    ///
    /// When it ends in another way than it should.
    pub fn run(&self) {
        let mut parts = Parts::new("POST", self.fields.target()).body(BodyLength::Known(self.body.len() as u64));
        parts.extend(self.fields.iter().map(|(name, value)| (name, value.as_bytes())));
        let proven = self.verifier.check(&parts, NOW, &Revocations::default()).expect(self.name);
        let mut hasher = proven.hasher();
        hasher.update(&self.body);
        let claim = proven.body(hasher.finish()).expect(self.name);
        let found = self.map(claim.recorded(ReplayOutcome::New).expect(self.name));
        assert_eq!(found, self.expected, "{}", self.name);
    }

    fn map(&self, authenticated: Authenticated) -> Option<Code> {
        let denied = match &self.endpoint {
            None => authenticated.map(&self.operations, &self.body, &Approvals::none()).err(),
            Some(endpoint) => authenticated.map_mcp_http(endpoint, &self.body, &Approvals::none()).err(),
        };
        denied.map(|denial| denial.code())
    }
}

/// Pieces with commas between, in front and behind, as long as a body that is read may be.
fn filled(front: &str, piece: impl Fn(usize) -> String, behind: &str) -> Vec<u8> {
    let room = usize::try_from(MAX_JSON_BODY).unwrap() - front.len() - behind.len();
    let mut body = front.to_owned();
    for n in 0.. {
        let piece = piece(n);
        if body.len() - front.len() + piece.len() + 1 > room {
            break;
        }
        if n > 0 {
            body.push(',');
        }
        body.push_str(&piece);
    }
    body.push_str(behind);
    body.into_bytes()
}

/// Names, nearly as many as are read: of more, none would be looked at.
fn names(member: impl Fn(usize) -> String) -> Vec<u8> {
    let body = filled("{", member, "}");
    let count = body.iter().filter(|byte| **byte == b':').count();
    assert!((1_000..=1_024).contains(&count), "{count} names");
    body
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Dear> {
    let sealed = |token: OpenToken| token.seal().unwrap();
    let open = || grant().sign(&key("root"), &key("next-0")).unwrap();
    let plain = sealed(open());
    let limited = sealed(open().restrict(&[Restriction::ArgAtMost("/n".into(), 5)], &key("next-1")).unwrap());
    let approved =
        sealed(grant().approval("http", "POST", key("approver").public()).sign(&key("root"), &key("next-0")).unwrap());
    let text = filled("{\"text\":\"", |_| "x".repeat(1023), "\"}");
    let subnormal = |n: usize| format!("{}e-{}", 4_940_656_458_412_465_u64 + n as u64, 320 + n % 19);
    let longer = |n: usize| format!("\"{}{n}\":1", "\u{390}".repeat(510));
    let named = |n: usize| format!("\"{}{n}\":1", "Aa".repeat(510));
    vec![
        Dear::new("one long text", &plain, text),
        Dear::new("integers in an array, checked", &limited, filled("{\"n\":[", |n| (n % 10).to_string(), "]}"))
            .ends(Code::CheckError),
        Dear::new("objects in an array, each poison", &limited, filled("{\"n\":[", |_| "{}".to_owned(), "]}"))
            .ends(Code::CheckError),
        Dear::new("names of 1,000 letters", &plain, names(named)),
        Dear::new("names of 500 letters whose upper case is three", &plain, names(longer)),
        Dear::new("more members than facts", &plain, filled("{", |n| format!("\"{n:x}\":1"), "}")),
        Dear::new("fractions far from 1 in an array, to be approved", &approved, filled("{\"n\":[", subnormal, "]}"))
            .ends(Code::ApprovalRequired),
        fractions(),
        parameters(),
    ]
}

/// Numbers with a scale, at the edge of what is exact.
fn fractions() -> Dear {
    let mut entry = OperationEntry::new("POST", PATH, "http", PATH, "POST");
    entry.scales.insert("/n".to_owned(), 15);
    let declared = Operations::table([entry]).unwrap();
    let limited =
        grant().restriction(Restriction::ArgAtMost("/n".into(), 5)).sign(&key("root"), &key("next-0")).unwrap();
    let number = |n: usize| format!("0.{:015}e-0", n + 1);
    let body = filled("{\"n\":[", number, "]}");
    let mut dear = Dear::new("fractions with a scale of 15 digits", &limited.seal().unwrap(), body);
    dear.operations = declared;
    dear.ends(Code::CheckError)
}

/// Fields of MCP, each to be found in a body.
fn parameters() -> Dear {
    let grant = grant().right(countersign::token::Right { r#type: "mcp_tool", location: "/calendar", action: "call" });
    let token = grant.sign(&key("root"), &key("next-0")).unwrap().seal().unwrap();
    let front =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"list\",\"arguments\":{\"n\":[";
    let body = filled(front, |n| format!("\"{n}\""), "]}}}");
    let fields: Vec<_> = (0..64).map(|n| (format!("mcp-param-x{n}"), "none".to_owned())).collect();
    let mut dear = Dear::with_fields("64 fields of MCP that a call has not", &token, body, &fields);
    dear.endpoint = Some(Endpoint { path: PATH.to_owned(), server: Server::new("calendar").unwrap(), envelope: false });
    dear.ends(Code::HeaderBodyMismatch)
}
