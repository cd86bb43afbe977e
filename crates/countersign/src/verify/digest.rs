//! The operation's digest: what an approver signs (`spec/verify.md`, Operation digest).

use sha2::{Digest as _, Sha256};

use super::operation::Operation;
use super::stages::Request;
use crate::encoding::to_hex;
use crate::json::Value;
use crate::token::Claims;

const DOMAIN: &[u8] = b"countersign-operation-v1\0";

/// An operation as an approver sees it: every member of what is signed.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationRecord(Value);

impl OperationRecord {
    // spec: VF-44
    pub(crate) fn new(request: &Request, claims: Claims<'_>, operation: &Operation) -> Self {
        let text = |text: &str| Value::from(text);
        let optional = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let http = request.http.as_ref();
        let whole_body = operation.args.as_ref().is_some_and(|args| args.whole_body);
        let body = request.body.as_ref().filter(|body| body.len > 0 && !whole_body);
        let body = body.map(|body| to_hex(&body.sha256));
        Self(Value::object([
            ("issuer", text(claims.issuer())),
            ("user", text(claims.user())),
            ("purpose", text(claims.purpose())),
            ("holder", text(&claims.holder().id().to_string())),
            ("service", text(&request.service)),
            ("method", optional(http.map(|http| http.method.as_str()))),
            ("path", optional(http.map(|http| http.path.as_str()))),
            ("query", optional(http.and_then(|http| http.query.as_deref()))),
            ("type", text(&operation.r#type)),
            ("resource", text(&operation.resource)),
            ("action", text(&operation.action)),
            ("tool", optional(operation.tool.as_deref())),
            ("args", operation.args().map_or(Value::Null, |args| Value::Object(args.clone()))),
            ("content_sha256", optional(body.as_deref())),
        ]))
    }

    /// Takes a record that somebody else wrote down, such as a service's answer. `None` where a member is missing, is one
    /// too many or has another type.
    pub fn from_json(value: Value) -> Option<Self> {
        const TEXTS: [&str; 8] = ["issuer", "user", "purpose", "holder", "service", "type", "resource", "action"];
        const OPTIONAL: [&str; 5] = ["method", "path", "query", "tool", "content_sha256"];
        let object = value.as_object()?;
        let texts = TEXTS.iter().all(|name| object.member(name).is_some_and(|value| value.as_str().is_some()));
        let optional = OPTIONAL.iter().all(|name| matches!(object.member(name), Some(Value::Null | Value::Str(_))));
        let args = matches!(object.member("args"), Some(Value::Null | Value::Object(_)));
        let all = TEXTS.len().saturating_add(OPTIONAL.len()).saturating_add(1);
        (texts && optional && args && object.len() == all).then_some(Self(value))
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
