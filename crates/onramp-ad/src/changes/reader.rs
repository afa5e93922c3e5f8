//! The reader of changes.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use onramp_core::forest::ForestObject;
use onramp_core::{AttributeName, DistinguishedName, Error, ErrorKind, LdapFilter, ObjectGuid, Result};
use tokio::sync::mpsc;

use crate::changes::cursor::{ChangeCursor, DirectoryChangeQuery, Position};
use crate::changes::dir_sync::{self, DIR_SYNC};
use crate::ldap::base::Base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::{Delivery, ExchangeError};
use crate::search::entry::Entry;
use crate::search::object::{identity, names, object};
use crate::search::request::Exchange;
use crate::search::{read::is_worth_repeating, request::Search};
use crate::topology::Topology;

const ACTION: &str = "read the changes of";
const OBJECT_GUID: AttributeName = AttributeName::from_static("objectGUID");
const OBJECT_CLASS: AttributeName = AttributeName::from_static("objectClass");
const IS_DELETED: AttributeName = AttributeName::from_static("isDeleted");
const USN_CHANGED: AttributeName = AttributeName::from_static("uSNChanged");
/// The maximum number of changes in one answer. Samba returns all of them in one; a larger number is read
/// again in pages.
const MAX_CHANGES: usize = 500_000;
/// The number of objects that are read by GUID in one search; servers are slower with larger filters.
const GUIDS_PER_SEARCH: usize = 64;
/// The maximum number of answers without anything new, against an endless loop.
const MAX_EMPTY_ANSWERS: u32 = 10_000;

/// An item of the stream of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectoryChange {
    /// The cursor cannot be used, so that all objects follow again: an object that does not come again was
    /// deleted.
    Restarted {
        /// The reason.
        reason: String,
    },
    /// A new or changed object in its present state, with the requested attributes.
    Object(ForestObject),
    /// A deleted object.
    Deleted {
        /// The GUID.
        guid: ObjectGuid,
        /// The distinguished name of the tombstone.
        dn: DistinguishedName,
    },
    /// The cursor after all items so far. Store it with them; an interruption repeats only what follows.
    Checkpoint(ChangeCursor),
}

/// Streams the changes of a naming context, as [`AdClient::changes`](crate::AdClient::changes) describes.
pub(crate) fn changes(
    topology: Topology,
    query: DirectoryChangeQuery,
    since: Option<ChangeCursor>,
) -> BoxStream<'static, Result<DirectoryChange>> {
    let (sender, receiver) = mpsc::channel(256);
    let reading = async move {
        let reader = Reader { topology, query, sender };
        if let Err(Stop::Error(error)) = Box::pin(reader.run(since)).await {
            let _ = reader.sender.send(Err(error)).await;
        }
    };
    // The reader is polled with the stream, and ends with it.
    let items =
        stream::unfold(
            receiver,
            |mut receiver| async move { receiver.recv().await.map(|item| (item, receiver)) },
        );
    let reading = stream::once(reading).filter_map(|()| std::future::ready(None));
    stream::select(items, reading).boxed()
}

/// The reason why a reader ends early.
enum Stop {
    Error(Error),
    Gone,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn deleted_object(entry: &Entry) -> Result<DirectoryChange> {
    let (guid, dn) = identity(entry)?;
    Ok(DirectoryChange::Deleted { guid, dn })
}

struct Reader {
    topology: Topology,
    query: DirectoryChangeQuery,
    sender: mpsc::Sender<Result<DirectoryChange>>,
}

/// A domain controller and its replication state.
struct Server {
    handle: Arc<ConnectionHandle>,
    knows_dir_sync: bool,
    highest_usn: u64,
    invocation: ObjectGuid,
}

impl Reader {
    async fn run(&self, since: Option<ChangeCursor>) -> Result<(), Stop> {
        let server = self.server().await?;
        if let Some(cursor) = since {
            let reason = match (cursor.mismatch(&self.query), cursor.position) {
                (Some(reason), _) => reason.to_owned(),
                (None, Position::DirSync(cookie)) => match self.dir_sync(&server, cookie).await? {
                    Ok(()) => return Ok(()),
                    Err(reason) => reason,
                },
                (None, Position::Usn { invocation, .. }) if invocation != server.invocation => format!(
                    "another domain controller's database answers now ({}, where {invocation} was read)",
                    server.invocation
                ),
                (None, Position::Usn { highest, .. }) if highest > server.highest_usn => format!(
                    "the database of {} was restored from a copy that is older than the cursor",
                    server.handle.host()
                ),
                (None, Position::Usn { highest, .. }) => {
                    return self.report_by_usn(&server, Some(highest)).await;
                }
            };
            self.send(DirectoryChange::Restarted { reason }).await?;
        }
        if self.query.dir_sync && server.knows_dir_sync {
            // The cookie is read first: changes during the full read are reported the next time.
            if let Some(cookie) = self.current_cookie(&server).await? {
                self.report_all(&server).await?;
                return self.checkpoint(Position::DirSync(cookie)).await;
            }
        }
        self.report_by_usn(&server, None).await
    }

