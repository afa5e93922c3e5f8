//! The conformance suite of [`ReadinessRules`]. Feature `conformance`.

use std::collections::HashSet;

use crate::{DirectoryObject, Finding, ReadinessRules, attributes};

/// Checks every promise of [`ReadinessRules`] on objects, of which some should break rules of the implementation.
///
/// # Panics
/// At the first promise that is broken, with its name.
///
/// ```
/// use onramp_readiness::{DirectoryObject, EntraRules, Profile, attributes, conformance};
///
/// let rules = EntraRules::new(&Profile::entra())?;
/// let anna = DirectoryObject::new("CN=Anna,OU=Staff,DC=corp,DC=local")
///     .with_text(attributes::OBJECT_CLASS, "user")
///     .with_text(attributes::USER_PRINCIPAL_NAME, "an na@contoso.com");
/// conformance::readiness_rules(&rules, &[anna]);
/// # Ok::<(), onramp_readiness::ProfileError>(())
/// ```
pub fn readiness_rules(rules: &dyn ReadinessRules, objects: &[DirectoryObject]) {
    let catalog = rules.catalog();
    let mut ids = HashSet::new();
    for rule in &catalog {
        assert!(ids.insert(rule.id.clone()), "a rule is in the catalog once: {}", rule.id);
        assert!(!rule.title.is_empty(), "a rule has a title: {}", rule.id);
    }
    assert_eq!(catalog, rules.catalog(), "the catalog is the same each time");
    for object in objects {
        let key = object.key();
        let findings = rules.check(object);
        assert_eq!(findings, rules.check(object), "an object is judged the same each time: {key}");
        let read = rules.attributes();
        let mut asked = object.clone();
        let others: Vec<_> = object.attributes().map(|(name, _)| name.clone()).collect();
        others.into_iter().filter(|name| !read.contains(name)).for_each(|name| asked.set(name, Vec::new()));
        assert_eq!(findings, rules.check(&asked), "only the attributes that are named are read: {key}");
        for finding in &findings {
            assert!(ids.contains(&finding.rule), "a finding is of a rule in the catalog: {}", finding.rule);
            assert_eq!(finding.object, key, "a finding is about the object that was judged");
            assert!(finding.fixes.is_empty() && finding.no_fix.is_none(), "judging suggests nothing: {key}");
            place_is_right(object, finding);
        }
        for rule in rules.out_of_scope(object) {
            assert!(ids.contains(&rule), "a rule with a scope is in the catalog: {rule}");
        }
        assert_eq!(
            rules.exclusion(object),
            rules.exclusion(object),
            "an exclusion is the same each time: {key}"
        );
        fixes_hold(rules, object, findings);
    }
}

/// A finding about a value names the value that is at its place, and parts of it.
fn place_is_right(object: &DirectoryObject, finding: &Finding) {
    let (rule, key) = (&finding.rule, &finding.object);
    if let (Some(index), Some(text)) = (finding.value_index, finding.value.as_deref())
        && finding.attribute != attributes::DISTINGUISHED_NAME
    {
        let value = object.values(&finding.attribute).get(index);
        let is_it = value.and_then(|value| value.as_text()).is_some_and(|value| value == text);
        assert!(is_it, "the value at the index is the one that is named: {rule} {key}");
    }
    for span in &finding.spans {
        let part = finding.value.as_deref().and_then(|text| text.get(span.start..span.end));
        assert!(part.is_some_and(|part| !part.is_empty()), "a span is a part of the value: {rule} {key}");
    }
}

/// A fix ends its finding, and adding fixes changes nothing else.
fn fixes_hold(rules: &dyn ReadinessRules, object: &DirectoryObject, findings: Vec<Finding>) {
    let mut fixed = findings.clone();
    rules.suggest(object, &mut fixed);
    assert_eq!(fixed.len(), findings.len(), "suggesting adds and removes no finding: {}", object.key());
    for (fixed, finding) in fixed.into_iter().zip(findings) {
        for fix in &fixed.fixes {
            let (rule, key) = (&finding.rule, &finding.object);
            let after = object.with_fix(fix);
            assert!(after.is_some(), "a fix removes values that are there: {rule} {key}");
            let remains = after.is_some_and(|after| {
                rules.check(&after).iter().any(|other| {
                    (&other.rule, &other.attribute, &other.value)
                        == (&finding.rule, &finding.attribute, &finding.value)
                })
            });
            assert!(!remains, "a fix ends its finding: {rule} {key}");
        }
        let bare = Finding { fixes: Vec::new(), no_fix: None, ..fixed };
        assert_eq!(bare, finding, "suggesting changes nothing but the fixes");
    }
}
