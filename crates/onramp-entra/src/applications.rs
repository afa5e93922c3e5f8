//! Application identities over Graph.

use async_trait::async_trait;
use onramp_core::tenant::{
    AppRole, AppRoleAssignment, Application, Applications, CertificateCredential, NewCertificate,
};
use onramp_core::{Error, ErrorKind, ObjectId, Result};
use onramp_graph::GraphClient;
use onramp_graph::http::{Reply, Request, ServiceUrl};
use onramp_graph::reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::certificates::{self, KeyCredential};

const READ: &str = "Application.Read.All";
const GRANT: &str =
    "AppRoleAssignment.ReadWrite.All (a signed-in user also needs the role Privileged Role Administrator)";
const WRITE: &str = "Application.ReadWrite.OwnedBy (application) or Application.ReadWrite.All (delegated)";

/// [`Applications`] on Microsoft Graph v1.0.
///
/// | method | least permission, delegated | application |
/// |---|---|---|
/// | `find`, `certificates`, `app_roles_of` | Application.Read.All | Application.Read.All |
/// | `create`, `delete`, `add_certificate`, `remove_certificate` | Application.ReadWrite.All | Application.ReadWrite.OwnedBy |
/// | `grant_app_role`, `revoke_app_role` | AppRoleAssignment.ReadWrite.All | AppRoleAssignment.ReadWrite.All |
///
/// A signed-in user also needs the role Application Administrator or Cloud Application Administrator where users
/// may not register applications. Display names are not unique, so a creation whose response was lost is not
/// repeated: it ends in `OutcomeUnknown`.
#[derive(Debug, Clone)]
pub struct EntraApplications(pub(crate) GraphClient);

impl EntraApplications {
    async fn key_credentials(&self, id: &ObjectId) -> Result<Vec<KeyCredential>> {
        let url = self.url(&["applications", &id.to_string()])?;
        let request = Request::new("read the certificates of the application", Method::GET, url)
            .object(id)
            .refers_to(id)
            .query("$select", "id,keyCredentials")
            .needs(READ);
        Ok(self.0.json::<CredentialsJson>(&request).await?.key_credentials)
    }

    async fn replace_credentials(
        &self,
        action: &'static str,
        id: &ObjectId,
        wanted: &[KeyCredential],
    ) -> Result<()> {
        let url = self.url(&["applications", &id.to_string()])?;
        let request = Request::new(action, Method::PATCH, url)
            .object(id)
            .refers_to(id)
            .needs(WRITE)
            .json(&NewCredentials { key_credentials: wanted })?;
        self.0.send(&request).await.map(drop)
    }

    /// Returns the service principal of an API in this tenant, and the ID of one of its roles.
    async fn app_role(&self, role: &AppRole) -> Result<(ObjectId, ObjectId)> {
        let url = self.url(&["servicePrincipals"])?;
        let request = Request::new("look up the permission", Method::GET, url)
            .object(&role.value)
            .filter_eq("appId", role.resource)
            .query("$select", "id,appRoles")
            .needs(READ);
        let found: Vec<ApiJson> = self.0.list_all(request.clone()).await?;
        let Some(api) = found.into_iter().next() else {
            return Err(request
                .error(ErrorKind::NotFound)
                .with_detail(format!("the tenant does not have the API {}", role.resource))
                .with_hint("Switching directory synchronization on brings the synchronization service into the tenant."));
        };
        let offered = api.app_roles.into_iter().find(|offered| offered.value.as_ref() == Some(&role.value));
        let offered = offered.ok_or_else(|| {
            request
                .error(ErrorKind::NotFound)
                .with_detail(format!("the API {} offers no permission of that name", role.resource))
        })?;
        Ok((api.id, offered.id))
    }

    fn url(&self, segments: &[&str]) -> Result<ServiceUrl> {
        self.0.endpoints().graph().url(&[&["v1.0"], segments].concat())
    }

    async fn service_principal_of(&self, app_id: &ObjectId) -> Result<Option<ObjectId>> {
        let url = self.url(&["servicePrincipals"])?;
        let request = Request::new("look up the service principal of", Method::GET, url)
            .object(app_id)
            .filter_eq("appId", app_id)
            .query("$select", "id,appId")
            .needs(READ);
        let found: Vec<IdJson> = self.0.list_all(request).await?;
        Ok(found.into_iter().next().map(|found| found.id))
    }

