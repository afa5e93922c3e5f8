//! Ports, journals and secret stores that do what their contracts allow, or fail.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use onramp::{Journal, JournalRecord, JournalState, MemorySecretStore, SecretStore};
use onramp_core::forest::{
    ChangedObject, ChangesQuery, DomainController, Forest, ForestObject, ForestObjects, ForestUser,
    ForestUsers, ObjectChange, ObjectChanged, ObjectOutcome, ObjectQuery, ObjectRef, ObjectWriter,
    ReplicatedValue, Replication, ReplicationMetadata, ReplicationPosition, UpnOwner, UserQuery, ValueStamp,
};
use onramp_core::{
    AttributeName, BoxStream, DistinguishedName, Error, ErrorKind, ObjectGuid, Password, Result,
};

/// The behavior of a writer with a stream of changes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// Pauses before and after each change, several at a time.
    Pausing,
    /// Takes all changes before it makes the first one.
    Collecting,
    /// Makes so many and ends.
    ApplyStatus(usize),
    /// Answers for the first one twice, for one that nobody asked for, and not for the last one.
    Confused,
    /// Answers each with an error of the server.
    Down,
    /// Makes each, and loses the first so many answers.
    Lost(usize),
}

#[derive(Debug)]
struct OddWriter {
    inner: Arc<dyn ObjectWriter>,
    way: Way,
    sent: Arc<AtomicUsize>,
}

/// The forest with users that are changed in an odd way, and the count of changes that were sent.
pub(crate) fn with_writer(mut forest: Forest, way: Way) -> (Forest, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    forest.object_writer = Arc::new(OddWriter { inner: forest.object_writer, way, sent: sent.clone() });
    (forest, sent)
}

/// The forest with users that are found and cannot be read again.
pub(crate) fn with_lost_users(mut forest: Forest, kind: ErrorKind) -> Forest {
    forest.users = Arc::new(LostUsers { inner: forest.users, kind });
    forest
}

/// Is pending once.
pub(crate) async fn pause() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn make(inner: Arc<dyn ObjectWriter>, change: ObjectChange, sent: Arc<AtomicUsize>) -> ObjectOutcome {
    sent.fetch_add(1, Ordering::Relaxed);
    let result = inner.change(&change).await;
    ObjectOutcome { change, result }
}

#[derive(Debug)]
struct LostUsers {
    inner: Arc<dyn ForestUsers>,
    kind: ErrorKind,
}

#[async_trait]
impl ForestUsers for LostUsers {
    fn search(&self, query: UserQuery) -> BoxStream<'static, Result<ForestUser>> {
        self.inner.search(query)
    }

    fn upn_owners(&self) -> BoxStream<'static, Result<UpnOwner>> {
        self.inner.upn_owners()
    }

    async fn get(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        Err(Error::new(self.kind, "read the user").with_object(guid))
    }
}

#[async_trait]
impl ObjectWriter for OddWriter {
    async fn change(&self, change: &ObjectChange) -> Result<ObjectChanged> {
        self.inner.change(change).await
    }

