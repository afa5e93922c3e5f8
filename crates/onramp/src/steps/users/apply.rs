//! The changes of many users, several at a time, each by compare-and-swap.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use onramp_core::forest::{ObjectChanged, ObjectOutcome};
use onramp_core::{Error, ErrorKind, ObjectGuid, Result};

use super::feed::Feed;
use crate::apply::{Context, Run, SendGate};
use crate::event::Event;
use crate::journal::JournalEntry;
use crate::outcome::{ApplyStatus, FAILURES_KEPT, Failure, Outcome, StepOutcome};
use crate::plan::{Change, PlannedChange};
use crate::policy::PolicyDecision;
use crate::steps::attributes;
use crate::steps::replication::Marks;
use crate::steps::second_look::{TakenValues, retain_unmade, taken_values};

/// The number of consecutive errors of the server, not of single users, after which the remaining users are not tried.
const MAX_SERVER_ERRORS: u32 = 20;
/// The maximum number of journal records between two flushes.
const GROUP: usize = 256;
/// The maximum time between two flushes while outcomes arrive.
const GROUP_TIME: Duration = Duration::from_millis(500);

/// The progress of the changes.
struct Progress {
    total: u64,
    /// The number of changes with a record in the journal.
    announced: usize,
    tried: u64,
    /// The number of outcomes, counted or not.
    answered: usize,
    bad: u64,
    /// The number of them whose value somebody else changed.
    stale: u64,
    /// The number of them whose answer was lost.
    unknown: u64,
    ended: Vec<bool>,
    /// The changes whose values another object got since the survey. They are not sent.
    taken: TakenValues,
    /// True if the values of these changes were looked for among other objects.
    has_looked: bool,
    last_bad: Option<(String, String)>,
    /// The reason of the policy that stopped the run.
    stopped_by: Option<String>,
    refused_in_a_row: u32,
    unflushed: usize,
    flushed_at: Duration,
    started: Duration,
}

impl Progress {
    /// Returns true if another object got a value of the change since the survey.
    fn is_taken(&self, planned: &PlannedChange) -> bool {
        planned.change.object().is_some_and(|(guid, _)| self.taken.contains_key(&guid))
    }
}

/// Makes the changes at those indexes of the plan. Returns true if the run continues.
pub(crate) async fn apply(run: &mut Run<'_>, marks: &mut Marks, places: Range<usize>) -> Result<bool> {
    let plan = run.context.plan.shared();
    let changes = plan.changes().get(places).unwrap_or_default();
    let Some(first) = changes.first() else { return Ok(true) };
    let (total, next) = (changes.len() as u64, first.number);
    let (title, wanted) = match first.change {
        Change::ChangeAttributes { .. } => match plan.header().undoes {
            Some(_) => (attributes::title(total), "their values from before the run"),
            None => (attributes::title(total), "their new values"),
        },
        _ => users_title(changes, plan.header().undoes.is_some()),
    };
    let noun = noun(changes);
    run.context.notify(Event::ChangeStarted { number: next, total: run.outcome.total, title: title.clone() });
    if let Err(error) = marks.note(&run.context, changes).await {
        // The only error is a cancellation, and nothing was tried yet.
        debug_assert!(error.is_cancelled());
        run.outcome.status = ApplyStatus::Cancelled { next };
        return Ok(false);
    }
    let started = run.context.onramp.clock.elapsed();
    let mut progress = Progress {
        total,
        announced: 0,
        tried: 0,
        answered: 0,
        bad: 0,
        stale: 0,
        unknown: 0,
        ended: vec![false; changes.len()],
        taken: TakenValues::new(),
        has_looked: false,
        last_bad: None,
        stopped_by: None,
        refused_in_a_row: 0,
        unflushed: 0,
        flushed_at: started,
        started,
    };
    send(run, changes, &mut progress).await?;
    let Progress { tried, bad, stale, unknown, ended, last_bad, stopped_by, .. } = progress;
    let detail = format!(
        "{} now have {wanted}, {} skipped because somebody else changed the value, {} failed, {}{} not attempted",
        tried.saturating_sub(bad),
        stale,
        bad.saturating_sub(stale + unknown),
        if unknown > 0 { format!("{unknown} with unknown result, ") } else { String::new() },
        total.saturating_sub(tried)
    );
    let open = ended.iter().position(|ended| !ended).map(|place| next + place as u64);
    let outcome = match (bad, open.is_none()) {
        (0, true) => Outcome::Done,
        (0, false) if run.context.onramp.cancellation.is_cancelled() => Outcome::Cancelled,
        _ => Outcome::Failed,
    };
    run.outcome.steps.push(StepOutcome { number: next, outcome, detail: detail.clone() });
    run.context.notify(Event::ChangeEnded { number: next, total: run.outcome.total, outcome, detail });
    if let (true, Some(next)) = (run.context.onramp.cancellation.is_cancelled(), open) {
        run.outcome.status = ApplyStatus::Cancelled { next };
        return Ok(false);
    }
    let problem = match (stopped_by, last_bad, open) {
        (Some(policy), Some((who, why)), Some(_)) if run.outcome.violations.is_empty() => {
            format!("{policy}; the last of them {who}: {why}")
        }
        (Some(policy), _, Some(_)) => policy,
        (_, Some((who, why)), _) => {
            let what = unchanged(noun, bad.saturating_sub(unknown), unknown);
            let joint = if bad == 1 { ":" } else { ", the last of them" };
            format!("{what}{joint} {who}: {why}")
        }
        (_, None, Some(_)) => {
            format!("the forest answered for {tried} of {total} {noun}s and then no more")
        }
        (_, None, None) => return Ok(true),
    };
    run.outcome.status = ApplyStatus::Stopped { number: next, title, problem };
    Ok(false)
}

