//! The tenant's own password rules through Graph.

use std::time::Duration;

use async_trait::async_trait;
use onramp_core::Result;
use onramp_core::tenant::{OnPremisesProtection, PasswordProtection, PasswordProtectionSettings};
use onramp_graph::GraphClient;
use onramp_graph::http::Request;
use onramp_graph::reqwest::Method;
use serde::Deserialize;

/// The template of the setting `Password Rule Settings`, the same in every tenant.
const TEMPLATE: &str = "5cf42378-d67d-4f36-ba46-e8b86229381d";

/// [`PasswordProtection`] on Microsoft Graph v1.0: the directory setting `Password Rule Settings`.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `read` | GroupSettings.Read.All |
#[derive(Debug, Clone)]
pub struct EntraPasswordProtection(pub(crate) GraphClient);

#[async_trait]
impl PasswordProtection for EntraPasswordProtection {
    /// `GET /groupSettings`. GroupSettings.Read.All. A tenant that never changed its rules has no such setting.
    async fn read(&self) -> Result<PasswordProtectionSettings> {
        let url = self.0.endpoints().graph().url(&["v1.0", "groupSettings"])?;
        let request = Request::new("read the tenant's password rules", Method::GET, url)
            .needs("GroupSettings.Read.All");
        let found: Vec<SettingJson> = self.0.list_all(request).await?;
        let setting = found.into_iter().find(|setting| setting.template_id.eq_ignore_ascii_case(TEMPLATE));
        Ok(setting.map(SettingJson::into_rules).unwrap_or_default())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingJson {
    #[serde(default)]
    template_id: String,
    #[serde(default)]
    values: Vec<ValueJson>,
}

#[derive(Deserialize)]
struct ValueJson {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

impl SettingJson {
    /// Converts the setting. Missing and unreadable values get the defaults of a new tenant.
    fn into_rules(self) -> PasswordProtectionSettings {
        let text = |name: &str| {
            self.values.iter().find(|value| value.name == name).and_then(|value| value.value.as_deref())
        };
        let truth = |name: &str| text(name).map(|value| value.eq_ignore_ascii_case("true"));
        let number = |name: &str| text(name).and_then(|value| value.parse::<u32>().ok());
        let mut rules = PasswordProtectionSettings::default();
        if let Some(enforced) = truth("EnableBannedPasswordCheck") {
            rules.custom_terms_enforced = enforced;
        }
        rules.custom_terms = text("BannedPasswordList")
            .unwrap_or_default()
            .split(['\t', '\r', '\n'])
            .map(str::trim)
            .filter(|term| !term.is_empty())
            .map(str::to_owned)
            .collect();
        rules.lockout_threshold = number("LockoutThreshold").unwrap_or(rules.lockout_threshold);
        let seconds = number("LockoutDurationInSeconds").map(|seconds| Duration::from_secs(seconds.into()));
        rules.lockout_duration = seconds.unwrap_or(rules.lockout_duration);
        rules.on_premises =
            match (truth("EnableBannedPasswordCheckOnPremises"), text("BannedPasswordCheckOnPremisesMode")) {
                (Some(false), _) => OnPremisesProtection::Off,
                (_, Some(mode)) if mode.eq_ignore_ascii_case("enforce") => OnPremisesProtection::Enforce,
                _ => OnPremisesProtection::Audit,
            };
        rules
    }
}
