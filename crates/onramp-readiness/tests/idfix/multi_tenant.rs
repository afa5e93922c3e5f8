use super::support::{MultiTenant, NO_SPACE, WHITE_SPACE, deletes, expand, object, rows, table};

#[test]
fn display_name() {
    table(
        MultiTenant,
        "displayName",
        &[],
        &[
            ("Anna", "", ""),
            ("⟨a*255⟩", "", ""),
            ("⟨a*256⟩", "Length", "⟨a*255⟩"),
            ("⟨ä*255⟩", "", ""),
            ("⟨ä*256⟩", "Length", "⟨ä*255⟩"),
            // 254 units, 255, and 256: the cut halves the last character.
            ("⟨😀*127⟩", "", ""),
            ("⟨😀*127⟩a", "", ""),
            ("⟨😀*128⟩", "Length", "⟨😀*127⟩\u{fffd}"),
            ("a⟨😀*127⟩b", "Length", "a⟨😀*127⟩"),
            ("", "Blank", "Test"),
            (" ", "", ""),
            (" Anna ", "", ""),
            ("<Anna>", "", ""),
        ],
    );
    assert_eq!(rows(MultiTenant, "displayName", &object(&[("displayName", "-")])), ["Blank | Test | EDIT"]);
    // The suggestion is not cut, and empty if the common name is.
    let long = object(&[("displayName", "-"), ("cn", "⟨c*300⟩")]);
    assert_eq!(rows(MultiTenant, "displayName", &long), [expand("Blank | ⟨c*300⟩ | EDIT")]);
    assert_eq!(
        rows(MultiTenant, "displayName", &object(&[("displayName", "-"), ("cn", "")])),
        ["Blank | - | EDIT"]
    );
    let contact = object(&[("displayName", "-"), ("objectClass", "contact")]);
    assert_eq!(rows(MultiTenant, "displayName", &contact), ["Blank | Test | EDIT"]);
}

#[test]
fn given_name() {
    table(
        MultiTenant,
        "givenName",
        &[],
        &[
            ("Anna", "", ""),
            ("", "", ""),
            ("⟨a*63⟩", "", ""),
            ("⟨a*64⟩", "Length", "⟨a*63⟩"),
            ("⟨a*62⟩😀", "Length", "⟨a*62⟩\u{fffd}"),
            ("⟨a*63⟩😀", "Length", "⟨a*63⟩"),
        ],
    );
}

#[test]
fn mail() {
    table(
        MultiTenant,
        "mail",
        &[],
        &[
            ("anna@contoso.com", "", ""),
            ("", "", ""),
            ("no address at all", "", ""),
            ("anna@contoso.local", "", ""),
            ("⟨a*256⟩", "", ""),
            ("⟨a*257⟩", "Length", "⟨a*256⟩"),
            ("⟨a*250⟩@contoso.com", "Length", "⟨a*250⟩@conto"),
        ],
    );
}

#[test]
fn mail_nickname() {
    table(
        MultiTenant,
        "mailNickname",
        &[],
        &[
            ("anna", "", ""),
            ("", "", ""),
            ("⟨a*64⟩", "", ""),
            ("⟨a*65⟩", "Length", "⟨a*64⟩"),
            (".anna", "Character", "anna"),
            ("...anna", "Character", "anna"),
            (".anna.", "Character", "anna."),
            ("anna.", "", ""),
            ("an..na", "", ""),
            (".", "Character", "Test"),
            ("...", "Character", "Test"),
            ("an na @", "", ""),
            (".⟨a*64⟩", "Length, Character", "⟨a*63⟩"),
            ("⟨.*65⟩", "Length, Character", "Test"),
        ],
    );
}

