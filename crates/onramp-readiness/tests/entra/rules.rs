//! Golden tables: values, the rules that they break, and the parts that break them.

use onramp_core::AttributeName;
use onramp_core::forest::AttributeValue;
use onramp_readiness::{DirectoryObject, attributes as a};

use crate::{contact, group, ids, judged, judged_by, profile, user, with};

/// Judges the values of one attribute of an object, and compares the rules that they break.
fn table(attribute: &AttributeName, object: impl Fn() -> DirectoryObject, rows: &[(&[&str], &[&str])]) {
    for (values, rules) in rows {
        let findings = judged(&with(object(), attribute, values));
        assert_eq!(ids(&findings), *rules, "{attribute} {values:?}: {findings:#?}");
        for finding in &findings {
            for span in &finding.spans {
                let value = finding.value.as_deref().unwrap();
                assert!(value.get(span.start..span.end).is_some_and(|part| !part.is_empty()), "{finding:?}");
            }
        }
    }
}

#[test]
fn an_ordinary_object_of_each_kind_breaks_no_rule() {
    let anna = with(
        user("anna"),
        &a::PROXY_ADDRESSES,
        &[
            "SMTP:anna@contoso.com",
            "smtp:a.reed@contoso.com",
            "X500:/o=Contoso/ou=Exchange/cn=Recipients/cn=anna",
            "sip:anna@contoso.com",
        ],
    );
    let anna = with(anna, &a::MAIL, &["anna@contoso.com"]);
    let anna = with(anna, &a::MAIL_NICKNAME, &["anna"]);
    let anna = with(anna, &a::DISPLAY_NAME, &["Anna Réed-O'Neil (Köln)"]);
    let anna = with(anna, &a::GIVEN_NAME, &["Ánna"]);
    assert_eq!(ids(&judged(&anna)), [""; 0]);
    assert_eq!(ids(&judged(&group("Engineering"))), [""; 0]);
    let bob = with(contact("Bob"), &a::TARGET_ADDRESS, &["SMTP:bob@fabrikam.com"]);
    assert_eq!(ids(&judged(&bob)), [""; 0]);
}

