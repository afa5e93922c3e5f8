//! Whether what is so on one domain controller is so on all: what a survey of one of them cannot see.

use futures_util::future::join_all;
use onramp_core::Upn;
use onramp_core::forest::{DomainController, ForestUser, ReplicatedValue};

use crate::run::Onramp;

/// How many users of a sample are kept at least, if there are so many.
const SAMPLE: usize = 16;

/// A sample of users, spread evenly over a stream of any length.
#[derive(Default)]
pub(crate) struct Sample {
    kept: Vec<ReplicatedValue>,
    seen: usize,
    every: usize,
}

impl Sample {
    /// Takes note of a user; whether it is kept depends on its place in the stream only.
    pub(crate) fn offer(&mut self, user: &ForestUser) {
        let place = self.seen;
        self.seen += 1;
        if !place.is_multiple_of(self.every.max(1)) {
            return;
        }
        let Some(Ok(upn)) = user.upn.as_deref().map(Upn::parse) else { return };
        self.kept.push(ReplicatedValue::UserUpn { guid: user.guid, dn: user.dn.clone(), upn });
        if self.kept.len() >= 2 * SAMPLE {
            let mut keep = false;
            self.kept.retain(|_| {
                keep = !keep;
                keep
            });
            self.every = self.every.max(1) * 2;
        }
    }

    pub(crate) fn into_values(self) -> Vec<ReplicatedValue> {
        self.kept
    }
}

impl Onramp {
    /// The domain controllers that should hold a value and do not, or cannot be asked.
    pub(crate) async fn controllers_without(
        &self,
        value: &ReplicatedValue,
        all: &[DomainController],
    ) -> Vec<String> {
        let asked = all.iter().filter(|controller| value.concerns(controller)).map(|controller| async move {
            match self.forest.replication.holds(controller, value).await {
                Ok(true) => None,
                Ok(false) | Err(_) => Some(controller.host.clone()),
            }
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Those of the values that some domain controller answers not to hold. One that cannot be asked is asked no
    /// further: it would keep everybody waiting for each value anew.
    pub(crate) async fn missing_on(
        &self,
        values: &[ReplicatedValue],
        all: &[DomainController],
    ) -> Vec<ReplicatedValue> {
        let asked = all.iter().map(|controller| async move {
            let mut missing = Vec::new();
            for (place, value) in values.iter().enumerate().filter(|(_, value)| value.concerns(controller)) {
                match self.forest.replication.holds(controller, value).await {
                    Ok(true) => {}
                    Ok(false) => missing.push(place),
                    Err(_) => break,
                }
            }
            missing
        });
        let mut places: Vec<usize> = join_all(asked).await.into_iter().flatten().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| values.get(place).cloned()).collect()
    }
}
