//! Bodies that are being read, one of each signature (`spec/request.md`, RQ-51).

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign::key::KeyId;
use countersign::request::{Parts, REQUEST_TAG, signature_claims};

/// A holder and its nonce, in the one text that it has.
type Signed = (KeyId, String);

/// The signatures whose bodies are being read.
///
/// A nonce is used up when its body is there (VF-22), so until then anybody who saw a request's head could have the body
/// of it read again and again, in the share of whoever signed it.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashSet<Signed>>);

impl Flights {
    fn all(&self) -> MutexGuard<'_, HashSet<Signed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of this request is going to be read; `None` where one with its nonce is.
    ///
    /// The request is verified up to stage 8, so it has one signature of ours, with a nonce. The label of that signature is
    /// anybody's to change.
    pub(crate) fn begin(&self, holder: KeyId, request: &Parts<'_>) -> Option<Flight<'_>> {
        let signatures = signature_claims(request).unwrap_or_default();
        let ours = signatures.into_iter().find(|signature| signature.tag.as_deref() == Some(REQUEST_TAG));
        let signed = (holder, ours.and_then(|ours| ours.nonce).unwrap_or_default());
        let first = self.all().insert(signed.clone());
        // Made only then: dropped, it would take the other's entry away.
        first.then(|| Flight { flights: self, signed })
    }
}

/// A body is being read until this is dropped.
#[derive(Debug)]
pub(crate) struct Flight<'f> {
    flights: &'f Flights,
    signed: Signed,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.all().remove(&self.signed);
    }
}
