use onramp_readiness::idfix::{IdfixCheck, IdfixMode, IdfixScan};

use super::support::{Dedicated, MultiTenant, findings, object, shown};

/// Checks objects one after the other in one scan, and shows the rows as `object attribute value: errors | update | action`.
fn run(mode: IdfixMode, objects: &[&[(&str, &str)]]) -> Vec<String> {
    let mut scan = IdfixScan::new(mode);
    let mut rows = Vec::new();
    for given in objects {
        let IdfixCheck::Findings(found) = scan.check(&object(given)) else { continue };
        for row in &found {
            let value = row.value.as_deref().unwrap_or("-");
            rows.push(format!("{} {} {value}: {}", row.object.dn, row.attribute, shown(row)));
        }
    }
    rows
}

/// The rows of two users with the same value.
fn two(mode: IdfixMode, attribute: &str, value: &str, others_of_second: &[(&str, &str)]) -> Vec<String> {
    let mut second = vec![("dn", "CN=b"), (attribute, value), ("homeMDB", "x")];
    second.retain(|(name, _)| mode == Dedicated || *name != "homeMDB");
    second.extend_from_slice(others_of_second);
    run(mode, &[&[("dn", "CN=a"), (attribute, value), ("homeMDB", "x")], &second])
}

#[test]
fn an_edit_lists_the_first_holder_before_the_second() {
    for (attribute, value) in [
        ("mail", "a@contoso.com"),
        ("mailNickname", "anna"),
        ("sAMAccountName", "anna"),
        ("targetAddress", "SMTP:a@contoso.com"),
        ("userPrincipalName", "a@contoso.com"),
        ("proxyAddresses", "sip:a@contoso.com"),
    ] {
        let row = |dn: &str| format!("{dn} {attribute} {value}: Duplicate | {value} | EDIT");
        assert_eq!(two(MultiTenant, attribute, value, &[]), [row("CN=a"), row("CN=b")]);
    }
}

#[test]
fn a_completed_or_removed_duplicate_hides_the_first_holder() {
    let nickname = [("mailNickname", "b")];
    for (attribute, value) in [
        ("mail", "a@contoso.com"),
        ("sAMAccountName", "anna"),
        ("userPrincipalName", "a@contoso.com"),
        ("proxyAddresses", "SMTP:a@contoso.com"),
        ("proxyAddresses", "smtp:a@contoso.com"),
    ] {
        let expected = [format!("CN=b {attribute} {value}: Duplicate | {value} | COMPLETE")];
        assert_eq!(two(MultiTenant, attribute, value, &nickname), expected);
    }
    let expected = ["CN=b mailNickname anna: Duplicate | anna | COMPLETE"];
    assert_eq!(two(MultiTenant, "mailNickname", "anna", &[("homeMDB", "x")]), expected);
    // An address of a user without mailNickname is to be removed.
    let expected = ["CN=b proxyAddresses smtp:a@contoso.com: Duplicate | smtp:a@contoso.com | REMOVE"];
    assert_eq!(two(MultiTenant, "proxyAddresses", "smtp:a@contoso.com", &[]), expected);
    // The marker elsewhere: not completed.
    let value = "x-smtp:a@contoso.com";
    assert_eq!(two(MultiTenant, "proxyAddresses", value, &nickname).len(), 2);
    assert_eq!(
        two(MultiTenant, "proxyAddresses", value, &[]),
        [format!("CN=b proxyAddresses {value}: Duplicate | {value} | REMOVE")]
    );
    // Presence counts, not the value; a mailNickname does not complete one of mailNickname or targetAddress.
    assert_eq!(two(MultiTenant, "mail", "a@contoso.com", &[("mailNickname", "")]).len(), 1);
    assert_eq!(two(MultiTenant, "targetAddress", "SMTP:a@contoso.com", &nickname).len(), 2);
    assert_eq!(two(MultiTenant, "mailNickname", "anna", &[]).len(), 2);
    assert_eq!(two(MultiTenant, "proxyAddresses", "sip:a", &nickname).len(), 2);
}

#[test]
fn addresses_after_the_first_fall_through_to_edit() {
    let rows = run(
        MultiTenant,
        &[
            &[
                ("dn", "CN=a"),
                ("proxyAddresses", "smtp:x@contoso.com"),
                ("proxyAddresses", "smtp:y@contoso.com"),
            ],
            &[
                ("dn", "CN=b"),
                ("proxyAddresses", "smtp:x@contoso.com"),
                ("proxyAddresses", "smtp:y@contoso.com"),
                ("mailNickname", "b"),
            ],
        ],
    );
    assert_eq!(
        rows,
        [
            "CN=b proxyAddresses smtp:x@contoso.com: Duplicate | smtp:x@contoso.com | COMPLETE",
            "CN=a proxyAddresses smtp:y@contoso.com: Duplicate | smtp:y@contoso.com | EDIT",
            "CN=b proxyAddresses smtp:y@contoso.com: Duplicate | smtp:y@contoso.com | EDIT",
        ]
    );
}

