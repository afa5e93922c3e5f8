//! The scan of a forest from the state of the scan before.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt};
use onramp_ad::{AdClient, ChangeCursor, DirectoryChange, DirectoryChangeQuery};
use onramp_core::forest::{ForestObject, ObjectQuery, ObjectRef};
use onramp_core::{
    AttributeName, DistinguishedName, Error, ErrorKind, Forest, LdapFilter, ObjectGuid, Result,
};
use onramp_readiness::state::{
    ScanState, StateChanges, StateContainer, StateError, StateRecord, StateSource,
};
use onramp_readiness::{DirectoryObject, ScanResult, attributes};
use time::format_description::well_known::Rfc3339;

use super::candidates::{PROGRESS, candidates, nothing_read};
use super::judge::Rules;
use super::messages::counted;
use super::output::InputErrors;
use super::state_file::StateFile;
use crate::terminal::Terminal;

/// The number of changes above which everything is read: they are held in memory, what is read is not.
const MAX_CHANGES: usize = 50_000;
/// The classes of objects that have others below.
const CONTAINERS: [&str; 8] = [
    "organizationalUnit",
    "container",
    "builtinDomain",
    "domainDNS",
    "lostAndFound",
    "organization",
    "locality",
    "country",
];

/// A forest that is followed.
pub(super) struct FollowedForest<'a> {
    client: &'a AdClient,
    forest: Forest,
    terminal: &'a Terminal,
    /// The queries for changes, one for each domain, with its source, which has no cursor yet.
    domains: Vec<(DirectoryChangeQuery, StateSource)>,
    /// The number of members above which a group is read each time.
    many_members: Option<usize>,
}

/// The changes since a state.
struct Since {
    old: ScanState,
    changes: StateChanges,
    sources: Vec<StateSource>,
}

/// The part of a forest that is read.
enum Way {
    Changes(Box<Since>),
    /// Everything, for a reason.
    Everything(String),
}

impl<'a> FollowedForest<'a> {
    /// Looks at the domains of a forest.
    pub(super) async fn new(
        client: &'a AdClient,
        account: &str,
        rules: &Rules,
        terminal: &'a Terminal,
    ) -> Result<Self> {
        let forest = client.forest();
        let mut asked = rules.attributes();
        if !asked.contains(&attributes::OBJECT_CLASS) {
            asked.push(attributes::OBJECT_CLASS);
        }
        let class = |name: &&str| LdapFilter::equal(&attributes::OBJECT_CLASS, name);
        let containers: Vec<LdapFilter> = CONTAINERS.iter().map(class).collect();
        let filter = candidates().or(&LdapFilter::any_of(&containers));
        let mut domains = Vec::new();
        for domain in client.domains().await? {
            let context = domain.naming_context;
            let head = forest.objects.get(&ObjectRef::Dn(context.clone()), &[]).await?;
            let source =
                StateSource::new(context.as_str(), head.guid.to_string(), account, serde_json::Value::Null);
            let query = DirectoryChangeQuery::new(context, asked.iter().cloned());
            domains.push((query.with_filter(filter.clone()).with_deleted(), source));
        }
        // Half of the limit: members come and go without a change of their group when they are deleted and restored.
        let many_members = rules.member_limit().map(|limit| limit / 2);
        Ok(Self { client, forest, terminal, domains, many_members })
    }

    /// Judges all objects of the forest, and writes the state of this scan. `others` are its sources that are no forest.
    pub(super) async fn scan(
        &self,
        rules: Rules,
        state: StateFile,
        others: Vec<StateSource>,
    ) -> Result<(ScanResult, InputErrors)> {
        match self.way(&state).await? {
            Way::Changes(since) => self.scan_changes(rules, state, *since, others),
            Way::Everything(why) => {
                self.terminal.note(format!("all of the forest is read: {why}"));
                self.scan_everything(rules, state, others).await
            }
        }
    }

    /// Judges what the scan before read, with the changes since.
    fn scan_changes(
        &self,
        mut rules: Rules,
        mut state: StateFile,
        since: Since,
        others: Vec<StateSource>,
    ) -> Result<(ScanResult, InputErrors)> {
        let Since { old, changes, mut sources } = since;
        sources.extend(others);
        let mut merge = changes.merge();
        let mut read = 0_u64;
        let mut take = |state: &mut StateFile, record: StateRecord| -> Result<()> {
            // The users of the tenant were written when they were read.
            if !matches!(record, StateRecord::CloudUser(_)) {
                state.write(&record)?;
            }
            if let StateRecord::Object(object) = record {
                read += 1;
                rules.add(object);
            }
            Ok(())
        };
        for record in state.records(&old)? {
            let now = record.and_then(|record| merge.record(record));
            if let Some(record) = now.map_err(|error| state.read_error(&error))? {
                take(&mut state, record)?;
            }
        }
        for record in merge.rest() {
            let record = record.map_err(|error| state.read_error(&error))?;
            take(&mut state, record)?;
        }
        let mut errors = InputErrors::default();
        if read == 0 {
            errors.tell(&nothing_read(None));
        }
        self.finish(state, sources, &errors)?;
        Ok((rules.finish(), errors))
    }

