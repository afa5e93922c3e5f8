//! A poll of one domain controller: its position, the changes on it, and the single values that these leave open.

use futures_util::stream::{self, StreamExt};

use onramp_core::forest::{
    AttributeValue, ChangesQuery, DomainController, ReplicationMetadata, ReplicationPosition,
};
use onramp_core::{Clock, ErrorKind, ObjectGuid, Result};

use super::controller_state::ControllerState;
use super::diagnosis::{Diagnosis, Diagnostics};
use super::{HighWaterMark, ReplicationGoal, ReplicationState, ValueProof};

/// The maximum number of values that a poll reads one by one; more are read with everything else.
const ONE_BY_ONE: usize = 1000;
/// The number of values that are read at the same time.
const AT_A_TIME: usize = 16;

/// One round of polls.
pub(super) struct Poll<'a> {
    pub(super) metadata: &'a dyn ReplicationMetadata,
    pub(super) goal: &'a ReplicationGoal,
    pub(super) clock: &'a dyn Clock,
    pub(super) lost: &'a [bool],
    pub(super) target: Option<&'a HighWaterMark>,
    /// The domain controller that is written to, and true if it had every value once.
    pub(super) writer: Option<(&'a DomainController, bool)>,
}

impl Poll<'_> {
    pub(super) async fn run(&self, watched: &mut ControllerState) {
        let diverged_before = matches!(watched.status.state, ReplicationState::Diverged { .. });
        let outcome = self.state(watched).await;
        let state =
            outcome.unwrap_or_else(|error| ReplicationState::Unreachable { reason: error.to_string() });
        watched.is_done = match &state {
            ReplicationState::Converged => true,
            // Twice in a row, so that a change that arrives at this very moment is not taken for it.
            ReplicationState::Diverged { .. } => diverged_before,
            _ => false,
        };
        watched.status.state = state;
        watched.status.missing = Some(watched.missing.count as u64);
    }

    async fn state(&self, watched: &mut ControllerState) -> Result<ReplicationState> {
        let position = self.metadata.position(&watched.controller, &self.goal.mark.context).await?;
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
            Some(usns) if usns > 0 && !watched.controller.inbound_disabled => {
                ReplicationState::Behind { usns }
            }
            _ if missing == 0 && behind.unwrap_or_default() == 0 => ReplicationState::Converged,
            _ if watched.controller.inbound_disabled => ReplicationState::ReplicationDisabled,
            _ if missing == watched.diverged.len() => ReplicationState::Diverged { values: missing as u64 },
            _ => ReplicationState::Lagging,
        })
    }

    /// Reads the changes on a domain controller and returns the number of expected values among them.
    async fn read(&self, watched: &mut ControllerState, from_usn: u64) -> Result<usize> {
        let mut query =
            ChangesQuery::new(self.goal.mark.context.clone(), self.goal.attribute.clone(), from_usn);
        query.filter = self.goal.filter.clone();
        let mut arrived = 0;
        let mut changes = self.metadata.changes(&watched.controller, query);
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

    /// Diagnoses the missing values: reads everything if they are many, then single values.
    async fn settle(&self, watched: &mut ControllerState, position: &ReplicationPosition) -> Result<()> {
        let reads_all = self.goal.proof == ValueProof::Every;
        if reads_all && watched.missing.count > ONE_BY_ONE && !watched.read_everything {
            self.read(watched, 0).await?;
            watched.read_everything = true;
        }
        let places: Vec<usize> = watched.missing.iter().take(ONE_BY_ONE).collect();
        let diagnostics = Diagnostics {
            metadata: self.metadata,
            attribute: &self.goal.attribute,
            controller: &watched.controller,
            position,
            is_truth: watched.had_all,
            writer: self.writer.filter(|(writer, _)| writer.host != watched.controller.host),
        };
        let diagnostics = &diagnostics;
        let diagnosed = stream::iter(places).map(|place| async move {
            let expected: Option<&(ObjectGuid, Option<AttributeValue>)> = self.goal.expected.get(place);
            let diagnosis = match expected {
                Some((guid, value)) => diagnostics.diagnose(guid, value.as_ref()).await,
                None => Diagnosis::Lags,
            };
            (place, diagnosis)
        });
        let diagnosed: Vec<(usize, Diagnosis)> = diagnosed.buffer_unordered(AT_A_TIME).collect().await;
        for (place, diagnosis) in diagnosed {
            match diagnosis {
                Diagnosis::Held(written) => {
                    watched.missing.remove(place);
                    let own = written.filter(|written| Some(written.by) == watched.invocation_id);
                    watched.top_usn = watched.top_usn.max(own.map_or(0, |written| written.usn));
                }
                Diagnosis::Overwritten(stamp, host) => {
                    watched.missing.remove(place);
                    watched.overwritten.push((place, stamp, host));
                }
                Diagnosis::Diverged(stamp) => watched.diverged.push((place, stamp)),
                Diagnosis::Lags => {}
            }
        }
        Ok(())
    }
}
