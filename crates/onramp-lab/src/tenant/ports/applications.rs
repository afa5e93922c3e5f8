//! Application identities.

use async_trait::async_trait;
use onramp_core::tenant::{
    AppRole, AppRoleAssignment, Application, ApplicationProbe, ApplicationSignIn, Applications,
    CertificateCredential, NewApplication, NewCertificate, OfferedAppRole,
};
use onramp_core::{ErrorKind, ObjectId, Password, Result};
use rcgen::KeyPair;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{Operation, Ports};
use crate::tenant::data::applications::{self, WantedCertificate};
use crate::tenant::data::refusal::Refusal;
use crate::tenant::data::state::State;
use crate::tenant::sign_in::tokens::{Aadsts, Audience, aadsts_of};

#[async_trait]
impl Applications for Ports {
    async fn find(&self, unique_name: &str) -> Result<Option<Application>> {
        let operation =
            Operation::new("GET", unique_path(unique_name), "look up the application", unique_name);
        let found = self.run(&operation, |state, now| {
            let found = state.applications.iter_mut().find(|app| app.unique_name() == Some(unique_name));
            let found = found.and_then(|app| app.seen.graph(now).then(|| app.clone()));
            Ok(found.map(|app| application(&app, state)))
        });
        found.await?.transpose()
    }

    async fn create(&self, new: &NewApplication) -> Result<Application> {
        let NewApplication { unique_name, display_name, tags, .. } = new;
        let operation =
            Operation::new("PATCH", unique_path(unique_name), "register the application", unique_name);
        let created = self.run(&operation, |state, now| {
            let found =
                state.applications.iter_mut().find(|app| app.unique_name() == Some(unique_name.as_str()));
            let app = match found {
                Some(app) => {
                    app.display_name.clone_from(display_name);
                    app.rest.retain(|(name, _)| *name != "tags");
                    app.rest.push(("tags", json!(tags)));
                    app.clone()
                }
                None => {
                    let rest = vec![("uniqueName", json!(unique_name)), ("tags", json!(tags))];
                    state.create_application(display_name, rest, now)?.clone()
                }
            };
            Ok(application(&app, state))
        });
        created.await?
    }

    async fn create_service_principal(&self, app_id: &ObjectId) -> Result<ObjectId> {
        let operation =
            Operation::new("POST", "/v1.0/servicePrincipals", "create the service principal of", app_id);
        let app_id = app_id.to_string();
        let created = self.run(&operation, |state, now| {
            let found =
                state.service_principals.iter().find(|sp| sp.app_id == app_id).map(|sp| sp.id.clone());
            match found {
                Some(id) => Ok(id),
                None => Ok(state.create_service_principal(&app_id, Vec::new(), now)?.id.clone()),
            }
        });
        Ok(ObjectId::parse(&created.await?)?)
    }

