//! Sign-in with secrets and passwords, and the access tokens that it gives.

use crate::tenant::Audience;
use crate::tenant::data::applications::{ARM, Application, GRAPH};
use crate::tenant::data::json::put;
use crate::tenant::data::roles;
use crate::tenant::data::state::State;
use crate::tenant::data::users::{MfaState, User};
use crate::tenant::sign_in::tokens::Aadsts;
use crate::tenant::sign_in::tokens::Caller;
use crate::tenant::sign_in::tokens::Issued;
use crate::tenant::sign_in::tokens::TOKEN_LIFE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onramp_core::Password;
use serde_json::json;
use time::{Duration, OffsetDateTime};

/// This many wrong passwords in a row lock an account.
const WRONG_TRIES: u32 = 10;

/// The lockout duration.
const LOCK: Duration = Duration::seconds(60);

impl State {
    /// Returns the application of that ID, unproven.
    pub(crate) fn registered(&self, client_id: &str) -> Result<&Application, Aadsts> {
        let app = self.applications.iter().find(|app| app.app_id.eq_ignore_ascii_case(client_id));
        app.ok_or_else(|| {
            Aadsts::new(
                700_016,
                format!(
                    "Application with identifier '{client_id}' was not found in the directory '{}'.",
                    self.display_name
                ),
            )
        })
    }

    /// Returns the application that a token request names, after its secret was checked.
    pub(crate) fn client(
        &self,
        client_id: &str,
        secret: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<&Application, Aadsts> {
        let app = self.registered(client_id)?;
        match secret {
            Some(_) if app.secrets_expire.is_some_and(|end| end <= now) => Err(Aadsts::new(
                7_000_222,
                format!("The provided client secret keys for app '{client_id}' are expired."),
            )),
            Some(secret) if app.secrets.iter().any(|known| known.expose() == secret) => Ok(app),
            Some(_) => Err(Aadsts::new(
                7_000_215,
                format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
                ),
            )),
            None if app.is_public => Ok(app),
            None => Err(Aadsts::new(
                7_000_218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )),
        }
    }

    /// Tries a user's name and password for a resource, once.
    pub(crate) fn password_sign_in(
        &mut self,
        name: &str,
        password: &str,
        audience: Audience,
        now: OffsetDateTime,
    ) -> Result<String, Aadsts> {
        let Some(user) = self.users.with_upn(name) else {
            return Err(Aadsts::new(
                50_034,
                format!(
                    "The user account {{EUII Hidden}} does not exist in the {} directory. To sign into this application, the account must be added to the directory.",
                    self.tenant_id
                ),
            ));
        };
        let (seq, id) = (user.seq, user.id.clone());
        let outcome = self.judge(user, password, audience, now);
        if let Some(user) = self.users.touch(seq) {
            let state = &mut user.sign_in;
            match &outcome {
                Err(refusal) if refusal.code == 50_126 => {
                    state.wrong_tries += 1;
                    if state.wrong_tries >= WRONG_TRIES {
                        state.wrong_tries = 0;
                        state.locked_until = Some(now + LOCK);
                    }
                }
                Err(_) => {}
                Ok(()) => state.wrong_tries = 0,
            }
        }
        outcome.map(|()| id)
    }

    fn judge(
        &self,
        user: &User,
        password: &str,
        audience: Audience,
        now: OffsetDateTime,
    ) -> Result<(), Aadsts> {
        let state = &user.sign_in;
        if state.locked_until.is_some_and(|until| now < until) {
            return Err(Aadsts::new(
                50_053,
                "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
            ));
        }
        if self.is_federated(&user.upn) {
            // The other identity provider has the password, so none is right here.
            return Err(wrong_password());
        }
        let Some(right) = &state.password else {
            return Err(Aadsts::new(
                50_056,
                "Invalid or null password: password does not exist in the directory for this user.",
            ));
        };
        if right.expose() != password {
            return Err(wrong_password());
        }
        if !user.account_enabled {
            return Err(Aadsts::new(50_057, "The user account is disabled."));
        }
        if state.must_change {
            return Err(Aadsts::new(50_055, "The password is expired."));
        }
        if let Some(policy) = self.policy_for(user, true) {
            let (code, name) = (policy.code.unwrap_or(53_003), &policy.name);
            let why = match code {
                53_000 => {
                    "Device is not in required device state: compliant. Conditional Access policy requires a compliant device"
                }
                530_003 => "Your device is required to be managed to access this resource",
                53_001 => "Device is not in required device state: domain_joined",
                53_002 => "Application used is not an approved app for Conditional Access",
                53_005 => "Application needs to enforce Intune protection policies",
                _ => "Access has been blocked by Conditional Access policies",
            };
            return Err(Aadsts::new(code, format!("{why}: {name}.")));
        }
        let asked = state.mfa != MfaState::Disabled
            || self.policy_for(user, false).is_some()
            || (self.security_defaults && (audience != Audience::Graph || self.holds_a_role(&user.id)));
        match (asked, state.has_second_factor) {
            (false, _) => Ok(()),
            (true, true) => Err(Aadsts::new(
                50_076,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
            )),
            (true, false) => Err(Aadsts::new(
                50_079,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access the resource.",
            )),
        }
    }

