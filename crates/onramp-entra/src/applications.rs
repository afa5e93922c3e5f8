//! Application identities over Graph.

use async_trait::async_trait;
use onramp_core::tenant::{
    AppRole, AppRoleAssignment, Application, Applications, CertificateCredential, NewApplication,
    NewCertificate, OfferedAppRole,
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
/// | `find`, `certificates`, `app_role`, `app_roles_of` | Application.Read.All | Application.Read.All |
/// | `create`, `create_service_principal`, `delete`, `delete_service_principal`, `add_certificate`, `remove_certificate` | Application.ReadWrite.All | Application.ReadWrite.OwnedBy |
/// | `grant_app_role`, `revoke_app_role` | AppRoleAssignment.ReadWrite.All | AppRoleAssignment.ReadWrite.All |
///
/// A signed-in user also needs the role Application Administrator or Cloud Application Administrator where users
/// may not register applications. An application is created by its unique name (`PATCH` with `Prefer:
/// create-if-missing`), so that a creation whose response was lost is repeated without making a second one.
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

    /// Returns the service principal of an API in this tenant, with its roles.
    async fn api(&self, role: &AppRole) -> Result<(Request, Option<ApiJson>)> {
        let url = self.url(&["servicePrincipals"])?;
        let request = Request::new("look up the permission", Method::GET, url)
            .object(&role.value)
            .filter_eq("appId", role.resource)
            .query("$select", "id,appRoles")
            .needs(READ);
        let found: Vec<ApiJson> = self.0.list_all(request.clone()).await?;
        Ok((request, found.into_iter().next()))
    }

    /// Returns the permission as its API offers it; `NotFound` if it does not, or if the tenant does not have the API.
    async fn offered(&self, role: &AppRole) -> Result<OfferedAppRole> {
        let (request, api) = self.api(role).await?;
        let Some(api) = api else {
            return Err(request
                .error(ErrorKind::NotFound)
                .with_detail(format!("the tenant does not have the API {}", role.resource))
                .with_hint("Switching directory synchronization on brings the synchronization service into the tenant."));
        };
        api.role(&role.value).ok_or_else(|| {
            request
                .error(ErrorKind::NotFound)
                .with_detail(format!("the API {} offers no permission of that name", role.resource))
        })
    }

    async fn read_unique(&self, unique_name: &str) -> Result<Option<ApplicationJson>> {
        let request = Request::new("look up the application", Method::GET, self.unique_url(unique_name)?)
            .object(unique_name)
            .refers_to(unique_key(unique_name))
            .query("$select", "id,appId,displayName,uniqueName,tags,passwordCredentials")
            .needs(READ);
        match self.0.json(&request).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the URL of the application with a unique name, its alternate key.
    fn unique_url(&self, unique_name: &str) -> Result<ServiceUrl> {
        let quoted = unique_name.replace('\'', "''");
        self.url(&[&format!("applications(uniqueName='{quoted}')")])
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
}

#[async_trait]
impl Applications for EntraApplications {
    /// `GET /applications(uniqueName='{name}')` and `GET /servicePrincipals`. Application.Read.All.
    async fn find(&self, unique_name: &str) -> Result<Option<Application>> {
        let Some(app) = self.read_unique(unique_name).await? else { return Ok(None) };
        let look_up = || self.service_principal_of(&app.app_id);
        let principal = self.0.find_recently_created(&service_principal_key(&app.app_id), look_up).await?;
        Ok(Some(app.into_application(unique_name, principal)))
    }

    /// `PATCH /applications(uniqueName='{name}')` with `Prefer: create-if-missing`. Application.ReadWrite.OwnedBy for an
    /// application, Application.ReadWrite.All for a signed-in user.
    async fn create(&self, application: &NewApplication) -> Result<Application> {
        let NewApplication { unique_name, display_name, tags, .. } = application;
        let body = NewApplicationJson { display_name, sign_in_audience: "AzureADMyOrg", tags };
        let request = Request::new("register the application", Method::PATCH, self.unique_url(unique_name)?)
            .object(unique_name)
            .header("prefer", "create-if-missing")
            .needs(WRITE)
            .json(&body)?;
        let reply = self.0.send(&request).await?;
        if reply.status() == 201 {
            let app: ApplicationJson = reply.json(&request)?;
            self.0.created(app.id, &[app.app_id.to_string(), unique_key(unique_name)]);
            return Ok(app.into_application(unique_name, None));
        }
        // It was there: by an earlier attempt whose response was lost, or from before.
        let found = self.0.find_after_write(|| self.find(unique_name)).await?;
        found.ok_or_else(|| {
            request
                .error(ErrorKind::OutcomeUnknown)
                .with_detail("the tenant accepted it and does not show it yet")
                .with_hint("Try again: an application of that unique name is found and not made twice.")
        })
    }

    /// `POST /servicePrincipals`, with the permission of [`Applications::create`].
    async fn create_service_principal(&self, app_id: &ObjectId) -> Result<ObjectId> {
        let request =
            Request::new("create the service principal of", Method::POST, self.url(&["servicePrincipals"])?)
                .object(app_id)
                .refers_to(app_id)
                .needs(WRITE)
                .json(&NewServicePrincipal { app_id: *app_id })?;
        let read = |reply: &Reply| Ok(reply.json::<IdJson>(&request)?.id);
        let principal = match self.0.create(&request, || self.service_principal_of(app_id), read).await {
            // There is one per application ID, created by any client.
            Err(error) if error.is_already_exists() => {
                let look_up = || self.service_principal_of(app_id);
                return self.0.find_after_write(look_up).await?.ok_or(error);
            }
            other => other?,
        };
        self.0.created(principal, &[service_principal_key(app_id)]);
        Ok(principal)
    }

    /// `DELETE /servicePrincipals/{id}`, with the permission of [`Applications::create`].
    async fn delete_service_principal(&self, id: &ObjectId) -> Result<()> {
        let url = self.url(&["servicePrincipals", &id.to_string()])?;
        let request = Request::new("delete the service principal", Method::DELETE, url)
            .object(id)
            .refers_to(id)
            .needs(WRITE);
        self.0.send(&request).await?;
        self.0.deleted(&id.to_string());
        Ok(())
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

    /// `GET /servicePrincipals` with `appRoles`. Application.Read.All.
    async fn app_role(&self, role: &AppRole) -> Result<Option<OfferedAppRole>> {
        let (_, api) = self.api(role).await?;
        Ok(api.and_then(|api| api.role(&role.value)))
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
        let offered = self.offered(role).await?;
        let url = self.url(&["servicePrincipals", &service_principal.to_string(), "appRoleAssignments"])?;
        let request = Request::new("grant the permission", Method::POST, url)
            .object(format_args!("{} to {service_principal}", role.value))
            .refers_to(service_principal)
            .needs(GRANT)
            .json(&NewGrant {
                principal_id: *service_principal,
                resource_id: offered.resource_principal,
                app_role_id: offered.role,
            })?;
        let look_up = || async {
            let held = self.app_roles_of(service_principal).await?;
            Ok(held.into_iter().find(|held| offered.is_given_by(held)))
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

/// Returns the key of an application among the recently created objects, by its unique name.
fn unique_key(unique_name: &str) -> String {
    format!("application {unique_name}")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewApplicationJson<'a> {
    display_name: &'a str,
    /// The audience of this tenant only.
    sign_in_audience: &'static str,
    tags: &'a [String],
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
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    password_credentials: Vec<serde::de::IgnoredAny>,
}

impl ApplicationJson {
    fn into_application(self, unique_name: &str, service_principal: Option<ObjectId>) -> Application {
        let secrets = u32::try_from(self.password_credentials.len()).unwrap_or(u32::MAX);
        Application::new(self.id, self.app_id, self.display_name, service_principal)
            .with_unique_name(unique_name)
            .with_tags(self.tags)
            .with_secrets(secrets)
    }
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

impl ApiJson {
    fn role(&self, value: &str) -> Option<OfferedAppRole> {
        let offered = self.app_roles.iter().find(|offered| offered.value.as_deref() == Some(value))?;
        Some(OfferedAppRole::new(self.id, offered.id))
    }
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
