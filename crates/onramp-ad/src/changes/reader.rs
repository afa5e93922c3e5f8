//! Reading what changed since the last time.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use onramp_core::forest::ForestObject;
use onramp_core::{AttributeName, DistinguishedName, Error, ErrorKind, LdapFilter, ObjectGuid, Result};
use tokio::sync::mpsc;

use crate::changes::cursor::{ChangeCursor, ChangeQuery, Position};
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
/// Samba gives all changes in one answer, however many there are. More than this are read anew, page by page.
const MOST_CHANGES: usize = 500_000;
/// So many objects are read at once by their GUIDs; larger filters are answered more slowly.
const TOGETHER: usize = 64;
/// Answers without anything new, before a server is taken to go in circles.
const EMPTY_ANSWERS: u32 = 10_000;

/// What a reader of changes is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectoryChange {
    /// The cursor could not be used, so everything follows once more: what does not come again is gone.
    Restarted {
        /// Why.
        because: String,
    },
    /// An object that is new or changed, as it is now, with those of the requested attributes that it has.
    Object(ForestObject),
    /// An object that was deleted.
    Deleted {
        /// Its GUID.
        guid: ObjectGuid,
        /// Where what is left of it stands.
        dn: DistinguishedName,
    },
    /// Everything up to here is told. Store it with what came before; an interruption repeats what comes after.
    Checkpoint(ChangeCursor),
}

/// Streams the changes of a naming context, as [`AdClient::changes`](crate::AdClient::changes) describes.
pub(crate) fn changes(
    topology: Topology,
    query: ChangeQuery,
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

/// Why a reader ends early.
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
    query: ChangeQuery,
    sender: mpsc::Sender<Result<DirectoryChange>>,
}

