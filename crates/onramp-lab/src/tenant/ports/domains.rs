//! Domains and the synchronization switch.

use async_trait::async_trait;
use onramp_core::tenant::{
    DeletionPrevention, DirectorySync, DomainAuthentication, DomainReference, DomainVerification, Domains,
    ProvisioningError, ReferenceKind, SyncFeatures, SyncState, SyncStatus, TenantDomain, VerificationRecord,
};
use onramp_core::{BoxStream, DomainName, ObjectId, Result};
use time::OffsetDateTime;

use super::{Operation, Ports, whole};
use crate::tenant::data::domains::{Domain, RECORD_MISSING};
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::data::users::{Conflict, User};

fn address(name: &DomainName) -> String {
    format!("/v1.0/domains/{name}")
}

#[async_trait]
impl Domains for Ports {
    async fn list(&self) -> Result<Vec<TenantDomain>> {
        let operation = Operation::new("GET", "/v1.0/domains", "list the tenant's domains", "");
        self.run(&operation, |state, now| {
            let all: Vec<Domain> = state.visible_domains(now).into_iter().cloned().collect();
            Ok(all.iter().map(|domain| tenant_domain(domain, state)).collect::<Result<_>>())
        })
        .await?
    }

    async fn get(&self, name: &DomainName) -> Result<TenantDomain> {
        let operation = Operation::new("GET", address(name), "read the domain", name);
        self.run(&operation, |state, now| read(state, name, now)).await?
    }

    async fn add(&self, name: &DomainName) -> Result<TenantDomain> {
        let operation = Operation::new("POST", "/v1.0/domains", "add the domain", name);
        self.run(&operation, |state, now| {
            let added = state.add_domain(name.as_str(), now)?.clone();
            Ok(tenant_domain(&added, state))
        })
        .await?
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

    async fn verify(&self, name: &DomainName) -> Result<DomainVerification> {
        let operation =
            Operation::new("POST", format!("{}/verify", address(name)), "verify the domain", name);
        let answer = self.run(&operation, |state, now| {
            if state.domain(name.as_str(), now)?.is_verified {
                return Ok(None);
            }
            match state.verify_domain(name.as_str(), now) {
                Ok(_) => Ok(None),
                Err(refusal) if refusal.message.contains(RECORD_MISSING) => Ok(Some(refusal.message)),
                Err(refusal) => Err(refusal),
            }
        });
        Ok(match answer.await? {
            None => DomainVerification::Verified,
            Some(message) => DomainVerification::RecordNotFound { message },
        })
    }

    fn references(&self, name: &DomainName) -> BoxStream<'static, Result<DomainReference>> {
        let (ports, name) = (self.clone(), name.clone());
        whole(async move {
            let path = format!("{}/domainNameReferences", address(&name));
            let operation = Operation::new("GET", path, "list what refers to the domain", &name);
            ports
                .run(&operation, |state, now| {
                    let name = state.domain(name.as_str(), now)?.name.clone();
                    let reference = |user: &User| {
                        let id = ObjectId::parse(&user.id)?;
                        Ok(DomainReference::new(id, ReferenceKind::User, Some(user.upn.clone())))
                    };
                    Ok(state.domain_references(&name).map(reference).collect())
                })
                .await
        })
    }

    async fn root_domain(&self, name: &DomainName) -> Result<TenantDomain> {
        let path = format!("{}/rootDomain", address(name));
        let operation = Operation::new("GET", path, "read the root domain of", name);
        self.run(&operation, |state, now| {
            let domain = state.domain(name.as_str(), now)?.clone();
            if !domain.is_verified {
                return Err(Refusal::not_found(name.as_str()));
            }
            let root = state.root_of(&domain.name).cloned().unwrap_or(domain);
            Ok(tenant_domain(&root, state))
        })
        .await?
    }

    async fn remove(&self, name: &DomainName) -> Result<()> {
        let operation = Operation::new("DELETE", address(name), "remove the domain", name);
        self.run(&operation, |state, now| state.delete_domain(name.as_str(), now)).await
    }
}

