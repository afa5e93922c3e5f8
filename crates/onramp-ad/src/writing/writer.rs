//! Changes of objects, one or many, each by compare-and-swap.
//!
//! A domain controller writes one after the other, so more connections only contend. What there is to win is the time that
//! requests and answers travel, and a [`window`](crate::writing::window) of changes under way on one connection wins it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use onramp_core::forest::{ObjectChange, ObjectChanged, ObjectOutcome, ObjectWriter, UpnChange, UpnOutcome};
use onramp_core::{BoxStream, DistinguishedName, Result};

use crate::client::AdClient;
use crate::wire::link::Link;
use crate::writing::lane::WriteLoad;
use crate::writing::object_change::{Swap, server};
use crate::writing::pipeline::{Claims, pipeline};
use crate::writing::window;

const CHANGE: &str = "change";
const CHANGE_UPN: &str = "change the UPN of";
/// So many containers are remembered.
const CONTAINERS: usize = 1024;

/// [`ObjectWriter`] of the directory.
#[derive(Debug)]
pub(crate) struct DirectoryWriter(pub(crate) AdClient);

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
pub(crate) async fn change_upn(client: &AdClient, change: &UpnChange) -> Result<ObjectChanged> {
    change_object(client, &change.into(), CHANGE_UPN, None).await
}

/// Changes many UPNs.
pub(crate) fn change_upns(
    client: &AdClient,
    changes: BoxStream<'static, UpnChange>,
) -> BoxStream<'static, UpnOutcome> {
    let outcome = |change, result| UpnOutcome { change, result };
    change_objects(client, changes, CHANGE_UPN, |change| Cow::Owned(change.into()), outcome)
}

/// Makes changes of a kind, one outcome for each that is taken, in order of completion.
fn change_objects<C: Claims + Sync, O: Send + 'static>(
    client: &AdClient,
    changes: BoxStream<'static, C>,
    action: &'static str,
    as_change: fn(&C) -> Cow<'_, ObjectChange>,
    outcome: fn(C, Result<ObjectChanged>) -> O,
) -> BoxStream<'static, O> {
    let servers = Arc::new(Servers::new(client.settings().depth));
    let (client, taking) = (client.clone(), Arc::clone(&servers));
    let make = move |change: C| {
        let (client, servers) = (client.clone(), Arc::clone(&servers));
        let making = async move {
            let result = change_object(&client, &as_change(&change), action, Some(&servers)).await;
            outcome(change, result)
        };
        making.boxed()
    };
    pipeline(changes, make, move || taking.allowance())
}

async fn change_object(
    client: &AdClient,
    change: &ObjectChange,
    action: &'static str,
    servers: Option<&Servers>,
) -> Result<ObjectChanged> {
    change.check()?;
    let link = match servers {
        Some(servers) => servers.server(client, &change.dn).await?,
        None => server(client, &change.dn).await?,
    };
    Swap::new(client, link, change, action).make().await
}

/// The servers that a stream of changes goes to: together they tell how many changes are worth taking.
struct Servers {
    most: usize,
    links: Mutex<Vec<Arc<Link>>>,
    /// The naming contexts of containers met before: taking names apart is most of what a change costs here.
    contexts: Mutex<HashMap<String, DistinguishedName>>,
}

impl Servers {
    fn new(most: usize) -> Self {
        Self { most, links: Mutex::default(), contexts: Mutex::default() }
    }

    async fn server(&self, client: &AdClient, dn: &DistinguishedName) -> Result<Arc<Link>> {
        let known = container(dn).and_then(|container| lock(&self.contexts).get(container).cloned());
        let link = match known {
            Some(context) => client.server_of(&context).await?,
            None => {
                self.learn(client, dn).await?;
                server(client, dn).await?
            }
        };
        let mut links = lock(&self.links);
        if !links.iter().any(|known| Arc::ptr_eq(known, &link)) {
            links.push(Arc::clone(&link));
        }
        drop(links);
        Ok(link)
    }

    /// Remembers the naming context of an object's container, if all that stands in it is in that context: right below the
    /// head of one, another may begin.
    async fn learn(&self, client: &AdClient, dn: &DistinguishedName) -> Result<()> {
        let (Some(context), Some(parent)) = (client.context_of(dn).await?, dn.parent()) else {
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
            [] => window::FIRST.min(self.most),
            links => links.iter().map(|link| link.lane.size()).sum(),
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

impl AdClient {
    /// What writing is like at the moment, for each domain controller that changes went to: how many are under way, how
    /// many could be, and what the others wait for. Clones of a client share it.
    pub fn write_loads(&self) -> Vec<WriteLoad> {
        let clock = self.settings().clock.as_ref();
        let loads = self.links().into_iter().map(|link| link.lane.load(link.host(), clock));
        loads.filter(is_written_to).collect()
    }
}

/// Tells whether changes went to a domain controller, or are to.
fn is_written_to(load: &WriteLoad) -> bool {
    let went = [load.answered, load.pushed_back].iter().any(|count| *count > 0);
    went || [load.under_way, load.waiting].iter().any(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use onramp_core::ManualClock;

    use super::*;
    use crate::writing::lane::Lane;

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
        let load = || Lane::new(4, None).load("dc1", &ManualClock::default());
        assert!(!is_written_to(&load()));
        let uses: [fn(&mut WriteLoad); 4] = [
            |load| load.answered = 1,
            |load| load.pushed_back = 1,
            |load| load.under_way = 1,
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
        assert_eq!(Servers::new(4096).allowance(), window::FIRST);
    }
}
