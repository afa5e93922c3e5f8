//! The bind operation: the authentication of a connection.

use std::fmt;

use ldap3::exop::{Exop, WhoAmI};
use ldap3::result::ExopResult;
use ldap3::{Ldap, LdapError, LdapResult};
use onramp_core::{Error, ErrorKind, Password, Result};

use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::result_code::{AUTH_METHOD_NOT_SUPPORTED, STRONGER_AUTH_REQUIRED, is_channel_binding_error};
use crate::ldap::security::{BindName, LdapSecurity};

/// A bind method. All of them need TLS, which every connection has before the bind.
pub(crate) enum BindMethod {
    /// A simple bind: the name and the password are sent (RFC 4513 5.1).
    Simple(Credentials),
    /// The client certificate of the TLS connection.
    Certificate,
    /// The Kerberos ticket of the user that runs the program.
    #[cfg(feature = "kerberos")]
    Kerberos,
    /// NTLM with a name and a password, which is not sent.
    #[cfg(feature = "ntlm")]
    Ntlm(Credentials),
}

/// A name and a password, neither of them empty.
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

    /// Checks a name for NTLM, which accepts only `DOMAIN\user` and UPNs.
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
    /// Binds, and returns the server's result. `host` is the name in the server's certificate and in its
    /// Kerberos service principal.
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
            // LDAPS binds the client during the TLS handshake, and refuses a second bind ([MS-ADTS]
            // 5.1.1.1.2).
            Self::Certificate if security == LdapSecurity::Ldaps => who_am_i(&mut ldap, host).await,
            Self::Certificate => ldap.sasl_external_bind().await,
            #[cfg(feature = "kerberos")]
            Self::Kerberos => {
                let host = host.to_owned();
                run_blocking(move |runtime| runtime.block_on(ldap.sasl_gssapi_bind(&host))).await
            }
            #[cfg(feature = "ntlm")]
            Self::Ntlm(Credentials { name, password }) => {
                ldap.sasl_ntlm_bind(name.as_str(), password.expose()).await
            }
        }
    }

    /// Adds the account and a hint to the error of a refused bind.
    pub(crate) fn explain(&self, error: ExchangeError) -> ExchangeError {
        let error = error.with_account(&self.to_string());
        if is_channel_binding_error(error.diagnostic()) {
            return error.with_meaning(
                ErrorKind::Unauthenticated,
                format!("the server requires channel binding, and the token of this TLS connection is not the one it expects, signing in {self}"),
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
            (true, _) => error.with_meaning(
                ErrorKind::Unauthenticated,
                format!("the server does not accept this way to sign in, or requires signing even within TLS, signing in {self}"),
                Some(
                    "Windows accepts TLS instead of signing; a Samba domain controller needs \"ldap server require strong auth = \
                     allow_sasl_over_tls\". NTLM can be turned off altogether. Or use a simple bind.",
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

/// Checks that the certificate is mapped to an account: with an unknown one, the connection stays anonymous.
/// A server that does not support the request (Samba) refuses the first search instead.
async fn who_am_i(ldap: &mut Ldap, host: &str) -> Result<LdapResult, LdapError> {
    let ExopResult(Exop { val, .. }, mut result) = ldap.extended(WhoAmI).await?;
    let is_anonymous = result.rc == 0 && val.as_ref().is_none_or(Vec::is_empty);
    if is_anonymous {
        result.rc = crate::ldap::result_code::INVALID_CREDENTIALS;
        result.text = format!("{host} maps the certificate to no account");
    } else {
        result.rc = 0;
    }
    Ok(result)
}

/// Runs blocking work on a thread of its own: GSSAPI reads files and asks the KDC. A dropped future does not
/// cancel it.
#[cfg(feature = "kerberos")]
async fn run_blocking(
    work: impl FnOnce(tokio::runtime::Handle) -> Result<LdapResult, LdapError> + Send + 'static,
) -> Result<LdapResult, LdapError> {
    let runtime = tokio::runtime::Handle::current();
    // A panic is passed on; the caller catches it as those of the LDAP library.
    match tokio::task::spawn_blocking(move || work(runtime)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(LdapError::EndOfStream),
        },
    }
}
