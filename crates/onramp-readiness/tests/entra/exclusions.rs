//! Excluded objects and the reasons.

use onramp_core::Sid;
use onramp_core::forest::AttributeValue;
use onramp_readiness::{DirectoryObject, EntraRules, Profile, ReadinessRules, attributes as a};

use crate::{contact, group, scan, user, with};

fn reason(object: &DirectoryObject) -> Option<String> {
    EntraRules::new(&Profile::entra()).unwrap().exclusion(object).map(|exclusion| exclusion.id.into_owned())
}

fn sid(object: DirectoryObject, sid: &str) -> DirectoryObject {
    let mut object = object;
    object.set(a::OBJECT_SID, vec![AttributeValue::bytes(Sid::parse(sid).unwrap().to_bytes())]);
    object
}

#[test]
fn nobody_is_left_out_for_a_name() {
    for name in [
        "Guest, Edgar",
        "Administrator-Müller",
        "Msolomon",
        "support_team",
        "krbtgt-fan",
        "iusr_x",
        "CAS_x",
        "HealthMailbox Helper",
    ] {
        let object = with(user(name), &a::SAM_ACCOUNT_NAME, &["x"]);
        assert_eq!(reason(&object), None, "{name}");
    }
}

#[test]
fn each_reason_is_told() {
    let conflict = {
        let object =
            DirectoryObject::new("CN=Anna\\0ACNF:0d1b0d1b-0000-0000-0000-000000000001,DC=corp,DC=local");
        object.with_text(a::OBJECT_CLASS, "user")
    };
    let computer =
        with(user("pc1"), &a::OBJECT_CLASS, &["top", "person", "organizationalPerson", "user", "computer"]);
    let gmsa = with(user("g"), &a::OBJECT_CLASS, &["user", "computer", "msDS-GroupManagedServiceAccount"]);
    let unit = with(user("ou"), &a::OBJECT_CLASS, &["top", "organizationalUnit"]);
    let domain = "S-1-5-21-1-2-3";
    let distribution = with(group("List"), &a::GROUP_TYPE, &["2"]);
    for (object, expected) in [
        (conflict, Some("replication-conflict")),
        (computer, Some("class")),
        (gmsa, Some("class")),
        (unit, Some("class")),
        (sid(user("Administrator"), &format!("{domain}-500")), Some("well-known-sid")),
        (sid(user("Gast"), &format!("{domain}-501")), Some("well-known-sid")),
        (sid(user("krbtgt"), &format!("{domain}-502")), Some("well-known-sid")),
        (sid(group("Domänen-Admins"), &format!("{domain}-512")), Some("well-known-sid")),
        (sid(group("Administratoren"), "S-1-5-32-544"), Some("well-known-sid")),
        (sid(user("anna"), &format!("{domain}-1105")), None),
        (sid(user("anna"), &format!("{domain}-5000")), None),
        (with(user("x"), &a::IS_CRITICAL_SYSTEM_OBJECT, &["TRUE"]), Some("critical-system-object")),
        (with(user("x"), &a::IS_CRITICAL_SYSTEM_OBJECT, &["FALSE"]), None),
        (with(user("x"), &a::SAM_ACCOUNT_NAME, &["MSOL_0123456789ab"]), Some("service-account")),
        (with(user("x"), &a::SAM_ACCOUNT_NAME, &["AAD_0123456789ab"]), Some("service-account")),
        (with(user("x"), &a::SAM_ACCOUNT_NAME, &["SUPPORT_388945a0"]), Some("service-account")),
        (with(user("x"), &a::SAM_ACCOUNT_NAME, &["CAS_{0123}"]), Some("system-mailbox")),
        (with(user("x"), &a::SAM_ACCOUNT_NAME, &["CAS_{0123"]), None),
        (with(user("x"), &a::MAIL_NICKNAME, &["SystemMailbox{1f05}"]), Some("system-mailbox")),
        (with(user("x"), &a::MAIL_NICKNAME, &["SystemMailboxTeam"]), None),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["4096"]), Some("recipient-type")),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["8192"]), Some("recipient-type")),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["16384"]), Some("recipient-type")),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["4194304"]), Some("recipient-type")),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["8388608"]), Some("recipient-type")),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["16777216"]), Some("recipient-type")),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["536870912"]), Some("recipient-type")),
        (with(group("x"), &a::RECIPIENT_TYPE_DETAILS, &["1073741824"]), Some("recipient-type")),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["1"]), None),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["2147483648"]), None),
        (with(user("x"), &a::RECIPIENT_TYPE_DETAILS, &["0x1000"]), None),
        (distribution.clone(), Some("distribution-group-without-mail")),
        (with(distribution, &a::MAIL, &["list@contoso.com"]), None),
        (with(group("x"), &a::GROUP_TYPE, &["-2147483646"]), None),
        (group("x"), None),
        (
            with(with(contact("x"), &a::DISPLAY_NAME, &["MSOL x"]), &a::HIDE_FROM_ADDRESS_LISTS, &["TRUE"]),
            Some("service-account"),
        ),
        (with(contact("x"), &a::DISPLAY_NAME, &["MSOL x"]), None),
    ] {
        assert_eq!(reason(&object).as_deref(), expected, "{object:?}");
    }
}

#[test]
fn the_excluded_are_reported_and_not_judged_and_hold_their_values() {
    let critical = with(user("anna"), &a::IS_CRITICAL_SYSTEM_OBJECT, &["TRUE"]);
    let critical = with(critical, &a::DISPLAY_NAME, &[" bad "]);
    let other = with(user("bob"), &a::USER_PRINCIPAL_NAME, &["anna@contoso.com"]);
    let result = scan([critical, other]);
    assert_eq!(result.objects, 2);
    assert_eq!(result.excluded.len(), 1);
    assert_eq!(result.excluded[0].0.dn, "CN=anna,OU=Staff,DC=corp,DC=local");
    let rules: Vec<_> = result.findings.iter().map(|f| (f.rule.as_str(), f.object.dn.as_str())).collect();
    assert_eq!(
        rules,
        [
            ("duplicate-upn", "CN=anna,OU=Staff,DC=corp,DC=local"),
            ("duplicate-upn", "CN=bob,OU=Staff,DC=corp,DC=local")
        ]
    );
    let keeper = result.findings[0].holders.iter().find(|holder| holder.keeps).unwrap();
    assert_eq!(
        keeper.object.dn, "CN=bob,OU=Staff,DC=corp,DC=local",
        "synchronization does not take the other"
    );
}

#[test]
fn the_loser_of_a_replication_conflict_is_a_finding() {
    let object = DirectoryObject::new("CN=Anna\\0ACNF:0d1b0d1b-0000-0000-0000-000000000001,DC=corp,DC=local")
        .with_text(a::OBJECT_CLASS, "user")
        .with_text(a::USER_PRINCIPAL_NAME, "anna@contoso.com");
    let result = scan([object, user("Anna")]);
    let rules: Vec<_> = result.findings.iter().map(|f| f.rule.as_str()).collect();
    assert!(rules.contains(&"replication-conflict"), "{rules:?}");
    assert!(rules.contains(&"duplicate-upn"), "{rules:?}");
    assert_eq!(result.excluded.len(), 1);
}
