//! The suite of [`Applications`].

use super::NOBODY;
use crate::ErrorKind;
use crate::contract::{TenantFixture, done, expect_kind};
use crate::tenant::Applications;

/// Everything that [`Applications`] promises.
pub async fn run(port: &dyn Applications, fixture: &TenantFixture) {
    let name = format!("Contract Sync {}", fixture.tag);
    let named = async || port.find(&name).await;
    expect_kind(port.delete(&NOBODY).await, &ErrorKind::NotFound, "deleting an unknown application");
    assert_eq!(
        done(named().await, "looking for an application"),
        [],
        "a name that nothing has finds nothing"
    );

    let first = done(port.create(&name).await, "registering an application");
    assert_eq!(first.display_name, name);
    assert_ne!(first.id, first.app_id, "the object is one thing, the application ID another");
    let principal = first.service_principal.expect("a new application has a service principal");
    assert!(principal != first.id && principal != first.app_id, "which is an object of its own");
    let found = fixture.patience.until("a new application is found", named, |found| !found.is_empty()).await;
    assert_eq!(found, std::slice::from_ref(&first));
    let longer = done(port.find(&format!("{name} 2")).await, "looking for another name");
    let shorter = done(port.find("Contract Sync").await, "looking for the beginning of a name");
    assert!(longer.is_empty() && !shorter.contains(&first), "only the exact name finds it");

    // Names are not unique: a second one is another application.
    let second = done(port.create(&name).await, "registering a second application of that name");
    let another = second.id != first.id && second.app_id != first.app_id;
    assert!(
        another && second.service_principal != Some(principal),
        "a second application is another one: {second:?}"
    );
    fixture.patience.until("both are found", named, |found| found.len() == 2).await;

    done(port.delete(&first.id).await, "deleting an application");
    let left = fixture.patience.until("a deleted application is gone", named, |found| found.len() == 1).await;
    assert_eq!(left, std::slice::from_ref(&second));
    fixture.patience.until_gone("deleting an application twice", async || port.delete(&first.id).await).await;
    done(port.delete(&second.id).await, "deleting the other application");
    fixture.patience.until("nothing is left", named, Vec::is_empty).await;
}