#[test]
fn the_first_of_n_holders_appears_n_less_one_times() {
    let of = |dn: &'static str| [("dn", dn), ("mail", "a@contoso.com")];
    let rows = run(MultiTenant, &[&of("CN=a"), &of("CN=b"), &of("CN=c"), &of("CN=d")]);
    let names: Vec<_> = rows.iter().map(|row| &row[..4]).collect();
    assert_eq!(names, ["CN=a", "CN=b", "CN=a", "CN=c", "CN=a", "CN=d"]);
}

#[test]
fn an_object_is_a_duplicate_of_itself() {
    let twice = ("proxyAddresses", "sip:x");
    let rows = run(MultiTenant, &[&[("dn", "CN=a"), twice, ("proxyAddresses", "SIP:X")]]);
    assert_eq!(
        rows,
        [
            "CN=a proxyAddresses SIP:X: Duplicate | SIP:X | EDIT",
            "CN=a proxyAddresses SIP:X: Duplicate | SIP:X | EDIT",
        ]
    );
}

#[test]
fn attributes_are_compared_with_themselves_only() {
    let rows = run(
        MultiTenant,
        &[
            &[("dn", "CN=a"), ("mail", "a@contoso.com"), ("userPrincipalName", "a@contoso.com")],
            &[
                ("dn", "CN=b"),
                ("targetAddress", "a@contoso.com"),
                ("proxyAddresses", "a@contoso.com"),
                ("mailNickname", "a@contoso.com"),
            ],
            &[("dn", "CN=c"), ("givenName", "x")],
            &[("dn", "CN=d"), ("givenName", "x")],
        ],
    );
    assert!(rows.is_empty(), "{rows:?}");
}

#[test]
fn equality() {
    let equal = |first: &str, second: &str| {
        let rows =
            run(MultiTenant, &[&[("dn", "CN=a"), ("mail", first)], &[("dn", "CN=b"), ("mail", second)]]);
        match rows.len() {
            // The first holder is found whenever the values are equal.
            2 => true,
            0 => false,
            _ => panic!("{rows:?}"),
        }
    };
    for (first, second) in [
        ("a@contoso.com", "A@CONTOSO.com"),
        ("ä", "Ä"),
        ("straße", "STRASSE"),
        ("ẞ", "ss"),
        ("a\u{ad}b", "ab"),
        ("\u{feff}ab", "a\u{200b}b\u{202e}"),
        ("a\0b", "ab\u{1f}"),
        ("σ", "Σ"),
        ("ÿ", "Ÿ"),
    ] {
        assert!(equal(first, second) && equal(second, first), "{first:?} {second:?}");
    }
    for (first, second) in [
        ("a@contoso.com", "a@contoso.de"),
        ("é", "e"),
        ("é", "e\u{301}"),
        ("ａ", "a"),
        ("i", "ı"),
        ("i", "İ"),
        ("a b", "ab"),
        ("a\u{85}b", "ab"),
        ("a\tb", "ab"),
        (" a", "a"),
        ("SMTP:a", "sip:a"),
        ("𐐨", "𐐀"),
        ("ŉ", "ʼN"),
    ] {
        assert!(!equal(first, second) && !equal(second, first), "{first:?} {second:?}");
    }
}

#[test]
fn account_names_are_compared_among_objects_without_upn() {
    let upn = ("userPrincipalName", "a@contoso.com");
    let account = ("sAMAccountName", "anna");
    assert!(run(MultiTenant, &[&[account, upn], &[account]]).is_empty());
    assert!(run(MultiTenant, &[&[account], &[account, upn]]).is_empty());
    assert_eq!(run(MultiTenant, &[&[account], &[account, upn], &[account]]).len(), 2);
    // An empty UPN is a UPN.
    assert!(
        run(MultiTenant, &[&[account], &[account, ("userPrincipalName", "")]])
            .iter()
            .all(|row| !row.contains("sAM"))
    );
}

