//! Completion scripts and manual pages: all of them there, and accepted by the programs that read them.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::Shell;

/// The subcommands, from the command's own help.
fn subcommands(shell: &Shell) -> Vec<String> {
    let help = shell.run(&["--help"]);
    let listed = help.ok().split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<String> = names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect();
    assert!(names.contains(&"verify".to_owned()) && names.contains(&"doctor".to_owned()), "{names:?}");
    names
}

/// Whether a program is there; a line says where it is not.
fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        println!("not run: {program} is not installed");
    }
    there
}

#[test]
fn scripts_name_every_subcommand_and_bash_accepts_its_own() {
    let shell = Shell::new();
    let names = subcommands(&shell);
    for (name, mark) in [("bash", "complete -F"), ("zsh", "#compdef countersign"), ("fish", "complete -c countersign")]
    {
        let script = shell.run(&["completions", name]);
        assert!(script.ok().contains(mark), "{name}");
        for subcommand in &names {
            assert!(script.text().contains(subcommand.as_str()), "{name}: {subcommand}");
        }
        assert!(script.text().contains("--issuer-key") || script.text().contains("issuer-key"), "{name}");
    }
    for name in ["elvish", "powershell"] {
        assert!(shell.run(&["completions", name]).ok().contains("issuer-key"), "{name}");
    }
    if !has("bash") {
        return;
    }
    let script = shell.run(&["completions", "bash"]);
    shell.write("countersign.bash", script.ok());
    let parsed = Command::new("bash").arg("-n").arg(shell.path("countersign.bash")).output().unwrap();
    assert!(parsed.status.success() && parsed.stderr.is_empty(), "{}", String::from_utf8_lossy(&parsed.stderr));
    // And it completes: the words that the script itself gives for `countersign insp`.
    let ask = "source ./countersign.bash; COMP_WORDS=(countersign insp); COMP_CWORD=1; \
               _countersign countersign insp countersign; echo \"${COMPREPLY[@]}\"";
    let asked = Command::new("bash").args(["--norc", "-c", ask]).current_dir(shell.path(".")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "inspect", "{}", String::from_utf8_lossy(&asked.stderr));
}

#[test]
fn there_is_a_page_for_the_command_and_for_each_subcommand() {
    let shell = Shell::new();
    let names = subcommands(&shell);
    assert_eq!(shell.run(&["man", "--out", "share/man1"]).ok(), "");
    // Again: pages of an earlier version are overwritten.
    shell.run(&["man", "--out", "share/man1"]).ok();
    let mut pages: Vec<String> = fs::read_dir(shell.path("share/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert!(pages.contains(&"countersign.1".to_owned()), "{pages:?}");
    assert!(pages.contains(&"countersign-vectors-run.1".to_owned()), "{pages:?}");
    for name in &names {
        assert!(pages.contains(&format!("countersign-{name}.1")), "{name}: {pages:?}");
    }
    let groff = has("groff");
    for page in &pages {
        let text = String::from_utf8(shell.read(&format!("share/man1/{page}"))).unwrap();
        for part in [".TH countersign", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(text.contains(part), "{page}: {part}");
        }
        if groff {
            let path = shell.path(&format!("share/man1/{page}"));
            let set = Command::new("groff").args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"]).arg(path).output().unwrap();
            let complaints = String::from_utf8_lossy(&set.stderr).into_owned();
            assert!(set.status.success() && complaints.is_empty(), "{page}: {complaints}");
        }
    }
    let page = String::from_utf8(shell.read("share/man1/countersign-doctor.1")).unwrap();
    assert!(page.contains("countersign doctor verifier.toml request"), "{page}");
}

#[test]
fn misuse_is_named() {
    let shell = Shell::new();
    shell.write("file", "");
    for (args, named) in [
        (&["completions"][..], "SHELL"),
        (&["completions", "tcsh"], "tcsh"),
        (&["man"], "--out"),
        (&["man", "--out", "file"], "--out file"),
        (&["man", "--out", "file/below"], "--out file/below"),
    ] {
        let ran = shell.run(args);
        assert_eq!((ran.code, ran.text()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(named), "{args:?}: {}", ran.stderr);
    }
}
