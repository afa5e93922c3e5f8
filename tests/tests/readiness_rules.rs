//! The conformance suite of `ReadinessRules`: what it takes, and what it notices.
#![allow(missing_docs, clippy::unwrap_used)]

use onramp::conformance::readiness_rules;
use onramp::readiness::{
    AttributeName, DirectoryObject, EntraRules, Exclusion, Finding, Fix, Profile, ReadinessRules, RuleId,
    RuleInfo, Severity, attributes as a,
};

fn bad_objects() -> Vec<DirectoryObject> {
    let user = |name: &str| {
        DirectoryObject::new(format!("CN={name},OU=Staff,DC=corp,DC=local"))
            .with_text(a::OBJECT_CLASS, "user")
            .with_text(a::SAM_ACCOUNT_NAME, name)
    };
    let long = format!("{}@contoso.com", "a".repeat(70));
    vec![
        user("none"),
        user("blank").with_text(a::USER_PRINCIPAL_NAME, "an na@contoso.com"),
        user("marks").with_text(a::USER_PRINCIPAL_NAME, "jürgen@corp.local"),
        user("long").with_text(a::USER_PRINCIPAL_NAME, long),
        user("mail")
            .with_text(a::USER_PRINCIPAL_NAME, "mail@contoso.com")
            .with_text(a::MAIL, "mail..x@contoso.com "),
        user("two")
            .with_text(a::USER_PRINCIPAL_NAME, "two@contoso.com")
            .with_text(a::PROXY_ADDRESSES, "SMTP:two@contoso.com")
            .with_text(a::PROXY_ADDRESSES, "SMTP:second@contoso.com")
            .with_text(a::PROXY_ADDRESSES, "bare@contoso.com"),
        DirectoryObject::new("CN=Sales\\0ACNF:1,DC=corp,DC=local").with_text(a::OBJECT_CLASS, "group"),
        DirectoryObject::new("CN=Carl,DC=corp,DC=local")
            .with_text(a::OBJECT_CLASS, "contact")
            .with_text(a::TARGET_ADDRESS, "SMTP:carl x@contoso.com"),
    ]
}

#[test]
fn the_rules_of_entra_keep_every_promise() {
    let scoped = "[rules.duplicate-upn]\nclasses = [\"group\"]\n[rules.cloud-conflict]\nbelow = [\"OU=None,DC=corp,DC=local\"]";
    for profile in [Profile::entra(), Profile::parse(scoped).unwrap()] {
        let rules = EntraRules::new(&profile).unwrap();
        let found: usize = bad_objects().iter().map(|object| rules.check(object).len()).sum();
        assert!(found >= 8, "the objects break rules: {found}");
        readiness_rules(&rules, &bad_objects());
    }
}

/// The promise that a rule set breaks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Broken {
    Nothing,
    UnknownRule,
    HiddenAttribute,
    OtherValue,
    Fix,
    Scope,
}

/// An organization's own rule: no user is called "temp".
#[derive(Debug)]
struct OwnRules(Broken);

impl OwnRules {
    const RULE: RuleId = RuleId::from_static("own-no-temp");
}

impl ReadinessRules for OwnRules {
    fn catalog(&self) -> Vec<RuleInfo> {
        vec![RuleInfo::new(Self::RULE, "No display name is temp", Severity::Warning)]
    }

    fn attributes(&self) -> Vec<AttributeName> {
        if self.0 == Broken::HiddenAttribute { Vec::new() } else { vec![a::DISPLAY_NAME] }
    }

    fn exclusion(&self, _: &DirectoryObject) -> Option<Exclusion> {
        None
    }

    fn check(&self, object: &DirectoryObject) -> Vec<Finding> {
        if object.text(&a::DISPLAY_NAME) != Some("temp") {
            return Vec::new();
        }
        let rule = if self.0 == Broken::UnknownRule { RuleId::new("other") } else { Self::RULE };
        let value = if self.0 == Broken::OtherValue { "Temp" } else { "temp" };
        let finding = Finding::new(object.key(), rule, Severity::Warning, a::DISPLAY_NAME, "it is temp");
        vec![finding.with_value(value.to_owned(), 0)]
    }

    fn out_of_scope(&self, _: &DirectoryObject) -> Vec<RuleId> {
        if self.0 == Broken::Scope { vec![RuleId::new("other")] } else { Vec::new() }
    }

    fn suggest(&self, _: &DirectoryObject, findings: &mut [Finding]) {
        for finding in findings {
            let removed = if self.0 == Broken::Fix { "Temp" } else { "temp" };
            finding.fixes = vec![Fix::replace(a::DISPLAY_NAME, Some(removed), Some("Anna".to_owned()))];
        }
    }
}

#[test]
fn a_broken_promise_is_named() {
    let temp = DirectoryObject::new("CN=temp,DC=corp,DC=local").with_text(a::DISPLAY_NAME, "temp");
    let run = |broken| {
        let temp = temp.clone();
        let result = std::panic::catch_unwind(move || readiness_rules(&OwnRules(broken), &[temp]));
        result.err().map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
    };
    assert_eq!(run(Broken::Nothing), None);
    for (broken, sentence) in [
        (Broken::UnknownRule, "a finding is of a rule in the catalog"),
        (Broken::HiddenAttribute, "only the attributes that are named are read"),
        (Broken::OtherValue, "the value at the index is the one that is named"),
        (Broken::Fix, "a fix removes values that are there"),
        (Broken::Scope, "a rule with a scope is in the catalog"),
    ] {
        let told = run(broken).unwrap_or_default();
        assert!(told.contains(sentence), "{broken:?}: {told}");
    }
}