/// Sends the changes and records their outcomes. Each change is durable in the journal before it is sent.
async fn send(run: &mut Run<'_>, changes: &[PlannedChange], progress: &mut Progress) -> Result<()> {
    let places: HashMap<_, _> = changes
        .iter()
        .enumerate()
        .filter_map(|(place, planned)| Some((planned.change.object()?.0, place)))
        .collect();
    let gate = Arc::new(SendGate::new(&run.context, &run.outcome));
    let feed = Feed::new(Arc::clone(&gate));
    let mut outcomes = run.context.onramp.forest.object_writer.change_all(feed.reader().boxed());
    let token = run.context.onramp.cancellation.clone();
    // The first error of the journal: changes that were sent before it still end, and are reported.
    let mut unwritten: Option<Error> = None;
    loop {
        let decision = run.decide();
        if let PolicyDecision::Stop { reason } = &decision {
            progress.stopped_by = Some(reason.clone());
        }
        let is_over = token.is_cancelled()
            || progress.refused_in_a_row >= MAX_SERVER_ERRORS
            || progress.stopped_by.is_some()
            || unwritten.is_some();
        let budget = match decision {
            PolicyDecision::Continue => usize::try_from(run.context.slices.budget()).unwrap_or(usize::MAX),
            _ => 0,
        };
        // Only what is in flight is completed once no more may be sent.
        let withdrawn = match is_over {
            true => feed.stop(),
            false if budget <= feed.in_flight() => feed.withdraw(),
            false => 0,
        };
        if let Err(error) = not_sent(run, changes, progress, withdrawn).await {
            unwritten.get_or_insert(error);
        }
        if !is_over && progress.announced == changes.len() {
            feed.close();
        }
        // No more changes are in flight than the slice may make.
        let in_flight = progress.announced.saturating_sub(progress.answered);
        let allowed = budget.saturating_sub(in_flight);
        if allowed == 0 && in_flight == 0 && progress.announced < changes.len() && !feed.is_closed() {
            run.flush().await.map_err(|error| lost_outcomes(error, progress, changes))?;
            run.pause_at_limit().await;
            progress.stopped_by = run.wait_for_policy().await;
            continue;
        }
        let decision = std::pin::pin!(feed.wants_decision(allowed > 0));
        let step = match select(outcomes.next(), decision).await {
            Either::Left((outcome, _)) => Some(outcome),
            Either::Right(_) => None,
        };
        match step {
            None if allowed == 0 => {}
            None => {
                progress.stopped_by = run.review_after_wait().await;
                if progress.stopped_by.is_none() && !token.is_cancelled() {
                    progress.stopped_by = Box::pin(look_again(run, changes, progress)).await;
                }
                if progress.stopped_by.is_some() || token.is_cancelled() {
                    continue;
                }
                if let Err(error) = Box::pin(skip_taken(run, changes, &places, &gate, progress)).await {
                    unwritten = Some(error);
                    continue;
                }
                let rest = changes.get(progress.announced..).unwrap_or_default();
                let free = rest.iter().take_while(|planned| !progress.is_taken(planned)).count();
                let batch = rest.get(..free.min(GROUP).min(allowed)).unwrap_or_default();
                let announced = announce(run, batch).await;
                progress.announced += batch.len();
                match announced {
                    Ok(()) => feed.push(batch.iter().filter_map(|planned| planned.change.object_change())),
                    Err(error) => {
                        unwritten = Some(error);
                        // Some of them may be in the journal, and none was sent.
                        drop(not_sent(run, changes, progress, batch.len()).await);
                    }
                }
            }
            Some(None) => break,
            Some(Some(outcome)) => {
                progress.answered += 1;
                feed.answered();
                if let Err(error) = note(run, outcome, changes, &places, &gate, progress).await {
                    unwritten.get_or_insert(error);
                }
            }
        }
    }
    drop(outcomes);
    // A port that ended early left them.
    if let Err(error) = not_sent(run, changes, progress, feed.stop()).await {
        unwritten.get_or_insert(error);
    }
    let flushed = run.flush().await;
    match unwritten.map_or(flushed, Err) {
        Ok(()) => Ok(()),
        Err(error) => Err(lost_outcomes(error, progress, changes)),
    }
}

