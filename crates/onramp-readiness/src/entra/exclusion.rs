//! The objects that synchronization leaves out by itself.
//!
//! Source: "Microsoft Entra Connect Sync: Understand the default configuration", the filters of the rules "In from AD".

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, Sid};

use crate::attributes as a;
use crate::{DirectoryObject, Exclusion, ObjectKind};

/// The recipient types that the default rules filter, as a mask: public folder, system attendant, system mailbox,
/// Microsoft Exchange, arbitration, mailbox plan and discovery mailboxes.
const SYSTEM_RECIPIENTS: u64 = 0x21C0_7000;
/// The recipient type of a role group.
const ROLE_GROUP: u64 = 0x4000_0000;
/// The bit of `groupType` for a group that can have permissions.
const SECURITY_ENABLED: i64 = 0x8000_0000;

/// Accounts and groups of every domain, by the last part of their SID ("Well-known SIDs", \[MS-DTYP\] 2.4.2.4).
const WELL_KNOWN_RIDS: &[(u32, &str)] = &[
    (500, "the built-in administrator"),
    (501, "the built-in guest account"),
    (502, "krbtgt, the account of the Kerberos service"),
    (503, "the default account that Windows manages"),
    (512, "Domain Admins"),
    (513, "Domain Users"),
    (514, "Domain Guests"),
    (515, "Domain Computers"),
    (516, "Domain Controllers"),
    (517, "Cert Publishers"),
    (518, "Schema Admins"),
    (519, "Enterprise Admins"),
    (520, "Group Policy Creator Owners"),
    (521, "Read-only Domain Controllers"),
    (522, "Cloneable Domain Controllers"),
    (525, "Protected Users"),
    (526, "Key Admins"),
    (527, "Enterprise Key Admins"),
    (553, "RAS and IAS Servers"),
    (571, "Allowed RODC Password Replication Group"),
    (572, "Denied RODC Password Replication Group"),
];

pub(super) fn of(object: &DirectoryObject) -> Option<Exclusion> {
    let is_true = |attribute: &AttributeName| {
        object.text(attribute).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    };
    if object.dn().contains("\\0ACNF:") || object.dn().contains("\nCNF:") {
        return Some(Exclusion::new(
            "replication-conflict",
            "the loser of a replication conflict (CNF:), which synchronization leaves out",
        ));
    }
    if let Some(class) = other_class(object) {
        return Some(Exclusion::new(
            "class",
            format!("an object of the class “{class}”, not a user, group or contact"),
        ));
    }
    if let Some(name) = well_known(object) {
        return Some(Exclusion::new("well-known-sid", format!("{name}, known by its SID")));
    }
    if is_true(&a::IS_CRITICAL_SYSTEM_OBJECT) {
        return Some(Exclusion::new(
            "critical-system-object",
            "an object of Windows itself (isCriticalSystemObject)",
        ));
    }
    let kind = ObjectKind::of(object);
    let recipient = object.text(&a::RECIPIENT_TYPE_DETAILS).and_then(|text| text.trim().parse::<u64>().ok());
    if let Some(kind) = recipient.filter(|kind| kind & (SYSTEM_RECIPIENTS | ROLE_GROUP) != 0) {
        return Some(Exclusion::new(
            "recipient-type",
            format!("a system object of Exchange (msExchRecipientTypeDetails is {kind})"),
        ));
    }
    let starts = |attribute: &AttributeName, prefix: &str| {
        object
            .text(attribute)
            .and_then(|text| text.get(..prefix.len()))
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let is_template = |attribute: &AttributeName| {
        starts(attribute, "CAS_{") && object.text(attribute).is_some_and(|text| text.contains('}'))
    };
    match kind {
        ObjectKind::User => {
            if ["SUPPORT_388945a0", "MSOL_", "AAD_"].iter().any(|prefix| starts(&a::SAM_ACCOUNT_NAME, prefix))
            {
                return Some(Exclusion::new(
                    "service-account",
                    "an account of Windows or of synchronization itself, by its sAMAccountName",
                ));
            }
            if is_template(&a::SAM_ACCOUNT_NAME)
                || is_template(&a::MAIL_NICKNAME)
                || starts(&a::MAIL_NICKNAME, "SystemMailbox{")
            {
                return Some(Exclusion::new(
                    "system-mailbox",
                    "a system mailbox of Exchange, by its alias or sAMAccountName",
                ));
            }
        }
        ObjectKind::Group => {
            if starts(&a::SAM_ACCOUNT_NAME, "MSOL_AD_Sync_RichCoexistence") {
                return Some(Exclusion::new("service-account", "a group of synchronization itself"));
            }
            let group_type = object.text(&a::GROUP_TYPE).and_then(|text| text.trim().parse::<i64>().ok());
            let is_security = group_type.is_none_or(|kind| kind < 0 || kind & SECURITY_ENABLED != 0);
            if !is_security
                && object.values(&a::MAIL).is_empty()
                && object.values(&a::PROXY_ADDRESSES).is_empty()
            {
                return Some(Exclusion::new(
                    "distribution-group-without-mail",
                    "a distribution group without a mail address",
                ));
            }
        }
        ObjectKind::Contact => {
            if starts(&a::DISPLAY_NAME, "MSOL") && is_true(&a::HIDE_FROM_ADDRESS_LISTS) {
                return Some(Exclusion::new("service-account", "a contact of synchronization itself"));
            }
        }
    }
    None
}

/// The class of an object that is none of those that are judged. Computers are users by class, too.
fn other_class(object: &DirectoryObject) -> Option<&str> {
    const JUDGED: [&str; 7] =
        ["user", "group", "contact", "inetOrgPerson", "person", "organizationalPerson", "orgContact"];
    const MACHINES: [&str; 2] = ["computer", "msDS-ManagedServiceAccount"];
    let class = object.class()?;
    let mut is_judged = false;
    for name in object.values(&a::OBJECT_CLASS).iter().filter_map(AttributeValue::as_text) {
        if MACHINES.iter().any(|machine| machine.eq_ignore_ascii_case(name)) {
            return Some(class);
        }
        is_judged = is_judged || JUDGED.iter().any(|judged| judged.eq_ignore_ascii_case(name));
    }
    (!is_judged).then_some(class)
}

fn well_known(object: &DirectoryObject) -> Option<&'static str> {
    let value = object.values(&a::OBJECT_SID).first()?;
    let sid = value
        .as_text()
        .and_then(|text| Sid::parse(text).ok())
        .or_else(|| Sid::from_slice(value.as_bytes()).ok())?;
    let rid = sid.rid()?;
    let known = WELL_KNOWN_RIDS.iter().find(|(known, _)| *known == rid).map(|(_, name)| *name);
    let is_builtin = |text: &str| text.starts_with("S-1-5-32-");
    match known {
        Some(name) if sid.to_string().starts_with("S-1-5-21-") => Some(name),
        // The groups of the built-in domain have RIDs from 544 to 582.
        _ if rid < 1000 && is_builtin(&sid.to_string()) => Some("a built-in group of Windows"),
        _ => None,
    }
}