    async fn server(&self) -> Result<Server> {
        let context = &self.query.context;
        let known = self.topology.context_of(context).await?.is_some_and(|known| known == *context);
        if !known {
            return Err(Error::new(ErrorKind::NotFound, ACTION)
                .with_object(context)
                .with_detail("it is not the head of a naming context of the forest")
                .with_hint("Track a whole naming context, and narrow it by a filter."));
        }
        let handle = self.topology.writable_dc(context).await?;
        let attributes = ["supportedControl", "highestCommittedUSN", "dsServiceName"];
        let unreadable = |what: &str| {
            Error::new(ErrorKind::Invalid, ACTION)
                .with_object(context)
                .with_detail(format!("{} does not show its {what} to this account", handle.host()))
        };
        let root = self
            .read(&handle, Search::object(Base::Root, &attributes))
            .await?
            .ok_or_else(|| unreadable("root DSE"))?;
        let settings = root.text("dsServiceName").ok_or_else(|| unreadable("dsServiceName"))?;
        let settings = handle.name(&settings).map_err(|error| error.during(ACTION).with_object(context))?;
        let settings = self.read(&handle, Search::object(&settings, &["invocationId"])).await?;
        let invocation = settings.and_then(|entry| ObjectGuid::from_slice(entry.bytes("invocationId")?).ok());
        Ok(Server {
            knows_dir_sync: root.all_texts("supportedControl").any(|control| control == DIR_SYNC),
            highest_usn: root.usn("highestCommittedUSN").ok_or_else(|| unreadable("highestCommittedUSN"))?,
            invocation: invocation.ok_or_else(|| unreadable("invocationId"))?,
            handle,
        })
    }

