//! The MFA state and the sign-in policies of a user over Graph, and sign-in probes at the token endpoint.

use std::sync::Arc;

use async_trait::async_trait;
use onramp_core::tenant::{MfaState, RoleTemplateId, SecondFactor, SignIn, SignInProbe};
use onramp_core::{ErrorKind, ObjectId, Password, Result, Upn};
use onramp_graph::http::{Effect, Request, ServiceUrl};
use onramp_graph::reqwest::Method;
use onramp_graph::{Capability, GraphClient};
use serde::{Deserialize, Serialize};

use crate::second_factor;

const READ: &str = "Policy.Read.All";
const WRITE: &str = "Policy.ReadWrite.AuthenticationMethod (a signed-in user also needs the role Authentication \
                     Administrator, or Privileged Authentication Administrator for an administrator's account)";

/// [`SignIn`] on Microsoft Graph **beta** (v1.0 has no per-user MFA state) and on the token endpoint.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `mfa_state`, `sign_in_policies` | Policy.Read.All |
/// | `set_mfa_state` | Policy.ReadWrite.AuthenticationMethod |
/// | `second_factor` | Policy.Read.All and User.Read.All; delegated also GroupMember.Read.All if a policy names groups |
/// | `probe` | none: it is the user who signs in |
///
/// `probe` requests a token with name and password (resource owner password credentials), only to check if the password
/// is right; Microsoft discourages this grant for anything else. It is sent once, and repeated only if it did not leave
/// this machine or was refused unread.
#[derive(Debug, Clone)]
pub struct EntraSignIn {
    graph: GraphClient,
    probe_client_id: Arc<str>,
}

impl EntraSignIn {
    pub(crate) fn new(graph: GraphClient, probe_client_id: Arc<str>) -> Self {
        Self { graph, probe_client_id }
    }

    fn require_per_user_mfa(&self, action: &str, user: &ObjectId) -> Result<()> {
        self.graph.endpoints().require(Capability::PerUserMfa, action, user)
    }

    /// Returns true if another identity provider checks the user's password; false if that is unknown.
    async fn is_federated(&self, upn: &Upn) -> bool {
        let graph = &self.graph;
        let path = ["common", "userrealm", upn.as_str()];
        let Ok(url) = graph.endpoints().login().url(&path) else { return false };
        let request = Request::new("look up the identity provider of", Method::GET, url)
            .object(upn)
            .query("api-version", "1.0");
        let realm = graph.json::<Realm>(&request).await;
        realm.is_ok_and(|realm| realm.account_type.eq_ignore_ascii_case("Federated"))
    }

    fn requirements(&self, user: &ObjectId) -> Result<ServiceUrl> {
        let segments = ["beta", "users", &user.to_string(), "authentication", "requirements"];
        self.graph.endpoints().graph().url(&segments)
    }
}

/// The response of the sign-in service to a user name.
#[derive(Deserialize)]
struct Realm {
    #[serde(default)]
    account_type: String,
}

#[async_trait]
impl SignIn for EntraSignIn {
    /// `GET /beta/users/{id}/authentication/requirements`. Policy.Read.All.
    async fn mfa_state(&self, user: &ObjectId) -> Result<MfaState> {
        self.require_per_user_mfa("read the MFA state of the user", user)?;
        let url = self.requirements(user)?;
        let request = Request::new("read the MFA state of the user", Method::GET, url)
            .object(user)
            .refers_to(user)
            .needs(READ);
        let state: Requirements<String> = self.graph.json(&request).await?;
        match state.per_user_mfa_state.as_str() {
            "disabled" => Ok(MfaState::Disabled),
            "enabled" => Ok(MfaState::Enabled),
            "enforced" => Ok(MfaState::Enforced),
            other => Err(request
                .error(ErrorKind::Unsupported)
                .with_detail(format!("the state \"{other}\" is not known"))),
        }
    }

    /// `PATCH /beta/users/{id}/authentication/requirements`. Policy.ReadWrite.AuthenticationMethod.
    async fn set_mfa_state(&self, user: &ObjectId, state: MfaState) -> Result<()> {
        self.require_per_user_mfa("set the MFA state of the user", user)?;
        let url = self.requirements(user)?;
        let request = Request::new("set the MFA state of the user", Method::PATCH, url)
            .object(user)
            .refers_to(user)
            .needs(WRITE);
        let per_user_mfa_state = match state {
            MfaState::Disabled => "disabled",
            MfaState::Enabled => "enabled",
            MfaState::Enforced => "enforced",
            _ => {
                return Err(request.error(ErrorKind::Unsupported).with_detail("this state is not known"));
            }
        };
        let request = request.json(&Requirements { per_user_mfa_state })?;
        self.graph.send(&request).await.map(drop)
    }

    /// The per-user state; `GET /policies/identitySecurityDefaultsEnforcementPolicy`,
    /// `GET /identity/conditionalAccess/policies` and `GET /users/{id}/transitiveMemberOf`. Policy.Read.All and
    /// User.Read.All (delegated: User.Read.All and GroupMember.Read.All). What is forbidden or missing in the cloud
    /// stays unknown.
    async fn second_factor(&self, user: &ObjectId) -> Result<SecondFactor> {
        second_factor::read(&self.graph, self.mfa_state(user).await, user).await
    }

    /// `GET /policies/identitySecurityDefaultsEnforcementPolicy` and `GET /identity/conditionalAccess/policies`.
    /// Policy.Read.All. Information that is forbidden, or that the cloud does not offer, stays unknown.
    async fn sign_in_policies(&self, roles: &[RoleTemplateId]) -> Result<SecondFactor> {
        second_factor::read_for_roles(&self.graph, roles).await
    }

    /// `POST /{tenant}/oauth2/v2.0/token`, grant `password`. No permission. If the password seems wrong,
    /// `GET /common/userrealm/{upn}` shows if the domain is federated: then every password seems wrong.
    async fn probe(&self, upn: &Upn, password: &Password) -> Result<SignInProbe> {
        let endpoints = self.graph.endpoints();
        // "organizations" stands for the tenant of the user's domain.
        let tenant = self.graph.tenant().unwrap_or("organizations");
        let url = endpoints.login().url(&[tenant, "oauth2", "v2.0", "token"])?;
        let scope = endpoints.graph().scope().unwrap_or_default();
        let request = Request::new("try to sign in as", Method::POST, url)
            .object(upn)
            .effect(Effect::CountsAttempts)
            .secret(password)
            .form(&[
                ("grant_type", "password"),
                ("client_id", &self.probe_client_id),
                ("username", upn.as_str()),
                ("password", password.expose()),
                ("scope", scope),
            ]);
        match self.graph.attempt(&request).await {
            Ok(_) => Ok(SignInProbe::Accepted),
            Err(failure) => match failure.sign_in_code() {
                Some(code) if !failure.error().is_transient() => {
                    let probe = SignInProbe::of_refusal(code, request.scrub(failure.message()));
                    // For federated users the service responds as if the password were wrong.
                    let federated = probe == SignInProbe::WrongPassword && self.is_federated(upn).await;
                    Ok(if federated { SignInProbe::NotCheckedHere { code } } else { probe })
                }
                _ => Err(failure.into_error()),
            },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Requirements<T> {
    per_user_mfa_state: T,
}
