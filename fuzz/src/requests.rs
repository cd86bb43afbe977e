//! Valid signed requests, the service that they are for, and what an accepted message must share with one of them.

use countersign::Denial;
use countersign::request::{Message, SignRequest, TokenField};
use countersign::time::UnixTime;
use countersign::token::{ArgValue, Delegation, Grant, OpenToken, Restriction, Right, SealedToken};
use countersign::verify::{
    Authorized, Decision, MemoryCharges, MemoryReplay, Operations, Revocations, UnsignedApproval, Verifier,
};

use crate::keys::{NOW, agent, delegate, key, next, root};

/// A valid request as it is sent.
pub struct Sent {
    /// The HTTP/1.1 message.
    pub message: Vec<u8>,
    method: &'static str,
    target: &'static str,
    body: Vec<u8>,
    /// Fields, lower-case names.
    fields: Vec<(String, String)>,
    /// The last second at which it is allowed.
    until: UnixTime,
}

/// How a request is sent.
#[derive(Clone, Copy, Default)]
struct Plan {
    method: &'static str,
    target: &'static str,
    body: &'static str,
    chunked: bool,
    /// The token in its own field, beside an authorization of another scheme.
    own_field: bool,
    token: Kind,
    /// For how long the signature holds, in seconds.
    lifetime: u64,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Kind {
    #[default]
    Plain,
    /// Handed on, with its last second among the restrictions.
    Handed,
    /// With a budget for one call a minute, and another of the delegation.
    Budget,
    /// Operations need an approval.
    Approval,
    /// Some arguments only.
    Arguments,
}

fn granted(kind: Kind) -> OpenToken {
    let right = |action| Right { r#type: "http", location: "/calendars", action };
    let mut grant = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent().public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(right("GET"))
        .right(right("POST"))
        .delegation_depth(2);
    if kind == Kind::Budget {
        grant = grant.budget("calls", "calls", 1, 60).metered("calls", "http", "POST");
    }
    if kind == Kind::Approval {
        grant = grant.approval("http", "POST", key(9).public());
    }
    grant.sign(&root(), &next(0)).unwrap()
}

fn token(kind: Kind) -> SealedToken {
    let open = granted(kind);
    let handed = Delegation::to("summary-bot", delegate().public());
    let open = match kind {
        Kind::Plain | Kind::Approval => open,
        Kind::Handed => {
            let handed = handed.restriction(Restriction::ExpiresBy(NOW.plus(20)));
            open.delegate(&handed).unwrap().sign(&agent(), &next(1)).unwrap()
        }
        Kind::Budget => {
            let handed = handed.budget("mine", "calls", 3, 0);
            open.delegate(&handed).unwrap().sign(&agent(), &next(1)).unwrap()
        }
        Kind::Arguments => {
            let arguments = [
                Restriction::ArgIs("/title".to_owned(), ArgValue::from("lunch")),
                Restriction::ArgAtMost("/minutes".to_owned(), 60),
                Restriction::ArgsOnly(vec!["/title".to_owned(), "/minutes".to_owned(), "query.notify".to_owned()]),
            ];
            open.restrict(&arguments, &next(1)).unwrap()
        }
    };
    open.seal().unwrap()
}

const BODY: &str = r#"{"title":"lunch","minutes":30}"#;

/// Without and with a body, plain and chunked, with the token in either field, handed on, with budgets, an approval and
/// restrictions of arguments.
const PLANS: [Plan; 8] = [
    Plan { method: "GET", target: "/calendars/primary", ..PLAN },
    Plan {
        method: "GET",
        target: "/calendars/primary?from=today&to=%20",
        own_field: true,
        token: Kind::Handed,
        ..PLAN
    },
    Plan { body: BODY, ..PLAN },
    Plan { body: BODY, chunked: true, own_field: true, token: Kind::Handed, ..PLAN },
    Plan { token: Kind::Budget, body: BODY, ..PLAN },
    Plan { token: Kind::Approval, body: BODY, lifetime: 300, ..PLAN },
    Plan { token: Kind::Arguments, body: BODY, ..PLAN },
    Plan { token: Kind::Arguments, body: BODY, target: "/calendars/a?notify=yes", chunked: true, ..PLAN },
];
const PLAN: Plan = Plan {
    method: "POST",
    target: "/calendars/primary/events",
    body: "",
    chunked: false,
    own_field: false,
    token: Kind::Plain,
    lifetime: 60,
};

/// The valid requests.
pub fn sent() -> Vec<Sent> {
    PLANS.iter().zip(0..).map(|(plan, number)| plan.sent(number)).collect()
}

impl Plan {
    fn holder(&self) -> countersign::key::SigningKey {
        if matches!(self.token, Kind::Handed | Kind::Budget) { delegate() } else { agent() }
    }

    fn sent(&self, number: u8) -> Sent {
        if self.token != Kind::Approval {
            return self.signed(number, None);
        }
        let first = self.signed(number, None);
        let message = Message::parse(&first.message).unwrap();
        let denial = verify(&verifier(), &message, NOW).unwrap_err();
        let digest = denial.approval().unwrap().0.digest();
        let approval = UnsignedApproval::new(key(9).public(), digest, NOW, 40, [7; 16]).unwrap();
        self.signed(number, Some(approval.sign(&key(9)).unwrap().to_text()))
    }

    fn signed(&self, number: u8, approval: Option<String>) -> Sent {
        let Self { method, target, body, .. } = *self;
        let url = format!("https://calendar.example.com{target}");
        let token = token(self.token);
        let mut request = SignRequest::new(method, &url, &token)
            .created(NOW, vec![number; 16])
            .lifetime(self.lifetime)
            .field("x-own", "1");
        if self.own_field {
            request = request.token_field(TokenField::CountersignToken).field("authorization", "Bearer other");
        }
        if !body.is_empty() {
            request = request.body(body.as_bytes()).field("content-type", "application/json");
        }
        if let Some(approval) = &approval {
            request = request.field("countersign-approval", approval);
        }
        let signed = request.sign(&self.holder()).unwrap();
        let fields: Vec<(String, String)> =
            signed.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut message = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &fields {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        message.push_str(&if self.chunked {
            format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
        } else {
            format!("content-length: {}\r\n\r\n{body}", body.len())
        });
        let until = match (self.token, approval) {
            (Kind::Handed, _) => NOW.plus(20),
            (_, Some(_)) => NOW.plus(40),
            _ => NOW.plus(self.lifetime + 30),
        };
        let body = body.as_bytes().to_vec();
        Sent { message: message.into_bytes(), method, target, body, fields, until }
    }
}

/// The service of the valid requests.
pub fn verifier() -> Verifier {
    Verifier::builder()
        .audience("https://calendar.example.com")
        .authority("calendar.example.com")
        .issuer("https://hub.example", [root().public()])
        .build()
        .unwrap()
}

/// What core says to a message at a time, its stores empty.
pub fn verify(verifier: &Verifier, message: &Message<'_>, now: UnixTime) -> Result<Authorized, Denial> {
    verify_with(verifier, message, now, &Stores::default())
}

/// Nonces, budgets and used approvals.
pub struct Stores(MemoryReplay, MemoryCharges);

impl Default for Stores {
    fn default() -> Self {
        Self(MemoryReplay::insecure_without_epoch(), MemoryCharges::insecure_without_epoch())
    }
}

fn verify_with(
    verifier: &Verifier,
    message: &Message<'_>,
    now: UnixTime,
    Stores(replay, charges): &Stores,
) -> Result<Authorized, Denial> {
    let revocations = Revocations::default();
    if message.has_trailers() {
        return Err(verifier.check(message.parts(), now, &revocations)?.trailers());
    }
    let whole = (message.parts(), message.body());
    verifier.verify_and_charge(whole, now, &revocations, (replay, charges), &Operations::http())
}

/// The valid requests, each with what is decided about it.
pub struct Judge {
    verifier: Verifier,
    /// The valid requests.
    pub sent: Vec<(Sent, Decision)>,
}

impl Default for Judge {
    fn default() -> Self {
        let verifier = verifier();
        let decided = |sent: Sent| {
            let decision = sent.decision(&verifier);
            (sent, decision)
        };
        Self { sent: sent().into_iter().map(decided).collect(), verifier }
    }
}

impl Judge {
    /// A message is allowed only when it says what one of the valid requests says, while that lasts, and only once.
    /// Gives the request.
    pub fn judge(&self, bytes: &[u8], now: UnixTime) -> Option<&Sent> {
        let message = Message::parse(bytes).ok()?;
        let stores = Stores::default();
        match verify_with(&self.verifier, &message, now, &stores) {
            Ok(authorized) => {
                let says = self.sent.iter().find(|(sent, decision)| {
                    sent.says_the_same(bytes, &message, &authorized) && authorized.decision() == *decision
                });
                let Some((sent, _)) = says else {
                    panic!("allowed what nobody signed: {}", String::from_utf8_lossy(bytes))
                };
                assert!(sent.lasts(now), "allowed too early or too late: {now}");
                let again = verify_with(&self.verifier, &message, now, &stores);
                assert_eq!(again.map_err(|denial| denial.stage()).err(), Some(10), "allowed twice");
                Some(sent)
            }
            Err(denial) => {
                assert!((1..=12).contains(&denial.stage()));
                None
            }
        }
    }
}

/// The value of a field as RFC 9421 reads it, by another reader than core's.
fn field(head: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut values: Vec<&[u8]> = Vec::new();
    for line in head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        if line[..colon].eq_ignore_ascii_case(name.as_bytes()) {
            values.push(line[colon + 1..].trim_ascii());
        }
    }
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

/// Fields that the signature covers wherever they are (RQ-36); also every `mcp-…`.
const PROTECTED: [&str; 6] = [
    "content-digest",
    "content-encoding",
    "authorization",
    "countersign-token",
    "countersign-approval",
    "idempotency-key",
];

/// The names of the protected fields of a head, in lower case.
fn protected(head: &[u8]) -> impl Iterator<Item = String> {
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b':').next());
    let names = lines.map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
    names.filter(|name| PROTECTED.contains(&name.as_str()) || name.starts_with("mcp-"))
}

impl Sent {
    /// Whether it is allowed at this time: a signature may be 30 seconds in the future or past its end, a token and an
    /// approval not past theirs.
    pub fn lasts(&self, now: UnixTime) -> bool {
        now.plus(30) >= NOW && now <= self.until
    }

