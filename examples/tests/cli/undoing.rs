//! `undo`, and the runs that it needs.

use std::path::Path;

use onramp::{ApplyStatus, Change, JournalEntry};
use onramp_core::DomainName;

use crate::world::{SPEC, World};

#[test]
fn a_run_is_undone_with_consent_and_its_users_are_as_before() {
    let world = World::new(80);
    let before = world.state();
    world.desk.onboard(&["--yes"]).with_code(0);
    let after = world.state();

    // What would happen is shown, and nothing is changed without consent.
    let digest = {
        world
            .desk
            .undo(&["latest", "--plan-only"])
            .with_code(0)
            .saying(&["restore the UPN", "Nothing was changed"]);
        world.desk.plan().digest()
    };
    let refused = world.desk.undo(&["latest"]).with_code(2).saying(&["--accept users-restored:"]);
    assert_eq!(world.state(), after);
    let wrong = world.desk.undo(&["latest", "--yes", "--digest", "000000000000"]).with_code(2);
    assert!(wrong.said.contains("its digest is"), "{}", wrong.said);
    assert_eq!(world.state(), after);

    let mut arguments = vec!["latest".to_owned(), "--digest".to_owned(), digest];
    arguments.extend(refused.wanted_flags());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    world.desk.undo(&arguments).with_code(0).saying(&["the restored users have the UPN from before the run"]);
    assert_eq!(world.state().users, before.users);

    // Only a run that is named is undone if the latest one is an undo: who repeats the command does not mean that.
    world.desk.undo(&["latest", "--yes"]).with_code(1).saying(&["is an undo itself", "Name the run"]);
    assert_eq!(world.state().users, before.users);
    // The undo can be undone in turn: for one user.
    let undo = world.desk.runs().into_iter().rev().find(|run| run.join("journal.jsonl").exists()).unwrap();
    let undo = undo.file_name().unwrap().to_str().unwrap().to_owned();
    let changed = before.users.iter().zip(&after.users).find(|(before, after)| before.upn != after.upn);
    let name = changed.unwrap().0.sam_account_name.clone();
    world.desk.undo(&[&undo, "--user", &name, "--yes"]).with_code(0);
    let differ =
        before.users.iter().zip(world.state().users).filter(|(before, now)| before.upn != now.upn).count();
    assert_eq!(differ, 1);
}

#[test]
fn a_run_that_does_not_exist_is_an_error_that_names_the_command_that_lists_them() {
    let world = World::new(10);
    world.desk.undo(&["yesterday"]).with_code(1).saying(&["no such run", "onramp runs"]);
    world.desk.undo(&["latest"]).with_code(1).saying(&["no such run"]);
}

#[test]
fn a_run_that_cannot_be_read_is_named_and_no_older_one_is_undone_instead() {
    let world = World::new(12);
    world.desk.onboard(&["--yes"]).with_code(0);
    let after = world.state();
    let (plan, journal) = (world.desk.last("plan.jsonl"), world.desk.last("journal.jsonl"));
    let name = world.desk.runs()[0].file_name().unwrap().to_str().unwrap().to_owned();
    let whole = [&plan, &journal].map(|path| std::fs::read(path).unwrap());

    std::fs::write(&plan, &whole[0][..whole[0].len() - 50]).unwrap();
    for run in ["latest", &name] {
        world.desk.undo(&[run, "--yes"]).with_code(1).saying(&[&name]);
    }
    std::fs::write(&plan, &whole[0]).unwrap();
    std::fs::write(&journal, b"").unwrap();
    world.desk.undo(&[&name, "--yes"]).with_code(1).saying(&["no journal, or an empty one"]);
    std::fs::write(&journal, &whole[1]).unwrap();
    assert_eq!(world.state(), after);
    world.desk.undo(&["latest", "--yes"]).with_code(0);
}