#[test]
fn proxy_addresses() {
    table(
        MultiTenant,
        "proxyAddresses",
        &[],
        &[
            ("SMTP:anna@contoso.com", "", ""),
            ("smtp:anna@contoso.com", "", ""),
            ("sMtP:anna@contoso.com", "", ""),
            // Without a prefix there is no check of the address.
            ("anna@contoso.com", "", ""),
            ("anna@contoso.local", "", ""),
            ("", "", ""),
            ("smtp:⟨a*239⟩@contoso.com", "", ""),
            ("smtp:⟨a*240⟩@contoso.com", "Length", "smtp:⟨a*240⟩@contoso.co"),
            (
                "smtp:⟨a*241⟩@contoso.com",
                "Length, TopLevelDomain, DomainPart, Format",
                "smtp:⟨a*241⟩@contoso.c",
            ),
            // Every colon after the first one goes, whatever the kind of address.
            ("smtp:anna:x@contoso.com", "Character", "smtp:annax@contoso.com"),
            ("smtp::anna@contoso.com", "Character", "smtp:anna@contoso.com"),
            ("sip:anna@contoso.com:5060", "Character", "sip:anna@contoso.com5060"),
            ("x500:/o=a:b:c", "Character", "x500:/o=abc"),
            (":a:b", "", ""),
            ("a:b", "", ""),
            ("EUM:5;phone-context=a.b", "", ""),
            ("EUM:5 ;phone-context=a.b", "Character", "EUM:5;phone-context=a.b"),
            // The marker may stand anywhere.
            ("x-smtp:anna@contoso.com", "", ""),
            ("x-smtp:an;na@contoso.com", "Character", "x-smtp:anna@contoso.com"),
            // The second check deletes the colon of the marker, so that the last one takes the whole value for an address.
            ("sip:smtp:anna@contoso.com", "Character, LocalPart", "sipsmtpanna@contoso.com"),
            ("smtp:an na@contoso.com", "Character", "smtp:anna@contoso.com"),
            (" smtp:anna@contoso.com", "Character", "smtp:anna@contoso.com"),
            ("smtp:anna@contoso.com\n", "Character", "smtp:anna@contoso.com"),
            ("smtp:o'hara@contoso.com", "", ""),
            ("smtp:anna@contoso.local", "TopLevelDomain", "="),
            ("smtp:an na@contoso.local", "Character, TopLevelDomain", "smtp:anna@contoso.local"),
            ("smtp:jürgen@contoso.com", "LocalPart", "smtp:jrgen@contoso.com"),
            ("smtp:anna@b_c.com", "DomainPart", "smtp:anna@bc.com"),
            ("smtp:", "DomainPart, LocalPart, Format", "="),
            ("smtp: ", "Character, DomainPart, LocalPart, Format", "smtp:"),
            ("smtp", "", ""),
            // X.400 and X.500: brackets, quotes and control characters only.
            ("X400:C=US;A= ;P=x;O=y;S=z;", "", ""),
            ("x.400:a b", "", ""),
            ("X500:/o=ExchangeLabs/cn=O'Hara", "Character", "X500:/o=ExchangeLabs/cn=OHara"),
            ("x.500:a'b", "Character", "x.500:ab"),
            ("x400:a'b", "Character", "x400:ab"),
            ("x.400:a\"b[c]", "Character", "x.400:abc"),
            ("X500:/o=a (b) <c>, d", "", ""),
            ("X500:a\tb\u{b}c\u{c}d\re\nf", "Character", "X500:abcdef"),
            ("X500:a\u{85}b\u{a0}c", "", ""),
            ("x-500:a b", "Character", "x-500:ab"),
            ("ax500:a b", "Character", "ax500:ab"),
            ("x..500:a b", "Character", "x..500:ab"),
            ("x500", "", ""),
            ("x500 smtp:anna@contoso.com", "Character", "x500smtp:anna@contoso.com"),
            // The common name takes the place of a value of nothing but such characters, and has no prefix.
            ("[]", "Character", "Test"),
            ("()<>", "Character", "Test"),
        ],
    );
    let around = ("sip:a", "b");
    deletes(
        MultiTenant,
        "proxyAddresses",
        around,
        &format!("{WHITE_SPACE}<>(),[]\""),
        &format!("{NO_SPACE};\\'`&%*/=äÄ😀@."),
    );
    let around = ("smtp:a", "b@contoso.com");
    deletes(
        MultiTenant,
        "proxyAddresses",
        around,
        &format!("{WHITE_SPACE}<>();,[]\""),
        "'!#$%&*+/=?^_`{|}~-.",
    );
}

#[test]
fn proxy_addresses_have_a_row_for_each_value() {
    let object = object(&[
        ("proxyAddresses", "SMTP:anna@contoso.local"),
        ("proxyAddresses", "smtp:anna@contoso.com"),
        ("proxyAddresses", "smtp:an na@contoso.com"),
    ]);
    let mut scan = onramp_readiness::idfix::IdfixScan::new(MultiTenant);
    let found = super::support::findings(&mut scan, &object);
    let places: Vec<_> = found.iter().map(|row| (row.value_index, row.value.as_deref())).collect();
    assert_eq!(
        places,
        [(Some(0), Some("SMTP:anna@contoso.local")), (Some(2), Some("smtp:an na@contoso.com"))]
    );
}

#[test]
fn other_attributes_have_a_row_for_the_first_value_only() {
    let object =
        object(&[("givenName", "a"), ("givenName", "⟨a*64⟩"), ("mail", "⟨a*257⟩"), ("mail", "⟨b*257⟩")]);
    assert!(rows(MultiTenant, "givenName", &object).is_empty());
    assert_eq!(rows(MultiTenant, "mail", &object), [expand("Length | ⟨a*256⟩ | EDIT")]);
}