    async fn delete_service_principal(&self, id: &ObjectId) -> Result<()> {
        let path = format!("/v1.0/servicePrincipals/{id}");
        let operation = Operation::new("DELETE", path, "delete the service principal", id);
        self.run(&operation, |state, now| state.delete_service_principal(&id.to_string(), now)).await
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

    async fn app_role(&self, role: &AppRole) -> Result<Option<OfferedAppRole>> {
        let operation =
            Operation::new("GET", "/v1.0/servicePrincipals", "look up the permission", &role.value)
                .with_query(format!("$filter=appId eq '{}'", role.resource));
        let resource = role.resource.to_string();
        let found = self.run(&operation, |state, _| {
            let api = state.service_principals.iter().find(|sp| sp.app_id == resource);
            Ok(api.and_then(|api| {
                let (id, _) = api.app_roles.iter().find(|(_, value)| *value == role.value)?;
                Some((api.id.clone(), id.clone()))
            }))
        });
        let Some((api, id)) = found.await? else { return Ok(None) };
        Ok(Some(OfferedAppRole::new(ObjectId::parse(&api)?, ObjectId::parse(&id)?)))
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

#[async_trait]
impl ApplicationSignIn for Ports {
    async fn probe(
        &self,
        app_id: &ObjectId,
        key: &Password,
        resource: &ObjectId,
    ) -> Result<ApplicationProbe> {
        let path = format!("/{}/oauth2/v2.0/token", self.lab.credentials().tenant_id);
        let operation = Operation::new("POST", path, "sign in as the application", app_id);
        let der = proven_certificate(key)
            .map_err(|why| operation.error(ErrorKind::Invalid).with_detail(why.to_owned()))?;
        let (app_id, audience) = (app_id.to_string(), audience_of(resource));
        let answer =
            self.run(&operation, |state, now| Ok(sign_in(state, &app_id, &der, audience, now))).await;
        match answer {
            Ok(Ok(roles)) => Ok(ApplicationProbe::Accepted { roles: Some(roles) }),
            Ok(Err(refusal)) => Ok(ApplicationProbe::of_refusal(refusal.code, refusal.message)),
            // A fault may speak as the token endpoint does.
            Err(error) => {
                let message = error.reply().diagnostic.clone().unwrap_or_default();
                aadsts_of(&message).map_or(Err(error), |code| Ok(ApplicationProbe::of_refusal(code, message)))
            }
        }
    }
}

fn audience_of(resource: &ObjectId) -> Audience {
    match resource.to_string().as_str() {
        applications::GRAPH => Audience::Graph,
        applications::ARM => Audience::Arm,
        _ => Audience::Api(*resource),
    }
}

/// Signs an application in, whose certificate is proven, and returns the permissions in the token.
fn sign_in(
    state: &mut State,
    app_id: &str,
    der: &[u8],
    audience: Audience,
    now: OffsetDateTime,
) -> std::result::Result<Vec<String>, Aadsts> {
    let app = state.registered(app_id)?;
    let known = app.certificates.iter().find(|held| held.der == der);
    if known.is_none_or(|known| known.not_after <= now) {
        return Err(Aadsts::new(
            700_027,
            "Client assertion contains an invalid signature. [Reason - The key was not found.]",
        ));
    }
    state.require_api(audience)?;
    Ok(state.roles_for(app_id, audience))
}

/// Returns the certificate of a key in PEM, if the private key in it belongs to it.
fn proven_certificate(key: &Password) -> std::result::Result<Vec<u8>, &'static str> {
    let certificate = CertificateDer::from_pem_slice(key.expose().as_bytes())
        .map_err(|_| "no certificate was found in the PEM")?;
    let private = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
        .map_err(|_| "no private key was found in the PEM")?;
    let key = KeyPair::try_from(&private).map_err(|_| "the private key was refused")?;
    // The certificate holds the public key as it is.
    let public = key.public_key_raw();
    if certificate.windows(public.len()).any(|part| part == public) {
        Ok(certificate.to_vec())
    } else {
        Err("the private key is not that of the certificate")
    }
}

/// The address of an application by its unique name.
fn unique_path(unique_name: &str) -> String {
    format!("/v1.0/applications(uniqueName='{unique_name}')")
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
    let hash = Sha256::digest(&held.der);
    credential.thumbprint = Some(hash.iter().map(|byte| format!("{byte:02x}")).collect());
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
    let tags = app.rest.iter().find(|(name, _)| *name == "tags").and_then(|(_, tags)| tags.as_array());
    let tags = tags.into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
    let secrets = u32::try_from(app.secrets.len()).unwrap_or(u32::MAX);
    let found = Application::new(
        ObjectId::parse(&app.id)?,
        ObjectId::parse(&app.app_id)?,
        &app.display_name,
        principal,
    );
    let found = found.with_tags(tags).with_secrets(secrets);
    Ok(match app.unique_name() {
        Some(name) => found.with_unique_name(name),
        None => found,
    })
}
