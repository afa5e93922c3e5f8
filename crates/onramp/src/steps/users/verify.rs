//! The verification of the users.

use std::collections::{HashMap, HashSet};
use std::fmt;

use futures_util::TryStreamExt;
use onramp_core::forest::{ReplicatedValue, UserQuery};
use onramp_core::{ErrorKind, ObjectGuid, Result, Upn};

use crate::onramp::Onramp;
use crate::plan::{ApprovedPlan, Blocker, BlockerKind, ObjectEdit};
use crate::steps::attributes;
use crate::steps::replication::Sample;
use crate::verify::{CheckStatus, Comparison, Verification, truth};

pub(crate) async fn verify(comparison: &Comparison<'_>, verification: &mut Verification) -> Result<()> {
    let changes_users = comparison.approved.is_some_and(|approved| approved.plan().users_changed() > 0);
    if comparison.spec.users.is_some() || changes_users {
        let (status, detail) = verify_users(comparison).await?;
        verification.check("the selected users have their new UPN", status, detail);
    }
    if let Some(approved) = comparison.approved {
        let name = "the changed users have their new addresses";
        verify_addresses(comparison.onramp, approved, name, verification).await?;
    }
    Ok(())
}

/// Compares the users of a plan that changes addresses with the forest, value by value.
pub(super) async fn verify_addresses(
    onramp: &Onramp,
    approved: &ApprovedPlan,
    name: &str,
    verification: &mut Verification,
) -> Result<()> {
    let edits: Vec<&ObjectEdit> = (approved.plan().changes().iter())
        .filter(|planned| planned.change.is_of_user())
        .filter_map(|planned| planned.change.of_attributes())
        .collect();
    if edits.is_empty() {
        return Ok(());
    }
    let wrong = attributes::differences(onramp, &edits).await?;
    let mut detail = vec![format!("{} of {} have them", edits.len() - wrong.len(), edits.len())];
    detail.extend((!wrong.is_empty()).then(|| named(&wrong)));
    verification.check(name, truth(wrong.is_empty()), detail.join("; "));
    Ok(())
}

