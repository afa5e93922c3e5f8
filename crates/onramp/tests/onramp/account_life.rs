//! The life of the service account: its first password, the proofs, its rotation, and what is left out by name.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use onramp::{
    AccountCheck, ApplyStatus, CallbackSecretStore, Change, CheckStatus, Consequence, FirstPassword, History,
    Outcome, Plan, RecordedRun, Report, SecretStep, SecretStore, ServiceAccountSpec, Spec, UndoSelection,
    plan,
};
use onramp_core::mock::MockSignIn;
use onramp_core::tenant::{MfaState, SignInProbe};
use onramp_core::{Password, Upn};
use onramp_lab::tenant::{Fault, FaultAction, LabSubscription};

use crate::odd::{Forgetful, Lapse};
use crate::small::{build, ids, verified};
use crate::world::{World, approve_all, spec};

const UPN: &str = "sync@contoso.com";

fn text(first: &str, more: &str) -> String {
    format!(
        "domain = 'contoso.com'\n[service_account]\nupn = '{UPN}'\nalternate_email = 'it@contoso.com'\n\
         first_password = '{first}'\nsubscriptions = [{{ subscription = 'Production', role = 'Reader' }}]\n{more}"
    )
}

fn world() -> World {
    build(|forest| forest, |tenant| verified(tenant).subscription(LabSubscription::new("Production")))
}

fn upn() -> Upn {
    UPN.parse().unwrap()
}

fn titles(plan: &Plan) -> Vec<String> {
    let of_account = |change: &Change| change.to_string().contains(UPN);
    let changes = plan.changes().iter().filter(|planned| of_account(&planned.change));
    changes.map(|planned| planned.change.to_string().replace(UPN, "U")).collect()
}

/// Makes a plan with what the journal says of earlier runs.
async fn again(world: &World, spec: &Spec) -> Plan {
    let mut history = History::default();
    history.add(&world.journal.records());
    plan(spec, &world.onramp().with_history(history).survey(spec).await.unwrap())
}

async fn probe(world: &World, password: &Password) -> SignInProbe {
    world.tenant.tenant().sign_in.probe(&upn(), password).await.unwrap()
}

fn sign_ins(world: &World) -> usize {
    world.tenant.requests().iter().filter(|request| request.path.ends_with("/oauth2/v2.0/token")).count()
}

#[tokio::test]
async fn a_temporary_password_is_proven_and_replaced_before_the_account_gets_a_role() {
    let mut world = world();
    let spec = spec(&text("temporary", ""));
    let approved = world.approved(&spec).await;
    assert_eq!(
        titles(approved.plan()),
        [
            "create the service account U with a temporary password",
            "test that U has to change its temporary password",
            "set a strong password that does not expire for U",
            "test the sign-in of U",
            "give U the role Hybrid Identity Administrator",
            "give U the role Reader on the subscription Production",
        ]
    );
    // What each secret was worth when the store got it.
    let all: Arc<Mutex<Vec<(SecretStep, Password)>>> = Arc::default();
    let kept = all.clone();
    let secrets = CallbackSecretStore::new(move |step, _, secret| {
        kept.lock().unwrap().push((step, secret.clone()));
        Ok("the vault".to_owned())
    });
    let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
    outcome.require_complete().unwrap();
    let details: Vec<&str> = outcome.steps.iter().map(|step| step.detail.as_str()).collect();
    for wanted in ["its temporary password is stored", "(AADSTS50055)", "a token was issued"] {
        assert!(details.iter().any(|detail| detail.contains(wanted)), "{wanted}: {details:?}");
    }
    let all = all.lock().unwrap().clone();
    let order: Vec<SecretStep> = all.iter().map(|(step, _)| *step).collect();
    use SecretStep::{Promoted, Stored};
    assert_eq!(&order[..2], [Stored, Promoted], "{order:?}");
    let (temporary, last) = (&all[0].1, &all[all.len() - 1].1);
    assert!(!temporary.is_same(last));
    assert_eq!(probe(&world, temporary).await, SignInProbe::WrongPassword);
    assert_eq!(probe(&world, last).await, SignInProbe::Accepted);
    let account = world.tenant.tenant().users.find(&upn()).await.unwrap().unwrap();
    assert!(account.password_never_expires && account.account_enabled);

    let verification = world.onramp().verify(&spec, Some(&approved), Some(&secrets)).await.unwrap();
    assert!(verification.is_green(), "{verification:#?}");
    assert!(again(&world, &spec).await.is_empty());

    let mut written = Vec::new();
    approved.plan().write(&mut written).unwrap();
    let mut told = String::from_utf8(written).unwrap();
    told += &serde_json::to_string(&world.journal.records()).unwrap();
    told += &serde_json::to_string(&*world.events.lock().unwrap()).unwrap();
    told += &serde_json::to_string(&outcome).unwrap();
    let report = Report::new(approved.plan()).with_outcome(&outcome).with_verification(&verification);
    told += &report.to_html().unwrap();
    for (_, secret) in &all {
        assert!(!told.contains(secret.expose()), "a secret is in a file");
    }
}

