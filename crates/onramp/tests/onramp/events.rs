//! Events of a run: their log, and the state that they tell.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use onramp::{Event, EventLog, EventRecord, ObservedRun, Outcome, Report, WaitReason};
use onramp_core::{Clock, ErrorKind};

use crate::world::{SPEC, World, approve_all, spec};

/// Runs a whole job, and returns its events with their times.
async fn whole_job(world: &mut World) -> (Vec<EventRecord>, ObservedRun, onramp::ApprovedPlan) {
    world.tenant.auto_publish_dns(true);
    let (heard, clock) = (Arc::new(Mutex::new((Vec::new(), ObservedRun::default()))), world.clock.clone());
    let hearing = Arc::clone(&heard);
    let onramp = world.watched(move |event| {
        let mut heard = hearing.lock().unwrap();
        heard.0.push(EventRecord::new(clock.now(), event.clone()));
        heard.1.observe(clock.now(), event);
    });
    let wanted = spec(SPEC);
    let approved = approve_all(onramp::plan(&wanted, &onramp.survey(&wanted).await.unwrap()));
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
    let (records, run) = heard.lock().unwrap().clone();
    (records, run, approved)
}

#[tokio::test]
async fn a_log_of_events_replays_to_the_state_that_was_seen_live() {
    let mut world = World::new(120);
    let (records, live, approved) = whole_job(&mut world).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let log = EventLog::create(&path).unwrap();
    for record in &records {
        log.record(record.at, &record.event).unwrap();
    }
    let read: Vec<EventRecord> = EventLog::read(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, records);
    let mut replayed = ObservedRun::default();
    read.iter().for_each(|record| replayed.observe(record.at, &record.event));
    assert_eq!(replayed, live);

    assert_eq!(live.total, approved.plan().changes().len() as u64);
    assert!(live.changes.values().all(|change| change.outcome == Some(Outcome::Done)), "{live:#?}");
    let users = live.users.unwrap();
    assert_eq!((users.done, users.total, users.failed), (approved.plan().users_changed(), users.done, 0));
    assert!(live.waiting.is_none());
    assert_eq!(live.read["users of the forest"], approved.plan().header().users_read);
    assert!(!live.replication.is_empty() && live.replication.values().all(|report| report.is_complete()));
    assert_eq!(live.secrets.len(), 1);
    assert_eq!(live.dns_records.len(), 1);
    assert!(live.started_at < live.last_at);
}

#[tokio::test]
async fn events_of_replication_say_on_which_controllers_a_value_is() {
    let (records, _, _) = whole_job(&mut World::new(40)).await;
    let said: Vec<String> = records.iter().map(|record| record.event.to_string()).collect();
    for expected in [
        "UPN suffix contoso.com is on 1 of 2 domain controllers, not on dc2.corp.local",
        "UPN suffix contoso.com is on 2 of 2 domain controllers",
    ] {
        assert!(said.iter().any(|said| said == expected), "{expected}: {said:#?}");
    }
    let mut reports = records.iter().filter_map(|record| match &record.event {
        Event::BulkReplication { report } => Some(report.to_string()),
        _ => None,
    });
    let last = reports.next_back().unwrap();
    let parts = (last.starts_with("userPrincipalName of "), last.ends_with(": on 2 of 2 domain controllers"));
    assert_eq!(parts, (true, true), "{last}");
}

#[test]
fn a_torn_log_ends_where_it_was_torn_and_a_wrong_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let at = time::OffsetDateTime::UNIX_EPOCH;
    let log = EventLog::create(&path).unwrap();
    for count in 1..=3 {
        log.record(at, &Event::Reading { what: "users".into(), count }).unwrap();
    }
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    assert_eq!(EventLog::read(&path).unwrap().map(Result::unwrap).count(), 2);
    let text = String::from_utf8(whole).unwrap();
    for (from, to, why) in [
        ("\"event\":\"reading\"", "\"event\":\"writing\"", "line 1: "),
        (
            "\"format_version\":3",
            "\"format_version\":4",
            "format version 4, and this version of Onramp reads 3",
        ),
        ("\"format_version\":3", "\"format_version\":2", "format version 2"),
    ] {
        std::fs::write(&path, text.replace(from, to)).unwrap();
        let error = EventLog::read(&path).unwrap().next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(why), "{error}");
    }
    let missing = EventLog::read(folder.path().join("none")).err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn a_log_is_continued_and_a_change_that_was_begun_twice_keeps_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let at = |seconds| time::OffsetDateTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let started = Event::ChangeStarted { number: 2, total: 3, title: "verify the domain".into() };
    let waiting = Event::Waiting {
        reason: WaitReason::DnsRecord { domain: "contoso.com".parse().unwrap() },
        waited: Duration::ZERO,
        timeout: Duration::from_secs(60),
    };
    EventLog::create(&path).unwrap().record(at(1), &started).unwrap();
    let log = EventLog::create(&path).unwrap();
    log.record(at(5), &started).unwrap();
    log.record(at(6), &waiting).unwrap();
    let mut run = ObservedRun::default();
    for record in EventLog::read(&path).unwrap() {
        let record = record.unwrap();
        run.observe(record.at, &record.event);
    }
    assert_eq!(run.changes[&2].started_at, at(1));
    assert!(matches!(run.waiting, Some(WaitReason::DnsRecord { .. })));
    assert!(run.changes[&2].ended_at.is_none());
    let ended = Event::ChangeEnded { number: 2, total: 3, outcome: Outcome::Failed, detail: "no".into() };
    run.observe(at(9), &ended);
    let change = &run.changes[&2];
    assert_eq!(
        (change.ended_at, change.outcome, change.detail.as_str()),
        (Some(at(9)), Some(Outcome::Failed), "no")
    );
    assert!(run.waiting.is_none());
}

#[tokio::test]
async fn the_report_draws_the_run_and_tells_every_drawing_again_in_words() {
    let mut world = World::new(60);
    let (_, run, approved) = whole_job(&mut world).await;
    let html = Report::new(approved.plan()).with_run(&run).with_operator("CORP\\nina <b>").to_html().unwrap();
    assert!(html.contains("<dt>Run by</dt><dd>CORP\\nina &#60;b&#62;</dd>"), "{html}");
    let drawings = html.matches("<svg class=\"chart\"").count();
    assert_eq!(drawings, 1 + run.replication.len() + 1);
    assert_eq!(html.matches("role=\"img\" aria-label=").count(), drawings);
    let bars = html.matches("<rect class=").count();
    assert_eq!(bars, html.matches("<th scope=\"row\"").count(), "every bar has a row");
    for change in run.changes.values() {
        assert!(html.contains(&change.title), "{}", change.title);
    }
    for host in world.forest.controllers() {
        assert!(html.contains(&format!("<th scope=\"row\" class=\"name\">{host}</th>")), "{host}");
    }
    for cell in ["<td>before</td><td>", "<td>after</td><td>"] {
        assert!(html.contains(cell));
    }
    let planned = Report::new(approved.plan()).to_html().unwrap();
    assert!(planned.contains("Users to change by UPN suffix") && !planned.contains("Timeline"));
}
