//! The real binary in a folder of its own.

// Each test file is a crate of its own and uses a part of this.
#![expect(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by tests that each need a part and that fail by panicking"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The present of all runs that are given one.
pub(crate) const NOW: &str = "2026-11-23T17:00:00Z";

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as text, when the run was a success.
    pub(crate) fn ok(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", String::from_utf8_lossy(&self.stdout));
        self.text()
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.stdout).unwrap()
    }

    /// Standard output as one JSON value a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A folder in which the command runs.
pub(crate) struct Shell(TempDir);

impl Shell {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Runs the command at the system's time, with nothing on standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.feed(args, b"")
    }

    /// Runs the command at [`NOW`].
    pub(crate) fn at_now(&self, args: &[&str]) -> Ran {
        self.run(&[&["--now", NOW], args].concat())
    }

    /// Runs the command with bytes on standard input.
    pub(crate) fn feed(&self, args: &[&str], stdin: &[u8]) -> Ran {
        use std::io::Write as _;
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let bytes = stdin.to_vec();
        // A command that needs no input may end before it took any.
        let writer = std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let code = output.status.code().unwrap_or_else(|| panic!("killed: {args:?}"));
        Ran { code, stdout: output.stdout, stderr: String::from_utf8(output.stderr).unwrap() }
    }

    /// Makes a key in `NAME.pem`; its public key.
    pub(crate) fn keygen(&self, name: &str) -> String {
        let ran = self.run(&["keygen", "--out", &format!("{name}.pem")]);
        let printed: Value = serde_json::from_str(ran.ok()).unwrap();
        printed["public_key"].as_str().unwrap().to_owned()
    }

    /// Keys `hub`, `agent` and `sub`, a `token` for an hour that may be handed on twice, and `verifier.toml`.
    pub(crate) fn service() -> (Self, Keys) {
        let shell = Self::new();
        let keys = Keys { hub: shell.keygen("hub"), agent: shell.keygen("agent"), sub: shell.keygen("sub") };
        let agent = format!("calendar-bot={}", keys.agent);
        let token = shell.at_now(&[
            "mint",
            "--issuer-key",
            "hub.pem",
            "--issuer",
            "https://hub.example",
            "--user",
            "alice@example.com",
            "--agent",
            &agent,
            "--purpose",
            "scheduling",
            "--audience",
            "https://calendar.example.com",
            "--right",
            "http:/calendars/primary:GET",
            "--right",
            "http:/calendars/primary:POST",
            "--expires-in",
            "1h",
            "--depth",
            "2",
        ]);
        shell.write("token", token.ok());
        shell.write(
            "verifier.toml",
            format!(
                "audience = [\"https://calendar.example.com\"]\nauthorities = [\"calendar.example.com\"]\n\
                 [[issuers]]\nissuer = \"https://hub.example\"\nkeys = [\"{}\"]\n",
                keys.hub
            ),
        );
        (shell, keys)
    }
}

/// Public keys.
pub(crate) struct Keys {
    pub(crate) hub: String,
    pub(crate) agent: String,
    pub(crate) sub: String,
}
