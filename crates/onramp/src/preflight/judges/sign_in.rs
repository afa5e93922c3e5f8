//! The policies that decide about the sign-in of the service account.

use onramp_core::tenant::{PolicyDemand, PolicyInForce, SecondFactor};

use crate::preflight::catalog::{CONDITIONAL_ACCESS, SECURITY_DEFAULTS};
use crate::preflight::item::{Judged, Verdict};
use crate::preflight::scope::PreflightScope;

const HIDDEN: &str = "this account may not read it: it needs Policy.Read.All, and the cloud has to offer it";

pub(in crate::preflight) const IDS: [&str; 2] = [SECURITY_DEFAULTS, CONDITIONAL_ACCESS];

/// Judges security defaults and conditional access, as they would apply to a new account.
pub(in crate::preflight) fn judge(policies: &SecondFactor, scope: &PreflightScope) -> Vec<Judged> {
    let has_account = scope.service_account.is_some();
    let defaults = match policies.security_defaults {
        None => Verdict::cannot_tell(HIDDEN),
        Some(false) => Verdict::pass("security defaults are off"),
        Some(true) if has_account => Verdict::fail(
            "security defaults are on: they ask an administrator's account for a second factor at every sign-in",
        ),
        Some(true) => Verdict::warn("security defaults are on"),
    };
    let access = match &policies.policies {
        None => Verdict::cannot_tell(HIDDEN),
        Some(all) => conditional_access(all, has_account),
    };
    vec![(SECURITY_DEFAULTS, defaults), (CONDITIONAL_ACCESS, access)]
}

fn conditional_access(policies: &[PolicyInForce], has_account: bool) -> Verdict {
    let told = |policy: &PolicyInForce| {
        let demand = match policy.demand {
            PolicyDemand::Block => "refuses the sign-in",
            PolicyDemand::SecondFactor => "asks for a second factor",
            _ => "asks for what a program cannot give",
        };
        let sometimes = if policy.conditional { " under conditions" } else { "" };
        format!("\"{}\" {demand}{sometimes}", policy.name)
    };
    let all = policies.iter().map(told).collect::<Vec<_>>().join("; ");
    match policies {
        [] => Verdict::pass("no policy in force concerns a new account with this role"),
        _ if has_account && policies.iter().any(|policy| !policy.conditional) => Verdict::fail(all),
        _ => Verdict::warn(all),
    }
}
