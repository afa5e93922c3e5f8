//! The Graph client beside a hand-written floor and other clients: same run, same server.
//!
//! `cargo run --release -p onramp-bench-graph` measures Onramp and the floor. A peer is any program that takes a task,
//! the server's address and a number, and prints one line of JSON as [`Measured`]; `peers/` has three.
//!
//! The server, and each client for each task, is a process of its own, so that CPU time and peak memory are its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a measurement that cannot be made ends here

mod clients;
mod server;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::{Parser, Subcommand};
use serde::{Deserialize, Serialize};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Step>,
    /// Another client, as `name=command line`.
    #[arg(long)]
    peer: Vec<String>,
    /// Only tasks whose name holds this.
    #[arg(long, default_value = "")]
    only: String,
    /// Users to list.
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// Changes to make.
    #[arg(long, default_value_t = 2_000)]
    changes: u32,
}

#[derive(Subcommand)]
enum Step {
    /// Serves until its input ends.
    Serve(server::Shape),
    /// Does one task as one of the built-in clients.
    Client { name: String, task: String, base: String, number: u32 },
}

/// What one client needed for one task.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Measured {
    /// Users read, or changes applied as far as the client knows.
    count: u32,
    cpu_seconds: f64,
    wall_seconds: f64,
    peak_mb: f64,
}

fn main() {
    let cli = Cli::parse();
    match &cli.command {
        Some(Step::Serve(shape)) => server::serve(*shape),
        Some(Step::Client { name, task, base, number }) => clients::run(name, task, base, *number),
        None => measure(&cli),
    }
}

/// A task, the shape of the server for it, and what its result has to be.
struct Task {
    title: &'static str,
    name: &'static str,
    shape: server::Shape,
    number: u32,
}

fn measure(cli: &Cli) {
    let plain = server::Shape { users: cli.users, ..server::Shape::default() };
    let tasks = [
        Task { title: "list users, no latency", name: "list", shape: plain, number: cli.users },
        Task {
            title: "list users, 150 ms to the first byte and 120 ms of body a page",
            name: "list",
            shape: server::Shape { first_byte: 150, body: 120, users: 20_000, ..plain },
            number: 20_000,
        },
        Task {
            title: "changes under 300 writes in 5 s, 20 ms latency",
            name: "update",
            shape: server::Shape { latency: 20, writes: 300, window: 5_000, users: 1, ..plain },
            number: cli.changes,
        },
        Task {
            title: "changes, 50 ms latency, no limit",
            name: "update",
            shape: server::Shape { latency: 50, users: 1, ..plain },
            number: cli.changes,
        },
    ];
    for task in tasks.iter().filter(|task| task.title.contains(&cli.only)) {
        println!("\n{} ({})", task.title, task.number);
        println!(
            "{:<22} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}",
            "client", "count", "CPU s", "wall s", "peak MB", "requests", "applied", "refused"
        );
        let mut floor: Option<Measured> = None;
        for (name, command) in clients_of(cli, task) {
            let mut server = Server::start(task.shape);
            let sequential = name == "one by one";
            // One by one is only counted up from a part: it would take minutes.
            let number = if sequential { task.number.min(100) } else { task.number };
            let Some(mut measured) = client(&command, task.name, &server.base, number) else {
                println!("{name:<22} did not finish");
                continue;
            };
            let stats = server.stats();
            if sequential {
                measured.wall_seconds *= f64::from(task.number) / f64::from(number);
            }
            println!(
                "{name:<22} {:>8} {:>8.2} {:>8.2} {:>8.1} {:>9} {:>9} {:>9}",
                measured.count,
                measured.cpu_seconds,
                measured.wall_seconds,
                measured.peak_mb,
                stats.requests,
                stats.applied,
                stats.refused
            );
            if let Some(floor) = &floor {
                println!(
                    "{:<22} CPU {:.2} times, wall {:.2} times the first",
                    "",
                    measured.cpu_seconds / floor.cpu_seconds,
                    measured.wall_seconds / floor.wall_seconds
                );
            } else {
                floor = Some(measured);
            }
        }
        if let Some(windows) = (task.number - 1).checked_div(task.shape.writes) {
            println!("the least time possible is {:.1} s", f64::from(windows * task.shape.window) / 1000.0);
        }
    }
}

/// The clients for a task; the first is what the others are compared with.
fn clients_of(cli: &Cli, task: &Task) -> Vec<(String, Vec<String>)> {
    let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    let built_in = |name: &str| vec![own.clone(), "client".to_owned(), name.to_owned()];
    let mut clients =
        vec![("hand-written floor".to_owned(), built_in("floor")), ("onramp".to_owned(), built_in("onramp"))];
    if task.name == "update" && task.shape.writes == 0 {
        clients.push(("one by one".to_owned(), built_in("sequential")));
    }
    clients.extend(cli.peer.iter().filter_map(|peer| {
        let (name, command) = peer.split_once('=')?;
        Some((name.to_owned(), command.split_whitespace().map(str::to_owned).collect()))
    }));
    clients
}

fn client(command: &[String], task: &str, base: &str, number: u32) -> Option<Measured> {
    let (program, arguments) = command.split_first()?;
    let output = Command::new(program)
        .args(arguments)
        .args([task, base, &number.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().rfind(|line| line.starts_with('{'))?).ok()
}

/// The server as a process of its own; ends with this value.
struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(shape: server::Shape) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .args(shape.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut base = String::new();
        let out = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut base).unwrap();
        Self { child, base: base.trim().to_owned() }
    }

    fn stats(&mut self) -> server::Stats {
        let base = self.base.clone();
        clients::runtime().block_on(async move {
            let http = clients::http();
            let url = format!("{base}/stats");
            let reply = http.get(url).timeout(Duration::from_secs(9)).send().await.unwrap();
            serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap()
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
