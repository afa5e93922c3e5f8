//! The switch and the settings of directory synchronization.

use onramp_core::OffsetDateTime;
use onramp_core::tenant::{DeletionPrevention, SyncFeatures, SyncState, SyncStatus};
use time::Duration;

use crate::preflight::catalog::{
    DELETION_THRESHOLD, HARD_MATCH_BLOCK, HARD_MATCH_BYPASS, LAST_SYNCHRONIZATION, SYNC_SWITCHING_OFF,
};
use crate::preflight::item::{Judged, Verdict};
use crate::preflight::scope::PreflightScope;

/// The time that turning synchronization off may take.
const SWITCHING_OFF: Duration = Duration::hours(72);
/// The age of a synchronization from which on Entra warns by mail.
const LATE: Duration = Duration::hours(24);
const USUAL_OBJECTS: u32 = 500;
const USUAL_PERCENT: u32 = 10;

pub(in crate::preflight) const OF_STATUS: [&str; 2] = [SYNC_SWITCHING_OFF, LAST_SYNCHRONIZATION];
pub(in crate::preflight) const OF_FEATURES: [&str; 3] =
    [HARD_MATCH_BLOCK, HARD_MATCH_BYPASS, DELETION_THRESHOLD];

/// Judges the switch.
pub(in crate::preflight) fn judge_status(
    status: &SyncStatus,
    scope: &PreflightScope,
    now: OffsetDateTime,
) -> Vec<Judged> {
    vec![
        (SYNC_SWITCHING_OFF, switching_off(status, scope, now)),
        (LAST_SYNCHRONIZATION, last_synchronization(status, now)),
    ]
}

fn switching_off(status: &SyncStatus, scope: &PreflightScope, now: OffsetDateTime) -> Verdict {
    if status.state != SyncState::Disabled {
        return Verdict::pass(format!("synchronization is {}", status.state));
    }
    if !scope.sync {
        return Verdict::pass("synchronization is switched off, and the job leaves it so");
    }
    match status.last_sync {
        // It was on at that time, so that it was turned off later.
        Some(last) if now - last < SWITCHING_OFF => Verdict::fail(format!(
            "synchronization is switched off, and the last one was at {last}: it was turned off less than 72 hours ago"
        )),
        Some(last) => Verdict::warn(format!(
            "synchronization is switched off; the last one was at {last}, the time of the change is not known"
        )),
        None => Verdict::warn("synchronization is switched off; the time of the change is not known"),
    }
}

fn last_synchronization(status: &SyncStatus, now: OffsetDateTime) -> Verdict {
    match (status.state, status.last_sync) {
        (SyncState::Enabled, Some(last)) if now - last > LATE => {
            Verdict::warn(format!("synchronization is on, and the last one was at {last}"))
        }
        (_, Some(last)) => Verdict::pass(format!("the last synchronization was at {last}")),
        (_, None) => Verdict::pass("the tenant was never synchronized"),
    }
}

/// Judges the settings.
pub(in crate::preflight) fn judge_features(
    features: &SyncFeatures,
    state: SyncState,
    scope: &PreflightScope,
) -> Vec<Judged> {
    vec![
        (HARD_MATCH_BLOCK, hard_match_block(features, state, scope)),
        (HARD_MATCH_BYPASS, hard_match_bypass(features, state)),
        (DELETION_THRESHOLD, deletion_threshold(features, state)),
    ]
}

fn hidden(state: SyncState) -> Verdict {
    Verdict::cannot_tell(match state {
        SyncState::NeverEnabled => {
            "a tenant has these settings only once synchronization was turned on, and shows them to a signed-in user only"
        }
        _ => {
            "these settings are hidden from applications: a signed-in user with OnPremDirectorySynchronization.Read.All and the role Hybrid Identity Administrator sees them"
        }
    })
}

fn hard_match_block(features: &SyncFeatures, state: SyncState, scope: &PreflightScope) -> Verdict {
    match (features.block_hard_match, state) {
        (None, _) => hidden(state),
        (Some(true), SyncState::Disabled) if scope.sync => Verdict::fail(
            "blockCloudObjectTakeoverThroughHardMatchEnabled is true: the cloud objects of the earlier synchronization are not taken over again",
        ),
        (Some(true), SyncState::NeverEnabled) if scope.sync => Verdict::warn(
            "blockCloudObjectTakeoverThroughHardMatchEnabled is true: cloud users with the anchor of a forest user are not taken over",
        ),
        (Some(true), _) => Verdict::pass(
            "takeover by hard match is blocked, as Microsoft advises once all objects are matched",
        ),
        (Some(false), _) => Verdict::pass(
            "blockCloudObjectTakeoverThroughHardMatchEnabled is false; since July 2026 Entra blocks the takeover of an object of another forest object by itself",
        ),
    }
}

fn hard_match_bypass(features: &SyncFeatures, state: SyncState) -> Verdict {
    match features.allow_identifier_update {
        None => hidden(state),
        Some(true) => Verdict::fail(
            "allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled is true: whoever may write an anchor on-premises can take over a cloud account",
        ),
        Some(false) => Verdict::pass("the block of hard matches is not bypassed"),
    }
}

fn deletion_threshold(features: &SyncFeatures, state: SyncState) -> Verdict {
    match features.deletion_prevention {
        None => hidden(state),
        Some(DeletionPrevention::Disabled) => Verdict::fail(
            "accidentalDeletionPrevention is disabled: a wrong filter deletes every user in the cloud",
        ),
        Some(DeletionPrevention::Objects(count)) if count > USUAL_OBJECTS => {
            Verdict::warn(format!("synchronization stops at {count} deletions"))
        }
        Some(DeletionPrevention::Percent(share)) if share > USUAL_PERCENT => {
            Verdict::warn(format!("synchronization stops at {share} percent of deletions"))
        }
        Some(DeletionPrevention::Objects(count)) => {
            Verdict::pass(format!("synchronization stops at {count} deletions"))
        }
        Some(DeletionPrevention::Percent(share)) => {
            Verdict::pass(format!("synchronization stops at {share} percent of deletions"))
        }
        Some(_) => Verdict::cannot_tell("the threshold is of an unknown kind"),
    }
}
