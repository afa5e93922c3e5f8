//! The job on the lab's models, the runs that it leaves, and the program that lists them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "runs/approvals.rs"]
mod approvals;
#[path = "runs/canaries.rs"]
mod canaries;
#[path = "runs/views.rs"]
mod views;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use onramp::lab::forest::{Fault, LabForest, Operation};
use onramp::lab::tenant::LabTenant;
use onramp::{
    ApprovedPlan, CancellationToken, ChangeWindow, Event, FolderPlanStore, Onramp, Plan, PlanApproval,
    PlanStore, PolicyRules, Result, Spec, TryStreamExt, UndoSelection,
};
use onramp_cli::job::{Answer, Ended, Job, PlanSource};
use onramp_cli::output::{JOURNAL, Output, PLAN, REPORT};
use onramp_cli::terminal::Terminal;
use onramp_core::forest::{ForestUser, UserQuery};
use onramp_core::{Clock, ManualClock};

struct World {
    forest: LabForest,
    tenant: LabTenant,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
    policy: PolicyRules,
    spec: Spec,
}

impl World {
    fn new() -> Self {
        // The program `approve` takes its time from the system, which is two hours later.
        let start = onramp_core::SystemClock::new().now() - std::time::Duration::from_secs(7200);
        let clock = Arc::new(ManualClock::starting_at(start));
        let forest = LabForest::builder()
            .users(20)
            .controllers(2)
            .replication_delay(std::time::Duration::from_secs(3))
            .clock(clock.clone())
            .build()
            .unwrap();
        let tenant = LabTenant::builder().auto_publish_dns(true).clock(clock.clone()).build().unwrap();
        let policy = PolicyRules::default();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("shared")).unwrap();
        let spec = Spec::from_toml("domain = 'contoso.com'\n[users]\n").unwrap();
        Self { forest, tenant, clock, folder, policy, spec }
    }

    fn plans(&self) -> FolderPlanStore {
        FolderPlanStore::shared(self.folder.path().join("shared"))
    }

    /// Starts a job in a new folder.
    fn job(&self) -> Job {
        let output = Output::open(&self.folder.path().join("out"), "a test").unwrap();
        Job {
            tenant: self.tenant.tenant(),
            forest: self.forest.forest(),
            source: PlanSource::Survey(Box::new(self.spec.clone())),
            history: output.history(|problem| panic!("{problem}")),
            folder: output.new_run(self.clock.now()).unwrap(),
            secrets: Arc::new(output.secrets()),
            policy: self.policy.clone(),
            plans: Arc::new(self.plans()),
            operator: "nina@workstation".to_owned(),
            clock: self.clock.clone(),
            terminal: Terminal::new(),
            cancellation: CancellationToken::new(),
            ends_before_waits: true,
            dns: None,
        }
    }

    async fn run(&self, on_event: impl Fn(&Event) + Send + Sync + 'static) -> (PathBuf, Result<Ended>) {
        let job = self.job();
        let folder = job.folder.clone();
        (folder, Box::pin(job.run(accept, on_event)).await)
    }

    /// Runs the job, and returns its end.
    async fn ended(&self) -> Ended {
        self.run(|_| ()).await.1.unwrap()
    }

    /// Undoes the run in a folder.
    async fn undo(&self, run: &Path) -> Ended {
        let output = Output::view(&self.folder.path().join("out"));
        let stored = output.find(run.file_name().unwrap().to_str().unwrap()).unwrap();
        let source = PlanSource::Undo(Box::new(stored.run), UndoSelection::default());
        Box::pin(Job { source, ..self.job() }.run(accept, |_| ())).await.unwrap()
    }

    /// Applies the plan that a run left in its folder.
    async fn apply_saved(&self, run: &Path) -> (PathBuf, Ended) {
        let source = PlanSource::Saved(Box::new(plan_in(run)), Box::new(self.spec.clone()));
        let job = Job { source, ..self.job() };
        let folder = job.folder.clone();
        (folder, Box::pin(job.run(accept, |_| ())).await.unwrap())
    }

    /// Returns the users that have the new suffix.
    async fn changed(&self) -> BTreeSet<String> {
        let users: Vec<_> = self.forest.forest().users.search(UserQuery::all()).try_collect().await.unwrap();
        let is_new = |user: &ForestUser| user.upn.as_deref().is_some_and(|upn| upn.ends_with("@contoso.com"));
        users.into_iter().filter(is_new).map(|user| user.sam_account_name).collect()
    }

    /// Returns what the program `onramp runs` prints.
    fn list(&self) -> String {
        self.onramp(&["runs"])
    }

    /// Returns what the program `onramp` prints with these arguments.
    fn onramp(&self, arguments: &[&str]) -> String {
        let config = "[tenant]\nid = 't'\nclient_id = 'c'\nclient_secret = { file = 'f' }\n\
             [forest]\nhost = 'dc1'\nbind = 'CORP\\a'\npassword = { file = 'f' }\n[output]\nfolder = 'out'\nshared_plans = 'shared'\n\
             [spec]\ndomain = 'contoso.com'\n";
        std::fs::write(self.folder.path().join("onboard.toml"), config).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_onramp"));
        let output = program.args(arguments).current_dir(self.folder.path()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    }
}

