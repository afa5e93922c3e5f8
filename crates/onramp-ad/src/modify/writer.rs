//! Changes of objects, one or many, each by compare-and-swap.
//!
//! A domain controller writes one after the other, so more connections only contend. What there is to win is the time that
//! requests and answers travel, and a [`window`](crate::ldap::adaptive_limit) of changes under way on one connection wins it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use onramp_core::forest::{ObjectChange, ObjectChanged, ObjectOutcome, ObjectWriter, UpnChange, UpnOutcome};
use onramp_core::{BoxStream, DistinguishedName, Result};

use crate::ldap::adaptive_limit;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::write_limiter::WriteLoad;
use crate::modify::compare_and_swap::CompareAndSwap;
use crate::modify::pipeline::{Claims, pipeline};
use crate::topology::Topology;

const CHANGE: &str = "change";
const CHANGE_UPN: &str = "change the UPN of";
/// So many containers are remembered.
const CONTAINERS: usize = 1024;

/// [`ObjectWriter`] of the directory.
#[derive(Debug)]
pub(crate) struct DirectoryWriter(pub(crate) Topology);

#[async_trait]
impl ObjectWriter for DirectoryWriter {
    async fn change(&self, change: &ObjectChange) -> Result<ObjectChanged> {
        change_object(&self.0, change, CHANGE, None).await
    }

    fn change_all(&self, changes: BoxStream<'static, ObjectChange>) -> BoxStream<'static, ObjectOutcome> {
        let outcome = |change, result| ObjectOutcome { change, result };
        change_objects(&self.0, changes, CHANGE, |change| Cow::Borrowed(change), outcome)
    }
}

/// Changes one UPN.
pub(crate) async fn change_upn(topology: &Topology, change: &UpnChange) -> Result<ObjectChanged> {
    change_object(topology, &change.into(), CHANGE_UPN, None).await
}

/// Changes many UPNs.
pub(crate) fn change_upns(
    topology: &Topology,
    changes: BoxStream<'static, UpnChange>,
) -> BoxStream<'static, UpnOutcome> {
    let outcome = |change, result| UpnOutcome { change, result };
    change_objects(topology, changes, CHANGE_UPN, |change| Cow::Owned(change.into()), outcome)
}

/// Makes changes of a kind, one outcome for each that is taken, in order of completion.
fn change_objects<C: Claims + Sync, O: Send + 'static>(
    topology: &Topology,
    changes: BoxStream<'static, C>,
    action: &'static str,
    as_change: fn(&C) -> Cow<'_, ObjectChange>,
    outcome: fn(C, Result<ObjectChanged>) -> O,
) -> BoxStream<'static, O> {
    let servers = Arc::new(Servers::new(topology.settings().max_in_flight));
    let (topology, taking) = (topology.clone(), Arc::clone(&servers));
    let make = move |change: C| {
        let (topology, servers) = (topology.clone(), Arc::clone(&servers));
        let making = async move {
            let result = change_object(&topology, &as_change(&change), action, Some(&servers)).await;
            outcome(change, result)
        };
        making.boxed()
    };
    pipeline(changes, make, move || taking.allowance())
}

async fn change_object(
    topology: &Topology,
    change: &ObjectChange,
    action: &'static str,
    servers: Option<&Servers>,
) -> Result<ObjectChanged> {
    change.check()?;
    let handle = match servers {
        Some(servers) => servers.server(topology, &change.dn).await?,
        None => topology.writable_dc_for(&change.dn).await?,
    };
    CompareAndSwap::new(topology, handle, change, action).make().await
}

/// The servers that a stream of changes goes to: together they tell how many changes are worth taking.
struct Servers {
    most: usize,
    links: Mutex<Vec<Arc<ConnectionHandle>>>,
    /// The naming contexts of containers met before: taking names apart is most of what a change costs here.
    contexts: Mutex<HashMap<String, DistinguishedName>>,
}

impl Servers {
    fn new(most: usize) -> Self {
        Self { most, links: Mutex::default(), contexts: Mutex::default() }
    }

    async fn server(&self, topology: &Topology, dn: &DistinguishedName) -> Result<Arc<ConnectionHandle>> {
        let known = container(dn).and_then(|container| lock(&self.contexts).get(container).cloned());
        let handle = match known {
            Some(context) => topology.writable_dc(&context).await?,
            None => {
                self.learn(topology, dn).await?;
                topology.writable_dc_for(dn).await?
            }
        };
        let mut links = lock(&self.links);
        if !links.iter().any(|known| Arc::ptr_eq(known, &handle)) {
            links.push(Arc::clone(&handle));
        }
        drop(links);
        Ok(handle)
    }

    /// Remembers the naming context of an object's container, if all that stands in it is in that context: right below the
    /// head of one, another may begin.
    async fn learn(&self, topology: &Topology, dn: &DistinguishedName) -> Result<()> {
        let (Some(context), Some(parent)) = (topology.context_of(dn).await?, dn.parent()) else {
            return Ok(());
        };
        if let Some(container) = container(dn).filter(|_| parent != context && parent.is_within(&context)) {
            let mut contexts = lock(&self.contexts);
            if contexts.len() >= CONTAINERS {
                contexts.clear();
            }
            contexts.insert(container.to_owned(), context);
        }
        Ok(())
    }

    fn allowance(&self) -> usize {
        let links = lock(&self.links);
        match links.as_slice() {
            [] => adaptive_limit::INITIAL.min(self.most),
            links => links.iter().map(|handle| handle.write_limiter.size()).sum(),
        }
    }
}

/// The name of an object's container as it is written: what follows the first comma that is not part of a value. `None`
/// if that cannot be told without taking the name apart.
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

/// Tells whether changes went to a domain controller, or are to.
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
        assert_eq!(Servers::new(4).allowance(), 4);
        assert_eq!(Servers::new(4096).allowance(), adaptive_limit::INITIAL);
    }
}
