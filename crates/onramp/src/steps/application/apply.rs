//! The changes of the application: register it, add and remove certificates, grant permissions, and sign in.

use std::time::Duration;

use onramp_core::tenant::{AppRole, Application, CertificateCredential, NewApplication, NewCertificate};
use onramp_core::{Error, ErrorKind, ObjectId, Password, Result};

use super::{TAG, by_resource, certificate_name, key, missing};
use crate::apply::Context;
use crate::event::Event;
use crate::outcome::{Outcome, WaitReason};
use crate::plan::Change;
use crate::steps::result::{StepResult, already, done};

/// The pauses between tries while a new certificate or permission may not be known to the token endpoint.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// The application during a run.
#[derive(Default)]
pub(crate) struct Identity {
    /// The application, once found or created.
    found: Option<Application>,
}

impl Identity {
    /// Returns the object ID of the registration, once it was found or created.
    pub(crate) fn id(&self) -> Option<ObjectId> {
        self.found.as_ref().map(|application| application.id)
    }

    /// Makes one change of the application.
    pub(crate) async fn apply(&mut self, context: &Context<'_>, change: &Change) -> StepResult {
        match change {
            Change::CreateApplication { unique_name, display_name } => {
                self.create(context, unique_name, display_name).await
            }
            Change::CreateServicePrincipal { unique_name, id } => {
                self.create_service_principal(context, unique_name, *id).await
            }
            Change::AddApplicationCertificate { unique_name, id, before, valid_days, file, thumbprint } => {
                let application = self.application(context, unique_name, *id).await?;
                match file.as_deref().zip(thumbprint.as_deref()) {
                    Some((file, thumbprint)) => {
                        add_brought(context, &application, unique_name, file, thumbprint).await
                    }
                    None => add_new(context, &application, unique_name, before, *valid_days).await,
                }
            }
            Change::GrantAppRole { unique_name, id, resource, role } => {
                self.grant(context, unique_name, *id, &AppRole::new(*resource, role.clone())).await
            }
            Change::ProveApplicationSignIn { unique_name, id, roles } => {
                let application = self.application(context, unique_name, *id).await?;
                let (_, told) = prove(context, unique_name, &application, roles).await?;
                Ok((Outcome::Done, told))
            }
            Change::RemoveApplicationCertificate { unique_name, id, key_id, needs_proof, .. } => {
                let application = self.application(context, unique_name, Some(*id)).await?;
                remove_certificate(context, unique_name, &application, key_id, *needs_proof).await
            }
            Change::RevokeAppRole { unique_name, id, resource, role } => {
                self.revoke(context, unique_name, *id, &AppRole::new(*resource, role.clone())).await
            }
            Change::DeleteServicePrincipal { unique_name, id } => {
                self.delete_service_principal(context, unique_name, *id).await
            }
            Change::DeleteApplication { unique_name, id } => self.delete(context, unique_name, *id).await,
            other => {
                Err(Error::new(ErrorKind::Unsupported, "make the change").with_detail(other.to_string()))
            }
        }
    }

    /// Returns the application by its unique name; it must have the object ID of the survey.
    async fn application(
        &mut self,
        context: &Context<'_>,
        unique_name: &str,
        id: Option<ObjectId>,
    ) -> Result<Application> {
        let is_it = |found: &&Application| found.unique_name.as_deref() == Some(unique_name);
        if let Some(found) = self.found.as_ref().filter(is_it) {
            return Ok(found.clone());
        }
        let Some(id) = id else {
            return Err(Error::new(ErrorKind::NotFound, "find the application")
                .with_object(unique_name)
                .with_detail("this run did not create it")
                .with_hint("Run again to make a new plan."));
        };
        match context.onramp.tenant.applications.find(unique_name).await? {
            Some(found) if found.id == id => {
                self.found = Some(found.clone());
                Ok(found)
            }
            Some(found) => {
                Err(stale("find the application", unique_name, format!("it is {} now, not {id}", found.id)))
            }
            None => Err(stale(
                "find the application",
                unique_name,
                format!("the application {id} of the plan no longer exists"),
            )),
        }
    }

