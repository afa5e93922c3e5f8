//! The database: its file, its tables and its errors.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

/// `application_id` of the database: "Onrm".
const APPLICATION: i64 = 0x4F6E_726D;
/// `user_version`: the version of the tables.
const VERSION: i64 = 1;
/// The time for which a program waits while another one writes.
const BUSY: Duration = Duration::from_secs(10);

const TABLES: &str = "
    CREATE TABLE plan (
        place INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        author TEXT NOT NULL,
        saved_at INTEGER NOT NULL,
        lines BLOB NOT NULL
    ) STRICT;
    CREATE TABLE approval (
        place INTEGER PRIMARY KEY,
        digest TEXT NOT NULL REFERENCES plan (digest),
        approval TEXT NOT NULL
    ) STRICT;
    CREATE INDEX approval_of_plan ON approval (digest, place);
    CREATE TABLE journal (
        place INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        epoch INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE record (
        journal INTEGER NOT NULL REFERENCES journal (place),
        number INTEGER NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (journal, number)
    ) STRICT, WITHOUT ROWID;
";

/// A SQLite database with plans and journals.
///
/// A clone uses the same connection. Several programs may have the same file open. The methods run on threads of the tokio
/// runtime for blocking work, and panic without one.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

impl SqliteStore {
    /// Opens a database, or creates it for its owner only.
    ///
    /// # Errors
    /// `Invalid` if the file is no database, or one of another program or of a newer version; `InUse` if another program
    /// writes it for longer than ten seconds; errors of the file system.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        blocking("open the database", move || {
            let failed = |error| failed("open the database", &path, &error);
            onramp_files::open_private(&path).map_err(|error| {
                Error::new(ErrorKind::Unavailable, "open the database")
                    .with_object(path.display())
                    .with_detail(error.to_string())
            })?;
            let mut connection = Connection::open(&path).map_err(failed)?;
            prepare(&mut connection, &path)?;
            Ok(Self { path: path.clone(), connection: Arc::new(Mutex::new(connection)) })
        })
        .await
    }

    /// Reads from the database.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        blocking(action, move || {
            let connection = this.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection).map_err(|error| failed(action, &this.path, &error))
        })
        .await
    }

    /// Writes to the database: all of it, or nothing if the work fails.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, WorkError> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        blocking(action, move || {
            let failed = |error: rusqlite::Error| failed(action, &this.path, &error);
            let mut connection = this.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            let value = work(&transaction).map_err(|error| match error {
                WorkError::Database(error) => failed(error),
                WorkError::Refused(error) => error,
            })?;
            transaction.commit().map_err(failed)?;
            Ok(value)
        })
        .await
    }
}

/// An error inside a transaction, which undoes it.
#[derive(Debug)]
pub(crate) enum WorkError {
    Database(rusqlite::Error),
    Refused(Error),
}

impl From<rusqlite::Error> for WorkError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for WorkError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<()> {
    let failed = |error| failed("open the database", path, &error);
    let invalid = |detail: String| {
        Error::new(ErrorKind::Invalid, "open the database")
            .with_object(path.display())
            .with_detail(detail)
            .with_hint("Nothing in it was changed. Choose another file.")
    };
    connection.busy_timeout(BUSY).map_err(failed)?;
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, version) =
        (number("application_id").map_err(failed)?, number("user_version").map_err(failed)?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    match (application, version) {
        (APPLICATION, VERSION) => {}
        (APPLICATION, newer) if newer > VERSION => {
            return Err(invalid(format!("it is of version {newer}; this program reads version {VERSION}")));
        }
        (0, 0) if tables == 0 => {}
        _ => return Err(invalid("it is the database of another program".to_owned())),
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another program may have created the tables meanwhile.
    let made: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if made == 0 {
        transaction.execute_batch(TABLES).map_err(failed)?;
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        transaction.pragma_update(None, "user_version", VERSION).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// Runs blocking work on a thread for such work.
async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Unavailable, action).with_detail(error.to_string()))
    })
}

fn failed(action: &str, path: &Path, error: &rusqlite::Error) -> Error {
    let (kind, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::InUse, "Another program writes to it. Try again.")
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            (ErrorKind::Invalid, "Choose another file, or restore this one from a backup.")
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::Unavailable, "Free space, then run again to continue."),
        _ => (ErrorKind::Unavailable, "Check the file and its folder, then run again to continue."),
    };
    Error::new(kind, action).with_object(path.display()).with_detail(error.to_string()).with_hint(hint)
}