#[test]
fn the_repaired_value_is_compared() {
    // José's UPN is remembered as jos@, so that the real jos@ is a duplicate, and José gets a value he never had.
    let rows = run(
        MultiTenant,
        &[
            &[("dn", "CN=José"), ("userPrincipalName", "josé@contoso.com")],
            &[("dn", "CN=Jos"), ("userPrincipalName", "jos@contoso.com")],
        ],
    );
    assert_eq!(
        rows,
        [
            "CN=José userPrincipalName josé@contoso.com: LocalPart | jos@contoso.com | EDIT",
            "CN=José userPrincipalName jos@contoso.com: Duplicate | jos@contoso.com | EDIT",
            "CN=Jos userPrincipalName jos@contoso.com: Duplicate | jos@contoso.com | EDIT",
        ]
    );
    // The other way round, the first holder is looked up by the original value, which nobody has.
    let rows = run(
        MultiTenant,
        &[
            &[("dn", "CN=Jos"), ("userPrincipalName", "jos@contoso.com")],
            &[("dn", "CN=José"), ("userPrincipalName", "josé@contoso.com")],
        ],
    );
    assert_eq!(
        rows,
        ["CN=José userPrincipalName josé@contoso.com: LocalPart, Duplicate | jos@contoso.com | EDIT"]
    );
    // The same value twice: the second does not find the first.
    let rows = run(
        MultiTenant,
        &[&[("dn", "CN=a"), ("mailNickname", ".x")], &[("dn", "CN=b"), ("mailNickname", ".x")]],
    );
    assert_eq!(
        rows,
        [
            "CN=a mailNickname .x: Character | x | EDIT",
            "CN=b mailNickname .x: Character, Duplicate | x | EDIT",
        ]
    );
}

#[test]
fn a_repaired_value_is_never_completed() {
    let rows = run(
        MultiTenant,
        &[
            &[("dn", "CN=a"), ("userPrincipalName", "ab@contoso.com")],
            &[("dn", "CN=b"), ("userPrincipalName", "a b@contoso.com"), ("mailNickname", "b")],
        ],
    );
    assert_eq!(
        rows,
        ["CN=b userPrincipalName a b@contoso.com: Character, Duplicate | ab@contoso.com | EDIT"]
    );
}

#[test]
fn addresses_are_compared_before_characters_and_format_are_checked() {
    // As they are: different, though the repair makes them equal.
    let rows = run(
        MultiTenant,
        &[
            &[("dn", "CN=a"), ("proxyAddresses", "smtp:ab@contoso.com")],
            &[("dn", "CN=b"), ("proxyAddresses", "smtp:a b@contoso.com")],
        ],
    );
    assert_eq!(rows, ["CN=b proxyAddresses smtp:a b@contoso.com: Character | smtp:ab@contoso.com | EDIT"]);
    // A later check makes the action EDIT, so the first holder is listed, with the update of the second.
    let value = ("proxyAddresses", "smtp:a b@contoso.com");
    let rows = run(
        MultiTenant,
        &[&[("dn", "CN=a"), value, ("mailNickname", "a")], &[("dn", "CN=b"), value, ("mailNickname", "b")]],
    );
    assert_eq!(
        rows,
        [
            "CN=a proxyAddresses smtp:a b@contoso.com: Character | smtp:ab@contoso.com | EDIT",
            "CN=a proxyAddresses smtp:a b@contoso.com: Duplicate | smtp:ab@contoso.com | EDIT",
            "CN=b proxyAddresses smtp:a b@contoso.com: Duplicate, Character | smtp:ab@contoso.com | EDIT",
        ]
    );
    // After colons are deleted, and after the cut.
    let rows = run(
        MultiTenant,
        &[&[("dn", "CN=a"), ("proxyAddresses", "sip:ab")], &[("dn", "CN=b"), ("proxyAddresses", "sip:a:b")]],
    );
    assert_eq!(rows, ["CN=b proxyAddresses sip:a:b: Character, Duplicate | sip:ab | EDIT"]);
    let rows =
        run(MultiTenant, &[&[("dn", "CN=a"), ("mail", "⟨a*256⟩")], &[("dn", "CN=b"), ("mail", "⟨a*256⟩b")]]);
    assert_eq!(rows.len(), 1);
    assert!(rows[0].starts_with("CN=b") && rows[0].contains(": Length, Duplicate | "));
}

#[test]
fn a_suggested_common_name_takes_part() {
    let rows = run(
        MultiTenant,
        &[&[("dn", "CN=a"), ("mailNickname", "Test")], &[("dn", "CN=b"), ("mailNickname", "...")]],
    );
    assert_eq!(rows, ["CN=b mailNickname ...: Character, Duplicate | Test | EDIT"]);
}

#[test]
fn excluded_objects_hold_nothing() {
    let mail = ("mail", "a@contoso.com");
    assert!(run(MultiTenant, &[&[("cn", "Guest"), mail], &[mail]]).is_empty());
    assert!(run(MultiTenant, &[&[mail], &[("cn", "Guest"), mail]]).is_empty());
    assert_eq!(run(MultiTenant, &[&[mail], &[("cn", "Guest"), mail], &[mail]]).len(), 2);
}

