use onramp_readiness::idfix::{IdfixMode, IdfixScan};
use onramp_readiness::{Confidence, Finding, IdfixError, Severity};

use super::support::{Dedicated, MultiTenant, expand, findings, object};

fn only(mode: IdfixMode, given: &[(&str, &str)]) -> Finding {
    let mut found = findings(&mut IdfixScan::new(mode), &object(given));
    assert_eq!(found.len(), 1, "{given:?}");
    found.remove(0)
}

/// The only fix as `removed -> added: loss`.
fn fix(finding: &Finding) -> String {
    let [fix] = finding.fixes.as_slice() else { panic!("{:?}", finding.fixes) };
    let [change] = fix.changes.as_slice() else { panic!("{:?}", fix.changes) };
    assert_eq!(change.attribute, finding.attribute);
    assert_eq!(fix.confidence, Confidence::Low);
    format!("{:?} -> {:?}: {}", change.remove, change.add, fix.loses.as_deref().unwrap_or("-"))
}

#[test]
fn fields() {
    let finding = only(MultiTenant, &[("userPrincipalName", "jürgen@contoso.local"), ("dn", "CN=Jürgen")]);
    assert_eq!(finding.object.dn, "CN=Jürgen");
    assert_eq!((finding.class.as_deref(), finding.severity), (Some("user"), Severity::Error));
    assert_eq!(finding.rule.as_str(), "idfix-user-principal-name");
    assert_eq!(finding.tags, ["character", "top-level-domain"]);
    assert_eq!((finding.value.as_deref(), finding.value_index), (Some("jürgen@contoso.local"), Some(0)));
    assert_eq!(finding.rule_source.as_deref(), Some("IdFix 2.6.0.3, MultiTenantRuleCollection"));
    let row = finding.idfix.unwrap();
    assert_eq!(row.errors, [IdfixError::Character, IdfixError::TopLevelDomain]);
    assert_eq!((row.update.as_deref(), &*row.action), (Some("jrgen@contoso.local"), "EDIT"));

    let finding = only(Dedicated, &[]);
    assert_eq!(finding.rule_source.as_deref(), Some("IdFix 2.6.0.3, DedicatedRuleCollection"));
    assert_eq!((finding.value.as_deref(), finding.value_index), (None, None));
    let json = serde_json::to_value(&finding).unwrap();
    assert_eq!(json["idfix_error"], serde_json::json!(["Blank"]));
    assert_eq!((json.get("idfix_update"), json.get("value")), (None, None));
    assert_eq!(json["idfix_action"], "EDIT");
}

#[test]
fn rules_are_named_by_attribute() {
    for (attribute, value, rule) in [
        ("displayName", "", "idfix-display-name"),
        ("givenName", "⟨a*64⟩", "idfix-given-name"),
        ("mail", "⟨a*257⟩", "idfix-mail"),
        ("mailNickname", ".a", "idfix-mail-nickname"),
        ("proxyAddresses", "a b", "idfix-proxy-addresses"),
        ("sAMAccountName", "a/b", "idfix-sam-account-name"),
        ("targetAddress", "a b", "idfix-target-address"),
        ("userPrincipalName", "a", "idfix-user-principal-name"),
    ] {
        let finding = only(MultiTenant, &[(attribute, value)]);
        assert_eq!((finding.rule.as_str(), finding.attribute.as_str()), (rule, attribute));
    }
}

#[test]
fn each_error_has_its_tag_and_its_words() {
    for (given, tags, explanation) in [
        (("displayName", ""), &["blank"][..], "displayName is missing or empty."),
        (("givenName", "⟨a*64⟩"), &["length"], "givenName is too long (more than 63 characters)."),
        (("mailNickname", ".a"), &["character"], "mailNickname has characters that are not allowed."),
        (
            ("userPrincipalName", "a@b.local"),
            &["top-level-domain"],
            "userPrincipalName has a top-level domain that IdFix does not know.",
        ),
        (
            ("userPrincipalName", "é.@b_.com"),
            &["domain-part", "local-part", "format"],
            "userPrincipalName has an invalid part after the @, has an invalid part before the @ and is no address that IdFix \
             can repair.",
        ),
        // Twice the same error is one tag, and both stand in the row.
        (
            ("proxyAddresses", "sip:a:b c"),
            &["character"],
            "proxyAddresses has characters that are not allowed and has characters that are not allowed.",
        ),
    ] {
        let finding = only(MultiTenant, &[given]);
        assert_eq!(finding.tags, tags, "{given:?}");
        assert_eq!(finding.explanation, explanation);
    }
}

#[test]
fn duplicates_are_explained() {
    let mut scan = IdfixScan::new(MultiTenant);
    findings(&mut scan, &object(&[("dn", "CN=a"), ("userPrincipalName", "jos@contoso.com")]));
    let found = findings(&mut scan, &object(&[("dn", "CN=b"), ("userPrincipalName", "JOS@contoso.com")]));
    let explanations: Vec<_> = found.iter().map(|row| row.explanation.as_str()).collect();
    assert_eq!(
        explanations,
        [
            "IdFix lists this object as the first holder of a value of userPrincipalName that CN=b has, too.",
            "userPrincipalName has a value that was read before.",
        ]
    );
    assert!(
        found.iter().all(|row| row.tags == ["duplicate"] && row.rule.as_str() == "idfix-user-principal-name")
    );
    assert!(found.iter().all(|row| row.rule_source.is_some() && row.severity == Severity::Error));
    let found = findings(&mut scan, &object(&[("dn", "CN=c"), ("userPrincipalName", "josé@contoso.com")]));
    assert_eq!(
        found[0].explanation,
        "userPrincipalName has an invalid part before the @ and turns, as IdFix repairs it, into a value that was read before \
         (jos@contoso.com)."
    );
    assert_eq!(found[0].tags, ["local-part", "duplicate"]);
}

