//! The objects that this client created recently, and which other replicas may not have yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The objects created within the replication window.
///
/// Entra is eventually consistent: for seconds to two minutes after a creation, another replica (or Azure) may respond
/// with "not found", "does not exist" or "denied" about the new object. For the objects here such a response is
/// retried; for any other it is final.
#[derive(Debug)]
pub(crate) struct RecentlyCreated {
    window: Duration,
    objects: Mutex<HashMap<String, Created>>,
}

#[derive(Debug)]
struct Created {
    /// [`Clock::elapsed`](onramp_core::Clock::elapsed) at the creation.
    at: Duration,
    id: String,
}

impl RecentlyCreated {
    pub(crate) fn new(window: Duration) -> Self {
        Self { window, objects: Mutex::default() }
    }

    /// Records an object that was created now, under its ID and under the other names that requests may use for it.
    pub(crate) fn record(&self, id: &str, aliases: &[String], now: Duration) {
        let mut objects = self.lock();
        objects.retain(|_, object| now.saturating_sub(object.at) < self.window);
        for key in aliases.iter().cloned().chain([id.to_owned()]) {
            objects.insert(key, Created { at: now, id: id.to_owned() });
        }
    }

    /// Removes an object under all its names.
    pub(crate) fn remove(&self, id: &str) {
        self.lock().retain(|_, object| object.id != id);
    }

    /// Replaces the other names of an object by a new one.
    pub(crate) fn rename(&self, id: &str, alias: String) {
        let mut objects = self.lock();
        let Some(at) = objects.get(id).map(|object| object.at) else { return };
        objects.retain(|key, object| key == id || object.id != id);
        objects.insert(alias, Created { at, id: id.to_owned() });
    }

    /// Returns the rest of the replication window of the newest of these objects.
    pub(crate) fn time_left(&self, keys: &[String], now: Duration) -> Option<Duration> {
        let objects = self.lock();
        let newest = keys.iter().filter_map(|key| objects.get(key)).map(|object| object.at).max()?;
        (newest + self.window).checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Returns the replication window.
    pub(crate) fn window(&self) -> Duration {
        self.window
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Created>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(recently_created: &RecentlyCreated, key: &str, seconds: u64) -> Option<u64> {
        recently_created.time_left(&[key.to_owned()], Duration::from_secs(seconds)).map(|left| left.as_secs())
    }

    #[test]
    fn an_object_is_new_for_the_window_only() {
        let recently_created = RecentlyCreated::new(Duration::from_secs(120));
        recently_created.record("1", &["anna@contoso.com".into()], Duration::from_secs(10));
        assert_eq!(left(&recently_created, "1", 10), Some(120));
        assert_eq!(left(&recently_created, "anna@contoso.com", 129), Some(1));
        assert_eq!(left(&recently_created, "1", 130), None);
        assert_eq!(left(&recently_created, "2", 10), None);
    }

    #[test]
    fn a_deleted_or_renamed_object_is_not_waited_for_under_its_old_names() {
        let recently_created = RecentlyCreated::new(Duration::from_secs(120));
        recently_created.record("1", &["anna@contoso.com".into()], Duration::ZERO);
        recently_created.rename("1", "anna@fabrikam.com".into());
        assert_eq!(left(&recently_created, "anna@contoso.com", 1), None);
        assert_eq!(left(&recently_created, "anna@fabrikam.com", 1), Some(119));
        recently_created.remove("1");
        assert_eq!(left(&recently_created, "1", 1), None);
        assert_eq!(left(&recently_created, "anna@fabrikam.com", 1), None);
    }
}
