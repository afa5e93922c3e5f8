//! The programs that show runs: `runs`, `show` and `audit`.

use super::*;
use std::time::Duration;

fn name(run: &Path) -> &str {
    run.file_name().unwrap().to_str().unwrap()
}

#[tokio::test]
async fn show_says_that_a_verification_was_red_and_who_ran_it() {
    let world = World::new();
    let forest = world.forest.clone();
    let onramp = Onramp::new(world.tenant.tenant(), forest.forest()).with_clock(world.clock.clone());
    let survey = onramp.survey(&world.spec).await.unwrap();
    let guid = survey.users.candidates[0].user.guid;
    let (run, ended) = world
        .run(move |event| {
            if let Event::ChangeEnded { number, total, .. } = event
                && number == total
            {
                let host = forest.controllers()[0].clone();
                forest.set_on(&host, &guid, "userPrincipalName", &["somebody@corp.local"]).unwrap();
            }
        })
        .await;
    assert_eq!(ended.unwrap(), Ended::Red);
    let said = world.onramp(&["show", name(&run)]);
    assert!(said.contains("its verification found something else"), "{said}");
    assert!(said.contains("nina@workstation"), "{said}");
    std::fs::remove_file(run.join(JOURNAL)).unwrap();
    let said = world.onramp(&["show", name(&run)]);
    assert!(said.contains("only planned, or its journal is missing"), "{said}");
    let said = world.onramp(&["audit", name(&run)]);
    assert!(said.contains("only planned, or its journal is missing"), "{said}");
}

#[tokio::test]
async fn the_latest_run_to_look_at_is_the_one_that_is_listed_first_also_if_it_changed_nothing() {
    let world = World::new();
    let forest = world.forest.clone();
    let refuse = move |event: &Event| {
        if matches!(event, Event::ChangeStarted { title, .. } if title.starts_with("add the UPN suffix")) {
            let fault = Fault::Refused { code: 50, message: "00002098: SecErr" };
            forest.inject(Operation::Modify, fault, u64::MAX);
        }
    };
    let (first, _) = world.run(refuse).await;
    let first = plan_in(&first).digest();
    // It goes on where that one stopped, and is refused as well: it makes no change.
    let (run, ended) = world.run(|_| ()).await;
    ended.unwrap_err();
    let digest = plan_in(&run).digest();
    assert_ne!(digest, first);
    assert!(world.list().lines().next().unwrap().contains(": 0 of"), "{}", world.list());
    let said = world.onramp(&["show", "latest"]);
    assert!(said.contains(&digest[..12]) && !said.contains(&first[..12]), "{said}");
    let said = world.onramp(&["audit", "latest"]);
    assert!(said.contains(&digest) && !said.contains(&first), "{said}");
    let output = Output::view(&world.folder.path().join("out"));
    assert_ne!(output.find("latest").unwrap().name, name(&run), "that one is nothing to undo");
    let empty = tempfile::tempdir().unwrap();
    let error = Output::view(empty.path()).find("latest").unwrap_err().to_string();
    assert!(error.contains("no run made a change"), "{error}");
}

#[tokio::test]
async fn an_undo_is_of_the_run_before_it_and_a_run_is_undone_by_the_undos_after_it() {
    let world = World::new();
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (run, ended) = world.run(|_| ()).await;
        assert_eq!(ended.unwrap(), Ended::Green);
        world.clock.advance(Duration::from_secs(60));
        assert_eq!(world.undo(&run).await, Ended::Green);
        world.clock.advance(Duration::from_secs(60));
        runs.push(run);
    }
    let listed = world.list();
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 4, "{listed}");
    assert!(lines[0].contains(&format!("undo of {}:", name(&runs[1]))), "{listed}");
    assert!(lines[2].contains(&format!("undo of {}:", name(&runs[0]))), "{listed}");
    let undo = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    assert!(lines[1].ends_with(&format!("undone, all or in part, by {}", undo(lines[0]))), "{listed}");
    assert!(lines[3].ends_with(&format!("undone, all or in part, by {}", undo(lines[2]))), "{listed}");
}

#[tokio::test]
async fn an_audit_trail_hides_no_character_of_a_name() {
    let world = World::new();
    let users = "CN=Users,DC=corp,DC=local".parse().unwrap();
    world.forest.create_user(&users, "turn\u{202e}ed\u{7f}", Some("turned@corp.local")).unwrap();
    let (run, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
    let said = world.onramp(&["audit", name(&run)]);
    assert!(said.contains("turn\\u202eed\\u007f") && !said.contains('\u{202e}'), "{said}");
    let lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let names: Vec<String> = lines.filter_map(|line| Some(line["name"].as_str()?.to_owned())).collect();
    assert!(names.iter().any(|name| name.contains("turn\u{202e}ed\u{7f}")), "{names:?}");
}
