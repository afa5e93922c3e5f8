use onramp_readiness::idfix::IdfixScan;

use super::support::{Dedicated, NO_SPACE, WHITE_SPACE, deletes, expand, findings, object, rows, table};

#[test]
fn display_name() {
    table(
        Dedicated,
        "displayName",
        &[],
        &[
            ("Anna", "", ""),
            ("⟨a*256⟩", "", ""),
            ("⟨a*257⟩", "Length", "⟨a*256⟩"),
            (" Anna", "Character", "Anna"),
            ("Anna ", "Character", "Anna"),
            ("\u{3000}Anna Berg\t\n", "Character", "Anna Berg"),
            ("\u{200b}Anna", "", ""),
            ("   ", "Character", "Test"),
            // The cut leaves white space at the end.
            ("⟨a*255⟩ b", "Length, Character", "⟨a*255⟩"),
            ("", "", ""),
        ],
    );
    for c in WHITE_SPACE.chars() {
        let value = format!("{c}a{c}");
        assert_eq!(
            rows(Dedicated, "displayName", &object(&[("displayName", &value)])),
            ["Character | a | EDIT"]
        );
    }
    for c in NO_SPACE.chars() {
        let value = format!("{c}a{c}");
        assert!(rows(Dedicated, "displayName", &object(&[("displayName", &value)])).is_empty(), "{c:?}");
    }
}

#[test]
fn display_name_of_a_group_may_not_be_missing() {
    let group = [("objectClass", "group")];
    table(Dedicated, "displayName", &group, &[("", "Blank", "Test"), ("a", "", "")]);
    let missing = |class: &str, cn: &str| {
        rows(Dedicated, "displayName", &object(&[("objectClass", class), ("displayName", "-"), ("cn", cn)]))
    };
    assert_eq!(missing("group", "Test"), ["Blank | Test | EDIT"]);
    assert_eq!(missing("Group", "⟨c*255⟩"), [expand("Blank | ⟨c*255⟩ | EDIT")]);
    assert_eq!(missing("group", "⟨c*256⟩"), [expand("Blank | ⟨c*255⟩ | EDIT")]);
    assert!(missing("user", "Test").is_empty());
    assert!(missing("contact", "Test").is_empty());
    // A common name of nothing leaves nothing.
    let spaces = object(&[("objectClass", "group"), ("displayName", " "), ("cn", "")]);
    assert_eq!(rows(Dedicated, "displayName", &spaces), ["Character, Blank | - | EDIT"]);
}

#[test]
fn mail() {
    table(
        Dedicated,
        "mail",
        &[],
        &[
            ("anna@contoso.com", "", ""),
            ("anna @contoso.com", "Character", "anna@contoso.com"),
            ("an\u{a0}na@contoso.com\n", "Character", "anna@contoso.com"),
            ("anna@contoso.local", "TopLevelDomain", "="),
            ("anna", "DomainPart, LocalPart, Format", "="),
            ("o'hara@contoso.com", "", ""),
            ("jürgen@contoso.com", "LocalPart", "jrgen@contoso.com"),
            ("smtp:anna@contoso.com", "", ""),
            ("⟨a*244⟩@contoso.com", "", ""),
            ("⟨a*245⟩@contoso.com", "Length", "⟨a*245⟩@contoso.co"),
            (" ", "Character, DomainPart, LocalPart, Format", "Test"),
            ("", "DomainPart, LocalPart, Format", "-"),
        ],
    );
    deletes(Dedicated, "mail", ("a", "b@contoso.com"), WHITE_SPACE, "!#$%&'*+/=?^_`{|}~-.");
    assert!(rows(Dedicated, "mail", &object(&[])).is_empty());
}

