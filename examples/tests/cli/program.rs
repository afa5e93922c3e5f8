//! Runs a program in a process of its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The time limit of a program, longer than any run takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause between two checks of a program.
const LOOK: Duration = Duration::from_millis(20);

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    id: Pid,
    said: PathBuf,
    ended: Receiver<ExitStatus>,
    keyboard: Option<File>,
}

/// The result of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` if a signal ended the program.
    pub(crate) code: Option<i32>,
    /// The output on both streams.
    pub(crate) said: String,
}

impl Program {
    /// Starts a program without a terminal and without input, with its output in a file in the folder.
    pub(crate) fn start(program: &str, arguments: &[&str], folder: &Path) -> Self {
        Self::start_with(program, arguments, folder, &[])
    }

    /// The same with environment variables beside those of the test.
    pub(crate) fn start_with(
        program: &str,
        arguments: &[&str],
        folder: &Path,
        variables: &[(&str, &str)],
    ) -> Self {
        let said = folder.join("said.txt");
        let out = File::create(&said).unwrap();
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .envs(variables.iter().copied())
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

    /// Starts a program at a terminal, on which [`Self::answer`] types.
    pub(crate) fn start_at_terminal(program: &str, arguments: &[&str], folder: &Path) -> Self {
        let terminal = openpty(None, None).unwrap();
        let side = || terminal.slave.try_clone().unwrap();
        let mut child = Command::new(program)
            .args(arguments)
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
            // Reading ends with an error once the other side of the terminal is closed.
            let _ = std::io::copy(&mut screen, &mut file);
            tell.send(child.wait().unwrap())
        });
        Self { id, said, ended, keyboard: Some(keyboard) }
    }

    /// Types a text once the program has asked this many times.
    pub(crate) fn answer(&mut self, times: usize, typed: &str) {
        self.wait_until("it asks", || self.said().matches("Type yes: ").count() >= times);
        self.keyboard.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
    }

    /// Returns the output so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.said).unwrap()).into_owned()
    }

    /// Waits until a condition is true, while the program is running.
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

    /// Sends the signal of Ctrl-C once the program handles it.
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

    /// Kills the program, if it still runs.
    pub(crate) fn kill(&self) {
        match kill(self.id, Signal::SIGKILL) {
            Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for the end of the program; kills it after the time limit.
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

    /// Checks that the output contains all of these texts.
    pub(crate) fn saying(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.said.contains(word), "“{word}” is missing in:\n{}", self.said);
        }
        self
    }

    /// Returns the arguments that the program asks for to accept consequences.
    pub(crate) fn wanted_flags(&self) -> Vec<String> {
        let line = self.said.lines().find_map(|line| line.split_once("To accept: "));
        line.expect(&self.said).1.split_whitespace().map(str::to_owned).collect()
    }
}
