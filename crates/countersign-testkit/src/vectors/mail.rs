//! An operation with arguments: `POST /mail/{box}` is type `email`, resource `/mail/{box}`, action `send`.
//!
//! The standard service of the vectors has no operation table. Here is one, and requests to it that change in one place.

use crate::format::{Cost, Operation};
use crate::keys::Key;
use crate::raw_approval::{Json, OperationObject, agent, content_sha256};
use crate::raw_checks::{Check, Predicate, Term, check_if, pred, query, reject_if, string, var};
use crate::raw_request::{Request, Signature, digest_sha256, nonce};

use super::case::Case;
use super::standard::{AGENT, AUTHORITY, ISSUER, PURPOSE, Plan, SERVICE, USER, operation, right, unsigned};

/// The target of the standard request to it.
pub const TARGET: &str = "/mail/out";

/// The media type of its bodies.
pub const JSON: &str = "application/json";

/// A request to send mail, and what the verifier knows.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The token.
    pub plan: Plan,
    /// The token's text, where it is not the plan's.
    pub token: Option<String>,
    /// The current holder, who signs.
    pub holder: String,
    /// The target.
    pub target: String,
    /// The body, where there is one, with its media type.
    pub body: Option<(Vec<u8>, String)>,
    /// Fields beside the usual ones: all are covered.
    pub fields: Vec<(String, String)>,
    /// The name of the nonce.
    pub nonce: String,
    /// The row of the operation table.
    pub row: Operation,
}

impl Mail {
    /// Without a body.
    #[must_use]
    pub fn new() -> Self {
        Self {
            plan: Plan::standard().rights([right("email", "/mail", "send")]),
            token: None,
            holder: "agent".into(),
            target: TARGET.into(),
            body: None,
            fields: Vec::new(),
            nonce: "standard".into(),
            row: operation("POST", "/mail/{box}", "email", "/mail/{box}", "send"),
        }
    }

    /// With this JSON body.
    #[must_use]
    pub fn json(body: impl AsRef<[u8]>) -> Self {
        Self::new().body(body, JSON)
    }

