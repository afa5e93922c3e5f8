//! Changes of many UPNs on a real domain controller: `onramp-ad` beside `ldapmodify` and the clients for Python, on the
//! same machine and across networks that take their time.
//!
//! Every client starts from nothing (process, LDAPS with the forest's authority verified, sign in), and every client
//! replaces the value by compare-and-swap: it deletes the old one and adds the new one in one modify. The order changes
//! from round to round. After each leg another program counts what was changed.
//!
//! The distance is a proxy's that delivers each piece later in either direction; bandwidth and pipelining stay as they
//! are. A client that waits for each answer makes fewer changes in a leg across a distance, so that the leg ends within
//! some seconds; rates are per change. What differs, and is part of what is compared: `onramp-ad` has several changes
//! under way and names each object by its GUID; the others name it by its distinguished name.
//!
//! The controller is Samba without fsync on this machine: the rates compare clients, they say nothing about a production
//! server. Needs root, Samba, ldap-utils, python3-ldap and python3-ldap3. Whatever is started is removed again.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use onramp_benches::Result;
use onramp_benches::directory::meter::{Taken, measure};
use onramp_benches::directory::peers::Client;
use onramp_benches::directory::played;
use onramp_benches::directory::site::{Door, Site};
use onramp_benches::figures::{head, median, order, row};
use onramp_core::ObjectGuid;
use onramp_samba::{Scope, attribute_line};

/// The suffix that the users do not have at first.
const OTHER_SUFFIX: &str = "contoso.com";
/// How long a leg of a client that waits for each answer is to take at most, in milliseconds.
const LEG: u64 = 5_000;
const USERS: &str = "(&(objectClass=user)(sAMAccountName=user*))";

/// Change many UPNs by several clients in turn.
#[derive(Parser)]
struct Arguments {
    /// How many users.
    #[arg(long, default_value = "2000")]
    users: NonZeroUsize,
    /// How many rounds; in each every client has one leg.
    #[arg(long, default_value = "3")]
    rounds: NonZeroUsize,
    /// Milliseconds there and back to the controller, one table each.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 10, 40])]
    rtt: Vec<u64>,
    /// Only clients whose names contain one of these; all if there is none.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How many changes `samba-tool` makes, a process each, on the controller itself; none to leave it out.
    #[arg(long, default_value_t = 20)]
    samba_tool: usize,
    /// A folder to keep the directory in, or to take it from if it is there.
    #[arg(long)]
    cache: Option<PathBuf>,
}

fn main() -> Result<()> {
    if played()? {
        return Ok(());
    }
    let Arguments { users, rounds, rtt, only, samba_tool, cache } = Arguments::parse();
    let site = Site::up(users.get(), cache.as_deref())?;
    let mut bench = Bench::new(&site, &only)?;
    for milliseconds in rtt {
        bench.distance(milliseconds, rounds.get())?;
    }
    if samba_tool > 0 {
        let rate = bench.samba_tool(samba_tool)?;
        println!(
            "samba-tool user rename --upn, a process for each user, on the controller: {rate:.1} changes/s"
        );
    }
    Ok(())
}

struct User {
    dn: String,
    account: String,
    upn: String,
}

struct Bench<'a> {
    site: &'a Site,
    clients: Vec<Client>,
    users: BTreeMap<ObjectGuid, User>,
    file: PathBuf,
}

impl<'a> Bench<'a> {
    fn new(site: &'a Site, only: &[String]) -> Result<Self> {
        let forest = site.forest();
        // Only samba-tool asks for it.
        let partitions = format!("CN=Partitions,CN=Configuration,{}", forest.base_dn());
        let suffix = format!("changetype: modify\nadd: uPNSuffixes\nuPNSuffixes: {OTHER_SUFFIX}\n");
        forest.ldapmodify(0, &format!("{}\n{suffix}", attribute_line("dn", &partitions)))?;
        let wanted =
            |client: &Client| only.is_empty() || only.iter().any(|o| client.writer().contains(o.as_str()));
        let clients = Client::WRITERS.into_iter().filter(wanted).collect();
        let mut bench = Self { site, clients, users: BTreeMap::new(), file: forest.folder().join("changes") };
        bench.users = bench.look()?;
        Ok(bench)
    }

