//! The judgment of the objects of fixes by the rules of readiness: fixes may come from elsewhere than from a scan.

use std::collections::HashSet;

use onramp_core::forest::ForestObject;
use onramp_core::{AttributeName, Upn, UpnViolation};
use onramp_readiness::attributes::{MEMBER, USER_PRINCIPAL_NAME as UPN};
use onramp_readiness::{
    DirectoryObject, EntraRules, Exclusion, Finding, Fix, FixChange, Profile, ReadinessRules,
};

use crate::plan::BlockerKind;

/// The rules of the profile `entra`.
#[derive(Debug)]
pub(super) struct Judgment(Option<EntraRules>);

impl Judgment {
    pub(super) fn new() -> Self {
        Self(EntraRules::new(&Profile::entra()).ok())
    }

    /// Returns the attributes that are read to judge an object.
    pub(super) fn attributes(&self) -> Vec<AttributeName> {
        let mut names = self.0.as_ref().map(ReadinessRules::attributes).unwrap_or_default();
        // A group may have very many, and no fix changes them.
        names.retain(|name| *name != MEMBER);
        names
    }

    /// Returns the reason why synchronization leaves the object out, if it does.
    pub(super) fn exclusion(&self, object: &ForestObject) -> Option<Exclusion> {
        self.0.as_ref()?.exclusion(&DirectoryObject::from(object.clone()))
    }

    /// Returns what the rules find in the changed object, and not in the present one.
    pub(super) fn new_findings(&self, object: &ForestObject, changes: &[FixChange]) -> Vec<Finding> {
        let Some(rules) = &self.0 else { return Vec::new() };
        let object = DirectoryObject::from(object.clone());
        let Some(changed) = object.with_fix(&Fix::of(changes.to_vec())) else { return Vec::new() };
        let known: HashSet<_> = (rules.check(&object).into_iter())
            .map(|finding| (finding.rule, finding.attribute, finding.value))
            .collect();
        let mut found = rules.check(&changed);
        found.retain(|finding| {
            let key = (finding.rule.clone(), finding.attribute.clone(), finding.value.clone());
            !known.contains(&key)
        });
        found
    }
}

/// Returns the reason why a new UPN is refused: it is none, or it breaks a rule of Entra that the present one keeps.
pub(super) fn refused_upn(object: &ForestObject, changes: &[FixChange]) -> Option<BlockerKind> {
    let present = object.text(&UPN).and_then(|upn| Upn::parse(upn).ok());
    let known = present.map(|upn| upn.entra_violations()).unwrap_or_default();
    let is_new = |violation: &UpnViolation| {
        !known.iter().any(|known| match (known, violation) {
            (UpnViolation::Character { character: known, .. }, UpnViolation::Character { character, .. }) => {
                known == character
            }
            _ => std::mem::discriminant(known) == std::mem::discriminant(violation),
        })
    };
    let values = changes.iter().filter(|change| change.attribute == UPN).flat_map(|change| &change.add);
    for value in values {
        let upn = match Upn::parse(value) {
            Ok(upn) => upn,
            Err(error) => {
                let (value, reason) = (value.clone(), error.reason().to_owned());
                return Some(BlockerKind::NotAUpn { value, reason });
            }
        };
        let violations: Vec<UpnViolation> = upn.entra_violations().into_iter().filter(is_new).collect();
        if !violations.is_empty() {
            return Some(BlockerKind::BreaksEntraRules { upn, violations });
        }
    }
    None
}