#[test]
fn mail_nickname() {
    table(
        Dedicated,
        "mailNickname",
        &[],
        &[
            ("anna", "", ""),
            ("", "", ""),
            ("⟨a*64⟩", "", ""),
            ("⟨a*65⟩", "Length", "⟨a*64⟩"),
            ("an na", "Character", "anna"),
            ("@@", "Character", "Test"),
            ("⟨a*63⟩@b", "Length, Character", "⟨a*63⟩"),
            // The check of dots never reports anything.
            (".anna", "", ""),
            ("anna.", "", ""),
            ("...", "", ""),
        ],
    );
    let bad = format!("{WHITE_SPACE}\\!#$%&*+/=?^`{{}}|~<>()';:,[]\"@");
    deletes(Dedicated, "mailNickname", ("a", "b"), &bad, &format!("{NO_SPACE}.-_äÄ😀"));
}

#[test]
fn mail_nickname_of_a_contact_is_composed() {
    let composed = |given: &[(&str, &str)]| {
        let mut attributes = vec![("objectClass", "contact"), ("mail", "a@contoso.com")];
        attributes.extend_from_slice(given);
        rows(Dedicated, "mailNickname", &object(&attributes))
    };
    let name = [("givenName", "Anna"), ("sn", "Berg")];
    assert_eq!(composed(&name), ["Blank | Anna.Berg | EDIT"]);
    assert_eq!(composed(&[("givenName", "Anna")]), ["Blank | Anna | EDIT"]);
    assert_eq!(composed(&[("sn", "Berg")]), ["Blank | Berg | EDIT"]);
    assert_eq!(composed(&[("givenName", ""), ("sn", "Berg")]), ["Blank | Berg | EDIT"]);
    assert_eq!(composed(&[("givenName", "Anna"), ("sn", "")]), ["Blank | Anna. | EDIT"]);
    assert_eq!(composed(&[("sAMAccountName", "annab")]), ["Blank | annab | EDIT"]);
    assert_eq!(composed(&[("sn", ""), ("sAMAccountName", "annab")]), ["Blank | annab | EDIT"]);
    assert_eq!(composed(&[("sn", "Berg"), ("sAMAccountName", "annab")]), ["Blank | Berg | EDIT"]);
    assert_eq!(composed(&[("sAMAccountName", "")]), ["Blank | - | EDIT"]);
    assert_eq!(composed(&[]), ["Blank | Test | EDIT"]);
    assert_eq!(composed(&[("mailNickname", ""), ("sn", "Berg")]), ["Blank | Berg | EDIT"]);
    // Neither cut nor cleaned.
    assert_eq!(composed(&[("givenName", "A na"), ("sn", "⟨b*90⟩")]), [expand("Blank | A na.⟨b*90⟩ | EDIT")]);
    assert!(composed(&[("mailNickname", "anna")]).is_empty());
    for class in ["user", "group"] {
        let object = object(&[("objectClass", class), ("givenName", "Anna")]);
        assert!(rows(Dedicated, "mailNickname", &object).is_empty(), "{class}");
    }
}

#[test]
fn proxy_addresses() {
    table(
        Dedicated,
        "proxyAddresses",
        &[],
        &[
            ("SMTP:anna@contoso.com", "", ""),
            ("anna@contoso.local", "", ""),
            ("⟨a*257⟩", "Length", "⟨a*256⟩"),
            ("smtp:⟨a*240⟩@contoso.com", "Length", "smtp:⟨a*240⟩@contoso.co"),
            ("sip:a:b", "Character", "sip:ab"),
            ("smtp:a:b@contoso.com", "Character", "smtp:ab@contoso.com"),
            // No check of characters: the check of addresses deletes them, and the prefix is trimmed.
            ("sip:a b <c>", "", ""),
            ("X500:/cn=O'Hara[x]", "", ""),
            ("smtp:an na@contoso.com", "LocalPart", "smtp:anna@contoso.com"),
            (" smtp:anna@contoso.com", "", ""),
            (" smtp:anna@contoso.local", "TopLevelDomain", "smtp:anna@contoso.local"),
            ("\u{a0} SMTP:an na@contoso.com", "LocalPart", "SMTP:anna@contoso.com"),
            ("x smtp:anna@contoso.local", "TopLevelDomain", "="),
            ("smtp:anna@contoso.com ", "TopLevelDomain, DomainPart", "smtp:anna@contoso.com"),
            // The end of a pattern is before a last line feed, too.
            ("smtp:anna@contoso.com\n", "TopLevelDomain", "="),
            ("smtp:anna@contoso.com\n\n", "TopLevelDomain, DomainPart", "smtp:anna@contoso.com"),
            ("smtp:anna@contoso.com\r", "TopLevelDomain, DomainPart", "smtp:anna@contoso.com"),
        ],
    );
}