    /// The users as they are, read by another program than those that are measured.
    fn look(&self) -> Result<BTreeMap<ObjectGuid, User>> {
        let forest = self.site.forest();
        let attributes = ["objectGUID", "sAMAccountName", "userPrincipalName"];
        let found = forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, USERS, &attributes)?;
        found
            .iter()
            .map(|entry| {
                let text = |name| entry.text(name).map(str::to_owned).ok_or("a user lacks a name");
                let guid = ObjectGuid::from_slice(entry.bytes("objectGUID").unwrap_or_default())?;
                let (account, upn) = (text("sAMAccountName")?, text("userPrincipalName")?);
                Ok((guid, User { dn: entry.dn.clone(), account, upn }))
            })
            .collect()
    }

    /// Measures everybody over a distance and prints a table.
    fn distance(&mut self, milliseconds: u64, rounds: usize) -> Result<()> {
        let door = self.site.door(Duration::from_millis(milliseconds))?;
        let mut legs: Vec<Vec<(f64, Taken, usize)>> = vec![Vec::new(); self.clients.len()];
        for round in 0..rounds {
            for index in order(self.clients.len(), round) {
                let (Some(&client), Some(legs)) = (self.clients.get(index), legs.get_mut(index)) else {
                    continue;
                };
                let count = self.count(client, milliseconds);
                let taken = self.leg(client, &door, count)?;
                let rate = count as f64 / taken.wall.as_secs_f64();
                eprintln!("{milliseconds} ms, round {}: {:>24} {rate:.0}/s", round + 1, client.writer());
                legs.push((rate, taken, count));
            }
        }
        println!("{} users, {milliseconds} ms there and back, {rounds} rounds; medians\n", self.users.len());
        println!("{}", head(&["client", "changes/s", "onramp-ad to it", "CPU µs per change", "peak MiB"]));
        let ours: Vec<f64> = legs.first().into_iter().flatten().map(|leg| leg.0).collect();
        for (client, legs) in self.clients.iter().zip(&legs) {
            let rates = legs.iter().map(|leg| leg.0);
            // Within a round, where both met the same circumstances.
            let ratio = median(ours.iter().zip(rates.clone()).map(|(ours, theirs)| ours / theirs));
            let cpu = median(legs.iter().map(|leg| leg.1.cpu.as_secs_f64() * 1e6 / leg.2 as f64));
            let peak = median(legs.iter().map(|leg| leg.1.peak_kib as f64 / 1024.0));
            println!(
                "{}",
                row([
                    client.writer().to_owned(),
                    format!("{:.0}", median(rates)),
                    format!("{ratio:.2}"),
                    format!("{cpu:.0}"),
                    format!("{peak:.1}"),
                ])
            );
        }
        println!();
        Ok(())
    }

    /// How many changes a client makes in a leg.
    fn count(&self, client: Client, milliseconds: u64) -> usize {
        let all = self.users.len();
        // A change takes the controller about two milliseconds.
        let within_a_leg = usize::try_from(LEG / (milliseconds + 2)).unwrap_or(all);
        if client.is_pipelined() || milliseconds == 0 { all } else { all.min(within_a_leg) }
    }

    /// Lets one client change that many users, and makes sure, outside the measurement, that it did.
    fn leg(&mut self, client: Client, door: &Door, count: usize) -> Result<Taken> {
        let text = self.changes(client, count)?;
        fs::write(&self.file, text)?;
        let (taken, printed) = measure(client.change(self.site, door, &self.file)?)?;
        if client != Client::OpenLdap && printed.parse() != Ok(count) {
            return Err(format!("{} made {printed} of {count} changes", client.writer()).into());
        }
        let domain = self.site.forest().domain().to_owned();
        for user in self.users.values_mut().take(count) {
            user.upn = swapped(&user.upn, &domain);
        }
        self.check(client.writer())?;
        Ok(taken)
    }

    fn check(&self, who: &str) -> Result<()> {
        let now = self.look()?;
        let other = |(guid, user): &(&ObjectGuid, &User)| now.get(guid).is_none_or(|now| now.upn != user.upn);
        match self.users.iter().filter(other).count() {
            0 => Ok(()),
            different => Err(format!("{different} users are not as {who} was to make them").into()),
        }
    }

    fn changes(&self, client: Client, count: usize) -> Result<String> {
        let mut text = String::new();
        for (guid, User { dn, upn, .. }) in self.users.iter().take(count) {
            let new = swapped(upn, self.site.forest().domain());
            if client == Client::OpenLdap {
                let value = |upn: &str| attribute_line("userPrincipalName", upn);
                writeln!(text, "{}\nchangetype: modify", attribute_line("dn", dn))?;
                writeln!(text, "delete: userPrincipalName\n{}\n-", value(upn))?;
                writeln!(text, "add: userPrincipalName\n{}\n-\n", value(&new))?;
            } else {
                writeln!(text, "{guid}\t{dn}\t{upn}\t{new}")?;
            }
        }
        Ok(text)
    }

    /// Changes some users by `samba-tool`, and gives how many a second.
    fn samba_tool(&mut self, count: usize) -> Result<f64> {
        let forest = self.site.forest();
        let start = Instant::now();
        let mut made = 0;
        for user in self.users.values_mut().take(count) {
            user.upn = swapped(&user.upn, forest.domain());
            let upn = format!("--upn={}", user.upn);
            forest.samba_tool(0, &["user", "rename", &user.account, &upn])?;
            made += 1;
        }
        let rate = f64::from(made) / start.elapsed().as_secs_f64();
        self.check("samba-tool")?;
        Ok(rate)
    }
}

/// The same UPN with the other suffix.
fn swapped(upn: &str, domain: &str) -> String {
    let local = upn.split('@').next().unwrap_or(upn);
    if upn.ends_with(OTHER_SUFFIX) { format!("{local}@{domain}") } else { format!("{local}@{OTHER_SUFFIX}") }
}