#[test]
fn sam_account_name() {
    table(
        MultiTenant,
        "sAMAccountName",
        &[],
        &[
            ("anna", "", ""),
            ("", "", ""),
            ("⟨a*20⟩", "", ""),
            ("⟨a*21⟩", "Length", "⟨a*20⟩"),
            ("an/na⟨a*20⟩", "Length, Character", "anna⟨a*15⟩"),
            ("\"\"", "Character", "Test"),
            ("a b", "", ""),
            ("a.", "", ""),
            ("a@b", "", ""),
        ],
    );
    let bad = "\\\"|,/[]:<>+=;?*";
    deletes(MultiTenant, "sAMAccountName", ("a", "b"), bad, "'!#$%&-^_`{}~()@. ä\u{a0}");
    for class in ["group", "contact", "inetOrgPerson", "user2", ""] {
        table(
            MultiTenant,
            "sAMAccountName",
            &[("objectClass", class), ("groupType", "2"), ("proxyAddresses", "x")],
            &[("⟨a*21⟩", "", ""), ("⟨a*256⟩", "", ""), ("⟨a*257⟩", "Length", "⟨a*256⟩")],
        );
    }
    // The case of the type does not count, and length and characters are checked with a UPN, too.
    let others = [("objectClass", "top"), ("objectClass", "USER"), ("userPrincipalName", "anna@contoso.com")];
    table(
        MultiTenant,
        "sAMAccountName",
        &others,
        &[("⟨a*21⟩", "Length", "⟨a*20⟩"), ("a/b", "Character", "ab")],
    );
}

#[test]
fn object_type_is_the_last_class() {
    let of = |classes: &[&str]| {
        let mut given = vec![("sAMAccountName", "⟨a*21⟩")];
        given.extend(classes.iter().map(|class| ("objectClass", *class)));
        rows(MultiTenant, "sAMAccountName", &object(&given)).len()
    };
    assert_eq!(of(&["top", "person", "organizationalPerson", "user"]), 1);
    assert_eq!(of(&["top", "person", "organizationalPerson", "user", "inetOrgPerson"]), 0);
    assert_eq!(of(&["user", "top"]), 0);
    assert_eq!(of(&["-"]), 0);
}

#[test]
fn target_address() {
    table(
        MultiTenant,
        "targetAddress",
        &[],
        &[
            ("SMTP:anna@contoso.com", "", ""),
            ("anna@contoso.com", "", ""),
            ("", "", ""),
            ("⟨a*255⟩", "", ""),
            ("⟨a*256⟩", "Length", "⟨a*255⟩"),
            ("smtp:⟨a*239⟩@contoso.com", "Length", "smtp:⟨a*239⟩@contoso.co"),
            ("SMTP:a:b@contoso.com", "Character", "SMTP:ab@contoso.com"),
            (":a:b", "", ""),
            ("SMTP:anna@contoso.local", "TopLevelDomain", "="),
            ("SMTP:anna@contoso", "DomainPart, Format", "="),
            ("x500:a'b", "", ""),
            ("x500:a b", "Character", "x500:ab"),
            ("sip:a;b", "", ""),
            ("\\", "Character", "Test"),
        ],
    );
    let around = ("sip:a", "b");
    deletes(
        MultiTenant,
        "targetAddress",
        around,
        &format!("{WHITE_SPACE}\\<>(),[]\""),
        &format!("{NO_SPACE};'|äÄ"),
    );
    let around = ("SMTP:a", "b@contoso.com");
    deletes(
        MultiTenant,
        "targetAddress",
        around,
        &format!("{WHITE_SPACE}\\<>();,[]\""),
        "'!#$%&*+/=?^_`{|}~-.",
    );
}

