//! The history of earlier runs: the UPNs that they changed and the accounts that they created.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::ForestUser;
use onramp_core::{ObjectGuid, ObjectId, UpnSuffix, comparison_key};
use time::OffsetDateTime;

use crate::canary::Canary;
use crate::journal::{JobKey, JournalEntry, JournalRecord};
use crate::outcome::{ApplyStatus, Outcome};
use crate::plan::{ObjectEdit, Plan, UserValues};

/// The history of earlier runs on the same two directories, read from their journals.
///
/// A survey needs no history. With one, a user is found by the UPN that it had before an earlier run, and a service account that an
/// earlier run created or changed is recognized by its object ID.
///
/// ```
/// use onramp::{FileJournal, History};
/// # let folder = std::env::temp_dir().join("onramp-history-example");
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("journal.jsonl");
/// # drop(FileJournal::create(&path)?);
/// let mut history = History::default();
/// history.add(&FileJournal::read(&path)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct History {
    former: HashMap<String, Vec<ObjectGuid>>,
    results: HashMap<ObjectGuid, HashSet<String>>,
    accounts: HashSet<ObjectId>,
    /// True while records of a run are added that undoes another one: what it wrote is no result.
    is_undo: bool,
    run: Option<Run>,
    verified: Vec<VerifiedRun>,
    canaries: Vec<CanaryRun>,
    /// The latest time at which an undo of a run of a plan restored users or completed, by the digest of the plan.
    undone: HashMap<String, OffsetDateTime>,
    /// The objects whose UPN runs of fixes changed, by the digest of the plan, as long as none of them completed.
    unproven: HashMap<String, HashSet<ObjectGuid>>,
    /// The plans of which a run completed: the replication of its UPNs was proven.
    completed: HashSet<String>,
    /// The times of the approvals with which runs of a plan completed or were undone, by the digest of the plan.
    used_approvals: HashMap<String, HashSet<OffsetDateTime>>,
    /// The latest start of a run with an approval, by the digest of its plan and the time of the approval.
    approvals: HashMap<String, HashMap<OffsetDateTime, OffsetDateTime>>,
}

/// The run whose records are added.
#[derive(Debug, Clone)]
struct Run {
    plan: String,
    undoes: Option<String>,
    key: Option<JobKey>,
    approved_at: Vec<OffsetDateTime>,
    /// The place of its canary in the history.
    canary: Option<usize>,
    /// The number of users or other objects of the forest that it changed.
    users: u64,
    /// True if it made a change.
    has_changed: bool,
}

/// A run of a plan for all users whose verification was green.
#[derive(Debug, Clone)]
struct VerifiedRun {
    plan: String,
    key: JobKey,
    at: OffsetDateTime,
    users: u64,
}

/// A run of a canary.
#[derive(Debug, Clone)]
struct CanaryRun {
    plan: String,
    key: JobKey,
    canary: Canary,
    /// The time of its latest record.
    at: OffsetDateTime,
    /// The users that it changed or may have changed.
    sent: HashSet<ObjectGuid>,
    /// The users that had their new UPN when it ended.
    done: HashSet<ObjectGuid>,
    /// The verifications: the time, and true if everything was so.
    verified: Vec<(OffsetDateTime, bool)>,
}

/// A canary of earlier runs that a plan has to do with.
#[derive(Debug)]
pub(crate) struct EarlierCanary<'a> {
    pub(crate) canary: &'a Canary,
    /// The digests of the plans of its runs.
    pub(crate) plans: Vec<&'a str>,
    /// The users that had their new UPN when a run ended.
    pub(crate) done: HashSet<ObjectGuid>,
    /// The time since which it is verified; `None` if it is not.
    pub(crate) verified_at: Option<OffsetDateTime>,
}