    /// Whether an allowed message says what this one says: method, authority, target, body, and every covered field, the
    /// token among them, and that no protected field was added. Everything else may differ.
    pub fn says_the_same(&self, bytes: &[u8], message: &Message<'_>, authorized: &Authorized) -> bool {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
        let Some(http) = authorized.http() else { return false };
        let target = match &http.query {
            None => http.path.clone(),
            Some(query) => format!("{}?{query}", http.path),
        };
        let own = |name: &str| self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_bytes());
        let covered = authorized.covered().filter(|name| !name.starts_with('@'));
        http.method == self.method
            && http.authority == "calendar.example.com"
            && target == self.target
            && message.body() == self.body
            && covered.into_iter().all(|name| field(&bytes[..end], name).as_deref() == own(name))
            && protected(&bytes[..end]).all(|name| own(&name).is_some())
            && self.fields.iter().all(|(name, _)| {
                // Those that need no cover are the only ones that the signer did not cover.
                matches!(&**name, "host" | "signature" | "signature-input")
                    || authorized.covered().any(|covered| covered == name)
            })
    }

    /// What is decided about this request as it was sent.
    pub fn decision(&self, verifier: &Verifier) -> Decision {
        let message = Message::parse(&self.message).unwrap();
        verify(verifier, &message, NOW).unwrap().decision()
    }
}
