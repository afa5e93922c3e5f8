//! Domains and the synchronisation switch.

use async_trait::async_trait;
use onramp_core::tenant::{
    DirectorySync, DomainAuthentication, Domains, SyncState, SyncStatus, TenantDomain, Verification,
    VerificationRecord,
};
use onramp_core::{DomainName, ObjectId, Result};

use super::{Operation, Ports};
use crate::tenant::domains::Domain;

fn address(name: &DomainName) -> String {
    format!("/v1.0/domains/{name}")
}

#[async_trait]
impl Domains for Ports {
    async fn list(&self) -> Result<Vec<TenantDomain>> {
        let operation = Operation::new("GET", "/v1.0/domains", "list the tenant's domains", "");
        let domains = self
            .run(&operation, |state, now| {
                Ok(state.visible_domains(now).into_iter().cloned().collect::<Vec<_>>())
            })
            .await?;
        domains.iter().map(tenant_domain).collect()
    }

    async fn get(&self, name: &DomainName) -> Result<TenantDomain> {
        let operation = Operation::new("GET", address(name), "read the domain", name);
        let domain = self.run(&operation, |state, now| state.domain(name.as_str(), now).cloned()).await?;
        tenant_domain(&domain)
    }

    async fn add(&self, name: &DomainName) -> Result<TenantDomain> {
        let operation = Operation::new("POST", "/v1.0/domains", "add the domain", name);
        let domain = self.run(&operation, |state, now| state.add_domain(name.as_str(), now).cloned()).await?;
        tenant_domain(&domain)
    }

    async fn verification_records(&self, name: &DomainName) -> Result<Vec<VerificationRecord>> {
        let path = format!("{}/verificationDnsRecords", address(name));
        let operation = Operation::new("GET", path, "read the verification records of the domain", name);
        let domain = self.run(&operation, |state, now| state.domain(name.as_str(), now).cloned()).await?;
        let (label, ttl) = (domain.name.clone(), 3_600);
        Ok(vec![
            VerificationRecord::Txt { label: label.clone(), text: domain.txt(), ttl },
            VerificationRecord::Mx { label, mail_exchange: domain.mail_exchange(), preference: 32_767, ttl },
        ])
    }

    async fn verify(&self, name: &DomainName) -> Result<Verification> {
        let operation =
            Operation::new("POST", format!("{}/verify", address(name)), "verify the domain", name);
        let answer = self.run(&operation, |state, now| {
            if state.domain(name.as_str(), now)?.is_verified {
                return Ok(None);
            }
            match state.verify_domain(name.as_str(), now) {
                Ok(_) => Ok(None),
                Err(refusal) if refusal.status == 400 => Ok(Some(refusal.message)),
                Err(refusal) => Err(refusal),
            }
        });
        Ok(match answer.await? {
            None => Verification::Verified,
            Some(message) => Verification::RecordNotFound { message },
        })
    }

    async fn remove(&self, name: &DomainName) -> Result<()> {
        let operation = Operation::new("DELETE", address(name), "remove the domain", name);
        self.run(&operation, |state, now| state.delete_domain(name.as_str(), now)).await
    }
}

fn tenant_domain(domain: &Domain) -> Result<TenantDomain> {
    let mut tenant_domain = TenantDomain::new(DomainName::parse(&domain.name)?, domain.is_verified);
    tenant_domain.is_default = domain.is_default;
    tenant_domain.is_initial = domain.is_initial;
    if domain.federated {
        tenant_domain.authentication = DomainAuthentication::Federated;
    }
    Ok(tenant_domain)
}

#[async_trait]
impl DirectorySync for Ports {
    async fn status(&self) -> Result<SyncStatus> {
        let operation =
            Operation::new("GET", "/v1.0/organization", "read the tenant's synchronisation state", "");
        let (id, name, sync) = self
            .run(&operation, |state, _| {
                Ok((state.tenant_id.clone(), state.display_name.clone(), state.synchronization.clone()))
            })
            .await?;
        let state = match sync.enabled {
            None => SyncState::NeverEnabled,
            Some(true) => SyncState::Enabled,
            Some(false) => SyncState::Disabled,
        };
        let mut status = SyncStatus::new(ObjectId::parse(&id)?, name, state);
        status.last_sync = sync.last_sync;
        Ok(status)
    }

    async fn set_enabled(&self, enabled: bool) -> Result<()> {
        let tenant = self.lab.credentials().tenant_id;
        let action = if enabled {
            "enable directory synchronisation of"
        } else {
            "disable directory synchronisation of"
        };
        let operation = Operation::new("PATCH", format!("/v1.0/organization/{tenant}"), action, tenant);
        self.run(&operation, |state, now| state.set_sync_enabled(enabled, now)).await
    }
}
