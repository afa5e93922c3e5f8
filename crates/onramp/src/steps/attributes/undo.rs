//! The attributes that a run changed, set back to the values before it.

use onramp_core::Result;
use onramp_core::Upn;
use onramp_core::forest::{ChangeState, ObjectChange, ObjectRef};

use super::SeenObject;
use super::planning::summary;
use super::survey::read;
use crate::onramp::Onramp;
use crate::plan::{Change, Consequence, ObjectEdit, PlannedChange, short_digest};
use crate::steps::users;
use crate::undo::Undoing;

/// Adds a change for every object that still has the values that the run wrote.
pub(crate) async fn undo(undoing: &mut Undoing<'_>) -> Result<()> {
    let (onramp, run) = (undoing.onramp, undoing.run);
    let made: Vec<(&PlannedChange, &ObjectEdit)> =
        run.made().filter_map(|planned| Some((planned, planned.change.of_attributes()?))).collect();
    let seen = read_edited(onramp, made.iter().map(|(_, edit)| *edit)).await?;
    undoing.users_read += seen.iter().filter(|seen| **seen != SeenObject::Missing).count() as u64;
    let first = undoing.draft.changes.len();
    // In reverse: a value that one object gave up and another one took is given back first.
    for ((planned, edit), seen) in made.into_iter().zip(seen).rev() {
        let SeenObject::Found { object, .. } = seen else {
            undoing.leave(planned, "the object no longer exists or cannot be read");
            continue;
        };
        let change = ObjectChange::from(edit);
        match change.state(&object) {
            ChangeState::Before => continue,
            ChangeState::After => {}
            ChangeState::Neither => {
                // In words of the undo: the values of the run were expected.
                let back = ObjectChange::from(&edit.reversed());
                undoing.leave(planned, format!("changed again since the run: {}", back.difference(&object)));
                continue;
            }
        }
        if let Some(later) = run.written_by(planned) {
            undoing.leave(planned, format!("written by the run {later}: undo that one first"));
            continue;
        }
        if let Some(holder) = taken(onramp, planned).await? {
            undoing.leave(planned, format!("its UPN from before the run belongs to {holder} now"));
            continue;
        }
        let mut back = edit.reversed();
        back.dn = object.dn.clone();
        undoing.draft.change(Change::ChangeAttributes { object: back }, "the values before the run");
    }
    let changes = undoing.draft.changes.get(first..).unwrap_or_default();
    let renamed: Vec<String> = (changes.iter())
        .filter_map(|planned| planned.change.upn_values())
        .map(|upn| format!("{} {:?} {:?}", upn.guid, upn.before, upn.after))
        .collect();
    let values = users::sample(changes);
    if let Some((count, attributes, digest)) = summary(changes) {
        undoing.accept(Consequence::AttributesRestored { count, attributes, digest });
    }
    if !renamed.is_empty() {
        let (count, digest) = (renamed.len() as u64, short_digest(renamed));
        undoing.accept(Consequence::UsersRestored { count, digest });
    }
    if !values.is_empty() {
        undoing.await_replication(values, "users may sign in at any domain controller");
    }
    Ok(())
}

/// Returns the object that has the UPN now that a change replaced, if another one has it.
async fn taken(onramp: &Onramp, planned: &PlannedChange) -> Result<Option<String>> {
    let Some(values) = planned.change.upn_values() else { return Ok(None) };
    let Some(upn) = values.before.and_then(|upn| Upn::parse(upn).ok()) else { return Ok(None) };
    match onramp.forest.objects.get(&ObjectRef::Upn(upn), &[]).await {
        Ok(holder) => Ok((holder.guid != values.guid).then(|| holder.dn.to_string())),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the objects of edits, with the attributes that they change.
pub(super) async fn read_edited(
    onramp: &Onramp,
    edits: impl Iterator<Item = &ObjectEdit>,
) -> Result<Vec<SeenObject>> {
    let wanted = edits.map(|edit| {
        let attributes = edit.attributes.iter().map(|edit| edit.attribute.clone()).collect();
        (Some(ObjectRef::Guid(edit.guid)), attributes)
    });
    read(onramp, wanted.collect()).await
}
