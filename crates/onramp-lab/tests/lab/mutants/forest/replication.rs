//! Replication whose port breaks a promise.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::forest::{
    ChangedObject, ChangesQuery, DomainController, InvocationId, ReplicatedValue, Replication,
    ReplicationPosition, ValueStamp,
};
use onramp_core::{AttributeName, BoxStream, DistinguishedName, ObjectGuid, Result};

use super::{Broken, Mutant};

#[async_trait]
impl Replication for Mutant {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        self.sound.replication.controllers().await
    }

    async fn reach(&self, controller: &DomainController) -> Result<()> {
        if self.is(Broken::ReachesAnybody) {
            return Ok(());
        }
        self.sound.replication.reach(controller).await
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        Ok(self.is(Broken::SaysItHoldsAll) || self.sound.replication.holds(controller, value).await?)
    }

    async fn writer(&self, context: &DistinguishedName) -> Result<DomainController> {
        self.sound.replication.writer(context).await
    }

    async fn position(
        &self,
        controller: &DomainController,
        context: &DistinguishedName,
    ) -> Result<ReplicationPosition> {
        let mut position = self.sound.replication.position(controller, context).await?;
        if self.is(Broken::BelievesTheVector) {
            position.vector.iter_mut().flatten().for_each(|cursor| cursor.usn = u64::MAX);
        }
        Ok(position)
    }

    fn changes(
        &self,
        controller: &DomainController,
        mut query: ChangesQuery,
    ) -> BoxStream<'static, Result<ChangedObject>> {
        if self.is(Broken::RepeatsOldChanges) {
            query.from_usn = 0;
        }
        let forgets = self.is(Broken::ForgetsChanges);
        let changes = self.sound.replication.changes(controller, query);
        changes.filter(move |_| std::future::ready(!forgets)).boxed()
    }

    async fn stamp(
        &self,
        controller: &DomainController,
        object: &ObjectGuid,
        attribute: &AttributeName,
    ) -> Result<ValueStamp> {
        let mut stamp = self.sound.replication.stamp(controller, object, attribute).await?;
        if self.is(Broken::BlamesAnother)
            && let Some(written) = &mut stamp.written
        {
            written.by = InvocationId::from_bytes([7; 16]);
        }
        Ok(stamp)
    }
}
