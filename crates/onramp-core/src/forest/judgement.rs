//! Why a domain controller has another value than the one that was written.

use super::{
    AttributeValue, DomainController, OriginatingWrite, Replication, ReplicationPosition, ValueStamp,
};
use crate::{AttributeName, ObjectGuid};

/// What turned out of one value on one domain controller.
pub(super) enum Judgement {
    /// It is the expected one.
    Held(Option<OriginatingWrite>),
    /// It is, or will be, somebody else's: that value, and where it was seen.
    Overwritten(ValueStamp, String),
    /// It is another one, and everything has arrived.
    Diverged(ValueStamp),
    /// It has not arrived yet, or nothing can be told.
    Lags,
}

/// Judges the values of one domain controller.
pub(super) struct Judge<'a, R: ?Sized> {
    pub(super) port: &'a R,
    pub(super) attribute: &'a AttributeName,
    pub(super) controller: &'a DomainController,
    pub(super) position: &'a ReplicationPosition,
    /// Whether it had every value once.
    pub(super) is_truth: bool,
    /// The domain controller that was written to, unless it is this one, and whether it had every value once.
    pub(super) writer: Option<(&'a DomainController, bool)>,
}

impl<R: Replication + ?Sized> Judge<'_, R> {
    pub(super) async fn judge(&self, guid: &ObjectGuid, expected: Option<&AttributeValue>) -> Judgement {
        let Some(here) = self.stamp(self.controller, guid).await else { return Judgement::Lags };
        if here.exists && here.stamp.value.as_ref() == expected {
            return Judgement::Held(here.stamp.written);
        }
        if self.is_truth {
            return Judgement::Overwritten(here.stamp, self.controller.host.clone());
        }
        let Some((writer, had_all)) = self.writer else { return Judgement::Lags };
        let Some(there) = self.stamp(writer, guid).await else { return Judgement::Lags };
        if !there.exists || there.stamp.value.as_ref() != expected {
            return match had_all {
                true => Judgement::Overwritten(there.stamp, writer.host.clone()),
                false => Judgement::Lags,
            };
        }
        match (here.stamp.written, there.stamp.written) {
            (Some(here_written), Some(written)) if here_written.outranks(&written) => {
                Judgement::Overwritten(here.stamp, self.controller.host.clone())
            }
            // Its vector was read before the value: had the write arrived, the value would show it.
            (_, Some(written)) if self.position.behind(&written.by, written.usn) == Some(0) => {
                Judgement::Diverged(here.stamp)
            }
            _ => Judgement::Lags,
        }
    }

    async fn stamp(&self, controller: &DomainController, guid: &ObjectGuid) -> Option<Seen> {
        match self.port.stamp(controller, guid, self.attribute).await {
            Ok(stamp) => Some(Seen { exists: true, stamp }),
            Err(error) if error.is_not_found() => {
                Some(Seen { exists: false, stamp: ValueStamp::new(None, None) })
            }
            Err(_) => None,
        }
    }
}

/// A value as a domain controller answered it.
struct Seen {
    exists: bool,
    stamp: ValueStamp,
}
