//! Profiles as data.

use onramp_readiness::{
    EntraRules, Profile, ProfileError, ReadinessRules, RuleId, RuleSettings, Severity, attributes as a,
};

use crate::{group, ids, judged_by, profile, user, with};

#[test]
fn rules_are_chosen_by_tag_and_name() {
    let bad =
        with(with(user("anna"), &a::USER_PRINCIPAL_NAME, &["an na@corp.local"]), &a::DISPLAY_NAME, &["x "]);
    let judged = |profile: Profile| {
        let findings = judged_by(&profile, &bad);
        ids(&findings).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(judged(profile()), ["edge-white-space", "upn-character", "upn-suffix-not-routable"]);
    assert_eq!(judged(profile().with_tags(["upn"])), ["upn-character", "upn-suffix-not-routable"]);
    assert_eq!(judged(profile().with_tags(["upn-character"])), ["upn-character"]);
    assert_eq!(judged(profile().with_skip(["upn"])), ["edge-white-space"]);
    assert_eq!(judged(profile().with_skip(["character"])), ["upn-suffix-not-routable"]);
    assert_eq!(judged(profile().with_tags(["upn"]).with_skip(["domain"])), ["upn-character"]);
}

#[test]
fn a_rule_is_switched_limited_and_scoped() {
    let text = r#"
        name = "contoso"
        verified-domains = ["contoso.com"]
        [rules.upn-prefix-length]
        limit = 3
        severity = "note"
        not-below = ["OU=Robots,DC=corp,DC=local"]
        [rules.edge-white-space]
        classes = ["group"]
        [rules.upn-dots]
        enabled = false
        [rules.mail-format]
        below = ["ou=staff, dc=corp, dc=local"]
    "#;
    let profile = Profile::parse(text).unwrap();
    let anna = with(user("anna"), &a::USER_PRINCIPAL_NAME, &["anna.@contoso.com"]);
    let findings = judged_by(&profile, &anna);
    assert_eq!(ids(&findings), ["upn-prefix-length"]);
    assert_eq!(findings[0].severity, Severity::Note);
    assert!(findings[0].explanation.contains("the limit is 3"), "{findings:?}");
    let robot = onramp_readiness::DirectoryObject::new("CN=r2d2,OU=Robots,DC=Corp,DC=local")
        .with_text(a::OBJECT_CLASS, "user")
        .with_text(a::USER_PRINCIPAL_NAME, "r2d2@contoso.com");
    assert_eq!(ids(&judged_by(&profile, &robot)), [""; 0]);
    assert_eq!(ids(&judged_by(&profile, &with(anna, &a::DISPLAY_NAME, &["x "]))), ["upn-prefix-length"]);
    assert_eq!(ids(&judged_by(&profile, &with(group("g"), &a::DISPLAY_NAME, &["x "]))), ["edge-white-space"]);
    assert_eq!(ids(&judged_by(&profile, &with(user("abc"), &a::MAIL, &["x"]))), ["mail-format"]);
    assert_eq!(ids(&judged_by(&profile, &with(group("g"), &a::MAIL, &["x"]))), [""; 0]);
}

#[test]
fn an_alternate_login_id_is_judged_instead_of_the_upn() {
    let profile = Profile::parse("login-attribute = \"mail\"").unwrap();
    let anna = with(user("anna"), &a::USER_PRINCIPAL_NAME, &["an na@corp.local"]);
    assert_eq!(ids(&judged_by(&profile, &anna)), ["upn-missing"]);
    let anna = with(anna, &a::MAIL, &["anna@contoso.com"]);
    assert_eq!(ids(&judged_by(&profile, &anna)), [""; 0]);
}

#[test]
fn what_does_not_exist_is_named_with_what_was_meant() {
    let unknown = |profile: &Profile| EntraRules::new(profile).unwrap_err();
    let error = unknown(&Profile::entra().with_skip(["upn-charcter"]));
    assert_eq!(
        error,
        ProfileError::UnknownRule {
            name: "upn-charcter".to_owned(),
            nearest: Some("upn-character".to_owned())
        }
    );
    assert_eq!(
        error.to_string(),
        "the profile names the rule or tag “upn-charcter”, which does not exist; did you mean “upn-character”?"
    );
    let error = unknown(&Profile::entra().with_tags(["upm"]));
    assert!(matches!(error, ProfileError::UnknownRule { nearest: Some(nearest), .. } if nearest == "upn"));
    let settings = RuleSettings::default().with_limit(3);
    let error = unknown(&Profile::entra().with_rule(RuleId::from_static("upn-dots"), settings));
    assert_eq!(error.to_string(), "the rule “upn-dots” has no limit to set");
    let error = Profile::parse("colour = 1").unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("colour"), "{error}");
}

#[test]
fn a_profile_that_judges_nothing_is_refused() {
    for (text, words) in [
        (
            "[rules.upn-shape]\nbelow = [\"garbage\"]",
            "“garbage” in the scope of the rule “upn-shape” is no distinguished name",
        ),
        ("[rules.upn-shape]\nnot-below = [\"OU=Staff,DC\"]", "is no distinguished name"),
        ("[rules.upn-shape]\nclasses = [\"usr\"]", "did you mean “user”?"),
        ("[rules.duplicate-upn]\nclasses = [\"user\", \"gruop\"]", "did you mean “group”?"),
        ("tags = [\"upn-shape\"]\nskip = [\"upn-shape\"]", "switches every rule off"),
    ] {
        let error = EntraRules::new(&Profile::parse(text).unwrap()).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let secret = Profile::parse("login-attribute = \"ms-Mcs-AdmPwd\"").unwrap();
    assert!(EntraRules::new(&secret).unwrap_err().to_string().contains("secret"));
    let own = "[rules.upn-shape]\nclasses = [\"contosoEmployee\", \"USER\"]\nbelow = [\"ou=staff, dc=corp, dc=local\"]";
    EntraRules::new(&Profile::parse(own).unwrap()).unwrap();
}

#[test]
fn the_catalog_describes_every_rule_and_ids_are_different() {
    let catalog = EntraRules::new(&Profile::entra()).unwrap().catalog();
    assert!(catalog.len() > 50, "{}", catalog.len());
    let mut ids: Vec<&str> = catalog.iter().map(|rule| rule.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), catalog.len());
    for rule in &catalog {
        assert!(!rule.title.is_empty() && !rule.source.is_empty() && !rule.tags.is_empty(), "{rule:?}");
    }
}

#[test]
fn a_profile_is_stored_and_read_back() {
    let profile = profile()
        .with_skip(["name"])
        .with_rule(RuleId::from_static("upn-length"), RuleSettings::default().with_limit(80));
    let text = serde_json::to_string(&profile).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
}

#[test]
fn a_source_is_asked_for_each_attribute_once() {
    let attributes = |profile: &Profile| EntraRules::new(profile).unwrap().attributes();
    let usual = attributes(&Profile::entra());
    let unique: std::collections::BTreeSet<_> = usual.iter().collect();
    assert_eq!(unique.len(), usual.len());
    assert!(usual.contains(&a::USER_PRINCIPAL_NAME) && usual.contains(&a::CONSISTENCY_GUID));
    let other = attributes(&Profile::parse("login-attribute = \"employeeID\"").unwrap());
    assert_eq!(other.len(), usual.len() + 1);
}
