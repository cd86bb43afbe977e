//! The resource grammar and what a location covers (`spec/verify.md`, Stage 11).

/// A letter that stands for itself.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte)
}

/// A segment with its escapes decoded; nothing where it does not match the grammar.
fn decoded(segment: &[u8]) -> Option<(Vec<u8>, bool)> {
    let (mut bytes, mut needless) = (Vec::new(), false);
    let mut at = 0;
    while at < segment.len() {
        if segment[at] == b'%' {
            let digit = |place: usize| match segment.get(place)? {
                digit @ b'0'..=b'9' => Some(digit - b'0'),
                digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
                _ => None,
            };
            let byte = digit(at + 1)? << 4 | digit(at + 2)?;
            needless |= is_plain(byte);
            bytes.push(byte);
            at += 3;
        } else {
            if !is_plain(segment[at]) {
                return None;
            }
            bytes.push(segment[at]);
            at += 1;
        }
    }
    Some((bytes, needless))
}

/// The rules of VF-25 to VF-28 that a resource breaks.
pub(super) fn broken(resource: &[u8]) -> Vec<&'static str> {
    let path = resource.starts_with(b"/");
    let rest = if path { &resource[1..] } else { resource };
    let mut rules = Vec::new();
    let mut segments: Vec<&[u8]> = rest.split(|byte| *byte == b'/').collect();
    // `/` alone is a path without segments; else a slash at the end is no segment.
    if (path && rest.is_empty()) || (segments.len() > 1 && segments.last().is_some_and(|last| last.is_empty())) {
        segments.pop();
    }
    for segment in segments {
        // spec: VF-26
        if segment == b"." || segment == b".." {
            rules.push("VF-26");
        }
        // spec: VF-25
        let Some((bytes, needless)) = decoded(segment).filter(|_| !segment.is_empty()) else {
            rules.push("VF-25");
            continue;
        };
        // spec: VF-27
        if needless {
            rules.push("VF-27");
        }
        // spec: VF-28
        let plain = std::str::from_utf8(&bytes)
            .is_ok_and(|text| !text.chars().any(|it| it.is_control() || ['%', '/', '\\', ';'].contains(&it)));
        if !plain {
            rules.push("VF-28");
        }
    }
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// Whether a location covers a resource.
pub(super) fn covers(location: &[u8], resource: &[u8]) -> bool {
    if location.is_empty() {
        return false;
    }
    if location.ends_with(b"/") {
        return resource.starts_with(location);
    }
    resource == location || resource.starts_with(&[location, b"/"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_whole_segments_alone() {
        for (location, resource, expected) in [
            ("/project/docs", "/project/docs", true),
            ("/project/docs", "/project/docs/", true),
            ("/project/docs", "/project/docs/a.md", true),
            ("/project/docs", "/project/docs-old", false),
            ("/", "/x", true),
            ("", "/x", false),
        ] {
            assert_eq!(covers(location.as_bytes(), resource.as_bytes()), expected, "{location} {resource}");
        }
    }

    #[test]
    fn names_the_broken_rule() {
        for (resource, rules) in [
            ("/", vec![]),
            ("/a/b/", vec![]),
            ("a/b", vec![]),
            ("/%C3%BC", vec![]),
            ("", vec!["VF-25"]),
            ("//", vec!["VF-25"]),
            ("/a//b", vec!["VF-25"]),
            ("/a;b", vec!["VF-25"]),
            ("/..", vec!["VF-26"]),
            ("/%41", vec!["VF-27"]),
            ("/%2F", vec!["VF-28"]),
        ] {
            assert_eq!(broken(resource.as_bytes()), rules, "{resource}");
        }
    }
}