    fn change_all(&self, changes: BoxStream<'static, ObjectChange>) -> BoxStream<'static, ObjectOutcome> {
        let (inner, sent) = (self.inner.clone(), self.sent.clone());
        let one = move |change| make(inner.clone(), change, sent.clone());
        match self.way {
            Way::Pausing => {
                let slow = move |change| {
                    let one = one.clone();
                    async move {
                        pause().await;
                        let outcome = one(change).await;
                        pause().await;
                        outcome
                    }
                };
                changes.map(slow).buffer_unordered(4).boxed()
            }
            Way::Collecting => {
                stream::once(changes.collect::<Vec<_>>()).flat_map(stream::iter).then(one).boxed()
            }
            Way::ApplyStatus(after) => changes.take(after).then(one).boxed(),
            Way::Confused => stream::once(changes.collect::<Vec<_>>())
                .flat_map(|mut all| {
                    all.pop();
                    let mut strange = all[0].clone();
                    strange.guid = ObjectGuid::from_bytes([7; 16]);
                    let first = all[0].clone();
                    all.extend([first, strange]);
                    stream::iter(all)
                })
                .then(one)
                .boxed(),
            Way::Lost(count) => changes
                .enumerate()
                .then(move |(place, change)| {
                    let outcome = one(change);
                    async move {
                        let ObjectOutcome { change, result } = outcome.await;
                        let lost =
                            || Err(Error::new(ErrorKind::OutcomeUnknown, "change").with_object(&change.dn));
                        let result = if place < count { lost() } else { result };
                        ObjectOutcome { change, result }
                    }
                })
                .boxed(),
            Way::Down => changes
                .map(|change| {
                    let result =
                        Err(Error::new(ErrorKind::Unavailable, "change the UPN of").with_object(&change.dn));
                    ObjectOutcome { change, result }
                })
                .boxed(),
        }
    }
}

/// Replication that does not list some domain controllers, and is told nothing about users by others. There is no metadata.
#[derive(Debug)]
struct OddReplication {
    inner: Arc<dyn Replication>,
    hidden: Vec<String>,
    deaf: Vec<String>,
}

pub(crate) fn with_replication(mut forest: Forest, hidden: &[String], deaf: &[String]) -> Forest {
    let inner = forest.replication.clone();
    forest.replication = Arc::new(OddReplication { inner, hidden: hidden.to_vec(), deaf: deaf.to_vec() });
    forest.without_replication_metadata()
}

#[async_trait]
impl Replication for OddReplication {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        let mut all = self.inner.controllers().await?;
        all.retain(|controller| !self.hidden.contains(&controller.host));
        Ok(all)
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        if matches!(value, ReplicatedValue::UserUpn { .. }) && self.deaf.contains(&controller.host) {
            return Err(
                Error::new(ErrorKind::Unavailable, "ask the domain controller").with_object(&controller.host)
            );
        }
        self.inner.holds(controller, value).await
    }
}

/// A journal whose operations fail from one on, for some time; what was flushed survives.
#[derive(Debug, Default)]
pub(crate) struct Brittle {
    /// The number of operations that go well.
    pub(crate) good: usize,
    /// The number of those that fail then.
    pub(crate) bad: usize,
    pub(crate) operations: usize,
    pub(crate) appended: Vec<JournalRecord>,
    pub(crate) durable: Vec<JournalRecord>,
}

impl Brittle {
    fn operate(&mut self) -> Result<()> {
        let place = self.operations;
        self.operations += 1;
        if place < self.good || place >= self.good.saturating_add(self.bad) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unavailable, "write the journal").with_detail("no space left on device"))
    }
}

#[async_trait]
impl Journal for Brittle {
    async fn open(&mut self) -> Result<JournalState> {
        Ok(JournalState::default())
    }

    async fn append(&mut self, _: u64, records: &[JournalRecord]) -> Result<()> {
        for record in records {
            self.operate()?;
            self.appended.push(record.clone());
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.operate()?;
        self.durable.append(&mut self.appended);
        Ok(())
    }

    fn read_all(&self) -> BoxStream<'static, Result<JournalRecord>> {
        stream::iter(self.durable.clone()).map(Ok).boxed()
    }
}

/// What a secret store fails at, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lapse {
    BeforeStore,
    AfterStore,
    BeforePromote,
    AfterPromote,
}

/// A store that fails once: a failure after the deed is what a crash right after it looks like to the next run.
#[derive(Debug, Default)]
pub(crate) struct Forgetful {
    pub(crate) inner: MemorySecretStore,
    pub(crate) lapse: Mutex<Option<Lapse>>,
    /// The number of calls that are spared.
    spared: AtomicUsize,
}

impl Forgetful {
    pub(crate) fn at(lapse: Lapse) -> Self {
        Self {
            inner: MemorySecretStore::default(),
            lapse: Mutex::new(Some(lapse)),
            spared: AtomicUsize::new(0),
        }
    }

