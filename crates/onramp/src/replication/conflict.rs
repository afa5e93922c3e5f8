//! Detection of values that lost against another write: then waiting does not help.

use futures_util::future::join_all;
use onramp_core::AttributeName;
use onramp_core::forest::{
    AttributeValue, DomainController, ReplicatedValue, ReplicationMetadata, ValueStamp,
};

use super::{ControllerStatus, ReplicationState};

const UPN: AttributeName = AttributeName::from_static("userPrincipalName");

/// Marks as conflicts the domain controllers that lack a user's UPN and hold another value that wins over it; and all of
/// them, if every one was read and none holds the UPN any more. Suffixes have many values and no conflicts.
pub(super) async fn mark(
    metadata: &dyn ReplicationMetadata,
    value: &ReplicatedValue,
    controllers: &mut [(DomainController, ControllerStatus)],
) {
    let ReplicatedValue::UserUpn { guid, upn, .. } = value else { return };
    if !controllers.iter().any(|(_, status)| status.state == ReplicationState::Lagging) {
        return;
    }
    let asked = controllers.iter().map(|(controller, status)| async {
        match status.state {
            ReplicationState::Lagging | ReplicationState::Converged => {
                metadata.stamp(controller, guid, &UPN).await.ok()
            }
            _ => None,
        }
    });
    let stamps = join_all(asked).await;
    let holds =
        |stamp: &ValueStamp| stamp.value.as_ref().and_then(AttributeValue::as_text) == Some(upn.as_str());
    let held = stamps.iter().flatten().find(|stamp| holds(stamp));
    let nobody_holds_it = held.is_none() && stamps.iter().all(Option::is_some);
    let ours = held.and_then(|stamp| stamp.written);
    let wins = |stamp: &ValueStamp| match (stamp.written, ours) {
        (Some(other), Some(ours)) => other.wins_over(&ours),
        _ => nobody_holds_it,
    };
    for ((_, status), stamp) in controllers.iter_mut().zip(&stamps) {
        if let Some(stamp) = stamp.as_ref().filter(|stamp| !holds(stamp) && wins(stamp)) {
            let found = stamp.value.as_ref().map(ToString::to_string);
            status.state = ReplicationState::Conflict { found };
        }
    }
}