#[test]
fn user_principal_names() {
    let long = |prefix: usize, suffix: usize| {
        let labels = format!("{}.com", "b".repeat(suffix - 4));
        format!("{}@{labels}", "a".repeat(prefix))
    };
    let (at_64, over_64) = (long(64, 11), long(65, 11));
    let (at_48, over_48, over_113) = (long(3, 48), long(3, 49), long(64, 49));
    let unverified = "upn-suffix-not-verified";
    let rows: &[(&[&str], &[&str])] = &[
        (&[], &["upn-missing"]),
        (&[""], &["upn-missing"]),
        (&["anna@contoso.com"], &[]),
        (&["ANNA@CONTOSO.COM"], &[]),
        (&["a@contoso.com"], &[]),
        (&["anna.reed-smith_1!#^~@contoso.com"], &[]),
        (&["o'neil@contoso.com"], &[]),
        (&["anna"], &["upn-shape"]),
        (&["@contoso.com"], &["upn-shape"]),
        (&["anna@"], &["upn-shape"]),
        (&["anna@b@contoso.com"], &["upn-shape"]),
        (&["an\u{7}na@contoso.com"], &["invisible-character", "upn-shape"]),
        (&[" anna@contoso.com"], &["edge-white-space", "upn-character"]),
        (&["anna @contoso.com"], &["upn-character"]),
        (&["anna@contoso.com "], &["edge-white-space", "upn-suffix-not-a-domain"]),
        (&["anna reed@contoso.com"], &["upn-character"]),
        (&["jürgen@contoso.com"], &["upn-character"]),
        (&["an\u{200b}na@contoso.com"], &["invisible-character", "upn-character"]),
        (&["an\u{202e}na@contoso.com"], &["invisible-character", "upn-character"]),
        (&["аnna@contoso.com"], &["confusable-character", "upn-character"]),
        (&["анна@contoso.com"], &["confusable-character", "upn-character"]),
        (&["a&b@contoso.com"], &["upn-character"]),
        (&["a\\b@contoso.com"], &["upn-character"]),
        (&["a%b@contoso.com"], &["upn-character"]),
        (&["a*b@contoso.com"], &["upn-character"]),
        (&["a+b@contoso.com"], &["upn-character"]),
        (&["a/b@contoso.com"], &["upn-character"]),
        (&["a=b@contoso.com"], &["upn-character"]),
        (&["a?b@contoso.com"], &["upn-character"]),
        (&["a{b}@contoso.com"], &["upn-character"]),
        (&["a|b@contoso.com"], &["upn-character"]),
        (&["a<b>@contoso.com"], &["upn-character"]),
        (&["a(b)@contoso.com"], &["upn-character"]),
        (&["a;b@contoso.com"], &["upn-character"]),
        (&["a:b@contoso.com"], &["upn-character"]),
        (&["a,b@contoso.com"], &["upn-character"]),
        (&["a[b]@contoso.com"], &["upn-character"]),
        (&["a\"b@contoso.com"], &["upn-character"]),
        (&["a$b@contoso.com"], &["upn-character"]),
        (&["a`b@contoso.com"], &["upn-character"]),
        (&[".anna@contoso.com"], &["upn-dots"]),
        (&["anna.@contoso.com"], &["upn-dots"]),
        (&["an..na@contoso.com"], &["upn-dots"]),
        (&[".an..na.@contoso.com"], &["upn-dots"]),
        (&["anna@contoso..com"], &["upn-suffix-not-a-domain"]),
        (&["anna@.contoso.com"], &["upn-suffix-not-a-domain"]),
        (&["anna@contoso.com."], &["upn-suffix-not-a-domain"]),
        (&["anna@con_toso.com"], &["upn-suffix-not-a-domain"]),
        (&["anna@-contoso.com"], &["upn-suffix-not-a-domain"]),
        (&["anna@corp.local"], &["upn-suffix-not-routable"]),
        (&["anna@corp.lan"], &["upn-suffix-not-routable"]),
        (&["anna@corp"], &["upn-suffix-not-routable"]),
        (&["anna@contoso.nosuchtld"], &["upn-suffix-not-routable"]),
        (&["anna@co.uk"], &["upn-suffix-not-routable"]),
        (&["anna@com"], &["upn-suffix-not-routable"]),
        (&["anna@fabrikam.com"], &[unverified]),
        (&["anna@sub.contoso.com"], &[unverified]),
        (&["anna@fabrikam.co.uk"], &[unverified]),
        (&["anna@fabrikam.app"], &[unverified]),
        (&["anna@fabrikam.xn--p1ai"], &[unverified]),
        (&["anna@bücher.com"], &[unverified]),
        (&[&at_64], &[unverified]),
        (&[&over_64], &["upn-prefix-length", unverified]),
        (&[&at_48], &[unverified]),
        (&[&over_48], &["upn-suffix-length", unverified]),
        (&[&over_113[1..]], &["upn-suffix-length", unverified]),
        (&[&format!("a{over_113}")], &["upn-length", "upn-prefix-length", "upn-suffix-length", unverified]),
    ];
    table(&a::USER_PRINCIPAL_NAME, || user("anna"), rows);
}

#[test]
fn only_users_have_to_have_a_upn() {
    for object in [group("Engineering"), with(contact("Bob"), &a::TARGET_ADDRESS, &["SMTP:bob@fabrikam.com"])]
    {
        assert_eq!(ids(&judged(&object)), [""; 0]);
    }
    let person = with(user("anna"), &a::OBJECT_CLASS, &["top", "person", "user", "inetOrgPerson"]);
    assert_eq!(ids(&judged(&with(person, &a::USER_PRINCIPAL_NAME, &[]))), ["upn-missing"]);
}

