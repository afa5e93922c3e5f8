//! Reading what changed since the last time.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use onramp_core::forest::ForestObject;
use onramp_core::{AttributeName, DistinguishedName, Error, ErrorKind, LdapFilter, ObjectGuid, Result};
use tokio::sync::mpsc;

use crate::client::AdClient;
use crate::reading::base::Base;
use crate::reading::change_cursor::{ChangeCursor, ChangeQuery, Position};
use crate::reading::dir_sync::{self, DIR_SYNC};
use crate::reading::entry::Entry;
use crate::reading::object::{identity, names, object};
use crate::reading::page::Request;
use crate::reading::search::{Search, is_worth_repeating};
use crate::wire::fault::{Fate, Fault};
use crate::wire::link::Link;

const ACTION: &str = "read the changes of";
const OBJECT_GUID: AttributeName = AttributeName::from_static("objectGUID");
const OBJECT_CLASS: AttributeName = AttributeName::from_static("objectClass");
const IS_DELETED: AttributeName = AttributeName::from_static("isDeleted");
pub(crate) const USN_CHANGED: AttributeName = AttributeName::from_static("uSNChanged");
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

impl AdClient {
    /// What changed in a naming context since a cursor; without one, everything. The last item is the new cursor.
    ///
    /// The DirSync control is used where the domain controller has it, with the rights of an ordinary account; else
    /// `uSNChanged` of one domain controller, which starts anew when another one answers or its database was restored. A
    /// change made while this reads may be told again the next time, and none is left out.
    ///
    /// # Errors
    /// `NotFound` if the naming context is none of the forest's; those of reading. An object that could not be understood
    /// is an `Unreadable` item, after which the stream goes on. It ends after its first other error, and goes on from the
    /// cursor before it when called again.
    pub fn changes(
        &self,
        query: ChangeQuery,
        since: Option<ChangeCursor>,
    ) -> BoxStream<'static, Result<DirectoryChange>> {
        let client = self.clone();
        let (out, told) = mpsc::channel(256);
        let reading = async move {
            let reader = Reader { client, query, out };
            if let Err(Stop::Error(error)) = Box::pin(reader.run(since)).await {
                let _ = reader.out.send(Err(error)).await;
            }
        };
        // The reader runs as long as somebody listens, and only then.
        let told = stream::unfold(told, |mut told| async move { told.recv().await.map(|item| (item, told)) });
        let reading = stream::once(reading).filter_map(|()| std::future::ready(None));
        stream::select(told, reading).boxed()
    }
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
    client: AdClient,
    query: ChangeQuery,
    out: mpsc::Sender<Result<DirectoryChange>>,
}

/// What a domain controller says of itself.
struct Server {
    link: Arc<Link>,
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
        let known = self.client.context_of(context).await?.is_some_and(|known| known == *context);
        if !known {
            return Err(Error::new(ErrorKind::NotFound, ACTION)
                .with_object(context)
                .with_detail("it is not the head of a naming context of the forest")
                .with_hint("Follow a whole naming context, and narrow it by a filter."));
        }
        let link = self.client.server_of(context).await?;
        let attributes = ["supportedControl", "highestCommittedUSN", "dsServiceName"];
        let unreadable = |what: &str| {
            Error::new(ErrorKind::Invalid, ACTION)
                .with_object(context)
                .with_detail(format!("{} does not show its {what} to this account", link.host()))
        };
        let root = self
            .read(&link, Search::object(Base::Root, &attributes))
            .await?
            .ok_or_else(|| unreadable("rootDSE"))?;
        let settings = root.text("dsServiceName").ok_or_else(|| unreadable("dsServiceName"))?;
        let settings = link.name(&settings).map_err(|fault| fault.during(ACTION).with_object(context))?;
        let settings = self.read(&link, Search::object(&settings, &["invocationId"])).await?;
        let invocation = settings.and_then(|entry| ObjectGuid::from_slice(entry.bytes("invocationId")?).ok());
        Ok(Server {
            knows_dir_sync: root.all_texts("supportedControl").any(|control| control == DIR_SYNC),
            highest_usn: root.usn("highestCommittedUSN").ok_or_else(|| unreadable("highestCommittedUSN"))?,
            invocation: invocation.ok_or_else(|| unreadable("invocationId"))?,
            link,
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
                Err(fault) if matches!(fault.fate, Fate::Refused(_)) => return Ok(None),
                Err(fault) => return Err(self.failed(fault)),
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
                Err(fault) if matches!(fault.fate, Fate::Refused(1 | 2 | 12 | 53 | 80)) => {
                    return Ok(Err(format!(
                        "the domain controller does not accept the cursor: {}",
                        self.failed(fault)
                    )));
                }
                Err(fault) if fault.kind() == ErrorKind::Invalid && fault.may_have_happened() => {
                    return Ok(Err(format!("more than {MOST_CHANGES} objects changed")));
                }
                Err(fault) => return Err(self.failed(fault).into()),
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
    ) -> std::result::Result<(Vec<Entry>, bool, Vec<u8>), Fault> {
        let mut attributes = names(&self.query.attributes);
        // An object that is renamed or moved has another name, or the same one given anew: its new place is told too.
        attributes.extend(["isDeleted", "name"]);
        let search = Search::below(&self.query.context, filter.clone(), &attributes);
        let send = async || {
            let connection = server.link.connection().await?;
            let request = Request::plain(&search).with_control(dir_sync::request(cookie), MOST_CHANGES);
            request.send(&connection, &server.link.settings).await
        };
        let answer = match send().await {
            Err(fault) if is_worth_repeating(&fault) => send().await?,
            answer => answer?,
        };
        let (more, next) = dir_sync::answer(&answer.controls)
            .ok_or_else(|| Fault::malformed(server.link.host(), "a DirSync answer without a cookie"))?;
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
        let found = server.link.collect(search).await.map_err(|fault| self.failed(fault))?;
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
        let mut found = Box::pin(server.link.entries(search.with_deleted(deleted)));
        while let Some(entry) = found.try_next().await.map_err(|fault| self.failed(fault))? {
            let change = match entry.is_true("isDeleted") {
                true => deleted_object(&entry),
                false => object(entry, &self.query.attributes).map(DirectoryChange::Object),
            };
            self.tell_of(change).await?;
        }
        Ok(())
    }

    async fn read(&self, link: &Arc<Link>, search: Search) -> Result<Option<Entry>> {
        link.read(search).await.map_err(|fault| self.failed(fault))
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
        self.out.send(change).await.map_err(|_| Stop::Gone)
    }

    fn failed(&self, fault: Fault) -> Error {
        fault.during(ACTION).with_object(&self.query.context)
    }
}
