//! Applications whose port breaks a promise.

use async_trait::async_trait;
use onramp_core::tenant::{
    AppRole, AppRoleAssignment, Application, ApplicationProbe, ApplicationSignIn, Applications,
    CertificateCredential, NewApplication, NewCertificate, OfferedAppRole,
};
use onramp_core::{ErrorKind, ObjectId, Password, Result};

use super::{Broken, Mutant, hide};

#[async_trait]
impl Applications for Mutant {
    async fn find(&self, unique_name: &str) -> Result<Option<Application>> {
        let mut found = self.sound.applications.find(unique_name).await?;
        if self.is(Broken::FindsByBeginning) && found.is_none() {
            found = self.sound.applications.find(unique_name.trim_end_matches("-2")).await?;
        }
        if self.is(Broken::HasNoPrincipal)
            && let Some(application) = &mut found
        {
            application.service_principal = None;
        }
        Ok(found)
    }

    async fn create(&self, application: &NewApplication) -> Result<Application> {
        if !self.is(Broken::RegistersAgain) {
            return self.sound.applications.create(application).await;
        }
        let existing = self.sound.applications.find(&application.unique_name).await?;
        let mut created = self.sound.applications.create(application).await?;
        if existing.is_some() {
            created.id = created.app_id;
        }
        Ok(created)
    }

    async fn create_service_principal(&self, app_id: &ObjectId) -> Result<ObjectId> {
        self.sound.applications.create_service_principal(app_id).await
    }

    async fn delete_service_principal(&self, id: &ObjectId) -> Result<()> {
        self.sound.applications.delete_service_principal(id).await
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

    async fn app_role(&self, role: &AppRole) -> Result<Option<OfferedAppRole>> {
        self.sound.applications.app_role(role).await
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

#[async_trait]
impl ApplicationSignIn for Mutant {
    async fn probe(
        &self,
        app_id: &ObjectId,
        key: &Password,
        resource: &ObjectId,
    ) -> Result<ApplicationProbe> {
        let Some(sign_in) = &self.sound.application_sign_in else { panic!("the lab has this port") };
        let probe = sign_in.probe(app_id, key, resource).await?;
        Ok(match probe {
            ApplicationProbe::UnknownCertificate { .. } if self.is(Broken::AcceptsAnyCertificate) => {
                ApplicationProbe::Accepted { roles: Some(Vec::new()) }
            }
            ApplicationProbe::Accepted { .. } if self.is(Broken::ForgetsPermissions) => {
                ApplicationProbe::Accepted { roles: Some(Vec::new()) }
            }
            probe => probe,
        })
    }
}
