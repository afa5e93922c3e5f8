//! What a process takes: time, the processor's time, memory.
//!
//! The kernel keeps the largest of a process's children only, so each measured process has a parent of its own.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::Result;

/// What one process took.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs)] // figures with names
pub struct Taken {
    /// From its start to its end.
    pub wall: Duration,
    /// In its own code and in the kernel on its behalf.
    pub cpu: Duration,
    /// The most resident memory it had, in KiB. What the meter itself has, some MiB, is the least that can be seen.
    pub peak_kib: u64,
}

/// Measures the command that a meter (a call of this program as one) runs: what was measured, and what it printed.
///
/// # Errors
/// If the measured program failed; with what it said.
pub fn measure(mut meter: Command) -> Result<(Taken, String)> {
    let output = meter.stdin(Stdio::null()).stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{meter:?} ended with {}: {said}", output.status).into());
    }
    let printed = String::from_utf8(output.stdout)?;
    let (before, last) = printed.trim_end().rsplit_once('\n').unwrap_or(("", printed.trim_end()));
    let figures = last.split(' ').map(str::parse).collect::<std::result::Result<Vec<u64>, _>>()?;
    let [wall, cpu, peak_kib] = figures.try_into().map_err(|_| format!("no figures: {last}"))?;
    let taken = Taken { wall: Duration::from_micros(wall), cpu: Duration::from_micros(cpu), peak_kib };
    Ok((taken, before.to_owned()))
}

/// Runs a program and prints, after what it prints, microseconds, microseconds of the processor, and KiB.
pub(crate) fn run(command: &[OsString]) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("nothing to measure")?;
    let start = Instant::now();
    let status = Command::new(program).args(arguments).status()?;
    let wall = start.elapsed();
    if !status.success() {
        return Err(format!("it ended with {status}").into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = duration(usage.user_time()) + duration(usage.system_time());
    println!("{} {} {}", wall.as_micros(), cpu.as_micros(), usage.max_rss());
    Ok(())
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap_or_default())
}
