//! Messages as lines: MCP over stdio.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;

use super::gate::{Gate, Received};

/// The longest line of a server that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 20;

/// Stands between a peer's lines and those of a server of MCP until either side ends: standard input and output, pipes of
/// a child process, sockets, `tokio::io::duplex`.
///
/// What the gate allows goes to the server, what it refuses is answered here. Of what the server writes, listings are
/// filtered, and lines that are no JSON, and answers that nobody waits for, are
/// left out. At its end, or when it is dropped, nothing waits for an answer any more ([`Gate::disconnected`]).
///
/// # Errors
///
/// What reading or writing gives. [`io::ErrorKind::InvalidData`] where the server writes a line of more than 64 MiB.
pub async fn guard_lines(
    gate: &Gate,
    peer: (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    server: (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let _connection = Connection(gate);
    let (to_peer, mut to_server) = (Mutex::new(peer.1), server.1);
    let (mut from_peer, mut from_server) = (BufReader::new(peer.0), BufReader::new(server.0));
    let inward = async {
        loop {
            match line(&mut from_peer, gate.max_message()).await? {
                Line::Text(text) => match gate.receive(&text).await {
                    Received::Forward(message) => write(&mut to_server, &message.to_string()).await?,
                    Received::Answer(message) => write(&mut *to_peer.lock().await, &message.to_string()).await?,
                    Received::Nothing => {}
                },
                Line::TooLong => gate.too_long(),
                Line::End => break,
            }
        }
        to_server.shutdown().await?;
        // The server may still have something to say.
        std::future::pending().await
    };
    let outward = async {
        loop {
            match line(&mut from_server, MAX_ANSWER).await? {
                Line::Text(text) => {
                    let Ok(mut message) = serde_json::from_slice::<Value>(&text) else { continue };
                    if gate.passes(&mut message) {
                        write(&mut *to_peer.lock().await, &message.to_string()).await?;
                    }
                }
                Line::TooLong => return Err(io::ErrorKind::InvalidData.into()),
                Line::End => return Ok(()),
            }
        }
    };
    tokio::select! {
        failed = inward => failed,
        ended = outward => ended,
    }
}

/// A connection to a gate's server, which ends with this.
struct Connection<'g>(&'g Gate);

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.0.disconnected();
    }
}

/// Signs what a client of MCP writes, until either side ends. The server's lines pass as they are.
///
/// A message that can't be signed is answered to the client with an error, and not sent.
///
/// # Errors
///
/// What reading or writing gives.
#[cfg(feature = "client")]
pub async fn sign_lines(
    signer: &crate::client::Signer,
    client: (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    server: (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
) -> io::Result<()> {
    use countersign::jsonrpc::Message;
    let (to_client, mut to_server) = (Mutex::new(client.1), server.1);
    let (mut from_client, mut from_server) = (BufReader::new(client.0), BufReader::new(server.0));
    let outward = async {
        loop {
            let Line::Text(text) = line(&mut from_client, MAX_ANSWER).await? else { break };
            let signed = match Message::parse(&text, MAX_ANSWER) {
                Ok(message) => signer.sign_message(message).await.ok(),
                Err(_) => None,
            };
            match signed {
                Some(message) => write(&mut to_server, &message.to_text()).await?,
                None => {
                    let Some(error) = unsigned(&text) else { continue };
                    write(&mut *to_client.lock().await, &error.to_string()).await?;
                }
            }
        }
        to_server.shutdown().await?;
        std::future::pending().await
    };
    let inward = async {
        loop {
            let Line::Text(text) = line(&mut from_server, MAX_ANSWER).await? else { return Ok(()) };
            write(&mut *to_client.lock().await, &text).await?;
        }
    };
    tokio::select! {
        failed = outward => failed,
        ended = inward => ended,
    }
}

/// The answer to a message that was not sent; nothing where nobody waits for one.
#[cfg(feature = "client")]
fn unsigned(text: &[u8]) -> Option<Value> {
    let message: Value = serde_json::from_slice(text).ok()?;
    let (id, _) = (message.get("id")?, message.get("method")?);
    let error = serde_json::json!({ "code": -32600, "message": "the message can't be signed" });
    Some(serde_json::json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

enum Line {
    Text(Vec<u8>),
    /// It was longer than allowed, and none of it is held.
    TooLong,
    End,
}

/// One line, without its end. Never holds more than `max` bytes of one.
// spec: JR-1
async fn line(reader: &mut (impl AsyncBufRead + Unpin), max: u64) -> io::Result<Line> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let (mut text, mut long) = (Vec::new(), false);
    loop {
        let buffer = reader.fill_buf().await?;
        if buffer.is_empty() {
            // A last line without an end is a line that broke off.
            return Ok(Line::End);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        // One byte more may be the CR before the end.
        long |= text.len().saturating_add(part.len()) > max.saturating_add(1);
        if long {
            text = Vec::new();
        } else {
            text.extend_from_slice(part);
        }
        let used = part.len().saturating_add(usize::from(end.is_some()));
        reader.consume(used);
        if end.is_some() {
            if text.last() == Some(&b'\r') {
                text.pop();
            }
            return Ok(if long || text.len() > max { Line::TooLong } else { Line::Text(text) });
        }
    }
}

async fn write(writer: &mut (impl AsyncWrite + Unpin), text: impl AsRef<[u8]>) -> io::Result<()> {
    writer.write_all(text.as_ref()).await?;
    writer.write_all(b"\n").await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn holds_no_more_of_a_line_than_allowed() -> io::Result<()> {
        let text = b"abcd\r\nabcde\nabcd\nabc\n\nab";
        let mut reader = BufReader::with_capacity(3, &text[..]);
        let mut read = Vec::new();
        loop {
            match line(&mut reader, 4).await? {
                Line::Text(text) => read.push(String::from_utf8_lossy(&text).into_owned()),
                Line::TooLong => read.push("too long".to_owned()),
                Line::End => break,
            }
        }
        assert_eq!(read, ["abcd", "too long", "abcd", "abc", ""]);
        Ok(())
    }
}