    async fn create_service_principal(&self, app: &ApplicationJson) -> Result<ObjectId> {
        let request =
            Request::new("create the service principal of", Method::POST, self.url(&["servicePrincipals"])?)
                .object(&app.display_name)
                .refers_to(app.id)
                .needs(WRITE)
                .json(&NewServicePrincipal { app_id: app.app_id })?;
        let read = |reply: &Reply| Ok(reply.json::<IdJson>(&request)?.id);
        match self.0.create(&request, || self.service_principal_of(&app.app_id), read).await {
            // There is one per application ID, created by any client.
            Err(error) if error.is_already_exists() => {
                self.service_principal_of(&app.app_id).await?.ok_or(error)
            }
            other => other,
        }
    }
}

#[async_trait]
impl Applications for EntraApplications {
    /// `GET /applications` and `GET /servicePrincipals`. Application.Read.All.
    async fn find(&self, display_name: &str) -> Result<Vec<Application>> {
        let request = Request::new("look up the application", Method::GET, self.url(&["applications"])?)
            .object(display_name)
            .filter_eq("displayName", display_name)
            .query("$select", "id,appId,displayName")
            .needs(READ);
        let found: Vec<ApplicationJson> = self.0.list_all(request).await?;
        let mut applications = Vec::with_capacity(found.len());
        // `eq` compares without case; this port compares exactly.
        for app in found.into_iter().filter(|app| app.display_name == display_name) {
            let look_up = || self.service_principal_of(&app.app_id);
            let service_principal =
                self.0.find_recently_created(&service_principal_key(&app.app_id), look_up).await?;
            applications.push(Application::new(app.id, app.app_id, app.display_name, service_principal));
        }
        Ok(applications)
    }

    /// `POST /applications` and `POST /servicePrincipals`. Application.ReadWrite.OwnedBy for an application,
    /// Application.ReadWrite.All for a signed-in user.
    async fn create(&self, display_name: &str) -> Result<Application> {
        let body = NewApplication { display_name, sign_in_audience: "AzureADMyOrg" };
        let request = Request::new("register the application", Method::POST, self.url(&["applications"])?)
            .object(display_name)
            .needs(WRITE)
            .json(&body)?;
        let app: ApplicationJson = self.0.json(&request).await?;
        self.0.created(app.id, &[app.app_id.to_string()]);
        let service_principal =
            self.create_service_principal(&app).await.map_err(|why| no_service_principal(&app, why))?;
        self.0.created(service_principal, &[]);
        self.0.created(app.id, &[app.app_id.to_string(), service_principal_key(&app.app_id)]);
        Ok(Application::new(app.id, app.app_id, app.display_name, Some(service_principal)))
    }

    /// `DELETE /applications/{id}`; the service principal goes with it. Application.ReadWrite.OwnedBy for an
    /// application, Application.ReadWrite.All for a signed-in user.
    async fn delete(&self, id: &ObjectId) -> Result<()> {
        let url = self.url(&["applications", &id.to_string()])?;
        let request =
            Request::new("delete the application", Method::DELETE, url).object(id).refers_to(id).needs(WRITE);
        self.0.send(&request).await?;
        self.0.deleted(&id.to_string());
        Ok(())
    }

    /// `GET /applications/{id}` with `keyCredentials`. Application.Read.All.
    async fn certificates(&self, id: &ObjectId) -> Result<Vec<CertificateCredential>> {
        let held = self.key_credentials(id).await?;
        Ok(held.into_iter().map(KeyCredential::into_credential).collect())
    }

    /// `PATCH /applications/{id}`, with the permission of [`Applications::create`]. Graph replaces the whole list, so it
    /// is read first. A concurrent change between reading and writing is detected by reading again.
    async fn add_certificate(
        &self,
        id: &ObjectId,
        certificate: &NewCertificate,
    ) -> Result<CertificateCredential> {
        let thumbprint = certificates::thumbprint(&certificate.der);
        let is_new =
            |held: &KeyCredential| held.custom_key_identifier.as_deref() == Some(thumbprint.as_str());
        let before = self.key_credentials(id).await?;
        if let Some(same) = before.iter().find(|held| is_new(held)) {
            return Ok(same.clone().into_credential());
        }
        let mut wanted: Vec<KeyCredential> = before.clone();
        wanted.push(KeyCredential::new(certificate, &thumbprint));
        self.replace_credentials("add a certificate to the application", id, &wanted).await?;
        let added = || async {
            let held = self.key_credentials(id).await?;
            certificates::require_kept(id, &before, &held, None)?;
            Ok(held.into_iter().find(|held| is_new(held)))
        };
        let added = self.0.find_after_write(added).await?;
        added.map(KeyCredential::into_credential).ok_or_else(|| certificates::not_shown(id))
    }

