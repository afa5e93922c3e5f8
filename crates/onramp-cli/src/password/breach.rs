//! Passwords known from breaches: a store built from a list of hashes, and queries of it.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use onramp_core::{Error, ErrorKind, Result};
use onramp_password::breach::{
    BuildOptions, Builder, HashKind, ListError, Store, StoreError, StoreFile, Summary,
};

/// An open store.
#[derive(Debug)]
pub(super) struct Breaches {
    store: Store<StoreFile>,
    path: PathBuf,
    failed: RefCell<Option<StoreError>>,
}

impl Breaches {
    /// Opens a store.
    ///
    /// # Errors
    /// If the file is missing, damaged or not a store.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = StoreFile::open(path).map_err(|error| failure("open the breach store", path, &error))?;
        let store = Store::open(file).map_err(|error| failure("open the breach store", path, &error))?;
        Ok(Self { store, path: path.to_owned(), failed: RefCell::default() })
    }

    /// Returns true if a password is in the store. If the store cannot be read, returns false, and
    /// [`Breaches::trouble`] returns the error.
    pub(super) fn contains(&self, password: &str) -> bool {
        self.store.contains_password(password).unwrap_or_else(|error| {
            self.failed.replace(Some(error));
            false
        })
    }

    /// Reports and clears the last error of reading the store.
    ///
    /// # Errors
    /// The last error, if there was one since the previous call.
    pub(super) fn trouble(&self) -> Result<()> {
        match self.failed.take() {
            None => Ok(()),
            Some(error) => Err(failure("read the breach store", &self.path, &error)),
        }
    }
}

/// Builds a store from a sorted list of hashes with counts, as Have I Been Pwned publishes them; `-` is standard input.
/// The file gets its name when it is complete.
///
/// # Errors
/// If the list is not sorted or not a list, or a file cannot be read or written.
pub(super) fn build(list: &Path, store: &Path, kind: HashKind, min_count: u32) -> Result<Summary> {
    let reading = |error: &dyn std::fmt::Display| failure("read the list of hashes", list, error);
    let source: Box<dyn BufRead> = if list == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(list).map_err(|error| reading(&error))?))
    };
    let unfinished = store.with_extension("unfinished");
    let writing = |error: &dyn std::fmt::Display| failure("write the breach store", &unfinished, error);
    let sink = BufWriter::new(File::create(&unfinished).map_err(|error| writing(&error))?);
    let built = (|| {
        let mut builder = Builder::new(sink, kind, BuildOptions::new().with_min_count(min_count))?;
        builder.push_list(source)?;
        builder.finish()
    })();
    let (sink, summary) = built.map_err(|error| {
        let _ = fs::remove_file(&unfinished);
        let other = matches!(error, StoreError::List(ListError::OtherKind { .. }));
        let failed = failure("build the breach store from", list, &error);
        match kind {
            HashKind::Ntlm if other => failed.with_hint("Leave out --ntlm."),
            _ if other => failed.with_hint("Say --ntlm."),
            _ => failed,
        }
    })?;
    let file = sink.into_inner().map_err(|error| writing(error.error()))?;
    file.sync_all().map_err(|error| writing(&error))?;
    fs::rename(&unfinished, store).map_err(|error| failure("write the breach store", store, &error))?;
    Ok(summary)
}

fn failure(action: &'static str, path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, action).with_object(path.display()).with_detail(error.to_string())
}