#[test]
fn proxy_addresses() {
    let long = format!("smtp:{}@{}.com", "a".repeat(60), "b".repeat(60));
    let local_64 = format!("smtp:{}@contoso.com", "a".repeat(64));
    let local_65 = format!("smtp:{}@contoso.com", "a".repeat(65));
    let labels = ["b".repeat(60), "c".repeat(60), "d".repeat(60), "e".repeat(60)].join(".");
    let over_256 = format!("smtp:abcdefgh@{labels}.com");
    assert_eq!(over_256.len(), 261);
    let primary = "SMTP:p@contoso.com";
    let rows: &[(&[&str], &[&str])] = &[
        (&[primary], &[]),
        (&[primary, "smtp:a.b+c@contoso.com"], &[]),
        (&[primary, "smtp:o'neil@contoso.com"], &[]),
        (&[primary, "smtp:a&b@contoso.com"], &[]),
        (&[primary, "X500:/o=A B/ou=(x)/cn=\"y\""], &[]),
        (&[primary, "x400:C=US;A= ;P=Contoso;S=Reed"], &[]),
        (&[primary, "sip:anna@contoso.com"], &[]),
        (&[primary, "EUM:1234;phone-context=x"], &["address-character"]),
        (&[primary, "notes:Anna Reed/Contoso"], &["address-character"]),
        (&["anna@contoso.com"], &["address-prefix-missing"]),
        (&[primary, "anna"], &["address-prefix-missing"]),
        (&[primary, ":anna@contoso.com"], &["address-prefix-missing"]),
        (&[primary, "smtp:an na@contoso.com"], &["address-character"]),
        (&[primary, "smtp: anna@contoso.com"], &["address-character"]),
        (&[primary, "smtp:anna@contoso.com "], &["address-character", "address-domain", "edge-white-space"]),
        (&[primary, " smtp:anna@contoso.com"], &["address-character", "edge-white-space"]),
        (&[primary, "smtp:jürgen@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a<b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a>b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a(b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a)b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a;b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a,b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a[b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a]b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a\"b@contoso.com"], &["address-character"]),
        (&[primary, "smtp:a\\b@contoso.com"], &["address-format"]),
        (&[primary, "smtp:a:b@contoso.com"], &["address-second-colon"]),
        (&[primary, "smtp:smtp:b@contoso.com"], &["address-second-colon"]),
        (&[primary, "smtp:anna"], &["address-format"]),
        (&[primary, "smtp:"], &["address-format"]),
        (&[primary, "smtp:@contoso.com"], &["address-format"]),
        (&[primary, "smtp:anna@"], &["address-format"]),
        (&[primary, "smtp:a@b@contoso.com"], &["address-format"]),
        (&[primary, "smtp:.anna@contoso.com"], &["address-dots"]),
        (&[primary, "smtp:anna.@contoso.com"], &["address-dots"]),
        (&[primary, "smtp:an..na@contoso.com"], &["address-dots"]),
        (&[primary, "smtp:anna@contoso..com"], &["address-domain"]),
        (&[primary, "smtp:anna@con_toso.com"], &["address-domain"]),
        (&[primary, "smtp:anna@corp.local"], &["address-domain-not-routable"]),
        (&[primary, "smtp:anna@corp"], &["address-domain-not-routable"]),
        (&[primary, "smtp:anna@fabrikam.com"], &["address-domain-not-verified"]),
        (&[primary, "smtp:anna@bücher.com"], &["address-domain-not-verified"]),
        (&[primary, &long], &["address-domain-not-verified"]),
        (&[primary, &local_64], &[]),
        (&[primary, &local_65], &["address-local-length"]),
        (&[primary, &over_256], &["address-domain-not-verified", "address-length"]),
        (&[primary, &over_256[..256]], &["address-domain-not-routable"]),
        (&["smtp:anna@contoso.com"], &["address-primary-missing"]),
        (&["smtp:anna@contoso.com", "smtp:b@contoso.com"], &["address-primary-missing"]),
        (&["Smtp:anna@contoso.com"], &["address-primary-missing"]),
        (&["sip:anna@contoso.com"], &[]),
        (&[primary, "SMTP:q@contoso.com"], &["address-primary-several", "address-primary-several"]),
        (&[primary, "smtp:P@contoso.com"], &["address-repeated"]),
        (&["smtp:p@contoso.com", primary], &["address-repeated"]),
        (&[primary, "sip:p@contoso.com"], &[]),
        (&[primary, "smtp:an\u{200b}na@contoso.com"], &["address-format", "invisible-character"]),
    ];
    table(&a::PROXY_ADDRESSES, || user("anna"), rows);
}

