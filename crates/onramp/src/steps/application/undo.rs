//! The changes of the application, undone.

use onramp_core::tenant::{AppRole, AppRoleAssignment, Application};
use onramp_core::{ObjectId, Result};

use super::own_certificates;
use crate::onramp::Onramp;
use crate::plan::{Change, Consequence, PlannedChange};
use crate::undo::Undoing;

/// Undoes one change of the application. A registration that the run created is deleted as a whole, unless somebody else uses it.
pub(crate) async fn undo(undoing: &mut Undoing<'_>, made: &PlannedChange) -> Result<()> {
    let (onramp, Some(unique_name)) = (undoing.onramp, made.change.unique_name()) else { return Ok(()) };
    let unique_name = unique_name.to_owned();
    match &made.change {
        Change::ProveApplicationSignIn { .. } => return Ok(()),
        Change::DeleteApplication { .. } => {
            let how = "a deleted application is restored in the Entra admin center, for 30 days";
            undoing.leave(made, how);
            return Ok(());
        }
        Change::RemoveApplicationCertificate { .. } => {
            undoing.leave(made, "the tenant does not give a removed certificate back");
            return Ok(());
        }
        Change::DeleteServicePrincipal { .. } => {
            undoing.leave(
                made,
                "a deleted service principal is restored in the Entra admin center, for 30 days",
            );
            return Ok(());
        }
        _ => {}
    }
    let Some(id) = undoing.run.account_id(made) else {
        undoing.leave(made, "the journal does not have the object ID of the application");
        return Ok(());
    };
    let created = creates(undoing, |change| matches!(change, Change::CreateApplication { .. }));
    let Some(application) =
        onramp.tenant.applications.find(&unique_name).await?.filter(|found| found.id == id)
    else {
        // With a registration that the run created, everything else of it is undone already.
        if !created {
            undoing.leave(made, "the application no longer exists");
        }
        return Ok(());
    };
    let others = used_by_others(undoing, &unique_name, &application).await?;
    if matches!(made.change, Change::CreateApplication { .. }) {
        match others {
            Some(others) => undoing.leave(made, others),
            None => {
                undoing.accept(Consequence::ApplicationDeleted { unique_name: unique_name.clone(), id });
                undoing.undo(made, Change::DeleteApplication { unique_name, id });
            }
        }
        return Ok(());
    }
    if created && others.is_none() {
        // Deleted with the registration.
        return Ok(());
    }
    undo_on(undoing, made, &unique_name, &application).await
}

async fn undo_on(
    undoing: &mut Undoing<'_>,
    made: &PlannedChange,
    unique_name: &str,
    application: &Application,
) -> Result<()> {
    let (onramp, id) = (undoing.onramp, application.id);
    let name = || unique_name.to_owned();
    match &made.change {
        Change::GrantAppRole { resource, role, .. }
            if holds(onramp, application, &AppRole::new(*resource, role.clone())).await? =>
        {
            let (resource, role) = (*resource, role.clone());
            undoing.accept(Consequence::AppRoleRevoked { unique_name: name(), resource, role: role.clone() });
            undoing.undo(made, Change::RevokeAppRole { unique_name: name(), id, resource, role });
        }
        Change::RevokeAppRole { resource, role, .. }
            if application.service_principal.is_some()
                && !holds(onramp, application, &AppRole::new(*resource, role.clone())).await? =>
        {
            let (resource, role) = (*resource, role.clone());
            undoing.accept(Consequence::AppRoleGranted { unique_name: name(), resource, role: role.clone() });
            undoing.undo(made, Change::GrantAppRole { unique_name: name(), id: Some(id), resource, role });
        }
        Change::AddApplicationCertificate { before, thumbprint, .. } => {
            let held = onramp.tenant.applications.certificates(&id).await?;
            let added: Vec<_> = match thumbprint {
                Some(brought) => {
                    held.iter().filter(|held| held.thumbprint.as_ref() == Some(brought)).collect()
                }
                None => own_certificates(unique_name, &held),
            };
            let added: Vec<_> = added.into_iter().filter(|held| !before.contains(&held.key_id)).collect();
            match added.as_slice() {
                [] => {}
                [added] if held.len() > 1 => {
                    undoing.accept(Consequence::ApplicationCertificateRemoved {
                        unique_name: name(),
                        key_id: added.key_id,
                    });
                    let change = Change::RemoveApplicationCertificate {
                        unique_name: name(),
                        id,
                        key_id: added.key_id,
                        thumbprint: added.thumbprint.clone(),
                        needs_proof: false,
                    };
                    undoing.undo(made, change);
                }
                [_] => undoing.leave(made, "it is the only certificate of the application"),
                _ => undoing.leave(made, "several certificates were added since"),
            }
        }
        Change::CreateServicePrincipal { .. } if application.service_principal.is_some() => {
            let held = assignments(onramp, application).await?.len();
            if held > granted_by(undoing) {
                undoing.leave(made, "it has permissions that the run did not grant");
            } else {
                undoing.accept(Consequence::ServicePrincipalDeleted { unique_name: name(), id });
                undoing.undo(made, Change::DeleteServicePrincipal { unique_name: name(), id });
            }
        }
        _ => {}
    }
    Ok(())
}