/// Compares the users of the approved plan with the forest, and a new plan with the approved one.
async fn verify_users(comparison: &Comparison<'_>) -> Result<(CheckStatus, String)> {
    let Comparison { onramp, survey, rest, approved, .. } = *comparison;
    let mut planned: HashMap<ObjectGuid, Upn> = HashMap::new();
    let mut sample = Sample::default();
    for change in approved.iter().flat_map(|approved| approved.plan().changes()) {
        let Some(values) = change.change.of_user() else { continue };
        if let Some(after) = values.after.and_then(|upn| Upn::parse(upn).ok()) {
            planned.insert(values.guid, after);
        }
    }
    let total = planned.len();
    let (mut lost, mut unreadable) = (Vec::new(), 0_u64);
    if total > 0 {
        let mut users = onramp.forest.users.search(UserQuery::all());
        loop {
            let user = match users.try_next().await {
                Ok(Some(user)) => user,
                Ok(None) => break,
                Err(error) if error.kind() == ErrorKind::Unreadable => {
                    unreadable += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(after) = planned.remove(&user.guid) else { continue };
            let present = user.upn.as_deref().unwrap_or("(none)");
            if Upn::parse(present).ok().as_ref() == Some(&after) {
                // With the current spelling: the case may have been changed.
                sample.offer(&user);
            } else {
                lost.push(format!("{} has {present}, not {after}", user.sam_account_name));
            }
        }
    }
    let gone = planned.len();
    let values = sample.into_values();
    // The two samples have most of their users in common.
    let sampled = survey.users.sampled.max(values.len() as u64);
    let (missing_on, silent) = onramp.ask_everywhere(&values, &survey.suffix.controllers).await;
    let excused = comparison.left_out();
    let silent: Vec<String> = (silent.into_iter())
        .filter(|host| !excused.iter().any(|left| left.eq_ignore_ascii_case(host)))
        .collect();
    let lagging: HashSet<ObjectGuid> = (missing_on.iter())
        .chain(&survey.users.missing_on)
        .filter_map(|value| match value {
            ReplicatedValue::UserUpn { guid, .. } => Some(*guid),
            _ => None,
        })
        .collect();
    let known: HashSet<(ObjectGuid, BlockerKind)> =
        approved.iter().flat_map(|approved| approved.plan().blockers()).filter_map(of_user).collect();
    let blockers: Vec<&Blocker> = rest.blockers().iter().filter(|blocker| !blocker.is_fatal()).collect();
    let is_shared = |blocker: &Blocker| matches!(blocker.problem, BlockerKind::Shared { .. });
    let is_known = |blocker: &Blocker| of_user(blocker).is_some_and(|blocked| known.contains(&blocked));
    let mut fresh: Vec<&Blocker> =
        blockers.iter().copied().filter(|blocker| is_shared(blocker) || !is_known(blocker)).collect();
    // Two users with one UPN are worse than one whose UPN cannot be changed.
    fresh.sort_by_key(|blocker| !is_shared(blocker));
    let changed = (total - gone).saturating_sub(lost.len()) as u64;
    let have = survey.users.unchanged().max(changed);
    let missing = rest.users_changed();

    // Without this, the number differs from that of the changes, and nothing says why.
    let origin = match have - changed {
        already @ 1.. if changed > 0 => format!(" ({changed} from this plan, {already} had it already)"),
        _ => String::new(),
    };
    let mut detail =
        vec![format!("{have} have it{origin}, {missing} do not, {} are blocked", blockers.len())];
    if !lost.is_empty() || gone > 0 {
        let mut text = format!("of {total} that the plan changed, {} have another UPN", lost.len());
        if !lost.is_empty() {
            text.push_str(&format!(" ({})", named(&lost)));
        }
        if gone > 0 {
            text.push_str(&format!(" and {gone} no longer exist"));
        }
        detail.push(text);
    }
    if !fresh.is_empty() {
        let (count, named) = (fresh.len(), named(&fresh));
        detail.push(format!("{count} with a problem that the plan did not name or excuse ({named})"));
    }
    if unreadable > 0 {
        detail.push(format!("{unreadable} users could not be understood"));
    }
    detail.push(match lagging.len() {
        0 if sampled == 0 => "no user was looked at on every domain controller".to_owned(),
        0 if sampled == have => format!("all {have} are on every domain controller that answers"),
        0 => format!("a sample of {sampled} is on every domain controller that answers"),
        lagging => format!("{lagging} of a sample of {sampled} are not on every domain controller"),
    });
    if !silent.is_empty() {
        detail.push(format!("no answer about them from {}", silent.join(", ")));
    }
    let wrong = missing as usize + lost.len() + gone + lagging.len() + fresh.len();
    let status = match (wrong, have, blockers.len()) {
        (1.., ..) => CheckStatus::False,
        // No user is selected, or every one is blocked: nothing was proven.
        (0, 0, 0) => CheckStatus::Unknown,
        (0, 0, _) => CheckStatus::False,
        (0, ..) if !silent.is_empty() => CheckStatus::Unknown,
        (0, _, 0) => CheckStatus::True,
        (0, ..) => CheckStatus::TrueButForBlocked,
    };
    Ok((status, detail.join("; ")))
}

/// Returns the first three items in words.
pub(crate) fn named(all: &[impl fmt::Display]) -> String {
    let mut text = all.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if all.len() > 3 {
        text.push_str("; …");
    }
    text
}

/// Returns the user and the problem of a blocker.
fn of_user(blocker: &Blocker) -> Option<(ObjectGuid, BlockerKind)> {
    Some((blocker.user.as_ref()?.guid, blocker.problem.clone()))
}
