//! Application identities.

use async_trait::async_trait;
use onramp_core::tenant::{
    AppRole, AppRoleAssignment, Application, Applications, CertificateCredential, NewCertificate,
};
use onramp_core::{ObjectId, Result};

use super::{Operation, Ports};
use crate::tenant::data::applications::{self, WantedCertificate};
use crate::tenant::data::refusal::Refusal;
use crate::tenant::data::state::State;

#[async_trait]
impl Applications for Ports {
    async fn find(&self, display_name: &str) -> Result<Vec<Application>> {
        let operation = Operation::new("GET", "/v1.0/applications", "find the application", display_name)
            .with_query(format!("$filter=displayName eq '{}'", display_name.replace('\'', "''")));
        self.run(&operation, |state, _| {
            let found = state.applications.iter().filter(|app| app.display_name == display_name);
            Ok(found.map(|app| application(app, state)).collect::<Vec<_>>())
        })
        .await?
        .into_iter()
        .collect()
    }

    async fn create(&self, display_name: &str) -> Result<Application> {
        let register = Operation::new("POST", "/v1.0/applications", "register the application", display_name);
        let app = self
            .run(&register, |state, now| state.create_application(display_name, Vec::new(), now).cloned())
            .await?;
        let admit = Operation::new(
            "POST",
            "/v1.0/servicePrincipals",
            "create the service principal of",
            display_name,
        );
        self.run(&admit, |state, now| {
            state.create_service_principal(&app.app_id, Vec::new(), now)?;
            Ok(application(&app, state))
        })
        .await?
    }

    async fn delete(&self, id: &ObjectId) -> Result<()> {
        let operation =
            Operation::new("DELETE", format!("/v1.0/applications/{id}"), "delete the application", id);
        self.run(&operation, |state, now| state.delete_application(&id.to_string(), now)).await
    }

    async fn certificates(&self, id: &ObjectId) -> Result<Vec<CertificateCredential>> {
        let operation = read_application(id);
        let held = self
            .run(&operation, |state, now| Ok(state.application(&id.to_string(), now)?.certificates.clone()))
            .await?;
        held.iter().map(certificate_credential).collect()
    }

    async fn add_certificate(
        &self,
        id: &ObjectId,
        certificate: &NewCertificate,
    ) -> Result<CertificateCredential> {
        let operation = Operation::new("PATCH", application_path(id), "add a certificate to", id);
        let id = id.to_string();
        let added = self.run(&operation, |state, now| {
            let held = state.application(&id, now)?.certificates.clone();
            if let Some(same) = held.iter().find(|held| held.der == certificate.der) {
                return Ok(same.clone());
            }
            let new = WantedCertificate {
                display_name: Some(certificate.display_name.clone()),
                der: Some(certificate.der.clone()),
                ..WantedCertificate::default()
            };
            state.set_certificates(&id, held.iter().map(kept).chain([new]).collect(), now)?;
            let all = &state.application(&id, now)?.certificates;
            all.last().cloned().ok_or_else(|| Refusal::of_status(500))
        });
        certificate_credential(&added.await?)
    }

    async fn remove_certificate(&self, id: &ObjectId, key_id: &ObjectId) -> Result<()> {
        let operation = Operation::new("PATCH", application_path(id), "remove a certificate from", id);
        let (id, key_id) = (id.to_string(), key_id.to_string());
        self.run(&operation, |state, now| {
            let held = state.application(&id, now)?.certificates.clone();
            let left: Vec<_> = held.iter().filter(|held| held.key_id != key_id).map(kept).collect();
            if left.len() == held.len() {
                return Err(Refusal::not_found(&key_id));
            }
            state.set_certificates(&id, left, now)
        })
        .await
    }

    async fn app_roles_of(&self, service_principal: &ObjectId) -> Result<Vec<AppRoleAssignment>> {
        let operation = Operation::new(
            "GET",
            grants_path(service_principal),
            "list the permissions of",
            service_principal,
        );
        let id = service_principal.to_string();
        let held = self
            .run(&operation, |state, now| {
                state.service_principal(&id, now)?;
                let held = state.app_role_assignments.iter().filter(|held| held.principal_id == id);
                Ok(held.cloned().collect::<Vec<_>>())
            })
            .await?;
        held.iter().map(app_role_assignment).collect()
    }

    async fn grant_app_role(
        &self,
        service_principal: &ObjectId,
        role: &AppRole,
    ) -> Result<AppRoleAssignment> {
        let operation = Operation::new(
            "POST",
            grants_path(service_principal),
            "grant a permission to",
            service_principal,
        );
        let id = service_principal.to_string();
        let granted = self.run(&operation, |state, now| {
            state.service_principal(&id, now)?;
            let resource = state.service_principal(&format!("appId={}", role.resource), now)?;
            let known = resource.app_roles.iter().find(|(_, value)| *value == role.value);
            let wanted = known.map(|(id, _)| id.clone()).ok_or_else(|| Refusal::not_found(&role.value))?;
            let resource = resource.id.clone();
            let same = |held: &&applications::AppRoleAssignment| {
                held.principal_id == id && held.resource_id == resource && held.app_role_id == wanted
            };
            match state.app_role_assignments.iter().find(same) {
                Some(held) => Ok(held.clone()),
                None => state.grant_app_role([&id, &resource, &wanted], now).cloned(),
            }
        });
        app_role_assignment(&granted.await?)
    }

    async fn revoke_app_role(&self, service_principal: &ObjectId, assignment_id: &str) -> Result<()> {
        let path = format!("{}/{assignment_id}", grants_path(service_principal));
        let operation = Operation::new("DELETE", path, "revoke a permission of", service_principal);
        let id = service_principal.to_string();
        self.run(&operation, |state, now| match state.revoke_app_role(&id, assignment_id, now) {
            Err(refusal) if refusal.status == 404 && !refusal.not_yet => Ok(()),
            other => other,
        })
        .await
    }
}

fn application_path(id: &ObjectId) -> String {
    format!("/v1.0/applications/{id}")
}

fn grants_path(service_principal: &ObjectId) -> String {
    format!("/v1.0/servicePrincipals/{service_principal}/appRoleAssignments")
}

fn read_application(id: &ObjectId) -> Operation {
    Operation::new("GET", application_path(id), "read the application", id)
}

/// A certificate that is there and stays.
fn kept(held: &applications::Certificate) -> WantedCertificate {
    WantedCertificate { key_id: Some(held.key_id.clone()), ..WantedCertificate::default() }
}

fn certificate_credential(held: &applications::Certificate) -> Result<CertificateCredential> {
    let mut credential = CertificateCredential::new(ObjectId::parse(&held.key_id)?);
    credential.display_name.clone_from(&held.display_name);
    credential.not_before = Some(held.not_before);
    credential.not_after = Some(held.not_after);
    Ok(credential)
}

fn app_role_assignment(held: &applications::AppRoleAssignment) -> Result<AppRoleAssignment> {
    let (resource, role) = (ObjectId::parse(&held.resource_id)?, ObjectId::parse(&held.app_role_id)?);
    Ok(AppRoleAssignment::new(&held.id, resource, role))
}

fn application(app: &applications::Application, state: &State) -> Result<Application> {
    let principal = state.service_principals.iter().find(|sp| sp.app_id == app.app_id);
    let principal = principal.map(|sp| ObjectId::parse(&sp.id)).transpose()?;
    Ok(Application::new(
        ObjectId::parse(&app.id)?,
        ObjectId::parse(&app.app_id)?,
        &app.display_name,
        principal,
    ))
}
