//! A program in a process of its own, and how it ended.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than any run takes; a program that hangs is ended then.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at what a program has done so far.
const LOOK: Duration = Duration::from_millis(20);

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    id: Pid,
    said: PathBuf,
    ended: Receiver<ExitStatus>,
    keyboard: Option<File>,
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
    /// Starts a program without a terminal and without input, in a folder in which it leaves what it says.
    pub(crate) fn start(program: &str, arguments: &[&str], folder: &Path) -> Self {
        let said = folder.join("said.txt");
        let out = File::create(&said).unwrap();
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let id = Pid::from_raw(child.id().try_into().unwrap());
        let (tell, ended) = channel();
        std::thread::spawn(move || tell.send(child.wait().unwrap()));
        Self { id, said, ended, keyboard: None }
    }

    /// Starts a program at a terminal, at which [`Self::answer`] types.
    pub(crate) fn start_at_terminal(program: &str, folder: &Path) -> Self {
        let terminal = openpty(None, None).unwrap();
        let side = || terminal.slave.try_clone().unwrap();
        let mut child = Command::new(program)
            .current_dir(folder)
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        drop(terminal.slave);
        let keyboard = File::from(terminal.master);
        let (mut screen, said) = (keyboard.try_clone().unwrap(), folder.join("said.txt"));
        let mut file = File::create(&said).unwrap();
        let id = Pid::from_raw(child.id().try_into().unwrap());
        let (tell, ended) = channel();
        std::thread::spawn(move || {
            // Ends with an error once nobody holds the terminal's other side.
            let _ = std::io::copy(&mut screen, &mut file);
            tell.send(child.wait().unwrap())
        });
        Self { id, said, ended, keyboard: Some(keyboard) }
    }

    /// Types a line, or whatever it is, once it was asked so many times.
    pub(crate) fn answer(&mut self, times: usize, typed: &str) {
        self.wait_until("it asks", || self.said().matches("Type yes: ").count() >= times);
        self.keyboard.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
    }

    /// All it said so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.said).unwrap()).into_owned()
    }

    /// Waits until something is so; the program must still be running then.
    pub(crate) fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let mut looks = 0;
        while !is_so() {
            match self.ended.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => {}
                ended => panic!("it ended before {what}: {ended:?}\n{}", self.said()),
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
        self.send(Signal::SIGINT);
    }

    /// Sends a signal.
    pub(crate) fn send(&self, signal: Signal) {
        kill(self.id, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ended {
        let Ok(status) = self.ended.recv_timeout(PATIENCE) else {
            self.send(Signal::SIGKILL);
            panic!("it hangs; so far it said:\n{}", self.said());
        };
        Ended { code: status.code(), said: self.said() }
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
