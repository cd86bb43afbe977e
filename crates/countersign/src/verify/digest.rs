//! The operation's digest: what an approver signs (`spec/verify.md`, Operation digest).

use core::fmt;

use sha2::{Digest as _, Sha256};

use super::operation::Operation;
use super::stages::Request;
use crate::encoding::to_hex;
use crate::json::{Object, Value};
use crate::request::is_transport_field;
use crate::token::{Agent, Claims};

const DOMAIN: &[u8] = b"countersign-operation-v1\0";

/// An operation as an approver sees it: every member of what is signed.
#[derive(Clone, PartialEq)]
pub struct OperationRecord(Value);

// It has all of the request in it, and its digest tells which one it is of.
impl fmt::Debug for OperationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OperationRecord").field(&to_hex(&self.digest())).finish()
    }
}

impl OperationRecord {
    // spec: VF-44
    pub(crate) fn new(request: &Request, claims: Claims<'_>, operation: &Operation) -> Self {
        let text = |text: &str| Value::from(text);
        let optional = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let http = request.http.as_ref();
        let body = request.body.as_ref().filter(|body| body.len > 0 && !operation.whole_body);
        let body = body.map(|body| to_hex(&body.sha256));
        Self(Value::object([
            ("issuer", text(claims.issuer())),
            ("user", text(claims.user())),
            ("purpose", text(claims.purpose())),
            ("grant", optional(claims.grant())),
            ("conversation", optional(claims.conversation())),
            ("agents", Value::Array(claims.agents().map(agent).collect())),
            ("holder", text(&claims.holder().id().to_string())),
            ("service", text(&request.service)),
            ("authority", optional(http.map(|http| http.authority.as_str()))),
            ("method", optional(http.map(|http| http.method.as_str()))),
            ("path", optional(http.map(|http| http.path.as_str()))),
            ("query", optional(http.and_then(|http| http.query.as_deref()))),
            ("type", text(&operation.r#type)),
            ("resource", text(&operation.resource)),
            ("action", text(&operation.action)),
            ("tool", optional(operation.tool.as_deref())),
            ("args", operation.args().map_or(Value::Null, |args| Value::Object(args.clone()))),
            ("content_sha256", optional(body.as_deref())),
            ("fields", fields(&request.fields)),
            ("meta", operation.meta.clone().map_or(Value::Null, Value::Object)),
        ]))
    }

    /// Takes a record that somebody else wrote down, such as a service's answer. `None` where a member is missing, is one
    /// too many or has another type.
    pub fn from_json(value: Value) -> Option<Self> {
        const TEXTS: [&str; 8] = ["issuer", "user", "purpose", "holder", "service", "type", "resource", "action"];
        const OPTIONAL: [&str; 8] =
            ["grant", "conversation", "authority", "method", "path", "query", "tool", "content_sha256"];
        const OBJECTS: [&str; 3] = ["args", "fields", "meta"];
        let object = value.as_object()?;
        let texts = TEXTS.iter().all(|name| object.member(name).is_some_and(|value| value.as_str().is_some()));
        let optional = OPTIONAL.iter().all(|name| matches!(object.member(name), Some(Value::Null | Value::Str(_))));
        let objects = OBJECTS.iter().all(|name| matches!(object.member(name), Some(Value::Null | Value::Object(_))));
        let fields = object.member("fields").and_then(Value::as_object);
        let fields = fields.is_none_or(|fields| fields.iter().all(|(_, value)| value.as_str().is_some()));
        let agents = matches!(object.member("agents"), Some(Value::Array(agents)) if agents.iter().all(is_agent));
        let all = TEXTS.len().saturating_add(OPTIONAL.len()).saturating_add(OBJECTS.len()).saturating_add(1);
        (texts && optional && objects && fields && agents && object.len() == all).then_some(Self(value))
    }

    /// Its members, in the order of the specification.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.as_object().into_iter().flat_map(|object| object.iter())
    }

    /// A member by its name.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.0.as_object()?.member(name)
    }

    /// The canonical JSON that is hashed.
    pub fn to_jcs(&self) -> String {
        self.0.to_jcs()
    }

    /// The digest.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(DOMAIN).chain_update(self.to_jcs()).finalize().into()
    }
}

/// Fields whose value an approver has no business with.
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// Whether a covered component is one of the other fields of a request, which an approver signs.
pub(crate) fn is_other_field(name: &str, token_field: &str) -> bool {
    let transport = is_transport_field(name) && name != "content-type";
    !name.starts_with('@') && !transport && name != token_field && name != "countersign-approval"
}

fn agent(agent: Agent<'_>) -> Value {
    Value::object([("key_id", Value::from(agent.key.id().to_string().as_str())), ("name", Value::from(agent.name))])
}

fn is_agent(value: &Value) -> bool {
    let texts = |object: &Object| {
        ["key_id", "name"].iter().all(|name| object.member(name).is_some_and(|text| text.as_str().is_some()))
    };
    value.as_object().is_some_and(|object| object.len() == 2 && texts(object))
}

fn fields(fields: &[(String, String)]) -> Value {
    if fields.is_empty() {
        return Value::Null;
    }
    let shown = |name: &str, value: &str| {
        let hidden = CREDENTIALS.contains(&name);
        Value::Str(if hidden { to_hex(&Sha256::digest(value)) } else { value.to_owned() })
    };
    Value::object(fields.iter().map(|(name, value)| (name.as_str(), shown(name, value))))
}
