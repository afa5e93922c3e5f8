//! Values of arguments.

use std::time::Duration;

use crate::tenant::LabSubscription;
use onramp_core::tenant::SubscriptionState;

/// A time such as `30s`, `500ms`, `5m` or `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let wrong = || format!("“{text}” is no time; say 500ms, 30s, 5m or 1h");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs).ok_or_else(wrong);
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" | "" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        _ => Err(wrong()),
    }
}

/// A subscription: its name, and behind a colon its state.
pub(crate) fn subscription(text: &str) -> Result<LabSubscription, String> {
    let (name, state) = text.rsplit_once(':').unwrap_or((text, "enabled"));
    let state = match state.to_ascii_lowercase().as_str() {
        "enabled" => SubscriptionState::Enabled,
        "warned" => SubscriptionState::Warned,
        "pastdue" => SubscriptionState::PastDue,
        "disabled" => SubscriptionState::Disabled,
        "deleted" => SubscriptionState::Deleted,
        _ => {
            return Err(format!(
                "“{state}” is no state of a subscription; say Enabled, Warned, PastDue, Disabled or Deleted"
            ));
        }
    };
    if name.trim().is_empty() {
        return Err("a subscription needs a name".to_owned());
    }
    Ok(LabSubscription::new(name).with_state(state))
}
