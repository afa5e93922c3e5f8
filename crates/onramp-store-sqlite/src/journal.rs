//! A journal in the database.

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use onramp::{Journal, JournalRecord, JournalState};
use onramp_core::{BoxStream, Error, ErrorKind, Result};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::SqliteStore;

/// The length of the records that are kept in memory without a flush.
const BUFFER: usize = 256 * 1024;
/// The number of records that are read at once.
const AT_ONCE: i64 = 1000;

/// A journal in a [`SqliteStore`].
///
/// It has one writer: the last one that called [`Journal::open`]. Whoever opened it before is refused with `Stale`, in the same
/// program or in another one.
#[derive(Debug)]
pub struct SqliteJournal {
    store: SqliteStore,
    name: String,
    /// The epoch in which the records of the buffer were appended.
    epoch: u64,
    buffer: Vec<String>,
    buffered: usize,
}

impl SqliteStore {
    /// Returns the journal of a name, such as that of a run. It is created when a run opens it.
    #[must_use]
    pub fn journal(&self, name: impl Into<String>) -> SqliteJournal {
        SqliteJournal { store: self.clone(), name: name.into(), epoch: 0, buffer: Vec::new(), buffered: 0 }
    }

    /// Returns the names of the journals, the newest first.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn journals(&self) -> Result<Vec<String>> {
        self.read("list the journals in", |connection| {
            let mut query = connection.prepare("SELECT name FROM journal ORDER BY place DESC")?;
            query.query_map([], |row| row.get(0))?.collect()
        })
        .await
    }
}

impl SqliteJournal {
    /// Returns the name of the journal.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn forget(&mut self) {
        self.buffer.clear();
        self.buffered = 0;
    }

    /// Stores the buffered records in one transaction, if the epoch is still that of this writer.
    async fn commit(&mut self) -> Result<()> {
        let (name, epoch, records) = (self.name.clone(), self.epoch, self.buffer.clone());
        let stored = self
            .store
            .write("write the journal in", move |transaction| {
                let (journal, current) = find(transaction, &name)?.unwrap_or_default();
                check_epoch(current, epoch)?;
                let last: i64 = transaction.query_row(
                    "SELECT coalesce(max(number), 0) FROM record WHERE journal = ?1",
                    [journal],
                    |row| row.get(0),
                )?;
                let mut insert = transaction.prepare("INSERT INTO record VALUES (?1, ?2, ?3)")?;
                for (record, number) in records.iter().zip(last + 1..) {
                    insert.execute(params![journal, number, record])?;
                }
                Ok(())
            })
            .await;
        match &stored {
            Err(error) if error.kind() != ErrorKind::Stale => {}
            _ => self.forget(),
        }
        stored
    }
}

/// Returns the key of a journal and its epoch, if it exists.
fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<(i64, u64)>> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
    connection.query_row("SELECT place, epoch FROM journal WHERE name = ?1", [name], read).optional()
}

fn check_epoch(current: u64, epoch: u64) -> Result<()> {
    if current == epoch {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Stale, "write the journal")
        .with_detail(format!("it was opened again by another run (epoch {current}, not {epoch})"))
        .with_hint("That run continues. Stop this one."))
}

fn parse(record: &str, number: i64) -> Result<JournalRecord> {
    serde_json::from_str(record).map_err(|error| {
        Error::new(ErrorKind::Invalid, "read the journal")
            .with_detail(format!("record {number} is not a valid journal record: {error}"))
    })
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn open(&mut self) -> Result<JournalState> {
        self.forget();
        let name = self.name.clone();
        let state = self
            .store
            .write("open the journal in", move |transaction| {
                transaction.execute(
                    "INSERT INTO journal (name, epoch) VALUES (?1, 0) ON CONFLICT DO NOTHING",
                    [&name],
                )?;
                let (journal, epoch) = find(transaction, &name)?.unwrap_or_default();
                let mut state = JournalState::default();
                let mut query =
                    transaction.prepare("SELECT record FROM record WHERE journal = ?1 ORDER BY number")?;
                let mut rows = query.query([journal])?;
                while let Some(row) = rows.next()? {
                    if let Ok(record) = serde_json::from_str(row.get_ref(0)?.as_str().unwrap_or_default()) {
                        state.add(&record);
                    }
                }
                let next = epoch.max(state.epoch) + 1;
                transaction.execute(
                    "UPDATE journal SET epoch = ?2 WHERE place = ?1",
                    params![journal, i64::try_from(next).unwrap_or(i64::MAX)],
                )?;
                Ok(state.with_epoch(next))
            })
            .await?;
        self.epoch = state.epoch;
        Ok(state)
    }

    async fn append(&mut self, epoch: u64, records: &[JournalRecord]) -> Result<()> {
        check_epoch(self.epoch, epoch)?;
        let name = self.name.clone();
        let found = self.store.read("read the epoch of the journal in", move |c| find(c, &name)).await?;
        check_epoch(found.map_or(0, |(_, current)| current), epoch).inspect_err(|_| self.forget())?;
        for record in records {
            let record = serde_json::to_string(record).map_err(|error| {
                Error::new(ErrorKind::Invalid, "write the journal").with_detail(error.to_string())
            })?;
            self.buffered += record.len();
            self.buffer.push(record);
        }
        if self.buffered >= BUFFER { self.commit().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        self.commit().await
    }

    fn read_all(&self) -> BoxStream<'static, Result<JournalRecord>> {
        let (store, name) = (self.store.clone(), self.name.clone());
        let read = move |after: i64| {
            let (store, name) = (store.clone(), name.clone());
            async move {
                let page = move |connection: &Connection| {
                    let mut query = connection.prepare(
                        "SELECT number, record FROM record
                         WHERE journal = (SELECT place FROM journal WHERE name = ?1) AND number > ?2
                         ORDER BY number LIMIT ?3",
                    )?;
                    let rows = query.query_map(params![name, after, AT_ONCE], |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
                    })?;
                    rows.collect::<rusqlite::Result<Vec<(i64, String)>>>()
                };
                let page = store.read("read the journal in", page).await?;
                let last = page.last().map(|(number, _)| *number);
                Ok::<_, Error>(last.map(|last| {
                    let records = page.into_iter().map(|(number, record)| parse(&record, number));
                    (stream::iter(records), last)
                }))
            }
        };
        stream::try_unfold(0, read).try_flatten().boxed()
    }
}
