//! Step 2: the forest offers the custom domain as a UPN suffix, on every domain controller.

use futures_util::future::{join_all, try_join};
use onramp_core::forest::{ReplicatedValue, SuffixOrigin, SuffixesExt};
use onramp_core::{DomainName, Result, UpnSuffix};

use super::result::{StepResult, already, done};
use crate::apply::Context;
use crate::onramp::Onramp;
use crate::plan::{BlockerKind, Change, Consequence, Draft, PlannedChange, sorted};
use crate::spec::Spec;
use crate::survey::{SilentController, SuffixSurvey, Survey};
use crate::undo::Undoing;
use crate::verify::{CheckStatus, Comparison, Verification};

pub(crate) async fn survey(onramp: &Onramp, spec: &Spec) -> Result<SuffixSurvey> {
    read(onramp, &UpnSuffix::from(&spec.domain)).await
}

/// Reads the suffixes and the domain controllers, and asks each of these for one suffix.
pub(crate) async fn read(onramp: &Onramp, suffix: &UpnSuffix) -> Result<SuffixSurvey> {
    let replication = &onramp.forest.replication;
    let (offered, controllers) = try_join(onramp.forest.suffixes.list(), replication.controllers()).await?;
    let was_added = offered
        .iter()
        .any(|offered| offered.suffix.is_same_as(suffix) && offered.origin != SuffixOrigin::Domain);
    // Every domain controller is asked, also where the suffix need not be there: the reply shows that it is reachable.
    let value = ReplicatedValue::Suffix { suffix: suffix.clone() };
    let replies = join_all(controllers.iter().map(|controller| replication.holds(controller, &value))).await;
    let (mut missing_on, mut silent_controllers) = (Vec::new(), Vec::new());
    for (controller, reply) in controllers.iter().zip(replies) {
        let host = controller.host.clone();
        match reply {
            Ok(false) if was_added => missing_on.push(host),
            Ok(_) => {}
            Err(error) => silent_controllers.push(SilentController { host, error: error.to_string() }),
        }
    }
    Ok(SuffixSurvey { offered, missing_on, controllers, silent_controllers })
}

pub(crate) fn plan(spec: &Spec, survey: &Survey, draft: &mut Draft) {
    let seen = &survey.suffix;
    if seen.controllers.is_empty() {
        draft.block_all(BlockerKind::NoDomainController);
    }
    accept_silent_controllers(seen, draft);
    let suffix = spec.domain.clone();
    let values = vec![ReplicatedValue::Suffix { suffix: UpnSuffix::from(&suffix) }];
    if !seen.offers(&UpnSuffix::from(&suffix)) {
        draft.consequences.push(Consequence::SuffixAdded { suffix: suffix.clone() });
        draft.change(Change::AddSuffix { suffix }, "the forest does not offer it");
        let reason = "the UPN changes that follow may be made on any domain controller";
        draft.await_replication(values, seen.silent_hosts(), reason);
    } else if !seen.missing_on.is_empty() {
        let hosts: Vec<&str> =
            sorted(&seen.missing_on, |host| host).into_iter().map(String::as_str).collect();
        draft.await_replication(
            values,
            seen.silent_hosts(),
            format!("it was not seen on {}", hosts.join(", ")),
        );
    }
}

/// Adds a consequence for every domain controller that does not answer.
pub(crate) fn accept_silent_controllers(seen: &SuffixSurvey, draft: &mut Draft) {
    for silent in sorted(&seen.silent_controllers, |silent| &silent.host) {
        let (host, error) = (silent.host.clone(), silent.error.clone());
        draft.consequences.push(Consequence::ControllerLeftOut { host, error });
    }
}

/// Adds the suffix to the forest.
pub(crate) async fn add(context: &Context<'_>, suffix: &DomainName) -> StepResult {
    match context.onramp.forest.suffixes.add(suffix).await {
        Ok(()) => done(),
        Err(error) if error.is_already_exists() => already(),
        Err(error) => Err(error),
    }
}

/// Removes the suffix from the forest, unless it is in use.
pub(crate) async fn remove(context: &Context<'_>, suffix: &DomainName) -> StepResult {
    match context.onramp.forest.suffixes.remove(&UpnSuffix::from(suffix)).await {
        Ok(()) => done(),
        Err(error) if error.is_not_found() => already(),
        Err(error) => Err(error),
    }
}

