//! Changes of which it is not known, or certain after all, whether they were made.

use onramp_core::ErrorKind;
use onramp_core::forest::{ForestUser, UpnChange};
use onramp_lab::forest::{Fault, LabForest, Operation};

use crate::lab::{Lab, people};

/// The refusal of a change whose old value is not there (noSuchAttribute).
const NOT_THERE: Fault = Fault::Refused { code: 16, message: "00002085: AtrErr: DSID-03152D2C" };

fn change(user: &ForestUser, prefix: &str) -> UpnChange {
    let after = format!("{prefix}@contoso.com").parse().unwrap();
    UpnChange { guid: user.guid, dn: user.dn.clone(), before: user.upn.clone(), after }
}

#[tokio::test]
async fn a_refusal_that_cannot_be_explained_is_no_change_unless_an_earlier_attempt_may_be_one() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    // The server refused it, so that nothing was written, whatever cannot be read afterwards.
    lab.model.inject(Operation::Modify, NOT_THERE, 1);
    lab.model.inject(Operation::Search, Fault::Unavailable, u64::MAX);
    let error = forest.object_writer.change(&change(&user, "one").into()).await.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    lab.model.clear_faults();
    assert_eq!(forest.users.get(&user.guid).await.unwrap().upn, user.upn);

    // The first attempt was lost, and was seen not to have happened; by the second, it may have.
    lab.model.inject(Operation::Modify, Fault::LostRequest, 1);
    lab.model.inject(Operation::Modify, NOT_THERE, 1);
    lab.model.inject_after(1, Operation::Search, Fault::Unavailable, u64::MAX);
    let error = forest.object_writer.change(&change(&user, "two").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    lab.model.clear_faults();
}

#[tokio::test]
async fn requests_that_are_lost_again_and_again_end_after_some_attempts() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    lab.model.inject(Operation::Modify, Fault::LostRequest, u64::MAX);
    let error = forest.object_writer.change(&change(&user, "one").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    lab.model.clear_faults();
    assert_eq!(forest.users.get(&user.guid).await.unwrap().upn, user.upn);
}

#[tokio::test]
async fn a_change_that_no_domain_controller_can_take_is_not_made() {
    let lab = Lab::start(LabForest::builder().users(20).controllers(1)).await;
    let client = lab.connect().await;
    let user = people(client.forest().users.as_ref(), 1).await.remove(0);
    let writer = client.forest().object_writer;
    let host = lab.model.controllers().remove(0);
    lab.model.stop_controller(&host).unwrap();
    client.domains().await.unwrap_err();
    let error = writer.change(&change(&user, "one").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn another_spelling_by_somebody_else_is_the_old_value_as_a_directory_compares_it() {
    let lab = Lab::small().await;
    let forest = lab.connect().await.forest();
    let user = people(forest.users.as_ref(), 1).await.remove(0);
    let respelled = user.upn.as_deref().unwrap().to_uppercase();
    for host in lab.model.controllers() {
        lab.model.set_on(&host, &user.guid, "userPrincipalName", &[&respelled]).unwrap();
    }
    // The limit that `compare_and_swap.rs` documents: a delete matches every spelling of a value.
    forest.object_writer.change(&change(&user, "one").into()).await.unwrap();
    assert_eq!(forest.users.get(&user.guid).await.unwrap().upn.as_deref(), Some("one@contoso.com"));
    // A real difference is stale.
    let error = forest.object_writer.change(&change(&user, "two").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
}
