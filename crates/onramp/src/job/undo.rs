//! Undoing a run: a plan that restores what the run changed, and nothing else.

use onramp_core::{Error, ErrorKind, Result};

use crate::onramp::Onramp;
use crate::plan::{
    ApprovedPlan, Change, Consequence, Draft, PLAN_FORMAT_VERSION, Plan, PlanHeader, Scope, sorted,
};
use crate::steps::{application, attributes, domain, service_account, suffix, sync, users};
use crate::undo::{RecordedRun, Step, UndoSelection, Undoing};
use crate::verify::{CheckStatus, REPORT_FORMAT_VERSION, Verification};

impl Onramp {
    /// Computes the plan that restores what a run changed, in reverse order.
    ///
    /// Both directories are read. A value that was changed again since the run is left as it is, and so is what cannot
    /// be undone, such as a replaced password: the consequences of the plan say so. A suffix is removed only if nobody
    /// uses it, and a domain only if nothing refers to it. A later run that wrote the same value again is known only from
    /// [`RecordedRun::with_others`]; without it, the plan has a warning.
    ///
    /// ```
    /// # async fn example(onramp: onramp::Onramp, run: onramp::RecordedRun) -> onramp::Result<()> {
    /// use onramp::{Step, UndoSelection};
    ///
    /// let plan = onramp.undo(&run, &UndoSelection::default().with_steps([Step::Users])).await?;
    /// for planned in plan.changes() {
    ///     println!("{}", planned.change);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Invalid` if the run was on another tenant or forest, or if users or OUs are selected with a step that has none; errors
    /// of reading; `Cancelled`.
    pub async fn undo(&self, run: &RecordedRun, selection: &UndoSelection) -> Result<Plan> {
        if selection.is_narrowed() {
            let refuse = |detail| Error::new(ErrorKind::Invalid, "select what to undo").with_detail(detail);
            if Step::ALL.into_iter().any(|step| !step.has_objects() && selection.includes(step)) {
                let detail = "users and OUs narrow the steps users and attributes, and another step is selected with them";
                return Err(refuse(detail).with_hint("Undo the other steps without users and OUs."));
            }
        }
        self.check_target(run.plan()).await?;
        self.unless_cancelled("read what the run changed", Box::pin(undo(self, run, selection))).await
    }

    /// Reads both sides again and compares them with an approved plan of [`Onramp::undo`]: every change is looked at,
    /// and every restored UPN must be exactly as planned.
    ///
    /// # Errors
    /// `Invalid` if the plan is for another tenant or forest; errors of reading.
    pub async fn verify_undo(&self, approved: &ApprovedPlan) -> Result<Verification> {
        self.check_target(approved.plan()).await?;
        let mut verification = Verification { format_version: REPORT_FORMAT_VERSION, checks: Vec::new() };
        if approved.plan().users_changed() > 0 {
            users::verify_restored(self, approved, &mut verification).await?;
        }
        if approved.plan().objects_changed() > 0 {
            attributes::verify(self, approved, &mut verification).await?;
        }
        let plan = approved.plan();
        let left_alone = plan.skipped().len()
            + (plan.consequences().iter())
                .filter(|consequence| matches!(consequence, Consequence::NotUndone { .. }))
                .map(|consequence| consequence.members().len())
                .sum::<usize>();
        if plan.is_empty() || left_alone > 0 {
            let (status, detail) = match left_alone {
                0 => (CheckStatus::True, "nothing".to_owned()),
                count => {
                    (CheckStatus::TrueButForBlocked, format!("{count}, each with its reason in the plan"))
                }
            };
            verification.check("changes of the run that are left as they are", status, detail);
        }
        for planned in plan.changes() {
            let change = &planned.change;
            let status = match Step::of(change) {
                None | Some(Step::Users | Step::Attributes) => continue,
                Some(Step::Domain) => domain::is_made(self, change).await,
                Some(Step::Suffix) => suffix::is_made(self, change).await,
                Some(Step::Sync) => sync::is_made(self, change).await,
                Some(Step::ServiceAccount) => service_account::is_made(self, change).await,
                Some(Step::Application) => application::is_made(self, change).await,
            };
            let (status, detail) = match status {
                Ok(true) => (CheckStatus::True, "it is so".to_owned()),
                Ok(false) => (CheckStatus::False, "it is not so".to_owned()),
                Err(error) => (CheckStatus::Unknown, error.to_string()),
            };
            verification.check(change.to_string(), status, detail);
        }
        Ok(verification)
    }
}

async fn undo(onramp: &Onramp, run: &RecordedRun, selection: &UndoSelection) -> Result<Plan> {
    let surveyed_at = onramp.clock.now();
    let header = run.plan().header();
    let suffix = suffix::read(onramp, &(&header.domain).into()).await?;
    let mut undoing = Undoing {
        onramp,
        run,
        selection,
        suffix,
        draft: Draft::default(),
        skipped: Vec::new(),
        users_read: 0,
        deleted: None,
        restored: None,
        not_undone: Vec::new(),
    };
    let (mut users_are_done, mut attributes_are_done) = (false, false);
    for made in run.made().rev() {
        let Some(step) = Step::of(&made.change).filter(|step| selection.includes(*step)) else { continue };
        let before = undoing.progress();
        match step {
            Step::Domain => domain::undo(&mut undoing, made).await?,
            Step::Suffix => suffix::undo(&mut undoing, made).await?,
            // All of them together, where the last one is.
            Step::Users if !users_are_done => {
                users_are_done = true;
                users::undo(&mut undoing).await?;
            }
            Step::Users => {}
            Step::Attributes if !attributes_are_done => {
                attributes_are_done = true;
                attributes::undo(&mut undoing).await?;
            }
            Step::Attributes => {}
            Step::Sync => sync::undo(&mut undoing, made).await?,
            Step::ServiceAccount => service_account::undo(&mut undoing, made).await?,
            Step::Application => application::undo(&mut undoing, made).await?,
        }
        if !matches!(step, Step::Users | Step::Attributes) {
            undoing.keep_what_another_run_wrote(before, made);
        }
    }
    undoing.warn_of_unknown_runs();
    let Undoing { mut draft, skipped, users_read, not_undone, suffix, .. } = undoing;
    if !not_undone.is_empty() {
        draft.consequences.push(Consequence::NotUndone { changes: not_undone });
    }
    let awaits =
        draft.changes.iter().any(|planned| matches!(planned.change, Change::AwaitReplication { .. }));
    if awaits {
        suffix::accept_silent_controllers(&suffix, &mut draft);
    }
    let mut users_skipped = std::collections::BTreeMap::new();
    for skipped in &skipped {
        *users_skipped.entry(skipped.reason.to_string()).or_insert(0) += 1;
    }
    Ok(Plan {
        header: PlanHeader {
            format_version: PLAN_FORMAT_VERSION,
            surveyed_at,
            tenant: header.tenant,
            tenant_name: header.tenant_name.clone(),
            forest: header.forest.clone(),
            domain: header.domain.clone(),
            scope: Scope { attributes: header.scope.attributes, ..Scope::default() },
            users_read,
            users_skipped,
            waits: header.waits,
            undoes: Some(run.plan().digest()),
            users_digest: None,
            canary: None,
        },
        changes: draft.changes,
        consequences: draft.consequences,
        blockers: draft.blockers,
        warnings: draft.warnings,
        preflight: Vec::new(),
        skipped: sorted(&skipped, |skipped| (skipped.user.dn.as_str().to_owned(), skipped.user.guid))
            .into_iter()
            .cloned()
            .collect(),
    })
}
