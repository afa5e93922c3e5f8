//! The tenant against which matches are forecast: read over Graph, or exported to files.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::StreamExt;
use onramp_core::tenant::{RoleAssignment, Tenant, TenantDomain, TenantUser};
use onramp_core::{DomainName, Error, ErrorKind, Result, visible};
use onramp_readiness::forecast::{CloudObject, CloudObjects, Forecaster, TenantFlags, read_role_assignments};
use onramp_readiness::source::SourceError;

use super::messages::io_error;
use crate::terminal::Terminal;

/// The number of users after which the progress is told again.
const PROGRESS: usize = 5000;

#[derive(Debug, Args)]
pub(super) struct TenantArguments {
    /// Users of the tenant, and groups and contacts, as JSON of Graph (/users?$select=…), to forecast which of them
    /// synchronization overwrites. Can be given several times.
    #[arg(long, value_name = "FILE")]
    tenant_users: Vec<PathBuf>,
    /// The role assignments of the tenant, as JSON of Graph (/roleManagement/directory/roleAssignments). Without them, nobody
    /// knows which users are administrators.
    #[arg(long, value_name = "FILE")]
    tenant_roles: Option<PathBuf>,
    /// The switches of the tenant, as JSON of Graph (/directory/onPremisesSynchronization), which a signed-in administrator
    /// can read and an application cannot.
    #[arg(long, value_name = "FILE")]
    tenant_flags: Option<PathBuf>,
    /// The initial domain of the tenant, in which an object gets a UPN if its own is taken.
    #[arg(long, value_name = "DOMAIN")]
    initial_domain: Option<DomainName>,
}

impl TenantArguments {
    /// The forecaster for the objects in files, if there are some.
    pub(super) fn forecaster(&self) -> Result<Option<Forecaster>> {
        if self.tenant_users.is_empty() {
            if let Some(file) = self.tenant_roles.as_ref().or(self.tenant_flags.as_ref()) {
                return Err(Error::new(ErrorKind::Invalid, format!("use {}", file.display()))
                    .with_detail("roles and switches of a tenant say nothing without its users")
                    .with_hint("Add --tenant-users."));
            }
            return Ok(None);
        }
        let mut objects = self.objects()?;
        if let Some(roles) = self.roles()? {
            CloudObject::note_roles(&mut objects, &roles);
        }
        let flags = self.flags()?.unwrap_or_default().with_initial_domain(self.initial_domain.clone());
        Ok(Some(Forecaster::new(objects, flags)))
    }

    /// Reads the objects in files.
    pub(super) fn objects(&self) -> Result<Vec<CloudObject>> {
        let mut objects = Vec::new();
        for file in &self.tenant_users {
            for object in CloudObjects::new(open(file)?) {
                // A tenant of which a part is missing would look like one without conflicts.
                objects.push(object.map_err(|error| unreadable(file, &error))?);
            }
        }
        Ok(objects)
    }

    fn roles(&self) -> Result<Option<Vec<RoleAssignment>>> {
        let read =
            |file: &PathBuf| read_role_assignments(open(file)?).map_err(|error| unreadable(file, &error));
        self.tenant_roles.as_ref().map(read).transpose()
    }

    fn flags(&self) -> Result<Option<TenantFlags>> {
        let Some(file) = &self.tenant_flags else { return Ok(None) };
        let what = format!("read {}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| io_error(&what, &error))?;
        let flags = TenantFlags::from_graph_json(&text).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, visible(&what))
                .with_detail("it is not the answer to GET /directory/onPremisesSynchronization")
        })?;
        Ok(Some(flags))
    }

    /// The forecaster for a tenant whose users were read over Graph; other files go before what is read. `None` if they may not
    /// be read.
    pub(super) async fn read(
        &self,
        tenant: &Tenant,
        domains: &[TenantDomain],
        users: Option<Vec<CloudObject>>,
        terminal: &Terminal,
    ) -> Result<Option<Forecaster>> {
        let Some(mut objects) = users else {
            terminal.note("the users of the tenant cannot be read: there is no forecast of matches");
            return Ok(None);
        };
        let roles = match self.roles()? {
            Some(roles) => Some(roles),
            None => may_be_hidden(tenant.roles.assignments().await)?,
        };
        match roles {
            Some(roles) => CloudObject::note_roles(&mut objects, &roles),
            None => terminal.note(
                "the directory roles of the tenant cannot be read: who is an administrator is not known",
            ),
        }
        let flags = match self.flags()? {
            Some(flags) => flags,
            None => {
                let features = may_be_hidden(tenant.sync.features().await)?;
                features.map(|features| TenantFlags::from(&features)).unwrap_or_default()
            }
        };
        let initial = domains.iter().find(|domain| domain.is_initial).map(|domain| domain.name.clone());
        let initial = self.initial_domain.clone().or(initial);
        Ok(Some(Forecaster::new(objects, flags.with_initial_domain(initial))))
    }
}

/// Reads all users of a tenant, and hands each of them on. `None` if they may not be read.
pub(super) async fn all_users(
    tenant: &Tenant,
    terminal: &Terminal,
    mut each: impl FnMut(TenantUser) -> Result<()>,
) -> Result<Option<Vec<CloudObject>>> {
    let mut objects = Vec::new();
    let mut users = tenant.users.list();
    while let Some(user) = users.next().await {
        let Some(user) = may_be_hidden(user)? else { return Ok(None) };
        objects.push(CloudObject::from(&user));
        each(user)?;
        if objects.len().is_multiple_of(PROGRESS) {
            terminal.note(format!("read {} users of the tenant", objects.len()));
        }
    }
    Ok(Some(objects))
}

/// Returns `None` for data that this account may not read, or that the service does not have.
pub(super) fn may_be_hidden<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unsupported) => Ok(None),
        answer => answer.map(Some),
    }
}

fn open(file: &Path) -> Result<File> {
    File::open(file).map_err(|error| io_error(&format!("read {}", file.display()), &error))
}

fn unreadable(file: &Path, error: &SourceError) -> Error {
    let what = format!("read {}", file.display());
    Error::new(ErrorKind::Invalid, visible(&what)).with_detail(error.to_string())
}