impl History {
    /// Adds the records of a journal.
    pub fn add<'a>(&mut self, records: impl IntoIterator<Item = &'a JournalRecord>) {
        for record in records {
            self.note_run(record);
            match &record.entry {
                JournalEntry::RunStarted { undoes, .. } => self.is_undo = undoes.is_some(),
                // Other changes than those of UPNs have a title, and those of attributes have lines of LDIF.
                JournalEntry::ChangeStarted {
                    title,
                    object: Some(object),
                    before,
                    after: Some(after),
                    ..
                } if !title.is_empty() => {
                    if let Some(after) = upn_in(after) {
                        let before = before.as_deref().and_then(upn_in);
                        self.renamed(object, before.as_deref(), &after);
                    }
                }
                JournalEntry::ChangeStarted { title, .. } if !title.is_empty() => {}
                JournalEntry::ChangeStarted { object: Some(object), before, after: Some(after), .. }
                | JournalEntry::ChangeEnded { object: Some(object), before, after: Some(after), .. } => {
                    self.renamed(object, before.as_deref(), after);
                }
                JournalEntry::ChangeEnded {
                    object: Some(object),
                    before: None,
                    outcome: Outcome::Done,
                    ..
                } => {
                    self.accounts.extend(ObjectId::parse(object).ok());
                }
                _ => {}
            }
        }
    }

    /// Notes what a record says of its run as a whole.
    fn note_run(&mut self, record: &JournalRecord) {
        if let JournalEntry::RunStarted { plan, undoes, job, canary, approved_at, .. } = &record.entry {
            // A run that continues another one of the same plan completes what that began.
            if self.run.as_ref().is_none_or(|run| run.plan != *plan) {
                let canary = job.as_ref().zip(canary.as_ref()).map(|(key, canary)| {
                    self.canaries.push(CanaryRun::new(plan, key, canary, record.at));
                    self.canaries.len() - 1
                });
                let (plan, undoes, key) = (plan.clone(), undoes.clone(), job.clone());
                self.run = Some(Run {
                    plan,
                    undoes,
                    key,
                    approved_at: Vec::new(),
                    canary,
                    users: 0,
                    has_changed: false,
                });
            }
            if let Some(run) = &mut self.run {
                run.approved_at.extend(approved_at);
            }
            let starts = self.approvals.entry(plan.clone()).or_default();
            for approval in approved_at {
                let start = starts.entry(*approval).or_insert(record.at);
                *start = record.at.max(*start);
            }
            return;
        }
        let Some(run) = &mut self.run else { return };
        match &record.entry {
            JournalEntry::ChangeStarted { title, object: Some(object), .. } if is_of_upn(title) => {
                self.unproven.entry(run.plan.clone()).or_default().extend(ObjectGuid::parse(object).ok());
            }
            JournalEntry::RunEnded { status: ApplyStatus::Completed } => {
                self.completed.insert(run.plan.clone());
            }
            _ => {}
        }
        if let Some(canary) = run.canary.and_then(|place| self.canaries.get_mut(place)) {
            canary.add(record);
        }
        match &record.entry {
            JournalEntry::ChangeEnded { before, after, outcome: Outcome::Done, .. } => {
                run.has_changed = true;
                // A change of an object of the forest has at least one of the two.
                if before.is_some() || after.is_some() {
                    run.users += 1;
                    note_latest(&mut self.undone, run.undoes.as_ref(), record.at);
                }
            }
            JournalEntry::RunEnded { status: ApplyStatus::Completed } => {
                // An undo may find nothing that it can restore. One of other steps leaves the users as they are.
                if run.users > 0 || !run.has_changed {
                    note_latest(&mut self.undone, run.undoes.as_ref(), record.at);
                }
                self.used_approvals.entry(run.plan.clone()).or_default().extend(&run.approved_at);
            }
            JournalEntry::RunVerified { is_green: true } if run.canary.is_none() => {
                if let Some(key) = &run.key {
                    let (plan, key) = (run.plan.clone(), key.clone());
                    self.verified.push(VerifiedRun { plan, key, at: record.at, users: run.users });
                }
            }
            _ => {}
        }
    }

    /// Returns the earliest time since which a canary of a plan is verified: a run for the same tenant and forest, with the same
    /// domain and users section, that changed at least so many users and was not undone since.
    pub fn verified_at(&self, plan: &Plan, users: u64) -> Option<OffsetDateTime> {
        let key = JobKey::of(plan)?;
        let stands = |run: &&VerifiedRun| self.undone.get(&run.plan).is_none_or(|undone| *undone < run.at);
        let runs = self.verified.iter().filter(|run| run.key == key && run.users >= users).filter(stands);
        let canaries = self.canaries_of(&key).into_iter();
        let large = canaries.filter(|earlier| earlier.canary.users.len() as u64 >= users);
        runs.map(|run| run.at).chain(large.filter_map(|earlier| earlier.verified_at)).min()
    }

    /// Returns the canary that was begun before a plan, and is neither verified nor undone: it is finished first.
    ///
    /// ```
    /// # fn example(history: onramp::History, plan: onramp::Plan) {
    /// if let Some(canary) = history.unfinished_canary(&plan) {
    ///     println!("the {canary} is not verified");
    /// }
    /// # }
    /// ```
    pub fn unfinished_canary(&self, plan: &Plan) -> Option<&Canary> {
        let earlier = self.canaries_before(plan).into_iter();
        earlier.filter(|earlier| earlier.verified_at.is_none()).map(|earlier| earlier.canary).next()
    }

    /// Returns the canaries for the tenant, the forest and the users section of a plan that were not undone, the first one
    /// first.
    pub(crate) fn canaries_before(&self, plan: &Plan) -> Vec<EarlierCanary<'_>> {
        JobKey::of(plan).map(|key| self.canaries_of(&key)).unwrap_or_default()
    }

    fn canaries_of(&self, key: &JobKey) -> Vec<EarlierCanary<'_>> {
        let mut runs: Vec<&CanaryRun> = self.canaries.iter().filter(|run| run.key == *key).collect();
        // Journals are added in any order.
        runs.sort_by_key(|run| run.at);
        let mut found: Vec<Vec<&CanaryRun>> = Vec::new();
        for run in runs {
            let same = |others: &&mut Vec<&CanaryRun>| {
                others.first().is_some_and(|other| other.canary.users == run.canary.users)
            };
            match found.iter_mut().find(same) {
                Some(others) => others.push(run),
                None => found.push(vec![run]),
            }
        }
        found.into_iter().filter_map(|runs| self.canary_of(&runs)).collect()
    }

    /// Returns a canary as its runs left it; `None` if no run changed a user and was not undone.
    fn canary_of<'a>(&self, runs: &[&'a CanaryRun]) -> Option<EarlierCanary<'a>> {
        let undone_at = |run: &CanaryRun| self.undone.get(&run.plan).copied().filter(|at| *at >= run.at);
        let standing: Vec<&CanaryRun> =
            runs.iter().copied().filter(|run| !run.sent.is_empty() && undone_at(run).is_none()).collect();
        let first: &CanaryRun = standing.first()?;
        // What was undone before the canary began again is none of it.
        let is_of_it = |run: &&&CanaryRun| undone_at(run).is_none_or(|undone| undone > first.at);
        let undone = runs.iter().filter_map(|run| undone_at(run)).max();
        let mut verified: Vec<(OffsetDateTime, bool)> =
            runs.iter().flat_map(|run| run.verified.clone()).collect();
        verified.retain(|(at, _)| undone.is_none_or(|undone| *at > undone));
        verified.sort_unstable();
        // An undo of a part and a red verification end what a green one began.
        let green = verified.iter().rev().take_while(|(_, is_green)| *is_green).last();
        Some(EarlierCanary {
            canary: &first.canary,
            plans: standing.iter().map(|run| run.plan.as_str()).collect(),
            // Those of an undone run, too: somebody gave them back their UPN.
            done: runs.iter().filter(is_of_it).flat_map(|run| &run.done).copied().collect(),
            verified_at: green.map(|(at, _)| *at),
        })
    }

    /// Returns the objects whose UPN a run of fixes changed that did not complete: it may have ended before the new UPN was on every
    /// domain controller.
    pub(crate) fn unproven_upns(&self) -> Vec<ObjectGuid> {
        let open = self.unproven.iter().filter(|(plan, _)| !self.completed.contains(*plan));
        let mut objects: Vec<ObjectGuid> = open.flat_map(|(_, objects)| objects).copied().collect();
        objects.sort_unstable();
        objects.dedup();
        objects
    }

    /// Returns true if an approval of a plan was used: a run with it completed, or was undone.
    pub fn is_used(&self, plan: &str, approved_at: OffsetDateTime) -> bool {
        let is_completed = self.used_approvals.get(plan).is_some_and(|times| times.contains(&approved_at));
        let started = self.approvals.get(plan).and_then(|starts| starts.get(&approved_at));
        is_completed || started.zip(self.undone.get(plan)).is_some_and(|(start, undone)| undone >= start)
    }

    /// Adds the changes of a plan as if they were made, for a verification.
    pub(crate) fn add_plan(&mut self, plan: &Plan) {
        for planned in &plan.changes {
            if let Some(UserValues { guid, before, after: Some(after), .. }) = planned.change.upn_values() {
                self.renamed(&guid.to_string(), before, after);
            }
        }
    }

    fn renamed(&mut self, object: &str, before: Option<&str>, after: &str) {
        let Ok(guid) = ObjectGuid::parse(object) else { return };
        if !self.is_undo {
            self.results.entry(guid).or_default().insert(comparison_key(after));
        }
        if let Some(before) = before {
            let holders = self.former.entry(comparison_key(before)).or_default();
            if !holders.contains(&guid) {
                holders.push(guid);
            }
        }
    }

    /// Returns the users that had that UPN before an earlier run.
    pub(crate) fn former_holders(&self, upn_key: &str) -> &[ObjectGuid] {
        self.former.get(upn_key).map_or(&[], Vec::as_slice)
    }

    /// Returns true if a user had a UPN with that suffix before an earlier run.
    pub(crate) fn knows_suffix(&self, suffix: &UpnSuffix) -> bool {
        let key = comparison_key(suffix.as_str());
        self.former.keys().any(|upn| upn.split_once('@').is_some_and(|(_, known)| known == key))
    }

    /// Returns true if a user has the UPN that an earlier run planned for it.
    pub(crate) fn is_result(&self, user: &ForestUser) -> bool {
        let Some(results) = self.results.get(&user.guid) else { return false };
        user.upn.as_deref().is_some_and(|upn| results.contains(&comparison_key(upn)))
    }

    /// Returns true if a run of a plan with that digest was started.
    pub(crate) fn knows_plan(&self, digest: &str) -> bool {
        self.approvals.contains_key(digest)
    }

    /// Returns true if an earlier run created or changed that account, or that application.
    pub(crate) fn knows_account(&self, id: &ObjectId) -> bool {
        self.accounts.contains(id)
    }
}

