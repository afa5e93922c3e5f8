//! The changes of the service account, undone.

use futures_util::StreamExt;
use onramp_core::tenant::{AzureRoleId, MfaState, RoleTemplateId, TenantUser};
use onramp_core::{ObjectId, Result};

use crate::onramp::Onramp;
use crate::plan::{Change, Consequence, PlannedChange};
use crate::undo::Undoing;

/// Undoes one change of the service account. An account that the run created is deleted, so that its properties are not
/// set back before.
pub(crate) async fn undo(undoing: &mut Undoing<'_>, made: &PlannedChange) -> Result<()> {
    let onramp = undoing.onramp;
    if made.change.is_sign_in() {
        return Ok(());
    }
    let Some(id) = undoing.run.account_id(made) else {
        undoing.leave(made, "the journal does not have the object ID of the account");
        return Ok(());
    };
    if let Change::DeleteServiceAccount { upn, .. } = &made.change {
        match find_deleted(onramp, id).await? {
            true => {
                undoing.accept(Consequence::AccountRestored { upn: upn.clone(), id });
                undoing.restored = Some(id);
                undoing.undo(made, Change::RestoreServiceAccount { upn: upn.clone(), id });
            }
            false if onramp.tenant.users.get(&id).await.is_err() => {
                undoing.leave(made, "the account is not among those that can be restored any more");
            }
            false => {}
        }
        return Ok(());
    }
    if undoing.restored != Some(id) {
        match onramp.tenant.users.get(&id).await {
            Ok(account) => return undo_on(undoing, made, &account).await,
            Err(error) if error.is_not_found() => {
                // With an account that the run created, everything else of it is undone already.
                if !creates_account(undoing) {
                    undoing.leave(made, "the account no longer exists");
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    give_roles_back(undoing, made, id);
    Ok(())
}

/// Returns true if the run created or restored the account.
fn creates_account(undoing: &Undoing<'_>) -> bool {
    let creates = |planned: &PlannedChange| {
        matches!(planned.change, Change::CreateServiceAccount { .. } | Change::RestoreServiceAccount { .. })
    };
    undoing.run.made().any(creates)
}

/// Returns true if a deleted user with that object ID can be restored.
async fn find_deleted(onramp: &Onramp, id: ObjectId) -> Result<bool> {
    let mut deleted = onramp.tenant.users.deleted();
    while let Some(user) = deleted.next().await {
        match user {
            Ok(user) if user.user.id == id => return Ok(true),
            Err(error) if error.kind() != onramp_core::ErrorKind::Unreadable => return Err(error),
            _ => {}
        }
    }
    Ok(false)
}

async fn undo_on(undoing: &mut Undoing<'_>, made: &PlannedChange, account: &TenantUser) -> Result<()> {
    let (onramp, id) = (undoing.onramp, account.id);
    let is_deleted = creates_account(undoing);
    let changed_since = |now: &str| format!("it is {now} now, which is not the value that the run wrote");
    match &made.change {
        Change::CreateServiceAccount { upn, .. } | Change::RestoreServiceAccount { upn, .. } => {
            if account.upn == *upn {
                undoing.accept(Consequence::AccountDeleted { upn: upn.clone(), id });
                undoing.deleted = Some(id);
                undoing.undo(made, Change::DeleteServiceAccount { upn: upn.clone(), id });
            } else {
                undoing.leave(made, format!("the account {id} is {} now", account.upn));
            }
        }
        Change::AssignRole { upn, role, role_name, .. } if has_role(onramp, id, role).await? => {
            let (upn, role_name) = (upn.clone(), role_name.clone());
            undoing.accept(Consequence::RoleRemoved { upn: upn.clone(), role: role_name.clone() });
            undoing.undo(made, Change::RemoveRole { upn, id, role: *role, role_name });
        }
        Change::AssignSubscriptionRole { upn, subscription, subscription_name, role, role_name, .. }
            if has_subscription_role(onramp, id, subscription, role).await? =>
        {
            undoing.accept(Consequence::SubscriptionAccessRemoved {
                upn: upn.clone(),
                id: *subscription,
                subscription: subscription_name.clone(),
                role: role_name.clone(),
            });
            undoing.undo(
                made,
                Change::RemoveSubscriptionRole {
                    upn: upn.clone(),
                    id,
                    subscription: *subscription,
                    subscription_name: subscription_name.clone(),
                    role: *role,
                    role_name: role_name.clone(),
                },
            );
        }
        Change::RemoveRole { role, .. } if has_role(onramp, id, role).await? => {}
        Change::RemoveSubscriptionRole { subscription, role, .. }
            if has_subscription_role(onramp, id, subscription, role).await? => {}
        Change::RemoveRole { .. } | Change::RemoveSubscriptionRole { .. } => {
            give_roles_back(undoing, made, id);
        }
        _ if is_deleted => {}
        Change::SetServiceAccountPassword { .. } => {
            undoing.leave(
                made,
                "a password cannot be undone: the one from before the run is not known to Onramp, and the account keeps \
                 the one that the run set",
            );
        }
        Change::SetMfaState { upn, before, after, .. } => {
            let now = onramp.tenant.sign_in.mfa_state(&id).await?;
            if now == *after {
                if *before == MfaState::Disabled {
                    undoing.accept(Consequence::MfaSwitchedOff { upn: upn.clone() });
                }
                restore_property(
                    undoing,
                    made,
                    Change::SetMfaState { upn: upn.clone(), id: Some(id), before: *after, after: *before },
                );
            } else if now != *before {
                undoing.leave(made, changed_since(&now.to_string()));
            }
        }
        Change::SetAlternateEmail { upn, before, after, .. } => {
            if account.other_mails == *after {
                let (before, after) = (after.clone(), before.clone());
                restore_property(
                    undoing,
                    made,
                    Change::SetAlternateEmail { upn: upn.clone(), id: Some(id), before, after },
                );
            } else if account.other_mails != *before {
                undoing.leave(made, changed_since(&account.other_mails.join(", ")));
            }
        }
        Change::EnableServiceAccount { upn, .. } if account.account_enabled => {
            restore_property(undoing, made, Change::DisableServiceAccount { upn: upn.clone(), id });
        }
        Change::DisableServiceAccount { upn, .. } if !account.account_enabled => {
            restore_property(undoing, made, Change::EnableServiceAccount { upn: upn.clone(), id: Some(id) });
        }
        _ => {}
    }
    Ok(())
}

/// Adds a change of a property, with its consequence.
fn restore_property(undoing: &mut Undoing<'_>, made: &PlannedChange, change: Change) {
    if let Some(upn) = change.account_upn() {
        let (upn, changes) = (upn.clone(), vec![change.to_string()]);
        undoing.accept(Consequence::AccountPropertiesRestored { upn, changes });
    }
    undoing.undo(made, change);
}

/// Adds the role again that an earlier undo removed.
fn give_roles_back(undoing: &mut Undoing<'_>, made: &PlannedChange, id: ObjectId) {
    match &made.change {
        Change::RemoveRole { upn, role, role_name, .. } => {
            let (upn, role_name) = (upn.clone(), role_name.clone());
            undoing.accept(Consequence::PrivilegedRoleGranted { upn: upn.clone(), role: role_name.clone() });
            undoing.undo(made, Change::AssignRole { upn, id: Some(id), role: *role, role_name });
        }
        Change::RemoveSubscriptionRole { upn, subscription, subscription_name, role, role_name, .. } => {
            undoing.accept(Consequence::SubscriptionAccessGranted {
                upn: upn.clone(),
                id: *subscription,
                subscription: subscription_name.clone(),
                role: role_name.clone(),
            });
            undoing.undo(
                made,
                Change::AssignSubscriptionRole {
                    upn: upn.clone(),
                    id: Some(id),
                    subscription: *subscription,
                    subscription_name: subscription_name.clone(),
                    role: *role,
                    role_name: role_name.clone(),
                },
            );
        }
        _ => {}
    }
}

async fn has_role(onramp: &Onramp, id: ObjectId, role: &RoleTemplateId) -> Result<bool> {
    let held = onramp.tenant.roles.assignments_of(&id).await?;
    Ok(held.iter().any(|held| held.role == *role && held.scope == "/"))
}

async fn has_subscription_role(
    onramp: &Onramp,
    id: ObjectId,
    subscription: &ObjectId,
    role: &AzureRoleId,
) -> Result<bool> {
    let held = onramp.tenant.subscriptions.assignments(subscription, &id).await?;
    Ok(held.iter().any(|held| held.role == *role))
}

/// Returns true if the account is as a change makes it.
pub(crate) async fn is_made(onramp: &Onramp, change: &Change) -> Result<bool> {
    let Some(id) = change.account_id() else { return Ok(true) };
    let users = &onramp.tenant.users;
    Ok(match change {
        Change::AssignRole { role, .. } => has_role(onramp, id, role).await?,
        Change::RemoveRole { role, .. } => !has_role(onramp, id, role).await?,
        Change::AssignSubscriptionRole { subscription, role, .. } => {
            has_subscription_role(onramp, id, subscription, role).await?
        }
        Change::RemoveSubscriptionRole { subscription, role, .. } => {
            !has_subscription_role(onramp, id, subscription, role).await?
        }
        Change::SetMfaState { after, .. } => onramp.tenant.sign_in.mfa_state(&id).await? == *after,
        Change::SetAlternateEmail { after, .. } => users.get(&id).await?.other_mails == *after,
        Change::EnableServiceAccount { .. } => users.get(&id).await?.account_enabled,
        Change::DisableServiceAccount { .. } => !users.get(&id).await?.account_enabled,
        Change::RestoreServiceAccount { .. } => users.get(&id).await.map(|_| true)?,
        Change::DeleteServiceAccount { .. } => match users.get(&id).await {
            Ok(_) => false,
            Err(error) if error.is_not_found() => true,
            Err(error) => return Err(error),
        },
        _ => true,
    })
}