fn creates(undoing: &Undoing<'_>, is_creation: impl Fn(&Change) -> bool) -> bool {
    undoing.run.made().any(|planned| is_creation(&planned.change))
}

/// Returns the number of permissions that the run granted.
fn granted_by(undoing: &Undoing<'_>) -> usize {
    undoing.run.made().filter(|planned| matches!(planned.change, Change::GrantAppRole { .. })).count()
}

/// Returns the reason why a registration is not deleted although the run created it, if there is one: others use it.
async fn used_by_others(
    undoing: &Undoing<'_>,
    unique_name: &str,
    application: &Application,
) -> Result<Option<String>> {
    let onramp = undoing.onramp;
    let held = onramp.tenant.applications.certificates(&application.id).await?;
    let brought: Vec<&String> = (undoing.run.made())
        .filter_map(|planned| match &planned.change {
            Change::AddApplicationCertificate { thumbprint, .. } => thumbprint.as_ref(),
            _ => None,
        })
        .collect();
    let own = own_certificates(unique_name, &held);
    let foreign = held
        .iter()
        .filter(|held| !own.iter().any(|own| own.key_id == held.key_id))
        .filter(|held| !held.thumbprint.as_ref().is_some_and(|hash| brought.contains(&hash)))
        .count();
    let mut why = Vec::new();
    if foreign > 0 {
        why.push(format!("{foreign} certificates that Onramp did not add"));
    }
    if application.secrets > 0 {
        why.push(format!("{} client secrets", application.secrets));
    }
    let extra = assignments(onramp, application).await?.len().saturating_sub(granted_by(undoing));
    if extra > 0 {
        why.push(format!("{extra} permissions that the run did not grant"));
    }
    Ok((!why.is_empty()).then(|| format!("somebody else uses the application: it has {}", why.join(" and "))))
}

async fn assignments(onramp: &Onramp, application: &Application) -> Result<Vec<AppRoleAssignment>> {
    match &application.service_principal {
        Some(principal) => onramp.tenant.applications.app_roles_of(principal).await,
        None => Ok(Vec::new()),
    }
}

async fn holds(onramp: &Onramp, application: &Application, role: &AppRole) -> Result<bool> {
    let Some(offered) = onramp.tenant.applications.app_role(role).await? else { return Ok(false) };
    Ok(assignments(onramp, application).await?.iter().any(|held| offered.is_given_by(held)))
}

/// Returns true if the application is as a change makes it.
pub(crate) async fn is_made(onramp: &Onramp, change: &Change) -> Result<bool> {
    let Some(unique_name) = change.unique_name() else { return Ok(true) };
    let port = &onramp.tenant.applications;
    let id = change.application_id();
    let is_it = |found: &Application| id.is_none_or(|id: ObjectId| found.id == id);
    let found = port.find(unique_name).await?.filter(is_it);
    Ok(match (change, &found) {
        (Change::DeleteApplication { .. }, found) => found.is_none(),
        (Change::DeleteServicePrincipal { .. }, Some(found)) => found.service_principal.is_none(),
        (Change::GrantAppRole { resource, role, .. }, Some(found)) => {
            holds(onramp, found, &AppRole::new(*resource, role.clone())).await?
        }
        (Change::RevokeAppRole { resource, role, .. }, Some(found)) => {
            !holds(onramp, found, &AppRole::new(*resource, role.clone())).await?
        }
        (Change::RemoveApplicationCertificate { key_id, .. }, Some(found)) => {
            !port.certificates(&found.id).await?.iter().any(|held| held.key_id == *key_id)
        }
        (Change::GrantAppRole { .. }, None) => false,
        _ => true,
    })
}
