//! The profile `entra`: rules, fixes, exclusions, duplicates.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod duplicates;
mod exclusions;
mod fixes;
mod profiles;
mod properties;
mod rules;
mod together;

use std::sync::Arc;

use onramp_core::forest::AttributeValue;
use onramp_core::{AttributeName, DomainName};
use onramp_readiness::{
    DirectoryObject, EntraRules, Finding, Fix, Profile, ReadinessRules, Scan, ScanResult, attributes as a,
};

/// A user with a name below `DC=corp,DC=local`, a UPN, and nothing wrong.
pub fn user(name: &str) -> DirectoryObject {
    DirectoryObject::new(format!("CN={name},OU=Staff,DC=corp,DC=local"))
        .with_text(a::OBJECT_CLASS, "top")
        .with_text(a::OBJECT_CLASS, "person")
        .with_text(a::OBJECT_CLASS, "user")
        .with_text(a::CN, name)
        .with_text(a::SAM_ACCOUNT_NAME, name)
        .with_text(a::USER_PRINCIPAL_NAME, format!("{name}@contoso.com"))
}

pub fn group(name: &str) -> DirectoryObject {
    DirectoryObject::new(format!("CN={name},OU=Groups,DC=corp,DC=local"))
        .with_text(a::OBJECT_CLASS, "top")
        .with_text(a::OBJECT_CLASS, "group")
        .with_text(a::CN, name)
        .with_text(a::SAM_ACCOUNT_NAME, name)
}

pub fn contact(name: &str) -> DirectoryObject {
    DirectoryObject::new(format!("CN={name},OU=Contacts,DC=corp,DC=local"))
        .with_text(a::OBJECT_CLASS, "top")
        .with_text(a::OBJECT_CLASS, "contact")
        .with_text(a::CN, name)
}

/// The object with other values of an attribute.
pub fn with(mut object: DirectoryObject, attribute: &AttributeName, values: &[&str]) -> DirectoryObject {
    object.set(attribute.clone(), values.iter().map(|value| AttributeValue::text(*value)).collect());
    object
}

pub fn domain(name: &str) -> DomainName {
    DomainName::parse(name).unwrap()
}

/// A tenant that has verified contoso.com, to which users move.
pub fn profile() -> Profile {
    Profile::entra().with_verified_domains([domain("contoso.com")]).with_upn_suffix(domain("contoso.com"))
}

pub fn judged_by(profile: &Profile, object: &DirectoryObject) -> Vec<Finding> {
    let rules = EntraRules::new(profile).unwrap();
    let mut findings = rules.check(object);
    rules.suggest(object, &mut findings);
    findings
}

pub fn judged(object: &DirectoryObject) -> Vec<Finding> {
    judged_by(&profile(), object)
}

pub fn ids(findings: &[Finding]) -> Vec<&str> {
    let mut ids: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    ids.sort_unstable();
    ids
}

pub fn scan(objects: impl IntoIterator<Item = DirectoryObject>) -> ScanResult {
    let mut scan = Scan::new(Arc::new(EntraRules::new(&profile()).unwrap()));
    objects.into_iter().for_each(|object| scan.add(object));
    scan.finish()
}

/// The object after a fix.
pub fn apply(object: &DirectoryObject, fix: &Fix) -> DirectoryObject {
    let mut fixed = object.clone();
    for change in &fix.changes {
        let mut values = fixed.values(&change.attribute).to_vec();
        for old in &change.remove {
            let at = values
                .iter()
                .position(|value| value.as_bytes() == old.as_bytes())
                .expect("the value is there");
            values.remove(at);
        }
        values.extend(change.add.iter().map(|new| AttributeValue::text(new.clone())));
        fixed.set(change.attribute.clone(), values);
    }
    fixed
}
