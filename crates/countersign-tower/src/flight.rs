//! Bodies that are being read, one of each signature (`spec/request.md`, RQ-51).

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign::key::KeyId;
use countersign::verify::NonceEntry;

/// A holder and its nonce.
type Pair = (KeyId, Vec<u8>);

/// The signatures whose bodies are being read.
///
/// A nonce is used up when its body is there (VF-22), so until then anybody who saw a request's head could have the body
/// of it read again and again, in the share of whoever signed it.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashSet<Pair>>);

impl Flights {
    fn all(&self) -> MutexGuard<'_, HashSet<Pair>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of the request with this nonce is going to be read; `None` where another's is.
    pub(crate) fn begin(&self, entry: &NonceEntry) -> Option<Flight<'_>> {
        let pair = (entry.holder, entry.nonce.clone());
        let first = self.all().insert(pair.clone());
        // Made only then: dropped, it would take the other's entry away.
        first.then(|| Flight { flights: self, pair })
    }
}

/// A body is being read until this is dropped.
#[derive(Debug)]
pub(crate) struct Flight<'f> {
    flights: &'f Flights,
    pair: Pair,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.all().remove(&self.pair);
    }
}