/// What a domain controller says of itself.
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
            let because = match (cursor.mismatch(&self.query), cursor.position) {
                (Some(reason), _) => reason.to_owned(),
                (None, Position::DirSync(cookie)) => match self.dir_sync(&server, cookie).await? {
                    Ok(()) => return Ok(()),
                    Err(reason) => reason,
                },
                (None, Position::Usn { invocation, .. }) if invocation != server.invocation => format!(
                    "another domain controller's database answers now ({}, where {invocation} was read)",
                    server.invocation
                ),
                (None, Position::Usn { highest, .. }) => return self.by_usn(&server, Some(highest)).await,
            };
            self.tell(DirectoryChange::Restarted { because }).await?;
        }
        if self.query.dir_sync && server.knows_dir_sync {
            // The cookie comes first: what changes while everything is read is told the next time.
            if let Some(cookie) = self.present(&server).await? {
                self.everything(&server).await?;
                return self.checkpoint(Position::DirSync(cookie)).await;
            }
        }
        self.by_usn(&server, None).await
    }

    async fn server(&self) -> Result<Server> {
        let context = &self.query.context;
        let known = self.topology.context_of(context).await?.is_some_and(|known| known == *context);
        if !known {
            return Err(Error::new(ErrorKind::NotFound, ACTION)
                .with_object(context)
                .with_detail("it is not the head of a naming context of the forest")
                .with_hint("Follow a whole naming context, and narrow it by a filter."));
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
            .ok_or_else(|| unreadable("rootDSE"))?;
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

    /// The cookie of the present moment, got by asking for what no object is; `None` if the server refuses DirSync.
    async fn present(&self, server: &Server) -> Result<Option<Vec<u8>>> {
        let nothing = LdapFilter::present(&OBJECT_CLASS).negate();
        let mut cookie = Vec::new();
        for _ in 0..EMPTY_ANSWERS {
            match self.ask(server, &nothing, &cookie).await {
                Ok((_, true, next)) if next != cookie => cookie = next,
                Ok((_, _, next)) => return Ok(Some(next)),
                Err(error) if matches!(error.delivery, Delivery::Refused(_)) => return Ok(None),
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(None)
    }

    /// Tells what DirSync says; or why its cookie cannot be used.
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
            // Little is left of a deleted object, so that a filter seldom finds it.
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
                Err(error) if error.kind() == ErrorKind::Invalid && error.may_have_happened() => {
                    return Ok(Err(format!("more than {MOST_CHANGES} objects changed")));
                }
                Err(error) => return Err(self.failed(error).into()),
            };
            empty = if entries.is_empty() { empty + 1 } else { 0 };
            let (deleted, changed): (Vec<Entry>, Vec<Entry>) =
                entries.into_iter().partition(|entry| entry.is_true("isDeleted"));
            for batch in changed.chunks(TOGETHER) {
                self.tell_current(server, batch).await?;
            }
            for entry in deleted.iter().filter(|_| self.query.include_deleted) {
                self.tell_of(deleted_object(entry)).await?;
            }
            let goes_on = more && next != cookie && empty < EMPTY_ANSWERS;
            cookie = next;
            self.checkpoint(Position::DirSync(cookie.clone())).await?;
            if !goes_on {
                return Ok(Ok(()));
            }
        }
    }

    /// One DirSync request: the objects that changed, whether there is more, and the next cookie.
    async fn ask(
        &self,
        server: &Server,
        filter: &LdapFilter,
        cookie: &[u8],
    ) -> std::result::Result<(Vec<Entry>, bool, Vec<u8>), ExchangeError> {
        let mut attributes = names(&self.query.attributes);
        // An object that is renamed or moved has another name, or the same one given anew: its new place is told too.
        attributes.extend(["isDeleted", "name"]);
        let search = Search::below(&self.query.context, filter.clone(), &attributes);
        let send = async || {
            let connection = server.handle.connection().await?;
            let request = Exchange::plain(&search).with_control(dir_sync::request(cookie), MOST_CHANGES);
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

    /// Tells some changed objects as they are now. Which attributes DirSync gives of them, and whether it says that one
    /// has no value any more, depends on the server.
    async fn tell_current(&self, server: &Server, changed: &[Entry]) -> Result<(), Stop> {
        let mut guids: Vec<LdapFilter> = Vec::with_capacity(changed.len());
        for entry in changed {
            match entry.guid() {
                Some(guid) => guids.push(LdapFilter::equal_bytes(&OBJECT_GUID, guid.as_bytes())),
                None => self.tell_of(object(entry.clone(), &[]).map(DirectoryChange::Object)).await?,
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
            self.tell_of(object(entry, &self.query.attributes).map(DirectoryChange::Object)).await?;
        }
        Ok(())
    }

    /// Tells every object.
    async fn everything(&self, server: &Server) -> Result<(), Stop> {
        self.search(server, &self.query.filter(), false).await
    }

    /// Tells the objects with a higher update sequence number than one, or all.
    async fn by_usn(&self, server: &Server, since: Option<u64>) -> Result<(), Stop> {
        match since {
            None => self.everything(server).await?,
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
            self.tell_of(change).await?;
        }
        Ok(())
    }

    async fn read(&self, handle: &Arc<ConnectionHandle>, search: Search) -> Result<Option<Entry>> {
        handle.read(search).await.map_err(|error| self.failed(error))
    }

    async fn checkpoint(&self, position: Position) -> Result<(), Stop> {
        let cursor = ChangeCursor::new(&self.query, position);
        self.tell(DirectoryChange::Checkpoint(cursor)).await
    }

    async fn tell(&self, change: DirectoryChange) -> Result<(), Stop> {
        self.tell_of(Ok(change)).await
    }

    /// Tells a change, or that an object could not be understood.
    async fn tell_of(&self, change: Result<DirectoryChange>) -> Result<(), Stop> {
        self.sender.send(change).await.map_err(|_| Stop::Gone)
    }

    fn failed(&self, error: ExchangeError) -> Error {
        error.during(ACTION).with_object(&self.query.context)
    }
}
