//! The guard from outside: no program that was started under it outlives the program that started
//! it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_program_and_what_it_started_end_when_their_starter_is_gone() {
    // A shell's background process ignores SIGINT, so this also needs the harder way.
    let script = "sleep 600 & echo started; wait";
    let mut guard = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["guard", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(guard.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");

    drop(guard.stdin.take());
    // Each of the processes holds stdout open: it ends when the last of them is gone.
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || sender.send(stdout.read_to_end(&mut Vec::new()).is_ok()));
    assert_eq!(
        ended.recv_timeout(Duration::from_secs(30)),
        Ok(true),
        "something still runs"
    );
    assert!(guard.wait().unwrap().success());
}

#[test]
fn the_exit_status_of_the_program_is_handed_on() {
    let mut guard = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let mut guard = guard
        .args(["guard", "sh", "-c", "exit 7"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // Waiting for a child closes its stdin, which would end the program early.
    let stdin = guard.stdin.take();
    assert_eq!(guard.wait().unwrap().code(), Some(7));
    drop(stdin);
}

#[test]
fn the_command_alone_lists_what_there_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("\n  dev ") && text.contains("\n  test "),
        "{text}"
    );
}
