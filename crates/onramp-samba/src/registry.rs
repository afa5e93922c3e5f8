//! The registry of the forests on this machine, which gives each an address range of its own and finds those that are
//! left behind.
//!
//! Each forest has a record file in `/run/onramp-forests`, and its owner keeps a lock on it. The kernel releases the
//! lock when the owner ends, even if it is killed: a record that can be locked has no living owner.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use super::ForestError;
use super::secret::random_bytes;
use super::teardown::teardown;

const FOLDER: &str = "/run/onramp-forests";

/// Address ranges are 198.18.0.0/24 to 198.18.255.0/24: RFC 2544 sets that block aside for test networks.
const RANGES: usize = 256;

/// A forest's place in the registry, given up when dropped.
#[derive(Debug)]
pub(super) struct Claim {
    /// Six hexadecimal digits that occur in the names of everything the forest makes.
    pub(super) id: String,
    /// The third byte of the forest's addresses.
    pub(super) range: u8,
    /// The record file.
    pub(super) record: PathBuf,
    /// The lock on the record, held as long as the forest's owner lives.
    _lock: File,
}

impl Claim {
    /// Removes the forests of dead owners, then takes the lowest free address range for the forest in `folder`.
    pub(super) fn take(folder: &Path) -> Result<Self, ForestError> {
        let _guard = exclusive()?;
        let taken = sweep_locked()?.taken;
        let range = (0..=u8::MAX)
            .find(|range| !taken.contains(range))
            .ok_or(ForestError::NoAddressRange { count: RANGES })?;
        let id: String = random_bytes::<3>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let record = Path::new(FOLDER).join(format!("{id}.json"));
        let doing = || ForestError::io(format!("writing {}", record.display()));
        let file = File::create_new(&record).map_err(doing())?;
        file.lock().map_err(doing())?;
        let content = Record { range, folder: folder.to_owned() };
        serde_json::to_writer(&file, &content).map_err(|error| doing()(error.into()))?;
        Ok(Self { id, range, record, _lock: file })
    }
}

/// Removes the forests whose owners are dead, and returns their number.
///
/// Every new forest does this first, so it is needed only to clean up without starting a forest.
pub fn remove_orphans() -> Result<usize, ForestError> {
    super::programs::check()?;
    let _guard = exclusive()?;
    Ok(sweep_locked()?.removed)
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    range: u8,
    folder: PathBuf,
}

#[derive(Debug, Default)]
struct Swept {
    taken: BTreeSet<u8>,
    removed: usize,
}

/// Locks the registry against other processes until the returned file is dropped.
fn exclusive() -> Result<File, ForestError> {
    let doing = || ForestError::io(format!("locking {FOLDER}"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(FOLDER).map_err(doing())?;
    let lock = File::create(Path::new(FOLDER).join("lock")).map_err(doing())?;
    lock.lock().map_err(doing())?;
    Ok(lock)
}

fn sweep_locked() -> Result<Swept, ForestError> {
    let doing = || ForestError::io(format!("reading {FOLDER}"));
    let mut swept = Swept::default();
    for entry in fs::read_dir(FOLDER).map_err(doing())? {
        let path = entry.map_err(doing())?.path();
        let Some(id) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else {
            continue;
        };
        // A watchdog may remove its record at any moment.
        let Ok(file) = File::open(&path) else { continue };
        let record: Option<Record> = serde_json::from_reader(&file).ok();
        if file.try_lock().is_err() {
            swept.taken.extend(record.map(|record| record.range));
            continue;
        }
        let folder = record.map(|record| record.folder).unwrap_or_default();
        let mut command = teardown(id, &folder, &path);
        command.stdin(Stdio::null()).status().map_err(ForestError::io("removing a dead owner's forest"))?;
        swept.removed += 1;
    }
    Ok(swept)
}