#[tokio::test]
async fn an_account_that_is_cut_off_at_any_request_is_finished_by_the_same_plan_and_by_a_new_one() {
    for (first, cut) in [
        ("temporary", FaultAction::cut_before as fn() -> FaultAction),
        ("temporary", FaultAction::cut_after),
        ("final", FaultAction::cut_after),
    ] {
        for fresh in [false, true] {
            let mut is_cut = true;
            let mut n = 0;
            while is_cut {
                n += 1;
                let mut world = world();
                let spec = spec(&text(first, ""));
                let approved = world.approved(&spec).await;
                world.tenant.add_fault(Fault::on("*", "*", cut()).from_nth(n));
                let ended = world.apply(&world.onramp(), &approved).await;
                is_cut = !ended.is_ok_and(|outcome| outcome.is_complete());
                world.tenant.clear_faults();
                let next = if fresh { approve_all(again(&world, &spec).await) } else { approved };
                let name = format!("{first}, request {n}, fresh: {fresh}");
                let outcome = world.apply(&world.onramp(), &next).await.unwrap();
                assert!(outcome.is_complete(), "{name}: {outcome:#?}");
                let verification = world.verified(&spec, &next).await;
                assert!(verification.is_green(), "{name}: {verification:#?}");
                let password = world.secrets.load(UPN).await.unwrap().unwrap();
                assert_eq!(probe(&world, &password).await, SignInProbe::Accepted, "{name}");
                assert!(password.expose().chars().count() >= 32, "{name}: the final one");
                assert!(again(&world, &spec).await.is_empty(), "{name}");
            }
            assert!(n > 8, "{first}: {n} requests");
        }
    }
}

#[tokio::test]
async fn a_secret_store_that_fails_anywhere_loses_neither_the_temporary_password_nor_the_final_one() {
    for lapse in [Lapse::BeforeStore, Lapse::AfterStore, Lapse::BeforePromote, Lapse::AfterPromote] {
        for (fresh, is_final) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut world = world();
            let spec = spec(&text("temporary", ""));
            let approved = world.approved(&spec).await;
            // The temporary one is promoted again when it is proven.
            let spared = match lapse {
                Lapse::BeforeStore | Lapse::AfterStore => 1,
                Lapse::BeforePromote | Lapse::AfterPromote => 2,
            };
            let secrets = Forgetful::after(if is_final { spared } else { 0 }, lapse);
            let outcome = world.onramp().apply_to_end(&approved, &mut world.journal, &secrets).await.unwrap();
            let name = format!("{lapse:?}, fresh: {fresh}, final: {is_final}");
            let ApplyStatus::Stopped { title, .. } = &outcome.status else { panic!("{name}: {outcome:?}") };
            assert_eq!(title.contains("strong password"), is_final, "{name}: {title}");
            let next = if fresh { approve_all(again(&world, &spec).await) } else { approved };
            let outcome = world.onramp().apply_to_end(&next, &mut world.journal, &secrets).await.unwrap();
            outcome.require_complete().unwrap();
            let verification = world.onramp().verify(&spec, Some(&next), Some(&secrets)).await.unwrap();
            assert!(verification.is_green(), "{name}: {verification:#?}");
            // A new plan does not know the account as its own, and leaves the temporary one alone.
            let pending = secrets.pending(UPN).await.unwrap();
            let is_final = |secret: &Password| secret.expose().chars().count() >= 32;
            assert!(!pending.iter().any(is_final), "{name}: no final password too many");
        }
    }
}