    /// Reads and judges all objects.
    async fn scan_everything(
        &self,
        mut rules: Rules,
        mut state: StateFile,
        mut sources: Vec<StateSource>,
    ) -> Result<(ScanResult, InputErrors)> {
        let mut errors = InputErrors::default();
        let mut read = 0_u64;
        for (query, source) in &self.domains {
            let mut cursor = None;
            let mut objects = self.client.changes(query.clone(), None);
            while let Some(item) = objects.next().await {
                match item {
                    Ok(DirectoryChange::Object(object)) => match Kind::of(object) {
                        Kind::Candidate(object) => {
                            let record = StateRecord::Object(object);
                            state.write(&record)?;
                            if let StateRecord::Object(object) = record {
                                rules.add(object);
                            }
                            read += 1;
                            if read.is_multiple_of(PROGRESS) {
                                self.terminal.note(format!("read {read} objects of the forest"));
                            }
                        }
                        Kind::Container(container) => state.write(&StateRecord::Container(container))?,
                        Kind::Other(_) => {}
                    },
                    Ok(DirectoryChange::Checkpoint(next)) => cursor = Some(next),
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::Unreadable => errors.tell(&error.to_string()),
                    Err(error) => return Err(error),
                }
            }
            sources.push(with_cursor(source, cursor)?);
        }
        if read == 0 {
            errors.tell(&nothing_read(None));
        }
        self.finish(state, sources, &errors)?;
        Ok((rules.finish(), errors))
    }

    /// Completes the state, if it is one of the whole forest.
    fn finish(&self, state: StateFile, sources: Vec<StateSource>, errors: &InputErrors) -> Result<()> {
        if errors.count() > 0 {
            self.terminal.note("the state is not written, since a part of the forest could not be read");
            return Ok(());
        }
        state.finish(sources)
    }

    /// Decides what to read, and reads the changes.
    async fn way(&self, state: &StateFile) -> Result<Way> {
        let old = match state.old() {
            Ok(old) => old.clone(),
            Err(why) => return Ok(Way::Everything(why)),
        };
        let mut starts = Vec::new();
        for (query, source) in &self.domains {
            let context = &query.context;
            let Some(known) = old.source(&source.name) else {
                return Ok(Way::Everything(format!("the state knows nothing about {context}")));
            };
            if known.identity != source.identity {
                return Ok(Way::Everything(format!(
                    "the state is of another forest with a domain {context}"
                )));
            }
            if known.account != source.account {
                return Ok(Way::Everything(
                    "another account read the state, and may see other objects".into(),
                ));
            }
            match serde_json::from_value::<ChangeCursor>(known.cursor.clone()) {
                Ok(cursor) => starts.push(cursor),
                Err(_) => return Ok(Way::Everything(format!("the state has no cursor of {context}"))),
            }
        }
        let is_gone = |source: &&StateSource| {
            let is_domain = DistinguishedName::parse(&source.name).is_ok();
            is_domain && self.domains.iter().all(|(_, domain)| domain.name != source.name)
        };
        if let Some(source) = old.sources.iter().find(is_gone) {
            return Ok(Way::Everything(format!("the forest has no domain {} any more", source.name)));
        }
        let mut changes = StateChanges::since(&old);
        let mut sources = Vec::new();
        for ((query, source), start) in self.domains.iter().zip(starts) {
            match self.read_changes(query, start, &mut changes).await? {
                Ok(cursor) => sources.push(with_cursor(source, cursor)?),
                Err(why) => return Ok(Way::Everything(why)),
            }
        }
        let told = changes.len();
        if !self.sees_deleted().await? {
            changes.keep_only(self.present().await?);
            self.terminal.note("the account sees no deleted object: the names of all objects were read");
        }
        let groups = self.read_groups(&old, &mut changes).await?;
        if let Some(why) = misfit(state, &old, &changes)? {
            return Ok(Way::Everything(why));
        }
        self.terminal.note(format!(
            "of the forest, {} since {} were read{}",
            counted(told as u64, "change"),
            old.written_at.truncate_to_second().format(&Rfc3339).unwrap_or_default(),
            match groups {
                0 => String::new(),
                groups => format!(", and {} with many members", counted(groups, "group")),
            }
        ));
        Ok(Way::Changes(Box::new(Since { old, changes, sources })))
    }

