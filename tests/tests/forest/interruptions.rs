//! Faults in the middle of many writes: in spite of faults of the controller or the network, the client reports every
//! change, loses none, and makes none twice. The results that it reports are compared with the values that an
//! independent client reads, and with the number of writes that the directory counts.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use onramp_ad::{AdClientBuilder, LdapTimeouts};
use onramp_core::ErrorKind;
use onramp_core::forest::{ObjectChange, ObjectChanged, ObjectOutcome};
use onramp_samba::{Forest, Rights, ServerCertificate, attribute_line};
use tokio::sync::oneshot;

use crate::crowd::{changes, crowd};
use crate::dump::{Dump, Fate};
use crate::replication::converged;
use crate::shared::{client, client_alone, client_of, forest, run};

/// The number of changes of a run, and the number of outcomes before the fault begins.
const CHANGES: usize = 600;
const UNDISTURBED: usize = 150;
/// The number of changes that are requested only after the fault, so that its aftereffects are met on any machine.
const AFTERWARDS: usize = 50;
/// The controller that is written to and gets the fault.
const WRITER: usize = 1;
/// The duration of the fault if the client reports no error before.
const PATIENCE: Duration = Duration::from_secs(4);

#[test]
#[ignore = "needs root and Samba AD"]
fn a_controller_killed_in_the_middle_of_writes() {
    let forest = forest();
    let told = disturbed(&forest, "killed.example", |complaints| {
        forest.stop_controller(WRITER).unwrap();
        let _ = complaints.recv_timeout(PATIENCE);
        forest.start_controller(WRITER).unwrap();
    });
    told.only(&[ErrorKind::Unavailable, ErrorKind::OutcomeUnknown]);
    told.made_up_for(&forest);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_network_cut_in_the_middle_of_writes() {
    let forest = forest();
    let told = disturbed(&forest, "cut.example", |complaints| {
        forest.cut_network(WRITER).unwrap();
        let _ = complaints.recv_timeout(PATIENCE);
        forest.restore_network(WRITER).unwrap();
    });
    told.only(&[ErrorKind::Unavailable, ErrorKind::OutcomeUnknown]);
    told.made_up_for(&forest);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn answers_lost_in_the_middle_of_writes() {
    let forest = forest();
    let mut in_silence = None;
    let told = disturbed(&forest, "silent.example", |complaints| {
        forest.lose_answers(WRITER).unwrap();
        let _ = complaints.recv_timeout(PATIENCE);
        in_silence = Some(Dump::of(&forest, WRITER));
        forest.restore_network(WRITER).unwrap();
    });
    told.only(&[ErrorKind::Unavailable, ErrorKind::OutcomeUnknown]);
    // Proves that the fault is the intended one: the controller made changes that it could not report.
    let in_silence = in_silence.unwrap();
    let made = told
        .outcomes
        .iter()
        .filter(|outcome| in_silence.fate(&told.before, &outcome.change) == Fate::MadeOnce);
    assert!(made.count() > told.known_before_trouble, "changes were made whose answers got lost");
    told.made_up_for(&forest);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_certificate_renewed_by_the_same_authority_in_the_middle_of_writes() {
    let forest = forest();
    let told = disturbed(&forest, "renewed.example", |_| {
        forest.use_certificate(WRITER, ServerCertificate::Valid).unwrap();
    });
    told.only(&[ErrorKind::Unavailable, ErrorKind::OutcomeUnknown]);
    // The same client goes on with the new certificate.
    told.made_up_for(&forest);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_certificate_of_another_authority_in_the_middle_of_writes() {
    let forest = forest();
    // This client knows no other controller that it could use.
    let alone = client_alone(&forest, WRITER);
    let told = disturbed_client(&forest, alone, "distrusted.example", |_| {
        forest.use_certificate(WRITER, ServerCertificate::OtherAuthority).unwrap();
    });
    let distrust: Vec<String> = told
        .outcomes
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().err())
        .map(ToString::to_string)
        .filter(|error| error.contains("certificate"))
        .collect();
    forest.use_certificate(WRITER, ServerCertificate::Valid).unwrap();
    told.only(&[ErrorKind::Unavailable, ErrorKind::OutcomeUnknown, ErrorKind::Invalid]);
    assert!(!distrust.is_empty(), "an unknown authority is noticed and named");
    told.made_up_for(&forest);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn many_changes_without_the_right_to_make_them() {
    let forest = forest();
    let before = Dump::of(&forest, 0);
    let planned = changes(&crowd(&forest, CHANGES), &before, "forbidden.example");
    let ordinary = forest.add_login("bulk-ordinary", Rights::Ordinary).unwrap();
    let outcomes = all(client_of(&forest, 0, &ordinary), planned, |_| {});
    assert_eq!(outcomes.len(), CHANGES);
    for outcome in &outcomes {
        let error = outcome.result.as_ref().unwrap_err();
        assert_eq!((error.kind(), error.reply().ldap_code), (ErrorKind::Forbidden, Some(50)), "{error}");
    }
    let after = Dump::of(&forest, 0);
    assert!(outcomes.iter().all(|outcome| after.fate(&before, &outcome.change) == Fate::NotMade));
}

#[test]
#[ignore = "needs root and Samba AD"]
fn values_somebody_else_changes_in_the_middle_of_writes() {
    let forest = forest();
    let before = Dump::of(&forest, 0);
    let planned = changes(&crowd(&forest, CHANGES), &before, "raced.example");
    // An administrator with another tool changes the users whose turn comes last.
    let theirs: Vec<_> = planned[CHANGES - 5..].to_vec();
    let value = |number: usize| format!("theirs{number}@raced.example");
    let record = |(number, change): (usize, &ObjectChange)| {
        let (dn, value) = (attribute_line("dn", change.dn.as_str()), value(number));
        format!("{dn}\nchangetype: modify\nreplace: userPrincipalName\nuserPrincipalName: {value}\n")
    };
    let ldif = theirs.iter().enumerate().map(record).collect::<Vec<_>>().join("\n");
    let outcomes = all(client(&forest, 0), planned, |seen| {
        if seen == UNDISTURBED {
            forest.ldapmodify(0, &ldif).unwrap();
        }
    });
    assert_eq!(outcomes.len(), CHANGES);
    let after = Dump::of(&forest, 0);
    for ObjectOutcome { change, result } in &outcomes {
        match theirs.iter().position(|their| their.guid == change.guid) {
            Some(number) => {
                let error = result.as_ref().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
                assert!(error.to_string().contains(&value(number)), "the value found is named: {error}");
                assert_eq!(after.get(&change.guid).upn, Some(value(number)), "and not overwritten");
            }
            None => {
                assert_eq!(*result.as_ref().unwrap(), ObjectChanged::Changed);
                assert_eq!(after.fate(&before, change), Fate::MadeOnce);
            }
        }
    }
}

/// A run of changes that was disturbed, and the values before it.
struct Told {
    before: Dump,
    outcomes: Vec<ObjectOutcome>,
    known_before_trouble: usize,
    client: onramp_ad::AdClient,
}

/// Makes changes, and causes the fault after some outcomes. The fault gets the errors that the client reports.
fn disturbed(forest: &Forest, suffix: &str, trouble: impl FnOnce(Receiver<()>) + Send) -> Told {
    disturbed_client(forest, client(forest, WRITER), suffix, trouble)
}

fn disturbed_client(
    forest: &Forest,
    client: AdClientBuilder,
    suffix: &str,
    trouble: impl FnOnce(Receiver<()>) + Send,
) -> Told {
    let crowd = crowd(forest, CHANGES);
    forest.replicate(0, WRITER, forest.base_dn()).unwrap();
    let before = Dump::of(forest, WRITER);
    let mut planned = changes(&crowd, &before, suffix);
    let limit = Duration::from_secs(1);
    let timeouts = LdapTimeouts::default().with_connect(limit).with_operation(limit).with_first_page(limit);
    let client = client.timeouts(timeouts).build().unwrap();
    let (complain, complaints) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let (over, ended) = oneshot::channel::<()>();
    let writer = client.forest().object_writer;
    let (mut outcomes, mut known_before_trouble) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let trouble = scope.spawn(move || {
            begun.recv().unwrap();
            trouble(complaints);
            let _ = over.send(());
        });
        run(async {
            let afterwards = planned.split_off(CHANGES - AFTERWARDS);
            let afterwards = async { ended.await.map(|()| stream::iter(afterwards)).unwrap() };
            let planned = stream::iter(planned).chain(afterwards.flatten_stream());
            let mut told = writer.change_all(planned.boxed());
            while let Some(outcome) = told.next().await {
                if outcome.result.is_err() {
                    let _ = complain.send(());
                } else if outcomes.iter().all(|known: &ObjectOutcome| known.result.is_ok()) {
                    known_before_trouble += 1;
                }
                outcomes.push(outcome);
                if outcomes.len() == UNDISTURBED {
                    begin.send(()).unwrap();
                }
            }
        });
        trouble.join().unwrap();
    });
    Told { before, outcomes, known_before_trouble, client }
}

impl Told {
    /// Checks that the client reported each change once, and failed for no other reasons.
    #[track_caller]
    fn only(&self, kinds: &[ErrorKind]) {
        let mut told: Vec<_> = self.outcomes.iter().map(|outcome| outcome.change.guid).collect();
        told.sort_unstable();
        told.dedup();
        assert_eq!((self.outcomes.len(), told.len()), (CHANGES, CHANGES), "one outcome for each change");
        for outcome in &self.outcomes {
            if let Err(error) = &outcome.result {
                assert!(kinds.contains(&error.kind()), "{error}");
            }
        }
    }

    /// Compares the client's report with the directory, makes the missing changes with the same client, and compares
    /// the report with the directory again, on both controllers.
    #[track_caller]
    fn made_up_for(self, forest: &Forest) {
        // A client that cannot reach one controller may continue with another, so the values that all agree on count.
        let after = converged(forest);
        let mut open = Vec::new();
        for ObjectOutcome { change, result } in self.outcomes {
            let fate = after.fate(&self.before, &change);
            match result.map_err(|error| error.kind()) {
                Ok(done) => {
                    assert_eq!(fate, Fate::MadeOnce, "{done:?}");
                    assert_ne!(done, ObjectChanged::Unchanged, "nobody else makes these changes");
                }
                // The report says that the change may have been made, so both are right.
                Err(ErrorKind::OutcomeUnknown) => open.push((change, fate)),
                Err(kind) => {
                    assert_eq!(fate, Fate::NotMade, "{kind:?} is no answer to a change that was made");
                    open.push((change, fate));
                }
            }
        }
        let ports = self.client.forest();
        run(async {
            for (change, fate) in &open {
                let expected =
                    if *fate == Fate::MadeOnce { ObjectChanged::Unchanged } else { ObjectChanged::Changed };
                assert_eq!(ports.object_writer.change(change).await.unwrap(), expected);
            }
        });
        let last = converged(forest);
        for (change, _) in &open {
            assert_eq!(last.fate(&self.before, change), Fate::MadeOnce);
        }
    }
}

/// Makes changes and returns every outcome; `each` is called with their number so far.
fn all(
    client: AdClientBuilder,
    planned: Vec<ObjectChange>,
    mut each: impl FnMut(usize),
) -> Vec<ObjectOutcome> {
    let writer = client.build().unwrap().forest().object_writer;
    run(async {
        let mut told = writer.change_all(stream::iter(planned).boxed());
        let mut outcomes = Vec::new();
        while let Some(outcome) = told.next().await {
            outcomes.push(outcome);
            each(outcomes.len());
        }
        outcomes
    })
}