    /// Returns the cookie of the present state, by a filter that matches no object; `None` if the server
    /// refuses DirSync.
    async fn current_cookie(&self, server: &Server) -> Result<Option<Vec<u8>>> {
        let nothing = LdapFilter::present(&OBJECT_CLASS).negate();
        let mut cookie = Vec::new();
        for _ in 0..MAX_EMPTY_ANSWERS {
            match self.ask(server, &nothing, &cookie).await {
                Ok((_, true, next)) if next != cookie => cookie = next,
                Ok((_, _, next)) => return Ok(Some(next)),
                Err(error) if matches!(error.delivery, Delivery::Refused(_)) => return Ok(None),
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(None)
    }

    /// Reports the changes since a DirSync cookie, or returns the reason why it cannot be used.
    async fn dir_sync(
        &self,
        server: &Server,
        mut cookie: Vec<u8>,
    ) -> Result<std::result::Result<(), String>, Stop> {
        if !server.knows_dir_sync {
            return Ok(Err("this domain controller does not know the DirSync control".to_owned()));
        }
        let mut filter = self.query.filter();
        if self.query.include_deleted {
            // A tombstone has few attributes, so that a filter seldom matches it.
            filter = filter.or(&LdapFilter::equal(&IS_DELETED, "TRUE"));
        }
        let mut empty = 0;
        loop {
            let (entries, more, next) = match self.ask(server, &filter, &cookie).await {
                Ok(answer) => answer,
                Err(error) if matches!(error.delivery, Delivery::Refused(1 | 2 | 12 | 53 | 80)) => {
                    return Ok(Err(format!(
                        "the domain controller does not accept the cursor: {}",
                        self.failed(error)
                    )));
                }
                Err(error) if error.kind() == ErrorKind::Invalid && error.may_have_applied() => {
                    return Ok(Err(format!("more than {MAX_CHANGES} objects changed")));
                }
                Err(error) => return Err(self.failed(error).into()),
            };
            empty = if entries.is_empty() { empty + 1 } else { 0 };
            let (deleted, changed): (Vec<Entry>, Vec<Entry>) =
                entries.into_iter().partition(|entry| entry.is_true("isDeleted"));
            for batch in changed.chunks(GUIDS_PER_SEARCH) {
                self.report_current(server, batch).await?;
            }
            for entry in deleted.iter().filter(|_| self.query.include_deleted) {
                self.report(deleted_object(entry)).await?;
            }
            let goes_on = more && next != cookie && empty < MAX_EMPTY_ANSWERS;
            cookie = next;
            self.checkpoint(Position::DirSync(cookie.clone())).await?;
            if !goes_on {
                return Ok(Ok(()));
            }
        }
    }

    /// Sends one DirSync request. Returns the changed objects, true if there is more, and the next cookie.
    async fn ask(
        &self,
        server: &Server,
        filter: &LdapFilter,
        cookie: &[u8],
    ) -> std::result::Result<(Vec<Entry>, bool, Vec<u8>), ExchangeError> {
        let mut attributes = names(&self.query.attributes);
        // A rename or a move changes `name`, or writes it again, so that it is reported too.
        attributes.extend(["isDeleted", "name"]);
        let search = Search::below(&self.query.context, filter.clone(), &attributes);
        let send = async || {
            let connection = server.handle.connection().await?;
            let request = Exchange::plain(&search).with_control(dir_sync::request(cookie), MAX_CHANGES);
            request.send(&connection, &server.handle.settings).await
        };
        let answer = match send().await {
            Err(error) if is_worth_repeating(&error) => send().await?,
            answer => answer?,
        };
        let (more, next) = dir_sync::answer(&answer.controls).ok_or_else(|| {
            ExchangeError::malformed(server.handle.host(), "a DirSync answer without a cookie")
        })?;
        Ok((answer.entries, more, next))
    }

    /// Reports some changed objects in their present state. The attributes in a DirSync answer, and the
    /// report of a removed value, differ between servers.
    async fn report_current(&self, server: &Server, changed: &[Entry]) -> Result<(), Stop> {
        let mut guids: Vec<LdapFilter> = Vec::with_capacity(changed.len());
        for entry in changed {
            match entry.guid() {
                Some(guid) => guids.push(LdapFilter::equal_bytes(&OBJECT_GUID, guid.as_bytes())),
                None => self.report(object(entry.clone(), &[]).map(DirectoryChange::Object)).await?,
            }
        }
        if guids.is_empty() {
            return Ok(());
        }
        let filter = LdapFilter::any_of(&guids);
        let attributes = names(&self.query.attributes);
        let search = Search::below(&self.query.context, filter.clone(), &attributes);
        let found = server.handle.collect(search).await.map_err(|error| self.failed(error))?;
        for entry in found {
            self.report(object(entry, &self.query.attributes).map(DirectoryChange::Object)).await?;
        }
        Ok(())
    }

    /// Reports every object.
    async fn report_all(&self, server: &Server) -> Result<(), Stop> {
        self.search(server, &self.query.filter(), false).await
    }

    /// Reports the objects with a higher update sequence number than one, or all.
    async fn report_by_usn(&self, server: &Server, since: Option<u64>) -> Result<(), Stop> {
        match since {
            None => self.report_all(server).await?,
            Some(highest) => {
                let later = LdapFilter::at_least(&USN_CHANGED, highest.saturating_add(1));
                let mut filter = self.query.filter();
                if self.query.include_deleted {
                    filter = filter.or(&LdapFilter::equal(&IS_DELETED, "TRUE"));
                }
                self.search(server, &later.and(&filter), self.query.include_deleted).await?;
            }
        }
        let position = Position::Usn { invocation: server.invocation, highest: server.highest_usn };
        self.checkpoint(position).await
    }

    async fn search(&self, server: &Server, filter: &LdapFilter, deleted: bool) -> Result<(), Stop> {
        let mut attributes = names(&self.query.attributes);
        attributes.push("isDeleted");
        let search = Search::below(&self.query.context, filter.clone(), &attributes);
        let mut found = Box::pin(server.handle.entries(search.with_deleted(deleted)));
        while let Some(entry) = found.try_next().await.map_err(|error| self.failed(error))? {
            let change = match entry.is_true("isDeleted") {
                true => deleted_object(&entry),
                false => object(entry, &self.query.attributes).map(DirectoryChange::Object),
            };
            self.report(change).await?;
        }
        Ok(())
    }

    async fn read(&self, handle: &Arc<ConnectionHandle>, search: Search) -> Result<Option<Entry>> {
        handle.read(search).await.map_err(|error| self.failed(error))
    }

    async fn checkpoint(&self, position: Position) -> Result<(), Stop> {
        let cursor = ChangeCursor::new(&self.query, position);
        self.send(DirectoryChange::Checkpoint(cursor)).await
    }

    async fn send(&self, change: DirectoryChange) -> Result<(), Stop> {
        self.report(Ok(change)).await
    }

    /// Reports a change or an unreadable object.
    async fn report(&self, change: Result<DirectoryChange>) -> Result<(), Stop> {
        self.sender.send(change).await.map_err(|_| Stop::Gone)
    }

    fn failed(&self, error: ExchangeError) -> Error {
        error.during(ACTION).with_object(&self.query.context)
    }
}