fn plan_in(run: &Path) -> Plan {
    Plan::read(std::io::BufReader::new(std::fs::File::open(run.join(PLAN)).unwrap())).unwrap()
}

fn accept(plan: Plan, approved: Option<ApprovedPlan>) -> Result<Answer> {
    if let Some(approved) = approved {
        return Ok(Answer::Apply(approved));
    }
    let ids: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect();
    Ok(Answer::Apply(plan.approve(ids).unwrap()))
}

/// Returns a window of an hour that opens in so many hours.
fn window_in(world: &World, hours: u64) -> ChangeWindow {
    let opens = (onramp_core::Clock::now(&*world.clock) + Duration::from_secs(hours * 3600)).time();
    ChangeWindow::new(opens, opens + Duration::from_secs(3600))
}

#[tokio::test]
async fn a_plan_that_became_too_old_while_it_waited_is_not_applied() {
    let mut world = World::new();
    world.policy = PolicyRules::default().with_window(window_in(&world, 5)).with_max_plan_age_minutes(60);
    let job = Job { ends_before_waits: false, ..world.job() };
    let folder = job.folder.clone();
    assert_eq!(Box::pin(job.run(accept, |_| ())).await.unwrap(), Ended::NotApproved);
    assert!(world.list().contains("0 of"), "{}", world.list());
    assert!(world.list().contains("the policy does not allow the plan any more"), "{}", world.list());
    let report = std::fs::read_to_string(folder.join(REPORT)).unwrap();
    assert!(report.contains("does not allow the plan any more"), "the report of its end");

    // A new plan within the window is.
    let (_, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
}

#[tokio::test]
async fn every_view_of_a_stopped_run_tells_the_same_of_what_was_not_sent() {
    let mut world = World::new();
    world.policy = PolicyRules::default().with_max_failures(3);
    let forest = world.forest.clone();
    let (folder, ended) = world
        .run(move |event| {
            if matches!(event, Event::ChangeStarted { title, .. } if title.starts_with("change the UPN")) {
                let fault = Fault::Refused { code: 50, message: "00002098: SecErr" };
                forest.inject(Operation::Modify, fault, u64::MAX);
            }
        })
        .await;
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("3 failed, 0 with unknown result, 14 not attempted"), "{error}");
    let name = folder.file_name().unwrap().to_str().unwrap();
    let said = world.list();
    assert!(said.contains("3 of 19 changes made") && !said.contains("unknown"), "{said}");
    let said = world.onramp(&["show", name]);
    assert!(said.contains("16 UPNs changed; 0 are so, 3 are not, 13 not attempted"), "{said}");
    let said = world.onramp(&["audit", name]);
    let users: Vec<&str> = said.lines().filter(|line| line.contains("\"kind\":\"change-upn\"")).collect();
    assert!(
        users.len() == 3 && users.iter().all(|line| line.contains("\"outcome\":\"failed\"")),
        "{users:?}"
    );
}

#[tokio::test]
async fn a_run_is_listed_as_what_its_files_say_and_no_more() {
    let world = World::new();
    assert!(world.list().contains("no run in"));
    let (folder, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
    let (plan, journal) = (folder.join(PLAN), folder.join(JOURNAL));
    let said = world.list();
    assert!(said.contains("changes made; completed, and verified") && !said.contains(" 0 of"), "{said}");

    let whole = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, b"").unwrap();
    let said = world.list();
    assert!(said.contains("its journal is empty: what it changed is not known"), "{said}");
    std::fs::remove_file(&journal).unwrap();
    let said = world.list();
    assert!(said.contains("only planned, or its journal is missing"), "{said}");
    std::fs::write(&journal, whole).unwrap();

    std::fs::remove_file(&plan).unwrap();
    let (said, name) = (world.list(), folder.file_name().unwrap().to_str().unwrap().to_owned());
    assert!(said.contains(&name) && said.contains("plan.jsonl"), "{said}");
    // A folder that is no run is none.
    std::fs::create_dir_all(world.folder.path().join("out/secrets")).unwrap();
    assert!(!world.list().contains("secrets"));
}

