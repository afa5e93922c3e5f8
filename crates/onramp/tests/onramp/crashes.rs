//! Runs that end in the middle: what is known then, and how the next run goes on.

use std::pin::pin;
use std::task::{Context, Poll};

use futures_util::task::noop_waker;
use onramp::{ApprovedPlan, JournalEntry, JournalRecord, MemorySecretStore, Onramp, SecretStore};
use onramp_core::forest::UpnChange;
use onramp_core::tenant::SyncState;
use onramp_core::{ErrorKind, Upn};

use crate::odd::{Brittle, Forgetful, Lapse, Way, with_writer};
use crate::world::{SPEC, World, made, spec, upn_changes};

const USERS: &str = "domain = \"contoso.com\"\n[users]\n";

/// Whether the journal tells what value a change replaces.
fn is_announced(records: &[JournalRecord], upn: &UpnChange) -> bool {
    records.iter().any(|record| {
        matches!(&record.entry, JournalEntry::ChangeStarted { object: Some(object), before, after: Some(after), .. }
            if *object == upn.guid.to_string() && *before == upn.before && after == upn.after.as_str())
    })
}

/// Lets a run go on for so many steps, and then drops it. Says whether it ended before.
fn run_for(
    steps: usize,
    onramp: &Onramp,
    plan: &ApprovedPlan,
    journal: &mut Brittle,
    secrets: &MemorySecretStore,
) -> bool {
    let waker = noop_waker();
    let mut run = pin!(onramp.apply_to_end(plan, journal, secrets));
    (0..steps).any(|_| matches!(run.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(_)))
}

#[tokio::test]
async fn whatever_changed_before_a_crash_is_in_the_journal_with_the_value_before() {
    let mut seen_between = false;
    for steps in 0.. {
        let mut world = World::new(14);
        let approved = world.approved(&spec(USERS)).await;
        let (forest, _) = with_writer(world.forest.forest(), Way::Pausing);
        let mut journal = Brittle::default();
        let ended = run_for(steps, &world.onramp_over(forest), &approved, &mut journal, &world.secrets);
        let made = made(&world.forest, approved.plan());
        for (_, upn) in &made {
            assert!(is_announced(&journal.durable, upn), "{steps} steps: {}", upn.dn);
        }
        let all = upn_changes(approved.plan()).len();
        seen_between |= !made.is_empty() && made.len() < all;
        // The next run goes on with the same plan.
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        assert!(world.verified(&spec(USERS), &approved).await.is_green());
        if ended {
            assert_eq!(made.len(), all);
            break;
        }
    }
    assert!(seen_between, "some crash came among the users");
}

#[tokio::test]
async fn a_journal_that_fails_anywhere_stops_the_run_and_tells_exactly_what_may_have_been_made() {
    for bad in [1, usize::MAX] {
        for good in 0.. {
            let world = World::new(14);
            let approved = world.approved(&spec(SPEC)).await;
            let (forest, sent) = with_writer(world.forest.forest(), Way::Pausing);
            let mut journal = Brittle { good, bad, ..Default::default() };
            let ended = world.onramp_over(forest).apply_to_end(&approved, &mut journal, &world.secrets).await;
            if journal.operations <= good {
                ended.unwrap().require_complete().unwrap();
                break;
            }
            let error = ended.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            let text = error.to_string();
            assert!(text.contains("no space left on device"), "{text}");
            let made = made(&world.forest, approved.plan());
            for (_, upn) in &made {
                assert!(is_announced(&journal.durable, upn), "after {good}: {}", upn.dn);
            }
            tells_the_truth(&world, &approved, &text, &made, sent.load(std::sync::atomic::Ordering::Relaxed))
                .await;
        }
    }
}

