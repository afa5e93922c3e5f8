//! The report: what each step came to, and when it says "ready".

use onramp::{ApplyOutcome, ApprovedPlan, Report, Verification};
use onramp_lab::tenant::{Fault, FaultAction};

use crate::world::{SPEC, World, spec};

/// The words of a page, without its tags.
fn words(html: &str) -> String {
    let body = html.split("<body>").nth(1).unwrap();
    let text: String = body
        .split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(plan: &ApprovedPlan, outcome: &ApplyOutcome, verification: Option<&Verification>) -> String {
    let report = Report::new(plan.plan()).with_outcome(outcome);
    let report = match verification {
        Some(verification) => report.with_verification(verification),
        None => report,
    };
    report.to_html().unwrap()
}

#[tokio::test]
async fn a_failed_run_marks_each_step_done_failed_or_not_attempted() {
    let mut world = World::new(20);
    let approved = world.approved(&spec(SPEC)).await;
    let refusal = FaultAction::error(403, "Authorization_RequestDenied", "Insufficient privileges <b>.");
    world.tenant.add_fault(Fault::on("PATCH", "/v1.0/organization/*", refusal));
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let verification = world.verified(&spec(SPEC), &approved).await;
    let html = page(&approved, &outcome, Some(&verification));
    assert!(!html.contains("privileges <b>"), "escaped");
    let text = words(&html);
    assert!(text.contains("The plan was only partly applied"), "{text}");
    assert!(!text.contains("Ready to synchronize") && !text.contains("What was done"), "{text}");
    for step in [
        "✓ add the domain contoso.com to the tenant done",
        "✓ verify the domain contoso.com done",
        "✓ add the UPN suffix contoso.com to the forest done",
        "✓ change the UPN of",
        "✗ turn on directory synchronization failed: could not",
        "– create the service account onramp-sync@contoso.com with a strong password not attempted",
        "– test the sign-in of onramp-sync@contoso.com not attempted",
        "– give onramp-sync@contoso.com the role Hybrid Identity Administrator not attempted",
    ] {
        assert!(text.contains(step), "{step} in {text}");
    }
    assert!(text.contains("stopped at change"), "{text}");
    assert!(text.contains("Accepted consequences") && !text.contains("to accept"), "{text}");
    let planned = words(&Report::new(approved.plan()).to_html().unwrap());
    assert!(planned.contains("Consequences to accept"), "{planned}");
    assert!(text.contains("What failed"), "{text}");
    assert!(!text.contains(" 0 unknown result") && !text.contains(" 0 already correct"), "{text}");
    assert_eq!(text.matches("✓ change the UPN of").count(), 1, "all users are one step");
    assert!(text.contains("✗ directory synchronization is on the switch is never switched on"), "{text}");
}

#[tokio::test]
async fn unknown_and_stale_steps_have_marks_of_their_own() {
    let mut world = World::new(20);
    let approved = world.approved(&spec(SPEC)).await;
    world.tenant.add_fault(Fault::on("PATCH", "/v1.0/organization/*", FaultAction::cut_before()));
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let text = words(&page(&approved, &outcome, None));
    assert!(text.contains("? turn on directory synchronization result unknown: "), "{text}");
    assert!(text.contains("1 unknown result"), "{text}");
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let text = words(&page(&approved, &outcome, None));
    assert!(text.contains("= add the domain contoso.com to the tenant already correct"), "{text}");
    assert!(text.contains("Applied, not verified yet"), "{text}");
}

#[tokio::test]
async fn only_a_job_with_users_synchronization_and_service_account_is_ready_to_synchronize() {
    let (users, sync) = ("[users]\n", "[sync]\nenable = true\n");
    let account = "[service_account]\nupn = \"onramp-sync@contoso.com\"\n";
    for (parts, missing) in [
        (vec![users, sync, account], None),
        (vec![users, sync], Some("a service account")),
        (vec![users, account], Some("directory synchronization")),
        (vec![sync, account], Some("the UPNs of users")),
        (vec![], Some("the UPNs of users, directory synchronization, a service account")),
    ] {
        let mut world = World::new(6);
        let spec = spec(&format!("domain = \"contoso.com\"\n{}", parts.concat()));
        let approved = world.approved(&spec).await;
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        outcome.require_complete().unwrap();
        let verification = world.verified(&spec, &approved).await;
        assert!(verification.is_green(), "{parts:?} {verification:#?}");
        let text = words(&page(&approved, &outcome, Some(&verification)));
        assert_eq!(text.contains("Ready to synchronize"), missing.is_none(), "{parts:?}: {text}");
        match missing {
            Some(missing) => {
                assert!(text.contains("Everything that was asked for is so"), "{text}");
                assert!(text.contains(&format!("Not part of this job {missing}")), "{text}");
            }
            None => assert!(!text.contains("Not part of this job"), "{text}"),
        }
        assert!(!text.contains("completed") && !text.contains("stopped"), "{text}");
        let text = words(&page(&approved, &outcome, None));
        assert!(text.contains("Applied, not verified yet") && !text.contains("Ready"), "{text}");
    }
}

#[tokio::test]
async fn what_is_excused_is_said_with_the_verdict() {
    let mut world = World::new(300);
    let approved = world.approved(&spec(SPEC)).await;
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let verification = world.verified(&spec(SPEC), &approved).await;
    let text = words(&page(&approved, &outcome, Some(&verification)));
    assert!(text.contains("Ready to synchronize, except for what is listed below"), "{text}");
    assert!(text.contains("Blocked: these users keep their current UPN"), "{text}");
    for blocker in approved.plan().blockers().iter().take(3) {
        assert!(text.contains(blocker.present_upn.as_deref().unwrap_or("(none)")), "{blocker}");
    }
}

#[tokio::test]
async fn a_plan_alone_says_that_nothing_was_changed() {
    let world = World::new(20);
    let plan = world.plan(&spec(SPEC)).await;
    let text = words(&Report::new(&plan).written_at(plan.header().surveyed_at).to_html().unwrap());
    assert!(text.contains("A plan. Nothing was changed") && text.contains("Planned changes"), "{text}");
    assert!(
        text.contains("• add the domain contoso.com to the tenant the tenant does not have it"),
        "{text}"
    );
    assert!(text.contains("Report written 2026-01-01 00:00 UTC"), "{text}");
    for consequence in plan.consequences() {
        assert!(text.contains(&consequence.id()), "{}", consequence.id());
    }
    let sync = plan.consequences().iter().find(|c| c.id() == "sync-switched-on").unwrap();
    assert!(text.contains(&sync.to_string()), "{text}");
    let (_, one) = crate::world::upn_changes(&plan).remove(0);
    let one =
        world.plan(&spec(&format!("domain = \"contoso.com\"\n[users]\nonly = [\"{}\"]\n", one.guid))).await;
    let text = words(&Report::new(&one).to_html().unwrap());
    assert!(text.contains("• change the UPN of 1 user each named below"), "{text}");
    let strict = World::of(2, |forest| forest, |tenant| tenant.security_defaults(true));
    let text = words(&Report::new(&strict.plan(&spec(SPEC)).await).to_html().unwrap());
    assert!(
        text.contains("sign-in-hindered:onramp-sync@contoso.com:") && text.contains(" security defaults "),
        "{text}"
    );
    let blocked = world.plan(&spec("domain = \"corp.local\"\n")).await;
    let text = words(&Report::new(&blocked).to_html().unwrap());
    assert!(text.contains("A plan that cannot be applied. Nothing was changed"), "{text}");
}

#[tokio::test]
async fn a_stopped_run_is_not_a_failed_one() {
    let mut world = World::new(20);
    let approved = world.approved(&spec(SPEC)).await;
    let token = world.token.clone();
    let onramp = world.watched(move |event| {
        if matches!(event, onramp::Event::DnsRecordNeeded { .. }) {
            token.cancel();
        }
    });
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    let text = words(&page(&approved, &outcome, None));
    assert!(text.contains("– verify the domain contoso.com cancelled"), "{text}");
    assert!(text.contains("stopped on request before change 2"), "{text}");
    assert!(text.contains("The plan was only partly applied"), "{text}");
}

#[tokio::test]
async fn a_run_that_is_cut_off_leaves_no_report_that_says_nothing_was_changed() {
    let world = World::new(6);
    let approved = world.approved(&spec(SPEC)).await;
    let text = words(&Report::new(approved.plan()).started().to_html().unwrap());
    assert!(text.contains("Applying it has begun, and no end was recorded here."), "{text}");
    assert!(!text.contains("Nothing was changed") && !text.contains("Ready"), "{text}");
    assert!(text.contains("• add the domain contoso.com to the tenant"), "{text}");
}
