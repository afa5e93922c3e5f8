//! Changes of objects, one or many, each by compare-and-swap.
//!
//! A domain controller writes one after the other, so more connections only contend. What there is to win is the time that
//! requests and answers travel, and a [`window`](crate::window) of changes under way on one connection wins it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use onramp_core::forest::{ObjectChange, ObjectChanged, ObjectOutcome, ObjectWriter, UpnChange, UpnOutcome};
use onramp_core::{BoxStream, DistinguishedName, Result};

use crate::client::ForestClient;
use crate::lane::WriteLoad;
use crate::link::Link;
use crate::object_change::Swap;
use crate::pipeline::{Claims, pipeline};
use crate::window;

const CHANGE: &str = "change";
const CHANGE_UPN: &str = "change the UPN of";

/// [`ObjectWriter`] of the directory.
#[derive(Debug)]
pub(crate) struct DirectoryWriter(pub(crate) ForestClient);

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
pub(crate) async fn change_upn(client: &ForestClient, change: &UpnChange) -> Result<ObjectChanged> {
    change_object(client, &change.into(), CHANGE_UPN, None).await
}

/// Changes many UPNs.
pub(crate) fn change_upns(
    client: &ForestClient,
    changes: BoxStream<'static, UpnChange>,
) -> BoxStream<'static, UpnOutcome> {
    let outcome = |change, result| UpnOutcome { change, result };
    change_objects(client, changes, CHANGE_UPN, |change| Cow::Owned(change.into()), outcome)
}

/// Makes changes of a kind, one outcome for each that is taken, in order of completion.
fn change_objects<C: Claims + Sync, O: Send + 'static>(
    client: &ForestClient,
    changes: BoxStream<'static, C>,
    action: &'static str,
    as_change: fn(&C) -> Cow<'_, ObjectChange>,
    outcome: fn(C, Result<ObjectChanged>) -> O,
) -> BoxStream<'static, O> {
    let servers = Arc::new(Servers { most: client.settings().depth, links: Mutex::default() });
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
    client: &ForestClient,
    change: &ObjectChange,
    action: &'static str,
    servers: Option<&Servers>,
) -> Result<ObjectChanged> {
    change.check()?;
    let link = server(client, &change.dn).await?;
    if let Some(servers) = servers {
        servers.note(&link);
    }
    Swap::new(client, link, change, action).make().await
}

/// The domain controller to write to. The object itself is found by its GUID; where it was when the change was planned
/// only tells the domain.
async fn server(client: &ForestClient, dn: &DistinguishedName) -> Result<Arc<Link>> {
    match client.context_of(dn).await? {
        Some(context) => client.server_of(&context).await,
        None => Ok(Arc::clone(client.primary())),
    }
}

/// The servers that a stream of changes goes to: together they tell how many changes are worth taking.
struct Servers {
    most: usize,
    links: Mutex<Vec<Arc<Link>>>,
}

impl Servers {
    fn note(&self, link: &Arc<Link>) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if !links.iter().any(|known| Arc::ptr_eq(known, link)) {
            links.push(Arc::clone(link));
        }
    }

    fn allowance(&self) -> usize {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        match links.as_slice() {
            [] => window::FIRST.min(self.most),
            links => links.iter().map(|link| link.lane.size()).sum(),
        }
    }
}

impl ForestClient {
    /// What writing is like at the moment, for each domain controller that changes went to: how many are under way, how
    /// many could be, and what the others wait for. Clones of a client share it.
    pub fn write_loads(&self) -> Vec<WriteLoad> {
        let clock = self.settings().clock.as_ref();
        let loads = self.links().into_iter().map(|link| link.lane.load(link.host(), clock));
        loads
            .filter(|load| load.answered + load.pushed_back > 0 || load.under_way + load.waiting > 0)
            .collect()
    }
}
