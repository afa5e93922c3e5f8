//! The verification of attributes: every object of a plan is read again and compared value by value.

use onramp_core::Result;
use onramp_core::forest::{ChangeState, ObjectChange};

use super::undo::read_edited;
use super::{SeenObject, objects};
use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, ObjectEdit};
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
    let edits: Vec<&ObjectEdit> =
        plan.changes().iter().filter_map(|planned| planned.change.of_attributes()).collect();
    let seen = read_edited(onramp, edits.iter().copied()).await?;
    let mut wrong = Vec::new();
    for (edit, seen) in edits.iter().zip(&seen) {
        match seen {
            SeenObject::Found { object, .. } => {
                let change = ObjectChange::from(*edit);
                if change.state(object) != ChangeState::After {
                    // The values that were wanted, and not those before.
                    let wanted = ObjectChange::from(&edit.reversed());
                    wrong.push(format!("{}: {}", object.dn, wanted.difference(object)));
                }
            }
            SeenObject::Missing => wrong.push(format!("{} no longer exists or cannot be read", edit.dn)),
        }
    }
    // Both of two objects that have one value have theirs as planned.
    let changes = plan.changes().iter().map(|planned| &planned.change);
    wrong.extend(
        shared_values(onramp, plan, changes.filter(|change| change.of_attributes().is_some())).await?,
    );
    let left = plan.blockers().len();
    let mut detail =
        vec![format!("{} of {}", edits.len().saturating_sub(wrong.len()), objects(edits.len() as u64))];
    detail.extend((!wrong.is_empty()).then(|| named(&wrong)));
    detail.extend((left > 0).then(|| format!("{left} left out by the plan")));
    let status = match (wrong.len(), left) {
        (0, 0) => CheckStatus::True,
        (0, _) => CheckStatus::TrueButForBlocked,
        _ => CheckStatus::False,
    };
    let name = match plan.header().undoes {
        Some(_) => "the restored objects have the values from before the run",
        None => "the fixed objects have the values of their fixes",
    };
    verification.check(name, status, detail.join("; "));
    Ok(())
}
