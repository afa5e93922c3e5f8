//! The program `forest`: a Samba Active Directory forest from the command line, to explore or to use from other
//! languages.
//!
//! `forest up` starts a forest in the background and prints one line of JSON with its addresses; `forest status` prints
//! that line again; `forest down` removes the forest. Root is needed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use crate::{Forest, UserShape};

/// A Samba Active Directory forest for tests.
#[derive(Debug, Parser)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// The name of the forest, for more than one at a time.
    #[arg(long, global = true, default_value = "default")]
    name: String,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Starts a forest that runs until `down`, and prints its addresses as one line of JSON.
    Up(ForestOptions),
    /// Prints the line of `up` again, with the controllers that accept connections.
    Status,
    /// Ends the forest and removes everything it consists of.
    Down,
    /// Holds a forest until `down`; `up` starts this in the background.
    #[command(hide = true)]
    Hold(ForestOptions),
}

#[derive(Debug, clap::Args)]
struct ForestOptions {
    /// The number of domain controllers.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    controllers: u8,
    /// The number of users of mixed shapes to add.
    #[arg(long, default_value_t = 0)]
    users: usize,
    /// The DNS name of the domain.
    #[arg(long, default_value = "CORP.EXAMPLE.COM")]
    realm: String,
}

type Failure = Box<dyn std::error::Error>;

/// Runs the program. `prefix` contains the arguments that select this program if the executable has several: the
/// executable is started again in the background.
pub fn run(arguments: &Arguments, prefix: &[&str]) -> ExitCode {
    let Arguments { action, name } = arguments;
    let socket = PathBuf::from(format!("/run/onramp-forest-{name}.sock"));
    let done = match action {
        Action::Up(options) => up(name, &socket, options, prefix),
        Action::Status => ask(&socket, "status"),
        Action::Down => down(&socket),
        Action::Hold(options) => hold(&socket, options),
    };
    match done {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the owner in the background and waits for its first line.
fn up(name: &str, socket: &Path, options: &ForestOptions, prefix: &[&str]) -> Result<String, Failure> {
    if UnixStream::connect(socket).is_ok() {
        return Err(format!("the forest {name} is up already; `forest down --name {name}` ends it").into());
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.args(prefix).args(["hold", "--name", name, "--realm", &options.realm]);
    command.args(["--controllers", &options.controllers.to_string(), "--users", &options.users.to_string()]);
    // A process group of its own, so that it outlives this terminal's Ctrl-C.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut owner = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let stdout = owner.stdout.take().ok_or("the owner has no output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let answer: Value = serde_json::from_str(&line).map_err(|_| "the owner ended without a word")?;
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.into()),
        None => Ok(line.trim_end().to_owned()),
    }
}

/// Ends a forest if it is up. Removes what forests of dead owners left behind in any case.
fn down(socket: &Path) -> Result<String, Failure> {
    let was_up = UnixStream::connect(socket).is_ok();
    if was_up {
        ask(socket, "down")?;
    }
    let swept = crate::remove_orphans()?;
    let _ = fs::remove_file(socket);
    Ok(json!({ "down": was_up, "removed_of_dead_owners": swept }).to_string())
}

/// Sends the owner one word and returns its one-line answer.
fn ask(socket: &Path, word: &str) -> Result<String, Failure> {
    let mut stream = UnixStream::connect(socket).map_err(|_| "no forest is up; `forest up` starts one")?;
    writeln!(stream, "{word}")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    if line.is_empty() {
        Err("the owner of the forest ended while answering".into())
    } else {
        Ok(line.trim_end().to_owned())
    }
}

/// Owns a forest: starts it, prints its addresses on standard output, then serves `status` and `down`.
fn hold(socket: &Path, options: &ForestOptions) -> Result<String, Failure> {
    let started = start(options).and_then(|forest| {
        let _ = fs::remove_file(socket);
        Ok((forest, UnixListener::bind(socket)?))
    });
    let (forest, listener) = match started {
        Ok(started) => started,
        // `up` reads this line from the other end of the pipe.
        Err(error) => return Ok(json!({ "error": error.to_string() }).to_string()),
    };
    let facts = facts(&forest);
    println!("{facts}");
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut word = String::new();
        if BufReader::new(&stream).read_line(&mut word).is_err() {
            continue;
        }
        match word.trim_end() {
            "status" => {
                // The client may be gone, which is no error here.
                let _ = writeln!(stream, "{}", status(&forest, facts.clone()));
            }
            "down" => {
                let _ = fs::remove_file(socket);
                drop(forest);
                let _ = writeln!(stream, "gone");
                break;
            }
            _ => {}
        }
    }
    // The output of this process is no longer read.
    std::process::exit(0)
}

fn start(options: &ForestOptions) -> Result<Forest, Failure> {
    let forest = Forest::builder().controllers(options.controllers.into()).realm(&options.realm).up()?;
    forest.add_users(options.users, UserShape::ALL)?;
    Ok(forest)
}

/// Returns the names, addresses and files of a forest. The password itself is only in its file.
fn facts(forest: &Forest) -> Value {
    let controllers: Vec<Value> = forest
        .controllers()
        .iter()
        .map(|controller| {
            json!({
                "host": controller.fqdn(),
                "address": controller.ip(),
                "ldap_port": controller.ldap().port(),
                "ldaps_port": controller.ldaps().port(),
                "site": controller.site(),
            })
        })
        .collect();
    json!({
        "domain": forest.domain(),
        "base_dn": forest.base_dn(),
        "controllers": controllers,
        "bind_dn": forest.admin_dn(),
        "bind_upn": forest.admin_upn(),
        "password_file": forest.admin().password_file(),
        "ca_file": forest.ca_file(),
        "folder": forest.folder(),
        "owner": std::process::id(),
    })
}

fn status(forest: &Forest, mut facts: Value) -> Value {
    let answering: Vec<&str> = forest
        .controllers()
        .iter()
        .filter(|controller| {
            std::net::TcpStream::connect_timeout(&controller.ldaps(), Duration::from_secs(2)).is_ok()
        })
        .map(|controller| controller.fqdn())
        .collect();
    if let Some(object) = facts.as_object_mut() {
        object.insert("accepting_connections".to_owned(), json!(answering));
    }
    facts
}
