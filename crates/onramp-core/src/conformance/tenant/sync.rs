//! The suite of [`DirectorySync`].

use futures_util::TryStreamExt;

use crate::ErrorKind;
use crate::conformance::{TenantFixture, done, expect_kind};
use crate::tenant::{DirectorySync, SyncState};

/// Everything that [`DirectorySync`] promises.
pub async fn run(port: &dyn DirectorySync, fixture: &TenantFixture) {
    let before = done(port.status().await, "reading the synchronisation status");
    let on = before.state == SyncState::Enabled;
    // What they are depends on the tenant, and whether they are known on the caller; they can be asked for.
    let features = done(port.features().await, "reading the synchronisation features");
    assert_eq!(done(port.features().await, "reading them again"), features, "features stay the same");
    let errors: Vec<_> = done(port.provisioning_errors().try_collect().await, "listing conflicts");
    for error in &errors {
        assert!(
            !error.property.is_empty() && !error.value.is_empty(),
            "a conflict is about a value: {error:?}"
        );
    }
    done(port.set_enabled(on).await, "turning the switch to where it stands");
    let after = done(port.status().await, "reading the synchronisation status");
    assert_eq!(after, before, "turning the switch to where it stands changes nothing");
    if !fixture.may_switch_sync || on {
        return;
    }

    let state = async || Ok(port.status().await?.state);
    for time in ["once", "twice"] {
        done(port.set_enabled(true).await, &format!("switching on {time}"));
    }
    fixture.poll.until("reads show that it is on", state, |state| *state == SyncState::Enabled).await;
    let status = done(port.status().await, "reading the synchronisation status");
    assert_eq!((status.tenant_id, status.display_name), (before.tenant_id, before.display_name));

    done(port.set_enabled(false).await, "switching off");
    fixture.poll.until("reads show that it is off", state, |state| *state == SyncState::Disabled).await;
    done(port.set_enabled(false).await, "switching off what is off");
    // Switching off takes up to 72 hours, which the patience of a test does not cover.
    expect_kind(port.set_enabled(true).await, ErrorKind::Invalid, "switching on while switching off");
}
