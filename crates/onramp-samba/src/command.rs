//! Programs that run with a time limit, and whose errors hold their output.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ForestError;

/// The search path of programs. A fixed one, because the PATH of this process may lack `sbin`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program that runs to its end or to a time limit.
#[derive(Debug)]
pub(super) struct Run {
    command: Command,
    program: String,
    doing: String,
}

impl Run {
    /// Prepares a program that runs directly on this machine and is ended after `seconds`.
    pub(super) fn here(seconds: u32, doing: impl Into<String>, program: &str) -> Self {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", &seconds.to_string(), program]);
        Self::new(command, program, doing)
    }

    /// Prepares a program that runs in the namespaces of a controller, with its resolver and host name, and is ended
    /// after `seconds`.
    pub(super) fn inside(host: &Host, seconds: u32, doing: impl Into<String>, program: &str) -> Self {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", &seconds.to_string()]).args(host.enter()).arg(program);
        command.env("KRB5_CONFIG", &host.krb5_config);
        Self::new(command, program, doing)
    }

    fn new(mut command: Command, program: &str, doing: impl Into<String>) -> Self {
        command.env("PATH", PATH).env("LC_ALL", "C.UTF-8").current_dir("/");
        Self { command, program: program.to_owned(), doing: doing.into() }
    }

    pub(super) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs the program and returns its standard output.
    pub(super) fn output(self) -> Result<String, ForestError> {
        self.output_of("")
    }

    /// Runs the program with `input` on its standard input and returns its standard output.
    pub(super) fn output_of(mut self, input: &str) -> Result<String, ForestError> {
        let io = || ForestError::io(format!("running {} ({})", self.program, self.doing));
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(io())?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // Written on another thread while the output is read, so that neither side can block the other with a full
            // pipe. A program that ends without reading everything is judged by its exit code.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
            child.wait_with_output()
        })
        .map_err(io())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let mut said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.code() == Some(124) {
            said.push_str(" (ended: it took too long)");
        }
        Err(ForestError::Program {
            program: self.program,
            doing: self.doing,
            code: output.status.code(),
            output: said,
        })
    }
}

/// The environment of a controller's programs: namespace, folder and configuration.
#[derive(Debug, Clone)]
pub(super) struct Host {
    /// The short name, such as `dc1`.
    pub(super) name: String,
    /// The full DNS name, such as `dc1.corp.example.com`.
    pub(super) fqdn: String,
    /// The name of the network namespace.
    pub(super) namespace: String,
    /// The folder of the controller, with `resolv.conf`, `hosts`, `run`, `tls` and `samba`.
    pub(super) folder: std::path::PathBuf,
    /// The forest's Kerberos configuration.
    pub(super) krb5_config: std::path::PathBuf,
}

impl Host {
    /// Returns the words before a program's name that run it in the namespaces of this host.
    fn enter(&self) -> Vec<&OsStr> {
        let words: [&OsStr; 11] = [
            "ip".as_ref(),
            "netns".as_ref(),
            "exec".as_ref(),
            self.namespace.as_ref(),
            "unshare".as_ref(),
            "--uts".as_ref(),
            "--mount".as_ref(),
            "sh".as_ref(),
            "-euc".as_ref(),
            include_str!("inside.sh").as_ref(),
            "inside".as_ref(),
        ];
        words.into_iter().chain([self.name.as_ref(), self.folder.as_os_str()]).collect()
    }

    /// Returns the command of a long-running program of this host, which appends its output to `log`. It has a process
    /// group of its own, so that a Ctrl-C at the terminal reaches the test only.
    pub(super) fn daemon(&self, program: &str, log: &Path) -> Result<Command, ForestError> {
        use std::os::unix::process::CommandExt;
        let doing = || ForestError::io(format!("opening {}", log.display()));
        let out = std::fs::File::options().create(true).append(true).open(log).map_err(doing())?;
        let copy = out.try_clone().map_err(doing())?;
        let words = self.enter();
        let (first, rest) =
            words.split_first().map_or((OsStr::new("ip"), &[][..]), |(first, rest)| (*first, rest));
        let mut command = Command::new(first);
        command.args(rest).arg(program).stdin(Stdio::null()).stdout(out).stderr(copy);
        command.env("PATH", PATH).env("KRB5_CONFIG", &self.krb5_config).current_dir("/").process_group(0);
        Ok(command)
    }
}
