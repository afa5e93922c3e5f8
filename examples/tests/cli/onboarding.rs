//! `onboard`, when all is well.

use onramp::{FileJournal, JournalEntry};
use onramp_core::Upn;

use crate::world::{SPEC, World};

#[test]
fn planning_changes_nothing_and_gives_the_same_plan_twice() {
    let world = World::new(120);
    let before = world.state();
    let plan = || {
        world.desk.onboard(&["--plan-only"]).with_code(0);
        world.desk.plan()
    };
    let (first, second) = (plan(), plan());
    assert!(first.users_changed() > 90, "{}", first.users_changed());
    assert_eq!(first.digest(), second.digest());
    assert_ne!(first.header().surveyed_at, second.header().surveyed_at);
    assert_eq!(first.changes(), second.changes());
    assert_eq!(world.state(), before);
    assert!(!world.desk.path("out/journal.jsonl").exists() && !world.desk.path("out/secrets").exists());
    let written: Vec<_> = world
        .cloud
        .tenant
        .requests()
        .into_iter()
        .filter(|request| request.method != "GET" && !request.path.ends_with("/oauth2/v2.0/token"))
        .collect();
    assert!(written.is_empty(), "{written:?}");
}

#[test]
fn without_consent_nothing_is_changed_and_the_missing_consent_is_named() {
    let world = World::new(60);
    let before = world.state();
    let refused = world.desk.onboard(&["--accept", "sync-switched-on"]).with_code(2).saying(&[
        "Nothing was changed",
        "--accept users-left-behind:7",
        "--accept privileged-role-granted:hybrid-identity-administrator",
        "--accept subscription-access-granted:contoso-subscription-1:reader",
    ]);
    assert!(!refused.said.contains("--accept sync-switched-on"), "that was accepted");
    assert_eq!(world.state(), before);

    // Consent to another number is none, and a slip of the pen is said.
    let other = ["--accept", "users-left-behind:8"];
    world.desk.onboard(&other).with_code(2).saying(&["not a consequence of this plan: users-left-behind:8"]);
    assert_eq!(world.state(), before);
}

#[test]
fn the_job_is_done_once_and_the_same_command_finds_nothing_left_to_do() {
    let world = World::new(200);
    let before = world.state();
    let flags = world.desk.onboard(&[]).with_code(2).wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let done =
        world.desk.onboard(&flags).with_code(0).saying(&["0 failed", "it can sign in with its password"]);
    assert!(!done.said.contains('✗'), "{}", done.said);
    let plan = world.desk.plan();
    let after = world.state();
    let moved: Vec<_> =
        before.users.iter().zip(&after.users).filter(|(before, after)| before != after).collect();
    assert_eq!(moved.len() as u64, plan.users_changed());
    for (before, after) in moved {
        assert_eq!(before.guid, after.guid);
        let upn = Upn::parse(after.upn.as_deref().unwrap()).unwrap();
        assert_eq!(upn.suffix_str(), "contoso.com");
    }
    let html = std::fs::read_to_string(world.desk.path("out/report.html")).unwrap();
    assert!(html.contains("it can sign in with its password alone"));

    world.desk.onboard(&flags).with_code(0).saying(&["nothing has to be changed"]);
    assert!(world.desk.plan().is_empty());
    assert_eq!(world.state(), after);
    let journal = FileJournal::read(world.desk.path("out/journal.jsonl")).unwrap();
    let endings: Vec<_> = journal
        .iter()
        .filter_map(|line| match &line.entry {
            JournalEntry::RunEnded { ending } => Some(ending.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(endings, ["completed", "completed"]);
}

#[test]
fn start_tls_will_do_too() {
    let world = World::new(40);
    let text = world.desk.text(SPEC).replace("[forest]", "[forest]\nsecurity = 'start-tls'");
    let at_389 = world.servers.controllers().iter().fold(text, |text, controller| {
        text.replace(&controller.ldaps.to_string(), &controller.ldap.to_string())
    });
    world.desk.configure(&at_389);
    let flags = world.desk.onboard(&[]).with_code(2).wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    world.desk.onboard(&flags).with_code(0).saying(&["seen on all 2 domain controllers"]);
}

#[test]
fn somebody_at_a_terminal_is_asked_for_each_consequence() {
    let world = World::new(60);
    let before = world.state();
    let hesitant = world.desk.onboard_answering(&["yes\n", "yes\n", "no\n", "yes\n"]).with_code(2);
    assert_eq!(hesitant.said.matches("Type yes: ").count(), 4, "{}", hesitant.said);
    hesitant.saying(&["Nothing was changed. To accept: --accept privileged-role-granted"]);
    // Ctrl-D is no answer.
    let away = ["\u{4}"; 4];
    world.desk.onboard_answering(&away).with_code(2).saying(&["Nothing was changed"]);
    assert_eq!(world.state(), before);

    let done = world.desk.onboard_answering(&["yes\n", "YES\n", "yes\n", " yes \n"]).with_code(0);
    done.saying(&["a token was issued", "52 changed or already so, 0 not, 0 not tried"]);
}
