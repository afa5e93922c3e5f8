//! Whether a value that does not arrive has lost against another one: then waiting does not help, and it is no lag.

use futures_util::future::join_all;

use super::{
    AttributeValue, ControllerProgress, Convergence, DomainController, ReplicatedValue, Replication,
    ValueStamp,
};
use crate::AttributeName;

const UPN: AttributeName = AttributeName::from_static("userPrincipalName");

/// Marks those that lack a user's UPN and hold another value that wins over it where both meet; and all, if every domain
/// controller was asked and none holds it any more. Of suffixes, any number stand beside each other.
pub(super) async fn mark<R: Replication + ?Sized>(
    port: &R,
    value: &ReplicatedValue,
    controllers: &mut [(DomainController, ControllerProgress)],
) {
    let ReplicatedValue::UserUpn { guid, upn, .. } = value else { return };
    if !controllers.iter().any(|(_, progress)| progress.convergence == Convergence::Lagging) {
        return;
    }
    let asked = controllers.iter().map(|(controller, progress)| async {
        match progress.convergence {
            Convergence::Lagging | Convergence::Converged => port.stamp(controller, guid, &UPN).await.ok(),
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
        (Some(other), Some(ours)) => other.outranks(&ours),
        _ => nobody_holds_it,
    };
    for ((_, progress), stamp) in controllers.iter_mut().zip(&stamps) {
        if let Some(stamp) = stamp.as_ref().filter(|stamp| !holds(stamp) && wins(stamp)) {
            let found = stamp.value.as_ref().map(ToString::to_string);
            progress.convergence = Convergence::Conflict { found };
        }
    }
}