#[test]
fn mail_addresses() {
    let over = format!("a@{}.{}.{}.{}.com", "b".repeat(63), "c".repeat(63), "d".repeat(63), "e".repeat(60));
    assert_eq!(over.len(), 258);
    let rows: &[(&[&str], &[&str])] = &[
        (&["anna@contoso.com"], &[]),
        (&["a+b@contoso.com"], &[]),
        (&["o'neil@contoso.com"], &[]),
        (&["anna@fabrikam.com"], &[]),
        (&["anna"], &["mail-format"]),
        (&["anna@"], &["mail-format"]),
        (&["@contoso.com"], &["mail-format"]),
        (&["an na@contoso.com"], &["mail-format"]),
        (&["anna@contoso.com "], &["edge-white-space", "mail-format"]),
        (&["jürgen@contoso.com"], &["mail-format"]),
        (&["SMTP:anna@contoso.com"], &["mail-format"]),
        (&[".anna@contoso.com"], &["mail-format"]),
        (&["anna.@contoso.com"], &["mail-format"]),
        (&["an..na@contoso.com"], &["mail-format"]),
        (&["anna@con_toso.com"], &["mail-format"]),
        (&["a@b@contoso.com"], &["mail-format"]),
        (&[&over], &["mail-format", "mail-length"]),
    ];
    table(&a::MAIL, || user("anna"), rows);
    let with_primary = || with(user("anna"), &a::PROXY_ADDRESSES, &["SMTP:anna@contoso.com"]);
    let rows: &[(&[&str], &[&str])] = &[
        (&["anna@contoso.com"], &[]),
        (&["Anna@Contoso.com"], &[]),
        (&["other@contoso.com"], &["mail-not-primary"]),
        (&[], &[]),
    ];
    table(&a::MAIL, with_primary, rows);
}

#[test]
fn target_addresses() {
    let over =
        format!("SMTP:a@{}.com", ["b".repeat(62), "c".repeat(62), "d".repeat(62), "e".repeat(60)].join("."));
    assert_eq!(over.len(), 260);
    let rows: &[(&[&str], &[&str])] = &[
        (&["SMTP:bob@fabrikam.com"], &[]),
        (&["smtp:bob@fabrikam.com"], &[]),
        (&["X500:/o=a b/cn=c"], &[]),
        (&["bob@fabrikam.com"], &["target-format"]),
        (&["SMTP:bob"], &["target-format"]),
        (&["SMTP:b ob@fabrikam.com"], &["target-format"]),
        (&["SMTP:b\\ob@fabrikam.com"], &["target-format"]),
        (&["SMTP:b<ob@fabrikam.com"], &["target-format"]),
        (&["SMTP:b:ob@fabrikam.com"], &["target-format"]),
        (&["SMTP:böb@fabrikam.com"], &["target-format"]),
        (&["SMTP:bob.@fabrikam.com"], &["target-format"]),
        (&["SMTP:bob@fabri_kam.com"], &["target-format"]),
        (&["SMTP:bob@fabrikam.com "], &["edge-white-space", "target-format"]),
        (&[&over], &["target-length"]),
    ];
    table(&a::TARGET_ADDRESS, || contact("bob"), rows);
}

#[test]
fn mail_nicknames() {
    let (at, over) = ("a".repeat(64), "a".repeat(65));
    let rows: &[(&[&str], &[&str])] = &[
        (&["anna"], &[]),
        (&["anna.reed"], &[]),
        (&["anna-reed_1"], &[]),
        (&["o'neil"], &[]),
        (&[&at], &[]),
        (&[&over], &["nickname-length"]),
        (&[".anna"], &["nickname-dots"]),
        (&["anna."], &["nickname-dots"]),
        (&["an..na"], &["nickname-dots"]),
        (&["anna reed"], &["nickname-character"]),
        (&["anna "], &["edge-white-space", "nickname-character"]),
        (&["jürgen"], &["nickname-character"]),
        (&["anna@contoso"], &["nickname-character"]),
        (&["a,b"], &["nickname-character"]),
        (&["a(b)"], &["nickname-character"]),
        (&["a\"b"], &["nickname-character"]),
    ];
    table(&a::MAIL_NICKNAME, || user("anna"), rows);
}

#[test]
fn account_names() {
    let (at, over) = ("a".repeat(20), "a".repeat(21));
    let (long, longer) = ("g".repeat(256), "g".repeat(257));
    let rows: &[(&[&str], &[&str])] = &[
        (&["anna"], &[]),
        (&["anna.reed"], &[]),
        (&["anna reed"], &[]),
        (&["jürgen"], &[]),
        (&["o'neil"], &[]),
        (&[&at], &[]),
        (&[&over], &["sam-account-name-length"]),
        (&["anna."], &["sam-account-name-character"]),
        (&["a\"b"], &["sam-account-name-character"]),
        (&["a[b]"], &["sam-account-name-character"]),
        (&["a:b"], &["sam-account-name-character"]),
        (&["a;b"], &["sam-account-name-character"]),
        (&["a|b"], &["sam-account-name-character"]),
        (&["a=b"], &["sam-account-name-character"]),
        (&["a+b"], &["sam-account-name-character"]),
        (&["a*b"], &["sam-account-name-character"]),
        (&["a?b"], &["sam-account-name-character"]),
        (&["a<b>"], &["sam-account-name-character"]),
        (&["a/b"], &["sam-account-name-character"]),
        (&["a\\b"], &["sam-account-name-character"]),
        (&["a,b"], &["sam-account-name-character"]),
        (&["a\tb"], &["invisible-character", "sam-account-name-character"]),
    ];
    table(&a::SAM_ACCOUNT_NAME, || user("anna"), rows);
    let rows: &[(&[&str], &[&str])] =
        &[(&[&over], &[]), (&[&long], &[]), (&[&longer], &["sam-account-name-length"])];
    table(&a::SAM_ACCOUNT_NAME, || group("Engineering"), rows);
}

