//! Changes to objects, refused for the same reasons and with the same codes as Active Directory refuses them.

use ldap3_proto::LdapResultCode;

use super::change::{Change, Known, Step};
use super::rules::{check_account_names, check_values};
use super::values::{new_values, relink};
use crate::forest::data::controller::Controller;
use crate::forest::data::dn::Target;
use crate::forest::data::object::{Id, UnixNanos};
use crate::forest::data::state::State;
use crate::forest::data::view::View;
use crate::forest::schema::Attr;
use crate::forest::security::access::Principal;
use crate::forest::security::refusal::Refusal;

/// Makes a change on one controller, entirely or not at all.
pub(crate) fn modify(
    state: &mut State,
    at: usize,
    principal: Principal,
    change: &Change,
    now: UnixNanos,
) -> Result<(), Refusal> {
    if principal.is_anonymous() {
        return Err(Refusal::not_bound());
    }
    let view = View::new(state, at);
    let target = Target::parse(&change.target).ok_or_else(|| Refusal::invalid_dn(&change.target))?;
    let id = view.resolve(&target).ok_or_else(|| Refusal::no_such_object(&change.target))?;
    refer_to_holder(view, id, &target)?;
    refer_to_writable(view, id)?;
    let steps = known_steps(view, id, change)?;
    allow(view, id, principal, &steps)?;
    check_account_names(view, id, &steps)?;
    check_values(view, id, &steps)?;
    let changes = new_values(view, id, &steps, change.permissive)?;
    if !changes.is_empty() {
        let relinks = changes.clone();
        state.originate(at, id, changes, now);
        relinks.iter().for_each(|change| relink(state, at, id, change));
    }
    Ok(())
}

/// A controller sends those who name an object of another domain there. By GUID it does not find it.
fn refer_to_holder(view: View<'_>, id: Id, target: &Target) -> Result<(), Refusal> {
    let Some(object) = view.object(id).filter(|object| !view.holds(object.context)) else { return Ok(()) };
    match (target, view.domain_of(object)) {
        (Target::Dn(_), Some(domain)) => Err(Refusal::elsewhere(domain.dns.as_str(), &view.dn(id))),
        _ => Err(Refusal::no_such_object(&view.dn(id))),
    }
}

/// A read-only controller sends writers to a writable one of its domain.
fn refer_to_writable(view: View<'_>, id: Id) -> Result<(), Refusal> {
    if view.controller().is_none_or(|controller| controller.writable) {
        return Ok(());
    }
    let domain = view.controller().map(|controller| controller.domain);
    let serves = |controller: &&Controller| controller.writable && Some(controller.domain) == domain;
    let writable = view.state.controllers.iter().find(serves);
    let mut refusal =
        Refusal::new(LdapResultCode::Referral, "0000202B: RefErr: this controller is read-only");
    refusal.referral.extend(writable.map(|writable| format!("ldap://{}/{}", writable.host, view.dn(id))));
    Err(refusal)
}

fn known_steps<'a>(view: View<'_>, id: Id, change: &'a Change) -> Result<Vec<Known<'a>>, Refusal> {
    let known = |step: &'a Step| match Attr::named(&step.attr) {
        Some(attr) => Ok(Known { operation: step.operation, attr, values: &step.values }),
        None => Err(Refusal::new(
            LdapResultCode::NoSuchAttribute,
            format!(
                "acl_modify: attribute '{}' on entry '{}' was not found in the schema!",
                step.attr,
                view.dn(id)
            ),
        )),
    };
    change.steps.iter().map(known).collect()
}

fn allow(view: View<'_>, id: Id, principal: Principal, steps: &[Known<'_>]) -> Result<(), Refusal> {
    let Some(object) = view.object(id) else { return Ok(()) };
    if steps.iter().all(|step| principal.may_write(object, step.attr)) {
        return Ok(());
    }
    Err(Refusal::new(
        LdapResultCode::InsufficentAccessRights,
        format!("00002098: Object {} has no write property access", view.dn(id)),
    ))
}