    async fn create(&mut self, context: &Context<'_>, unique_name: &str, display_name: &str) -> StepResult {
        let port = &context.onramp.tenant.applications;
        let tag = format!("{TAG}{}", context.plan.plan().digest());
        if let Some(found) = port.find(unique_name).await? {
            // A run of this plan created it: nobody else knows the digest beforehand.
            if found.tags.contains(&tag) {
                self.found = Some(found);
                return already();
            }
            let what =
                format!("an application of that unique name, {}, was registered after the survey", found.id);
            return Err(stale("register the application", unique_name, what));
        }
        let new = NewApplication::new(unique_name, display_name).with_tags([tag]);
        let created = port.create(&new).await.map_err(unless_refused)?;
        let told = format!("its application ID is {}", created.app_id);
        self.found = Some(created);
        context.visible("the application", || async { Ok(port.find(unique_name).await?.is_some()) }).await?;
        Ok((Outcome::Done, told))
    }

    async fn create_service_principal(
        &mut self,
        context: &Context<'_>,
        unique_name: &str,
        id: Option<ObjectId>,
    ) -> StepResult {
        self.application(context, unique_name, id).await?;
        let port = &context.onramp.tenant.applications;
        // The registration that an interrupted run created may have one by now.
        let found = port.find(unique_name).await?;
        if let Some(found) = found.filter(|found| found.service_principal.is_some()) {
            self.found = Some(found);
            return already();
        }
        let mut application = self.application(context, unique_name, id).await?;
        let principal = port.create_service_principal(&application.app_id).await?;
        application.service_principal = Some(principal);
        self.found = Some(application);
        context
            .visible("the service principal", || async { Ok(port.app_roles_of(&principal).await.is_ok()) })
            .await?;
        done()
    }

    async fn principal(
        &mut self,
        context: &Context<'_>,
        unique_name: &str,
        id: Option<ObjectId>,
    ) -> Result<ObjectId> {
        let application = self.application(context, unique_name, id).await?;
        application.service_principal.ok_or_else(|| {
            Error::new(ErrorKind::Stale, "find the service principal of")
                .with_object(unique_name)
                .with_detail("it no longer exists")
                .with_hint("Run again to make a new plan.")
        })
    }

    async fn grant(
        &mut self,
        context: &Context<'_>,
        unique_name: &str,
        id: Option<ObjectId>,
        role: &AppRole,
    ) -> StepResult {
        let principal = self.principal(context, unique_name, id).await?;
        let port = &context.onramp.tenant.applications;
        let is_held = || async {
            let Some(offered) = port.app_role(role).await? else { return Ok(false) };
            Ok(port.app_roles_of(&principal).await?.iter().any(|held| offered.is_given_by(held)))
        };
        if is_held().await? {
            return already();
        }
        port.grant_app_role(&principal, role).await?;
        context.visible("the permission", is_held).await?;
        done()
    }

    async fn revoke(
        &mut self,
        context: &Context<'_>,
        unique_name: &str,
        id: ObjectId,
        role: &AppRole,
    ) -> StepResult {
        let principal = self.principal(context, unique_name, Some(id)).await?;
        let port = &context.onramp.tenant.applications;
        let Some(offered) = port.app_role(role).await? else { return already() };
        let held = || async {
            let mut held = port.app_roles_of(&principal).await?;
            held.retain(|held| offered.is_given_by(held));
            Ok::<_, Error>(held)
        };
        let found = held().await?;
        if found.is_empty() {
            return already();
        }
        for assignment in &found {
            port.revoke_app_role(&principal, &assignment.id).await?;
        }
        context.visible("the permission revoked", || async { Ok(held().await?.is_empty()) }).await?;
        done()
    }

