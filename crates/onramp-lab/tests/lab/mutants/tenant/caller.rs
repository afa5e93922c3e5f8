//! Service records and the caller's identity whose ports break a promise.

use async_trait::async_trait;
use onramp_core::tenant::{Caller, CallerCredential, CallerRights, ServiceRecord, ServiceRecords};
use onramp_core::{DomainName, ErrorKind, Result};

use super::{Broken, Mutant, hide};

#[async_trait]
impl ServiceRecords for Mutant {
    async fn service_records(&self, domain: &DomainName) -> Result<Vec<ServiceRecord>> {
        let port = self.sound.service_records.as_deref().expect("the lab has it");
        let mut records = match port.service_records(domain).await {
            found if self.is(Broken::HasRecordsOfAnyDomain) => hide(found, ErrorKind::NotFound, Vec::new())?,
            found => found?,
        };
        if self.is(Broken::CutsLabels) {
            for record in &mut records {
                record.label = record.label.replace(&format!(".{domain}"), "");
            }
        }
        Ok(records)
    }
}

#[async_trait]
impl Caller for Mutant {
    async fn rights(&self) -> Result<CallerRights> {
        if self.is(Broken::HasNoRights) {
            return Ok(CallerRights::Application { permissions: Vec::new() });
        }
        self.sound.caller.as_deref().expect("the lab has it").rights().await
    }

    async fn credentials(&self) -> Result<Vec<CallerCredential>> {
        self.sound.caller.as_deref().expect("the lab has it").credentials().await
    }
}
