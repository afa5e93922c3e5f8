//! The users of a tenant, found by id, UPN, address or anchor without a scan, in an order that paging can hold on to.

use std::collections::{BTreeMap, HashMap};

use super::users::User;

/// Live users by sequence number, deleted ones by id.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    live: BTreeMap<u64, User>,
    deleted: BTreeMap<String, User>,
    by_id: HashMap<String, u64>,
    by_upn: HashMap<String, u64>,
    by_anchor: HashMap<String, u64>,
    by_address: HashMap<String, u64>,
    last: u64,
    /// The last change of each user since the tenant was built.
    news: BTreeMap<u64, (String, News)>,
    told: HashMap<String, u64>,
    version: u64,
}

/// The kind of the last change of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Changed,
    Deleted,
    Purged,
}

impl Directory {
    /// Adds a user and gives it its sequence number.
    pub(crate) fn insert(&mut self, mut user: User) -> u64 {
        self.last += 1;
        user.seq = self.last;
        self.index(&user);
        self.note(&user.id, News::Changed);
        self.live.insert(self.last, user);
        self.last
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&User> {
        self.live.get(&seq)
    }

    /// Changes a user and keeps the indexes right.
    pub(crate) fn edit<T>(&mut self, seq: u64, change: impl FnOnce(&mut User) -> T) -> Option<T> {
        let mut user = self.live.remove(&seq)?;
        self.unindex(&user);
        let result = change(&mut user);
        self.index(&user);
        self.note(&user.id, News::Changed);
        self.live.insert(seq, user);
        Some(result)
    }

    /// A user to change in ways that touch no index (sight, sign-in state).
    pub(crate) fn touch(&mut self, seq: u64) -> Option<&mut User> {
        self.live.get_mut(&seq)
    }

    /// Returns the live user of this id or UPN.
    pub(crate) fn find(&self, key: &str) -> Option<u64> {
        let lower = key.to_lowercase();
        self.by_id.get(&lower).or_else(|| self.by_upn.get(&lower)).copied()
    }

    pub(crate) fn with_upn(&self, upn: &str) -> Option<&User> {
        self.by_upn.get(&upn.to_lowercase()).and_then(|seq| self.live.get(seq))
    }

    pub(crate) fn with_anchor(&self, anchor: &str) -> Option<&User> {
        self.by_anchor.get(anchor).and_then(|seq| self.live.get(seq))
    }

    /// Returns the user that has this proxy address (`SMTP:` or `smtp:` and the like), primary or not.
    pub(crate) fn with_address(&self, address: &str) -> Option<&User> {
        self.by_address.get(&address.to_lowercase()).and_then(|seq| self.live.get(seq))
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &User> {
        self.live.values()
    }

    pub(crate) fn live_after(&mut self, seq: u64) -> impl Iterator<Item = &mut User> {
        self.live.range_mut(seq.saturating_add(1)..).map(|(_, user)| user)
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    /// Moves a live user to the deleted ones.
    pub(crate) fn delete(&mut self, seq: u64, change: impl FnOnce(&mut User)) {
        if let Some(mut user) = self.live.remove(&seq) {
            self.unindex(&user);
            change(&mut user);
            self.note(&user.id, News::Deleted);
            self.deleted.insert(user.id.clone(), user);
        }
    }

    pub(crate) fn deleted(&self) -> impl Iterator<Item = &User> {
        self.deleted.values()
    }

    pub(crate) fn deleted_user(&self, id: &str) -> Option<&User> {
        self.deleted.get(&id.to_lowercase())
    }

    /// Forgets a deleted user for good.
    pub(crate) fn purge(&mut self, id: &str) -> Option<User> {
        let user = self.deleted.remove(&id.to_lowercase())?;
        self.note(&user.id, News::Purged);
        Some(user)
    }

    /// Returns the number of the last thing that happened.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Returns the next things that happened after that one.
    pub(crate) fn news_since(&self, version: u64, most: usize) -> Vec<(u64, String, News)> {
        let later = self.news.range(version.saturating_add(1)..);
        later.take(most).map(|(version, (id, what))| (*version, id.clone(), *what)).collect()
    }

    /// From here on things happen; what there is was always there.
    pub(crate) fn begin(&mut self) {
        self.news.clear();
        self.told.clear();
    }

    fn note(&mut self, id: &str, what: News) {
        self.version += 1;
        if let Some(earlier) = self.told.insert(id.to_owned(), self.version) {
            self.news.remove(&earlier);
        }
        self.news.insert(self.version, (id.to_owned(), what));
    }

    fn index(&mut self, user: &User) {
        self.by_id.insert(user.id.clone(), user.seq);
        self.by_upn.insert(user.upn.to_lowercase(), user.seq);
        if let Some(anchor) = &user.immutable_id {
            self.by_anchor.insert(anchor.clone(), user.seq);
        }
        for address in &user.proxy_addresses {
            self.by_address.insert(address.to_lowercase(), user.seq);
        }
    }

    fn unindex(&mut self, user: &User) {
        self.by_id.remove(&user.id);
        self.by_upn.remove(&user.upn.to_lowercase());
        if let Some(anchor) = &user.immutable_id {
            self.by_anchor.remove(anchor);
        }
        for address in &user.proxy_addresses {
            self.by_address.remove(&address.to_lowercase());
        }
    }
}
