//! The errors of the vault, as errors of Onramp.

use azure_core::error::ErrorKind as AzureKind;
use onramp_core::{Error, ErrorKind};

/// Converts an error. Its source is left out, because its `Debug` form holds the raw response.
pub(crate) fn failed(action: &str, name: &str, error: &azure_core::Error) -> Error {
    let status = match error.kind() {
        AzureKind::HttpResponse { status, .. } => Some(u16::from(*status)),
        _ => None,
    };
    let kind = match (status, error.kind()) {
        (Some(401), _) | (_, AzureKind::Credential) => ErrorKind::Unauthenticated,
        (Some(403), _) => ErrorKind::Forbidden,
        (Some(404), _) => ErrorKind::NotFound,
        (Some(409), _) => ErrorKind::InUse,
        (Some(429), _) => ErrorKind::Throttled { retry_after: None },
        (Some(500..), _) | (_, AzureKind::Connection | AzureKind::Io) => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    };
    let hint = match kind {
        ErrorKind::Unauthenticated => "Check the credential, the tenant and the cloud.",
        ErrorKind::Forbidden => {
            "The identity needs the role Key Vault Secrets Officer, and the vault must accept this network."
        }
        ErrorKind::InUse => "A deleted secret has the name: recover or purge it.",
        _ => "The tenant's password is left as it is. Run the same command again to continue.",
    };
    Error::new(kind, action).with_object(name).with_detail(error.to_string()).with_hint(hint)
}