/// Looks for the values of the changes that are left among other objects, if that was not done since the run began or waited.
/// Returns the reason if that is not possible: the run stops then.
async fn look_again(run: &mut Run<'_>, changes: &[PlannedChange], progress: &mut Progress) -> Option<String> {
    let Context { onramp, plan, slices, .. } = &run.context;
    if progress.has_looked && slices.is_looked_up() {
        return None;
    }
    let rest = || {
        let rest = changes.get(progress.announced..).unwrap_or_default();
        rest.iter().map(|planned| &planned.change)
    };
    let looking = async {
        let mut taken = taken_values(onramp, plan.plan(), rest()).await?;
        retain_unmade(onramp, &mut taken, rest()).await?;
        Ok(taken)
    };
    match onramp.unless_cancelled("look for the new values among other objects", looking).await {
        Ok(taken) => {
            let recorded: HashSet<ObjectGuid> = (changes.iter().zip(&progress.ended))
                .filter_map(|(planned, ended)| planned.change.object().filter(|_| *ended))
                .map(|(guid, _)| guid)
                .collect();
            progress.taken.retain(|guid, _| recorded.contains(guid));
            progress.taken.extend(taken);
            progress.has_looked = true;
            slices.set_looked_up();
            None
        }
        Err(error) if error.is_cancelled() => None,
        Err(error) => {
            Some(format!("it cannot be told whether another object has a new value by now: {error}"))
        }
    }
}

/// Records the changes whose values another object has, as far as they come next: they are skipped.
async fn skip_taken(
    run: &mut Run<'_>,
    changes: &[PlannedChange],
    places: &HashMap<ObjectGuid, usize>,
    gate: &SendGate,
    progress: &mut Progress,
) -> Result<()> {
    while let Some(planned) = changes.get(progress.announced) {
        let Some(change) = planned.change.object_change() else { break };
        let Some(problem) = progress.taken.get(&change.guid) else { break };
        let error = Error::new(ErrorKind::Stale, change.action())
            .with_object(&change.dn)
            .with_detail(format!("{problem} now"));
        progress.announced += 1;
        progress.answered += 1;
        // It was recorded before the changes around it were taken back.
        if progress.ended.get(progress.announced - 1) != Some(&true) {
            note(run, ObjectOutcome { change, result: Err(error) }, changes, places, gate, progress).await?;
        }
    }
    Ok(())
}