#[test]
fn target_address() {
    table(
        Dedicated,
        "targetAddress",
        &[],
        &[
            ("SMTP:anna@contoso.com", "", ""),
            ("⟨a*256⟩", "", ""),
            ("⟨a*257⟩", "Length", "⟨a*256⟩"),
            ("a:b:c", "", ""),
            ("sip:a b", "", ""),
            ("SMTP:anna@contoso.local", "TopLevelDomain", "="),
            ("SMTP:a:b@contoso.com", "LocalPart", "SMTP:ab@contoso.com"),
            ("", "Blank", "-"),
        ],
    );
}

#[test]
fn target_address_may_not_be_missing() {
    let missing = |given: &[(&str, &str)]| rows(Dedicated, "targetAddress", &object(given));
    // A user gets no suggestion: EDIT would delete the attribute.
    assert_eq!(missing(&[]), ["Blank | - | EDIT"]);
    assert_eq!(missing(&[("mail", "a@contoso.com")]), ["Blank | - | EDIT"]);
    assert_eq!(missing(&[("homeMDB", "")]), ["Blank | - | EDIT"]);
    assert_eq!(missing(&[("homeMDB", " \u{3000}")]), ["Blank | - | EDIT"]);
    assert!(missing(&[("homeMDB", " x")]).is_empty());
    assert!(missing(&[("objectClass", "group")]).is_empty());
    assert!(missing(&[("objectClass", "inetOrgPerson")]).is_empty());
    let contact = |mail: &str| missing(&[("objectClass", "contact"), ("mail", mail)]);
    assert_eq!(contact("a@contoso.com"), ["Blank | SMTP:a@contoso.com | EDIT"]);
    assert_eq!(contact("⟨a*251⟩"), [expand("Blank | SMTP:⟨a*251⟩ | EDIT")]);
    assert_eq!(contact("⟨a*252⟩"), [expand("Blank | SMTP:⟨a*251⟩ | EDIT")]);
    assert!(missing(&[("objectClass", "contact"), ("mail", "x"), ("homeMDB", "x")]).is_empty());
    // IdFix ends its run here.
    assert_eq!(contact("-"), ["Blank | - | EDIT"]);
    let empty = object(&[("objectClass", "contact"), ("mail", "a@contoso.com"), ("targetAddress", "")]);
    assert_eq!(rows(Dedicated, "targetAddress", &empty), ["Blank | SMTP:a@contoso.com | EDIT"]);
}

#[test]
fn attributes_without_a_rule_in_this_mode() {
    let object = object(&[
        ("userPrincipalName", "a b"),
        ("sAMAccountName", "⟨/*300⟩"),
        ("givenName", "⟨a*300⟩"),
        ("sn", "⟨a*300⟩"),
        ("homeMDB", "x"),
    ]);
    assert_eq!(findings(&mut IdfixScan::new(Dedicated), &object), []);
}

#[test]
fn rows_come_in_the_order_of_the_rules() {
    let object = object(&[
        ("targetAddress", ""),
        ("proxyAddresses", "a:b:"),
        ("mailNickname", "a b"),
        ("mail", "a"),
        ("displayName", " a"),
    ]);
    let found = findings(&mut IdfixScan::new(Dedicated), &object);
    let order: Vec<_> = found.iter().map(|row| row.attribute.as_str()).collect();
    assert_eq!(order, ["displayName", "mail", "mailNickname", "proxyAddresses", "targetAddress"]);
}
