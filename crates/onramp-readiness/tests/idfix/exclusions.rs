use onramp_readiness::idfix::{IdfixCheck, IdfixExclusion as Why, IdfixMode, IdfixScan};

use super::support::{Dedicated, MultiTenant, exclusion, object};

/// Attributes, and the exclusion in multi-tenant and in dedicated mode.
type Row<'a> = (&'a [(&'a str, &'a str)], Option<Why>, Option<Why>);

fn table(rows: &[Row<'_>]) {
    for (given, multi_tenant, dedicated) in rows {
        let object = object(given);
        assert_eq!(exclusion(MultiTenant, &object), *multi_tenant, "multi-tenant {given:?}");
        assert_eq!(exclusion(Dedicated, &object), *dedicated, "dedicated {given:?}");
    }
}

#[test]
fn common_names() {
    for (name, prefix) in [
        ("Administrator", "Admini"),
        ("ADMINISTRATION Berlin", "Admini"),
        ("cas_{123}", "CAS_{"),
        ("DiscoverySearchMailbox {x}", "DiscoverySearchMailbox"),
        ("FederatedEmail.4c1f", "FederatedEmail"),
        ("Guest", "Guest"),
        ("Guestrow, Anna", "Guest"),
        ("guEST", "Guest"),
        ("HTTPConnector", "HTTPConnector"),
        ("KRBTGT_1", "krbtgt"),
        ("IUSR_WEB", "iusr_"),
        ("IWAM", "iwam"),
        ("Msolomon, Kai", "msol"),
        ("SUPPORT_388945a0", "support_"),
        ("SystemMailbox{1}", "SystemMailbox"),
        ("wwioadministrator", "WWIOadmini"),
        ("HealthMailbox-x", "HealthMailbox"),
        ("Exchange Online-ApplicationAccount", "Exchange Online-ApplicationAccount"),
        // Characters without weight do not count.
        ("G\u{ad}uest", "Guest"),
        ("\u{200b}Guest", "Guest"),
    ] {
        let why = Some(Why::WellKnownName(prefix));
        table(&[(&[("cn", name)], why, why)]);
    }
    for name in [
        "Admin",
        "CAS_1",
        "A Guest",
        "Gues",
        "Gu\u{e9}st",
        "support",
        "iusr",
        "Exchange Online",
        "msо1",
        "$a",
        "",
    ] {
        table(&[(&[("cn", name)], None, None)]);
    }
    let computer = Some(Why::AccountOfComputer);
    table(&[
        (&[("cn", "PC1$")], computer, computer),
        (&[("cn", "$")], computer, computer),
        // The first reason counts.
        (&[("cn", "Guest$")], computer, computer),
    ]);
}

#[test]
fn conflicts_of_replication() {
    let conflict = Some(Why::ReplicationConflict);
    table(&[
        (&[("dn", "CN=Anna\\0ACNF:1b2c,OU=x,DC=y")], conflict, conflict),
        (&[("dn", "cn=anna\\0acnf:1b2c,ou=x,dc=y")], conflict, conflict),
        (&[("dn", "CN=a,OU=b\\0ACNF:1b2c,DC=y")], conflict, conflict),
        (&[("dn", "CN=Anna\nCNF:1b2c,DC=y")], conflict, conflict),
        (&[("dn", "CN=Anna\\0ADEL:1b2c,DC=y")], None, None),
        (&[("dn", "CN=CNF:1,DC=y")], None, None),
        // The common name is not looked at.
        (&[("cn", "Anna\\0ACNF:1b2c")], None, None),
    ]);
}

#[test]
fn critical_objects_in_multi_tenant_mode_only() {
    let critical = Some(Why::CriticalSystemObject);
    for value in ["TRUE", "true", " True ", "\0TRUE\0"] {
        table(&[(&[("isCriticalSystemObject", value)], critical, None)]);
    }
    let account = Some(Why::SystemAccountName("CAS_"));
    table(&[(&[("isCriticalSystemObject", "FALSE"), ("sAMAccountName", "CAS_1")], account, None)]);
    for value in ["FALSE", "false", "yes", "1", "", "TRUE x"] {
        table(&[(&[("isCriticalSystemObject", value)], None, None)]);
    }
}

#[test]
fn system_users_in_multi_tenant_mode_only() {
    let account = |prefix| Some(Why::SystemAccountName(prefix));
    let nickname = |prefix| Some(Why::SystemMailNickname(prefix));
    let hidden = Some(Why::HiddenServiceAccount);
    table(&[
        (&[("sAMAccountName", "CAS_1")], account("CAS_"), None),
        (&[("sAMAccountName", "support_1")], account("SUPPORT_"), None),
        (&[("sAMAccountName", "Msol_1")], account("MSOL_"), None),
        (&[("sAMAccountName", "MSOL1")], None, None),
        (&[("sAMAccountName", "xCAS_1")], None, None),
        (&[("mailNickname", "cas_1")], nickname("CAS_"), None),
        (&[("mailNickname", "SystemMailbox{1}")], nickname("SYSTEMMAILBOX"), None),
        (&[("mailNickname", "systemmailboxes")], nickname("SYSTEMMAILBOX"), None),
        (&[("mailNickname", "support_1")], None, None),
        (&[("displayName", "MSOL service"), ("msExchHideFromAddressLists", "TRUE")], hidden, None),
        (&[("displayName", "msolomon"), ("msExchHideFromAddressLists", "TRUE")], hidden, None),
        (&[("displayName", "MSOL"), ("msExchHideFromAddressLists", "FALSE")], None, None),
        (&[("displayName", "MSOL"), ("msExchHideFromAddressLists", "maybe")], None, None),
        (&[("displayName", "MSOL")], None, None),
        (&[("displayName", "Anna"), ("msExchHideFromAddressLists", "TRUE")], None, None),
        (&[("displayName", "-"), ("msExchHideFromAddressLists", "TRUE")], None, None),
        // Exactly the type user.
        (&[("objectClass", "inetOrgPerson"), ("sAMAccountName", "CAS_1")], None, None),
        (&[("objectClass", "contact"), ("mailNickname", "CAS_1")], None, None),
        (&[("objectClass", "User"), ("sAMAccountName", "CAS_1")], account("CAS_"), None),
        // No sAMAccountName is no reason.
        (&[("sAMAccountName", "-")], None, None),
    ]);
}

#[test]
fn recipient_types_never_count() {
    for value in ["4096", "8192", "16384", "4194304", "8388608", "16777216", "536870912", "0x1000"] {
        table(&[(&[("msExchRecipientTypeDetails", value)], None, None)]);
    }
}

#[test]
fn groups_in_multi_tenant_mode_only() {
    let security = Some(Why::SecurityGroupWithoutMail);
    let distribution = Some(Why::DistributionGroupWithoutAddresses);
    let group = ("objectClass", "group");
    table(&[
        (&[group, ("groupType", "-2147483646")], security, None),
        (&[group, ("groupType", "-1")], security, None),
        (&[group, ("groupType", "-2147483646"), ("proxyAddresses", "smtp:a@contoso.com")], security, None),
        (&[group, ("groupType", "-2147483646"), ("mail", "a@contoso.com")], None, None),
        (&[group, ("groupType", "2")], distribution, None),
        (&[group, ("groupType", "0")], distribution, None),
        (&[group, ("groupType", " 8 "), ("mail", "a@contoso.com")], distribution, None),
        (&[group, ("groupType", "8"), ("proxyAddresses", "smtp:a@contoso.com")], None, None),
        // Without a number as type, the test fails, and the group is checked.
        (&[group], None, None),
        (&[group, ("groupType", "x")], None, None),
        (&[("objectClass", "user"), ("groupType", "-1")], None, None),
        (&[("objectClass", "contact"), ("groupType", "-1")], None, None),
    ]);
}

#[test]
fn a_value_that_cannot_be_read_ends_the_tests() {
    table(&[
        (&[("cn", "-"), ("isCriticalSystemObject", "TRUE")], None, None),
        (&[("cn", "-"), ("dn", "CN=a\\0ACNF:1")], None, None),
        (&[("isCriticalSystemObject", "x"), ("sAMAccountName", "CAS_1")], None, None),
    ]);
}

#[test]
fn the_default_filter_is_an_option() {
    let check = |mode: IdfixMode, given: &[(&str, &str)]| {
        let object = object(given);
        assert_ne!(exclusion(mode, &object), Some(Why::OutsideFilter), "off by default");
        IdfixScan::new(mode).with_default_filter(true).check(&object)
            == IdfixCheck::Excluded(Why::OutsideFilter)
    };
    let class = |name| ("objectClass", name);
    let selected: &[&[(&str, &str)]] = &[
        &[],
        &[class("contact")],
        &[class("group")],
        &[class("top"), class("person"), class("organizationalPerson"), class("user"), class("own")],
        &[class("person")],
        &[class("-")],
        &[class("x"), ("objectCategory", "CN=Person,CN=Schema,CN=Configuration,DC=y")],
        &[class("x"), ("objectCategory", "cn=group,CN=Schema")],
        &[class("x"), ("objectCategory", "Group")],
    ];
    for given in selected {
        assert!(!check(MultiTenant, given), "{given:?}");
        assert!(check(Dedicated, given), "no mail: {given:?}");
        let mut with_mail = given.to_vec();
        with_mail.push(("mail", "a@contoso.com"));
        assert!(!check(Dedicated, &with_mail), "{given:?}");
    }
    let outside: &[&[(&str, &str)]] = &[
        &[class("top"), class("organizationalUnit")],
        &[class("top"), class("person"), class("organizationalPerson"), class("user"), class("computer")],
        &[class("user"), ("objectCategory", "CN=Computer,CN=Schema,CN=Configuration,DC=y")],
        &[class("user"), ("objectCategory", "CN=Persons,CN=Schema")],
    ];
    for given in outside {
        let mut given = given.to_vec();
        given.push(("mail", "a@contoso.com"));
        assert!(check(MultiTenant, &given) && check(Dedicated, &given), "{given:?}");
    }
}

#[test]
fn reasons_have_an_id_and_a_text() {
    let reasons = [
        Why::OutsideFilter,
        Why::AccountOfComputer,
        Why::WellKnownName("Guest"),
        Why::ReplicationConflict,
        Why::CriticalSystemObject,
        Why::SystemAccountName("MSOL_"),
        Why::SystemMailNickname("CAS_"),
        Why::HiddenServiceAccount,
        Why::SecurityGroupWithoutMail,
        Why::DistributionGroupWithoutAddresses,
    ];
    let ids: Vec<_> = reasons.iter().map(|reason| reason.id()).collect();
    assert_eq!(
        ids,
        [
            "outside-filter",
            "account-of-computer",
            "well-known-name",
            "replication-conflict",
            "critical-system-object",
            "system-account-name",
            "system-mail-nickname",
            "hidden-service-account",
            "security-group-without-mail",
            "distribution-group-without-addresses",
        ]
    );
    let texts: std::collections::BTreeSet<_> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), reasons.len());
    assert_eq!(
        Why::SystemAccountName("MSOL_").to_string(),
        "the sAMAccountName of the user starts with \"MSOL_\""
    );
}
