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
    let (mut lines, body) = opened(message);
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

/// The lines of a head, and all behind the last of them.
fn opened(message: &[u8]) -> (Vec<String>, &[u8]) {
    let end = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(message.len());
    let (head, rest) = message.split_at(end);
    (String::from_utf8_lossy(head).split("\r\n").map(str::to_owned).collect(), rest)
}

/// Changes a valid request as servers in between may: it has to be allowed still.
pub fn harmless(u: &mut Unstructured<'_>, message: &[u8]) -> Result<Vec<u8>> {
    let (mut lines, rest) = opened(message);
    let mut rest = rest.to_vec();
    if lines.len() < 2 {
        return Ok(message.to_vec());
    }
    for _ in 0..u.int_in_range(0..=4)? {
        let at = u.int_in_range(1..=lines.len() - 1)?;
        let (name, value) = lines[at].split_once(':').unwrap_or_default();
        let (name, value) = (name.to_owned(), value.trim().to_owned());
        match u.int_in_range(0..=5)? {
            0 => lines[at] = format!("{}: {value}", name.to_ascii_uppercase()),
            1 => {
                lines[at] = format!("{name}:{}{value}{}", u.choose(&["", " ", "\t \t"])?, u.choose(&["", " ", " \t"])?)
            }
            2 => {
                let to = u.int_in_range(1..=lines.len() - 1)?;
                lines.swap(at, to);
            }
            3 => rechunk(u, &mut rest)?,
            _ => {
                let lines_of_others =
                    ["Accept: */*", "X-Request-Id: 1", "Via: 1.1 x", "Forwarded: for=x", "X-Other: 1", "cookie: a=b"];
                lines.insert(at, (*u.choose(&lines_of_others)?).to_owned());
            }
        }
    }
    Ok([lines.join("\r\n").as_bytes(), &rest].concat())
}

/// Makes two chunks of the first, where there are some.
fn rechunk(u: &mut Unstructured<'_>, rest: &mut Vec<u8>) -> Result<()> {
    let text = String::from_utf8_lossy(rest).into_owned();
    let Some((size, data)) = text.strip_prefix("\r\n\r\n").and_then(|text| text.split_once("\r\n")) else {
        return Ok(());
    };
    let Ok(size) = usize::from_str_radix(size, 16) else { return Ok(()) };
    if size < 2 || !data.contains("\r\n0\r\n") {
        return Ok(());
    }
    let first = u.int_in_range(1..=size - 1)?;
    // Where it is no chunk, there are not as many bytes, or not whole characters.
    let Some((one, other)) = data.split_at_checked(first) else { return Ok(()) };
    *rest = format!("\r\n\r\n{first:03X}\r\n{one}\r\n{:x}\r\n{other}", size - first).into_bytes();
    Ok(())
}

/// Puts pieces of another valid request into one: lines, halves of lines, the first line, the body.
pub fn splice(u: &mut Unstructured<'_>, message: &[u8], other: &[u8]) -> Result<Vec<u8>> {
    let (mut lines, mut rest) = opened(message);
    let (others, other_rest) = opened(other);
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    for _ in 0..u.int_in_range(1..=3)? {
        let (at, from) = (u.choose_index(lines.len())?, u.choose_index(others.len())?);
        let same = others.iter().position(|line| name(line) == name(&lines[at]));
        match u.int_in_range(0..=6)? {
            0 | 1 => lines[at].clone_from(&others[same.unwrap_or(from)]),
            2 => lines[0].clone_from(&others[0]),
            3 => rest = other_rest,
            4 => lines.push(others[from].clone()),
            5 => lines[at] = format!("{}:{}", name(&lines[at]), others[from].split_once(':').unwrap_or_default().1),
            _ => {
                let (head, tail) = (lines[at].clone(), &others[same.unwrap_or(from)]);
                let (upto, begin) = (u.choose_index(head.len().max(1))?, u.choose_index(tail.len().max(1))?);
                lines[at] = [head.get(..upto).unwrap_or(&head), tail.get(begin..).unwrap_or_default()].concat();
            }
        }
    }
    Ok([lines.join("\r\n").as_bytes(), rest].concat())
}

/// Changes the body and, where it is told, its length with it.
pub fn body(u: &mut Unstructured<'_>, message: &[u8]) -> Result<Vec<u8>> {
    let (mut lines, rest) = opened(message);
    let mut body = rest.strip_prefix(b"\r\n\r\n").unwrap_or(rest).to_vec();
    if body.is_empty() {
        body.push(u.arbitrary()?);
    }
    bytes(u, &mut body)?;
    for line in lines.iter_mut().filter(|line| line.starts_with("content-length:")) {
        *line = format!("content-length: {}", body.len());
    }
    Ok([lines.join("\r\n").as_bytes(), b"\r\n\r\n", &body].concat())
}