    /// Issues an access token.
    pub(crate) fn issue(&mut self, caller: Caller, audience: Audience, now: OffsetDateTime) -> Password {
        let audience_claim = match audience {
            Audience::Graph | Audience::Lab => "https://graph.microsoft.com".to_owned(),
            Audience::Arm => "https://management.azure.com".to_owned(),
            Audience::Api(app_id) => app_id.to_string(),
        };
        let expires = now + TOKEN_LIFE;
        let mut claims = json!({
            "aud": audience_claim,
            "iss": format!("https://sts.windows.net/{}/", self.tenant_id),
            "tid": self.tenant_id,
            "iat": now.unix_timestamp(),
            "nbf": now.unix_timestamp(),
            "exp": expires.unix_timestamp(),
            "ver": "1.0",
        });
        let mut permissions = Vec::new();
        match &caller {
            Caller::Application(app_id) => {
                permissions = self.permissions_of_application(app_id);
                let sp = self.service_principals.iter().find(|sp| sp.app_id == *app_id);
                put(&mut claims, "appid", json!(app_id));
                put(&mut claims, "oid", json!(sp.map(|sp| &sp.id)));
                put(&mut claims, "idtyp", json!("app"));
                put(&mut claims, "roles", json!(self.roles_for(app_id, audience)));
            }
            Caller::User(id) => {
                put(&mut claims, "oid", json!(id));
                put(
                    &mut claims,
                    "upn",
                    json!(self.users.find(id).and_then(|seq| self.users.get(seq)).map(|user| &user.upn)),
                );
                put(&mut claims, "idtyp", json!("user"));
                put(&mut claims, "scp", json!("Directory.AccessAsUser.All"));
                put(&mut claims, "wids", json!(self.roles_of(id)));
            }
        }
        let part = |bytes: &str| URL_SAFE_NO_PAD.encode(bytes);
        let header = part(r#"{"typ":"JWT","alg":"RS256","kid":"onramp-lab"}"#);
        // Nobody but this tenant reads the signature, and it knows its tokens by heart.
        let token = format!("{header}.{}.{}", part(&claims.to_string()), self.draw.letters(86));
        self.tokens.keep(token.clone(), Issued { audience, caller, permissions, expires, issued: now }, now);
        Password::new(token)
    }

    /// Returns the permissions of an application.
    pub(crate) fn permissions_of_application(&self, app_id: &str) -> Vec<String> {
        let sp = self.service_principals.iter().find(|sp| sp.app_id == app_id);
        self.permissions_of(sp.map(|sp| sp.id.as_str()), None).into_iter().map(str::to_owned).collect()
    }

    /// Returns the permissions that a token of an application for an API has.
    pub(crate) fn roles_for(&self, app_id: &str, audience: Audience) -> Vec<String> {
        let resource = match audience {
            Audience::Graph | Audience::Lab => GRAPH.to_owned(),
            Audience::Arm => ARM.to_owned(),
            Audience::Api(app_id) => app_id.to_string(),
        };
        let sp = self.service_principals.iter().find(|sp| sp.app_id.eq_ignore_ascii_case(app_id));
        let roles = self.permissions_of(sp.map(|sp| sp.id.as_str()), Some(&resource));
        roles.into_iter().map(str::to_owned).collect()
    }

    /// Refuses a token for an API that the tenant does not have.
    pub(crate) fn require_api(&self, audience: Audience) -> Result<(), Aadsts> {
        let Audience::Api(app_id) = audience else { return Ok(()) };
        let app_id = app_id.to_string();
        if self.service_principals.iter().any(|sp| sp.app_id.eq_ignore_ascii_case(&app_id)) {
            return Ok(());
        }
        Err(Aadsts::new(
            500_011,
            format!("The resource principal named {app_id} was not found in the tenant."),
        ))
    }

    /// Returns the permissions of a service principal, of every API or of one.
    fn permissions_of(&self, sp: Option<&str>, api: Option<&str>) -> Vec<&str> {
        let granted = self.app_role_assignments.iter().filter(|held| Some(held.principal_id.as_str()) == sp);
        granted
            .filter_map(|held| {
                let resource = self.service_principals.iter().find(|sp| sp.id == held.resource_id)?;
                if api.is_some_and(|api| !resource.app_id.eq_ignore_ascii_case(api)) {
                    return None;
                }
                resource
                    .app_roles
                    .iter()
                    .find(|(id, _)| *id == held.app_role_id)
                    .map(|(_, value)| value.as_str())
            })
            .collect()
    }

    fn roles_of(&self, principal: &str) -> Vec<&str> {
        let held = self.role_assignments.iter().filter(|held| held.principal_id == principal);
        held.filter_map(|held| roles::built_in(&held.role_id)).map(|role| role.id).collect()
    }
}

fn wrong_password() -> Aadsts {
    Aadsts::new(50_126, "Error validating credentials due to invalid username or password.")
}
