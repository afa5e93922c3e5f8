//! Which forests exist on this machine, so that each gets an address range of its own and none is left behind.
//!
//! A record file per forest lies in `/run/onramp-forests`, and its owner keeps a lock on it. The kernel gives the
//! lock up when the owner ends, however it ends: a record that can be locked belongs to nobody any more.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use super::ForestError;
use super::secret::random_bytes;
use super::watchdog;

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
    /// Locked as long as the forest's owner lives.
    _lock: File,
}

impl Claim {
    /// Removes what dead owners left, then takes the lowest free address range for the forest in `folder`.
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

/// Removes the forests whose owners are dead; gives how many there were.
///
/// Every new forest does this first, so that it is needed only to clean up without starting one.
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

/// Holds off every other process that looks at the registry.
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
        let mut teardown = watchdog::teardown(id, &folder, &path);
        teardown.stdin(Stdio::null()).status().map_err(ForestError::io("removing a dead owner's forest"))?;
        swept.removed += 1;
    }
    Ok(swept)
}