/// Undoes a change of the suffix. It is removed only if nobody else than the users of the plan has it.
pub(crate) async fn undo(undoing: &mut Undoing<'_>, made: &PlannedChange) -> Result<()> {
    match &made.change {
        Change::AddSuffix { suffix } => {
            let upn_suffix = UpnSuffix::from(suffix);
            let usage = undoing.onramp.forest.suffixes.usage(&upn_suffix).await?;
            let has_it = |value: Option<&str>| {
                value.and_then(|upn| upn.rsplit_once('@')).is_some_and(|(_, own)| {
                    UpnSuffix::parse(own).is_ok_and(|own| own.is_same_as(&upn_suffix))
                })
            };
            // The users that get another suffix by the changes before this one.
            let users = undoing.draft.changes.iter().filter_map(|planned| planned.change.upn_values());
            let leaving = users.filter(|user| has_it(user.before) && !has_it(user.after)).count() as u64;
            if !undoing.suffix.offers(&upn_suffix) {
                return Ok(());
            }
            if !usage.units.is_empty() || usage.principals > leaving {
                undoing.leave(made, format!("{usage}; {leaving} of them get another one"));
            } else {
                undoing.accept(Consequence::SuffixRemoved { suffix: suffix.clone() });
                undoing.undo(made, Change::RemoveSuffix { suffix: suffix.clone() });
            }
        }
        Change::RemoveSuffix { suffix } => {
            let upn_suffix = UpnSuffix::from(suffix);
            if !undoing.suffix.offers(&upn_suffix) {
                undoing.accept(Consequence::SuffixAdded { suffix: suffix.clone() });
                undoing.undo(made, Change::AddSuffix { suffix: suffix.clone() });
                let values = vec![ReplicatedValue::Suffix { suffix: upn_suffix }];
                undoing.await_replication(
                    values,
                    "the UPN changes that follow may be made on any domain controller",
                );
            }
        }
        _ => {}
    }
    Ok(())
}

/// Returns true if the forest is as a change makes it.
pub(crate) async fn is_made(onramp: &Onramp, change: &Change) -> Result<bool> {
    let (suffix, is_wanted) = match change {
        Change::AddSuffix { suffix } => (suffix, true),
        Change::RemoveSuffix { suffix } => (suffix, false),
        _ => return Ok(true),
    };
    let suffix = UpnSuffix::from(suffix);
    let offered = onramp.forest.suffixes.list().await?;
    Ok(offered.iter().any(|offered| offered.suffix.is_same_as(&suffix)) == is_wanted)
}

pub(crate) async fn verify(comparison: &Comparison<'_>, verification: &mut Verification) {
    let suffix = UpnSuffix::from(&comparison.spec.domain);
    let is_domain = comparison.survey.suffix.is_domain(&suffix);
    let value = ReplicatedValue::Suffix { suffix };
    let excused = comparison.left_out();
    let (mut have, mut lack, mut silent, mut left_out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for controller in &comparison.survey.suffix.controllers {
        let host = controller.host.as_str();
        match comparison.onramp.forest.replication.holds(controller, &value).await {
            Ok(found) if found || is_domain => have.push(host),
            Ok(_) => lack.push(host),
            Err(_) if excused.iter().any(|left| left.eq_ignore_ascii_case(host)) => left_out.push(host),
            Err(_) => silent.push(host),
        }
    }
    let words = if is_domain { "the name of a domain of the forest; answers from" } else { "on" };
    let detail = [(words, &have), ("not on", &lack), ("no answer from", &silent), ("left out:", &left_out)]
        .into_iter()
        .filter(|(_, hosts)| !hosts.is_empty())
        .map(|(words, hosts)| format!("{words} {}", hosts.join(", ")))
        .collect::<Vec<_>>()
        .join("; ");
    let (status, detail) = match (lack.is_empty(), silent.is_empty() && !have.is_empty(), left_out.is_empty())
    {
        (false, ..) => (CheckStatus::False, detail),
        (true, false, _) if detail.is_empty() => {
            (CheckStatus::Unknown, "no domain controller is known".to_owned())
        }
        (true, false, _) => (CheckStatus::Unknown, detail),
        (true, true, false) => (CheckStatus::TrueButForBlocked, detail),
        (true, true, true) => (CheckStatus::True, detail),
    };
    let name = format!("every domain controller offers the suffix {}", comparison.spec.domain);
    verification.check(name, status, detail);
}
