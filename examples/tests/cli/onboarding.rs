//! `onboard` without mistakes or faults.

use onramp::JournalEntry;
use onramp_core::Upn;

use crate::program::Program;
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
    assert!(world.desk.journal().is_empty() && !world.desk.path("out/secrets").exists());
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
        "--accept users-renamed:51:",
        "--accept users-left-behind:8:",
        "--accept domain-added:contoso.com",
        "--accept suffix-added:contoso.com",
        "--accept service-account-created:onramp-sync@contoso.com",
        "--accept privileged-role-granted:onramp-sync@contoso.com:hybrid-identity-administrator",
        "--accept subscription-access-granted:onramp-sync@contoso.com:",
    ]);
    assert!(!refused.said.contains("--accept sync-switched-on"), "that was accepted");
    assert_eq!(world.state(), before);

    // Consent with another number is not valid, and the mistake is reported.
    let other = ["--accept", "users-left-behind:8:00000000"];
    world
        .desk
        .onboard(&other)
        .with_code(2)
        .saying(&["--accept users-left-behind:8:00000000 is ignored: this plan has no such consequence"]);
    assert_eq!(world.state(), before);
}

#[test]
fn the_job_is_done_once_and_the_same_command_finds_nothing_left_to_do() {
    let world = World::new(200);
    let before = world.state();
    let flags = world.desk.onboard(&[]).with_code(2).wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let done =
        world.desk.onboard(&flags).with_code(0).saying(&["0 failed", "can sign in with its password alone"]);
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
    let html = std::fs::read_to_string(world.desk.last("report.html")).unwrap();
    assert!(html.contains("can sign in with its password alone"));

    world.desk.onboard(&flags).with_code(0).saying(&["nothing has to be changed"]);
    assert!(world.desk.plan().is_empty());
    assert_eq!(world.state(), after);
    let journal = world.desk.journal();
    let endings: Vec<_> = journal
        .iter()
        .filter_map(|line| match &line.entry {
            JournalEntry::RunEnded { status } => Some(status.to_string()),
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
    let all = world.desk.consent().len() / 2;
    let mut answers = vec!["yes\n"; all];
    answers[2] = "no\n";
    let hesitant = world.desk.onboard_answering(&answers).with_code(2);
    assert_eq!(hesitant.said.matches("Type yes: ").count(), all, "{}", hesitant.said);
    hesitant.saying(&["Nothing was changed. To accept: --accept users-renamed:51:"]);
    // Ctrl-D is not an answer.
    let away = vec!["\u{4}"; all];
    world.desk.onboard_answering(&away).with_code(2).saying(&["Nothing was changed"]);
    assert_eq!(world.state(), before);

    let mut answers = vec!["yes\n"; all];
    (answers[0], answers[1]) = ("YES\n", " yes \n");
    let done = world.desk.onboard_answering(&answers).with_code(0);
    done.saying(&["a token was issued", "51 now have the new UPN, 0 skipped"]);
}

#[test]
fn a_reviewed_plan_is_applied_exactly_and_no_other() {
    let world = World::new(40);
    world.desk.onboard(&["--plan-only"]).with_code(0);
    let (file, plan) = (world.desk.last("plan.jsonl"), world.desk.plan());
    let (file, digest) = (file.to_str().unwrap(), plan.digest());

    // A user is added between review and run, so a new plan would be different.
    let spec = world.desk.text(&SPEC.replace("[spec.users]", "[spec.users]\nskip_disabled = true"));
    world.desk.configure(&spec);
    let before = world.state();
    let other = world.desk.onboard(&["--yes", "--digest", &digest]).with_code(2);
    other.saying(&["its digest is", "Nothing was changed"]);
    world.desk.onboard(&["--yes", "--plan", file, "--digest", "0123456789abcdef"]).with_code(2);
    world
        .desk
        .onboard(&["--yes", "--plan", file, "--digest", &digest[..8]])
        .with_code(2)
        .saying(&["12 digits"]);
    world.desk.onboard(&["--plan", file, "--digest", &digest]).with_code(2).saying(&["To accept: --accept"]);
    assert_eq!(world.state(), before);

    world.desk.configure(&world.desk.text(SPEC));
    world.desk.onboard(&["--yes", "--plan", file, "--digest", &digest[..12]]).with_code(0);
    let after = world.state();
    let moved: Vec<_> = before.users.iter().zip(&after.users).filter(|(one, other)| one != other).collect();
    assert_eq!(moved.len() as u64, plan.users_changed());
}

#[test]
fn a_plan_of_another_domain_or_a_forged_one_is_refused() {
    let world = World::new(20);
    world.desk.onboard(&["--plan-only"]).with_code(0);
    let file = world.desk.last("plan.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(world.desk.path("forged.jsonl"), text.replacen("@contoso.com", "@fabrikam.com", 1))
        .unwrap();
    world
        .desk
        .onboard(&["--yes", "--plan", "forged.jsonl"])
        .with_code(1)
        .saying(&["its digest does not fit"]);
    world.desk.configure(&world.desk.text("[spec]\ndomain = 'fabrikam.com'\n"));
    world
        .desk
        .onboard(&["--yes", "--plan", file.to_str().unwrap()])
        .with_code(1)
        .saying(&["for the domain contoso.com", "wants fabrikam.com"]);
    assert!(world.forest_offers_nothing());
}

#[test]
fn results_are_on_standard_output_and_no_run_overwrites_another() {
    let world = World::new(20);
    world.desk.onboard(&["--plan-only"]).with_code(0);
    let first = std::fs::read(world.desk.last("plan.jsonl")).unwrap();
    world.desk.onboard(&["--yes"]).with_code(0);
    world.desk.onboard(&["--yes"]).with_code(0);
    let runs = world.desk.runs();
    assert_eq!(runs.len(), 3);
    assert_eq!(std::fs::read(runs[0].join("plan.jsonl")).unwrap(), first);
    assert!(!runs[0].join("journal.jsonl").exists() && runs[1].join("journal.jsonl").exists());
    for run in &runs {
        for name in ["plan.jsonl", "report.html", "wire.har"] {
            assert!(onramp_files::is_private(run.join(name)).unwrap(), "{name}");
        }
    }
}

#[test]
fn two_runs_do_not_work_in_one_folder() {
    let world = World::new(5);
    let lock = onramp_files::FolderLock::acquire(world.desk.path("out"), "a test");
    assert!(lock.is_err(), "there is no folder yet");
    world.desk.onboard(&["--plan-only"]).with_code(0);
    let lock = onramp_files::FolderLock::acquire(world.desk.path("out"), "a test").unwrap();
    let me = format!("{}", std::process::id());
    world.desk.onboard(&["--yes"]).with_code(1).saying(&["is in use", &me, "a test"]);
    drop(lock);
    world.desk.onboard(&["--yes"]).with_code(0);
}

#[test]
fn text_from_the_directory_does_not_reach_the_terminal_raw() {
    let world = World::new(10);
    let state = world.state();
    let user = state.users.iter().find(|user| !user.is_critical && user.upn.is_some()).unwrap();
    for host in world.forest.controllers() {
        let value = "x\u{1b}[2K\u{1b}[1Aok\r\u{202e}";
        world.forest.set_on(&host, &user.guid, "userPrincipalName", &[value]).unwrap();
    }
    let ended = world.desk.onboard(&["--plan-only"]).with_code(0);
    assert!(!ended.said.contains('\u{1b}') && !ended.said.contains('\u{202e}'), "{:?}", ended.said);
    ended.saying(&["\\u{1b}[2K"]);
}

#[test]
fn a_password_that_is_shown_is_in_no_file_and_the_tenant_has_it_only_once_it_is_kept() {
    let world = World::new(6);
    // A pipe is no terminal.
    let refused = world.desk.onboard(&["--yes", "--show-password"]).with_code(1);
    refused.saying(&["not a terminal", "leave out --show-password"]);
    assert!(world.desk.runs().is_empty());

    let shown = |program: &Program| {
        let said = program.said();
        let text = said.split("shown this once:").last().unwrap().trim_start().to_owned();
        text.lines().next().unwrap().trim().to_owned()
    };
    let mut program = world.desk.start_at_terminal(&["--yes", "--show-password"]);
    program.answer(1, "no\n");
    let lost = shown(&program);
    world.desk.checked(program.end()).with_code(130).saying(&["nobody kept it"]);
    let account = "onramp-sync@contoso.com".parse().unwrap();
    let tenant = world.cloud.tenant.tenant();
    let find = || world.cloud.runtime.block_on(tenant.users.find(&account)).unwrap();
    assert!(find().is_none(), "the tenant never saw it");

    let mut program = world.desk.start_at_terminal(&["--yes", "--show-password"]);
    program.answer(1, "yes\n");
    let password = shown(&program);
    assert_ne!(password, lost);
    assert_eq!(password.chars().count(), 32, "{}", program.said());
    let ended = world.desk.checked(program.end()).with_code(0);
    assert_eq!(ended.said.matches(&password).count(), 1);
    assert!(find().is_some());
    for (path, text) in crate::world::files(&world.desk.path("out")) {
        assert!(!text.contains(&password) && !text.contains(&lost), "it is in {}", path.display());
    }
}
