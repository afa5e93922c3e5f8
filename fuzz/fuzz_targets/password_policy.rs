//! Any text as a policy in TOML and in JSON: one that is a policy means the same when it is written and read again, and can be
//! applied and looked through for contradictions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_password::check::Context;
use onramp_password::{Policy, check, lint};

fuzz_target!(|text: &str| {
    let parsed = [toml::from_str::<Policy>(text).ok(), serde_json::from_str::<Policy>(text).ok()];
    for policy in parsed.into_iter().flatten() {
        let json = serde_json::to_string(&policy).expect("plain data");
        assert_eq!(serde_json::from_str::<Policy>(&json).expect("what was written"), policy);
        let written = toml::to_string(&policy).expect("plain data");
        assert_eq!(toml::from_str::<Policy>(&written).expect("what was written"), policy);
        let context = Context::new().with_account_name("svc-sync");
        let _ = check(&policy, &context, "Svc-sync-1 ö");
        let _ = lint(&policy);
    }
});
