//! The parsers of the vocabulary: examples from the documents, and laws that hold for any text.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use onramp_core::forest::{
    DomainController, DomainPasswordPolicy, PasswordSettings, ReplicatedValue, UpnOwner,
};
use onramp_core::{
    AttributeName, DistinguishedName, DomainName, ImmutableId, LdapFilter, ObjectGuid, ObjectId, Password,
    Sid, Upn, UpnSuffix, UpnViolation,
};
use proptest::prelude::*;

#[test]
fn domain_names_compare_without_case_and_across_idna() {
    let unicode = DomainName::parse("Bücher.Example").unwrap();
    assert_eq!(unicode, DomainName::parse("XN--BCHER-KVA.example").unwrap());
    assert_eq!(unicode.as_str(), "Bücher.Example");
    assert_eq!(unicode.ascii(), "xn--bcher-kva.example");
}

#[test]
fn domain_names_refuse_what_dns_refuses() {
    let long_label = "a".repeat(64) + ".com";
    let long_name = vec!["a".repeat(60); 5].join(".");
    for bad in [
        "",
        ".",
        "a..b",
        "contoso.com.",
        ".contoso.com",
        "con toso.com",
        "-a.com",
        "a-.com",
        "a_b.com",
        "@x.com",
    ]
    .into_iter()
    .chain([long_label.as_str(), long_name.as_str()])
    {
        assert!(DomainName::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn routable_names_are_told_from_private_ones() {
    for (name, routable) in [
        ("contoso.com", true),
        ("corp.local", false),
        ("contoso", false),
        ("ad.internal", false),
        ("x.museum", true),
    ] {
        assert_eq!(DomainName::parse(name).unwrap().is_routable(), routable, "{name}");
    }
    let (child, parent) =
        (DomainName::parse("a.Contoso.com").unwrap(), DomainName::parse("contoso.COM").unwrap());
    assert!(child.is_within(&parent) && !parent.is_within(&child));
    assert!(!DomainName::parse("xcontoso.com").unwrap().is_within(&parent));
}

#[test]
fn a_directory_may_name_its_domains_as_no_host_is_named() {
    let domain = DomainName::parse_directory("Corp_AD.local").unwrap();
    assert_eq!((domain.as_str(), domain.ascii()), ("Corp_AD.local", "corp_ad.local"));
    assert_eq!(domain, DomainName::parse_directory("corp_ad.LOCAL.").unwrap());
    assert!(!domain.is_routable() && !DomainName::parse_directory("corp_ad.com").unwrap().is_routable());
    assert!(DomainName::parse_directory("emea.corp_ad.local").unwrap().is_within(&domain));
    for name in ["-a.com", "con toso.local", "a", "Bücher.Example", &"a".repeat(64)] {
        assert_eq!(DomainName::parse_directory(name).unwrap().as_str(), name);
    }
    for bad in ["", ".", "a..b", ".a", "a@b", "a\u{7}.local"] {
        assert!(DomainName::parse_directory(bad).is_err(), "{bad}");
    }
    assert_eq!(
        DomainName::parse_directory("bücher.example").unwrap(),
        DomainName::parse("xn--bcher-kva.example").unwrap(),
        "what both take is one name",
    );
    assert_eq!(DomainName::parse("XN--bcher-kva.example").unwrap().unicode(), "bücher.example");
}

#[test]
fn what_stands_in_a_domain_with_an_underscore_knows_its_domain() {
    let dn = DistinguishedName::parse("CN=Anna,OU=Staff,DC=Corp_AD,DC=local").unwrap();
    assert_eq!(dn.domain_name().unwrap().as_str(), "Corp_AD.local");
    let context = dn.domain_context().unwrap();
    assert_eq!(context.as_str(), "DC=Corp_AD,DC=local");
    assert_eq!(DistinguishedName::of_domain(&dn.domain_name().unwrap()), context);
    let unicode = DistinguishedName::parse("CN=Anna,DC=bücher,DC=example").unwrap();
    assert_eq!(unicode.domain_context().unwrap().as_str(), "DC=bücher,DC=example");
    assert!(DistinguishedName::parse("CN=Anna").unwrap().domain_context().is_none());

    let guid = ObjectGuid::from_bytes([7; 16]);
    let holder = UpnOwner::new(guid, dn.clone(), "anna", None);
    assert_eq!(holder.implied_upn().unwrap().as_str(), "anna@Corp_AD.local");
    for (dn, context) in [(&dn, "DC=corp_ad,DC=LOCAL"), (&unicode, "DC=bücher,DC=example")] {
        let upn = Upn::parse("anna@contoso.com").unwrap();
        let value = ReplicatedValue::UserUpn { guid, dn: dn.clone(), upn };
        let settings = DistinguishedName::parse("CN=NTDS Settings,CN=DC1").unwrap();
        let controller = |context: &str| {
            DomainController::new("dc1", settings.clone(), "s", vec![context.parse().unwrap()])
        };
        assert!(value.concerns(&controller(context)));
        assert!(!value.concerns(&controller("DC=local")));
    }
}

#[test]
fn what_was_read_from_a_directory_is_read_back_after_it_was_stored() {
    let domain = DomainName::parse_directory("corp_ad.local").unwrap();
    let policy = DomainPasswordPolicy::new(domain.clone(), PasswordSettings::windows_default());
    let stored = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<DomainPasswordPolicy>(&stored).unwrap(), policy);
    let stored = serde_json::to_string(&domain).unwrap();
    assert!(serde_json::from_str::<DomainName>(&stored).is_err(), "a spec's domain stays strict");
    let dn = DistinguishedName::parse("CN=Anna,DC=corp_ad,DC=local").unwrap();
    let holder = UpnOwner::new(ObjectGuid::from_bytes([7; 16]), dn, "anna", None);
    let stored = serde_json::to_string(&(holder.clone(), holder.implied_upn())).unwrap();
    let read: (UpnOwner, Option<Upn>) = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, (holder.clone(), holder.implied_upn()));
}

#[test]
fn what_is_written_for_a_domain_is_its_ascii_form() {
    let domain = DomainName::parse("Bücher-Contoso.COM").unwrap();
    let ascii = "xn--bcher-contoso-wob.com";
    assert_eq!(domain.ascii(), ascii);
    assert_eq!(UpnSuffix::from(&domain).as_str(), ascii);
    assert_eq!(Upn::new("Anna", &domain).unwrap().as_str(), format!("Anna@{ascii}"));
    let old = Upn::parse("Anna@corp.local").unwrap();
    assert_eq!(old.with_suffix(&domain).as_str(), format!("Anna@{ascii}"));
    assert_eq!(old.with_suffix(&"Contoso.COM".parse().unwrap()).as_str(), "Anna@contoso.com");
    let same =
        |one: &str, other: &str| UpnSuffix::parse(one).unwrap().is_same_as(&UpnSuffix::parse(other).unwrap());
    assert!(same("bücher-contoso.com", ascii) && same("BÜCHER-contoso.com", ascii));
    assert!(same("b_ücher.com", "B_Ücher.com") && same("CORP_ad.local", "corp_AD.local"));
    assert!(!same("corp_ad.local", "corpad.local"));
}

#[test]
fn a_upn_has_one_at_and_two_sides() {
    for bad in ["", "anna", "@contoso.com", "anna@", "a@b@c", "an\u{7}na@contoso.com"] {
        assert!(Upn::parse(bad).is_err(), "{bad}");
    }
    assert!(Upn::parse(&format!("{}@b", "a".repeat(1022))).is_ok());
    assert!(Upn::parse(&format!("{}@b", "a".repeat(1023))).is_err());
}

#[test]
fn entra_takes_less_than_ad() {
    let rules = |text: &str| Upn::parse(text).unwrap().entra_violations();
    assert_eq!(rules("a.o'neil-x_1!#^~@contoso.com"), []);
    assert!(matches!(
        rules("anna.müller@contoso.com")[..],
        [UpnViolation::Character { character: 'ü', position: 6 }]
    ));
    assert!(matches!(
        rules("anna m@contoso.com")[..],
        [UpnViolation::Character { character: ' ', position: 4 }]
    ));
    assert_eq!(rules("anna.@contoso.com"), [UpnViolation::TrailingDot]);
    assert_eq!(rules(".anna@contoso.com"), [UpnViolation::LeadingDot]);
    assert_eq!(rules(&format!("{}@contoso.com", "a".repeat(64))), []);
    assert_eq!(
        rules(&format!("{}@contoso.com", "a".repeat(65))),
        [UpnViolation::PrefixTooLong { length: 65 }]
    );
    let suffix = format!("{}.com", "a".repeat(44));
    assert_eq!(rules(&format!("{}@{suffix}", "a".repeat(64))), []);
    assert_eq!(rules(&format!("a@a{suffix}")), [UpnViolation::SuffixTooLong { length: 49 }]);
    assert!(matches!(rules("a@con toso")[..], [UpnViolation::SuffixNotADomain { .. }]));
}

#[test]
fn object_guids_are_mixed_endian() {
    let guid = ObjectGuid::parse("{00112233-4455-6677-8899-AABBCCDDEEFF}").unwrap();
    let bytes =
        [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
    assert_eq!(guid.as_bytes(), &bytes);
    assert_eq!(guid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
    for bad in [
        "",
        "00112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeef",
        "{00112233-4455-6677-8899-aabbccddeeff",
    ] {
        assert!(ObjectGuid::parse(bad).is_err(), "{bad}");
    }
    assert!(ObjectGuid::from_slice(&[0; 15]).is_err());
}

#[test]
fn anchors_of_other_shapes_are_kept() {
    assert_eq!(ImmutableId::parse("E-4711").unwrap().guid(), None);
    assert!(ImmutableId::parse("").is_err());
    // What other identity providers made is opaque text.
    for foreign in ["anna@contoso.com", "a_b", "a b", &"0123456789abcdef".repeat(4), " ", "x\u{1}y"] {
        let anchor = ImmutableId::parse(foreign).unwrap();
        assert_eq!((anchor.as_str(), anchor.guid()), (foreign, None));
        assert!(!anchor.is_valid_for_entra_connect(), "{foreign}");
        assert!(ImmutableId::to_be_made(foreign).is_err(), "{foreign}");
        assert_eq!(
            serde_json::from_str::<ImmutableId>(&serde_json::to_string(&anchor).unwrap()).unwrap(),
            anchor
        );
    }
    assert!(ImmutableId::to_be_made("E-4711").unwrap().is_valid_for_entra_connect());
    assert!(ImmutableId::from_consistency_guid(&[7; 45]).is_err());
    assert_ne!(ImmutableId::parse("abc").unwrap(), ImmutableId::parse("ABC").unwrap());
}

#[test]
fn sids_have_a_rid() {
    let sid = Sid::parse("S-1-5-21-3623811015-3361044348-30300820-500").unwrap();
    assert_eq!(sid.rid(), Some(500));
    assert_eq!(Sid::from_slice(&sid.to_bytes()).unwrap(), sid);
    assert!(Sid::from_slice(&[1, 2, 0, 0, 0, 0, 0, 5, 0]).is_err());
    assert!(Sid::parse("S-1").is_err());
}

#[test]
fn names_with_commas_stay_one_name() {
    let dn = DistinguishedName::parse(r#"CN=Neil\, Anna,OU="Sales, East",DC=corp,DC=example"#).unwrap();
    assert_eq!(dn.rdns()[0].value, "Neil, Anna");
    assert_eq!(dn.rdns()[1].value, "Sales, East");
    assert_eq!(dn, DistinguishedName::parse(r"cn=neil\2c anna, ou=sales\, east,dc=CORP,dc=example").unwrap());
    assert_eq!(dn.parent().unwrap().as_str(), r"OU=Sales\, East,DC=corp,DC=example");
    for bad in ["CN=\"\"", "", "CN", "=x,DC=a", "CN=a,,DC=b", r"CN=a\", r"CN=\4"] {
        assert!(DistinguishedName::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn filters_are_checked() {
    for good in [
        "(cn=*)",
        "(&(a=b)(|(c=d*e)(!(f>=1))))",
        "(userAccountControl:1.2.840.113556.1.4.803:=2)",
        r"(objectGUID=\00\ff)",
        "(cn=O'Brien, Müller)",
        "(&)",
    ] {
        assert!(LdapFilter::parse(good).is_ok(), "{good}");
    }
    for bad in
        ["", "cn=a", "(cn=a", "(cn=a))", "(&(cn=a)x)", r"(cn=\zz)", "(=a)", "(c n=a)", "(!cn=a)", "(cn)"]
    {
        assert!(LdapFilter::parse(bad).is_err(), "{bad}");
    }
    let deep = "(!".repeat(100) + "(a=b)" + &")".repeat(100);
    assert!(LdapFilter::parse(&deep).unwrap_err().to_string().contains("too deep"));
}

#[test]
fn passwords_do_not_print() {
    let password = Password::new("hunter2".into());
    assert!(!format!("{password:?}").contains("hunter2"));
}

#[test]
fn passwords_are_the_same_if_every_byte_is() {
    let password = |text: &str| Password::new(text.to_owned());
    for same in ["", "hunter2", "pässwort"] {
        assert!(password(same).is_same(&password(same)), "{same}");
    }
    for other in ["", "hunter", "hunter22", "Hunter2", "hunter3", "hunter2\0", "2retnuh"] {
        assert!(!password("hunter2").is_same(&password(other)), "{other}");
        assert!(!password(other).is_same(&password("hunter2")), "{other}");
    }
}

/// Text of any characters, those that mean something in names and filters above all.
fn any_text() -> impl Strategy<Value = String> {
    let special =
        prop::sample::select(" ,;+=<>#\"\\*()&|!~:\0\n\r\u{85}\u{a0}é𝄞".chars().collect::<Vec<_>>());
    let character = prop_oneof![3 => special, 1 => any::<char>()];
    prop::collection::vec(character, 1..12).prop_map(String::from_iter)
}

/// The octets that a value in a filter stands for (RFC 4515 3).
fn unescaped(mut value: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some((before, rest)) = value.split_once('\\') {
        octets.extend(before.bytes());
        octets.push(u8::from_str_radix(&rest[..2], 16).unwrap());
        value = &rest[2..];
    }
    octets.extend(value.bytes());
    octets
}

proptest! {
    #[test]
    fn no_parser_panics(text in "\\PC*") {
        let _ = DomainName::parse(&text);
        let _ = UpnSuffix::parse(&text);
        let _ = ImmutableId::parse(&text);
        let _ = ObjectGuid::parse(&text);
        let _ = ObjectId::parse(&text);
        let _ = Sid::parse(&text);
        let _ = DistinguishedName::parse(&text);
        let _ = LdapFilter::parse(&text);
        if let Ok(upn) = Upn::parse(&text) {
            let _ = upn.entra_violations();
            prop_assert_eq!(format!("{}@{}", upn.prefix(), upn.suffix_str()), upn.as_str());
        }
    }

    #[test]
    fn no_value_breaks_out_of_a_distinguished_name(value in any_text()) {
        let base = DistinguishedName::parse("OU=Staff,DC=corp,DC=example").unwrap();
        let name = base.child("CN", &value);
        let again = DistinguishedName::parse(name.as_str()).unwrap();
        prop_assert_eq!(again.rdns().len(), 4);
        prop_assert_eq!(&again.rdns()[0].value, &value);
        prop_assert_eq!(again.parent(), Some(base));
        prop_assert_eq!(again.rdns()[0].to_string(), name.rdns()[0].to_string());
    }

    #[test]
    fn a_distinguished_name_that_is_printed_is_the_same(
        text in prop_oneof![any_text(), "([A-Za-z.-]{1,3} ?= ?(\\\\[0-9a-f]{2}|\\\\.|\"|[ -~é,;+#]){0,6}[,;]?){1,3}"],
    ) {
        if let Ok(name) = DistinguishedName::parse(&text) {
            prop_assert_eq!(name.as_str(), &text, "spelling is kept");
            let printed = name.rdns().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            prop_assert_eq!(&DistinguishedName::parse(&printed).unwrap(), &name);
        }
    }

    #[test]
    fn no_value_breaks_out_of_a_filter(value in any_text()) {
        const CN: AttributeName = AttributeName::from_static("cn");
        for (filter, head, tail) in [
            (LdapFilter::equal(&CN, &value), "(cn=", ")"),
            (LdapFilter::starts_with(&CN, &value), "(cn=", "*)"),
            (LdapFilter::ends_with(&CN, &value), "(cn=*", ")"),
            (LdapFilter::at_least(&CN, &value), "(cn>=", ")"),
            (LdapFilter::at_most(&CN, &value), "(cn<=", ")"),
            (LdapFilter::equal_bytes(&CN, value.as_bytes()), "(cn=", ")"),
        ] {
            prop_assert_eq!(&LdapFilter::parse(filter.as_str()).unwrap(), &filter);
            let inner = filter.as_str().strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)).unwrap();
            prop_assert!(!inner.contains(['(', ')', '*', '\0']), "{}", filter);
            prop_assert_eq!(unescaped(inner), value.as_bytes());
        }
    }

    #[test]
    fn domain_names_survive_a_round_trip(text in "[a-zA-Zäöü0-9]{1,10}(\\.[a-zA-Z0-9]{1,10}){0,3}") {
        if let Ok(domain) = DomainName::parse(&text) {
            prop_assert_eq!(&DomainName::parse(domain.ascii()).unwrap(), &domain);
            prop_assert_eq!(&DomainName::parse_directory(&text).unwrap(), &domain);
            let json = serde_json::to_string(&domain).unwrap();
            prop_assert_eq!(serde_json::from_str::<DomainName>(&json).unwrap(), domain);
        }
    }

    #[test]
    fn names_of_a_directory_survive_their_ascii_form(text in ".{0,20}") {
        if let Ok(domain) = DomainName::parse_directory(&text) {
            prop_assert_eq!(&DomainName::parse_directory(domain.as_str()).unwrap(), &domain);
            let _ = (domain.is_routable(), domain.labels().count(), domain.unicode());
        }
    }

    #[test]
    fn upns_compare_and_hash_without_case(prefix in "[a-zA-Zßäİ.]{1,12}") {
        use std::hash::BuildHasher;
        let hasher = std::collections::hash_map::RandomState::new();
        let one = Upn::parse(&format!("{prefix}@Contoso.com")).unwrap();
        let other = Upn::parse(&format!("{}@contoso.COM", prefix.to_lowercase())).unwrap();
        if one == other {
            prop_assert_eq!(hasher.hash_one(&one), hasher.hash_one(&other));
            prop_assert_eq!(one.cmp(&other), std::cmp::Ordering::Equal);
        } else {
            prop_assert_ne!(one.key(), other.key());
        }
    }

    #[test]
    fn guids_round_trip(bytes: [u8; 16]) {
        let guid = ObjectGuid::from_bytes(bytes);
        prop_assert_eq!(ObjectGuid::parse(&guid.to_string()).unwrap(), guid);
        prop_assert_eq!(ImmutableId::from_guid(&guid).guid(), Some(guid));
        let id = ObjectId::from_bytes(bytes);
        prop_assert_eq!(ObjectId::parse(&id.to_string()).unwrap(), id);
    }

    #[test]
    fn sids_round_trip(authority in 0u64..1 << 48, parts in proptest::collection::vec(any::<u32>(), 0..15)) {
        let text = parts.iter().fold(format!("S-1-{authority}"), |text, part| format!("{text}-{part}"));
        let sid = Sid::parse(&text).unwrap();
        prop_assert_eq!(sid.to_string(), text);
        prop_assert_eq!(Sid::from_slice(&sid.to_bytes()).unwrap(), sid);
    }

    #[test]
    fn any_value_makes_a_name_that_parses_back(value in "\\PC{1,20}") {
        let base = DistinguishedName::parse("DC=corp,DC=example").unwrap();
        let dn = base.child("CN", &value);
        let parsed = DistinguishedName::parse(dn.as_str()).unwrap();
        prop_assert_eq!(&parsed.rdns()[0].value, &value);
        prop_assert!(parsed.is_within(&base));
        prop_assert_eq!(parsed.parent().unwrap(), base);
    }

    #[test]
    fn any_value_makes_a_filter_that_parses(value in ".*", bytes: Vec<u8>) {
        let cn = "cn".parse().unwrap();
        let simple = [
            LdapFilter::equal(&cn, &value),
            LdapFilter::equal_bytes(&cn, &bytes),
            LdapFilter::present(&cn),
            LdapFilter::starts_with(&cn, &value),
            LdapFilter::ends_with(&cn, &value),
            LdapFilter::at_least(&cn, &value),
            LdapFilter::at_most(&cn, &value),
            LdapFilter::all_bits(&cn, 2),
            LdapFilter::any_bit(&cn, 2),
            LdapFilter::any_of([]),
        ];
        let joined = [
            simple[0].and(&simple[1]),
            simple[0].or(&simple[1]),
            simple[0].negate(),
            LdapFilter::any_of(&simple),
        ];
        for filter in simple.into_iter().chain(joined) {
            prop_assert_eq!(LdapFilter::parse(filter.as_str()).unwrap(), filter);
        }
    }
}

mod attribute_name {
    use onramp_core::AttributeName;
    use proptest::prelude::*;

    #[test]
    fn accepts_what_schemas_hold() {
        for name in
            ["cn", "mS-DS-ConsistencyGuid", "msDS-ReplAttributeMetaData", "1.2.840.113556.1.4.656", "0.9"]
        {
            assert_eq!(AttributeName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn refuses_what_would_end_up_in_a_filter_as_something_else() {
        for name in
            ["", "-a", "1a", "1", "1.", "1..2", "01.2", "a b", "a;binary", "a=b", "a)(b=*", "ä", "*", "_a"]
        {
            assert!(AttributeName::parse(name).is_err(), "{name}");
        }
        assert!(AttributeName::parse(&"a".repeat(257)).is_err());
    }

    proptest! {
        #[test]
        fn equality_hash_and_order_agree(a in "[a-cA-C]{1,3}", b in "[a-cA-C]{1,3}") {
            use std::hash::{DefaultHasher, Hash, Hasher};
            let hash = |name: &AttributeName| { let mut h = DefaultHasher::new(); name.hash(&mut h); h.finish() };
            let same = a.eq_ignore_ascii_case(&b);
            let (a, b) = (AttributeName::parse(&a).unwrap(), AttributeName::parse(&b).unwrap());
            prop_assert_eq!(a == b, same);
            prop_assert_eq!(a.cmp(&b).is_eq(), same);
            prop_assert!(!same || hash(&a) == hash(&b));
        }
    }
}

mod accounts {
    use onramp_core::forest::{AccountKind, ForestUser};
    use proptest::prelude::*;
    use time::macros::datetime;

    fn user(dn: &str) -> ForestUser {
        let guid = "f4d9d6b0-7a0e-4e0c-9f59-0a4f5c3b2a11".parse().unwrap();
        ForestUser::new(guid, dn.parse().unwrap(), "somebody")
    }

    #[test]
    fn flags_are_those_of_user_account_control() {
        let mut user = user("CN=a,DC=corp,DC=example");
        assert!(user.is_enabled() && !user.needs_smartcard() && !user.has_password_that_never_expires());
        user.user_account_control = 0x5_0202;
        assert!(!user.is_enabled() && user.needs_smartcard() && user.has_password_that_never_expires());
    }

    #[test]
    fn an_account_expires_at_a_moment_or_never() {
        let mut user = user("CN=a,DC=corp,DC=example");
        let then = datetime!(2024-01-01 00:00 UTC);
        assert!(!user.is_expired(then));
        user.expires = ForestUser::expiry_of(133_485_408_000_000_000);
        assert!(user.is_expired(then) && !user.is_expired(then - time::Duration::SECOND));
        let back: ForestUser = serde_json::from_str(&serde_json::to_string(&user).unwrap()).unwrap();
        assert_eq!(back, user);
    }

    #[test]
    fn service_accounts_are_told_by_class_by_names_and_by_place() {
        let ordinary = user("CN=Managed Service Accounts,OU=Staff,DC=corp,DC=example");
        assert!(!ordinary.is_service_account(), "its own name is not where it stands");
        assert!(user("CN=sql,cn=managed service accounts,DC=corp,DC=example").is_service_account());
        let mut managed = user("CN=sql,DC=corp,DC=example");
        managed.kind = AccountKind::of(["top", "user", "msDS-GroupManagedServiceAccount"], 0x1000);
        assert!(managed.is_service_account());
        let mut named = ordinary;
        named.service_principal_names = vec!["HTTP/www".into()];
        assert!(named.is_service_account());
    }

    proptest! {
        #[test]
        fn no_number_breaks_the_expiry(ticks: i64) {
            if let Some(at) = ForestUser::expiry_of(ticks) {
                prop_assert!(ticks > 0 && at.year() >= 1601 && at.year() <= 9999);
            }
        }
    }
}
