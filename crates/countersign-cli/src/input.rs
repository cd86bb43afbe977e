//! Reading what the command is given: files, standard input, arguments; each with a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use countersign::time::UnixTime;
use countersign::token::{ErrorKind, OpenToken, SealedToken, TokenError, UnverifiedToken};
use zeroize::Zeroizing;

/// The greatest file that holds a token, a key or a configuration.
pub(crate) const SMALL: usize = 64 * 1024;

/// The greatest request message: more than the greatest body and head that services are likely to read.
pub(crate) const MESSAGE: usize = 34 * 1024 * 1024;

/// The whole of a file. `-` is standard input.
pub(crate) fn file_or_stdin(path: &Path, limit: usize) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    if path.as_os_str() == "-" { limited(io::stdin().lock(), limit) } else { file(path, limit) }
}

/// The whole of a file.
pub(crate) fn file(path: &Path, limit: usize) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    limited(File::open(path)?, limit)
}

/// Reads up to a limit, into a buffer that is wiped and, up to [`SMALL`], never moved: its old place would not be wiped.
pub(crate) fn limited(from: impl Read, limit: usize) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let most = limit.saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(most.min(SMALL.saturating_add(1))));
    from.take(most as u64).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        bail!("more than {} KiB", limit / 1024);
    }
    Ok(bytes)
}

/// Text of at most [`SMALL`] bytes.
pub(crate) fn text(bytes: Zeroizing<Vec<u8>>) -> anyhow::Result<Zeroizing<String>> {
    let text = core::str::from_utf8(&bytes).context("not UTF-8 text")?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The text of a token: an argument itself, `@FILE`, or `-` for standard input. `option` names it in complaints.
pub(crate) fn token_text(argument: &str, option: &str) -> anyhow::Result<Zeroizing<String>> {
    let bytes = match argument.strip_prefix('@') {
        Some(path) => file(Path::new(path), SMALL).with_context(|| format!("{option} @{path}"))?,
        None if argument == "-" => limited(io::stdin().lock(), SMALL).with_context(|| format!("{option} -"))?,
        None => Zeroizing::new(argument.as_bytes().to_vec()),
    };
    let text = text(bytes).with_context(|| option.to_owned())?;
    let trimmed = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Zeroizing::new(trimmed.strip_suffix('\r').unwrap_or(trimmed).to_owned()))
}

/// A token, open or sealed.
pub(crate) fn token(argument: &str, option: &str) -> anyhow::Result<UnverifiedToken> {
    let text = token_text(argument, option)?;
    UnverifiedToken::from_text(&text).map_err(|error| {
        let hint = if argument.starts_with('@') || argument == "-" { "" } else { " (a file is given as @FILE)" };
        anyhow::anyhow!("{option}: {error}{hint}")
    })
}

/// A token in the form that travels; an open one is sealed.
pub(crate) fn sealed_token(argument: &str, option: &str) -> anyhow::Result<SealedToken> {
    let token = token(argument, option)?;
    let sealed = if token.is_sealed() { token.into_sealed() } else { token.into_open().and_then(|open| open.seal()) };
    sealed.map_err(|error| refused(&error, option))
}

/// A token that can be narrowed, handed on and sealed.
pub(crate) fn open_token(argument: &str) -> anyhow::Result<OpenToken> {
    token(argument, "TOKEN")?.into_open().map_err(|error| refused(&error, "TOKEN"))
}

/// Why an operation on a token was refused, named after what was given.
pub(crate) fn refused(error: &TokenError, option: &str) -> anyhow::Error {
    match error.kind() {
        ErrorKind::Decode(error) => anyhow::anyhow!("{option}: what would come out is no token: {error}"),
        ErrorKind::Sealed => anyhow::anyhow!("{option}: the token is sealed; only an open one can be changed"),
        _ => anyhow::anyhow!("{option}: {error}"),
    }
}

/// The present: `--now`, or the system's clock.
pub(crate) fn now(given: Option<UnixTime>) -> anyhow::Result<UnixTime> {
    match given {
        Some(now) => Ok(now),
        None => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the system's clock is before 1970")?;
            Ok(UnixTime(since.as_secs()))
        }
    }
}

/// Fresh randomness.
pub(crate) fn random<const N: usize>() -> anyhow::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    Ok(bytes)
}
