//! base64 and base64url, digit by digit (`spec/README.md`, Conventions).

const PLAIN: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn decode(text: &[u8], alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    let mut bits = Vec::new();
    for letter in text {
        let digit = alphabet.iter().position(|known| known == letter)?;
        bits.extend((0..6).rev().map(|place| digit >> place & 1));
    }
    let (whole, unused) = bits.split_at(bits.len() / 8 * 8);
    // A length that leaves one digit over has six bits too many; all others have 0, 2 or 4, which are zero.
    if unused.len() == 6 || unused.contains(&1) {
        return None;
    }
    Some(whole.chunks(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | *bit as u8)).collect())
}

fn encode(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1)).collect();
    bits.chunks(6)
        .map(|digit| {
            let value = (0..6).fold(0, |sum, place| sum << 1 | digit.get(place).copied().unwrap_or(0));
            char::from(alphabet[usize::from(value)])
        })
        .collect()
}

/// The bytes of a base64url text, or nothing where the text is none.
pub(super) fn from_url(text: &[u8]) -> Option<Vec<u8>> {
    decode(text, URL)
}

/// Base64url.
pub(super) fn url(bytes: &[u8]) -> String {
    encode(bytes, URL)
}

/// The bytes of base64 with padding (RFC 4648 section 4).
pub(super) fn from_padded(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text);
    let bytes = decode(digits, PLAIN)?;
    (padded(&bytes).as_bytes() == text).then_some(bytes)
}

/// Base64 with padding.
pub(super) fn padded(bytes: &[u8]) -> String {
    let mut text = encode(bytes, PLAIN);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a public key's text form.
// spec: TK-49
pub(super) fn public_key(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("ed25519/")?;
    let lower = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    if digits.len() != 64 || !digits.bytes().all(lower) {
        return None;
    }
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("digits")).collect();
    Some(bytes.try_into().expect("64 digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_rfc_4648_and_nothing_else() {
        for (bytes, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg")] {
            assert_eq!(url(bytes.as_bytes()), text);
            assert_eq!(from_url(text.as_bytes()), Some(bytes.into()));
            assert_eq!(from_padded(padded(bytes.as_bytes()).as_bytes()), Some(bytes.into()));
        }
        for text in ["Z", "Zh", "Zg==", "Zm9", "Zm9vY", "Z+", "Zg\n"] {
            assert_eq!(from_url(text.as_bytes()), None, "{text}");
        }
        for text in ["Zg", "Zg=", "Zh==", "Zg===", "====", "Z==="] {
            assert_eq!(from_padded(text.as_bytes()), None, "{text}");
        }
    }
}
