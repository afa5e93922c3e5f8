//! A look at one domain controller: how far it is, what changed on it, and what of single values that leaves open.

use futures_util::stream::{self, StreamExt};

use super::watched::Watched;
use crate::forest::judgement::{Judge, Judgement};
use crate::forest::{
    AttributeValue, ChangesQuery, Convergence, DomainController, HighWaterMark, Replication, ReplicationGoal,
    ReplicationPosition, ValueProof,
};
use crate::{Clock, ErrorKind, ObjectGuid, Result};

/// So many values are read one by one at a look; more are read with everything else.
const ONE_BY_ONE: usize = 1000;
/// So many of them at a time.
const AT_A_TIME: usize = 16;

/// One round of looks.
pub(super) struct Look<'a, R: ?Sized> {
    pub(super) port: &'a R,
    pub(super) goal: &'a ReplicationGoal,
    pub(super) clock: &'a dyn Clock,
    pub(super) lost: &'a [bool],
    pub(super) target: Option<&'a HighWaterMark>,
    /// The domain controller that is written to, and whether it had every value once.
    pub(super) writer: Option<(&'a DomainController, bool)>,
}

impl<R: Replication + ?Sized> Look<'_, R> {
    pub(super) async fn at(&self, watched: &mut Watched) {
        let diverged_before = matches!(watched.progress.convergence, Convergence::Diverged { .. });
        let outcome = self.progress(watched).await;
        let convergence =
            outcome.unwrap_or_else(|error| Convergence::Unreachable { reason: error.to_string() });
        watched.is_done = match &convergence {
            Convergence::Converged => true,
            // Twice in a row, so that a change that arrives at this very moment is not taken for it.
            Convergence::Diverged { .. } => diverged_before,
            _ => false,
        };
        watched.progress.convergence = convergence;
        watched.progress.missing = Some(watched.missing.count as u64);
    }

    async fn progress(&self, watched: &mut Watched) -> Result<Convergence> {
        let position = self.port.position(&watched.controller, &self.goal.mark.context).await?;
        watched.answered_at = Some(self.clock.now());
        if let (Some(before), Some(now)) = (watched.invocation_id, position.invocation_id)
            && before != now
        {
            // Restored from a backup: its numbers started over, and what was written to it may be gone.
            (watched.from_usn, watched.top_usn, watched.had_all) = (0, 0, false);
        }
        watched.invocation_id = position.invocation_id.or(watched.invocation_id);
        watched.diverged.clear();
        for (place, _) in self.lost.iter().enumerate().filter(|(_, lost)| **lost) {
            watched.missing.remove(place);
        }
        let mut arrived = 0;
        let reads_all = self.goal.proof == ValueProof::Every || watched.is_writer;
        // A few values are not worth reading everything for, where it is not known what changed.
        let is_worth_it = watched.from_usn > 0 || watched.missing.count > ONE_BY_ONE;
        let has_news = position.highest_usn >= watched.from_usn;
        if reads_all && is_worth_it && watched.missing.count > 0 && has_news {
            watched.read_everything |= watched.from_usn == 0;
            arrived = self.read(watched, watched.from_usn).await?;
            watched.from_usn = position.highest_usn.saturating_add(1);
        }
        let behind = match self.target {
            _ if watched.is_writer => Some(0),
            Some(target) => position.behind(&target.invocation_id, target.usn),
            None => None,
        };
        // Values that are missing although everything has arrived, or although nothing more comes where that cannot be
        // told: they were there before the mark, or are other ones.
        if watched.missing.count > 0 && (behind == Some(0) || behind.is_none() && arrived == 0) {
            self.settle(watched, &position).await?;
        }
        watched.position = Some(position);
        let missing = watched.missing.count;
        Ok(match behind {
            Some(usns) if usns > 0 && !watched.controller.inbound_disabled => Convergence::Behind { usns },
            _ if missing == 0 && behind.unwrap_or_default() == 0 => Convergence::Converged,
            _ if watched.controller.inbound_disabled => Convergence::ReplicationDisabled,
            _ if missing == watched.diverged.len() => Convergence::Diverged { values: missing as u64 },
            _ => Convergence::Lagging,
        })
    }

    /// Reads what changed on a domain controller and takes note of expected values; says of how many.
    async fn read(&self, watched: &mut Watched, from_usn: u64) -> Result<usize> {
        let mut query =
            ChangesQuery::new(self.goal.mark.context.clone(), self.goal.attribute.clone(), from_usn);
        query.filter = self.goal.filter.clone();
        let mut arrived = 0;
        let mut changes = self.port.changes(&watched.controller, query);
        while let Some(change) = changes.next().await {
            let change = match change {
                // Not known to have arrived; if it is one that is looked for, it is asked for by itself.
                Err(error) if error.kind() == ErrorKind::Unreadable => continue,
                change => change?,
            };
            let Some(place) = self.goal.place_of(&change.guid) else { continue };
            let expected = self.goal.expected.get(place).map(|(_, value)| value);
            if expected == Some(&change.value) {
                watched.top_usn = watched.top_usn.max(change.usn);
                arrived += usize::from(watched.missing.remove(place));
            }
        }
        Ok(arrived)
    }

    /// Finds out about the values that are missing: all in one go if they are many, then one by one.
    async fn settle(&self, watched: &mut Watched, position: &ReplicationPosition) -> Result<()> {
        let reads_all = self.goal.proof == ValueProof::Every;
        if reads_all && watched.missing.count > ONE_BY_ONE && !watched.read_everything {
            self.read(watched, 0).await?;
            watched.read_everything = true;
        }
        let places: Vec<usize> = watched.missing.iter().take(ONE_BY_ONE).collect();
        let judge = Judge {
            port: self.port,
            attribute: &self.goal.attribute,
            controller: &watched.controller,
            position,
            is_truth: watched.had_all,
            writer: self.writer.filter(|(writer, _)| writer.host != watched.controller.host),
        };
        let judge = &judge;
        let judged = stream::iter(places).map(|place| async move {
            let expected: Option<&(ObjectGuid, Option<AttributeValue>)> = self.goal.expected.get(place);
            let judgement = match expected {
                Some((guid, value)) => judge.judge(guid, value.as_ref()).await,
                None => Judgement::Lags,
            };
            (place, judgement)
        });
        let judged: Vec<(usize, Judgement)> = judged.buffer_unordered(AT_A_TIME).collect().await;
        for (place, judgement) in judged {
            match judgement {
                Judgement::Held(written) => {
                    watched.missing.remove(place);
                    let own = written.filter(|written| Some(written.by) == watched.invocation_id);
                    watched.top_usn = watched.top_usn.max(own.map_or(0, |written| written.usn));
                }
                Judgement::Overwritten(stamp, host) => {
                    watched.missing.remove(place);
                    watched.overwritten.push((place, stamp, host));
                }
                Judgement::Diverged(stamp) => watched.diverged.push((place, stamp)),
                Judgement::Lags => {}
            }
        }
        Ok(())
    }
}
