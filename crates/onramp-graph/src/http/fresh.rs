//! Objects that this client created a short while ago, and which other parts of the service may not see yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Entra is eventually consistent: for seconds to two minutes after a creation, another replica (or Azure) may
/// answer "not found", "does not exist" or "denied" about the new object. For objects remembered here such an
/// answer is worth waiting; for any other it is final.
#[derive(Debug)]
pub(crate) struct Fresh {
    window: Duration,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Debug)]
struct Known {
    /// [`Clock::elapsed`](onramp_core::Clock::elapsed) of the creation.
    created: Duration,
    id: String,
}

impl Fresh {
    pub(crate) fn new(window: Duration) -> Self {
        Self { window, known: Mutex::default() }
    }

    /// Remembers an object created now, by its ID and by other names it can be asked for by.
    pub(crate) fn remember(&self, id: &str, aliases: &[String], now: Duration) {
        let mut known = self.known();
        known.retain(|_, object| now.saturating_sub(object.created) < self.window);
        for key in aliases.iter().cloned().chain([id.to_owned()]) {
            known.insert(key, Known { created: now, id: id.to_owned() });
        }
    }

    /// Forgets an object that was deleted, under all its names.
    pub(crate) fn forget(&self, id: &str) {
        self.known().retain(|_, object| object.id != id);
    }

    /// Takes a renamed object's other names away and gives it a new one.
    pub(crate) fn rename(&self, id: &str, alias: String) {
        let mut known = self.known();
        let Some(created) = known.get(id).map(|object| object.created) else { return };
        known.retain(|key, object| key == id || object.id != id);
        known.insert(alias, Known { created, id: id.to_owned() });
    }

    /// How long a refusal about one of these objects may still be due to its being new.
    pub(crate) fn time_left(&self, concerned: &[String], now: Duration) -> Option<Duration> {
        let known = self.known();
        let newest = concerned.iter().filter_map(|key| known.get(key)).map(|object| object.created).max()?;
        (newest + self.window).checked_sub(now).filter(|left| !left.is_zero())
    }

    pub(crate) fn window(&self) -> Duration {
        self.window
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(fresh: &Fresh, key: &str, seconds: u64) -> Option<u64> {
        fresh.time_left(&[key.to_owned()], Duration::from_secs(seconds)).map(|left| left.as_secs())
    }

    #[test]
    fn an_object_is_new_for_the_window_only() {
        let fresh = Fresh::new(Duration::from_secs(120));
        fresh.remember("1", &["anna@contoso.com".into()], Duration::from_secs(10));
        assert_eq!(left(&fresh, "1", 10), Some(120));
        assert_eq!(left(&fresh, "anna@contoso.com", 129), Some(1));
        assert_eq!(left(&fresh, "1", 130), None);
        assert_eq!(left(&fresh, "2", 10), None);
    }

    #[test]
    fn a_deleted_or_renamed_object_is_not_waited_for_under_its_old_names() {
        let fresh = Fresh::new(Duration::from_secs(120));
        fresh.remember("1", &["anna@contoso.com".into()], Duration::ZERO);
        fresh.rename("1", "anna@fabrikam.com".into());
        assert_eq!(left(&fresh, "anna@contoso.com", 1), None);
        assert_eq!(left(&fresh, "anna@fabrikam.com", 1), Some(119));
        fresh.forget("1");
        assert_eq!(left(&fresh, "1", 1), None);
        assert_eq!(left(&fresh, "anna@fabrikam.com", 1), None);
    }
}
