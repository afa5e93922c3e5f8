//! The state of a scan, from which the next one goes on: the objects as they were judged, and where to go on reading.
//!
//! A scan with a state judges all objects again, and reads only what changed: [`ScanState`] gives the objects back,
//! [`StateChanges`] puts the changes into them, and [`StateWriter`] writes the state of the next scan, one object after the other.
//!
//! ```
//! use onramp_core::tenant::TenantUser;
//! use onramp_readiness::state::{ScanState, StateChanges, StateContainer, StateRecord, StateSource, StateWriter};
//! use onramp_readiness::{DirectoryObject, ObjectGuid};
//! # use time::OffsetDateTime;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let anna = ObjectGuid::from_bytes([1; 16]);
//! let staff = StateContainer::new(ObjectGuid::from_bytes([2; 16]), "OU=Staff,DC=corp,DC=local".parse()?);
//! let mut writer = StateWriter::new(Vec::new())?;
//! writer.write(&StateRecord::Container(staff.clone()))?;
//! writer.write(&StateRecord::Object(DirectoryObject::new("CN=Anna,OU=Staff,DC=corp,DC=local").with_guid(anna)))?;
//! let source = StateSource::new("DC=corp,DC=local", "the GUID of the domain", "CORP\\reader", "a cursor".into());
//! let file = writer.finish(vec![source], OffsetDateTime::UNIX_EPOCH)?;
//!
//! // Before the next scan the organizational unit got another name, and nothing else was read.
//! let state = ScanState::read(file.as_slice())?;
//! let mut changes = StateChanges::since(&state);
//! changes.container(StateContainer::new(staff.guid, "OU=People,DC=corp,DC=local".parse()?));
//! let mut merge = changes.merge();
//! for record in state.records(file.as_slice()) {
//!     if let Some(StateRecord::Object(object)) = merge.record(record?)? {
//!         assert_eq!(object.dn(), "CN=Anna,OU=People,DC=corp,DC=local");
//!     }
//! }
//! assert_eq!(merge.rest().count(), 0, "no object is new");
//! # Ok(())
//! # }
//! ```

mod changes;
mod error;
mod reader;
mod record;
mod writer;

pub use changes::{StateChanges, StateMerge};
pub use error::StateError;
pub use reader::ScanState;
pub use record::{StateContainer, StateRecord, StateSource};
pub use writer::StateWriter;

/// The version of the format.
const FORMAT_VERSION: u32 = 1;
/// The name of the format.
const FORMAT: &str = "onramp-readiness-state";