    /// Reads the changes of a domain, or returns the reason to read everything.
    async fn read_changes(
        &self,
        query: &DirectoryChangeQuery,
        start: ChangeCursor,
        changes: &mut StateChanges,
    ) -> Result<std::result::Result<Option<ChangeCursor>, String>> {
        let mut cursor = None;
        let mut items = self.client.changes(query.clone(), Some(start));
        while let Some(item) = items.next().await {
            match item {
                Ok(DirectoryChange::Object(object)) => note(object, changes),
                Ok(DirectoryChange::Deleted { guid, dn }) => changes.deleted(guid, &dn),
                Ok(DirectoryChange::Checkpoint(next)) => cursor = Some(next),
                Ok(DirectoryChange::Restarted { reason }) => return Ok(Err(reason)),
                Ok(_) => {}
                // What was it before? A scan of everything tells it among the others.
                Err(error) if error.kind() == ErrorKind::Unreadable => return Ok(Err(error.to_string())),
                Err(error) => return Err(error),
            }
            if changes.len() > MAX_CHANGES {
                return Ok(Err(format!("more than {MAX_CHANGES} objects changed")));
            }
        }
        Ok(Ok(cursor))
    }

    /// Returns true if the account sees, in each domain, what is left of a deleted object. Where it sees none, nobody knows whether
    /// it would.
    async fn sees_deleted(&self) -> Result<bool> {
        const IS_DELETED: AttributeName = AttributeName::from_static("isDeleted");
        for (query, _) in &self.domains {
            let query = ObjectQuery::all([])
                .below(query.context.child("CN", "Deleted Objects"))
                .with_filter(candidates().and(&LdapFilter::equal(&IS_DELETED, "TRUE")))
                .with_deleted();
            match self.forest.objects.search(query).try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(false),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads which objects and containers there are.
    async fn present(&self) -> Result<HashSet<ObjectGuid>> {
        let mut present = HashSet::new();
        for (query, _) in &self.domains {
            let mut names = ObjectQuery::all([]).below(query.context.clone());
            names.filter.clone_from(&query.filter);
            let mut objects = self.forest.objects.search(names);
            while let Some(object) = objects.next().await {
                match object {
                    Ok(object) => drop(present.insert(object.guid)),
                    Err(error) if error.kind() == ErrorKind::Unreadable => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(present)
    }

    /// Reads the groups whose number of members decides about a finding: a member that is deleted or restored changes no group.
    async fn read_groups(&self, old: &ScanState, changes: &mut StateChanges) -> Result<u64> {
        let Some(many) = self.many_members else { return Ok(0) };
        let asked: &[AttributeName] = self.domains.first().map_or(&[], |(query, _)| &query.attributes);
        let mut read = 0;
        for (guid, _) in old.groups.iter().filter(|(_, members)| *members > many) {
            if changes.has(guid) {
                continue;
            }
            match self.forest.objects.get(&ObjectRef::Guid(*guid), asked).await {
                Ok(group) => {
                    note(group, changes);
                    read += 1;
                }
                // It is missing among those that are there, or will be told the next time.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

/// The role of an object in a scan.
enum Kind {
    Candidate(DirectoryObject),
    Container(StateContainer),
    Other(ForestObject),
}

impl Kind {
    fn of(object: ForestObject) -> Self {
        let classes = object.values(&attributes::OBJECT_CLASS).iter();
        let classes: Vec<&str> = classes.filter_map(|class| class.as_text()).collect();
        let is = |name: &str| classes.iter().any(|class| class.eq_ignore_ascii_case(name));
        // As `candidates` has it for the server.
        if ["user", "inetOrgPerson", "group", "contact"].into_iter().any(is) && !is("computer") {
            return Self::Candidate(DirectoryObject::from(object));
        }
        match CONTAINERS.into_iter().any(is) {
            true => Self::Container(StateContainer::new(object.guid, object.dn)),
            false => Self::Other(object),
        }
    }
}

fn note(object: ForestObject, changes: &mut StateChanges) {
    match Kind::of(object) {
        Kind::Candidate(object) => changes.object(object),
        Kind::Container(container) => changes.container(container),
        Kind::Other(object) => changes.deleted(object.guid, &object.dn),
    }
}

fn with_cursor(source: &StateSource, cursor: Option<ChangeCursor>) -> Result<StateSource> {
    let cursor = cursor.and_then(|cursor| serde_json::to_value(cursor).ok());
    let cursor = cursor.ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "read the changes of")
            .with_object(&source.name)
            .with_detail("there was no cursor at their end")
    })?;
    let mut source = source.clone();
    source.cursor = cursor;
    Ok(source)
}

/// Returns the reason why the changes do not go with the state, if there is one, before anything is judged.
fn misfit(state: &StateFile, old: &ScanState, changes: &StateChanges) -> Result<Option<String>> {
    let mut merge = changes.merge();
    let check = || -> std::result::Result<(), StateError> {
        for record in state.records(old).map_err(|error| StateError::Damaged(error.to_string()))? {
            merge.record(record?)?;
        }
        merge.rest().try_for_each(|record| record.map(drop))
    };
    match check() {
        Ok(()) => Ok(None),
        Err(StateError::Io(error)) => Err(state.read_error(&StateError::Io(error))),
        Err(error) => Ok(Some(format!("the state is not used: {error}"))),
    }
}
