//! The history of earlier runs: the UPNs that they changed and the accounts that they created.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::ForestUser;
use onramp_core::{ObjectGuid, ObjectId, UpnSuffix, comparison_key};

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
}

impl History {
    /// Adds the records of a journal.
    pub fn add<'a>(&mut self, records: impl IntoIterator<Item = &'a JournalRecord>) {
        for record in records {
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
