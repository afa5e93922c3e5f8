//! Protected OUs and accounts: objects that no plan may change.

use std::collections::HashMap;

use onramp_core::forest::ObjectRef;
use onramp_core::{DistinguishedName, Forest, ObjectGuid, Result, Tenant, Upn, visible};

use super::{PolicyRequest, PolicyRules, PolicyViolation};
use crate::history::History;
use crate::plan::Change;
use crate::user_names::find_users;

/// The maximum number of users that one violation names.
const NAMED: usize = 5;

/// Adds the violations of the rules `protected_ous` and `protected_accounts`. A name of the forest that fits nothing is
/// one, too: it would protect nothing.
pub(super) async fn review(
    rules: &PolicyRules,
    request: &PolicyRequest<'_>,
    violations: &mut Vec<PolicyViolation>,
) -> Result<()> {
    let changed = || request.plan.changes().iter().filter_map(|planned| planned.change.object());
    for ou in &rules.protected_ous {
        let mut violation = |detail| violations.push(PolicyViolation::new("protected_ous", detail));
        match request.forest.objects.get(&ObjectRef::Dn(ou.clone()), &[]).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => {
                violation(format!("{} does not exist", visible(ou.as_str())))
            }
            Err(error) => return Err(error),
        }
        let below: Vec<&DistinguishedName> =
            changed().map(|(_, dn)| dn).filter(|dn| dn.is_within(ou)).collect();
        if !below.is_empty() {
            violation(format!(
                "{} is protected, and the plan changes {}",
                visible(ou.as_str()),
                named(&below)
            ));
        }
    }
    let (names, found) = find_users(request.forest, &rules.protected_accounts, request.history).await?;
    let mut protected: HashMap<ObjectGuid, &str> = HashMap::new();
    for (user, fits) in &found {
        let written =
            fits.iter().find_map(|at| names.entries().get(*at)).map_or("", |entry| entry.written.as_str());
        protected.insert(user.guid, written);
    }
    let mut violation = |detail| violations.push(PolicyViolation::new("protected_accounts", detail));
    for entry in names.entries() {
        let written = entry.written.trim();
        let is_account = |change: &Change| {
            change.upn_of_account().is_some_and(|upn| upn.as_str().eq_ignore_ascii_case(written))
        };
        if request.plan.changes().iter().any(|planned| planned.change.writes() && is_account(&planned.change))
        {
            violation(format!("the account {} is protected, and the plan changes it", visible(written)));
        } else if entry.is_unknown() && !entry.is_upn() {
            // A UPN may be that of an account of the tenant, also of one that does not exist yet or no longer.
            violation(format!("\"{}\" matches no user of the forest", visible(written)));
        }
    }
    for (guid, dn) in changed() {
        if let Some(written) = protected.get(&guid) {
            let dn = visible(dn.as_str());
            violation(format!("\"{}\" is protected, and the plan changes {dn}", visible(written)));
        }
    }
    Ok(())
}

impl PolicyRules {
    /// Returns the protected accounts that fit no user of the forest or of the tenant: written as a UPN, they refuse no plan, because
    /// the account may be created later.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn unknown_accounts(
        &self,
        tenant: &Tenant,
        forest: &Forest,
        history: &History,
    ) -> Result<Vec<String>> {
        let (names, _) = find_users(forest, &self.protected_accounts, history).await?;
        let mut unknown = Vec::new();
        for entry in names.entries().iter().filter(|entry| entry.is_unknown()) {
            let is_in_tenant = match Upn::parse(entry.written.trim()) {
                Ok(upn) => tenant.users.find(&upn).await?.is_some(),
                Err(_) => false,
            };
            unknown.extend((!is_in_tenant).then(|| entry.written.clone()));
        }
        Ok(unknown)
    }
}

fn named(users: &[&DistinguishedName]) -> String {
    let names = users.iter().take(NAMED).map(|dn| visible(dn.as_str()).into_owned());
    let names = names.collect::<Vec<_>>().join("; ");
    match users.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names}; and {more} more"),
    }
}
