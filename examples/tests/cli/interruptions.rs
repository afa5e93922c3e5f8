//! `onboard`, stopped by Ctrl-C.

use std::net::TcpListener;
use std::time::Duration;

use onramp::{FileJournal, JournalEntry, JournalRecord, Outcome};

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
        .saying(&["stopping after the change that is under way", "Run the same command again to go on"]);
    let changed = users_changed(&journal(&world));
    assert!(changed < wanted, "it was to be stopped in the middle, not after {changed}");
    assert!(stopped.said.contains("not tried"), "{}", stopped.said);

    // What the journal says is so, neither less nor more.
    let state = world.state();
    let have =
        state.users.iter().filter(|user| user.upn.as_deref().is_some_and(|u| u.ends_with("@contoso.com")));
    let had = world.desk.plan().header().users_skipped.get("has the wanted UPN already").copied();
    assert_eq!(have.count(), changed + had.unwrap_or_default() as usize);

    world.forest.set_latency(Duration::ZERO);
    world.desk.onboard(&flags).with_code(0);
    assert_eq!(users_changed(&journal(&world)), wanted, "each user once, over both runs");
}

#[test]
fn a_stop_while_waiting_for_dns_is_heard_at_once() {
    let world = World::new(5);
    world.cloud.tenant.auto_publish_dns(false);
    world.desk.configure(&world.desk.text("[spec]\ndomain = 'contoso.com'\n"));
    let running = world.desk.start(&[]);
    let waits = |line: &JournalRecord| matches!(&line.entry, JournalEntry::ChangeStarted { number: 2, .. });
    running.wait_until("it waits", || journal(&world).iter().any(waits));
    running.interrupt();
    world
        .desk
        .checked(running.end())
        .with_code(130)
        .saying(&["MS=ms", "Run the same command again to go on"]);

    world.cloud.tenant.auto_publish_dns(true);
    world.desk.onboard(&[]).with_code(0);
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
    let path = world.desk.path("out/journal.jsonl");
    if path.exists() { FileJournal::read(path).unwrap() } else { Vec::new() }
}

fn users_changed(journal: &[JournalRecord]) -> usize {
    let is_user = |line: &&JournalRecord| {
        matches!(&line.entry, JournalEntry::ChangeEnded { object: Some(_), outcome: Outcome::Done, .. })
    };
    journal.iter().filter(is_user).count()
}