fn read(state: &mut State, name: &DomainName, now: OffsetDateTime) -> Outcome<Result<TenantDomain>> {
    let domain = state.domain(name.as_str(), now)?.clone();
    Ok(tenant_domain(&domain, state))
}

fn tenant_domain(domain: &Domain, state: &State) -> Result<TenantDomain> {
    let mut tenant_domain = TenantDomain::new(DomainName::parse(&domain.name)?, domain.is_verified);
    tenant_domain.is_default = domain.is_default;
    tenant_domain.is_initial = domain.is_initial;
    tenant_domain.is_root = state.is_root(domain);
    if domain.federated {
        tenant_domain.authentication = DomainAuthentication::Federated;
    }
    Ok(tenant_domain)
}

#[async_trait]
impl DirectorySync for Ports {
    async fn status(&self) -> Result<SyncStatus> {
        let operation =
            Operation::new("GET", "/v1.0/organization", "read the tenant's synchronization state", "");
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
            "enable directory synchronization of"
        } else {
            "disable directory synchronization of"
        };
        let operation = Operation::new("PATCH", format!("/v1.0/organization/{tenant}"), action, tenant);
        self.run(&operation, |state, now| state.set_sync_enabled(enabled, now)).await
    }

    async fn features(&self) -> Result<SyncFeatures> {
        let path = "/v1.0/directory/onPremisesSynchronization";
        let operation = Operation::new("GET", path, "read the tenant's synchronization features", "");
        self.run(&operation, |state, _| Ok(features(state))).await
    }

    fn provisioning_errors(&self) -> BoxStream<'static, Result<ProvisioningError>> {
        let ports = self.clone();
        whole(async move {
            let operation =
                Operation::new("GET", "/v1.0/users", "list the conflicts of synchronized users", "")
                    .with_query(
                        "$filter=onPremisesProvisioningErrors/any(o:o/category eq 'PropertyConflict')",
                    );
            ports.run(&operation, |state, _| Ok(conflicts(state))).await
        })
    }
}

/// Only users may read them, and only once synchronization was switched on; the ports speak for an application.
fn features(state: &State) -> SyncFeatures {
    let mut features = SyncFeatures::default();
    let sync = &state.synchronization;
    if !state.app_only_sync_features || sync.enabled.is_none() {
        return features;
    }
    let flag = |name: &str| sync.features.iter().find(|(known, _)| *known == name).map(|(_, on)| *on);
    features.block_soft_match = flag("blockSoftMatchEnabled");
    features.block_hard_match = flag("blockCloudObjectTakeoverThroughHardMatchEnabled");
    features.allow_identifier_update = flag("allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled");
    features.soft_match_on_upn = flag("softMatchOnUpnEnabled");
    features.synchronize_upn_for_managed_users = flag("synchronizeUpnForManagedUsersEnabled");
    features.password_hash_sync = flag("passwordSyncEnabled");
    features.cloud_password_policy = flag("cloudPasswordPolicyForPasswordSyncedUsersEnabled");
    features.quarantine_on_proxy_conflict = flag("quarantineUponProxyAddressesConflictEnabled");
    features.quarantine_on_upn_conflict = flag("quarantineUponUpnConflictEnabled");
    let threshold = u32::try_from(sync.deletion_threshold).unwrap_or_default();
    features.deletion_prevention = match sync.deletion_prevention.as_str() {
        "disabled" => Some(DeletionPrevention::Disabled),
        "enabledForCount" => Some(DeletionPrevention::Objects(threshold)),
        "enabledForPercentage" => Some(DeletionPrevention::Percent(threshold)),
        _ => None,
    };
    features
}

fn conflicts(state: &State) -> Vec<Result<ProvisioningError>> {
    let of_user = |user: &User| -> Vec<Result<ProvisioningError>> {
        let error = |conflict: &Conflict| {
            let id = ObjectId::parse(&user.id)?;
            let mut error = ProvisioningError::new(id, &conflict.property, &conflict.value);
            error.name = Some(user.upn.clone());
            error.occurred = Some(conflict.occurred);
            Ok(error)
        };
        user.conflicts.iter().map(error).collect()
    };
    state.users.live().flat_map(of_user).collect()
}