/// Records of the last so many announced changes that they were not sent: they are not announced any more.
async fn not_sent(
    run: &mut Run<'_>,
    changes: &[PlannedChange],
    progress: &mut Progress,
    count: usize,
) -> Result<()> {
    let mut unsent = Vec::new();
    while unsent.len() < count
        && let Some(place) = progress.announced.checked_sub(1)
    {
        progress.announced = place;
        let Some(planned) = changes.get(place) else { continue };
        if progress.is_taken(planned) {
            // Skipped: it was never to be sent.
            progress.answered = progress.answered.saturating_sub(1);
        } else {
            unsent.push(planned);
        }
    }
    if unsent.is_empty() {
        return Ok(());
    }
    let entries = unsent.into_iter().rev().filter_map(|planned| {
        let (guid, _) = planned.change.object()?;
        let (before, after) = ended_values(planned);
        let (object, detail) = (Some(guid.to_string()), "not sent".to_owned());
        let (number, outcome) = (planned.number, Outcome::Cancelled);
        Some(JournalEntry::ChangeEnded { number, outcome, object, before, after, detail })
    });
    run.write(entries.collect()).await
}

/// Records the values that are about to be replaced, and makes the records durable.
async fn announce(run: &mut Run<'_>, changes: &[PlannedChange]) -> Result<()> {
    let entries = changes.iter().filter_map(|planned| {
        let (guid, _) = planned.change.object()?;
        let (title, before, after) = match planned.change.of_attributes() {
            Some(edit) => (edit.title(), Some(edit.before()), Some(edit.after())),
            None => {
                let (before, after) = ended_values(planned);
                (String::new(), before, after)
            }
        };
        let (number, object) = (planned.number, Some(guid.to_string()));
        Some(JournalEntry::ChangeStarted { number, title, object, before, after })
    });
    run.write(entries.collect()).await?;
    run.flush().await
}

/// Records one outcome.
async fn note(
    run: &mut Run<'_>,
    ObjectOutcome { change, result }: ObjectOutcome,
    changes: &[PlannedChange],
    places: &HashMap<ObjectGuid, usize>,
    gate: &SendGate,
    progress: &mut Progress,
) -> Result<()> {
    // An outcome for an unknown or finished change is recorded and not counted.
    let place = places.get(&change.guid).copied();
    let planned = place.and_then(|place| changes.get(place));
    let (before, after) = planned.map(ended_values).unwrap_or_default();
    let counts = place.is_some_and(|place| progress.ended.get(place) == Some(&false));
    if let Some(ended) = place.and_then(|place| progress.ended.get_mut(place)) {
        *ended = true;
    }
    progress.tried += u64::from(counts);
    let (outcome, detail) = match &result {
        Ok(ObjectChanged::Unchanged) => (Outcome::Unchanged, String::new()),
        Ok(ObjectChanged::FoundChanged) => {
            (Outcome::Done, "its answer was lost; reading showed that it was made".to_owned())
        }
        Ok(_) => (Outcome::Done, String::new()),
        Err(error) => (Outcome::of(error), error.to_string()),
    };
    progress.refused_in_a_row = match &result {
        Err(error) if concerns_server(error.kind()) => progress.refused_in_a_row + 1,
        _ => 0,
    };
    if counts {
        run.count(outcome);
        gate.update(|so_far| so_far.count(outcome));
    }
    if counts && !outcome.is_good() {
        progress.bad += 1;
        progress.stale += u64::from(outcome == Outcome::Stale);
        progress.unknown += u64::from(outcome == Outcome::Unknown);
        if run.outcome.failures.len() < FAILURES_KEPT {
            let failure = Failure { object: change.dn.to_string(), error: detail.clone() };
            gate.update(|so_far| so_far.failures.push(failure.clone()));
            run.outcome.failures.push(failure);
        }
        progress.last_bad = Some((change.dn.to_string(), detail.clone()));
    }
    let entry = JournalEntry::ChangeEnded {
        number: planned.map_or(0, |planned| planned.number),
        outcome,
        object: Some(change.guid.to_string()),
        before,
        after,
        detail,
    };
    run.write(vec![entry]).await?;
    progress.unflushed += 1;
    let now = run.context.onramp.clock.elapsed();
    if progress.unflushed >= GROUP || now.saturating_sub(progress.flushed_at) >= GROUP_TIME {
        run.flush().await?;
        (progress.unflushed, progress.flushed_at) = (0, now);
    }
    let (tried, total) = (progress.tried, progress.total);
    // Rounded up, so that no number of users makes more than a hundred events.
    if tried == total || tried.is_multiple_of(total.div_ceil(100).max(1)) {
        let seconds = now.saturating_sub(progress.started).as_secs_f64();
        let per_second = if seconds > 0.0 { tried as f64 / seconds } else { 0.0 };
        run.context.notify(Event::Users { done: tried, total, failed: progress.bad, per_second });
    }
    Ok(())
}

