//! `/groupSettings`, which is where the tenant's password rules stand.

use onramp_core::tenant::{OnPremisesProtection, PasswordProtectionSettings};
use serde_json::{Value, json};

use crate::tenant::data::refusal::Outcome;
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange};

/// The template of the setting `Password Rule Settings`, the same in every tenant.
const TEMPLATE: &str = "5cf42378-d67d-4f36-ba46-e8b86229381d";

/// Returns the settings that were ever made; a tenant that never made any answers an empty list.
pub(super) fn list(ex: &Exchange, state: &State) -> Outcome<Answer> {
    let value: Vec<Value> =
        state.password_rules.iter().map(|rules| setting(rules, &state.tenant_id)).collect();
    Ok(Answer::ok(json!({ "@odata.context": ex.context("groupSettings"), "value": value })))
}

fn setting(rules: &PasswordProtectionSettings, tenant_id: &str) -> Value {
    let mode = match rules.on_premises {
        OnPremisesProtection::Enforce => "Enforce",
        _ => "Audit",
    };
    let truth = |on: bool| if on { "True" } else { "False" }.to_owned();
    let values = [
        ("BannedPasswordCheckOnPremisesMode", mode.to_owned()),
        ("EnableBannedPasswordCheckOnPremises", truth(rules.on_premises != OnPremisesProtection::Off)),
        ("EnableBannedPasswordCheck", truth(rules.custom_terms_enforced)),
        ("LockoutDurationInSeconds", rules.lockout_duration.as_secs().to_string()),
        ("LockoutThreshold", rules.lockout_threshold.to_string()),
        ("BannedPasswordList", rules.custom_terms.join("\t")),
    ];
    json!({
        "id": tenant_id,
        "displayName": "Password Rule Settings",
        "templateId": TEMPLATE,
        "values": values.map(|(name, value)| json!({ "name": name, "value": value })),
    })
}
