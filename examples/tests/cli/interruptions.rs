//! `onboard`, stopped by Ctrl-C.

use std::net::TcpListener;
use std::time::Duration;

use nix::sys::signal::Signal;
use onramp::{Change, JournalEntry, JournalRecord, Outcome};
use onramp_lab::tenant::{Fault, FaultAction};

use crate::world::{SPEC, World};

#[test]
fn a_stop_among_the_users_keeps_what_was_done_and_the_same_command_goes_on() {
    let world = World::new(600);
    let flags = world.desk.onboard(&[]).with_code(2).wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let wanted = world.desk.plan().users_changed() as usize;

    world.forest.set_latency(Duration::from_millis(150));
    let running = world.desk.start(&flags);
    running.wait_until("users are changed", || users_changed(&journal(&world)) > 0);
    running.interrupt();
    let stopped = world.desk.checked(running.end()).with_code(130);
    let stopped = stopped
        .saying(&["stopping after the change that is under way", "Run the same command again to continue"]);
    let changed = users_changed(&journal(&world));
    assert!(changed < wanted, "it was to be stopped in the middle, not after {changed}");
    assert!(stopped.said.contains("not attempted"), "{}", stopped.said);

    // The journal matches the state exactly.
    let state = world.state();
    let have =
        state.users.iter().filter(|user| user.upn.as_deref().is_some_and(|u| u.ends_with("@contoso.com")));
    let had = world.desk.plan().header().users_skipped.get("has the new UPN already").copied();
    assert_eq!(have.count(), changed + had.unwrap_or_default() as usize);

    world.forest.set_latency(Duration::ZERO);
    world.desk.onboard(&flags).with_code(0);
    assert_eq!(users_changed(&journal(&world)), wanted, "each user once, over both runs");
}

#[test]
fn a_killed_run_is_gone_on_with_and_no_user_is_left_in_between() {
    let world = World::new(600);
    let flags = world.desk.onboard(&[]).with_code(2).wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let plan = world.desk.plan();

    world.forest.set_latency(Duration::from_millis(150));
    let running = world.desk.start(&flags);
    running.wait_until("users are changed", || users_changed(&journal(&world)) > 0);
    running.send(Signal::SIGKILL);
    let killed = world.desk.checked(running.end());
    assert_eq!(killed.code, None, "{}", killed.said);
    let written_down = users_changed(&journal(&world));
    let left = plan.users_changed() as usize - written_down;
    assert!(left > 0, "it was to be killed in the middle, not after {written_down}");

    world.forest.set_latency(Duration::ZERO);
    world.desk.onboard(&flags).with_code(0);
    let now = world.state();
    for planned in plan.changes() {
        if let Change::ChangeUpn { upn } = &planned.change {
            let user = now.users.iter().find(|user| user.guid == upn.guid).unwrap();
            assert_eq!(user.upn.as_deref(), Some(upn.after.as_str()));
        }
    }
    // The second run continues the same file, and recognizes changes that the first one made but could not record.
    assert!(users_changed(&journal(&world)) <= plan.users_changed() as usize);
    world.desk.onboard(&flags).with_code(0).saying(&["nothing has to be changed"]);
}

#[test]
fn whoever_does_not_want_to_wait_presses_twice() {
    let world = World::new(60);
    let flags = world.desk.onboard(&[]).with_code(2).wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    // Far longer than this test may take.
    let slow = FaultAction::delay(Duration::from_secs(3600));
    world.cloud.tenant.add_fault(Fault::on("POST", "/v1.0/domains", slow).always());
    let running = world.desk.start(&flags);
    let adds = |line: &JournalRecord| matches!(&line.entry, JournalEntry::ChangeStarted { number: 1, .. });
    running.wait_until("it adds the domain", || journal(&world).iter().any(adds));
    running.interrupt();
    running.wait_until("it heard", || running.said().contains("press Ctrl-C again to end at once"));
    running.interrupt();
    world.desk.checked(running.end()).with_code(130);

    world.cloud.tenant.clear_faults();
    world.desk.onboard(&flags).with_code(0);
}

#[test]
fn a_stop_while_waiting_for_dns_is_heard_at_once() {
    let world = World::new(5);
    world.cloud.tenant.auto_publish_dns(false);
    world.desk.configure(&world.desk.text("[spec]\ndomain = 'contoso.com'\n"));
    let running = world.desk.start(&["--yes"]);
    let waits = |line: &JournalRecord| matches!(&line.entry, JournalEntry::ChangeStarted { number: 2, .. });
    running.wait_until("it waits", || journal(&world).iter().any(waits));
    running.interrupt();
    world
        .desk
        .checked(running.end())
        .with_code(130)
        .saying(&["MS=ms", "Run the same command again to continue"]);

    world.cloud.tenant.auto_publish_dns(true);
    world.desk.onboard(&["--yes"]).with_code(0);
}

#[test]
fn what_the_journal_says_was_accepted_is_not_asked_again_until_the_run_completed() {
    let world = World::new(5);
    world.cloud.tenant.auto_publish_dns(false);
    world.desk.configure(&world.desk.text("[spec]\ndomain = 'contoso.com'\n"));
    let running = world.desk.start(&["--yes"]);
    let waits = |line: &JournalRecord| matches!(&line.entry, JournalEntry::ChangeStarted { number: 2, .. });
    running.wait_until("it waits", || journal(&world).iter().any(waits));
    running.interrupt();
    world.desk.checked(running.end()).with_code(130);
    let file = world.desk.last("plan.jsonl");
    let file = file.to_str().unwrap();

    world.cloud.tenant.auto_publish_dns(true);
    let started = journal(&world)[0].at.date().to_string();
    let resumed = world.desk.onboard(&["--plan", file]).with_code(0);
    resumed.saying(&[
        "domain-added:contoso.com was accepted for the run",
        &format!("of {started}, which did not complete"),
    ]);
    world.desk.onboard(&["--plan", file]).with_code(2).saying(&["To accept: --accept"]);
}

#[test]
fn a_stop_while_a_controller_does_not_answer_is_heard_at_once() {
    let world = World::new(0);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let [first, ..] = world.servers.controllers() else { panic!("no controllers") };
    let text = world.desk.text(SPEC);
    let elsewhere = text.replace(&first.ldaps.to_string(), &silent.local_addr().unwrap().to_string());
    world.desk.configure(&elsewhere);
    let running = world.desk.start(&[]);
    let _connection = silent.accept().unwrap();
    running.interrupt();
    world.desk.checked(running.end()).with_code(130).saying(&["connect to the forest", "cancelled"]);
}

fn journal(world: &World) -> Vec<JournalRecord> {
    world.desk.journal()
}

fn users_changed(journal: &[JournalRecord]) -> usize {
    let is_user = |line: &&JournalRecord| {
        matches!(&line.entry, JournalEntry::ChangeEnded { after: Some(_), outcome: Outcome::Done, .. })
    };
    journal.iter().filter(is_user).count()
}