    /// `PATCH /applications/{id}`, as for [`Applications::add_certificate`].
    async fn remove_certificate(&self, id: &ObjectId, key_id: &ObjectId) -> Result<()> {
        let before = self.key_credentials(id).await?;
        let left: Vec<KeyCredential> =
            before.iter().filter(|held| held.key_id.as_ref() != Some(key_id)).cloned().collect();
        if left.len() == before.len() {
            return Err(Error::new(ErrorKind::NotFound, "remove the certificate")
                .with_object(key_id)
                .with_detail("the application has no such certificate"));
        }
        self.replace_credentials("remove a certificate from the application", id, &left).await
    }

    /// `GET /servicePrincipals/{id}/appRoleAssignments`. Application.Read.All.
    async fn app_roles_of(&self, service_principal: &ObjectId) -> Result<Vec<AppRoleAssignment>> {
        let url = self.url(&["servicePrincipals", &service_principal.to_string(), "appRoleAssignments"])?;
        let request = Request::new("list the permissions of", Method::GET, url)
            .object(service_principal)
            .refers_to(service_principal)
            .needs(READ);
        let found: Vec<GrantJson> = self.0.list_all(request).await?;
        Ok(found.into_iter().map(GrantJson::into_assignment).collect())
    }

    /// `POST /servicePrincipals/{id}/appRoleAssignments`. AppRoleAssignment.ReadWrite.All; a signed-in user also needs
    /// the role Privileged Role Administrator for permissions of Microsoft Graph, Cloud Application Administrator for
    /// others.
    async fn grant_app_role(
        &self,
        service_principal: &ObjectId,
        role: &AppRole,
    ) -> Result<AppRoleAssignment> {
        // Distinguishes a missing principal from a missing permission, which Graph does not.
        self.app_roles_of(service_principal).await?;
        let (resource, role_id) = self.app_role(role).await?;
        let url = self.url(&["servicePrincipals", &service_principal.to_string(), "appRoleAssignments"])?;
        let request = Request::new("grant the permission", Method::POST, url)
            .object(format_args!("{} to {service_principal}", role.value))
            .refers_to(service_principal)
            .needs(GRANT)
            .json(&NewGrant {
                principal_id: *service_principal,
                resource_id: resource,
                app_role_id: role_id,
            })?;
        let look_up = || async {
            let held = self.app_roles_of(service_principal).await?;
            Ok(held.into_iter().find(|held| held.resource_principal == resource && held.role == role_id))
        };
        if let Some(held) = look_up().await? {
            return Ok(held);
        }
        let read = |reply: &Reply| Ok(reply.json::<GrantJson>(&request)?.into_assignment());
        match self.0.create(&request, look_up, read).await {
            Err(error) if error.is_already_exists() => look_up().await?.ok_or(error),
            other => other,
        }
    }

    /// `DELETE /servicePrincipals/{id}/appRoleAssignments/{id}`. AppRoleAssignment.ReadWrite.All.
    async fn revoke_app_role(&self, service_principal: &ObjectId, assignment_id: &str) -> Result<()> {
        let principal = service_principal.to_string();
        let url = self.url(&["servicePrincipals", &principal, "appRoleAssignments", assignment_id])?;
        let request = Request::new("revoke a permission of", Method::DELETE, url)
            .object(service_principal)
            .needs(GRANT);
        match self.0.send(&request).await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map(drop),
        }
    }
}

/// Returns the key of an application's service principal among the recently created objects.
fn service_principal_key(app_id: &ObjectId) -> String {
    format!("service principal of {app_id}")
}

/// Returns the error for an application without a service principal.
fn no_service_principal(app: &ApplicationJson, why: Error) -> Error {
    Error::new(why.kind(), "create the service principal of the application")
        .with_object(&app.display_name)
        .with_reply(why.reply().clone())
        .with_hint(format!(
            "The registration {} was made and has none yet: delete it, then try again.",
            app.id
        ))
        .with_source(why)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewApplication<'a> {
    display_name: &'a str,
    /// The audience of this tenant only.
    sign_in_audience: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewServicePrincipal {
    app_id: ObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationJson {
    id: ObjectId,
    app_id: ObjectId,
    display_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialsJson {
    #[serde(default)]
    key_credentials: Vec<KeyCredential>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewCredentials<'a> {
    key_credentials: &'a [KeyCredential],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiJson {
    id: ObjectId,
    #[serde(default)]
    app_roles: Vec<AppRoleJson>,
}

#[derive(Deserialize)]
struct AppRoleJson {
    id: ObjectId,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewGrant {
    principal_id: ObjectId,
    resource_id: ObjectId,
    app_role_id: ObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GrantJson {
    id: String,
    resource_id: ObjectId,
    app_role_id: ObjectId,
}

impl GrantJson {
    fn into_assignment(self) -> AppRoleAssignment {
        AppRoleAssignment::new(self.id, self.resource_id, self.app_role_id)
    }
}

#[derive(Deserialize)]
struct IdJson {
    id: ObjectId,
}
