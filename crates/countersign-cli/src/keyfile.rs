//! Private keys at rest: PEM over the 48 bytes of RFC 8410 (`spec/token.md`, Forms).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use countersign::key::SigningKey;
use pkcs8::{LineEnding, SecretDocument};
use zeroize::Zeroizing;

use crate::{input, output};

const LABEL: &str = "PRIVATE KEY";

/// The PKCS#8 encoding in front of a seed: version 0, id-Ed25519, an OCTET STRING in an OCTET STRING.
const PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Reads a key file, and warns where others can read it too. `option` names it in complaints.
pub(crate) fn read(path: &Path, option: &str) -> anyhow::Result<SigningKey> {
    let named = || format!("{option} {}", path.display());
    let file = File::open(path).with_context(named)?;
    let shared = is_shared(&file);
    let bytes = input::limited(file, input::SMALL).with_context(named)?;
    let key = input::text(bytes).ok().and_then(|text| decode(&text));
    let key = key.ok_or_else(|| anyhow!("{}: not an Ed25519 private key in PKCS#8 PEM", named()))?;
    if shared {
        output::complain(&format!("{}: others than its owner can read this private key; chmod 600 ends that", named()));
    }
    Ok(key)
}

/// Whether the group or everybody may read a file. Asked of what was opened: the name may mean another file by now.
#[cfg(unix)]
fn is_shared(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|of| of.is_file() && of.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn is_shared(_: &File) -> bool {
    false
}

/// Writes a key file that only its owner can read, and only where there is none yet.
// spec: TK-50
pub(crate) fn create(path: &Path, key: &SigningKey, option: &str) -> anyhow::Result<()> {
    let pem = encode(key).ok_or_else(|| anyhow!("{option}: the key can't be encoded"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => anyhow!("{option} {}: the file exists and is not overwritten", path.display()),
        _ => anyhow::Error::new(error).context(format!("{option} {}", path.display())),
    })?;
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // Half a key is of no use, and would be in the way of the next try.
        let _ = fs::remove_file(path);
        anyhow::Error::new(error).context(format!("{option} {}", path.display()))
    })
}

fn encode(key: &SigningKey) -> Option<Zeroizing<String>> {
    let der = Zeroizing::new([PREFIX.as_slice(), key.dangerous_seed().as_slice()].concat());
    SecretDocument::try_from(der.as_slice()).ok()?.to_pem(LABEL, LineEnding::LF).ok()
}

fn decode(pem: &str) -> Option<SigningKey> {
    let (label, document) = SecretDocument::from_pem(pem).ok()?;
    let seed = document.as_bytes().strip_prefix(&PREFIX).filter(|_| label == LABEL)?;
    seed.try_into().ok().map(SigningKey::from_seed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
    use super::*;

    /// The example of `spec/token.md`.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEICOTOT8wBLlMZy+RekIPn+XmV7tOYj/E+N5pHnTiheiW\n\
        -----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "ed25519/fdc41de10baa719704180d6a788faad3cbe8e95698f3c6b19a1ca4aee57066f8";

    #[test]
    fn the_example_of_the_spec_reads_and_writes() {
        let key = decode(PEM).unwrap();
        assert_eq!(key.public().to_string(), PUBLIC);
        assert_eq!(*encode(&key).unwrap(), PEM);
        assert_eq!(decode(&PEM.replace('\n', "\r\n")).unwrap().public(), key.public());
    }

    #[test]
    fn other_forms_are_no_keys() {
        let other = |from: &str, to: &str| decode(&PEM.replace(from, to)).is_none();
        assert!(other("PRIVATE KEY", "PUBLIC KEY"));
        assert!(other("PRIVATE KEY", "EC PRIVATE KEY"));
        // X25519, another version, a seed that is too short.
        assert!(other("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vu"));
        assert!(other("MC4CAQAwBQ", "MC4CAQEwBQ"));
        assert!(other("heiW", "heg="));
        assert!(other("-----END PRIVATE KEY-----\n", ""));
    }
}
