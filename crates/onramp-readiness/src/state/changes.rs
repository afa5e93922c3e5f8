//! The changes since a state, and the state with them.

use std::collections::{HashMap, HashSet};

use onramp_core::{DistinguishedName, ObjectGuid};

use super::{ScanState, StateContainer, StateError, StateRecord};
use crate::DirectoryObject;

/// The changes since a state: what is new, changed or gone, and containers with another name. Of what is told twice, the last
/// counts.
#[derive(Debug)]
pub struct StateChanges {
    /// The containers as the state has them.
    containers: Vec<StateContainer>,
    /// `None` for what is gone.
    objects: HashMap<ObjectGuid, Option<DirectoryObject>>,
    changed_containers: HashMap<ObjectGuid, Option<DistinguishedName>>,
    present: Option<HashSet<ObjectGuid>>,
}

impl StateChanges {
    /// No change yet.
    pub fn since(state: &ScanState) -> Self {
        Self {
            containers: state.containers.clone(),
            objects: HashMap::new(),
            changed_containers: HashMap::new(),
            present: None,
        }
    }

    /// Notes an object as it is now.
    pub fn object(&mut self, object: DirectoryObject) {
        if let Some(guid) = object.guid() {
            self.objects.insert(guid, Some(object));
        }
    }

    /// Notes a container as it is now.
    pub fn container(&mut self, container: StateContainer) {
        self.changed_containers.insert(container.guid, Some(container.dn));
    }

    /// Notes that an object or a container is gone, with the name of what is left of it. One that was moved to another domain is
    /// gone in its old one, and stays if it was noted there.
    pub fn deleted(&mut self, guid: ObjectGuid, dn: &DistinguishedName) {
        let domain = dn.domain_context();
        let is_elsewhere = |other: Option<DistinguishedName>| other.is_some() && other != domain;
        let object = self.objects.get(&guid).and_then(Option::as_ref);
        let object = object.and_then(|object| DistinguishedName::parse(object.dn()).ok());
        if !is_elsewhere(object.and_then(|dn| dn.domain_context())) {
            self.objects.insert(guid, None);
        }
        let container = self.changed_containers.get(&guid).and_then(Option::as_ref);
        if !is_elsewhere(container.and_then(DistinguishedName::domain_context)) {
            self.changed_containers.insert(guid, None);
        }
    }

    /// Keeps only these objects of the state: for an account that is not told what was deleted.
    pub fn keep_only(&mut self, present: HashSet<ObjectGuid>) {
        self.present = Some(present);
    }

    /// Returns the number of changes.
    pub fn len(&self) -> usize {
        self.objects.len() + self.changed_containers.values().flatten().count()
    }

    /// Returns true if there is no change.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns true if the object is among the changes.
    pub fn has(&self, guid: &ObjectGuid) -> bool {
        self.objects.contains_key(guid)
    }

    /// Begins to put the changes into the records of the state.
    pub fn merge(&self) -> StateMerge<'_> {
        let mut moved = HashMap::new();
        for container in &self.containers {
            if let Some(Some(now)) = self.changed_containers.get(&container.guid)
                && now.as_str() != container.dn.as_str()
            {
                moved.insert(container.dn.clone(), now);
            }
        }
        let mut merge = StateMerge {
            changes: self,
            moved,
            containers: HashSet::new(),
            places: HashMap::new(),
            told: HashSet::new(),
        };
        for container in &self.containers {
            match self.changed_containers.get(&container.guid) {
                Some(now) => merge.containers.extend(now.clone()),
                None if self.is_gone(&container.guid) => {}
                None => {
                    let now = merge.now(container.dn.as_str());
                    merge.containers.extend(DistinguishedName::parse(&now).ok());
                }
            }
        }
        merge.containers.extend(self.changed_containers.values().flatten().cloned());
        merge
    }

    fn is_gone(&self, guid: &ObjectGuid) -> bool {
        self.present.as_ref().is_some_and(|present| !present.contains(guid))
    }
}

/// The records of a state with the changes since. It holds only the changes and the containers.
#[derive(Debug)]
pub struct StateMerge<'a> {
    changes: &'a StateChanges,
    /// The containers with another name: the one in the state, and the one now.
    moved: HashMap<DistinguishedName, &'a DistinguishedName>,
    /// The names of all containers now.
    containers: HashSet<DistinguishedName>,
    /// The names now of the containers of objects, by those in the state; `None` for one that is not known.
    places: HashMap<String, Option<String>>,
    /// The changes that took the place of a record.
    told: HashSet<ObjectGuid>,
}