    /// With this body of this media type.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>, media: &str) -> Self {
        self.body = Some((body.as_ref().to_vec(), media.into()));
        self
    }

    /// To this target.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        self.target = target.into();
        self
    }

    /// With a field more, which is covered.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// With another nonce.
    #[must_use]
    pub fn nonce(mut self, name: &str) -> Self {
        self.nonce = name.into();
        self
    }

    /// With a check more in the authority block.
    #[must_use]
    pub fn check(self, check: Check) -> Self {
        self.plan(|plan| plan.check(check))
    }

    /// With these checks more in the authority block.
    #[must_use]
    pub fn checks(self, checks: impl IntoIterator<Item = Check>) -> Self {
        checks.into_iter().fold(self, Self::check)
    }

    /// With a fact more in the authority block.
    #[must_use]
    pub fn fact(self, fact: Predicate) -> Self {
        self.plan(|plan| plan.fact(fact))
    }

    /// With another token.
    #[must_use]
    pub fn plan(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.plan = change(self.plan);
        self
    }

    /// By another holder.
    #[must_use]
    pub fn by(mut self, holder: &str) -> Self {
        self.holder = holder.into();
        self
    }

    /// Where the operation costs this much of a unit, and of those said before.
    #[must_use]
    pub fn cost(self, unit: &str, cost: Cost) -> Self {
        self.row(|row| row.cost.get_or_insert_default().extend([(unit.into(), cost)]))
    }

    /// Where the service publishes something else.
    #[must_use]
    pub fn row(mut self, change: impl FnOnce(&mut Operation)) -> Self {
        change(&mut self.row);
        self
    }

    /// Where the service declares this argument to be a URL.
    #[must_use]
    pub fn url(self, name: &str) -> Self {
        self.row(|row| row.urls.push(name.into()))
    }

    /// Where the service declares this argument to be a path.
    #[must_use]
    pub fn path(self, name: &str) -> Self {
        self.row(|row| row.paths.push(name.into()))
    }

    /// Where the service declares the scale of this argument.
    #[must_use]
    pub fn scale(self, name: &str, digits: u8) -> Self {
        self.row(|row| row.scales.extend([(name.into(), digits)]))
    }

    /// The request without its signature, and the signature to be made.
    #[must_use]
    pub fn unsigned(&self) -> (Request, Signature) {
        let token = self.token.clone().unwrap_or_else(|| self.plan.text());
        let mut request = unsigned("POST", &self.target, &token);
        let mut signature = Signature::new(&Key::named(&self.holder));
        if let Some((body, media)) = &self.body {
            request.add("Content-Type", media);
            request.add("Content-Length", body.len().to_string());
            request.add("Content-Digest", digest_sha256(body));
            request.body.clone_from(body);
            signature.cover("content-type");
            signature.cover("content-digest");
        }
        for (name, value) in &self.fields {
            request.add(name, value);
            let covered = format!("\"{}\"", name.to_ascii_lowercase());
            if !signature.components.contains(&covered) {
                signature.components.push(covered);
            }
        }
        signature.set("nonce", format!("\"{}\"", nonce(&self.nonce)));
        (request, signature)
    }

    /// The signed request.
    #[must_use]
    pub fn request(&self) -> Request {
        let (request, signature) = self.unsigned();
        signature.sign(request)
    }

    /// The vector.
    #[must_use]
    pub fn case(&self, slug: &str, comment: &str) -> Case {
        self.case_of(slug, comment, &self.request())
    }

    /// The vector of another request to the same service.
    #[must_use]
    pub fn case_of(&self, slug: &str, comment: &str, request: &Request) -> Case {
        Case::new(slug, comment, request).operations([self.row.clone()]).right("email:/mail:send")
    }

    /// What an approver of this request signs; `args` is what the body says, where that is read.
    #[must_use]
    pub fn operation(&self, args: Option<Json>) -> OperationObject {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Json::from(query)),
            None => (&*self.target, Json::Null),
        };
        let content = match (&self.body, &args) {
            (Some((body, _)), None) => content_sha256(body),
            _ => Json::Null,
        };
        let mut agents = vec![agent(AGENT, &Key::named("agent"))];
        if self.holder != "agent" {
            agents.push(agent("summary-bot", &Key::named(&self.holder)));
        }
        let members = [
            ("issuer", ISSUER.into()),
            ("user", USER.into()),
            ("purpose", PURPOSE.into()),
            ("grant", Json::Null),
            ("conversation", Json::Null),
            ("agents", Json::Array(agents)),
            ("holder", Json::Text(Key::named(&self.holder).id())),
            ("service", SERVICE.into()),
            ("authority", AUTHORITY.into()),
            ("method", "POST".into()),
            ("path", path.into()),
            ("query", query),
            ("type", "email".into()),
            ("resource", path.into()),
            ("action", "send".into()),
            ("tool", self.row.tool.as_deref().map_or(Json::Null, Json::from)),
            ("args", args.unwrap_or(Json::Null)),
            ("content_sha256", content),
            ("fields", self.other_fields()),
            ("meta", Json::Null),
        ];
        OperationObject(members.map(|(name, value)| (name.to_owned(), value)).to_vec())
    }

    /// The media type, and the fields beside the usual ones: those that an approver signs, with their lines joined.
    fn other_fields(&self) -> Json {
        let media = self.body.iter().map(|(_, media)| ("content-type".to_owned(), media.clone()));
        let more = self.fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in media.chain(more.filter(|(name, _)| name != "countersign-approval")) {
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, joined)) => *joined = format!("{joined}, {value}"),
                None => fields.push((name, value)),
            }
        }
        let fields: Vec<(String, Json)> = fields.into_iter().map(|(name, value)| (name, Json::Text(value))).collect();
        if fields.is_empty() { Json::Null } else { Json::Object(fields) }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self::new()
    }
}

/// `arg(name, $value)`.
#[must_use]
pub fn arg(name: &str) -> Predicate {
    pred("arg", [string(name), var("value")])
}

/// `arg_present(name)`.
#[must_use]
pub fn present(name: &str) -> Predicate {
    pred("arg_present", [string(name)])
}

/// `check if arg_present(name)`.
#[must_use]
pub fn has(name: &str) -> Check {
    check_if([query([present(name)], [])])
}

/// `reject if arg_present(name)`.
#[must_use]
pub fn has_not(name: &str) -> Check {
    reject_if(query([present(name)], []))
}

/// `reject if arg(name, $value), $value !== value`: every value is this one. One of another kind is an error.
#[must_use]
pub fn only(name: &str, value: Term) -> Check {
    use crate::raw_checks::v;
    reject_if(query([arg(name)], [v("value").ne(value)]))
}

/// `reject if arg(name, $value)`: there is no value.
#[must_use]
pub fn none(name: &str) -> Check {
    reject_if(query([arg(name)], []))
}