#[tokio::test]
async fn a_report_that_cannot_be_written_hides_nothing() {
    let world = World::new();
    let job = world.job();
    let report = job.folder.join(REPORT);
    let in_the_way = report.clone();
    let ended = Box::pin(job.run(accept, move |event| {
        // A folder has the name of the report from the first change on.
        if matches!(event, Event::ChangeStarted { number: 1, .. }) {
            std::fs::remove_file(&in_the_way).unwrap();
            std::fs::create_dir_all(in_the_way.join("x")).unwrap();
        }
    }))
    .await;
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("report.html") && error.contains("only the report is missing"), "{error}");
    // All was applied and verified: another run has nothing to do.
    let (_, again) = world.run(|_| ()).await;
    assert_eq!(again.unwrap(), Ended::Green);
    let said = world.list();
    assert!(said.contains("completed"), "{said}");

    // Before the first change, nothing is changed.
    let world = World::new();
    let job = world.job();
    let in_the_way = job.folder.join(REPORT);
    let approve = move |plan: Plan, approved: Option<ApprovedPlan>| {
        std::fs::remove_file(&in_the_way).unwrap();
        std::fs::create_dir_all(in_the_way.join("x")).unwrap();
        accept(plan, approved)
    };
    let error = Box::pin(job.run(approve, |_| ())).await.unwrap_err().to_string();
    assert!(error.contains("report.html") && error.contains("Nothing was changed"), "{error}");
    let domain = "contoso.com".parse().unwrap();
    assert!(world.tenant.tenant().domains.get(&domain).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_run_whose_verification_is_red_is_not_listed_as_verified() {
    let world = World::new();
    let forest = world.forest.clone();
    let spec = Spec::from_toml("domain = 'contoso.com'\n[users]\n").unwrap();
    let onramp = Onramp::new(world.tenant.tenant(), forest.forest()).with_clock(world.clock.clone());
    let survey = onramp.survey(&spec).await.unwrap();
    let guid = survey.users.candidates[0].user.guid;
    // Somebody takes a change back before the verification.
    let (_, ended) = world
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
    let said = world.list();
    assert!(said.contains("completed, but its verification found something else"), "{said}");
}

#[tokio::test]
async fn a_canary_is_a_run_of_its_own_and_the_same_command_goes_on_with_the_others() {
    let mut world = World::new();
    world.policy = PolicyRules::default().with_canary(4, 30);
    let (_, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::CanaryDone);
    let (_, early) = world.run(|_| ()).await;
    assert_eq!(early.unwrap(), Ended::NotApproved, "the canary is still observed");
    world.clock.advance(Duration::from_secs(1800));
    let (_, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
    let said = world.list();
    assert_eq!(said.matches("completed, and verified").count(), 2, "{said}");
}

#[tokio::test]
async fn a_plan_waits_for_another_person_and_then_the_same_command_applies_it() {
    let mut world = World::new();
    world.policy = PolicyRules::default().with_separate_approver().with_max_plan_age_minutes(60);
    let (_, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::NotApproved);
    let store = world.plans();
    let digest = store.digests().await.unwrap().swap_remove(0);
    let stored = store.load(&digest).await.unwrap();
    assert_eq!(stored.author, "nina@workstation");
    let accepted: Vec<String> = stored.plan.consequences().iter().map(|one| one.id()).collect();
    let at = world.clock.now();
    let own = PlanApproval::new("nina@workstation", at, accepted.clone());
    store.approve(&digest, &own).await.unwrap();
    let (_, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::NotApproved, "the author has approved it");
    // The other person needs longer than a plan may be old; what both directories hold then gives the same plan.
    world.clock.advance(Duration::from_secs(7200));
    // The program that approves: this machine's user is not the author.
    world.list();
    let approve = |arguments: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_onramp"));
        let output =
            program.arg("approve").args(arguments).current_dir(world.folder.path()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (code, said) = approve(&["0123"]);
    assert!(code == 1 && said.contains("fewer than 12 digits"), "{said}");
    let (code, said) = approve(&["000000000000"]);
    assert!(code == 1 && said.contains("no plan with that digest"), "{said}");
    let (code, said) = approve(&[&digest[..12]]);
    assert!(code == 2 && said.contains("not accepted: "), "{said}");
    let (code, said) = approve(&[&digest[..12], "--plan-only"]);
    assert!(code == 0 && said.contains("made by nina@workstation"), "{said}");
    let (code, said) = approve(&[&digest, "--yes"]);
    assert!(code == 0 && said.contains("Approved."), "{said}");
    let (folder, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
    let journal = std::fs::read_to_string(folder.join(JOURNAL)).unwrap();
    assert!(journal.contains("\"author\":\"nina@workstation\",\"approvers\":["), "{journal}");

    // With nothing left to change, nobody has to approve anything.
    let (_, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);

    // Whoever made a plan cannot approve it.
    let operator = onramp_cli::operator::operator();
    let plan = store.load(&digest).await.unwrap().plan;
    let mine = FolderPlanStore::shared(world.folder.path().join("out2"));
    std::fs::create_dir(world.folder.path().join("out2")).unwrap();
    mine.save(&plan, &operator, at).await.unwrap();
    let config = std::fs::read_to_string(world.folder.path().join("onboard.toml")).unwrap();
    std::fs::write(world.folder.path().join("onboard.toml"), config.replace("'shared'", "'out2'")).unwrap();
    let (code, said) = approve(&[&digest, "--yes"]);
    assert!(
        code == 1 && said.contains("its author cannot approve it") && said.contains("the same account name"),
        "{said}"
    );
    assert!(mine.load(&digest).await.unwrap().approvals.is_empty());
}

#[tokio::test]
async fn a_closed_change_window_ends_a_run_that_does_not_wait_and_too_many_changes_a_plan() {
    let mut world = World::new();
    let later = (world.clock.now() + std::time::Duration::from_secs(7200)).time();
    world.policy = PolicyRules::default()
        .with_window(ChangeWindow::new(later, later + std::time::Duration::from_secs(60)));
    let (_, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Waits);
    let said = world.list();
    assert!(said.contains("waiting for the change window to open"), "{said}");
    assert!(!said.contains("stopped on request"), "{said}");
    world.clock.advance(Duration::from_secs(7200));
    let (_, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);

    let mut world = World::new();
    world.policy = PolicyRules::default().with_max_changes(1);
    let (folder, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::NotApproved);
    assert!(!folder.join(JOURNAL).exists());
}

#[tokio::test]
async fn the_audit_trail_of_a_run_is_one_json_object_a_line() {
    let world = World::new();
    let (folder, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
    let said = world.onramp(&["audit", folder.file_name().unwrap().to_str().unwrap()]);
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let plan = Plan::read(std::io::BufReader::new(std::fs::File::open(folder.join(PLAN)).unwrap())).unwrap();
    assert_eq!(lines.len(), plan.changes().len() + 3);
    assert!(lines.iter().all(|line| line["operator"] == "nina@workstation" && line["plan"] == plan.digest()));
    assert_eq!(lines.last().unwrap()["action"], "run-verified");
    let events = onramp::EventLog::read(folder.join(onramp_cli::output::EVENTS)).unwrap();
    assert!(events.map(Result::unwrap).count() > 5);
}

#[tokio::test]
async fn a_plan_is_shown_with_totals_first_and_with_what_its_run_made_of_it() {
    let world = World::new();
    let job = world.job();
    let name = job.folder.file_name().unwrap().to_str().unwrap().to_owned();
    let forest = world.forest.clone();
    // One user was changed by somebody else.
    let stranger = move |event: &Event| {
        if let Event::ChangeStarted { title, .. } = event
            && title.starts_with("change the UPN of")
        {
            let fault = onramp::lab::forest::Fault::Refused { code: 50, message: "00002098: SecErr" };
            forest.inject(onramp::lab::forest::Operation::Modify, fault, 1);
        }
    };
    Box::pin(job.run(accept, stranger)).await.unwrap_err();
    let said = world.onramp(&["show", &name]);
    let place = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text} is not in {said}"));
    assert!(place("Totals") < place("Users by OU"));
    assert!(place("Users by OU") < place("Changes that are not so (1)"));
    assert!(place("Changes that are not so (1)") < place("Blocked ("));
    assert!(said.contains("UPNs changed; ") && said.contains("1 are not, 0 not attempted"), "{said}");
    assert!(said.contains("waits for replication; 1 are so, 0 are not, 1 not attempted"), "{said}");
    assert!(!said.contains("Changes\n"));
    let detailed = world.onramp(&["show", &name, "--detail"]);
    assert!(detailed.contains("turn on directory") || detailed.contains("not attempted"), "{detailed}");
    assert!(detailed.lines().count() > said.lines().count() + 10);
}
