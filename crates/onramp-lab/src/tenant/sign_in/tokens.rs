//! Signing in: who gets a token, what for, and what the token endpoint says to everyone else.

use std::collections::HashMap;

use onramp_core::ObjectId;
use time::{Duration, OffsetDateTime};

use crate::tenant::data::applications::{ARM, GRAPH};

/// The lifetime of an access token.
pub(crate) const TOKEN_LIFE: Duration = Duration::seconds(3_599);

/// An error of the token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Aadsts {
    pub(crate) code: u32,
    pub(crate) status: u16,
    /// The OAuth error, to branch on.
    pub(crate) error: &'static str,
    pub(crate) message: String,
    pub(crate) suberror: Option<&'static str>,
}

impl Aadsts {
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Self {
        let (status, error) = match code {
            7_000_215 | 7_000_218 | 7_000_222 | 700_027 => (401, "invalid_client"),
            700_016 => (400, "unauthorized_client"),
            50_076 | 50_079 | 53_000 | 53_001 | 53_002 | 53_005 | 530_003 => (400, "interaction_required"),
            90_002 | 900_144 | 9_001_023 => (400, "invalid_request"),
            70_003 => (400, "unsupported_grant_type"),
            70_016 => (400, "authorization_pending"),
            70_000 => (400, "authorization_declined"),
            70_019 => (400, "bad_verification_code"),
            70_020 => (400, "expired_token"),
            70_011 | 1_002_012 => (400, "invalid_scope"),
            500_011 => (400, "invalid_resource"),
            53_003 => (400, "access_denied"),
            _ => (400, "invalid_grant"),
        };
        let suberror = match code {
            50_055 => Some("user_password_expired"),
            50_076 | 50_079 => Some("basic_action"),
            53_000 | 53_001 | 53_002 | 53_005 | 530_003 => Some("message_only"),
            _ => None,
        };
        Self { code, status, error, message: message.into(), suberror }
    }
}

/// Returns the code in a message of the token endpoint (`AADSTS50126: …`).
pub(crate) fn aadsts_of(message: &str) -> Option<u32> {
    let digits = message.strip_prefix("AADSTS")?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The resource that a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// Microsoft Graph.
    Graph,
    /// Azure Resource Manager.
    Arm,
    /// Both: what a token for the lab server's own address is good for, where the two share an origin.
    Lab,
    /// Another API, by the application ID that it has in every tenant.
    Api(ObjectId),
}

/// The caller of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// An application by itself: its application id.
    Application(String),
    /// A user, by object id.
    User(String),
}

/// An access token the tenant issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) audience: Audience,
    pub(crate) caller: Caller,
    /// The permissions of the application when the token was issued.
    pub(crate) permissions: Vec<String>,
    pub(crate) expires: OffsetDateTime,
    pub(crate) issued: OffsetDateTime,
}

/// The tokens in circulation.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    issued: HashMap<String, Issued>,
}

impl Tokens {
    pub(crate) fn find(&self, token: &str) -> Option<&Issued> {
        self.issued.get(token)
    }

    pub(crate) fn revoke_all(&mut self) {
        self.issued.clear();
    }

    pub(crate) fn keep(&mut self, token: String, issued: Issued, now: OffsetDateTime) {
        self.issued.retain(|_, other| other.expires > now);
        self.issued.insert(token, issued);
    }
}

/// Returns the audience of a scope that names an API by its application ID.
fn api(wanted: &str) -> Option<Audience> {
    ObjectId::parse(wanted.strip_suffix("/.default")?).ok().map(Audience::Api)
}

/// Returns the audience of a `scope` parameter; `origin` is the lab server's own address.
pub(crate) fn audience(scope: &str, origin: &str) -> Result<Audience, Aadsts> {
    let mut found = None;
    let own = format!("{}/", origin.trim_end_matches('/'));
    for wanted in scope.split_whitespace() {
        let of_this = match wanted {
            "openid" | "profile" | "offline_access" | "email" => continue,
            _ if wanted.starts_with(&own) => Audience::Lab,
            _ if wanted.starts_with("https://graph.microsoft.com/") || wanted.starts_with(GRAPH) => {
                Audience::Graph
            }
            _ if wanted.starts_with("https://management.azure.com/")
                || wanted.starts_with("https://management.core.windows.net/")
                || wanted.starts_with(ARM) =>
            {
                Audience::Arm
            }
            _ if api(wanted).is_some() => api(wanted).unwrap_or(Audience::Graph),
            // A bare permission such as `User.Read` is one of Graph.
            _ if !wanted.contains("://") => Audience::Graph,
            _ => {
                return Err(Aadsts::new(
                    500_011,
                    format!(
                        "The resource principal named {wanted} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant."
                    ),
                ));
            }
        };
        match found {
            Some(other) if other != of_this => {
                return Err(Aadsts::new(
                    70_011,
                    "The provided value for the input parameter 'scope' is not valid: it names more than one resource.",
                ));
            }
            _ => found = Some(of_this),
        }
    }
    found.ok_or_else(|| {
        Aadsts::new(900_144, "The request body must contain the following parameter: 'scope'.")
    })
}
