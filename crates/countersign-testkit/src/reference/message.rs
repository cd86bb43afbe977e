//! An HTTP message as `test-vectors/README.md` reads it ("Reading the message").

/// A field line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// As received.
    pub(super) name: Vec<u8>,
    /// Without spaces and tabs at both ends.
    pub(super) value: Vec<u8>,
}

/// The input of a verifier of requests.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) method: Vec<u8>,
    pub(super) target: Vec<u8>,
    pub(super) lines: Vec<Line>,
    /// The pseudo-header.
    pub(super) authority: Option<Vec<u8>>,
    pub(super) body: Vec<u8>,
    /// Whether the body's length stands in the head.
    pub(super) announced: bool,
    /// Whether trailers came.
    pub(super) trailers: bool,
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Takes the chunks of a body apart; what they hold, and whether trailers follow.
fn chunks(mut rest: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    loop {
        let end = find(rest, b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some((body, rest != b"\r\n"));
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

impl Message {
    /// Reads the bytes of a vector.
    ///
    /// # Panics
    ///
    /// When they are no message at all, which no vector is.
    pub(super) fn read(bytes: &[u8], authority: Option<&str>) -> Self {
        let end = find(bytes, b"\r\n\r\n").expect("an empty line");
        let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
        let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
        let mut at = 0;
        while at < head.len() {
            if head[at..].starts_with(b"\r\n") {
                if matches!(head.get(at + 2), Some(b' ' | b'\t')) {
                    lines.last_mut().unwrap().extend_from_slice(b"\r\n");
                } else {
                    lines.push(Vec::new());
                }
                at += 2;
            } else {
                lines.last_mut().unwrap().push(head[at]);
                at += 1;
            }
        }
        let start = lines.remove(0);
        let (first, last) = (
            start.iter().position(|byte| *byte == b' ').expect("a request line"),
            start.iter().rposition(|byte| *byte == b' ').unwrap(),
        );
        let lines = lines.into_iter().map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let value = line.get(colon + 1..).unwrap_or_default();
            Line { name: line[..colon].to_vec(), value: trim(value).to_vec() }
        });
        let mut message = Self {
            method: start[..first].to_vec(),
            target: start.get(first + 1..last).unwrap_or_default().to_vec(),
            lines: lines.collect(),
            authority: authority.map(|text| text.as_bytes().to_vec()),
            body: Vec::new(),
            announced: true,
            trailers: false,
        };
        // A message with both is refused at stage 1, and so is one whose length is no number.
        if let [length] = message.values("content-length")[..] {
            let length = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok()).unwrap_or(rest.len());
            message.body = rest[..length.min(rest.len())].to_vec();
        } else if message.has("transfer-encoding") {
            let (body, trailers) = chunks(rest).unwrap_or_default();
            (message.body, message.trailers, message.announced) = (body, trailers, false);
        }
        message
    }

    /// The values of the lines of a field, in order. Names are compared in lower case (RQ-8).
    pub(super) fn values(&self, name: &str) -> Vec<&[u8]> {
        let same = |line: &&Line| line.name.eq_ignore_ascii_case(name.as_bytes());
        self.lines.iter().filter(same).map(|line| line.value.as_slice()).collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.values(name).is_empty()
    }

    /// The value of a field: its lines, joined; nothing where it is absent.
    pub(super) fn value(&self, name: &str) -> Option<Vec<u8>> {
        let values = self.values(name);
        if values.is_empty() { None } else { Some(values.join(&b", "[..])) }
    }

    /// The target up to its first `?`.
    pub(super) fn path(&self) -> &[u8] {
        self.target.split(|byte| *byte == b'?').next().unwrap_or_default()
    }

    /// What follows the first `?` of the target.
    pub(super) fn query(&self) -> Option<&[u8]> {
        self.target.iter().position(|byte| *byte == b'?').map(|at| &self.target[at + 1..])
    }
}
