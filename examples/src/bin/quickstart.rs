//! The whole job on the embedded lab: a tenant and a forest are generated, served over the real protocols, prepared for
//! directory synchronization, and verified. Nothing outside this process and its output folder is changed.
//!
//! Leaves `readiness.html`, `plan.jsonl`, `journal.jsonl`, `events.jsonl`, `report.html`, `wire.har` and the new password in a folder of this run below the
//! output folder. The exit code is 0 only if verification is green.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use futures_util::{StreamExt, TryStreamExt};
use onramp::ad::{AdClient, BindName, LdapSecurity};
use onramp::entra::{ClientSecret, Endpoints, EntraClient, HarRecorder};
use onramp::lab::forest::LabForest;
use onramp::lab::tenant::{LabTenant, SeedUser};
use onramp::lab::tls::LabCa;
use onramp::onramp_core::forest::{ObjectQuery, UserQuery};
use onramp::onramp_core::tenant::VerificationRecord;
use onramp::onramp_core::{
    Clock, DomainName, Error, ErrorKind, Forest, LdapFilter, OffsetDateTime, Result, SystemClock, Upn,
    visible,
};
use onramp::readiness::report::{HtmlOptions, Report, write_html};
use onramp::readiness::{EntraRules, Profile, RuleId, Scan};
use onramp::{Event, FileSecretStore, History, MemoryPlanStore, PolicyRules, Spec};
use onramp_cli::job::{Answer, Ended, Job, PlanSource, exit_code, stop_on_ctrl_c};
use onramp_cli::operator::operator;
use onramp_cli::output::{DNS_RECORDS, EVENTS, JOURNAL, Output, PLAN, RECORDING, REPORT};
use onramp_cli::terminal::Terminal;
use onramp_files::create_private;
use tokio_util::sync::CancellationToken;

/// The name of the report on readiness.
const READINESS: &str = "readiness.html";
/// The name of the folder of secrets in the folder of a run.
const SECRETS: &str = "secrets";

/// Do the whole job on the embedded lab.
#[derive(Parser)]
struct Arguments {
    /// The number of users in the forest.
    #[arg(long, default_value_t = 500)]
    users: u64,
    /// The seed of the generated users: the same seed gives the same users.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// The output folder.
    #[arg(long, default_value = "target/quickstart")]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(Arguments::parse())).await {
        Ok(ended) => ended.into(),
        Err(error) => {
            eprintln!("\n{}", visible(&error.to_string()));
            exit_code(&error)
        }
    }
}

