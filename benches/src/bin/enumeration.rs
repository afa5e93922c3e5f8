//! Reading every user of a real domain controller, with UPN, GUID, mail and proxy addresses: `onramp-ad` beside
//! `ldapsearch` and the two clients for Python, page by page, over LDAPS with the certificate verified. With `--readiness`:
//! reading and judging them by the rules of readiness beside `ldapsearch` that reads the same attributes.
//!
//! Every client starts from nothing (process, TLS, sign in), and the order changes from round to round. What comes is
//! counted and thrown away, except that `ldapsearch` prints it, to nowhere. The page is the same for all, 1000.
//!
//! Needs root, Samba, ldap-utils, python3-ldap and python3-ldap3. Whatever is started is removed again.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use onramp_benches::Result;
use onramp_benches::directory::meter::{Taken, measure};
use onramp_benches::directory::peers::Client;
use onramp_benches::directory::played;
use onramp_benches::directory::site::Site;
use onramp_benches::figures::{head, median, order, row};
use onramp_core::AttributeName;
use onramp_readiness::{EntraRules, Profile, ReadinessRules};
use onramp_samba::Scope;

const FILTER: &str = "(&(objectCategory=person)(objectClass=user))";
const ATTRIBUTES: [&str; 4] = ["userPrincipalName", "objectGUID", "mail", "proxyAddresses"];

/// Read all users by several clients in turn.
#[derive(Parser)]
struct Arguments {
    /// How many users.
    #[arg(long, default_value_t = 50_000)]
    users: usize,
    /// How many rounds; in each every client reads once.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Milliseconds there and back to the controller, one table each.
    #[arg(long, value_delimiter = ',', default_values_t = [0])]
    rtt: Vec<u64>,
    /// A folder to keep the directory in, or to take it from if it is there: adding many users takes minutes.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Judge what is read by the rules of readiness, with their attributes, beside ldapsearch alone.
    #[arg(long)]
    readiness: bool,
}

fn main() -> Result<()> {
    if played()? {
        return Ok(());
    }
    let Arguments { users, rounds, rtt, cache, readiness } = Arguments::parse();
    let judged = EntraRules::new(&Profile::entra())?.attributes();
    let judged: Vec<&str> = judged.iter().map(AttributeName::as_str).collect();
    let (clients, attributes): (&[Client], &[&str]) =
        if readiness { (&Client::SCANNERS, &judged) } else { (&Client::READERS, &ATTRIBUTES) };
    let site = Site::up(users, cache.as_deref())?;
    let forest = site.forest();
    let there = forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, FILTER, &["1.1"])?.len();
    for milliseconds in rtt {
        println!("{there} users, {milliseconds} ms there and back, {rounds} rounds; medians\n");
        let columns = ["client", "s", "ratio to ldapsearch", "CPU µs per entry", "peak MiB"];
        println!("{}", head(&columns));
        let door = site.door(Duration::from_millis(milliseconds))?;
        let mut taken: Vec<Vec<Taken>> = vec![Vec::new(); clients.len()];
        for round in 0..rounds {
            for index in order(clients.len(), round) {
                let (Some(client), Some(taken)) = (clients.get(index), taken.get_mut(index)) else {
                    continue;
                };
                let (figures, printed) = measure(client.read(&site, &door, FILTER, attributes)?)?;
                // ldapsearch prints no count, but fails if it did not get everything.
                if *client != Client::OpenLdap && printed.parse() != Ok(there) {
                    return Err(format!("{} read {printed} of {there}", client.reader()).into());
                }
                eprintln!("round {} {:>32} {:.2} s", round + 1, client.reader(), figures.wall.as_secs_f64());
                taken.push(figures);
            }
        }
        let seconds = |taken: &[Taken]| taken.iter().map(|one| one.wall.as_secs_f64()).collect::<Vec<_>>();
        let peer = taken.get(1).map(|taken| seconds(taken)).unwrap_or_default();
        for (client, taken) in clients.iter().zip(&taken) {
            let own = seconds(taken);
            // Within a round, where both met the same circumstances.
            let ratio = median(own.iter().zip(&peer).map(|(own, peer)| own / peer));
            let cpu = median(taken.iter().map(|one| one.cpu.as_secs_f64() * 1e6 / there as f64));
            let peak = median(taken.iter().map(|one| one.peak_kib as f64 / 1024.0));
            println!(
                "{}",
                row([
                    client.reader().to_owned(),
                    format!("{:.2}", median(own)),
                    format!("{ratio:.2}"),
                    format!("{cpu:.1}"),
                    format!("{peak:.1}")
                ])
            );
        }
        println!();
    }
    Ok(())
}