async fn tells_the_truth(
    world: &World,
    approved: &ApprovedPlan,
    text: &str,
    made: &[(u64, UpnChange)],
    sent: usize,
) {
    let tenant = world.tenant.tenant();
    let users = upn_changes(approved.plan());
    let number = |after: &str| -> Option<u64> {
        let (_, rest) = text.split_once(after)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    if text.contains("nothing was changed") {
        assert!(made.is_empty());
        assert!(tenant.domains.get(&approved.plan().header().domain).await.is_err());
    } else if text.contains("no user was changed") {
        assert!(made.is_empty() && sent == 0, "{text}");
    } else if let (Some(first), Some(last)) = (number("the changes "), number(" to ")) {
        assert!(text.contains("were sent"), "{text}");
        assert!(made.iter().all(|(number, _)| (first..=last).contains(number)), "{text}");
        assert!(sent as u64 <= last + 1 - first, "{text}");
        assert_eq!(tenant.sync.status().await.unwrap().state, SyncState::NeverEnabled);
    } else if text.contains("except the end of the run") {
        assert_eq!(made.len(), users.len());
    } else {
        let at = number("the change ").unwrap();
        let was_made = text.contains("was tried, with the outcome: done");
        assert!(was_made || text.contains("was not made"), "{text}");
        let last = if was_made { at } else { at - 1 };
        // Each thing that can be looked at stands if and only if it comes at or before that change.
        let place = |kind: fn(&onramp::Change) -> bool| {
            approved.plan().changes().iter().find(|planned| kind(&planned.change)).unwrap().number
        };
        let on = tenant.sync.status().await.unwrap().state == SyncState::Enabled;
        assert_eq!(on, place(|c| matches!(c, onramp::Change::EnableSync)) <= last, "{text}");
        let upn: Upn = "onramp-sync@contoso.com".parse().unwrap();
        let is_made = tenant.users.find(&upn).await.unwrap().is_some();
        assert_eq!(
            is_made,
            place(|c| matches!(c, onramp::Change::CreateServiceAccount { .. })) <= last,
            "{text}"
        );
        let domain = tenant.domains.get(&approved.plan().header().domain).await;
        assert_eq!(
            domain.is_ok(),
            place(|c| matches!(c, onramp::Change::AddDomain { .. })) <= last,
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_run_that_the_secret_store_stopped_anywhere_is_gone_on_with() {
    for lapse in [Lapse::BeforeStore, Lapse::AfterStore, Lapse::BeforePromote, Lapse::AfterPromote] {
        for fresh_plan in [false, true] {
            let mut world = World::new(4);
            let spec = spec(SPEC);
            let mut approved = world.approved(&spec).await;
            let secrets = Forgetful::at(lapse);
            let onramp = world.onramp();
            let outcome = onramp.apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
            assert!(!outcome.is_complete(), "{lapse:?}");
            let upn: Upn = "onramp-sync@contoso.com".parse().unwrap();
            let tenant = world.tenant.tenant();
            let account = tenant.users.find(&upn).await.unwrap();
            let is_made = matches!(lapse, Lapse::BeforePromote | Lapse::AfterPromote);
            assert_eq!(account.is_some(), is_made, "{lapse:?}");
            if let Some(account) = &account {
                assert!(tenant.roles.assignments_of(&account.id).await.unwrap().is_empty(), "{lapse:?}");
            }
            if fresh_plan {
                approved = world.approved(&spec).await;
            }
            let outcome = onramp.apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
            outcome.require_complete().unwrap();
            let verification = onramp.verify(&spec, Some(&approved), Some(&secrets)).await.unwrap();
            assert!(verification.is_green(), "{lapse:?} {fresh_plan} {verification:#?}");
            let stored = secrets.load(upn.as_str()).await.unwrap().unwrap();
            let probe = tenant.sign_in.probe(&upn, &stored).await.unwrap();
            assert_eq!(probe, onramp_core::tenant::SignInProbe::Accepted);
            assert!(
                secrets.pending(upn.as_str()).await.unwrap().is_empty(),
                "{lapse:?}: one password was enough"
            );
        }
    }
}