#[test]
fn the_limit_in_the_words_is_that_of_the_check() {
    for (mode, attribute, value, limit) in [
        (MultiTenant, "displayName", "⟨a*300⟩", 255),
        (MultiTenant, "mail", "⟨a*300⟩", 256),
        (MultiTenant, "sAMAccountName", "⟨a*300⟩", 20),
        (MultiTenant, "targetAddress", "⟨a*300⟩", 255),
        (Dedicated, "targetAddress", "⟨a*300⟩", 256),
    ] {
        let mut found = findings(&mut IdfixScan::new(mode), &object(&[(attribute, value)]));
        found.retain(|row| row.attribute.as_str() == attribute);
        assert_eq!(found[0].explanation, format!("{attribute} is too long (more than {limit} characters)."));
    }
}

#[test]
fn fixes_say_what_they_lose() {
    for (given, expected) in [
        (("givenName", "⟨a*64⟩"), r#"["⟨a*64⟩"] -> ["⟨a*63⟩"]: IdFix's update cuts the end off."#),
        (
            ("mail", "⟨a*257⟩"),
            r#"["⟨a*257⟩"] -> ["⟨a*256⟩"]: IdFix's update cuts the end off, and with it a part of the domain."#,
        ),
        (
            ("userPrincipalName", "jürgen@contoso.com"),
            r#"["jürgen@contoso.com"] -> ["jrgen@contoso.com"]: IdFix's update deletes characters instead of replacing them."#,
        ),
        (
            ("userPrincipalName", "a@b_c.com"),
            r#"["a@b_c.com"] -> ["a@bc.com"]: IdFix's update deletes characters of the domain, so that it can become another domain."#,
        ),
        (
            ("userPrincipalName", "é@b_c.com"),
            r#"["é@b_c.com"] -> ["@bc.com"]: IdFix's update deletes characters of the domain, so that it can become another domain and deletes characters before the @."#,
        ),
        (
            ("proxyAddresses", "smtp:a: ü@b_c.com"),
            r#"["smtp:a: ü@b_c.com"] -> ["smtp:a@bc.com"]: IdFix's update deletes characters instead of replacing them, deletes characters of the domain, so that it can become another domain and deletes characters before the @."#,
        ),
        (
            ("proxyAddresses", "()"),
            r#"["()"] -> ["Test"]: IdFix's update puts the common name, which is no address, in place of the value."#,
        ),
        (
            ("mailNickname", "."),
            r#"["."] -> ["Test"]: IdFix's update puts the common name in place of the value."#,
        ),
        // Nothing is lost where nothing was.
        (("displayName", "-"), r#"[] -> ["Test"]: -"#),
        (("displayName", ""), r#"[""] -> ["Test"]: -"#),
    ] {
        assert_eq!(fix(&only(MultiTenant, &[given])), expand(expected), "{given:?}");
    }
    assert_eq!(
        fix(&only(Dedicated, &[("displayName", " a "), ("homeMDB", "x")])),
        r#"[" a "] -> ["a"]: IdFix's update deletes characters instead of replacing them."#
    );
    // Trimming the prefix loses nothing.
    let finding = only(Dedicated, &[("proxyAddresses", " smtp:a@b.local"), ("homeMDB", "x")]);
    assert_eq!(fix(&finding), r#"[" smtp:a@b.local"] -> ["smtp:a@b.local"]: -"#);
}

#[test]
fn an_update_that_changes_nothing_is_no_fix() {
    for given in [
        ("userPrincipalName", "a@b.local"),
        ("userPrincipalName", "anna"),
        ("userPrincipalName", ""),
        ("proxyAddresses", "smtp:a@b.local"),
    ] {
        let finding = only(MultiTenant, &[given]);
        assert_eq!(finding.fixes, [], "{given:?}");
    }
    // A blank targetAddress: EDIT would delete it.
    assert_eq!(only(Dedicated, &[]).fixes, []);
    assert_eq!(only(Dedicated, &[("targetAddress", "")]).fixes, []);
}

#[test]
fn a_repair_that_deletes_nothing_loses_nothing() {
    // The part after the @ is invalid, and the repair deletes nothing: only characters before the @ go.
    let finding = only(MultiTenant, &[("userPrincipalName", "é@b")]);
    assert_eq!(finding.idfix.as_ref().unwrap().update.as_deref(), Some("@b"));
    let loses = finding.fixes[0].loses.as_deref();
    assert_eq!(loses, Some("IdFix's update deletes characters before the @."));
}

#[test]
fn a_scan_tells_its_mode() {
    for (mode, name) in [(MultiTenant, "multi-tenant"), (Dedicated, "dedicated")] {
        assert_eq!(IdfixScan::new(mode).mode(), mode);
        assert_eq!(mode.to_string(), name);
    }
}