impl StateMerge<'_> {
    /// Returns the record as it is now; `None` if it is gone.
    ///
    /// # Errors
    /// [`StateError::UnknownContainer`] if the name of an object may be another one now.
    pub fn record(&mut self, record: StateRecord) -> Result<Option<StateRecord>, StateError> {
        match record {
            StateRecord::Object(mut object) => {
                let Some(guid) = object.guid() else { return Ok(None) };
                if let Some(now) = self.changes.objects.get(&guid) {
                    self.told.insert(guid);
                    return now.as_ref().map(|now| self.changed(now)).transpose();
                }
                if self.changes.is_gone(&guid) {
                    return Ok(None);
                }
                let unknown = || StateError::UnknownContainer(object.dn().to_owned());
                let (name, container) = split(object.dn()).ok_or_else(unknown)?;
                let now = self.place(container).ok_or_else(unknown)?;
                if now != container {
                    let dn = format!("{name},{now}");
                    object = object.with_dn(dn);
                }
                Ok(Some(StateRecord::Object(object)))
            }
            StateRecord::Container(container) => {
                let now = match self.changes.changed_containers.get(&container.guid) {
                    Some(now) => {
                        self.told.insert(container.guid);
                        now.clone()
                    }
                    None if self.changes.is_gone(&container.guid) => None,
                    None => {
                        let unknown = |_| StateError::UnknownContainer(container.dn.to_string());
                        let now = self.now(container.dn.as_str());
                        Some(DistinguishedName::parse(&now).map_err(unknown)?)
                    }
                };
                Ok(now.map(|dn| StateRecord::Container(StateContainer { guid: container.guid, dn })))
            }
            other @ StateRecord::CloudUser(_) => Ok(Some(other)),
        }
    }

    /// Returns what is new, after all records of the state.
    ///
    /// # Errors
    /// As of [`record`](Self::record).
    pub fn rest(self) -> impl Iterator<Item = Result<StateRecord, StateError>> {
        let objects = self.changes.objects.iter().filter_map(|(guid, now)| Some((guid, now.as_ref()?)));
        let objects: Vec<_> = objects.filter(|(guid, _)| !self.told.contains(*guid)).collect();
        let containers = self.changes.changed_containers.iter();
        let containers = containers.filter_map(|(guid, now)| Some((guid, now.as_ref()?)));
        let containers: Vec<_> = containers.filter(|(guid, _)| !self.told.contains(*guid)).collect();
        let containers = containers
            .into_iter()
            .map(|(guid, dn)| Ok(StateRecord::Container(StateContainer { guid: *guid, dn: dn.clone() })));
        let mut merge = self;
        containers.chain(objects.into_iter().map(move |(_, object)| merge.changed(object)))
    }

    /// Returns an object that changed. A read says its name now, but the container may be one that was renamed after it.
    fn changed(&mut self, object: &DirectoryObject) -> Result<StateRecord, StateError> {
        let is_known = split(object.dn())
            .and_then(|(_, container)| DistinguishedName::parse(container).ok())
            .is_some_and(|container| self.containers.contains(&container));
        match is_known {
            true => Ok(StateRecord::Object(object.clone())),
            false => Err(StateError::UnknownContainer(object.dn().to_owned())),
        }
    }

    /// Returns the name now of a container of the state, if it is known.
    fn place(&mut self, container: &str) -> Option<String> {
        if let Some(known) = self.places.get(container) {
            return known.clone();
        }
        let now = self.now(container);
        let is_known = DistinguishedName::parse(&now).is_ok_and(|now| self.containers.contains(&now));
        let place = is_known.then_some(now);
        self.places.insert(container.to_owned(), place.clone());
        place
    }

    /// Returns a name of the state with the name now of the nearest container that has another one.
    fn now(&self, dn: &str) -> String {
        if self.moved.is_empty() {
            return dn.to_owned();
        }
        let mut rest = Some(dn);
        while let Some(at) = rest {
            let moved = DistinguishedName::parse(at).ok().and_then(|at| self.moved.get(&at));
            if let Some(now) = moved {
                return format!("{}{now}", dn.strip_suffix(at).unwrap_or_default());
            }
            rest = split(at).map(|(_, container)| container);
        }
        dn.to_owned()
    }
}

/// Cuts a distinguished name after its first component.
fn split(dn: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let comma = dn.bytes().position(|octet| {
        let is_cut = octet == b',' && !is_escaped;
        is_escaped = octet == b'\\' && !is_escaped;
        is_cut
    })?;
    Some((dn.get(..comma)?, dn.get(comma + 1..)?))
}
