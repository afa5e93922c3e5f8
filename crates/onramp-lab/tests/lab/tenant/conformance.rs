//! The lab's model passes the same suites that every implementation of the tenant's ports has to pass.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onramp_core::conformance::{self, PollTimeout, PublishRecords, TenantFixture};
use onramp_core::tenant::VerificationRecord;
use onramp_core::{DomainName, ManualClock, Result};
use onramp_lab::tenant::{Consistency, LabTenant, LabTenantBuilder};

#[derive(Debug)]
pub(crate) struct SimulatedDns(pub(crate) LabTenant);

#[async_trait]
impl PublishRecords for SimulatedDns {
    async fn publish(&self, _: &DomainName, records: &[VerificationRecord]) -> Result<()> {
        for record in records {
            if let VerificationRecord::Txt { label, text, .. } = record {
                self.0.publish_txt(label, text);
            }
        }
        Ok(())
    }
}

async fn holds(builder: LabTenantBuilder) {
    let clock = Arc::new(ManualClock::default());
    let lab = builder.seed(7).clock(clock.clone()).build().unwrap();
    let fixture =
        TenantFixture::new("lab", DomainName::parse(&lab.initial_domain()).unwrap(), PollTimeout::new(clock))
            .with_records(Arc::new(SimulatedDns(lab.clone())))
            .with_subscription(lab.subscription_ids()[0])
            .with_sync_switching()
            .with_sign_in();
    conformance::tenant::run(&lab.tenant(), &fixture).await;
}

#[tokio::test]
async fn the_model_keeps_the_contract() {
    holds(LabTenant::builder()).await;
}

#[tokio::test]
async fn the_model_keeps_the_contract_when_new_objects_are_seen_late() {
    holds(LabTenant::builder().consistency(Consistency::AfterRequests(3))).await;
    holds(LabTenant::builder().consistency(Consistency::Within(Duration::from_secs(20)))).await;
}
