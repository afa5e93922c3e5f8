//! The verification of attributes: every object of a plan is read again and compared value by value.

use onramp_core::Result;
use onramp_core::forest::ReplicatedValue;

use super::edited::differences;
use super::objects;
use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, Change, ObjectEdit};
use crate::steps::second_look::shared_values;
use crate::steps::users::named;
use crate::verify::{CheckStatus, Verification};

/// Adds the check that every object has the values of a plan.
pub(crate) async fn verify(
    onramp: &Onramp,
    approved: &ApprovedPlan,
    verification: &mut Verification,
) -> Result<()> {
    let plan = approved.plan();
    let edits: Vec<&ObjectEdit> = (plan.changes().iter())
        .filter(|planned| !planned.change.is_of_user())
        .filter_map(|planned| planned.change.of_attributes())
        .collect();
    let mut wrong = differences(onramp, &edits).await?;
    // Both of two objects that have one value have theirs as planned.
    let changes = plan.changes().iter().map(|planned| &planned.change);
    let of_objects = changes.filter(|change| !change.is_of_user() && change.of_attributes().is_some());
    wrong.extend(shared_values(onramp, plan, of_objects).await?);
    let left = plan.blockers().len();
    let mut detail =
        vec![format!("{} of {}", edits.len().saturating_sub(wrong.len()), objects(edits.len() as u64))];
    detail.extend((!wrong.is_empty()).then(|| named(&wrong)));
    detail.extend((left > 0).then(|| format!("{left} left out by the plan")));
    let (lagging, silent) = replicated(onramp, approved, &mut detail).await?;
    let status = match (wrong.len() + lagging, left) {
        (1.., _) => CheckStatus::False,
        (0, _) if silent => CheckStatus::Unknown,
        (0, 0) => CheckStatus::True,
        (0, _) => CheckStatus::TrueButForBlocked,
    };
    let name = match plan.header().undoes {
        Some(_) => "the restored objects have the values from before the run",
        None => "the fixed objects have the values of their fixes",
    };
    verification.check(name, status, detail.join("; "));
    Ok(())
}

/// Looks for a sample of the new UPNs on every domain controller. Returns the number of those that one of them lacks, and true if one did
/// not answer.
async fn replicated(
    onramp: &Onramp,
    approved: &ApprovedPlan,
    detail: &mut Vec<String>,
) -> Result<(usize, bool)> {
    let awaited = approved.plan().changes().iter().filter_map(|planned| match &planned.change {
        Change::AwaitReplication { values, .. } => Some(values.clone()),
        _ => None,
    });
    let mut values: Vec<ReplicatedValue> = awaited.flatten().collect();
    values.retain(|value| matches!(value, ReplicatedValue::UserUpn { .. }));
    if values.is_empty() {
        return Ok((0, false));
    }
    let controllers = onramp.forest.replication.controllers().await?;
    let (lagging, mut silent) = onramp.ask_everywhere(&values, &controllers).await;
    let excused = approved.left_out();
    silent.retain(|host| !excused.iter().any(|left| left.eq_ignore_ascii_case(host)));
    detail.push(match lagging.len() {
        0 => format!("a sample of {} UPNs is on every domain controller that answers", values.len()),
        count => format!("{count} of a sample of {} UPNs are not on every domain controller", values.len()),
    });
    detail.extend((!silent.is_empty()).then(|| format!("no answer about them from {}", silent.join(", "))));
    Ok((lagging.len(), !silent.is_empty()))
}
