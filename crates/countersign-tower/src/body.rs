//! The body: read once, hashed as it comes, handed on only when it is the signed one (`spec/request.md`, Body).

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::{fmt, io};

use bytes::{Buf as _, Bytes, BytesMut};
use countersign::Denial;
use countersign::key::KeyId;
use countersign::request::BodyLength;
use countersign::verify::{NonceClaim, Proven};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

use crate::spool::{Reader, Spool, Spools, Unheld};

/// A body whose digest was signed, or none: all of it was there and matched before the first byte is given out.
///
/// A short one is held in memory, a long one in a file without a name; see
/// [`crate::LayerBuilder::body_memory`]. It is read once, as a [`Body`] or by [`VerifiedBody::into_bytes`].
#[derive(Default)]
pub struct VerifiedBody(Holder);

// How much, and not what.
impl fmt::Debug for VerifiedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedBody").field("len", &self.len()).finish_non_exhaustive()
    }
}

enum Holder {
    Memory(Bytes),
    File(Reader),
}

impl Default for Holder {
    fn default() -> Self {
        Self::Memory(Bytes::new())
    }
}

impl VerifiedBody {
    /// What was not read yet, where it is held in memory; `None` where it is held in a file.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Holder::Memory(bytes) => Some(bytes),
            Holder::File(_) => None,
        }
    }

    /// How much was not read yet, in bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Holder::Memory(bytes) => bytes.len() as u64,
            Holder::File(reader) => reader.left(),
        }
    }

    /// Whether there is nothing to read, or nothing more.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that was not read yet, in memory. What is held there is given without a copy.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::FileTooLarge`] where it is longer than `limit` bytes, before anything is read; what the file system
    /// says where it is held in a file.
    pub async fn into_bytes(mut self, limit: usize) -> io::Result<Bytes> {
        let length = usize::try_from(self.len()).ok().filter(|length| *length <= limit);
        let length = length.ok_or(io::ErrorKind::FileTooLarge)?;
        if let Holder::Memory(bytes) = self.0 {
            return Ok(bytes);
        }
        let mut all = BytesMut::with_capacity(length);
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data() {
                all.extend_from_slice(&data);
            }
        }
        Ok(all.freeze())
    }
}

impl VerifiedBody {
    /// The same body, held in memory.
    pub(crate) async fn into_memory(self) -> io::Result<Self> {
        match self.0 {
            Holder::Memory(_) => Ok(self),
            Holder::File(_) => self.into_bytes(usize::MAX).await.map(|bytes| Self(Holder::Memory(bytes))),
        }
    }
}

impl Body for VerifiedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.0 {
            Holder::Memory(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Holder::File(reader) => reader.poll_next(cx).map(|next| next.map(|data| data.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}

/// Why there is no body to go on with.
pub(crate) enum Unread {
    /// Stage 9 refused it.
    Denied(Denial),
    /// It broke off, or was not as long as announced: no message, so no decision.
    Broken,
}

/// Stage 9, frame by frame. At most `limit` bytes are taken, and of these at most the spools' share and one frame held in
/// memory.
// spec: RQ-51
pub(crate) async fn read<B: Body>(
    proven: Proven,
    body: B,
    announced: BodyLength,
    limit: u64,
    spools: &Spools,
) -> Result<(NonceClaim, VerifiedBody), Unread> {
    let mut body = pin!(body);
    let mut hasher = proven.hasher();
    // All later holders count with the first: those are as many as that one likes.
    let claims = proven.chain().claims();
    let agent = claims.agents().next().map_or(claims.holder(), |agent| agent.key).id();
    let (mut held, mut spool, mut length) = (Held::default(), None::<Spool>, 0_u64);
    while let Some(frame) = body.frame().await.transpose().map_err(|_| Unread::Broken)? {
        match frame.into_data() {
            Ok(mut data) => {
                length = length.saturating_add(data.remaining() as u64);
                if length > limit {
                    return Err(Unread::Denied(proven.too_large()));
                }
                let data = data.copy_to_bytes(data.remaining());
                hasher.update(&data);
                held.push(data);
                // What is in a file stays there: a body goes to one as soon as it is over its share of memory.
                if held.len() > spools.memory() {
                    let full = std::mem::take(&mut held).into_bytes();
                    spool = match spools.append(agent, spool.take(), full).await {
                        Ok(spool) => Some(spool),
                        Err(error) => return Err(Unread::Denied(proven.unheld(error.detail()))),
                    };
                }
            }
            Err(frame) => {
                // spec: RQ-53
                if frame.trailers_ref().is_some_and(|trailers| !trailers.is_empty()) {
                    return Err(Unread::Denied(proven.trailers()));
                }
            }
        }
    }
    if let BodyLength::Known(announced) = announced
        && announced != length
    {
        return Err(Unread::Broken);
    }
    let rest = held.into_bytes();
    let holder = match spool {
        None => Ok(Holder::Memory(rest)),
        Some(spool) => finished(spools, agent, spool, rest).await,
    };
    let holder = match holder {
        Ok(holder) => holder,
        Err(error) => return Err(Unread::Denied(proven.unheld(error.detail()))),
    };
    let claim = proven.body(hasher.finish()).map_err(Unread::Denied)?;
    Ok((claim, VerifiedBody(holder)))
}

async fn finished(spools: &Spools, agent: KeyId, mut spool: Spool, rest: Bytes) -> Result<Holder, Unheld> {
    if !rest.is_empty() {
        spool = spools.append(agent, Some(spool), rest).await?;
    }
    spool.rewound().await.map(Holder::File)
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
