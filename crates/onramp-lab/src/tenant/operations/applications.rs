//! Applications and service principals: created, granted permissions, removed.

use crate::tenant::data::applications::AppRoleAssignment;
use crate::tenant::data::applications::Application;
use crate::tenant::data::applications::ServicePrincipal;
use crate::tenant::data::applications::WantedCertificate;
use crate::tenant::data::applications::{Certificate, GRAPH, PASSWORD_RESET};
use crate::tenant::data::certificate_dates::validity;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::limits::consistency::Visibility;
use serde_json::Value;
use time::OffsetDateTime;

impl State {
    /// Returns the visible application of this object id, or of `appId=…`.
    pub(crate) fn application(&mut self, key: &str, now: OffsetDateTime) -> Outcome<&mut Application> {
        let found = self.applications.iter_mut().find(|app| match key.strip_prefix("uniqueName=") {
            Some(unique_name) => app.unique_name() == Some(unique_name),
            None => names(key, &app.id, &app.app_id),
        });
        let app = found.ok_or_else(|| Refusal::not_found(key))?;
        if app.seen.graph(now) { Ok(app) } else { Err(Refusal::not_yet(key)) }
    }

    /// Returns true if an application was created under that unique name, visible or not.
    pub(crate) fn has_unique_name(&self, unique_name: &str) -> bool {
        self.applications.iter().any(|app| app.unique_name() == Some(unique_name))
    }

    /// Returns an application that was just created, visible or not.
    pub(crate) fn new_application(&mut self, id: &str) -> Outcome<&mut Application> {
        self.applications.iter_mut().find(|app| app.id == id).ok_or_else(|| Refusal::not_found(id))
    }

