//! The cost of journaling: the same changes of UPNs through a run with a durable journal, with one in memory, and straight through the
//! client, in turn, on the same server.
//!
//! Every leg makes the same changes; then the client takes them back. Each is checked to have made them all. A run also looks whether
//! the only domain controller has them, which the client alone does not. The client is connected before. With `--samba` the server is a real domain controller (needs root and Samba), else the lab's over LDAPS.

use std::num::NonZeroUsize;
use std::time::Instant;

use clap::Parser;
use futures_util::StreamExt;
use onramp::lab::forest::LabForest;
use onramp::lab::tenant::LabTenant;
use onramp::lab::tls::LabCa;
use onramp::{
    ApprovedPlan, Change, FileJournal, Journal, MemoryJournal, MemorySecretStore, Onramp, Plan, Spec, plan,
};
use onramp_ad::{AdClient, BindName};
use onramp_benches::Result;
use onramp_benches::figures::{head, median, order, row};
use onramp_core::forest::{AttributeChange, AttributeValue, ObjectChange, ObjectChanged};
use onramp_core::{AttributeName, Forest, Password};
use onramp_samba::UserShape;

/// Measure the cost of journaling.
#[derive(Parser)]
struct Arguments {
    /// The number of users.
    #[arg(long, default_value = "2000")]
    users: NonZeroUsize,
    /// The number of rounds; in each, every way has one leg.
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
    /// A real domain controller in place of the lab's.
    #[arg(long)]
    samba: bool,
}

#[derive(Clone, Copy)]
enum Way {
    /// The client alone.
    Client,
    /// A run whose journal is in memory.
    Memory,
    /// A run whose journal is a file, flushed to disk before changes are sent.
    File,
}

const WAYS: [(Way, &str); 3] = [
    (Way::Client, "client alone"),
    (Way::Memory, "run, journal in memory"),
    (Way::File, "run, journal on disk"),
];

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.samba {
        let samba = onramp_samba::Forest::builder().controllers(1).up()?;
        samba.add_users(arguments.users.get(), UserShape::ALL)?;
        let first = samba.controllers().first().ok_or("no domain controller")?;
        let bind = BindName::parse(samba.admin_dn())?;
        let client = AdClient::builder(first.fqdn())
            .bind(bind, Password::new(samba.admin_password().expose().to_owned()))
            .trust_root_pem_file(samba.ca_file())?
            .address(first.fqdn(), first.ldaps())
            .connect()
            .await?;
        return Box::pin(measure(&arguments, client.forest())).await;
    }
    let (lab, ca) =
        (LabForest::builder().users(arguments.users.get() as u64).controllers(1).build()?, LabCa::new()?);
    let servers = lab.serve(&ca).await?;
    let first = servers.controllers().first().ok_or("no domain controller")?;
    let login = lab.administrator();
    let client = AdClient::builder(&first.host)
        .bind(BindName::parse(&login.name)?, login.password)
        .trust_root_pem(ca.certificate_pem())?
        .address(&first.host, first.ldaps)
        .connect()
        .await?;
    Box::pin(measure(&arguments, client.forest())).await
}

async fn measure(arguments: &Arguments, forest: Forest) -> Result<()> {
    let tenant = LabTenant::builder().auto_publish_dns(true).build()?.tenant();
    let onramp = Onramp::new(tenant, forest.clone());
    run(
        &onramp,
        &approved(plan_of(&onramp, "domain = 'contoso.com'").await?)?,
        &mut MemoryJournal::default(),
    )
    .await?;
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); WAYS.len()];
    let mut changes = 0;
    for round in 0..arguments.rounds.get() {
        for place in order(WAYS.len(), round) {
            let Some(((way, _), rates)) = WAYS.get(place).zip(rates.get_mut(place)) else { continue };
            let approved = approved(plan_of(&onramp, "domain = 'contoso.com'\n[users]\n").await?)?;
            changes = approved.plan().users_changed();
            let folder = tempfile::tempdir()?;
            let began = Instant::now();
            match way {
                Way::Client => straight(&forest, approved.plan(), false).await?,
                Way::Memory => run(&onramp, &approved, &mut MemoryJournal::default()).await?,
                Way::File => {
                    let mut journal = FileJournal::create(folder.path().join("journal.jsonl"))?;
                    run(&onramp, &approved, &mut journal).await?;
                }
            }
            rates.push(changes as f64 / began.elapsed().as_secs_f64());
            straight(&forest, approved.plan(), true).await?;
        }
    }
    println!("{changes} changes a leg, {} rounds; ratios within a round\n", arguments.rounds);
    println!("{}", head(&["way", "changes/s", "to the journal in memory"]));
    let memory = rates.get(1).cloned().unwrap_or_default();
    for ((_, name), rates) in WAYS.iter().zip(&rates) {
        let ratio = median(rates.iter().zip(&memory).map(|(one, memory)| one / memory));
        println!(
            "{}",
            row([(*name).to_owned(), format!("{:.0}", median(rates.iter().copied())), format!("{ratio:.2}")])
        );
    }
    Ok(())
}

async fn plan_of(onramp: &Onramp, spec: &str) -> Result<Plan> {
    let spec = Spec::from_toml(spec)?;
    Ok(plan(&spec, &onramp.survey(&spec).await?))
}

fn approved(plan: Plan) -> Result<ApprovedPlan> {
    let ids: Vec<String> = plan.consequences().iter().map(|one| one.id()).collect();
    Ok(plan.approve(ids)?)
}

async fn run(onramp: &Onramp, plan: &ApprovedPlan, journal: &mut dyn Journal) -> Result<()> {
    Ok(onramp.apply_to_end(plan, journal, &MemorySecretStore::default()).await?.require_complete()?)
}

/// Makes the changes of a plan by the client alone, or takes them back.
async fn straight(forest: &Forest, plan: &Plan, is_back: bool) -> Result<()> {
    let attribute = AttributeName::from_static("userPrincipalName");
    let changes = plan.changes().iter().filter_map(|planned| match &planned.change {
        Change::ChangeUpn { upn } => Some(upn),
        _ => None,
    });
    let changes: Vec<ObjectChange> = changes
        .map(|upn| {
            let (before, after) = (
                upn.before.clone().map(AttributeValue::text),
                Some(AttributeValue::text(upn.after.as_str())),
            );
            let (from, to) = if is_back { (after, before) } else { (before, after) };
            ObjectChange::new(upn.guid, upn.dn.clone()).with(AttributeChange::replace(
                attribute.clone(),
                from,
                to,
            ))
        })
        .collect();
    let count = changes.len();
    let mut outcomes = forest.object_writer.change_all(futures_util::stream::iter(changes).boxed());
    let mut made = 0;
    while let Some(outcome) = outcomes.next().await {
        made += usize::from(outcome.result? == ObjectChanged::Changed);
    }
    if made == count { Ok(()) } else { Err(format!("{made} of {count} changes were made").into()) }
}
