//! As whom a connection signs in, and how.

use std::fmt;

use ldap3::exop::{Exop, WhoAmI};
use ldap3::result::ExopResult;
use ldap3::{Ldap, LdapError, LdapResult};
use onramp_core::{Error, ErrorKind, Password, Result};

use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::result_code::{AUTH_METHOD_NOT_SUPPORTED, STRONGER_AUTH_REQUIRED, is_about_channel_binding};
use crate::ldap::security::{BindName, LdapSecurity};

/// A way to sign in. Each needs TLS, which every connection has before this begins.
pub(crate) enum BindMethod {
    /// Name and password, told to the server (RFC 4513 5.1).
    Simple(Credentials),
    /// The certificate that the client shows in TLS.
    Certificate,
    /// The Kerberos ticket of whoever runs the program.
    #[cfg(feature = "kerberos")]
    Kerberos,
    /// Name and password, proven by NTLM without telling the password.
    #[cfg(feature = "ntlm")]
    Ntlm(Credentials),
}

/// A name and a password that may be sent: neither is empty.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) name: BindName,
    pub(crate) password: Password,
}

impl Credentials {
    pub(crate) fn new(name: BindName, password: Password) -> Result<Self> {
        if password.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "sign in as")
                .with_object(&name)
                .with_detail("an empty password would sign in anonymously")
                .with_hint("Give the account's password."));
        }
        Ok(Self { name, password })
    }

    /// For NTLM, which knows accounts by `DOMAIN\user` and UPN only.
    #[cfg(feature = "ntlm")]
    pub(crate) fn for_ntlm(name: BindName, password: Password) -> Result<Self> {
        let parts = name.as_str().split_once('\\').or_else(|| name.as_str().rsplit_once('@'));
        match parts {
            Some((before, after)) if !before.is_empty() && !after.is_empty() && !after.contains('\\') => {
                Self::new(name, password)
            }
            _ => Err(Error::new(ErrorKind::Invalid, "sign in as")
                .with_object(&name)
                .with_detail("NTLM does not know an account by this form of its name")
                .with_hint("Give DOMAIN\\user or user@domain.")),
        }
    }
}

impl BindMethod {
    /// What the server answered. `host` is the name that the server's certificate and its Kerberos service carry.
    pub(crate) async fn run(
        &self,
        ldap: Ldap,
        host: &str,
        security: LdapSecurity,
    ) -> Result<LdapResult, LdapError> {
        let mut ldap = ldap;
        match self {
            Self::Simple(Credentials { name, password }) => {
                ldap.simple_bind(name.as_str(), password.expose()).await
            }
            // LDAPS has signed the client in when TLS was negotiated, and refuses to do it again ([MS-ADTS] 5.1.1.1.2).
            Self::Certificate if security == LdapSecurity::Ldaps => who_am_i(&mut ldap, host).await,
            Self::Certificate => ldap.sasl_external_bind().await,
            #[cfg(feature = "kerberos")]
            Self::Kerberos => {
                let host = host.to_owned();
                aside(move |runtime| runtime.block_on(ldap.sasl_gssapi_bind(&host))).await
            }
            #[cfg(feature = "ntlm")]
            Self::Ntlm(Credentials { name, password }) => {
                ldap.sasl_ntlm_bind(name.as_str(), password.expose()).await
            }
        }
    }

    /// The error of a refused attempt, with who tried and what to do.
    pub(crate) fn explain(&self, error: ExchangeError) -> ExchangeError {
        let error = error.signing_in(&self.to_string());
        if is_about_channel_binding(error.diagnostic()) {
            return error.retold(
                ErrorKind::Unauthenticated,
                format!("the server demands channel binding, and the token of this TLS connection is not the one it expects, signing in {self}"),
                Some(match self {
                    Self::Simple(_) | Self::Certificate => {
                        "Look at LdapEnforceChannelBinding on the domain controller; a simple bind over TLS should not be subject to it."
                    }
                    #[cfg(any(feature = "kerberos", feature = "ntlm"))]
                    _ => "Connect to the domain controller itself: something in between, such as a load balancer, ends TLS.",
                }),
            );
        }
        let refused = error.has_code(STRONGER_AUTH_REQUIRED) || error.has_code(AUTH_METHOD_NOT_SUPPORTED);
        match (refused, self) {
            (false, _) | (true, Self::Simple(_) | Self::Certificate) => error,
            #[cfg(any(feature = "kerberos", feature = "ntlm"))]
            (true, _) => error.retold(
                ErrorKind::Unauthenticated,
                format!("the server does not take this way to sign in, or demands that it signs even within TLS, signing in {self}"),
                Some(
                    "Windows takes TLS instead of signing; a Samba domain controller needs “ldap server require strong auth = \
                     allow_sasl_over_tls”. NTLM can be turned off altogether. Or use a simple bind.",
                ),
            ),
        }
    }
}

impl fmt::Display for BindMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(credentials) => write!(f, "as {}", credentials.name),
            Self::Certificate => f.write_str("by the client certificate"),
            #[cfg(feature = "kerberos")]
            Self::Kerberos => f.write_str("by the Kerberos ticket"),
            #[cfg(feature = "ntlm")]
            Self::Ntlm(credentials) => write!(f, "by NTLM as {}", credentials.name),
        }
    }
}

impl fmt::Debug for BindMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BindMethod({self})")
    }
}

/// Whether the certificate was mapped to an account: an unknown one leaves the connection anonymous. A server that does not
/// answer the question (Samba) shows that with the first request.
async fn who_am_i(ldap: &mut Ldap, host: &str) -> Result<LdapResult, LdapError> {
    let ExopResult(Exop { val, .. }, mut result) = ldap.extended(WhoAmI).await?;
    let nobody = result.rc == 0 && val.as_ref().is_none_or(Vec::is_empty);
    if nobody {
        result.rc = crate::ldap::result_code::INVALID_CREDENTIALS;
        result.text = format!("{host} maps the certificate to no account");
    } else {
        result.rc = 0;
    }
    Ok(result)
}

/// Runs something that blocks its thread now and then: GSSAPI reads files and asks the KDC. Dropping the future leaves it to
/// its own limits.
#[cfg(feature = "kerberos")]
async fn aside(
    work: impl FnOnce(tokio::runtime::Handle) -> Result<LdapResult, LdapError> + Send + 'static,
) -> Result<LdapResult, LdapError> {
    let runtime = tokio::runtime::Handle::current();
    // A panic in there is one here, where it is caught like the library's others.
    match tokio::task::spawn_blocking(move || work(runtime)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(LdapError::EndOfStream),
        },
    }
}
