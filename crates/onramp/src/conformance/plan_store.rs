//! The suite of [`PlanStore`].

use onramp_core::ErrorKind;

use super::{at, done, refused};
use crate::plan::Plan;
use crate::plan_store::{ApprovalsEnded, PlanApproval, PlanStore};

/// Checks an empty store of plans with two plans of different digests.
///
/// # Panics
/// At the first promise that the store breaks.
pub async fn plan_store(store: &dyn PlanStore, plans: [&Plan; 2]) {
    let [first, second] = plans;
    let (one, two) = (first.digest(), second.digest());
    assert_ne!(one, two, "the suite needs two plans");
    assert_eq!(done(store.digests().await, "listing an empty store"), [""; 0]);
    for unknown in [one.as_str(), "", "..", "../secrets", "c:\\x", &"0".repeat(64)] {
        refused(store.load(unknown).await, ErrorKind::NotFound, "loading what is not stored");
        let approval = PlanApproval::new("anna", at(0), [""; 0]);
        refused(store.approve(unknown, &approval).await, ErrorKind::NotFound, "approving what is not stored");
        let end = ApprovalsEnded::new("anna", at(0), "");
        refused(store.end_approvals(unknown, &end).await, ErrorKind::NotFound, "ending what is not stored");
    }

    done(store.save(first, "anna", at(10)).await, "storing a plan");
    done(store.save(second, "Jörg “the admin”\n", at(5)).await, "storing another plan");
    done(store.save(first, "eve", at(20)).await, "storing a plan again");
    assert_eq!(done(store.digests().await, "listing plans"), [one.clone(), two.clone()], "the newest first");
    let stored = done(store.load(&one).await, "loading a plan");
    assert_eq!(stored.plan, *first, "a plan comes back as it was");
    assert_eq!((stored.author.as_str(), stored.saved_at), ("anna", at(10)), "the first author stays");
    assert_eq!(stored.approvals, [], "a new plan has no approval");

    let approvals = [
        PlanApproval::new("anna", at(30), ["users-renamed:1:0a"]),
        PlanApproval::new("bob\n{\"approver\":\"eve\"}", at(31), [""; 0]),
        PlanApproval::new("carol", at(29), ["one", "two"]),
    ];
    for approval in &approvals {
        done(store.approve(&one, approval).await, "approving a plan");
    }
    assert_eq!(
        done(store.load(&one).await, "loading it").approvals,
        approvals,
        "in the order of their arrival"
    );
    done(store.save(first, "eve", at(40)).await, "storing the approved plan again");
    assert_eq!(done(store.load(&one).await, "loading it").approvals, approvals, "no approval is lost");
    let other = done(store.load(&two).await, "loading the other plan");
    assert_eq!((other.plan, other.author.as_str()), (second.clone(), "Jörg “the admin”\n"));
    assert_eq!(other.approvals, [], "an approval is of one plan");

    let end = ApprovalsEnded::new("ben \u{202e}", at(35), "it was applied\n");
    done(store.end_approvals(&one, &end).await, "ending the approvals");
    let stored = done(store.load(&one).await, "loading it");
    assert_eq!((stored.approvals, stored.ended), (Vec::new(), vec![end.clone()]), "no approval is left");
    let [approval, ..] = approvals;
    done(store.approve(&one, &approval).await, "approving it again");
    let stored = done(store.load(&one).await, "loading it");
    assert_eq!((stored.approvals, stored.ended), (vec![approval], vec![end]), "a new approval holds");
    assert_eq!(done(store.load(&two).await, "loading the other plan").ended, [], "and the other has no end");
}
