//! The job on the lab's models, the runs that it leaves, and the program that lists them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use onramp::lab::forest::LabForest;
use onramp::lab::tenant::LabTenant;
use onramp::{CancellationToken, Event, History, Plan, Result, Spec};
use onramp_cli::job::{Answer, Ended, Job, PlanSource};
use onramp_cli::output::{JOURNAL, Output, PLAN, REPORT};
use onramp_cli::terminal::Terminal;
use onramp_core::ManualClock;

struct World {
    forest: LabForest,
    tenant: LabTenant,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let forest = LabForest::builder().users(20).clock(clock.clone()).build().unwrap();
        let tenant = LabTenant::builder().auto_publish_dns(true).clock(clock.clone()).build().unwrap();
        Self { forest, tenant, clock, folder: tempfile::tempdir().unwrap() }
    }

    /// Starts a job in a new folder.
    fn job(&self) -> Job {
        let output = Output::open(&self.folder.path().join("out"), "a test").unwrap();
        let spec = Spec::from_toml("domain = 'contoso.com'\n[users]\n").unwrap();
        Job {
            tenant: self.tenant.tenant(),
            forest: self.forest.forest(),
            source: PlanSource::Survey(Box::new(spec)),
            history: History::default(),
            folder: output.new_run(onramp_core::Clock::now(&*self.clock)).unwrap(),
            secrets: output.secrets(),
            clock: self.clock.clone(),
            terminal: Terminal::new(),
            cancellation: CancellationToken::new(),
            ends_before_dns: false,
        }
    }

    async fn run(&self, on_event: impl Fn(&Event) + Send + Sync + 'static) -> (PathBuf, Result<Ended>) {
        let job = self.job();
        let folder = job.folder.clone();
        (folder, Box::pin(job.run(accept, on_event)).await)
    }

    /// Returns what the program `onramp runs` prints.
    fn list(&self) -> String {
        let config = "[tenant]\nid = 't'\nclient_id = 'c'\nclient_secret = { file = 'f' }\n\
             [forest]\nhost = 'dc1'\nbind = 'CORP\\a'\npassword = { file = 'f' }\n[output]\nfolder = 'out'\n\
             [spec]\ndomain = 'contoso.com'\n";
        std::fs::write(self.folder.path().join("onboard.toml"), config).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_onramp"));
        let output = program.args(["runs"]).current_dir(self.folder.path()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    }
}

fn accept(plan: Plan) -> Result<Answer> {
    let ids: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect();
    Ok(Answer::Apply(plan.approve(ids).unwrap()))
}

#[tokio::test]
async fn a_run_is_listed_as_what_its_files_say_and_no_more() {
    let world = World::new();
    assert!(world.list().contains("no run in"));
    let (folder, ended) = world.run(|_| ()).await;
    assert_eq!(ended.unwrap(), Ended::Green);
    let (plan, journal) = (folder.join(PLAN), folder.join(JOURNAL));
    let said = world.list();
    assert!(said.contains("changes made; completed") && !said.contains(" 0 of"), "{said}");

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
    let approve = move |plan: Plan| {
        std::fs::remove_file(&in_the_way).unwrap();
        std::fs::create_dir_all(in_the_way.join("x")).unwrap();
        accept(plan)
    };
    let error = Box::pin(job.run(approve, |_| ())).await.unwrap_err().to_string();
    assert!(error.contains("report.html") && error.contains("Nothing was changed"), "{error}");
    let domain = "contoso.com".parse().unwrap();
    assert!(world.tenant.tenant().domains.get(&domain).await.unwrap_err().is_not_found());
}
