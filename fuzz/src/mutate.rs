//! Small changes to valid bytes.

use arbitrary::{Result, Unstructured};

/// Changes `bytes` in one to four places.
pub fn bytes(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    for _ in 0..u.int_in_range(1..=4)? {
        if bytes.is_empty() {
            return Ok(());
        }
        let at = u.choose_index(bytes.len())?;
        match u.int_in_range(0..=6)? {
            0 | 1 => bytes[at] ^= 1 << u.int_in_range(0..=7)?,
            2 => bytes[at] = u.arbitrary()?,
            3 => bytes.insert(at, u.arbitrary()?),
            4 => drop(bytes.remove(at)),
            5 => bytes.truncate(at),
            _ => {
                let end = bytes.len().min(at + u.int_in_range(1..=64)?);
                let piece = bytes[at..end].to_vec();
                let to = u.choose_index(bytes.len())?;
                bytes.splice(to..to, piece);
            }
        }
    }
    Ok(())
}

fn other_case(u: &mut Unstructured<'_>, line: &mut str) -> Result<()> {
    let at = u.choose_index(line.len().max(1))?;
    if let Some(letter) = line.get_mut(at..at + 1) {
        let upper = letter.bytes().all(|byte| byte.is_ascii_uppercase());
        if upper { letter.make_ascii_lowercase() } else { letter.make_ascii_uppercase() }
    }
    Ok(())
}

/// Changes the lines of an HTTP message: names in another case, white space, lines twice, moved, removed or added.
pub fn lines(u: &mut Unstructured<'_>, message: &[u8]) -> Result<Vec<u8>> {
    let end = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(message.len());
    let (head, body) = message.split_at(end);
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
    for _ in 0..u.int_in_range(1..=3)? {
        let at = u.choose_index(lines.len())?;
        match u.int_in_range(0..=10)? {
            // One letter of the request line, or of any line, in the other case.
            9 => other_case(u, &mut lines[0])?,
            10 => other_case(u, &mut lines[at])?,
            0 => lines[at] = lines[at].to_ascii_lowercase(),
            1 => lines[at] = lines[at].to_ascii_uppercase(),
            2 => lines[at] = lines[at].replacen(':', ": \t ", 1),
            3 => lines[at].push(*u.choose(&[' ', '\t', ',', '\u{fc}', '\0', '?'])?),
            4 => lines.push(lines[at].clone()),
            5 if lines.len() > 1 => drop(lines.remove(at)),
            6 => {
                let to = u.choose_index(lines.len())?;
                lines.swap(at, to);
            }
            7 => {
                lines[at] = lines[at].replacen(
                    u.choose(&["calendar", "/", "=", " ", "GET", "POST"])?,
                    u.choose(&["", "x", "//", "%2F", "GET", "POST"])?,
                    1,
                )
            }
            _ => lines.push(
                u.choose(&[
                    "Host: calendar.example.com",
                    "X-Request-Id: 1",
                    "Accept: */*",
                    "Content-Length: 0",
                    "Content-Length: 1",
                    "Transfer-Encoding: chunked",
                    "Idempotency-Key: 1",
                    "Mcp-Session-Id: 1",
                    "Authorization: Bearer x",
                    "Signature: x=:AA==:",
                    "Signature-Input: x=()",
                    "Countersign-Token: AA",
                    "Trailer: x",
                    "X-Other: 1",
                ])?
                .to_string(),
            ),
        }
    }
    Ok([lines.join("\r\n").as_bytes(), body].concat())
}