#[tokio::test]
async fn a_temporary_password_that_need_not_be_changed_stops_the_run() {
    let mut world = world();
    let approved = world.approved(&spec(&text("temporary", ""))).await;
    let mut sign_in = MockSignIn::new();
    sign_in.expect_probe().times(1).returning(|_, _| Ok(SignInProbe::Accepted));
    let tenant = world.tenant.tenant().with_sign_in(Arc::new(sign_in));
    let onramp = world.onramp_on(tenant, world.forest.forest());
    let outcome = world.apply(&onramp, &approved).await.unwrap();
    let ApplyStatus::Stopped { title, problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(title.contains("has to change its temporary password"), "{title}");
    assert!(problem.contains("its change is not demanded"), "{problem}");
    let account = world.tenant.tenant().users.find(&upn()).await.unwrap().unwrap();
    assert!(world.tenant.tenant().roles.assignments_of(&account.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_sign_in_check_that_is_left_out_by_name_is_never_made_and_nothing_is_claimed() {
    for first in ["final", "temporary"] {
        let mut world = world();
        let spec =
            spec(&text(first, "").replace("subscriptions", "skip_checks = ['sign-in']\nsubscriptions"));
        assert!(spec.service_account.as_ref().unwrap().skips(AccountCheck::SignIn));
        let approved = world.approved(&spec).await;
        assert!(!titles(approved.plan()).iter().any(|title| title.starts_with("test")), "{first}");
        assert!(
            approved.plan().warnings().iter().any(|warning| warning.contains("`skip_checks`")),
            "{first}"
        );
        world.tenant.clear_requests();
        let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
        assert!(outcome.is_complete(), "{outcome:?}");
        let verification = world.verified(&spec, &approved).await;
        assert_eq!(sign_ins(&world), 0, "{first}: nobody signed in");
        let check = verification.checks.iter().find(|check| check.name.contains("can sign in")).unwrap();
        assert_eq!(check.status, CheckStatus::NotChecked);
        assert!(check.detail.contains("skip_checks") && verification.is_green(), "{verification:#?}");
        let report = Report::new(approved.plan()).with_outcome(&outcome).with_verification(&verification);
        let report = report.to_html().unwrap();
        assert!(report.contains("except for what is listed below") && report.contains("skip_checks"));
        assert!(!report.contains("a token was issued"));
        // The password is right all the same.
        let password = world.secrets.load(UPN).await.unwrap().unwrap();
        assert_eq!(probe(&world, &password).await, SignInProbe::Accepted, "{first}");
    }
}

#[tokio::test]
async fn an_account_whose_creation_was_cut_off_is_not_tried_where_the_check_is_left_out() {
    let mut world = world();
    let spec = spec(&text("final", "").replace("subscriptions", "skip_checks = ['sign-in']\nsubscriptions"));
    let approved = world.approved(&spec).await;
    world.tenant.add_fault(Fault::on("POST", "/v1.0/users", FaultAction::cut_after()));
    assert!(!world.apply(&world.onramp(), &approved).await.unwrap().is_complete());
    world.tenant.clear_requests();
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    let ApplyStatus::Stopped { problem, .. } = &outcome.status else { panic!("{outcome:?}") };
    assert!(problem.contains("is left out") && problem.contains("new plan"), "{problem}");
    // A new plan takes it over with a consequence of its own.
    let next = again(&world, &spec).await;
    assert!(ids(&next).iter().any(|id| id.starts_with("account-taken-over:")), "{:?}", ids(&next));
    let outcome = world.apply(&world.onramp(), &approve_all(next)).await.unwrap();
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(sign_ins(&world), 0);
    let password = world.secrets.load(UPN).await.unwrap().unwrap();
    assert_eq!(probe(&world, &password).await, SignInProbe::Accepted);
}

#[tokio::test]
async fn a_password_that_somebody_moved_to_a_vault_is_no_error_and_is_not_replaced() {
    let mut world = world();
    let less = spec(&format!("domain = 'contoso.com'\n[service_account]\nupn = '{UPN}'\n"));
    world.done(&less).await;
    let kept = world.secrets.load(UPN).await.unwrap().unwrap();
    world.secrets = onramp::MemorySecretStore::default();
    assert!(again(&world, &less).await.is_empty(), "nothing is missing");
    let more = spec(&text("final", ""));
    let next = again(&world, &more).await;
    assert!(!titles(&next).iter().any(|title| title.contains("password")), "{:?}", titles(&next));
    let approved = approve_all(next);
    let outcome = world.apply(&world.onramp(), &approved).await.unwrap();
    assert!(outcome.is_complete(), "{outcome:#?}");
    let proof = outcome.steps.iter().find(|step| step.detail.contains("not tested")).unwrap();
    assert_eq!(proof.outcome, Outcome::Unchanged);
    assert_eq!(probe(&world, &kept).await, SignInProbe::Accepted, "the password that the vault has");
    let verification = world.verified(&more, &approved).await;
    let check = verification.checks.iter().find(|check| check.name.contains("can sign in")).unwrap();
    assert_eq!(check.status, CheckStatus::NotChecked, "{check:?}");
    assert!(verification.is_green() && check.detail.contains("nothing is known"), "{check:?}");
}

#[tokio::test]
async fn a_rotation_is_a_plan_with_its_consequence_that_sets_one_password_and_is_not_undone() {
    for cut in [None, Some(FaultAction::cut_before()), Some(FaultAction::cut_after())] {
        let mut world = world();
        world.done(&spec(&text("temporary", ""))).await;
        let first = world.secrets.load(UPN).await.unwrap().unwrap();
        world.clock.advance(Duration::from_secs(3600));
        let rotation =
            spec(&text("temporary", "").replace("subscriptions", "new_password = true\nsubscriptions"));
        let next = again(&world, &rotation).await;
        assert_eq!(
            titles(&next),
            ["set a strong password that does not expire for U", "test the sign-in of U"]
        );
        assert_eq!(ids(&next), [format!("password-replaced:{UPN}")]);
        let approved = approve_all(next);
        world.clock.advance(Duration::from_secs(60));
        if let Some(cut) = &cut {
            world.tenant.add_fault(Fault::on("PATCH", "/v1.0/users/*", cut.clone()));
            assert!(!world.apply(&world.onramp(), &approved).await.unwrap().is_complete());
        }
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        let second = world.secrets.load(UPN).await.unwrap().unwrap();
        assert!(!first.is_same(&second));
        assert_eq!(probe(&world, &second).await, SignInProbe::Accepted);
        assert_eq!(probe(&world, &first).await, SignInProbe::WrongPassword);
        assert!(world.verified(&rotation, &approved).await.is_green());
        // The same plan once more changes nothing.
        world.clock.advance(Duration::from_secs(60));
        world.apply(&world.onramp(), &approved).await.unwrap().require_complete().unwrap();
        assert!(
            world.secrets.load(UPN).await.unwrap().unwrap().is_same(&second),
            "one rotation, one password"
        );

        let mut run = RecordedRun::new(approved.plan().clone());
        world.journal.records().iter().for_each(|record| run.add(record));
        let undo = world.onramp().undo(&run, &UndoSelection::default()).await.unwrap();
        assert!(undo.is_empty(), "{:?}", undo.changes());
        let Some(Consequence::NotUndone { changes }) = undo.consequences().first() else {
            panic!("{:?}", ids(&undo))
        };
        assert!(changes[0].contains("a password cannot be undone"), "{changes:?}");
    }
}

#[tokio::test]
async fn classic_administrators_that_a_subscription_still_names_are_reported() {
    let world = build(
        |forest| forest,
        |tenant| {
            verified(tenant)
                .subscription(LabSubscription::new("Production"))
                .classic_administrator("old@contoso.example")
        },
    );
    let spec = spec(&text("final", ""));
    let plan = world.plan(&spec).await;
    let told: Vec<&String> = plan.warnings().iter().filter(|warning| warning.contains("classic")).collect();
    assert_eq!(told.len(), 1, "{:?}", plan.warnings());
    for part in ["Production", "old@contoso.example (CoAdministrator)", "31 August 2024", "https://learn."] {
        assert!(told[0].contains(part), "{part}: {}", told[0]);
    }
    for status in [403, 404] {
        let refused = FaultAction::error(status, "AuthorizationFailed", "no");
        world.tenant.add_fault(Fault::on("GET", "*/classicAdministrators", refused));
        let plan = world.plan(&spec).await;
        assert!(!plan.warnings().iter().any(|warning| warning.contains("classic")), "{status}");
    }
}

#[tokio::test]
async fn per_user_mfa_that_may_not_be_read_is_told_and_not_taken_for_off() {
    let mut world = world();
    let spec = spec(&text("final", ""));
    let approved = world.done(&spec).await;
    let tenant = world.tenant.tenant();
    let id = tenant.users.find(&upn()).await.unwrap().unwrap().id;
    let check = async |world: &World| {
        let verification = world.verified(&spec, &approved).await;
        let check = verification.checks.iter().find(|check| check.name.contains("per-user MFA"));
        check.unwrap().status
    };
    assert_eq!(check(&world).await, CheckStatus::True);
    tenant.sign_in.set_mfa_state(&id, MfaState::Enabled).await.unwrap();
    assert_eq!(check(&world).await, CheckStatus::False);
    let plan = again(&world, &spec).await;
    assert!(ids(&plan).contains(&format!("mfa-switched-off:{UPN}")), "{:?}", ids(&plan));
    let refused = FaultAction::error(403, "Authorization_RequestDenied", "no");
    world.tenant.add_fault(Fault::on("GET", "/beta/users/*/authentication/requirements", refused).always());
    assert_eq!(check(&world).await, CheckStatus::Unknown);
    let plan = again(&world, &spec).await;
    assert!(plan.warnings().iter().any(|warning| warning.contains("per-user MFA")), "{:?}", plan.warnings());
}

#[test]
fn the_words_of_the_spec_are_read_and_others_are_refused_with_those_that_fit() {
    let read = |more: &str| Spec::from_toml(&text("final", more));
    let account = read("").unwrap().service_account.unwrap();
    assert_eq!((account.first_password, account.skip_checks.as_slice()), (FirstPassword::Final, &[][..]));
    let built = ServiceAccountSpec::new(upn()).with_first_password(FirstPassword::Temporary);
    let parsed = Spec::from_toml(&format!(
        "domain = 'contoso.com'\n[service_account]\nupn = '{UPN}'\nfirst_password = 'temporary'\n"
    ));
    assert_eq!(parsed.unwrap().service_account.unwrap(), built);
    let error = Spec::from_toml(&text("temporal", "")).unwrap_err();
    assert_eq!((error.line(), error.suggestion()), (5, Some("temporary")), "{error}");
    let error = Spec::from_toml(&text("final", "skip_checks = ['sign-inn']")).unwrap_err();
    assert_eq!(error.suggestion(), Some("sign-in"), "{error}");
}
