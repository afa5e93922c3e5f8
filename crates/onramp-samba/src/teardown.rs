//! The command that removes a forest.

use std::path::Path;
use std::process::{Command, Stdio};

/// Returns the command that removes the forest once its standard input ends.
pub(super) fn teardown(id: &str, folder: &Path, record: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("sh");
    command.args(["-c", include_str!("teardown.sh"), "teardown", id]).arg(folder).arg(record);
    // A process group of its own, because a Ctrl-C at the terminal must not end it. No inherited output, because a
    // reader of the test's output must not have to wait for it.
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/").process_group(0);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}
