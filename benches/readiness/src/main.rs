//! Measures a scan: CPU time and memory of reading LDIF alone, of reading and judging it, and of the algorithms of IdFix on the
//! same file. Every leg is a process of its own, which asks the kernel what it took.

mod generate;
mod idfix;

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use nix::sys::resource::{UsageWho, getrusage};
use onramp_readiness::ldif::Reader;
use onramp_readiness::{EntraRules, Profile, Scan};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Measure a scan of directory objects.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    leg: Option<Leg>,
    /// The numbers of objects, from small to large.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    objects: Vec<usize>,
    /// The number of rounds.
    #[arg(long, default_value = "3")]
    rounds: usize,
    /// The largest number of objects that the algorithms of IdFix are run with; their time grows with its square.
    #[arg(long, default_value = "3000")]
    idfix: usize,
}

/// One leg, in a process of its own.
#[derive(Subcommand, Clone)]
#[command(hide = true)]
enum Leg {
    /// Reads a file.
    Read { file: PathBuf },
    /// Reads a file and judges its objects.
    Scan {
        file: PathBuf,
        #[arg(long)]
        threads: usize,
    },
    /// Reads a file and does what IdFix does with it.
    Idfix { file: PathBuf },
}

/// The CPU time and memory of a leg.
#[derive(Clone, Copy)]
struct Usage {
    cpu: f64,
    peak: f64,
    objects: usize,
    findings: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match &arguments.leg {
        Some(leg) => run(leg),
        None => measure(&arguments),
    }
}

fn objects(file: &Path) -> Result<impl Iterator<Item = onramp_readiness::DirectoryObject>> {
    let input = BufReader::with_capacity(1 << 16, File::open(file)?);
    // The file is one that this program wrote.
    Ok(Reader::new(input).objects().filter_map(std::result::Result::ok))
}

fn run(leg: &Leg) -> Result<()> {
    let (objects, findings) = match leg {
        Leg::Read { file } => (objects(file)?.count(), 0),
        Leg::Scan { file, threads } => {
            let rules = EntraRules::new(&Profile::entra())?;
            let mut scan = Scan::new(Arc::new(rules)).with_threads(*threads);
            objects(file)?.for_each(|object| scan.add(object));
            let result = scan.finish();
            (result.objects, result.findings.len())
        }
        Leg::Idfix { file } => idfix::run(objects(file)?),
    };
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let cpu = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    let cpu = cpu(usage.user_time()) + cpu(usage.system_time());
    println!("{cpu} {} {objects} {findings}", usage.max_rss());
    Ok(())
}

/// Starts a leg, and reads what it took.
fn started(arguments: &[&str], file: &Path) -> Result<Usage> {
    let output = Command::new(std::env::current_exe()?).args(arguments).arg(file).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let mut fields = text.split_whitespace();
    let mut next = || fields.next().ok_or("a field is missing");
    Ok(Usage {
        cpu: next()?.parse()?,
        peak: next()?.parse::<f64>()? * 1024.0,
        objects: next()?.parse()?,
        findings: next()?.parse()?,
    })
}

fn measure(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    println!(
        "| objects | read, CPU s | scan, CPU s | scan to read | bytes an object beyond reading | findings |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for &count in &arguments.objects {
        let file = folder.path().join("objects.ldif");
        generate::write(&file, count)?;
        let mut rounds = Vec::new();
        for _ in 0..arguments.rounds {
            let read = started(&["read"], &file)?;
            let scan = started(&["scan", "--threads", "1"], &file)?;
            if read.objects != count || scan.objects != count {
                return Err(format!(
                    "{count} objects were written, {} read, {} judged",
                    read.objects, scan.objects
                )
                .into());
            }
            rounds.push((read, scan));
        }
        let median = |of: fn(&(Usage, Usage)) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        println!(
            "| {count} | {:.2} | {:.2} | {:.2} | {:.0} | {} |",
            median(|(read, _)| read.cpu),
            median(|(_, scan)| scan.cpu),
            median(|(read, scan)| scan.cpu / read.cpu),
            median(|(read, scan)| (scan.peak - read.peak) / scan.objects as f64),
            rounds.first().map_or(0, |(_, scan)| scan.findings),
        );
    }
    println!("\n| objects | scan, CPU s | the algorithms of IdFix, CPU s | ratio |");
    println!("| ---: | ---: | ---: | ---: |");
    for count in [arguments.idfix / 4, arguments.idfix / 2, arguments.idfix] {
        let file = folder.path().join("objects.ldif");
        generate::write(&file, count)?;
        let scan = started(&["scan", "--threads", "1"], &file)?;
        let idfix = started(&["idfix"], &file)?;
        println!("| {count} | {:.3} | {:.3} | {:.0} |", scan.cpu, idfix.cpu, idfix.cpu / scan.cpu);
    }
    Ok(())
}
