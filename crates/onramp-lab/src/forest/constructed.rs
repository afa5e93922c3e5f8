//! Attributes that are computed when somebody asks for them by name.

use super::access::Principal;
use super::dn::Target;
use super::schema::{Attr, Class};
use super::state::{Id, Moment, State};
use super::view::View;

/// Seconds between the start of 1601, from which replication counts, and that of 1970.
const EPOCH_1601: i64 = 11_644_473_600;

/// The values of a constructed attribute.
pub(super) fn values(view: View<'_>, id: Id, attr: Attr, principal: Principal) -> Vec<Vec<u8>> {
    let Some(object) = view.object(id) else { return Vec::new() };
    match attr {
        Attr::ALLOWED_ATTRIBUTES_EFFECTIVE => {
            principal.writable_attributes(object).map(|attr| attr.name().into()).collect()
        }
        Attr::REPL_UP_TO_DATE_VECTOR => up_to_date_vector(view, id).into_iter().collect(),
        Attr::REPL_PROPERTY_META_DATA => property_meta_data(view, id).into_iter().collect(),
        Attr::RESULTANT_PSO => resultant_pso(view, id).map(|pso| view.dn(pso).into()).into_iter().collect(),
        Attr::CANONICAL_NAME => vec![canonical_name(view, id).into()],
        Attr::STRUCTURAL_OBJECT_CLASS => object.class.chain().iter().map(|&name| name.into()).collect(),
        Attr::MS_DS_IS_RODC => match object.class {
            Class::NtdsDsaRo => vec![b"TRUE".to_vec()],
            Class::NtdsDsa => vec![b"FALSE".to_vec()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What this controller has of the others' changes ([MS-DRSR] 5.166, version 2). Only heads of naming contexts have it.
fn up_to_date_vector(view: View<'_>, id: Id) -> Option<Vec<u8>> {
    let context = view.state.contexts.iter().position(|context| context.head == id)?;
    let controller = view.controller()?;
    let others =
        view.state.controllers.iter().enumerate().filter(|(at, other)| *at != view.at && other.writable);
    let others: Vec<_> = others.collect();
    let mut out = Vec::new();
    for word in [2, 0, u32::try_from(others.len()).ok()?, 0] {
        out.extend(word.to_le_bytes());
    }
    for (at, other) in others {
        let seen = controller.seen.get(at).and_then(|seen| seen.get(context)).copied().unwrap_or_default();
        out.extend(other.invocation);
        out.extend(seen.to_le_bytes());
        out.extend(since_1601(view.state.built).to_le_bytes());
    }
    Some(out)
}

/// Versions and origins of the changed attributes ([MS-DRSR] 5.162).
fn property_meta_data(view: View<'_>, id: Id) -> Option<Vec<u8>> {
    let State { controllers, meta, .. } = view.state;
    let mut metas = meta.of(id).to_vec();
    for newer in view.controller()?.overlay.meta.of(id) {
        metas.retain(|(attr, _)| *attr != newer.0);
        metas.push(*newer);
    }
    let mut out = Vec::new();
    for word in [1, 0, u32::try_from(metas.len()).ok()?, 0] {
        out.extend(word.to_le_bytes());
    }
    let local = view.changed(id).0;
    for (attr, meta) in metas {
        let identifier = match attr {
            Attr::USER_PRINCIPAL_NAME => 0x0009_0290,
            other => 0x000a_0000 + u32::from(other.number()),
        };
        out.extend(identifier.to_le_bytes());
        out.extend(meta.version.to_le_bytes());
        out.extend(since_1601(meta.time).to_le_bytes());
        out.extend(controllers.get(meta.origin).map(|origin| origin.invocation).unwrap_or_default());
        out.extend(meta.usn.to_le_bytes());
        out.extend(local.to_le_bytes());
    }
    Some(out)
}

/// The password settings that bind an account: those linked to the account itself come before those of its groups, and among
/// equals the lowest precedence wins.
fn resultant_pso(view: View<'_>, id: Id) -> Option<Id> {
    if !view.object(id)?.class.is_account() {
        return None;
    }
    let applied = |id: Id| view.state.links.get(&(id, Attr::PSO_APPLIES_TO)).cloned().unwrap_or_default();
    let precedence = |pso: &Id| {
        let text = view.text(*pso, Attr::PSO_PRECEDENCE);
        text.and_then(|text| text.parse::<i64>().ok()).unwrap_or(i64::MAX)
    };
    let own = applied(id).into_iter().min_by_key(precedence);
    own.or_else(|| {
        let mut groups = view.state.links.get(&(id, Attr::MEMBER)).cloned().unwrap_or_default();
        groups.extend(primary_group(view, id));
        groups.into_iter().flat_map(applied).min_by_key(precedence)
    })
}

fn primary_group(view: View<'_>, id: Id) -> Option<Id> {
    let rid: u32 = view.text(id, Attr::PRIMARY_GROUP_ID)?.parse().ok()?;
    let mut sid = view.value(id, Attr::OBJECT_SID)?;
    let at = sid.len().checked_sub(4)?;
    sid.get_mut(at..)?.copy_from_slice(&rid.to_le_bytes());
    view.resolve(&Target::Sid(sid))
}

/// `corp.local/Staff/Sales/Anna Smith`.
fn canonical_name(view: View<'_>, id: Id) -> String {
    let mut parts = Vec::new();
    let mut at = id;
    while let Some(object) = view.object(at) {
        if object.class == Class::DomainDns {
            let domain = object.attrs.values(Attr::DNS_ROOT).next().unwrap_or_default();
            parts.push(String::from_utf8_lossy(domain).into_owned());
            break;
        }
        parts.push(String::from_utf8_lossy(object.rdn_value()).replace('/', "\\/"));
        at = object.parent;
    }
    parts.reverse();
    match parts.as_slice() {
        [domain] => format!("{domain}/"),
        parts => parts.join("/"),
    }
}

fn since_1601(moment: Moment) -> i64 {
    moment / 1_000_000_000 + EPOCH_1601
}
