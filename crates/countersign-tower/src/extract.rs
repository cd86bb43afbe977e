//! Extractors of axum: who asks, for the operation that the handler is written for.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use countersign::{Class, verify};
use http::request::Parts;

use crate::audit::{AuditRecord, TraceId};
use crate::problem::Problem;
use crate::service::Admitted;

/// A kind of operation, named by a type so that a handler's signature says what it serves.
pub trait OperationType {
    /// RFC 9396 `type`.
    const TYPE: &'static str;
    /// RFC 9396 action.
    const ACTION: &'static str;
}

/// Who asks, in a handler that serves `Op` and nothing else.
///
/// The layer decided before. This makes sure that it decided about this operation: where the service's table maps the
/// route to another one, the handler is not reached.
pub struct Authorized<Op> {
    authorized: Arc<verify::Authorized>,
    operation: PhantomData<fn() -> Op>,
}

impl<Op> Deref for Authorized<Op> {
    type Target = verify::Authorized;

    fn deref(&self) -> &verify::Authorized {
        &self.authorized
    }
}

impl<Op> Clone for Authorized<Op> {
    fn clone(&self) -> Self {
        Self { authorized: Arc::clone(&self.authorized), operation: PhantomData }
    }
}

impl<Op> fmt::Debug for Authorized<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.authorized.fmt(f)
    }
}

impl<S: Sync, Op: OperationType> FromRequestParts<S> for Authorized<Op> {
    type Rejection = OperationRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, OperationRejection> {
        let admitted = admitted(parts)?;
        let operation = admitted.authorized.operation();
        if (operation.r#type(), operation.action()) != (Op::TYPE, Op::ACTION) {
            let at = (admitted.authorized.at(), admitted.trace, 0);
            let record = AuditRecord::undecided(at, "handler serves another operation than was allowed");
            admitted.shared.audit.record(&record);
            return Err(OperationRejection(Some(admitted.trace)));
        }
        Ok(Self { authorized: Arc::clone(&admitted.authorized), operation: PhantomData })
    }
}

/// Who asks, whatever the operation was. Only for handlers that look at it themselves.
#[derive(Clone, Debug)]
pub struct AnyOperation(Arc<verify::Authorized>);

impl Deref for AnyOperation {
    type Target = verify::Authorized;

    fn deref(&self) -> &verify::Authorized {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for AnyOperation {
    type Rejection = OperationRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, OperationRejection> {
        admitted(parts).map(|admitted| Self(Arc::clone(&admitted.authorized)))
    }
}

fn admitted(parts: &Parts) -> Result<&Admitted, OperationRejection> {
    parts.extensions.get().ok_or(OperationRejection(None))
}

/// The handler must not run: with 403 where another operation was allowed than the one it serves, with 500 where no
/// layer stands before it.
#[derive(Clone, Copy, Debug)]
pub struct OperationRejection(Option<TraceId>);

impl OperationRejection {
    /// Whether no [`crate::CountersignLayer`] stands before the handler.
    pub fn is_misconfiguration(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for OperationRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "no layer verified the request",
            Some(_) => "handler serves another operation than was allowed",
        })
    }
}

impl std::error::Error for OperationRejection {}

impl IntoResponse for OperationRejection {
    fn into_response(self) -> Response {
        match self.0 {
            None => Problem::misconfigured().into_response::<Body>(TraceId::random()),
            Some(trace) => Problem::of_class(Class::InsufficientAuthorization).into_response::<Body>(trace),
        }
    }
}
