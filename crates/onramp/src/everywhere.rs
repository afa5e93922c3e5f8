//! Values on every domain controller: what a survey of one of them cannot see.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use onramp_core::forest::{
    ChangedObject, ChangesQuery, DomainController, ForestUser, ReplicatedValue, Replication,
    ReplicationPosition, ValueStamp,
};
use onramp_core::{AttributeName, BoxStream, DistinguishedName, ObjectGuid, Result, Upn};

use crate::run::Onramp;

/// The number of users of a sample that are kept at least, if there are so many.
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
        let upn = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
        self.offer_value(upn.map(|upn| ReplicatedValue::UserUpn {
            guid: user.guid,
            dn: user.dn.clone(),
            upn,
        }));
    }

    /// Takes note of the value of a user, if there is one.
    pub(crate) fn offer_value(&mut self, value: Option<ReplicatedValue>) {
        let place = self.seen;
        self.seen += 1;
        if let (true, Some(value)) = (place.is_multiple_of(self.every.max(1)), value) {
            self.keep(value);
        }
    }

    fn keep(&mut self, value: ReplicatedValue) {
        self.kept.push(value);
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
    /// Those of the values that some domain controller answers not to hold.
    pub(crate) async fn missing_on(
        &self,
        values: &[ReplicatedValue],
        all: &[DomainController],
    ) -> Vec<ReplicatedValue> {
        self.ask_everywhere(values, all).await.0
    }

    /// The same with the host names of the domain controllers that did not answer for every value. One that cannot be
    /// asked is asked no further: it would keep everybody waiting for each value anew.
    pub(crate) async fn ask_everywhere(
        &self,
        values: &[ReplicatedValue],
        all: &[DomainController],
    ) -> (Vec<ReplicatedValue>, Vec<String>) {
        let asked = all.iter().map(|controller| async move {
            let (mut missing, mut silent) = (Vec::new(), None);
            for (place, value) in values.iter().enumerate().filter(|(_, value)| value.concerns(controller)) {
                match self.forest.replication.holds(controller, value).await {
                    Ok(true) => {}
                    Ok(false) => missing.push(place),
                    Err(_) => {
                        silent = Some(controller.host.clone());
                        break;
                    }
                }
            }
            (missing, silent)
        });
        let (missing, silent): (Vec<Vec<usize>>, Vec<Option<String>>) =
            join_all(asked).await.into_iter().unzip();
        let mut places: Vec<usize> = missing.into_iter().flatten().collect();
        places.sort_unstable();
        places.dedup();
        let missing = places.into_iter().filter_map(|place| values.get(place).cloned()).collect();
        (missing, silent.into_iter().flatten().collect())
    }
}

/// The replication of a forest without the domain controllers that somebody left out by name.
#[derive(Debug)]
pub(crate) struct LeavingOut {
    inner: Arc<dyn Replication>,
    hosts: Vec<String>,
}

impl LeavingOut {
    pub(crate) fn over(inner: &Arc<dyn Replication>, hosts: &[String]) -> Self {
        Self { inner: Arc::clone(inner), hosts: hosts.to_vec() }
    }
}

#[async_trait]
impl Replication for LeavingOut {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        let mut all = self.inner.controllers().await?;
        all.retain(|controller| !self.hosts.iter().any(|host| host.eq_ignore_ascii_case(&controller.host)));
        Ok(all)
    }

    async fn reach(&self, controller: &DomainController) -> Result<()> {
        self.inner.reach(controller).await
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        self.inner.holds(controller, value).await
    }

    async fn writer(&self, context: &DistinguishedName) -> Result<DomainController> {
        self.inner.writer(context).await
    }

    async fn position(
        &self,
        controller: &DomainController,
        context: &DistinguishedName,
    ) -> Result<ReplicationPosition> {
        self.inner.position(controller, context).await
    }

    fn changes(
        &self,
        controller: &DomainController,
        query: ChangesQuery,
    ) -> BoxStream<'static, Result<ChangedObject>> {
        self.inner.changes(controller, query)
    }

    async fn stamp(
        &self,
        controller: &DomainController,
        object: &ObjectGuid,
        attribute: &AttributeName,
    ) -> Result<ValueStamp> {
        self.inner.stamp(controller, object, attribute).await
    }
}
