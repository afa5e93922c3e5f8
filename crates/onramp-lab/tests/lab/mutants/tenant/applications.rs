//! Applications whose port breaks a promise.

use async_trait::async_trait;
use onramp_core::tenant::{
    AppRole, AppRoleAssignment, Application, Applications, CertificateCredential, NewCertificate,
};
use onramp_core::{ErrorKind, ObjectId, Result};

use super::{Broken, Mutant, hide};

#[async_trait]
impl Applications for Mutant {
    async fn find(&self, display_name: &str) -> Result<Vec<Application>> {
        let mut found = self.sound.applications.find(display_name).await?;
        if self.is(Broken::FindsByBeginning) && found.is_empty() {
            let whole = display_name.trim_end_matches(" 2");
            found = self.sound.applications.find(whole).await?;
        }
        if self.is(Broken::HasNoPrincipal) {
            found.iter_mut().for_each(|application| application.service_principal = None);
        }
        Ok(found)
    }

    async fn create(&self, display_name: &str) -> Result<Application> {
        let existing = self.sound.applications.find(display_name).await?;
        match existing.into_iter().next() {
            Some(existing) if self.is(Broken::ReusesApplications) => Ok(existing),
            _ => {
                let mut created = self.sound.applications.create(display_name).await?;
                if self.is(Broken::HasNoPrincipal) {
                    created.service_principal = None;
                }
                Ok(created)
            }
        }
    }

    async fn delete(&self, id: &ObjectId) -> Result<()> {
        self.sound.applications.delete(id).await
    }

    async fn certificates(&self, id: &ObjectId) -> Result<Vec<CertificateCredential>> {
        self.sound.applications.certificates(id).await
    }

    async fn add_certificate(
        &self,
        id: &ObjectId,
        certificate: &NewCertificate,
    ) -> Result<CertificateCredential> {
        if self.is(Broken::ReplacesCertificates) {
            for held in self.sound.applications.certificates(id).await? {
                self.sound.applications.remove_certificate(id, &held.key_id).await?;
            }
        }
        self.sound.applications.add_certificate(id, certificate).await
    }

    async fn remove_certificate(&self, id: &ObjectId, key_id: &ObjectId) -> Result<()> {
        self.sound.applications.remove_certificate(id, key_id).await
    }

    async fn app_roles_of(&self, service_principal: &ObjectId) -> Result<Vec<AppRoleAssignment>> {
        self.sound.applications.app_roles_of(service_principal).await
    }

    async fn grant_app_role(
        &self,
        service_principal: &ObjectId,
        role: &AppRole,
    ) -> Result<AppRoleAssignment> {
        let granted = self.sound.applications.grant_app_role(service_principal, role).await;
        let made_up = AppRoleAssignment::new("made-up", role.resource, role.resource);
        if self.is(Broken::GrantsAnything) { hide(granted, ErrorKind::NotFound, made_up) } else { granted }
    }

    async fn revoke_app_role(&self, service_principal: &ObjectId, assignment_id: &str) -> Result<()> {
        self.sound.applications.revoke_app_role(service_principal, assignment_id).await
    }
}
