//! Attributes that are computed when somebody asks for them by name.

use onramp_core::ObjectGuid;
use time::OffsetDateTime;

use crate::forest::data::controller::Controller;
use crate::forest::data::dn::Target;
use crate::forest::data::object::{Id, Meta, UnixNanos};
use crate::forest::data::state::{ContextKind, Vendor};
use crate::forest::data::view::{FIRST_USN, View};
use crate::forest::schema::subschema;
use crate::forest::schema::{Attr, Class, Source};
use crate::forest::security::access::Principal;

/// Seconds between the start of 1601, from which replication counts, and that of 1970.
const EPOCH_1601: i64 = 11_644_473_600;

/// Returns the values of a constructed attribute.
pub(crate) fn values(view: View<'_>, id: Id, attr: Attr, principal: Principal) -> Vec<Vec<u8>> {
    let Some(object) = view.object(id) else { return Vec::new() };
    match attr {
        Attr::ALLOWED_ATTRIBUTES_EFFECTIVE => {
            principal.writable_attributes(object).map(|attr| attr.name().into()).collect()
        }
        Attr::REPL_UP_TO_DATE_VECTOR if view.state.vectors_hidden => Vec::new(),
        Attr::REPL_UP_TO_DATE_VECTOR => up_to_date_vector(view, id).into_iter().collect(),
        Attr::NC_REPL_CURSORS if tells_in_xml(view, principal) => {
            cursors(view, id).unwrap_or_default().iter().map(|cursor| cursor.xml().into_bytes()).collect()
        }
        Attr::REPL_ATTRIBUTE_META_DATA if tells_in_xml(view, principal) => attribute_meta_data(view, id),
        Attr::REPL_PROPERTY_META_DATA => property_meta_data(view, id).into_iter().collect(),
        Attr::RESULTANT_PSO => resultant_pso(view, id).map(|pso| view.dn(pso).into()).into_iter().collect(),
        Attr::CANONICAL_NAME => vec![canonical_name(view, id).into()],
        Attr::CREATE_TIME_STAMP => view.values(id, Attr::WHEN_CREATED),
        Attr::MODIFY_TIME_STAMP => view.values(id, Attr::WHEN_CHANGED),
        Attr::SUB_SCHEMA_SUB_ENTRY => subschema_entry(view).into_iter().collect(),
        Attr::ATTRIBUTE_TYPES if object.class == Class::SubSchema => {
            subschema::attribute_types().map(String::into_bytes).collect()
        }
        Attr::OBJECT_CLASSES if object.class == Class::SubSchema => {
            subschema::object_classes().map(String::into_bytes).collect()
        }
        Attr::STRUCTURAL_OBJECT_CLASS => object.class.chain().iter().map(|&name| name.into()).collect(),
        Attr::MS_DS_IS_RODC => match object.class {
            Class::NtdsDsaRo => vec![b"TRUE".to_vec()],
            Class::NtdsDsa => vec![b"FALSE".to_vec()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The progress of a controller with the changes of another.
pub(crate) struct Cursor {
    pub(crate) invocation: [u8; 16],
    pub(crate) usn: u64,
    /// The last time at which they were in step, if the product reports it.
    pub(crate) in_step: Option<UnixNanos>,
    dsa: String,
}

impl Cursor {
    fn xml(&self) -> String {
        format!(
            "<DS_REPL_CURSOR>\n\t<uuidSourceDsaInvocationID>{}</uuidSourceDsaInvocationID>\n\
             \t<usnAttributeFilter>{}</usnAttributeFilter>\n\
             \t<ftimeLastSyncSuccess>{}</ftimeLastSyncSuccess>\n\
             \t<pszSourceDsaDN>{}</pszSourceDsaDN>\n</DS_REPL_CURSOR>\n",
            ObjectGuid::from_bytes(self.invocation),
            self.usn,
            rfc3339(self.in_step.unwrap_or_default()),
            self.dsa,
        )
    }
}

/// Returns the progress with the changes of the other controllers. Only heads of naming contexts have it.
pub(crate) fn cursors(view: View<'_>, id: Id) -> Option<Vec<Cursor>> {
    let context = view.state.contexts.iter().position(|context| context.head == id)?;
    let controller = view.controller()?;
    let others = view.state.controllers.iter().enumerate();
    // A domain's naming context is in the domain's controllers only.
    let of_a_domain = view.state.domains.iter().any(|domain| usize::from(domain.context) == context);
    let holds = |other: &Controller| !of_a_domain || usize::from(other.domain) == context;
    let others = others.filter(|(at, other)| *at != view.at && other.writable && holds(other));
    let tells_times = view.state.vendor == Vendor::Windows;
    let cursors = others.map(|(at, other)| Cursor {
        invocation: other.invocation,
        usn: controller.seen.get(at).and_then(|seen| seen.get(context)).copied().unwrap_or_default(),
        in_step: controller.in_step.get(at).copied().filter(|_| tells_times),
        dsa: view.dn(other.dsa),
    });
    Some(cursors.collect())
}

/// The same in binary ([MS-DRSR] 5.166, version 2).
fn up_to_date_vector(view: View<'_>, id: Id) -> Option<Vec<u8>> {
    let cursors = cursors(view, id)?;
    let mut out = Vec::new();
    for word in [2, 0, u32::try_from(cursors.len()).ok()?, 0] {
        out.extend(word.to_le_bytes());
    }
    for cursor in cursors {
        out.extend(cursor.invocation);
        out.extend(cursor.usn.to_le_bytes());
        // Samba writes the start of 1970, and in another unit.
        out.extend(cursor.in_step.map_or(116_444_736_000_000_000, since_1601).to_le_bytes());
    }
    Some(out)
}

/// Returns the origin of an attribute; `None` if it was never written. The first controller is the origin of the
/// initial values.
pub(crate) fn written(view: View<'_>, id: Id, attr: Attr) -> Option<Meta> {
    let changed = view.controller()?.overlay.meta.get(id, attr).or_else(|| view.state.meta.get(id, attr));
    changed.copied().or_else(|| {
        view.object(id)?.attrs.values(attr).next()?;
        Some(Meta { version: 1, time: view.state.built, origin: 0, usn: FIRST_USN + u64::from(id) })
    })
}

fn all_written(view: View<'_>, id: Id) -> Vec<(Attr, Meta)> {
    Attr::all()
        .filter(|attr| matches!(attr.info().source, Source::Stored | Source::System))
        .filter_map(|attr| Some((attr, written(view, id, attr)?)))
        .collect()
}

/// Versions and origins of the attributes ([MS-DRSR] 5.162).
fn property_meta_data(view: View<'_>, id: Id) -> Option<Vec<u8>> {
    let metas = all_written(view, id);
    let mut out = Vec::new();
    for word in [1, 0, u32::try_from(metas.len()).ok()?, 0] {
        out.extend(word.to_le_bytes());
    }
    let local = view.changed(id).0;
    for (attr, meta) in metas {
        let identifier = match attr {
            Attr::USER_PRINCIPAL_NAME => 0x0009_0290,
            Attr::UPN_SUFFIXES => 0x0009_037A,
            other => 0x000a_0000 + u32::from(other.number()),
        };
        out.extend(identifier.to_le_bytes());
        out.extend(meta.version.to_le_bytes());
        out.extend(since_1601(meta.time).to_le_bytes());
        out.extend(
            view.state.controllers.get(meta.origin).map(|origin| origin.invocation).unwrap_or_default(),
        );
        out.extend(meta.usn.to_le_bytes());
        out.extend(local.to_le_bytes());
    }
    Some(out)
}

/// The same as XML, one value for each attribute.
fn attribute_meta_data(view: View<'_>, id: Id) -> Vec<Vec<u8>> {
    let local = view.changed(id).0;
    let xml = |(attr, meta): (Attr, Meta)| {
        let origin = view.state.controllers.get(meta.origin);
        let identity = origin.map(|origin| origin.invocation).unwrap_or_default();
        format!(
            "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>{}</pszAttributeName>\n\
             \t<dwVersion>{}</dwVersion>\n\
             \t<ftimeLastOriginatingChange>{}</ftimeLastOriginatingChange>\n\
             \t<uuidLastOriginatingDsaInvocationID>{}</uuidLastOriginatingDsaInvocationID>\n\
             \t<usnOriginatingChange>{}</usnOriginatingChange>\n\
             \t<usnLocalChange>{local}</usnLocalChange>\n</DS_REPL_ATTR_META_DATA>\n",
            attr.name(),
            meta.version,
            rfc3339(meta.time),
            ObjectGuid::from_bytes(identity),
            meta.usn,
        )
    };
    all_written(view, id).into_iter().map(|written| xml(written).into_bytes()).collect()
}

/// Returns true if replication state comes as XML: on Windows, for those who may monitor replication.
fn tells_in_xml(view: View<'_>, principal: Principal) -> bool {
    view.state.vendor == Vendor::Windows && principal.is_administrator()
}

/// Returns the password settings that bind an account: those linked to the account itself come before those of its groups, and among
/// equals the lowest precedence wins.
pub(crate) fn resultant_pso(view: View<'_>, id: Id) -> Option<Id> {
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

/// Returns the entry with the schema of the object.
fn subschema_entry(view: View<'_>) -> Option<Vec<u8>> {
    let schema = view.state.contexts.iter().find(|context| context.kind == ContextKind::Schema)?;
    let entry =
        view.state.find_child(schema.head, Attr::CN.name(), &subschema::COMMON_NAME.to_lowercase())?;
    Some(view.dn(entry).into_bytes())
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

fn since_1601(moment: UnixNanos) -> i64 {
    moment / 1_000_000_000 + EPOCH_1601
}

/// `2026-01-01T00:00:00Z`.
fn rfc3339(moment: UnixNanos) -> String {
    let time = OffsetDateTime::from_unix_timestamp(moment.div_euclid(1_000_000_000)).ok();
    let text = time.and_then(|time| time.format(&time::format_description::well_known::Rfc3339).ok());
    text.unwrap_or_default()
}
