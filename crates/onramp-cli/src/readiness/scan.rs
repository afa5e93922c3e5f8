//! The scan of a forest, with what the tenant says about its domains.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use futures_util::StreamExt;
use onramp_core::forest::ObjectQuery;
use onramp_core::tenant::TenantDomain;
use onramp_core::{
    Clock, DistinguishedName, DomainName, Error, ErrorKind, Forest, Result, SystemClock, Tenant,
};
use onramp_entra::EntraClient;
use onramp_readiness::report::ReportSource;
use onramp_readiness::{DirectoryObject, ScanResult};

use super::candidates::{PROGRESS, candidates, nothing_read};
use super::follow_forest::FollowedForest;
use super::follow_tenant::FollowedTenant;
use super::judge::{Chosen, ProfileArguments, Rules};
use super::output::{InputErrors, OutputArguments, Scanned};
use super::state_file::StateFile;
use super::tenant::{TenantArguments, all_users};
use crate::config::Config;
use crate::terminal::Terminal;

/// The arguments of a scan of a forest.
#[derive(Debug, Args)]
pub(super) struct ForestArguments {
    /// The configuration file (TOML), as for `onboard`.
    #[arg(long, default_value = "onboard.toml")]
    pub(super) config: PathBuf,
    /// Do not ask the tenant for its domains and users.
    #[arg(long)]
    without_tenant: bool,
    /// Only objects at and below this distinguished name.
    #[arg(long, value_name = "DN")]
    below: Option<DistinguishedName>,
    #[command(flatten)]
    pub(super) profile: ProfileArguments,
}

#[derive(Debug, Args)]
pub(super) struct ScanArguments {
    #[command(flatten)]
    forest: ForestArguments,
    /// Keep what was read in this file, and read only what changed the next time. The findings are those of a scan without it. A
    /// state that is missing, too old, or of something else is not used, and the scan says so. It holds names and addresses of
    /// people.
    #[arg(long, value_name = "FILE", conflicts_with = "below")]
    state: Option<PathBuf>,
    #[command(flatten)]
    tenant: TenantArguments,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) async fn run(arguments: &ScanArguments) -> Result<ExitCode> {
    let config = Config::read(&arguments.forest.config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let terminal = Terminal::new();
    let chosen = arguments.forest.profile.profile()?;
    arguments.output.check(arguments.state.as_slice())?;
    let mut state = arguments.state.as_deref().map(|file| open_state(file, &chosen)).transpose()?;
    let entra = match &chosen {
        Chosen::Entra(_) if !arguments.forest.without_tenant => Some(config.entra(Arc::clone(&clock), None)?),
        _ => None,
    };
    let tenant = entra.as_ref().map(EntraClient::tenant);
    let (rules, domains) = arguments.forest.rules(chosen, &config, tenant.as_ref(), &terminal).await?;
    let mut others = Vec::new();
    let forecaster = match (&tenant, &entra) {
        (Some(tenant), Some(client)) if rules.has_forecast() => {
            let files = arguments.tenant.objects()?;
            let users = match &mut state {
                _ if !files.is_empty() => Some(files),
                Some(state) => {
                    let (users, source) =
                        FollowedTenant::new(client, &config.tenant, &terminal).users(state).await?;
                    others.extend(source);
                    users
                }
                None => {
                    terminal.note("reading the users of the tenant");
                    all_users(tenant, &terminal, |_| Ok(())).await?
                }
            };
            arguments.tenant.read(tenant, domains.as_deref().unwrap_or_default(), users, &terminal).await?
        }
        _ => arguments.tenant.forecaster()?,
    };
    let rules = rules.with_forecaster(forecaster)?;
    let client = config.forest(clock).await?;
    let (result, errors) = match state {
        Some(state) => {
            let forest = FollowedForest::new(&client, &config.forest.bind, &rules, &terminal).await?;
            Box::pin(forest.scan(rules, state, others)).await?
        }
        None => arguments.forest.scan(rules, &client.forest(), &terminal).await?,
    };
    let sources = vec![ReportSource::directory(config.forest.host)];
    let profile = arguments.forest.profile.name();
    arguments.output.write(Scanned { result, errors, sources, profile })
}

impl ForestArguments {
    /// Returns the rules of a profile, and the domains of the tenant, if there is one to ask.
    pub(super) async fn rules(
        &self,
        mut chosen: Chosen,
        config: &Config,
        tenant: Option<&Tenant>,
        terminal: &Terminal,
    ) -> Result<(Rules, Option<Vec<TenantDomain>>)> {
        let mut domains = None;
        if let Chosen::Entra(profile) = &mut chosen {
            if profile.upn_suffix.is_none() {
                profile.upn_suffix = Some(config.spec.domain.clone());
            }
            if let Some(tenant) = tenant.filter(|_| !self.without_tenant) {
                terminal.note("reading the domains of the tenant");
                domains = Some(tenant.domains.list().await?);
            }
        }
        let verified = domains.as_deref().map(verified);
        Ok((Rules::new(chosen, &self.profile, verified)?, domains))
    }

    /// Judges the objects of a forest.
    pub(super) async fn scan(
        &self,
        mut rules: Rules,
        forest: &Forest,
        terminal: &Terminal,
    ) -> Result<(ScanResult, InputErrors)> {
        let mut query = ObjectQuery::all(rules.attributes()).with_filter(candidates());
        if let Some(base) = &self.below {
            query = query.below(base.clone());
        }
        let mut objects = forest.objects.search(query);
        let mut read = 0_u64;
        let mut errors = InputErrors::default();
        while let Some(object) = objects.next().await {
            match object {
                Ok(object) => {
                    rules.add(DirectoryObject::from(object));
                    read += 1;
                    if read.is_multiple_of(PROGRESS) {
                        terminal.note(format!("read {read} objects of the forest"));
                    }
                }
                Err(error) if error.kind() == onramp_core::ErrorKind::Unreadable => {
                    errors.tell(&error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        if read == 0 {
            errors.tell(&nothing_read(self.below.as_ref()));
        }
        Ok((rules.finish(), errors))
    }
}

/// Opens the state for a scan with rules of Entra.
fn open_state(file: &Path, chosen: &Chosen) -> Result<StateFile> {
    match chosen {
        Chosen::Entra(_) => StateFile::open(file),
        Chosen::Idfix(_) => Err(Error::new(ErrorKind::Invalid, "use --state")
            .with_detail(
                "the findings of IdFix come in the order in which the directory is read, each time all of it",
            )
            .with_hint("Use the profile entra, or leave out --state.")),
    }
}

/// The domains that the tenant has verified.
fn verified(domains: &[TenantDomain]) -> Vec<DomainName> {
    domains.iter().filter(|domain| domain.is_verified).map(|domain| domain.name.clone()).collect()
}
