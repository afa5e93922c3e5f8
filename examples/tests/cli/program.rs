//! A program in a process of its own, and how it ended.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than any run takes; a program that hangs is ended then.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks at what a program has done so far.
const LOOK: Duration = Duration::from_millis(20);

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    id: Pid,
    ended: Receiver<Output>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// All it said, on both streams.
    pub(crate) said: String,
}

impl Program {
    /// Starts a program without a terminal and without input.
    pub(crate) fn start(program: &str, arguments: &[&str], folder: &Path) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let id = Pid::from_raw(child.id().try_into().unwrap());
        let (tell, ended) = channel();
        std::thread::spawn(move || tell.send(child.wait_with_output().unwrap()));
        Self { id, ended }
    }

    /// Waits until something is so; the program must still be running then.
    pub(crate) fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let mut looks = 0;
        while !is_so() {
            match self.ended.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => {}
                other => panic!("the program ended before {what}: {other:?}"),
            }
            looks += 1;
            assert!(LOOK * looks < PATIENCE, "waited in vain until {what}");
        }
    }

    /// Presses Ctrl-C, once the program minds it.
    pub(crate) fn interrupt(&self) {
        let minds = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
            mask & (1 << (Signal::SIGINT as u32 - 1)) != 0
        };
        self.wait_until("it minds Ctrl-C", minds);
        kill(self.id, Signal::SIGINT).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ended {
        let Ok(output) = self.ended.recv_timeout(PATIENCE) else {
            kill(self.id, Signal::SIGKILL).unwrap();
            panic!("it hangs; so far: {:?}", self.ended.recv_timeout(PATIENCE));
        };
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        Ended { code: output.status.code(), said }
    }
}

impl Ended {
    /// Checks the exit code.
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.said);
        self
    }

    /// Checks that all of these were said.
    pub(crate) fn saying(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.said.contains(word), "“{word}” is missing in:\n{}", self.said);
        }
        self
    }

    /// What it wants to be accepted, as arguments.
    pub(crate) fn wanted_flags(&self) -> Vec<String> {
        let line = self.said.lines().find_map(|line| line.split_once("To accept: "));
        line.expect(&self.said).1.split_whitespace().map(str::to_owned).collect()
    }
}
