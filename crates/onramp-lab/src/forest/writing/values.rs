//! The new values of attributes after the steps of a change.

use ldap3_proto::LdapResultCode;

use super::change::{Known, Operation};
use crate::forest::data::controller::NewValues;
use crate::forest::data::dn::Target;
use crate::forest::data::object::Id;
use crate::forest::data::state::{State, Vendor};
use crate::forest::data::text::Comparison;
use crate::forest::data::view::View;
use crate::forest::schema::{Attr, Syntax};
use crate::forest::security::refusal::Refusal;

/// Carries the steps out on the values that are there.
pub(super) fn new_values(
    view: View<'_>,
    id: Id,
    steps: &[Known<'_>],
    permissive: bool,
) -> Result<Vec<NewValues>, Refusal> {
    let mut changes: Vec<NewValues> = Vec::new();
    for step in steps {
        let at = changes.iter().position(|change| change.attr == step.attr);
        let mut change = match at {
            Some(at) => changes.remove(at),
            None => NewValues { attr: step.attr, values: view.values(id, step.attr), raises: 0 },
        };
        apply(view, id, step, &mut change, permissive)?;
        changes.push(change);
    }
    for change in &changes {
        if change.attr.info().single && change.values.len() > 1 {
            return Err(too_many(view, id, change.attr));
        }
    }
    changes.retain(|change| change.raises > 0);
    if view.state.vendor == Vendor::Windows {
        changes.iter_mut().for_each(|change| change.raises = 1);
    }
    Ok(changes)
}

fn apply(
    view: View<'_>,
    id: Id,
    step: &Known<'_>,
    change: &mut NewValues,
    permissive: bool,
) -> Result<(), Refusal> {
    match step.operation {
        Operation::Replace => {
            if change.values != step.values {
                change.values = step.values.to_vec();
                change.raises += 1;
            }
        }
        Operation::Add => {
            for (place, value) in step.values.iter().enumerate() {
                if !change
                    .values
                    .iter()
                    .any(|present| is_duplicate(view.state.comparison, step.attr, present, value))
                {
                    change.values.push(value.clone());
                } else if !permissive {
                    return Err(match step.attr.info().single {
                        true => too_many(view, id, step.attr),
                        false => exists(view, id, step.attr, place),
                    });
                }
            }
            change.raises += 1;
        }
        Operation::Delete if step.values.is_empty() => {
            if change.values.is_empty() && !permissive {
                return Err(missing(view, id, step.attr, "no such attribute for delete"));
            }
            change.values.clear();
            change.raises += 1;
        }
        Operation::Delete => {
            for value in step.values {
                match change
                    .values
                    .iter()
                    .position(|present| matches(view.state.comparison, step.attr, present, value))
                {
                    Some(at) => {
                        change.values.remove(at);
                    }
                    None if permissive => {}
                    None => {
                        let what = "no matching attribute value while deleting attribute";
                        return Err(missing(view, id, step.attr, what));
                    }
                }
            }
            change.raises += 1;
        }
    }
    Ok(())
}

/// Two values of a multi-valued text attribute may differ by case alone.
fn is_duplicate(how: Comparison, attr: Attr, present: &[u8], value: &[u8]) -> bool {
    match attr.info().syntax {
        Syntax::Text if !attr.info().single => present == value,
        _ => matches(how, attr, present, value),
    }
}

fn matches(how: Comparison, attr: Attr, present: &[u8], value: &[u8]) -> bool {
    match attr.info().syntax {
        Syntax::Text | Syntax::Name | Syntax::Dn => how.same(present, value),
        _ => present == value,
    }
}

fn missing(view: View<'_>, id: Id, attr: Attr, what: &str) -> Refusal {
    let message = format!("attribute '{}': {what} on '{}'", attr.name(), view.dn(id));
    Refusal::new(LdapResultCode::NoSuchAttribute, message)
}

fn exists(view: View<'_>, id: Id, attr: Attr, place: usize) -> Refusal {
    let message = format!("attribute '{}': value #{place} on '{}' already exists", attr.name(), view.dn(id));
    Refusal::new(LdapResultCode::AttributeOrValueExists, message)
}

fn too_many(view: View<'_>, id: Id, attr: Attr) -> Refusal {
    let message = format!(
        "0000200D: SINGLE-VALUE attribute {} on {} specified more than once",
        attr.name(),
        view.dn(id)
    );
    Refusal::new(LdapResultCode::AttributeOrValueExists, message)
}

/// Keeps the back-links right after a change of `member` and its like.
pub(crate) fn relink(state: &mut State, at: usize, id: Id, change: &NewValues) {
    if !matches!(change.attr, Attr::MEMBER | Attr::PSO_APPLIES_TO | Attr::SERVER_REFERENCE) {
        return;
    }
    let view = View::new(state, at);
    let named = |value: &Vec<u8>| view.resolve(&Target::parse(std::str::from_utf8(value).ok()?)?);
    let named: Vec<Id> = change.values.iter().filter_map(named).collect();
    for ((_, attr), from) in &mut state.links {
        if *attr == change.attr {
            from.retain(|&other| other != id);
        }
    }
    for target in named {
        state.links.entry((target, change.attr)).or_default().push(id);
    }
}
