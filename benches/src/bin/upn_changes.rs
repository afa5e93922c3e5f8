//! Changes of many UPNs on a real domain controller: `onramp-ad` beside the `ldapmodify` program of OpenLDAP.
//!
//! Both start from nothing in every leg (connect, LDAPS with the forest's authority verified, sign in), both reach
//! the controller over the same bridge, and both replace the value by compare-and-swap: delete the old one and add
//! the new one in one modify. A round is one leg of each; one takes the users to the other suffix, the other back,
//! and the next round swaps who goes first, so that neither has the fresher database or the easier direction.
//!
//! What differs, and is part of what is compared: `onramp-ad` keeps 16 changes under way and names each object by
//! its GUID, `ldapmodify` waits for each answer and names it by its distinguished name. The leg of `ldapmodify`
//! includes some milliseconds for a private `/etc/hosts`, since it must find the controller by the name in its
//! certificate.
//!
//! The controller is Samba without fsync on this machine: the rates compare clients, they say nothing about a
//! production server. There is no travel time here either, which is what having several changes under way saves:
//! across a network the client that waits for each answer falls behind by one round trip a change.
//! Needs root, Samba and ldap-utils. Whatever is started is removed again.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::{StreamExt, TryStreamExt, stream};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use onramp_ad::{BindName, ForestClient, ForestClientBuilder};
use onramp_core::forest::{ForestUser, UpnChange, UpnChanged, UserQuery};
use onramp_core::{DistinguishedName, Password, Upn};
use onramp_tests::forest::{Forest, Scope, UserShape, attribute_line};
use tokio::runtime::Runtime;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The suffix that the users do not have at first.
const OTHER_SUFFIX: &str = "contoso.com";

/// Change many UPNs there and back, by onramp-ad and by ldapmodify in turn.
#[derive(Parser)]
struct Arguments {
    /// How many users.
    #[arg(long, default_value = "2000")]
    users: NonZeroUsize,
    /// How many rounds; each is one leg of both.
    #[arg(long, default_value = "3")]
    rounds: NonZeroUsize,
}

fn main() -> Result<()> {
    let Arguments { users, rounds } = Arguments::parse();
    eprintln!("starting a domain controller and adding {users} users");
    let forest = Forest::builder().up()?;
    forest.add_users(users.get(), &[UserShape::Plain])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let bench = Bench::new(&forest, &runtime)?;

    println!("{} users, one Samba domain controller, LDAPS; rates are changes per second", bench.users.len());
    println!();
    println!("| round | onramp-ad, 1/s | ldapmodify, 1/s | ratio | onramp-ad CPU, s | ldapmodify CPU, s |");
    println!("|------:|---------------:|----------------:|------:|-----------------:|------------------:|");
    let mut figures = Vec::new();
    for round in 0..rounds.get() {
        let (there, back) = (OTHER_SUFFIX, forest.domain());
        let (ours, theirs) = if round % 2 == 0 {
            let ours = bench.leg(there, || bench.by_onramp(there))?;
            (ours, bench.leg(back, || bench.by_ldapmodify(back))?)
        } else {
            let theirs = bench.leg(there, || bench.by_ldapmodify(there))?;
            (bench.leg(back, || bench.by_onramp(back))?, theirs)
        };
        let rate = |leg: &Leg| bench.users.len() as f64 / leg.wall.as_secs_f64();
        let (our_rate, their_rate) = (rate(&ours), rate(&theirs));
        let cpu = (ours.cpu.as_secs_f64(), theirs.cpu.as_secs_f64());
        let row = [our_rate, their_rate, our_rate / their_rate, cpu.0, cpu.1];
        print(&(round + 1).to_string(), row);
        figures.push(row);
    }
    // Of each column for itself: the ratio is taken within a round, where both met the same circumstances.
    print("median", std::array::from_fn(|column| median(figures.iter().filter_map(|row| row.get(column)))));
    Ok(())
}

/// What one leg took.
#[derive(Debug, Clone, Copy)]
struct Leg {
    wall: Duration,
    /// Of the client, in its own code and in the kernel on its behalf.
    cpu: Duration,
}

struct Bench<'a> {
    forest: &'a Forest,
    runtime: &'a Runtime,
    users: Vec<ForestUser>,
    hosts: PathBuf,
}

impl<'a> Bench<'a> {
    fn new(forest: &'a Forest, runtime: &'a Runtime) -> Result<Self> {
        let people = DistinguishedName::parse(forest.base_dn())?;
        let users = runtime.block_on(async {
            let client = client(forest)?.connect().await?;
            let found = client.forest().users.search(UserQuery::below(people));
            // The domain's own accounts have no UPN.
            let seeded = found.try_filter(|user| std::future::ready(user.upn.is_some()));
            Ok::<_, Box<dyn Error>>(seeded.try_collect::<Vec<_>>().await?)
        })?;
        let hosts = forest.folder().join("bench-hosts");
        let controller = controller(forest)?;
        fs::write(&hosts, format!("127.0.0.1 localhost\n{} {}\n", controller.ip(), controller.fqdn()))?;
        Ok(Self { forest, runtime, users, hosts })
    }

    /// Measures a leg and makes sure, outside the measurement, that it changed every user.
    fn leg(&self, suffix: &str, run: impl FnOnce() -> Result<Leg>) -> Result<Leg> {
        let leg = run()?;
        let filter = format!("(&(objectClass=user)(userPrincipalName=*@{suffix}))");
        let found =
            self.forest.ldapsearch(0, self.forest.base_dn(), Scope::Subtree, &filter, &["1.1"])?.len();
        if found != self.users.len() {
            return Err(format!("{found} of {} users have the suffix {suffix}", self.users.len()).into());
        }
        Ok(leg)
    }

