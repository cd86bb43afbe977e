//! The body: read once, hashed as it comes, handed on only when it is the signed one (`spec/request.md`, Body).

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes, BytesMut};
use countersign::Denial;
use countersign::request::BodyLength;
use countersign::verify::{NonceClaim, Proven};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// A body whose digest was signed, or none.
#[derive(Clone, Debug, Default)]
pub struct VerifiedBody(Bytes);

impl VerifiedBody {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// All of it.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// All of it, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Body for VerifiedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// Why there is no body to go on with.
pub(crate) enum Unread {
    /// Stage 9 refused it.
    Denied(Denial),
    /// It broke off, or was not as long as announced: no message, so no decision.
    Broken,
}

/// Stage 9, frame by frame. At most `limit` bytes are held.
pub(crate) async fn read<B: Body>(
    proven: Proven,
    body: B,
    announced: BodyLength,
    limit: u64,
) -> Result<(NonceClaim, Bytes), Unread> {
    let mut body = pin!(body);
    let mut hasher = proven.hasher();
    let mut held = Held::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Broken)?;
        match frame.into_data() {
            Ok(mut data) => {
                if (held.len() as u64).saturating_add(data.remaining() as u64) > limit {
                    return Err(Unread::Denied(proven.too_large()));
                }
                let data = data.copy_to_bytes(data.remaining());
                hasher.update(&data);
                held.push(data);
            }
            Err(frame) => {
                // spec: RQ-53
                if frame.trailers_ref().is_some_and(|trailers| !trailers.is_empty()) {
                    return Err(Unread::Denied(proven.trailers()));
                }
            }
        }
    }
    if let BodyLength::Known(length) = announced
        && length != held.len() as u64
    {
        return Err(Unread::Broken);
    }
    let claim = proven.body(hasher.finish()).map_err(Unread::Denied)?;
    Ok((claim, held.into_bytes()))
}

/// One frame is held as it came; only a second one is copied to it.
#[derive(Default)]
struct Held {
    first: Bytes,
    all: BytesMut,
}

impl Held {
    fn len(&self) -> usize {
        if self.all.is_empty() { self.first.len() } else { self.all.len() }
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&data);
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_frames_in_order() {
        let mut held = Held::default();
        for part in ["", "a", "", "bc", "d"] {
            held.push(Bytes::from_static(part.as_bytes()));
        }
        assert_eq!(held.len(), 4);
        assert_eq!(held.into_bytes(), "abcd");
    }
}
