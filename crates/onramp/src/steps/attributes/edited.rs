//! The objects of edits, read again.

use onramp_core::Result;
use onramp_core::forest::{ChangeState, ObjectChange, ObjectRef};

use super::SeenObject;
use super::survey::read;
use crate::onramp::Onramp;
use crate::plan::ObjectEdit;

/// Reads the objects of edits, with the attributes that they change.
pub(crate) async fn read_edited(
    onramp: &Onramp,
    edits: impl Iterator<Item = &ObjectEdit>,
) -> Result<Vec<SeenObject>> {
    let wanted = edits.map(|edit| {
        let attributes = edit.attributes.iter().map(|edit| edit.attribute.clone()).collect();
        (Some(ObjectRef::Guid(edit.guid)), attributes)
    });
    read(onramp, wanted.collect()).await
}

/// Returns the objects that do not have the values of their edits, each with the difference.
pub(crate) async fn differences(onramp: &Onramp, edits: &[&ObjectEdit]) -> Result<Vec<String>> {
    let seen = read_edited(onramp, edits.iter().copied()).await?;
    let mut wrong = Vec::new();
    for (edit, seen) in edits.iter().zip(&seen) {
        match seen {
            SeenObject::Found { object, .. } => {
                let change = ObjectChange::from(*edit);
                if change.state(object) != ChangeState::After {
                    // The values that were wanted, and not those before.
                    let wanted = ObjectChange::from(&edit.reversed());
                    wrong.push(format!("{}: {}", object.dn, wanted.difference(object)));
                }
            }
            SeenObject::Missing => wrong.push(format!("{} no longer exists or cannot be read", edit.dn)),
        }
    }
    Ok(wrong)
}