    async fn delete_service_principal(
        &mut self,
        context: &Context<'_>,
        unique_name: &str,
        id: ObjectId,
    ) -> StepResult {
        let application = self.application(context, unique_name, Some(id)).await?;
        let port = &context.onramp.tenant.applications;
        let Some(principal) = application.service_principal else { return already() };
        match port.delete_service_principal(&principal).await {
            Err(error) if error.is_not_found() => return already(),
            other => other?,
        }
        self.found = None;
        let is_gone = || async {
            Ok(port.find(unique_name).await?.is_none_or(|found| found.service_principal.is_none()))
        };
        context.visible("the service principal deleted", is_gone).await?;
        done()
    }

    async fn delete(&mut self, context: &Context<'_>, unique_name: &str, id: ObjectId) -> StepResult {
        let port = &context.onramp.tenant.applications;
        match port.find(unique_name).await? {
            None => return already(),
            Some(found) if found.id != id => {
                return Err(stale(
                    "delete the application",
                    unique_name,
                    format!("it is {} now, not {id}", found.id),
                ));
            }
            Some(_) => {}
        }
        self.found = None;
        match port.delete(&id).await {
            Err(error) if error.is_not_found() => return already(),
            other => other?,
        }
        let is_gone = || async { Ok(port.find(unique_name).await?.is_none()) };
        context.visible("the application deleted", is_gone).await?;
        Ok((Outcome::Done, "it can be restored for 30 days in the Entra admin center".into()))
    }
}

/// Adds a certificate whose key the run makes, or one that an interrupted run made.
async fn add_new(
    context: &Context<'_>,
    application: &Application,
    unique_name: &str,
    before: &[ObjectId],
    valid_days: u32,
) -> StepResult {
    let held = context.onramp.tenant.applications.certificates(&application.id).await?;
    let is_new = |held: &&CertificateCredential| !before.contains(&held.key_id);
    let since: Vec<CertificateCredential> = held.iter().filter(is_new).cloned().collect();
    let known = key::stored(context.secrets, unique_name).await?;
    if let Some(key) = key::in_tenant(&known, &since) {
        // An interrupted run has added it.
        context.secrets.promote(unique_name, &key.pem).await?;
        return already();
    }
    let key = key::next(context, unique_name, &held, valid_days).await?;
    add(context, application, unique_name, &key.certificate.der, Some(&key.pem)).await
}

/// Adds the certificate that the spec brings.
async fn add_brought(
    context: &Context<'_>,
    application: &Application,
    unique_name: &str,
    file: &str,
    thumbprint: &str,
) -> StepResult {
    let brought = key::brought(context, unique_name, file, thumbprint).await?;
    let held = context.onramp.tenant.applications.certificates(&application.id).await?;
    if held.iter().any(|held| held.thumbprint.as_deref() == Some(thumbprint)) {
        if let Some(pem) = &brought.pem {
            context.secrets.promote(unique_name, pem).await?;
        }
        return already();
    }
    add(context, application, unique_name, &brought.certificate.der, brought.pem.as_ref()).await
}

async fn add(
    context: &Context<'_>,
    application: &Application,
    unique_name: &str,
    der: &[u8],
    pem: Option<&Password>,
) -> StepResult {
    let port = &context.onramp.tenant.applications;
    let certificate = NewCertificate::new(certificate_name(unique_name), der);
    let added = match port.add_certificate(&application.id, &certificate).await {
        Ok(added) => added,
        Err(error) => {
            let for_certain = matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound);
            if let Some(pem) = pem.filter(|_| for_certain) {
                // An unused key that remains in the store does no harm.
                let _ = context.secrets.discard(unique_name, pem).await;
            }
            return Err(unless_refused(error));
        }
    };
    let is_there = || async {
        let held = port.certificates(&application.id).await?;
        Ok(held.iter().any(|held| held.key_id == added.key_id))
    };
    context.visible("the certificate", is_there).await?;
    let place = match pem {
        Some(pem) => format!("; its key is stored in {}", context.secrets.promote(unique_name, pem).await?),
        None => String::new(),
    };
    let until = added.not_after.map(|end| format!(" until {}", end.date())).unwrap_or_default();
    Ok((Outcome::Done, format!("{} is valid{until}{place}", added.key_id)))
}

