//! Changes of objects, one or a stream, each by compare-and-swap.
//!
//! A domain controller writes changes one after the other, so that more connections only contend. The time on
//! the network can be saved, by several changes in flight on one connection under an [adaptive
//! limit](crate::ldap::adaptive_limit).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use onramp_core::forest::{ObjectChange, ObjectChanged, ObjectOutcome, ObjectWriter};
use onramp_core::{BoxStream, DistinguishedName, Result};

use crate::ldap::adaptive_limit;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::write_limiter::WriteLoad;
use crate::modify::compare_and_swap::CompareAndSwap;
use crate::modify::pipeline::pipeline;
use crate::topology::Topology;

/// The capacity of the cache from containers to naming contexts.
const CONTAINER_CACHE_SIZE: usize = 1024;

/// [`ObjectWriter`] over LDAP.
#[derive(Debug)]
pub(crate) struct DirectoryWriter(pub(crate) Topology);

#[async_trait]
impl ObjectWriter for DirectoryWriter {
    async fn change(&self, change: &ObjectChange) -> Result<ObjectChanged> {
        change.check()?;
        let handle = self.0.writable_dc_for(&change.dn).await?;
        CompareAndSwap::new(&self.0, handle, change).run().await
    }

    fn change_all(&self, changes: BoxStream<'static, ObjectChange>) -> BoxStream<'static, ObjectOutcome> {
        let topology = self.0.clone();
        let targets = Arc::new(WriteTargets::new(topology.settings().max_in_flight));
        let limits = Arc::clone(&targets);
        let make = move |change: ObjectChange| {
            let (topology, targets) = (topology.clone(), Arc::clone(&targets));
            let making = async move {
                let result = change_object(&topology, &change, &targets).await;
                ObjectOutcome { change, result }
            };
            making.boxed()
        };
        pipeline(changes, make, move || limits.limit())
    }
}

/// Makes one change of a stream.
async fn change_object(
    topology: &Topology,
    change: &ObjectChange,
    targets: &WriteTargets,
) -> Result<ObjectChanged> {
    change.check()?;
    let handle = targets.server(topology, &change.dn).await?;
    CompareAndSwap::new(topology, handle, change).run().await
}

/// The targets of a stream of changes; the sum of their limits is the number of changes to take.
struct WriteTargets {
    max_in_flight: usize,
    handles: Mutex<Vec<Arc<ConnectionHandle>>>,
    /// The naming contexts of known containers: parsing names is most of the cost of a change here.
    contexts: Mutex<HashMap<String, DistinguishedName>>,
}

impl WriteTargets {
    fn new(max_in_flight: usize) -> Self {
        Self { max_in_flight, handles: Mutex::default(), contexts: Mutex::default() }
    }

    async fn server(&self, topology: &Topology, dn: &DistinguishedName) -> Result<Arc<ConnectionHandle>> {
        let known = container(dn).and_then(|container| lock(&self.contexts).get(container).cloned());
        let handle = match known {
            Some(context) => topology.writable_dc(&context).await?,
            None => {
                self.cache_context(topology, dn).await?;
                topology.writable_dc_for(dn).await?
            }
        };
        let mut handles = lock(&self.handles);
        if !handles.iter().any(|known| Arc::ptr_eq(known, &handle)) {
            handles.push(Arc::clone(&handle));
        }
        drop(handles);
        Ok(handle)
    }

    /// Caches the naming context of an object's container, unless it is the root of the naming context:
    /// another one may begin right below.
    async fn cache_context(&self, topology: &Topology, dn: &DistinguishedName) -> Result<()> {
        let (Some(context), Some(parent)) = (topology.context_of(dn).await?, dn.parent()) else {
            return Ok(());
        };
        if let Some(container) = container(dn).filter(|_| parent != context && parent.is_within(&context)) {
            let mut contexts = lock(&self.contexts);
            if contexts.len() >= CONTAINER_CACHE_SIZE {
                contexts.clear();
            }
            contexts.insert(container.to_owned(), context);
        }
        Ok(())
    }

    fn limit(&self) -> usize {
        let handles = lock(&self.handles);
        match handles.as_slice() {
            [] => adaptive_limit::INITIAL.min(self.max_in_flight),
            handles => handles.iter().map(|handle| handle.write_limiter.size()).sum(),
        }
    }
}

/// Returns the container's name as text, after the first comma outside of a value; `None` if only a full
/// parse can tell.
fn container(dn: &DistinguishedName) -> Option<&str> {
    let mut is_escaped = false;
    for (at, byte) in dn.as_str().bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return None,
            b',' => return dn.as_str().get(at + 1..),
            _ => {}
        }
    }
    None
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the write load of each domain controller that changes were sent to.
pub(crate) fn loads(topology: &Topology) -> Vec<WriteLoad> {
    let clock = topology.settings().clock.as_ref();
    let loads = topology.handles().into_iter().map(|handle| handle.write_limiter.load(handle.host(), clock));
    loads.filter(is_written_to).collect()
}

/// Returns true if changes were sent to the server or wait for it.
fn is_written_to(load: &WriteLoad) -> bool {
    let went = [load.answered, load.throttled].iter().any(|count| *count > 0);
    went || [load.in_flight, load.waiting].iter().any(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use onramp_core::ManualClock;

    use super::*;
    use crate::ldap::write_limiter::WriteLimiter;

    #[test]
    fn a_container_is_what_follows_the_first_comma_that_parts_a_name() {
        let container = |text: &str| {
            let dn = DistinguishedName::parse(text).unwrap();
            container(&dn).map(str::to_owned)
        };
        assert_eq!(container("CN=Anna,OU=Staff,DC=a").as_deref(), Some("OU=Staff,DC=a"));
        assert_eq!(container(r"CN=Neil\, Anna,OU=Staff,DC=a").as_deref(), Some("OU=Staff,DC=a"));
        assert_eq!(container(r"CN=Back\\,OU=Staff,DC=a").as_deref(), Some("OU=Staff,DC=a"));
        assert_eq!(container(r#"CN=quoted\",OU=Staff"#).as_deref(), Some("OU=Staff"), "an escaped quote");
        assert_eq!(container("CN=Bärbel,OU=Büro").as_deref(), Some("OU=Büro"));
        for whole in ["DC=a", r#"CN="Neil, Anna",OU=Staff"#] {
            assert_eq!(container(whole), None, "{whole}");
        }
    }

    #[test]
    fn only_those_that_are_written_to_have_a_load_to_tell() {
        let load = || WriteLimiter::new(4, None).load("dc1", &ManualClock::default());
        assert!(!is_written_to(&load()));
        let uses: [fn(&mut WriteLoad); 4] = [
            |load| load.answered = 1,
            |load| load.throttled = 1,
            |load| load.in_flight = 1,
            |load| load.waiting = 1,
        ];
        for used in uses {
            let mut load = load();
            used(&mut load);
            assert!(is_written_to(&load), "{load:?}");
        }
        let mut paused = load();
        paused.pause = Duration::from_secs(1);
        assert!(!is_written_to(&paused));
    }

    #[test]
    fn until_a_server_is_known_as_many_are_taken_as_any_gets_at_first() {
        assert_eq!(WriteTargets::new(4).limit(), 4);
        assert_eq!(WriteTargets::new(4096).limit(), adaptive_limit::INITIAL);
    }
}
