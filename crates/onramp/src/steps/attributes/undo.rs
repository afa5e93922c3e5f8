//! The attributes that a run changed, set back to the values before it.

use std::collections::HashMap;

use onramp_core::forest::{ChangeState, ForestObject, ForestUser, ObjectChange, ObjectRef};
use onramp_core::{ObjectGuid, Result, Sid};
use onramp_readiness::attributes::{OBJECT_SID, USER_PRINCIPAL_NAME as UPN};

use super::edited::read_edited;
use super::survey::read;
use super::{SeenObject, TakenValue, taken_back};
use crate::onramp::Onramp;
use crate::plan::{Change, Consequence, ObjectEdit, PlannedChange, attribute_summary, short_digest};
use crate::steps::users;
use crate::survey::Unreadable;
use crate::undo::Undoing;
use crate::user_ref::UserRef;

/// Adds a change for every selected object that still has the values that the run wrote.
pub(crate) async fn undo(undoing: &mut Undoing<'_>) -> Result<()> {
    let (onramp, run) = (undoing.onramp, undoing.run);
    let mut made: Vec<(&PlannedChange, &ObjectEdit)> = (run.made())
        .filter(|planned| !planned.change.is_of_user())
        .filter_map(|planned| Some((planned, planned.change.of_attributes()?)))
        .collect();
    if undoing.is_narrowed() {
        let present = read_names(onramp, made.iter().map(|(_, edit)| edit.guid)).await?;
        let selected = users::select(undoing, &present).await;
        made.retain(|(_, edit)| selected.contains(&edit.guid));
    }
    let seen = read_edited(onramp, made.iter().map(|(_, edit)| *edit)).await?;
    undoing.users_read += seen.iter().filter(|seen| **seen != SeenObject::Missing).count() as u64;
    let first = undoing.draft.changes.len();
    let mut ours: Vec<(&PlannedChange, &ObjectEdit, ForestObject)> = Vec::new();
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
        match run.written_by(planned) {
            Some(later) => undoing.leave(planned, format!("written by the run {later}: undo that one first")),
            None => ours.push((planned, edit, object)),
        }
    }
    let edits: Vec<&ObjectEdit> = ours.iter().map(|(_, edit, _)| *edit).collect();
    let mut unreadable = Unreadable::default();
    let taken = taken_back(onramp, &edits, &mut unreadable).await?;
    for (planned, edit, object) in ours {
        if let Some(TakenValue { attribute, value, holder }) = taken.get(&edit.guid) {
            let what = match *attribute == UPN {
                true => "UPN".to_owned(),
                false => format!("{attribute} {value}"),
            };
            undoing.leave(planned, format!("its {what} from before the run belongs to {holder} now"));
            continue;
        }
        let mut back = edit.reversed();
        back.dn = object.dn.clone();
        undoing.draft.change(Change::ChangeAttributes { object: back }, "the values before the run");
    }
    if unreadable.count > 0 {
        let (count, named, digest) = (unreadable.count, unreadable.named, unreadable.digest);
        undoing.accept(Consequence::ObjectsUnreadable { count, named, digest });
    }
    let changes = undoing.draft.changes.get(first..).unwrap_or_default();
    let renamed: Vec<String> = (changes.iter())
        .filter_map(|planned| planned.change.upn_values())
        .map(|upn| format!("{} {:?} {:?}", upn.guid, upn.before, upn.after))
        .collect();
    let values = users::sample(changes);
    if let Some((count, attributes, digest)) = attribute_summary(changes) {
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

/// Reads the names of objects, as those of users are read: a selection may name any of them.
async fn read_names(
    onramp: &Onramp,
    guids: impl Iterator<Item = ObjectGuid>,
) -> Result<HashMap<ObjectGuid, ForestUser>> {
    let wanted = guids.map(|guid| (Some(ObjectRef::Guid(guid)), vec![UPN, OBJECT_SID])).collect();
    let mut found = HashMap::new();
    for seen in read(onramp, wanted).await? {
        let SeenObject::Found { user: UserRef { guid, dn, sam_account_name }, object } = seen else {
            continue;
        };
        let mut user = ForestUser::new(guid, dn, sam_account_name);
        user.upn = object.text(&UPN).map(str::to_owned);
        let sid = object.values(&OBJECT_SID).first();
        user.sid = sid.and_then(|sid| Sid::from_slice(sid.as_bytes()).ok());
        found.insert(guid, user);
    }
    Ok(found)
}
