//! Domains and synchronisation whose ports break a promise.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::tenant::{
    DirectorySync, DomainReference, DomainVerification, Domains, ProvisioningError, SyncFeatures, SyncStatus,
    TenantDomain, VerificationRecord,
};
use onramp_core::{BoxStream, DomainName, ErrorKind, Result};

use super::{Broken, Mutant, hide};

#[async_trait]
impl Domains for Mutant {
    async fn list(&self) -> Result<Vec<TenantDomain>> {
        let mut all = self.sound.domains.list().await?;
        if self.is(Broken::ListsDomainsTwice) {
            all.push(TenantDomain::new(all[0].name.clone(), true));
        }
        Ok(all)
    }

    async fn get(&self, name: &DomainName) -> Result<TenantDomain> {
        self.sound.domains.get(name).await
    }

    async fn add(&self, name: &DomainName) -> Result<TenantDomain> {
        match self.sound.domains.add(name).await {
            Err(error) if self.is(Broken::AddsDomainsAgain) && error.is_already_exists() => {
                Domains::get(self, name).await
            }
            other => other,
        }
    }

    async fn verification_records(&self, name: &DomainName) -> Result<Vec<VerificationRecord>> {
        let mut records = self.sound.domains.verification_records(name).await?;
        if self.is(Broken::HasNoRecords) {
            records.clear();
        }
        Ok(records)
    }

    async fn verify(&self, name: &DomainName) -> Result<DomainVerification> {
        let answer = self.sound.domains.verify(name).await?;
        Ok(if self.is(Broken::VerifiesWithoutARecord) { DomainVerification::Verified } else { answer })
    }

    fn references(&self, name: &DomainName) -> BoxStream<'static, Result<DomainReference>> {
        let all = self.sound.domains.references(name);
        let broken = self.is(Broken::HidesReferences);
        all.filter(move |one| std::future::ready(!broken || one.is_err())).boxed()
    }

    async fn root_domain(&self, name: &DomainName) -> Result<TenantDomain> {
        let root = self.sound.domains.root_domain(name).await?;
        if self.is(Broken::CallsEveryDomainARoot) { self.sound.domains.get(name).await } else { Ok(root) }
    }

    async fn remove(&self, name: &DomainName) -> Result<()> {
        let removed = self.sound.domains.remove(name).await;
        if self.is(Broken::RemovesUnknownDomains) { hide(removed, ErrorKind::NotFound, ()) } else { removed }
    }
}

#[async_trait]
impl DirectorySync for Mutant {
    async fn status(&self) -> Result<SyncStatus> {
        self.sound.sync.status().await
    }

    async fn set_enabled(&self, enabled: bool) -> Result<()> {
        if self.is(Broken::SwitchesSilently) {
            return Ok(());
        }
        let set = self.sound.sync.set_enabled(enabled).await;
        if self.is(Broken::SwitchesBackAtOnce) { hide(set, ErrorKind::Invalid, ()) } else { set }
    }

    async fn features(&self) -> Result<SyncFeatures> {
        self.sound.sync.features().await
    }

    fn provisioning_errors(&self) -> BoxStream<'static, Result<ProvisioningError>> {
        self.sound.sync.provisioning_errors()
    }
}
