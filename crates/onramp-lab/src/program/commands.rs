//! The commands that a person can type while the program runs.

use std::io::{self, BufRead as _};
use std::thread;

use crate::tenant::LabTenant;
use tokio::sync::mpsc;

/// The help text about commands.
pub(crate) const HELP: &str = "\
Commands (with --commands or --until-stdin-closes, one a line on the standard input):
  publish DOMAIN    publish the DNS record that proves a domain of the tenant
  withdraw DOMAIN   take the records of that name out of DNS again
Answers go to the standard error.";

/// Carries out commands until the input ends; goes on for ever if its end means nothing.
pub(crate) async fn until_end(tenant: &LabTenant, obey: bool, ends: bool) {
    if obey || ends {
        let mut lines = lines();
        while let Some(line) = lines.recv().await {
            if let Some(answer) = obeyed(tenant, &line) {
                eprintln!("lab: {answer}");
            }
        }
    }
    if !ends {
        std::future::pending::<()>().await;
    }
}

/// Returns the lines of the input. A thread of its own reads them, for which nothing waits when the program ends.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        while matches!(input.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            if sender.blocking_send(text).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Runs a command line and returns its message; `None` for an empty line.
fn obeyed(tenant: &LabTenant, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    Some(match words.as_slice() {
        [] => return None,
        ["publish", domain] => match tenant.publish_dns(domain) {
            Ok(text) => format!("published the TXT record {text} of {domain}"),
            Err(error) => error.to_string(),
        },
        ["withdraw", domain] => {
            tenant.withdraw_dns(domain);
            format!("{domain} has no DNS records any more")
        }
        _ => format!(
            "“{}” is no command; say “publish DOMAIN” or “withdraw DOMAIN”",
            words.join(" ").escape_debug()
        ),
    })
}