#[test]
fn user_principal_name() {
    table(
        MultiTenant,
        "userPrincipalName",
        &[],
        &[
            ("anna@contoso.com", "", ""),
            ("Anna.Berg@CONTOSO.COM", "", ""),
            ("⟨a*101⟩@contoso.com", "", ""),
            // The cut leaves another domain that exists.
            ("⟨a*102⟩@contoso.com", "Length", "⟨a*102⟩@contoso.co"),
            ("⟨a*103⟩@contoso.com", "Length, TopLevelDomain, DomainPart, Format", "⟨a*103⟩@contoso.c"),
            ("⟨a*113⟩", "DomainPart, LocalPart, Format", "="),
            ("⟨a*65⟩@contoso.com", "", ""),
            ("anna@⟨d*60⟩.com", "", ""),
            ("jürgen@contoso.com", "Character", "jrgen@contoso.com"),
            ("josé@contoso.com", "LocalPart", "jos@contoso.com"),
            ("anna smith@contoso.com", "Character", "annasmith@contoso.com"),
            ("o'hara@contoso.com", "Character", "ohara@contoso.com"),
            ("anna@contoso.local", "TopLevelDomain", "="),
            ("jürgen@contoso.local", "Character, TopLevelDomain", "jrgen@contoso.local"),
            ("anna", "DomainPart, LocalPart, Format", "="),
            ("anna@contoso", "DomainPart, Format", "="),
            ("anna.berg@contoso", "TopLevelDomain, DomainPart, Format", "="),
            ("anna@contoso.", "DomainPart, Format", "="),
            ("anna.@contoso.com", "LocalPart", "anna@contoso.com"),
            (".anna@contoso.com", "LocalPart, Format", "="),
            ("an..na@contoso.com", "LocalPart, Format", "="),
            ("anna@berg@contoso.com", "LocalPart", "annaberg@contoso.com"),
            ("@contoso.com", "LocalPart, Format", "="),
            ("anna@", "DomainPart, Format", "="),
            ("anna@b_c.com", "DomainPart", "anna@bc.com"),
            ("anna@müller.de", "Character", "anna@mller.de"),
            ("", "DomainPart, LocalPart, Format", "-"),
            // Nothing is left, so the common name is suggested and then checked itself.
            ("äöü", "Character, DomainPart, LocalPart, Format", "Test"),
            // The prefix goes as a character, so it is no prefix when the address is checked.
            ("smtp:anna@contoso.com", "Character", "smtpanna@contoso.com"),
            ("anna😀@contoso.com", "LocalPart", "anna@contoso.com"),
            ("anna@contoso😀.com", "DomainPart", "anna@contoso.com"),
        ],
    );
    let around = ("a", "b@contoso.com");
    let bad = format!("{WHITE_SPACE}\\%&*+/=?'{{}}|<>();:,[]\"äëïöüÿÄËÏÖÜŸ");
    deletes(MultiTenant, "userPrincipalName", around, &bad, "!#$^_`~-.");
    assert!(rows(MultiTenant, "userPrincipalName", &object(&[])).is_empty());
}

#[test]
fn alternate_login_id_leaves_out_the_rule_of_upns_and_nothing_else() {
    let mut scan = onramp_readiness::idfix::IdfixScan::new(MultiTenant).with_alternate_login_id(true);
    let of = |dn: &str| object(&[("dn", dn), ("userPrincipalName", "a b"), ("sAMAccountName", "a/b")]);
    for dn in ["CN=a", "CN=b"] {
        let found = super::support::findings(&mut scan, &of(dn));
        let shown: Vec<_> =
            found.iter().map(|row| (row.attribute.as_str(), super::support::shown(row))).collect();
        assert_eq!(shown, [("sAMAccountName", "Character | ab | EDIT".to_owned())]);
    }
    let mut scan = scan.with_alternate_login_id(false);
    assert_eq!(super::support::findings(&mut scan, &of("CN=c")).len(), 2);
}

#[test]
fn attributes_that_the_mode_does_not_fetch_are_not_seen() {
    // sn is not fetched; homeMDB is.
    assert!(rows(MultiTenant, "sn", &object(&[("sn", "⟨a*300⟩")])).is_empty());
    assert!(rows(MultiTenant, "company", &object(&[("company", "⟨a*300⟩")])).is_empty());
}

#[test]
fn octets_are_the_name_of_their_type() {
    let mut object = object(&[]);
    let octets = onramp_core::forest::AttributeValue::bytes([0xff, 0x0a]);
    object.push(onramp_readiness::attributes::PROXY_ADDRESSES, octets);
    let found = super::support::findings(&mut onramp_readiness::idfix::IdfixScan::new(MultiTenant), &object);
    assert_eq!(
        found.iter().map(super::support::shown).collect::<Vec<_>>(),
        ["Character | System.Byte | EDIT"]
    );
    assert_eq!((found[0].value.as_deref(), found[0].fixes.len()), (Some("ff0a"), 0));
}

#[test]
fn rows_come_in_the_order_of_the_rules() {
    let object = object(&[
        ("userPrincipalName", "a"),
        ("targetAddress", "\\a"),
        ("sAMAccountName", "a/"),
        ("proxyAddresses", "(a"),
        ("mailNickname", ".a"),
        ("mail", "⟨a*257⟩"),
        ("givenName", "⟨a*64⟩"),
        ("displayName", ""),
    ]);
    let found = super::support::findings(&mut onramp_readiness::idfix::IdfixScan::new(MultiTenant), &object);
    let order: Vec<_> = found.iter().map(|row| row.rule.as_str()).collect();
    assert_eq!(
        order,
        [
            "idfix-display-name",
            "idfix-given-name",
            "idfix-mail",
            "idfix-mail-nickname",
            "idfix-proxy-addresses",
            "idfix-sam-account-name",
            "idfix-target-address",
            "idfix-user-principal-name",
        ]
    );
}