impl CanaryRun {
    fn new(plan: &str, key: &JobKey, canary: &Canary, at: OffsetDateTime) -> Self {
        let (sent, done) = (HashSet::new(), HashSet::new());
        let (plan, key, canary) = (plan.to_owned(), key.clone(), canary.clone());
        Self { plan, key, canary, at, sent, done, verified: Vec::new() }
    }

    /// Adds a record of the run.
    fn add(&mut self, record: &JournalRecord) {
        match &record.entry {
            // A canary changes objects of the forest and no account of the tenant.
            JournalEntry::ChangeStarted { object: Some(object), .. } => {
                self.sent.extend(ObjectGuid::parse(object).ok());
            }
            JournalEntry::ChangeEnded { object: Some(object), outcome, .. } => {
                let user = ObjectGuid::parse(object).ok();
                if outcome.is_good() {
                    self.sent.extend(user);
                    self.done.extend(user);
                }
            }
            JournalEntry::RunVerified { is_green } => {
                self.verified.push((record.at, *is_green));
                return;
            }
            _ => return,
        }
        self.at = record.at.max(self.at);
    }
}

/// Returns the UPN among the values of a change of attributes.
fn upn_in(lines: &str) -> Option<String> {
    ObjectEdit::value_in(lines, "userPrincipalName")
}

/// Returns true for the title of a change of attributes with the UPN among them.
fn is_of_upn(title: &str) -> bool {
    let names = title.strip_prefix("change ").and_then(|rest| rest.split_once(" of "));
    names.is_some_and(|(names, _)| {
        names.split(", ").any(|name| name.eq_ignore_ascii_case("userPrincipalName"))
    })
}

/// Keeps the latest time of a key.
fn note_latest(times: &mut HashMap<String, OffsetDateTime>, key: Option<&String>, at: OffsetDateTime) {
    if let Some(key) = key {
        let latest = times.entry(key.clone()).or_insert(at);
        *latest = at.max(*latest);
    }
}
