//! The diagnosis of a value that is not the expected one.

use onramp_core::forest::{
    AttributeValue, DomainController, OriginatingWrite, ReplicationMetadata, ReplicationPosition, ValueStamp,
};
use onramp_core::{AttributeName, ObjectGuid};

/// The diagnosis of one attribute value on one domain controller.
pub(super) enum Diagnosis {
    /// The expected value.
    Held(Option<OriginatingWrite>),
    /// Another value, which has won or will win, and the domain controller that has it.
    Overwritten(ValueStamp, String),
    /// Another value, although everything has arrived.
    Diverged(ValueStamp),
    /// A value that has not arrived yet, or that cannot be read.
    Lags,
}

/// The inputs for diagnoses of values on one domain controller.
pub(super) struct Diagnostics<'a> {
    pub(super) metadata: &'a dyn ReplicationMetadata,
    pub(super) attribute: &'a AttributeName,
    pub(super) controller: &'a DomainController,
    pub(super) position: &'a ReplicationPosition,
    /// True if this domain controller had every value once.
    pub(super) is_truth: bool,
    /// The domain controller that was written to, unless it is this one, and true if it had every value once.
    pub(super) writer: Option<(&'a DomainController, bool)>,
}

impl Diagnostics<'_> {
    pub(super) async fn diagnose(&self, guid: &ObjectGuid, expected: Option<&AttributeValue>) -> Diagnosis {
        let Some(here) = self.stamp(self.controller, guid).await else { return Diagnosis::Lags };
        if here.exists && here.stamp.value.as_ref() == expected {
            return Diagnosis::Held(here.stamp.written);
        }
        if self.is_truth {
            return Diagnosis::Overwritten(here.stamp, self.controller.host.clone());
        }
        let Some((writer, had_all)) = self.writer else { return Diagnosis::Lags };
        let Some(there) = self.stamp(writer, guid).await else { return Diagnosis::Lags };
        if !there.exists || there.stamp.value.as_ref() != expected {
            return match had_all {
                true => Diagnosis::Overwritten(there.stamp, writer.host.clone()),
                false => Diagnosis::Lags,
            };
        }
        match (here.stamp.written, there.stamp.written) {
            (Some(here_written), Some(written)) if here_written.wins_over(&written) => {
                Diagnosis::Overwritten(here.stamp, self.controller.host.clone())
            }
            // Its vector was read before the value: had the write arrived, the value would show it.
            (_, Some(written)) if self.position.behind(&written.by, written.usn) == Some(0) => {
                Diagnosis::Diverged(here.stamp)
            }
            _ => Diagnosis::Lags,
        }
    }

    async fn stamp(&self, controller: &DomainController, guid: &ObjectGuid) -> Option<Seen> {
        match self.metadata.stamp(controller, guid, self.attribute).await {
            Ok(stamp) => Some(Seen { exists: true, stamp }),
            Err(error) if error.is_not_found() => {
                Some(Seen { exists: false, stamp: ValueStamp::new(None, None) })
            }
            Err(_) => None,
        }
    }
}

/// A value as read from a domain controller.
struct Seen {
    exists: bool,
    stamp: ValueStamp,
}
