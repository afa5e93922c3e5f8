//! Step 4: directory synchronization is turned on in the tenant.

use std::collections::HashMap;

use onramp_core::Result;
use onramp_core::tenant::SyncState;

use onramp_readiness::forecast::{CloudIndex, note_roles};

use super::result::{StepResult, already, done};
use crate::apply::Context;
use crate::onramp::Onramp;
use crate::plan::{Change, Consequence, Draft, PlannedChange, by_place, sorted};
use crate::spec::Spec;
use crate::survey::{Survey, SyncSurvey, may_be_hidden, readable};
use crate::undo::Undoing;
use crate::verify::{Comparison, Verification, truth};

pub(crate) async fn survey(onramp: &Onramp) -> Result<SyncSurvey> {
    Ok(SyncSurvey::new(onramp.tenant.sync.status().await?))
}

/// Reads the users of the tenant.
pub(crate) async fn read_cloud_users(onramp: &Onramp, survey: &mut Survey) -> Result<CloudIndex> {
    let mut index = CloudIndex::default();
    let mut users = onramp.tenant.users.list();
    while let Some(user) = readable(&mut users, &mut survey.unreadable).await? {
        survey.counts.tenant_users += 1;
        onramp.report_reading("users of the tenant", survey.counts.tenant_users);
        index.add(&user);
    }
    onramp.report_read("users of the tenant", survey.counts.tenant_users);
    Ok(index)
}

/// Reads the data that decides on possible matches: roles, and the kinds of match that the tenant blocks.
pub(crate) async fn read_matching_rules(onramp: &Onramp, survey: &mut Survey) -> Result<()> {
    match may_be_hidden(onramp.tenant.roles.assignments().await)? {
        Some(assignments) => note_roles(&mut survey.sync.possible_matches, &assignments),
        None => survey.sync.roles_known = false,
    }
    if let Some(features) = may_be_hidden(onramp.tenant.sync.features().await)? {
        survey.sync.matches_blocked.soft = features.block_soft_match == Some(true);
        survey.sync.matches_blocked.hard = features.block_hard_match == Some(true);
        survey.sync.matches_blocked.upn = features.soft_match_on_upn == Some(false);
    }
    Ok(())
}

pub(crate) fn plan(spec: &Spec, survey: &Survey, draft: &mut Draft) {
    let is_on = survey.sync.status.state == SyncState::Enabled;
    if spec.sync.enable && !is_on {
        draft.change(Change::EnableSync, "the spec wants synchronization on");
        draft.consequences.push(Consequence::SyncSwitchedOn);
    }
    let planned: HashMap<_, &str> = (draft.changes.iter())
        .filter_map(|planned| planned.change.upn_values())
        .filter_map(|values| Some((values.guid, values.after?)))
        .collect();
    let changes_users = draft.changes.iter().any(|planned| planned.change.is_of_user());
    if !(spec.sync.enable || is_on) || (is_on && !changes_users) {
        return;
    }
    let (mut matches, mut conflicts) = (Vec::new(), Vec::new());
    for possible in sorted(&survey.sync.possible_matches, |possible| by_place(&possible.user)) {
        // A blocked user keeps its current UPN, and synchronization matches by that.
        let upn = planned.get(&possible.user.guid).copied().or(possible.present_upn.as_deref());
        let (matched, more) = possible.forecast(upn, survey.sync.matches_blocked);
        matches.extend(matched);
        conflicts.extend(more);
    }
    let has_none = matches.is_empty() && conflicts.is_empty();
    if !has_none && !survey.sync.roles_known {
        let warning = "the directory roles of cloud users may not be read: administrators among them will not be matched";
        draft.warnings.push(warning.to_owned());
    }
    if !matches.is_empty() {
        draft.consequences.push(Consequence::CloudUsersOverwritten { matches });
    }
    if !conflicts.is_empty() {
        draft.consequences.push(Consequence::SyncConflictsExpected { conflicts });
    }
}

/// Turns synchronization on.
pub(crate) async fn enable(context: &Context<'_>) -> StepResult {
    let port = &context.onramp.tenant.sync;
    if port.status().await?.state == SyncState::Enabled {
        return already();
    }
    port.set_enabled(true).await?;
    context
        .visible("directory synchronization on", || async {
            Ok(port.status().await?.state == SyncState::Enabled)
        })
        .await?;
    done()
}

/// Turns synchronization off.
pub(crate) async fn disable(context: &Context<'_>) -> StepResult {
    let port = &context.onramp.tenant.sync;
    if port.status().await?.state != SyncState::Enabled {
        return already();
    }
    port.set_enabled(false).await?;
    context
        .visible("directory synchronization off", || async {
            Ok(port.status().await?.state != SyncState::Enabled)
        })
        .await?;
    done()
}

/// Undoes a change of the switch.
pub(crate) async fn undo(undoing: &mut Undoing<'_>, made: &PlannedChange) -> Result<()> {
    let state = undoing.onramp.tenant.sync.status().await?.state;
    match (&made.change, state) {
        (Change::EnableSync, SyncState::Enabled) => {
            undoing.accept(Consequence::SyncSwitchedOff);
            undoing.undo(made, Change::DisableSync);
        }
        (Change::DisableSync, state) if state != SyncState::Enabled => {
            undoing.accept(Consequence::SyncSwitchedOn);
            undoing.undo(made, Change::EnableSync);
        }
        _ => {}
    }
    Ok(())
}

/// Returns true if the switch is as a change sets it.
pub(crate) async fn is_made(onramp: &Onramp, change: &Change) -> Result<bool> {
    let is_on = onramp.tenant.sync.status().await?.state == SyncState::Enabled;
    Ok(match change {
        Change::EnableSync => is_on,
        Change::DisableSync => !is_on,
        _ => true,
    })
}

pub(crate) fn verify(comparison: &Comparison<'_>, verification: &mut Verification) {
    if comparison.spec.sync.enable {
        let is_on = !comparison.still_has(|change| matches!(change, Change::EnableSync));
        let detail = format!("the switch is {}", comparison.survey.sync.status.state);
        verification.check("directory synchronization is on", truth(is_on), detail);
    }
}