    pub(crate) fn create_application(
        &mut self,
        name: &str,
        rest: Vec<(&'static str, Value)>,
        now: OffsetDateTime,
    ) -> Outcome<&Application> {
        if name.trim().is_empty() || name.chars().count() > 256 {
            return Err(Refusal::missing_property("displayName", "Application"));
        }
        let app = Application {
            id: self.draw.guid(),
            app_id: self.draw.guid(),
            display_name: name.to_owned(),
            created: now,
            secrets: Vec::new(),
            secrets_expire: None,
            is_public: false,
            certificates: Vec::new(),
            rest,
            seen: self.consistency.begin(now, &mut self.draw),
        };
        self.applications.push(app);
        self.applications.last().ok_or_else(|| Refusal::of_status(500))
    }

    /// Replaces the certificates of an application: those that are named by their key stay as they are, those that
    /// come with a body are new, all others go.
    pub(crate) fn set_certificates(
        &mut self,
        key: &str,
        wanted: Vec<WantedCertificate>,
        now: OffsetDateTime,
    ) -> Outcome<()> {
        let known = self.application(key, now)?.certificates.clone();
        let all = self.resolve_certificates(&known, wanted, now)?;
        self.application(key, now)?.certificates = all;
        Ok(())
    }

    /// Sets the certificates of an application that was just created, visible or not. If one is refused, the application is not
    /// created.
    pub(crate) fn set_certificates_of_new(
        &mut self,
        id: &str,
        wanted: Vec<WantedCertificate>,
        now: OffsetDateTime,
    ) -> Outcome<()> {
        match self.resolve_certificates(&[], wanted, now) {
            Ok(all) => self.new_application(id)?.certificates = all,
            Err(refusal) => {
                self.applications.retain(|app| app.id != id);
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn resolve_certificates(
        &mut self,
        known: &[Certificate],
        wanted: Vec<WantedCertificate>,
        now: OffsetDateTime,
    ) -> Outcome<Vec<Certificate>> {
        let mut all = Vec::with_capacity(wanted.len());
        for entry in wanted {
            let held = known.iter().find(|held| entry.key_id.as_deref() == Some(held.key_id.as_str()));
            match (held, entry.der) {
                (Some(held), _) => all.push(held.clone()),
                (None, None) => {
                    return Err(Refusal::bad_request(
                        "New key credentials must have a value for the property 'key'.",
                    ));
                }
                (None, Some(der)) => {
                    if !is_der_sequence(&der) {
                        return Err(Refusal::new(
                            400,
                            "KeyCredentialsInvalidKeyValue",
                            "Key credential value is not a valid certificate.",
                        ));
                    }
                    // The service reads the dates from the certificate, if there are any.
                    let dates = validity(&der);
                    let not_before = dates.map(|dates| dates.0).or(entry.not_before);
                    let not_after = dates.map(|dates| dates.1).or(entry.not_after);
                    let not_after = not_after.unwrap_or(now + time::Duration::days(365));
                    if not_after <= now {
                        return Err(Refusal::new(
                            400,
                            "KeyCredentialsInvalidEndDate",
                            "Key credential end date is invalid.",
                        ));
                    }
                    all.push(Certificate {
                        key_id: entry.key_id.unwrap_or_else(|| self.draw.guid()),
                        display_name: entry.display_name,
                        identifier: entry.identifier,
                        not_before: not_before.unwrap_or(now),
                        not_after,
                        der,
                    });
                }
            }
        }
        Ok(all)
    }

    pub(crate) fn delete_application(&mut self, key: &str, now: OffsetDateTime) -> Outcome<()> {
        let (id, app_id) = {
            let app = self.application(key, now)?;
            (app.id.clone(), app.app_id.clone())
        };
        self.applications.retain(|app| app.id != id);
        // The registration takes its service principal in the home tenant with it.
        if let Some(sp) =
            self.service_principals.iter().find(|sp| sp.app_id == app_id).map(|sp| sp.id.clone())
        {
            self.remove_service_principal(&sp);
        }
        Ok(())
    }

    pub(crate) fn service_principal(&mut self, key: &str, now: OffsetDateTime) -> Outcome<&ServicePrincipal> {
        let found = self.service_principals.iter_mut().find(|sp| names(key, &sp.id, &sp.app_id));
        let sp = found.ok_or_else(|| Refusal::not_found(key))?;
        if sp.seen.graph(now) { Ok(sp) } else { Err(Refusal::not_yet(key)) }
    }

    pub(crate) fn create_service_principal(
        &mut self,
        app_id: &str,
        tags: Vec<String>,
        now: OffsetDateTime,
    ) -> Outcome<&ServicePrincipal> {
        let app = self.applications.iter().find(|app| app.app_id.eq_ignore_ascii_case(app_id)).ok_or_else(|| {
            Refusal::new(
                400,
                "Request_BadRequest",
                format!("When using this permission, the backing application of the service principal being created must in the local tenant: '{app_id}'."),
            )
        })?;
        let (app_id, name) = (app.app_id.clone(), app.display_name.clone());
        if self.service_principals.iter().any(|sp| sp.app_id == app_id) {
            return Err(Refusal::new(
                409,
                "Request_MultipleObjectsWithSameKeyValue",
                format!(
                    "The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."
                ),
            ));
        }
        let sp = ServicePrincipal {
            id: self.draw.guid(),
            app_id,
            display_name: name,
            account_enabled: true,
            tags,
            app_roles: Vec::new(),
            seen: self.consistency.begin(now, &mut self.draw),
        };
        self.service_principals.push(sp);
        self.service_principals.last().ok_or_else(|| Refusal::of_status(500))
    }

    pub(crate) fn delete_service_principal(&mut self, key: &str, now: OffsetDateTime) -> Outcome<()> {
        let id = self.service_principal(key, now)?.id.clone();
        self.remove_service_principal(&id);
        Ok(())
    }

    pub(crate) fn grant_app_role(
        &mut self,
        grant: [&str; 3],
        now: OffsetDateTime,
    ) -> Outcome<&AppRoleAssignment> {
        let [principal, resource, role] = grant;
        let principal_id = self.service_principal(principal, now)?.id.clone();
        let resource = self.service_principal(resource, now)?;
        let resource_id = resource.id.clone();
        if !resource.app_roles.iter().any(|(id, _)| id.eq_ignore_ascii_case(role)) {
            return Err(Refusal::bad_request(
                "Permission entry is invalid for the resource: no such app role.",
            ));
        }
        let same = |held: &AppRoleAssignment| {
            held.principal_id == principal_id
                && held.resource_id == resource_id
                && held.app_role_id.eq_ignore_ascii_case(role)
        };
        if self.app_role_assignments.iter().any(same) {
            return Err(Refusal::bad_request("Permission being assigned already exists on the object"));
        }
        let assignment = AppRoleAssignment {
            id: self.draw.letters(43),
            principal_id,
            resource_id,
            app_role_id: role.to_lowercase(),
            created: now,
        };
        self.app_role_assignments.push(assignment);
        self.app_role_assignments.last().ok_or_else(|| Refusal::of_status(500))
    }

    pub(crate) fn revoke_app_role(&mut self, principal: &str, id: &str, now: OffsetDateTime) -> Outcome<()> {
        let principal = self.service_principal(principal, now)?.id.clone();
        let at =
            self.app_role_assignments.iter().position(|held| held.id == id && held.principal_id == principal);
        self.app_role_assignments.remove(at.ok_or_else(|| Refusal::not_found(id))?);
        Ok(())
    }

    /// Takes a permission, by its name, from an application.
    pub(crate) fn take_permission(&mut self, app_id: &str, permission: &str) -> Outcome<()> {
        let principal = self.service_principals.iter().find(|sp| sp.app_id == app_id).map(|sp| sp.id.clone());
        let named = |role: &str| {
            let mut offered = self.service_principals.iter().flat_map(|sp| &sp.app_roles);
            offered.any(|(id, value)| id == role && value == permission)
        };
        let is_it = |held: &AppRoleAssignment| {
            Some(&held.principal_id) == principal.as_ref() && named(&held.app_role_id)
        };
        let at = self.app_role_assignments.iter().position(is_it);
        self.app_role_assignments.remove(at.ok_or_else(|| Refusal::not_found(permission))?);
        Ok(())
    }

    /// Adds the service principal of one of Microsoft's own applications, if it is not there.
    pub(crate) fn ensure_service_principal(&mut self, app_id: &str, name: &str, _now: OffsetDateTime) {
        if self.service_principals.iter().any(|sp| sp.app_id == app_id) {
            return;
        }
        let permissions: &[&str] = match app_id {
            GRAPH => &[
                "Domain.ReadWrite.All",
                "User.ReadWrite.All",
                "RoleManagement.ReadWrite.Directory",
                "Organization.ReadWrite.All",
                "Application.ReadWrite.All",
                "Policy.Read.All",
                "Policy.ReadWrite.AuthenticationMethod",
                "Synchronization.ReadWrite.All",
            ],
            PASSWORD_RESET => &[
                "PasswordWriteback.OffboardClient.All",
                "PasswordWriteback.RegisterClientVersion.All",
                "PasswordWriteback.RefreshClient.All",
            ],
            crate::tenant::data::organization::SYNC_SERVICE => &["ADSynchronization.ReadWrite.All"],
            _ => &[],
        };
        let app_roles = permissions.iter().map(|&value| (self.draw.guid(), value.to_owned())).collect();
        let sp = ServicePrincipal {
            id: self.draw.guid(),
            app_id: app_id.to_owned(),
            display_name: name.to_owned(),
            account_enabled: true,
            tags: Vec::new(),
            app_roles,
            seen: Visibility::default(),
        };
        self.service_principals.push(sp);
    }

    fn remove_service_principal(&mut self, id: &str) {
        self.service_principals.retain(|sp| sp.id != id);
        self.forget_principal(id);
    }
}

/// Returns true if the bytes are one DER SEQUENCE and nothing else, as a certificate is.
fn is_der_sequence(der: &[u8]) -> bool {
    match der {
        [0x30, short, rest @ ..] if *short < 0x80 => rest.len() == usize::from(*short),
        [0x30, long, rest @ ..] => {
            let count = usize::from(long & 0x7f);
            let Some((length, content)) = rest.split_at_checked(count) else { return false };
            let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
            (1..=4).contains(&count) && content.len() == length
        }
        _ => false,
    }
}

fn names(key: &str, id: &str, app_id: &str) -> bool {
    key.strip_prefix("appId=").map_or(id.eq_ignore_ascii_case(key), |key| app_id.eq_ignore_ascii_case(key))
}