/// Returns the values of a change for the record of its end.
///
/// Those of attributes are in the record of the start: a value after an end is a UPN.
fn ended_values(planned: &PlannedChange) -> (Option<String>, Option<String>) {
    if let Some(edit) = planned.change.of_attributes() {
        return (Some(edit.before()), None);
    }
    let Some(values) = planned.change.of_user() else { return (None, None) };
    (values.before.map(str::to_owned), values.after.map(str::to_owned))
}

/// Returns the title of a group of changes of users, and the words for what each has after it.
fn users_title(changes: &[PlannedChange], is_undo: bool) -> (String, &'static str) {
    let users = people(changes.len() as u64);
    let has_addresses = changes.iter().any(|planned| planned.change.of_attributes().is_some());
    match (is_undo, has_addresses) {
        (false, false) => (format!("change the UPN of {users}"), "the new UPN"),
        (false, true) => {
            (format!("change the UPN and the addresses of {users}"), "the new UPN and addresses")
        }
        (true, false) => (format!("restore the UPN of {users}"), "the UPN from before the run"),
        (true, true) => (
            format!("restore the UPN and the addresses of {users}"),
            "the UPN and addresses from before the run",
        ),
    }
}

/// Returns the word for what a group of changes changes.
fn noun(changes: &[PlannedChange]) -> &'static str {
    match changes.first().map(|planned| &planned.change) {
        Some(Change::ChangeAttributes { .. }) => "object",
        _ => "user",
    }
}

/// Returns the numbers of objects that were not changed, and of those whose answer was lost, in words.
fn unchanged(noun: &str, refused: u64, unknown: u64) -> String {
    let counted = |count: u64, one: &str, many: &str| match count {
        1 => format!("1 {noun} {one}"),
        count => format!("{count} {noun}s {many}"),
    };
    let lost = "may have been changed, because the answer was lost";
    let unknown_text = || counted(unknown, lost, lost);
    match (refused, unknown) {
        (_, 0) => counted(refused, "was not changed", "were not changed"),
        (0, _) => unknown_text(),
        (_, _) => {
            format!("{}, and {}", counted(refused, "was not changed", "were not changed"), unknown_text())
        }
    }
}

/// `1 user`, `2 users`.
fn people(count: u64) -> String {
    if count == 1 { "1 user".into() } else { format!("{count} users") }
}

/// Adds the changes without a recorded outcome to an error of the journal.
fn lost_outcomes(error: Error, progress: &Progress, changes: &[PlannedChange]) -> Error {
    let number = |place: usize| changes.get(place).map_or(0, |planned| planned.number);
    let what = if progress.announced == 0 {
        format!("no {} was changed", noun(changes))
    } else {
        format!(
            "the changes {} to {} were sent and may have been made without a record of their outcome; {} of them were \
             answered; {} is in the journal; no later change was sent",
            number(0),
            number(progress.announced.saturating_sub(1)),
            progress.tried,
            match noun(changes) {
                "user" => "the UPN that each user had",
                _ => "every value that an object had",
            }
        )
    };
    let detail = format!("{}; {what}", error.to_string().trim_end_matches('.'));
    Error::new(error.kind(), "record what was done").with_detail(detail).with_hint(
        "Free space or choose another place, then run the same command again: it looks at every user before it changes one.",
    )
}

/// Returns true if an error concerns the server, and so every other user.
fn concerns_server(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable
            | ErrorKind::Unauthenticated
            | ErrorKind::Throttled { .. }
            | ErrorKind::OutcomeUnknown
    )
}