#[test]
fn order_counts() {
    let plain: &[(&str, &str)] = &[("dn", "CN=plain"), ("mail", "a@contoso.com")];
    let enabled: &[(&str, &str)] = &[("dn", "CN=enabled"), ("mail", "a@contoso.com"), ("mailNickname", "x")];
    assert_eq!(
        run(MultiTenant, &[plain, enabled]),
        ["CN=enabled mail a@contoso.com: Duplicate | a@contoso.com | COMPLETE"]
    );
    assert_eq!(run(MultiTenant, &[enabled, plain]).len(), 2);
}

#[test]
fn the_row_of_the_first_holder_has_the_type_of_the_second() {
    let mut scan = IdfixScan::new(MultiTenant);
    let first = object(&[("dn", "CN=a"), ("mail", "a@contoso.com")]);
    let second = object(&[("dn", "CN=b"), ("mail", "A@contoso.com"), ("objectClass", "contact")]);
    assert_eq!(findings(&mut scan, &first), []);
    let rows = findings(&mut scan, &second);
    let of: Vec<_> =
        rows.iter().map(|row| (row.object.dn.as_str(), row.class.as_deref(), row.value.as_deref())).collect();
    assert_eq!(
        of,
        [("CN=a", Some("contact"), Some("A@contoso.com")), ("CN=b", Some("contact"), Some("A@contoso.com")),]
    );
    assert_eq!(rows.iter().map(|row| row.value_index).collect::<Vec<_>>(), [None, Some(0)]);
    assert!(rows.iter().all(|row| row.fixes.is_empty()));
}

#[test]
fn the_key_of_the_first_holder_is_its_own() {
    let mut scan = IdfixScan::new(MultiTenant);
    let guid = "5f0e1d2c-0000-0000-0000-000000000001".parse().unwrap();
    let first = object(&[("dn", "CN=a"), ("mail", "x"), ("targetAddress", "x")])
        .with_guid(guid)
        .with_source("one".into());
    // An object without tracked values between them, and one with.
    for object in [first.clone(), object(&[("dn", "CN=n")]), object(&[("dn", "CN=m"), ("mail", "y")])] {
        findings(&mut scan, &object);
    }
    let rows = findings(&mut scan, &object(&[("dn", "CN=b"), ("mail", "x"), ("targetAddress", "y")]));
    assert_eq!(rows[0].object, first.key());
    let rows = findings(&mut scan, &object(&[("dn", "CN=c"), ("mail", "y"), ("targetAddress", "y")]));
    let names: Vec<_> = rows.iter().map(|row| row.object.dn.as_str()).collect();
    assert_eq!(names, ["CN=m", "CN=c", "CN=b", "CN=c"]);
}

#[test]
fn dedicated_mode_tracks_three_attributes() {
    let second = [("homeMDB", "x")];
    for (attribute, value, rows) in [
        ("mail", "a@contoso.com", 2),
        ("mailNickname", "anna", 1), // homeMDB: COMPLETE
        ("proxyAddresses", "sip:a", 2),
        ("proxyAddresses", "smtp:a@contoso.com", 1),
        ("targetAddress", "SMTP:a@contoso.com", 0),
        ("sAMAccountName", "anna", 0),
        ("userPrincipalName", "a@contoso.com", 0),
    ] {
        assert_eq!(two(Dedicated, attribute, value, &second[1..]).len(), rows, "{attribute}");
    }
    // In mail, characters and format are repaired before.
    let rows = run(
        Dedicated,
        &[
            &[("dn", "CN=a"), ("mail", "ab@contoso.com"), ("homeMDB", "x")],
            &[("dn", "CN=b"), ("mail", "a b@contoso.com"), ("homeMDB", "x"), ("mailNickname", "b")],
        ],
    );
    assert_eq!(rows, ["CN=b mail a b@contoso.com: Character, Duplicate | ab@contoso.com | EDIT"]);
    // An empty mailNickname is a value, and a contact's is composed only after it was compared.
    let contact = |dn: &'static str| {
        [("dn", dn), ("objectClass", "contact"), ("mailNickname", ""), ("sn", "Berg"), ("homeMDB", "x")]
    };
    let rows = run(Dedicated, &[&contact("CN=a"), &contact("CN=b")]);
    assert_eq!(
        rows,
        [
            "CN=a mailNickname : Blank | Berg | EDIT",
            "CN=a mailNickname : Duplicate | Berg | EDIT",
            "CN=b mailNickname : Duplicate, Blank | Berg | EDIT",
        ]
    );
}

#[test]
fn a_scan_is_one_run() {
    let mail = object(&[("mail", "a@contoso.com")]);
    for _ in 0..2 {
        let mut scan = IdfixScan::new(MultiTenant);
        assert_eq!(findings(&mut scan, &mail), []);
    }
}