#[test]
fn the_domain_is_added_alone_and_the_next_run_goes_on_once_its_record_is_published() {
    let world = World::new(20);
    world.cloud.tenant.auto_publish_dns(false);
    let before = world.state();
    let waiting = world.desk.onboard(&["--yes", "--no-wait"]).with_code(3);
    let waiting = waiting.saying(&[
        "Type",
        "TXT",
        "@ (in the zone contoso.com)",
        "MS=ms",
        "run the same command again",
    ]);
    let file = std::fs::read_to_string(world.desk.last("dns-records.txt")).unwrap();
    let value = file.lines().find(|line| line.starts_with("TXT")).unwrap().split_whitespace();
    let value = value.filter(|word| word.starts_with("MS=")).collect::<String>();
    assert!(waiting.said.contains(&value), "{file}");
    let now = world.state();
    assert_eq!(now.users, before.users, "nothing follows before the domain is verified");
    assert_ne!(now, before, "the domain is added");

    let ended = world.desk.journal().pop().unwrap().entry;
    assert!(matches!(ended, JournalEntry::RunEnded { status: ApplyStatus::Waiting { .. } }), "{ended:?}");

    // The rest is another plan: without a terminal to confirm at, it is accepted by its names.
    world.desk.onboard(&["--no-wait"]).with_code(2).saying(&["--accept domain-verified:contoso.com"]);
    world.desk.onboard(&["--yes", "--no-wait"]).with_code(3);
    world.cloud.tenant.publish_txt("contoso.com", &value);
    world.desk.onboard(&["--yes", "--no-wait"]).with_code(0);
    let domain = DomainName::parse("contoso.com").unwrap();
    let found = world.cloud.runtime.block_on(world.cloud.tenant.tenant().domains.get(&domain)).unwrap();
    assert!(found.is_verified);
}

#[test]
fn an_undo_that_needs_a_dns_record_need_not_wait_for_it() {
    let world = World::new(10);
    world.desk.configure(&world.desk.text("[spec]\ndomain = 'contoso.com'\n"));
    world.desk.onboard(&["--yes"]).with_code(0);
    world.desk.undo(&["latest", "--yes"]).with_code(0);
    let domain = DomainName::parse("contoso.com").unwrap();
    let find = || world.cloud.runtime.block_on(world.cloud.tenant.tenant().domains.get(&domain));
    assert!(find().unwrap_err().is_not_found());
    let undo = world.desk.runs().pop().unwrap();
    let undo = undo.file_name().unwrap().to_str().unwrap().to_owned();
    world.cloud.tenant.auto_publish_dns(false);
    world.desk.undo(&[&undo, "--yes", "--no-wait"]).with_code(3).saying(&["MS=ms"]);
    assert!(!find().unwrap().is_verified);
}

#[test]
fn a_value_that_a_later_run_wrote_again_is_left_alone_until_that_run_is_undone() {
    let world = World::new(30);
    let (spec, _) = SPEC.split_once("[spec.sync]").unwrap();
    world.desk.configure(&world.desk.text(spec));
    world.desk.onboard(&["--yes"]).with_code(0);
    let name_of = |run: &Path| run.file_name().unwrap().to_str().unwrap().to_owned();
    let first = name_of(&world.desk.runs()[0]);
    let upn = world.desk.plan().changes().iter().find_map(|planned| match &planned.change {
        Change::ChangeUpn { upn } => Some(upn.clone()),
        _ => None,
    });
    let upn = upn.unwrap();
    for controller in world.forest.controllers() {
        world.forest.set_on(&controller, &upn.guid, "userPrincipalName", &["by.hand@corp.local"]).unwrap();
    }
    let by_hand = format!("{spec}[spec.users.map]\n'{}' = '{}'\n", upn.guid, upn.after);
    world.desk.configure(&world.desk.text(&by_hand));
    world.desk.onboard(&["--yes"]).with_code(0);
    let second = name_of(&world.desk.runs()[1]);
    let present = || {
        let users = world.state().users;
        users.into_iter().find(|user| user.guid == upn.guid).unwrap().upn
    };
    assert_eq!(present().as_deref(), Some(upn.after.as_str()));

    let reason = format!("written by the run {second}");
    world.desk.undo(&[&first, "--step", "users", "--yes"]).with_code(0).saying(&[&reason]);
    assert_eq!(present().as_deref(), Some(upn.after.as_str()));
    world.desk.undo(&[&second, "--yes"]).with_code(0);
    assert_eq!(present().as_deref(), Some("by.hand@corp.local"));

    // A later run that cannot be read is a warning.
    std::fs::write(world.desk.runs()[1].join("plan.jsonl"), "{}").unwrap();
    let said = world.desk.undo(&[&first, "--plan-only"]).said;
    assert!(said.contains(&format!("the run {second} cannot be read")), "{said}");
}