#[test]
fn names_of_people_and_their_lengths() {
    for (attribute, limit, rule) in [
        (a::DISPLAY_NAME, 256, "display-name-length"),
        (a::GIVEN_NAME, 64, "given-name-length"),
        (a::SN, 64, "surname-length"),
        (a::CN, 64, "common-name-length"),
        (a::COMPANY, 64, "company-length"),
        (a::DEPARTMENT, 64, "department-length"),
        (a::TITLE, 128, "title-length"),
    ] {
        let (at, over) = ("ä".repeat(limit), "ä".repeat(limit + 1));
        let rows: &[(&[&str], &[&str])] = &[(&[&at], &[]), (&[&over], &[rule]), (&["Anna"], &[])];
        table(&attribute, || user("anna"), rows);
        let findings = judged(&with(user("anna"), &attribute, &[&over]));
        assert_eq!((findings[0].spans[0].start, findings[0].spans[0].end), (2 * limit, 2 * limit + 2));
    }
    let rows: &[(&[&str], &[&str])] = &[
        (&[" "], &["display-name-missing"]),
        (&["Anna "], &["edge-white-space"]),
        (&["\u{a0}Anna"], &["edge-white-space"]),
        (&["An\u{ad}na"], &["invisible-character"]),
        (&["Anna\u{feff}"], &["invisible-character"]),
        (&["Pаypal"], &["confusable-character"]),
        (&["Анна"], &[]),
        (&["山田 太郎"], &[]),
        (&["안나"], &[]),
        (&["نرگس"], &[]),
    ];
    table(&a::DISPLAY_NAME, || user("anna"), rows);
}

#[test]
fn groups_and_their_members() {
    let members = |count: usize| {
        let mut group = group("Engineering");
        let member = AttributeValue::text("CN=x,DC=corp,DC=local");
        group.set(a::MEMBER, vec![member; count]);
        group
    };
    assert_eq!(ids(&judged(&members(50_000))), [""; 0]);
    let findings = judged(&members(50_001));
    assert_eq!(ids(&findings), ["group-members"]);
    assert!(findings[0].explanation.contains("50001 members"), "{findings:?}");
}

#[test]
fn many_addresses() {
    let addresses = |count: usize| {
        let mut values: Vec<String> = (1..count).map(|n| format!("smtp:a{n}@contoso.com")).collect();
        values.push("SMTP:anna@contoso.com".to_owned());
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        with(user("anna"), &a::PROXY_ADDRESSES, &values)
    };
    assert_eq!(ids(&judged(&addresses(300))), [""; 0]);
    assert_eq!(ids(&judged(&addresses(301))), ["address-count"]);
}

#[test]
fn a_source_anchor_has_sixteen_octets() {
    let anchor = |octets: usize| {
        let mut anna = user("anna");
        anna.set(a::CONSISTENCY_GUID, vec![AttributeValue::bytes(vec![7; octets])]);
        anna
    };
    assert_eq!(ids(&judged(&anchor(16))), [""; 0]);
    let findings = judged(&anchor(15));
    assert_eq!(ids(&findings), ["source-anchor-format"]);
    assert!(findings[0].fixes.is_empty() && findings[0].no_fix.is_some());
}

