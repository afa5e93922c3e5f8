//! How the whole job grows with the directory: the `quickstart` program with few and with many people.
//!
//! One process is measured: the job, and beside it the lab's tenant and forest, which hold every person in memory
//! and answer over TLS. So the figures are an upper bound of what the job itself takes. No peer is run beside it,
//! because there is none: nothing else does the whole job.
//!
//! The peak of resident memory is the kernel's own (`ru_maxrss`), exact for each run: every run is started by a
//! process of its own, since the kernel keeps only the largest of a process's children.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Parser;
use nix::sys::resource::{UsageWho, getrusage};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Run quickstart with few and with many users, and print time and memory.
#[derive(Parser)]
struct Arguments {
    /// The quickstart program; the one beside this program if not given.
    quickstart: Option<PathBuf>,
    /// How many users, smallest first.
    #[arg(long, value_delimiter = ',', default_values_t = [500, 50_000])]
    users: Vec<u64>,
    /// Runs of each.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Run once with so many users and print seconds, CPU seconds and KiB; how this program calls itself.
    #[arg(long, hide = true)]
    once: Option<u64>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let quickstart = match arguments.quickstart {
        Some(path) => path,
        None => std::env::current_exe()?.with_file_name("quickstart"),
    };
    if !quickstart.is_file() {
        return Err(format!("there is no program {}; build it or give its path", quickstart.display()).into());
    }
    match arguments.once {
        Some(users) => println!("{}", run(&quickstart, users)?.line()),
        None => table(&quickstart, &arguments.users, arguments.rounds)?,
    }
    Ok(())
}

fn table(quickstart: &Path, sizes: &[u64], rounds: usize) -> Result<()> {
    println!("The whole job, lab included, in one process. No other tool does it, so there is no peer.");
    println!();
    println!("| users | wall, s | CPU, s | peak memory, MiB | per user beyond the smallest, KiB |");
    println!("|------:|--------:|-------:|-----------------:|----------------------------------:|");
    for _ in 0..rounds {
        let mut smallest: Option<(u64, Measured)> = None;
        for &users in sizes {
            let measured = in_a_process_of_its_own(quickstart, users)?;
            let per_user = match smallest {
                Some((fewer, base)) if users > fewer => {
                    let grown = measured.peak_kib as f64 - base.peak_kib as f64;
                    format!("{:.2}", grown / (users - fewer) as f64)
                }
                _ => "-".to_owned(),
            };
            smallest.get_or_insert((users, measured));
            let Measured { wall, cpu, peak_kib } = measured;
            println!("| {users} | {wall:.2} | {cpu:.2} | {:.1} | {per_user} |", peak_kib as f64 / 1024.0);
        }
    }
    Ok(())
}

/// What one run took.
#[derive(Debug, Clone, Copy)]
struct Measured {
    wall: f64,
    cpu: f64,
    peak_kib: i64,
}

impl Measured {
    fn line(&self) -> String {
        format!("{} {} {}", self.wall, self.cpu, self.peak_kib)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let mut next = || words.next();
        Some(Self {
            wall: next()?.parse().ok()?,
            cpu: next()?.parse().ok()?,
            peak_kib: next()?.parse().ok()?,
        })
    }
}

fn in_a_process_of_its_own(quickstart: &Path, users: u64) -> Result<Measured> {
    let output = Command::new(std::env::current_exe()?)
        .arg(quickstart)
        .args(["--once", &users.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    match Measured::parse(&said) {
        Some(measured) if output.status.success() => Ok(measured),
        _ => Err(format!("the run with {users} users ended with {}", output.status).into()),
    }
}

fn run(quickstart: &Path, users: u64) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let output = Command::new(quickstart)
        .args(["--users", &users.to_string(), "--out"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()?;
    let wall = start.elapsed().as_secs_f64();
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(
            format!("quickstart ended with {}: {}", output.status, String::from_utf8_lossy(&said)).into()
        );
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(Measured {
        wall,
        cpu: seconds(usage.user_time()) + seconds(usage.system_time()),
        peak_kib: usage.max_rss(),
    })
}
