//! Application identities through Graph.

use async_trait::async_trait;
use onramp_core::tenant::{Application, Applications};
use onramp_core::{Error, ObjectId, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::endpoints::Audience;
use crate::filter;
use crate::paging;
use crate::request::{Reply, Request};
use crate::transport::Transport;

const READ: &str = "Application.Read.All";
const WRITE: &str = "Application.ReadWrite.OwnedBy (application) or Application.ReadWrite.All (delegated)";

/// [`Applications`] on Microsoft Graph v1.0.
///
/// | method | least permission, delegated | application |
/// |---|---|---|
/// | `find` | Application.Read.All | Application.Read.All |
/// | `create`, `delete` | Application.ReadWrite.All | Application.ReadWrite.OwnedBy |
///
/// A signed-in user also needs the role Application Administrator or Cloud Application Administrator where users
/// may not register applications. Display names are not unique, so a creation whose answer was lost is not
/// repeated: it ends in `OutcomeUnknown`.
#[derive(Debug, Clone)]
pub struct EntraApplications(pub(crate) Transport);

impl EntraApplications {
    fn url(&self, segments: &[&str]) -> Result<Url> {
        self.0.endpoints().url(Audience::Graph, &[&["v1.0"], segments].concat())
    }

    async fn service_principal_of(&self, app_id: &ObjectId) -> Result<Option<ObjectId>> {
        let url = self.url(&["servicePrincipals"])?;
        let request = Request::new("look up the service principal of", Audience::Graph, Method::GET, url)
            .object(app_id)
            .query("$filter", &format!("appId eq {}", filter::literal(&app_id.to_string())))
            .query("$select", "id,appId")
            .needs(READ);
        let found: Vec<IdJson> = paging::all(self.0.clone(), request).await?;
        Ok(found.into_iter().next().map(|found| found.id))
    }

    async fn create_service_principal(&self, app: &ApplicationJson) -> Result<ObjectId> {
        let request = Request::new(
            "create the service principal of",
            Audience::Graph,
            Method::POST,
            self.url(&["servicePrincipals"])?,
        )
        .object(&app.display_name)
        .concerns(app.id)
        .needs(WRITE)
        .json(&NewServicePrincipal { app_id: app.app_id })?;
        let read = |reply: &Reply| Ok(reply.json::<IdJson>(&request)?.id);
        match self.0.create(&request, || self.service_principal_of(&app.app_id), read).await {
            // There is one per application ID, whoever made it.
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
        let request = Request::new(
            "look up the application",
            Audience::Graph,
            Method::GET,
            self.url(&["applications"])?,
        )
        .object(display_name)
        .query("$filter", &format!("displayName eq {}", filter::literal(display_name)))
        .query("$select", "id,appId,displayName")
        .needs(READ);
        let found: Vec<ApplicationJson> = paging::all(self.0.clone(), request).await?;
        let mut applications = Vec::with_capacity(found.len());
        // `eq` compares without case; the name asked for is exact.
        for app in found.into_iter().filter(|app| app.display_name == display_name) {
            let look_up = || self.service_principal_of(&app.app_id);
            let service_principal = self.0.look_patiently(&made_for(&app.app_id), look_up).await?;
            applications.push(Application::new(app.id, app.app_id, app.display_name, service_principal));
        }
        Ok(applications)
    }

    /// `POST /applications` and `POST /servicePrincipals`. Application.ReadWrite.OwnedBy for an application,
    /// Application.ReadWrite.All for a signed-in user.
    async fn create(&self, display_name: &str) -> Result<Application> {
        let body = NewApplication { display_name, sign_in_audience: "AzureADMyOrg" };
        let request = Request::new(
            "register the application",
            Audience::Graph,
            Method::POST,
            self.url(&["applications"])?,
        )
        .object(display_name)
        .needs(WRITE)
        .json(&body)?;
        let app: ApplicationJson = self.0.json(&request).await?;
        self.0.created(app.id, &[app.app_id.to_string()]);
        let service_principal =
            self.create_service_principal(&app).await.map_err(|why| half_done(&app, why))?;
        self.0.created(service_principal, &[]);
        self.0.created(app.id, &[app.app_id.to_string(), made_for(&app.app_id)]);
        Ok(Application::new(app.id, app.app_id, app.display_name, Some(service_principal)))
    }

    /// `DELETE /applications/{id}`; the service principal goes with it. Application.ReadWrite.OwnedBy for an
    /// application, Application.ReadWrite.All for a signed-in user.
    async fn delete(&self, id: &ObjectId) -> Result<()> {
        let url = self.url(&["applications", &id.to_string()])?;
        let request = Request::new("delete the application", Audience::Graph, Method::DELETE, url)
            .object(id)
            .concerns(id)
            .needs(WRITE);
        self.0.send(&request).await?;
        self.0.fresh.forget(&id.to_string());
        Ok(())
    }
}

/// The name under which it is remembered that an application's service principal was created.
fn made_for(app_id: &ObjectId) -> String {
    format!("service principal of {app_id}")
}

fn half_done(app: &ApplicationJson, why: Error) -> Error {
    Error::new(why.kind().clone(), "create the service principal of the application")
        .object(&app.display_name)
        .reply(why.server_reply().clone())
        .hint(format!("The registration {} was made and has none yet: delete it, then try again.", app.id))
        .source(why)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewApplication<'a> {
    display_name: &'a str,
    /// This tenant only.
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
struct IdJson {
    id: ObjectId,
}
