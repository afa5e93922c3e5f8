//! The verification of attributes: every object of a plan is read again and compared value by value.

use onramp_core::Result;

use super::edited::differences;
use super::objects;
use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, ObjectEdit};
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
    let wrong = differences(onramp, &edits).await?;
    let left = plan.blockers().len();
    let mut detail = vec![format!("{} of {}", edits.len() - wrong.len(), objects(edits.len() as u64))];
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