    /// The same after so many calls.
    pub(crate) fn after(spared: usize, lapse: Lapse) -> Self {
        Self { spared: AtomicUsize::new(spared), ..Self::at(lapse) }
    }

    fn fail(&self, at: Lapse) -> Result<()> {
        let mut lapse = self.lapse.lock().unwrap();
        if *lapse == Some(at) {
            let spare = |left: usize| left.checked_sub(1);
            if self.spared.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spare).is_ok() {
                return Ok(());
            }
            *lapse = None;
            return Err(Error::new(ErrorKind::Unavailable, "use the secret store").with_detail("it fails"));
        }
        Ok(())
    }
}

#[async_trait]
impl SecretStore for Forgetful {
    async fn store(&self, name: &str, secret: &Password) -> Result<String> {
        self.fail(Lapse::BeforeStore)?;
        let place = self.inner.store(name, secret).await?;
        self.fail(Lapse::AfterStore)?;
        Ok(place)
    }

    async fn promote(&self, name: &str, secret: &Password) -> Result<String> {
        self.fail(Lapse::BeforePromote)?;
        let place = self.inner.promote(name, secret).await?;
        self.fail(Lapse::AfterPromote)?;
        Ok(place)
    }

    async fn discard(&self, name: &str, secret: &Password) -> Result<()> {
        self.inner.discard(name, secret).await
    }

    async fn load(&self, name: &str) -> Result<Option<Password>> {
        self.inner.load(name).await
    }

    async fn pending(&self, name: &str) -> Result<Vec<Password>> {
        self.inner.pending(name).await
    }
}

/// Metadata of replication that notes from which USN on changes are read.
#[derive(Debug)]
struct Noting {
    inner: Arc<dyn ReplicationMetadata>,
    from: Arc<Mutex<Vec<u64>>>,
}

pub(crate) fn noting(forest: Forest) -> (Forest, Arc<Mutex<Vec<u64>>>) {
    let from = Arc::new(Mutex::new(Vec::new()));
    let inner = forest.replication_metadata.clone().expect("the lab has it");
    (forest.with_replication_metadata(Arc::new(Noting { inner, from: from.clone() })), from)
}

#[async_trait]
impl ReplicationMetadata for Noting {
    async fn writer(&self, context: &DistinguishedName) -> Result<DomainController> {
        self.inner.writer(context).await
    }

    async fn position(
        &self,
        controller: &DomainController,
        context: &DistinguishedName,
    ) -> Result<ReplicationPosition> {
        self.inner.position(controller, context).await
    }

    fn changes(
        &self,
        controller: &DomainController,
        query: ChangesQuery,
    ) -> BoxStream<'static, Result<ChangedObject>> {
        self.from.lock().unwrap().push(query.from_usn);
        self.inner.changes(controller, query)
    }

    async fn stamp(
        &self,
        controller: &DomainController,
        object: &ObjectGuid,
        attribute: &AttributeName,
    ) -> Result<ValueStamp> {
        self.inner.stamp(controller, object, attribute).await
    }
}

/// Objects of which the first one of every search cannot be read.
#[derive(Debug)]
struct UnreadableFirst(Arc<dyn ForestObjects>);

pub(crate) fn with_unreadable_objects(forest: Forest) -> Forest {
    let objects = Arc::new(UnreadableFirst(forest.objects.clone()));
    forest.with_objects(objects)
}

#[async_trait]
impl ForestObjects for UnreadableFirst {
    fn search(&self, query: ObjectQuery) -> BoxStream<'static, Result<ForestObject>> {
        let unreadable = Err(Error::new(ErrorKind::Unreadable, "read the object").with_object("CN=odd"));
        stream::iter([unreadable]).chain(self.0.search(query)).boxed()
    }

    async fn get(&self, object: &ObjectRef, attributes: &[AttributeName]) -> Result<ForestObject> {
        self.0.get(object, attributes).await
    }
}