/// Removes a certificate, if the current one is another one and signs in.
async fn remove_certificate(
    context: &Context<'_>,
    unique_name: &str,
    application: &Application,
    key_id: &ObjectId,
    needs_proof: bool,
) -> StepResult {
    let port = &context.onramp.tenant.applications;
    let held = port.certificates(&application.id).await?;
    let Some(old) = held.iter().find(|held| held.key_id == *key_id) else { return already() };
    if needs_proof {
        let (thumbprint, _) = prove(context, unique_name, application, &[]).await?;
        if old.thumbprint.as_deref() == Some(thumbprint.as_str()) {
            return Err(stale(
                "remove the certificate of",
                unique_name,
                format!("{key_id} is the one whose key is the current one in the secret store"),
            ));
        }
    }
    match port.remove_certificate(&application.id, key_id).await {
        Err(error) if error.is_not_found() => return already(),
        other => other?,
    }
    let is_gone =
        || async { Ok(!port.certificates(&application.id).await?.iter().any(|held| held.key_id == *key_id)) };
    context.visible("the certificate removed", is_gone).await?;
    done()
}

/// Signs in with the newest key in the store whose certificate the tenant has, until the token has the permissions. Returns the
/// hash of the certificate and the result in words.
async fn prove(
    context: &Context<'_>,
    unique_name: &str,
    application: &Application,
    roles: &[AppRole],
) -> Result<(String, String)> {
    let failed = |kind: ErrorKind, detail: String| {
        Error::new(kind, "test the sign-in of").with_object(unique_name).with_detail(detail)
    };
    let held = context.onramp.tenant.applications.certificates(&application.id).await?;
    let keys = key::stored(context.secrets, unique_name).await?;
    let Some(key) = key::in_tenant(&keys, &held) else {
        let detail = "the key of none of its certificates is in the secret store".to_owned();
        return Err(failed(ErrorKind::NotFound, detail)
            .with_hint("`onramp identity rotate` adds a certificate with a new key."));
    };
    let thumbprint = key.certificate.thumbprint.clone();
    let Some(port) = &context.onramp.tenant.application_sign_in else {
        context.secrets.promote(unique_name, &key.pem).await?;
        return Ok((
            thumbprint,
            "not proven: this tenant has no port for the sign-in of applications".to_owned(),
        ));
    };
    // Without a permission to prove, a token of Microsoft Graph shows that the certificate is accepted.
    let mut wanted = by_resource(roles);
    if wanted.is_empty() {
        wanted.push((AppRole::GRAPH, Vec::new()));
    }
    let mut told = String::new();
    for (resource, values) in &wanted {
        let mut pauses = PAUSES.into_iter();
        let mut waited = Duration::ZERO;
        loop {
            let probe = port.probe(&application.app_id, &key.pem, resource).await?;
            let Some(why) = missing(&probe, values) else {
                told = probe.to_string();
                break;
            };
            let Some(pause) = pauses.next() else {
                return Err(failed(ErrorKind::Forbidden, why)
                    .with_hint("Run again: completed changes are recognized and not repeated."));
            };
            context.notify(Event::Waiting {
                reason: WaitReason::Visible {
                    value: "the certificate and the permissions in a token".into(),
                },
                waited,
                timeout: PAUSES.iter().sum(),
            });
            context.pause("wait for the token endpoint to know the application", pause).await?;
            waited += pause;
        }
    }
    context.secrets.promote(unique_name, &key.pem).await?;
    Ok((thumbprint, told))
}

/// Returns the error of a write that may have been made: a client may report a lost response to a request that can be repeated as
/// unavailability, and an undo must know that the run may have written.
fn unless_refused(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unavailable => Error::new(ErrorKind::OutcomeUnknown, "change the application")
            .with_detail(error.to_string())
            .with_hint("Run again: completed changes are recognized and not repeated.")
            .with_source(error),
        _ => error,
    }
}

fn stale(action: &str, unique_name: &str, detail: String) -> Error {
    Error::new(ErrorKind::Stale, action)
        .with_object(unique_name)
        .with_detail(detail)
        .with_hint("Nothing was written. Run again to make a new plan.")
}