#[test]
fn without_the_domains_of_the_tenant_nothing_is_said_about_verification() {
    let profile = onramp_readiness::Profile::entra();
    let findings = judged_by(&profile, &with(user("anna"), &a::USER_PRINCIPAL_NAME, &["anna@fabrikam.com"]));
    assert_eq!(ids(&findings), [""; 0]);
    let findings = judged_by(&profile, &with(user("anna"), &a::USER_PRINCIPAL_NAME, &["anna@corp.local"]));
    assert_eq!(ids(&findings), ["upn-suffix-not-routable"]);
    // A tenant may have verified what the list of public suffixes does not know.
    let profile = crate::profile().with_verified_domains([crate::domain("contoso.nosuchtld")]);
    let object = with(user("anna"), &a::USER_PRINCIPAL_NAME, &["anna@contoso.nosuchtld"]);
    assert_eq!(ids(&judged_by(&profile, &object)), [""; 0]);
}

#[test]
fn octets_that_are_no_text_are_told() {
    let mut anna = user("anna");
    anna.set(a::DISPLAY_NAME, vec![AttributeValue::bytes(vec![0xff, 0xfe])]);
    let findings = judged(&anna);
    assert_eq!(ids(&findings), ["text-encoding"]);
    assert_eq!(findings[0].explanation, "value 1 of displayName is not UTF-8");
    assert!(findings[0].no_fix.is_some());
}

#[test]
fn a_finding_says_what_where_why_and_by_which_rule() {
    let object = with(user("anna"), &a::USER_PRINCIPAL_NAME, &["an na\u{200b}@contoso.com"]);
    let findings = judged(&object);
    let finding = findings.iter().find(|finding| finding.rule.as_str() == "upn-character").unwrap();
    assert_eq!(finding.object.dn, "CN=anna,OU=Staff,DC=corp,DC=local");
    assert_eq!(finding.class.as_deref(), Some("user"));
    assert_eq!((finding.value.as_deref(), finding.value_index), (Some("an na\u{200b}@contoso.com"), Some(0)));
    let spans: Vec<(usize, usize)> = finding.spans.iter().map(|span| (span.start, span.end)).collect();
    assert_eq!(spans, [(2, 3), (5, 8)]);
    assert_eq!(
        finding.explanation,
        "Entra does not take a blank, a zero-width space (U+200B) before the “@”; it writes “_” instead"
    );
    assert!(finding.rule_source.as_deref().unwrap().contains("Prepare directory attributes"));
    assert_eq!(finding.tags, ["upn", "character"]);
    assert_eq!(profile().name, "entra");
}

#[test]
fn secrets_are_in_no_debug_text() {
    let object = user("anna").with_text(AttributeName::from_static("userPassword"), "hunter2");
    let text = format!("{object:?}");
    assert!(
        !text.contains("hunter2") && text.contains("userPassword") && text.contains("anna@contoso.com"),
        "{text}"
    );
}

#[test]
fn well_known_accounts_are_known_within_a_domain_only() {
    use onramp_core::Sid;
    use onramp_readiness::{EntraRules, Profile, ReadinessRules};
    let rules = EntraRules::new(&Profile::entra()).unwrap();
    let excluded = |sid: &str| {
        let mut object = user("anna");
        object.set(a::OBJECT_SID, vec![AttributeValue::bytes(Sid::parse(sid).unwrap().to_bytes())]);
        rules.exclusion(&object).is_some()
    };
    assert!(excluded("S-1-5-21-1-2-3-500") && excluded("S-1-5-32-544"));
    assert!(!excluded("S-1-5-21-1-2-3-1000") && !excluded("S-1-5-80-500") && !excluded("S-1-5-32-1000"));
}

#[test]
fn dots_of_addresses_are_found_where_they_are() {
    let spans = |value: &str| {
        let object = with(user("anna"), &a::PROXY_ADDRESSES, &["SMTP:p@contoso.com", value]);
        let findings = judged(&object);
        let finding = findings.iter().find(|finding| finding.rule.as_str() == "address-dots").unwrap();
        finding.spans.iter().map(|span| (span.start, span.end)).collect::<Vec<_>>()
    };
    assert_eq!(spans("smtp:.anna@contoso.com"), [(5, 6)]);
    assert_eq!(spans("smtp:an..na@contoso.com"), [(7, 9)]);
    assert_eq!(spans("smtp:anna.@contoso.com"), [(9, 10)]);
    let rows: &[(&[&str], &[&str])] = &[
        (&["SMTP:.bob@fabrikam.com"], &["target-format"]),
        (&["SMTP:b..ob@fabrikam.com"], &["target-format"]),
        (&["SMTP:@fabrikam.com"], &["target-format"]),
        (&["sip:a..b"], &[]),
    ];
    table(&a::TARGET_ADDRESS, || contact("bob"), rows);
}