    fn by_onramp(&self, suffix: &str) -> Result<Leg> {
        let changes = self.users.iter().map(|user| change(user, suffix, self.other(suffix)));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let (start, cpu) = (Instant::now(), cpu_of(UsageWho::RUSAGE_SELF)?);
        self.runtime.block_on(async {
            let client = client(self.forest)?.connect().await?;
            let mut outcomes = client.forest().users.change_upns(stream::iter(changes).boxed());
            while let Some(outcome) = outcomes.next().await {
                if outcome.result? != UpnChanged::Changed {
                    return Err(format!("{} had the suffix already", outcome.change.dn).into());
                }
            }
            Ok::<_, Box<dyn Error>>(())
        })?;
        Ok(Leg { wall: start.elapsed(), cpu: cpu_of(UsageWho::RUSAGE_SELF)?.saturating_sub(cpu) })
    }

    fn by_ldapmodify(&self, suffix: &str) -> Result<Leg> {
        let file = self.forest.folder().join("bench.ldif");
        fs::write(&file, self.ldif(suffix)?)?;
        let mut command = ldapmodify(self.forest, &self.hosts, &file)?;
        let (start, cpu) = (Instant::now(), cpu_of(UsageWho::RUSAGE_CHILDREN)?);
        let output = command.output()?;
        let leg = Leg { wall: start.elapsed(), cpu: cpu_of(UsageWho::RUSAGE_CHILDREN)?.saturating_sub(cpu) };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("ldapmodify ended with {}: {said}", output.status).into());
        }
        Ok(leg)
    }

    fn ldif(&self, suffix: &str) -> Result<String> {
        let mut ldif = String::new();
        for user in &self.users {
            let UpnChange { dn, before, after, .. } = change(user, suffix, self.other(suffix))?;
            let old = attribute_line("userPrincipalName", &before.unwrap_or_default());
            let new = attribute_line("userPrincipalName", &after.to_string());
            writeln!(ldif, "{}\nchangetype: modify", attribute_line("dn", dn.as_str()))?;
            writeln!(ldif, "delete: userPrincipalName\n{old}\n-\nadd: userPrincipalName\n{new}\n-\n")?;
        }
        Ok(ldif)
    }

    /// The suffix that users have who do not have this one.
    fn other(&self, suffix: &str) -> &str {
        if suffix == OTHER_SUFFIX { self.forest.domain() } else { OTHER_SUFFIX }
    }
}

/// The change that takes a user from one suffix to another.
fn change(user: &ForestUser, suffix: &str, from: &str) -> Result<UpnChange> {
    let held = user.upn.as_deref().unwrap_or_default();
    let local = held.split_once('@').map_or(held, |(local, _)| local);
    Ok(UpnChange {
        guid: user.guid,
        dn: user.dn.clone(),
        before: Some(format!("{local}@{from}")),
        after: Upn::parse(&format!("{local}@{suffix}"))?,
    })
}

fn client(forest: &Forest) -> Result<ForestClientBuilder> {
    let (controller, admin) = (controller(forest)?, forest.admin());
    Ok(ForestClient::builder(controller.fqdn())
        .trust_root_pem_file(forest.ca_file())?
        .bind(BindName::parse(admin.upn())?, Password::new(admin.password().expose().to_owned()))
        .address(controller.fqdn(), controller.ldaps()))
}

/// The program in a mount namespace of its own, where the controller's name has an address.
fn ldapmodify(forest: &Forest, hosts: &Path, ldif: &Path) -> Result<Command> {
    let mut command = Command::new("unshare");
    let script = r#"mount --bind "$0" /etc/hosts && exec ldapmodify "$@""#;
    command.args(["--mount", "sh", "-euc", script]).arg(hosts);
    command.args(["-x", "-H", &format!("ldaps://{}", controller(forest)?.fqdn()), "-D", forest.admin_dn()]);
    command.arg("-y").arg(forest.admin().password_file()).arg("-f").arg(ldif);
    command.env("LDAPTLS_CACERT", forest.ca_file()).env("LDAPTLS_REQCERT", "demand");
    // It says a line for every change; nobody reads them.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(command)
}

fn controller(forest: &Forest) -> Result<&onramp_tests::forest::Controller> {
    forest.controllers().first().ok_or_else(|| "the forest has no controller".into())
}

fn cpu_of(who: UsageWho) -> Result<Duration> {
    let usage = getrusage(who)?;
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap_or_default())
}

fn print(label: &str, [our_rate, their_rate, ratio, our_cpu, their_cpu]: [f64; 5]) {
    println!("| {label} | {our_rate:.0} | {their_rate:.0} | {ratio:.2} | {our_cpu:.2} | {their_cpu:.2} |");
}

/// The middle value, or the mean of the two in the middle.
fn median<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let mut sorted: Vec<f64> = values.copied().collect();
    sorted.sort_by(f64::total_cmp);
    let middle: Vec<f64> = match sorted.len() {
        count if count % 2 == 0 => sorted.into_iter().skip((count / 2).saturating_sub(1)).take(2).collect(),
        count => sorted.into_iter().skip(count / 2).take(1).collect(),
    };
    middle.iter().sum::<f64>() / middle.len() as f64
}
