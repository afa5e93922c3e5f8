//! The history of earlier runs: the UPNs that they changed and the accounts that they created.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::ForestUser;
use onramp_core::{DomainName, ObjectGuid, ObjectId, UpnSuffix, comparison_key};
use time::OffsetDateTime;

use crate::journal::{JournalEntry, JournalRecord};
use crate::outcome::Outcome;
use crate::plan::{Change, Plan};

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
    /// The latest time at which an undo of a run of a plan began to restore users, by the digest of the plan.
    undone: HashMap<String, OffsetDateTime>,
}

/// The run whose records are added.
#[derive(Debug, Clone)]
struct Run {
    plan: String,
    undoes: Option<String>,
    /// The numbers of users that it changed, by their new UPN suffix in lower case.
    users: HashMap<String, u64>,
}

/// A run whose verification was green.
#[derive(Debug, Clone)]
struct VerifiedRun {
    plan: String,
    at: OffsetDateTime,
    users: HashMap<String, u64>,
}

impl History {
    /// Adds the records of a journal.
    pub fn add<'a>(&mut self, records: impl IntoIterator<Item = &'a JournalRecord>) {
        for record in records {
            self.note_run(record);
            match &record.entry {
                JournalEntry::RunStarted { undoes, .. } => self.is_undo = undoes.is_some(),
                // Other changes than those of UPNs have a title.
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
        match (&record.entry, &mut self.run) {
            // A run that continues another one of the same plan completes what that began.
            (JournalEntry::RunStarted { plan, .. }, Some(run)) if run.plan == *plan => {}
            (JournalEntry::RunStarted { plan, undoes, .. }, run) => {
                *run = Some(Run { plan: plan.clone(), undoes: undoes.clone(), users: HashMap::new() });
            }
            (JournalEntry::ChangeEnded { after: Some(after), outcome: Outcome::Done, .. }, Some(run)) => {
                let suffix = after.rsplit_once('@').map_or("", |(_, suffix)| suffix).to_lowercase();
                *run.users.entry(suffix).or_default() += 1;
                if let Some(undone) = &run.undoes {
                    let at = self.undone.entry(undone.clone()).or_insert(record.at);
                    *at = record.at.max(*at);
                }
            }
            (JournalEntry::RunVerified { is_green: true }, Some(Run { plan, undoes: None, users })) => {
                self.verified.push(VerifiedRun { plan: plan.clone(), at: record.at, users: users.clone() });
            }
            _ => {}
        }
    }

    /// Returns the earliest time at which a run was verified that changed at least so many users to UPNs on a domain, and
    /// was not undone since.
    pub fn verified_at(&self, domain: &DomainName, users: u64) -> Option<OffsetDateTime> {
        let suffixes = [domain.as_str().to_lowercase(), domain.ascii().to_lowercase()];
        let stands = |run: &&VerifiedRun| self.undone.get(&run.plan).is_none_or(|undone| *undone < run.at);
        let is_large = |run: &&VerifiedRun| {
            suffixes.iter().filter_map(|suffix| run.users.get(suffix)).any(|count| *count >= users)
        };
        self.verified.iter().filter(stands).filter(is_large).map(|run| run.at).min()
    }

    /// Adds the changes of a plan as if they were made, for a verification.
    pub(crate) fn add_plan(&mut self, plan: &Plan) {
        for planned in &plan.changes {
            if let Change::ChangeUpn { upn } = &planned.change {
                self.renamed(&upn.guid.to_string(), upn.before.as_deref(), upn.after.as_str());
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

    /// Returns true if an earlier run created or changed that account.
    pub(crate) fn knows_account(&self, id: &ObjectId) -> bool {
        self.accounts.contains(id)
    }
}
