//! Replication whose port breaks a promise.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::forest::{
    ChangedObject, ChangesQuery, ControllerProbe, DomainController, InvocationId, ProbedController,
    ReplicatedValue, Replication, ReplicationMetadata, ReplicationPosition, ValueStamp,
};
use onramp_core::{AttributeName, BoxStream, DistinguishedName, ObjectGuid, Result};

use super::{Broken, Mutant};

#[async_trait]
impl Replication for Mutant {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        self.sound.replication.controllers().await
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        if self.is(Broken::AnswersForAnybody) && !controller.has_host_name() {
            return Ok(false);
        }
        Ok(self.is(Broken::SaysItHoldsAll) || self.sound.replication.holds(controller, value).await?)
    }
}

#[async_trait]
impl ControllerProbe for Mutant {
    async fn probe(&self, controller: &DomainController) -> Result<ProbedController> {
        let mut probed =
            self.sound.controller_probe.as_deref().expect("the lab has it").probe(controller).await?;
        probed.time = probed.time.filter(|_| !self.is(Broken::HasNoClock));
        Ok(probed)
    }
}

impl Mutant {
    fn metadata(&self) -> &dyn ReplicationMetadata {
        self.sound.replication_metadata.as_deref().expect("the lab has it")
    }
}

#[async_trait]
impl ReplicationMetadata for Mutant {
    async fn writer(&self, context: &DistinguishedName) -> Result<DomainController> {
        self.metadata().writer(context).await
    }

    async fn position(
        &self,
        controller: &DomainController,
        context: &DistinguishedName,
    ) -> Result<ReplicationPosition> {
        let mut position = self.metadata().position(controller, context).await?;
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
        let changes = self.metadata().changes(controller, query);
        changes.filter(move |_| std::future::ready(!forgets)).boxed()
    }

    async fn stamp(
        &self,
        controller: &DomainController,
        object: &ObjectGuid,
        attribute: &AttributeName,
    ) -> Result<ValueStamp> {
        let mut stamp = self.metadata().stamp(controller, object, attribute).await?;
        if self.is(Broken::BlamesAnother)
            && let Some(written) = &mut stamp.written
        {
            written.by = InvocationId::from_bytes([7; 16]);
        }
        Ok(stamp)
    }
}