async fn run(arguments: Arguments) -> Result<Ended> {
    let terminal = Terminal::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cancellation = CancellationToken::new();
    stop_on_ctrl_c(cancellation.clone(), terminal.clone());
    let output = Output::open(&arguments.out, "quickstart")?;
    // Each run has a folder of its own, secrets included, because each run has another lab.
    let folder = output.new_run(clock.now())?;

    terminal.heading(format!("A lab with {} people (seed {})", arguments.users, arguments.seed));
    let forest = LabForest::builder()
        .domain("corp.local")
        .mail_domain("contoso.com")
        .users(arguments.users)
        .seed(arguments.seed)
        .controllers(2)
        .replication_delay(Duration::from_millis(800))
        .clock(Arc::clone(&clock))
        .build()?;
    let tenant = LabTenant::builder()
        .name("contoso")
        .seed(arguments.seed)
        .seed_users(cloud_namesakes(&forest).await?)
        .clock(Arc::clone(&clock))
        .build()?;
    let ca = LabCa::new()?;
    let tenant_server = tenant.serve(&ca, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let forest_servers = forest.serve(&ca).await?;
    terminal.line(format!("  tenant    {} at {}", tenant.initial_domain(), tenant_server.base_url()));
    for controller in forest_servers.controllers() {
        terminal.line(format!("  forest    {} at ldaps://{}", controller.host, controller.ldaps));
    }

    let credentials = tenant.credentials();
    let secret = ClientSecret::new(
        credentials.tenant_id.to_string(),
        credentials.client_id.to_string(),
        credentials.client_secret.clone(),
    );
    let base = tenant_server.base_url();
    let entra = EntraClient::builder(secret)
        .endpoints(Endpoints::at(base)?)
        .trust_root_pem(ca.certificate_pem())
        .recorder(HarRecorder::to_file(folder.join(RECORDING))?)
        .clock(Arc::clone(&clock))
        .build()?
        .with_probe_client_id(credentials.public_client_id.to_string());
    let Some(first) = forest_servers.controllers().first() else {
        return Err(Error::new(ErrorKind::NotFound, "find a domain controller in the lab"));
    };
    let administrator = forest.administrator();
    let mut builder = AdClient::builder(&first.host)
        .security(LdapSecurity::Ldaps)
        .trust_root_pem(ca.certificate_pem())?
        .bind(BindName::parse(&administrator.name)?, administrator.password)
        .clock(Arc::clone(&clock));
    for controller in forest_servers.controllers() {
        builder = builder.address(&controller.host, controller.ldaps);
    }
    let ldap = builder.connect().await?;

    terminal.heading("Readiness: what synchronization would reject, rename or merge");
    look(&ldap.forest(), &terminal, &folder, clock.now()).await?;

    let job = Job {
        tenant: entra.tenant(),
        forest: ldap.forest(),
        source: PlanSource::Survey(Box::new(spec(&tenant)?)),
        history: History::default(),
        folder: folder.clone(),
        secrets: Arc::new(FileSecretStore::new(folder.join(SECRETS))),
        policy: PolicyRules::default(),
        plans: Arc::new(MemoryPlanStore::default()),
        operator: operator(),
        clock: Arc::clone(&clock),
        terminal: terminal.clone(),
        cancellation,
        ends_before_waits: false,
        dns: None,
    };
    let dns = tenant.clone();
    let publishing = terminal.clone();
    let accepting = terminal.clone();
    let ended = Box::pin(job.run(
        move |plan, _| {
            // A demonstration accepts what it has just shown. A program asks a person.
            let accepted: Vec<String> =
                plan.consequences().iter().map(|consequence| consequence.id()).collect();
            accepting.line(format!("  accepted for this demonstration: {}", accepted.join(", ")));
            Ok(Answer::Apply(plan.approve(accepted)?))
        },
        move |event| {
            if publish(&dns, event) {
                publishing.line("          The lab publishes the TXT record itself: there is nothing to do.");
            }
        },
    ))
    .await?;
    terminal.heading(format!("Done in {:.1} s", clock.elapsed().as_secs_f64()));
    let made = [
        (REPORT, "begin here: the plan and the result, for a browser"),
        (READINESS, "what synchronization would reject, with fixes, for a browser"),
        (PLAN, "each change, with its reason"),
        (JOURNAL, "each change as it was made, with the former value"),
        (EVENTS, "the progress of the run, for programs"),
        (DNS_RECORDS, "the DNS record to publish, as portals ask for it"),
        (RECORDING, "every exchange with the tenant, secrets left out"),
        (SECRETS, "the new password of the service account"),
    ];
    terminal.line(format!("  {}", folder.display()));
    for (name, meaning) in made {
        terminal.line(format!("    {name:<15} {meaning}"));
    }
    Ok(ended)
}

/// Judges the objects of the forest by the rules of synchronization, and writes a report about them.
async fn look(forest: &Forest, terminal: &Terminal, folder: &Path, now: OffsetDateTime) -> Result<()> {
    let what = "judge the objects of the forest";
    let profile = Profile::entra().with_upn_suffix(DomainName::parse("contoso.com")?);
    let rules = EntraRules::new(&profile)
        .map_err(|error| Error::new(ErrorKind::Invalid, what).with_detail(error.to_string()))?;
    let mut scan = Scan::new(Arc::new(rules));
    let candidates = LdapFilter::parse(
        "(&(|(objectClass=user)(objectClass=group)(objectClass=contact))(!(objectClass=computer)))",
    )?;
    let mut objects = forest.objects.search(ObjectQuery::all(scan.attributes()).with_filter(candidates));
    while let Some(object) = objects.try_next().await? {
        scan.add(object.into());
    }
    let result = scan.finish();
    let mut numbers: BTreeMap<&RuleId, usize> = BTreeMap::new();
    result.findings.iter().for_each(|finding| *numbers.entry(&finding.rule).or_default() += 1);
    let judged = result.objects - result.excluded.len();
    terminal.line(format!("  {judged} objects judged, {} not judged", result.excluded.len()));
    for (rule, number) in numbers {
        let title = result.catalog.iter().find(|info| info.id == *rule).map_or("", |info| &info.title);
        terminal.line(format!("  {number:>5}  {rule}: {title}"));
    }
    let report = Report::new(&result.findings, now)
        .with_profile("entra")
        .with_objects_checked(judged as u64)
        .with_excluded(&result.excluded)
        .with_rules(&result.catalog);
    let unwritten =
        |error: std::io::Error| Error::new(ErrorKind::Unavailable, what).with_detail(error.to_string());
    let file = create_private(folder.join(READINESS)).map_err(unwritten)?;
    write_html(&report, &HtmlOptions::default(), file).map_err(unwritten)
}

/// Publishes the record in the lab's own DNS, as the owner of a real domain would. Returns true if it published one.
fn publish(tenant: &LabTenant, event: &Event) -> bool {
    let mut is_published = false;
    if let Event::DnsRecordNeeded { records, .. } = event {
        for record in records {
            if let VerificationRecord::Txt { label, text, .. } = record {
                tenant.publish_txt(label, text);
                is_published = true;
            }
        }
    }
    is_published
}

fn spec(tenant: &LabTenant) -> Result<Spec> {
    let subscription = tenant.subscription_ids().first().map(ToString::to_string).unwrap_or_default();
    Ok(Spec::from_toml(&format!(
        r#"
        domain = "contoso.com"

        [users]
        new_upn = "replace-suffix"

        [sync]
        enable = true

        [service_account]
        upn = "onramp-sync@contoso.com"
        alternate_email = "it-operations@contoso.com"
        role = "Hybrid Identity Administrator"
        subscriptions = [{{ subscription = "{subscription}", role = "Reader" }}]
        "#
    ))?)
}

/// Returns a few cloud users with the mail addresses of users in the forest, which synchronization would match.
async fn cloud_namesakes(forest: &LabForest) -> Result<Vec<SeedUser>> {
    let with_mail =
        forest.forest().users.search(UserQuery::all()).try_filter_map(async |user| Ok(user.mail.clone()));
    let mails: Vec<String> = with_mail.take(3).try_collect().await?;
    mails
        .into_iter()
        .enumerate()
        .map(|(index, mail)| {
            let upn = Upn::parse(&format!("early.adopter{index}@contoso.onmicrosoft.com"))?;
            Ok(SeedUser::new(upn).with_proxy_addresses([format!("SMTP:{mail}")]))
        })
        .collect()
}
