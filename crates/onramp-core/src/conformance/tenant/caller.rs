//! The suite of [`Caller`].

use crate::conformance::done;
use crate::tenant::{Caller, CallerRights};

/// Everything that [`Caller`] promises, of an identity that may read the tenant.
pub async fn run(port: &dyn Caller) {
    let rights = done(port.rights().await, "reading the rights of the token");
    assert!(!rights.permissions().is_empty(), "a token is for something: {rights:?}");
    assert!(
        rights.permissions().iter().all(|one| !one.is_empty() && !one.contains(' ')),
        "permissions are single words: {rights:?}"
    );
    let credentials = done(port.credentials().await, "reading the credentials of the application");
    assert!(credentials.iter().all(|one| !one.name.is_empty()), "a credential has a name: {credentials:?}");
    if matches!(rights, CallerRights::User { .. }) {
        assert_eq!(credentials, [], "a user has no credentials of an application");
    }
}
