//! The table of candidates in `data/cases.toml`, each with the reason for what becomes of it.

use std::collections::BTreeMap;

use onramp_password::check::{Context, PreparedPolicy};
use onramp_password::lithnet::{
    LithnetBand, LithnetBands, LithnetNormalization, LithnetPoints, LithnetPolicy,
};
use onramp_password::policy::{CharacterClass, Classes, NameChecks};
use onramp_password::protection::Substitutions;
use onramp_password::{
    AdPolicy, Checker, CustomPolicy, EntraPolicy, NistPolicy, Policy, ProtectionPolicy, Verdict,
};

type Row = (String, String, String);

fn section(name: &str) -> (Policy, Context) {
    let person = Context::new().with_account_name("svc-sync").with_display_name("Erin M. Hagens");
    let fine_grained = AdPolicy::default().with_min_length(16).with_complexity(false);
    let protection = ProtectionPolicy::new(["contoso", "blank", "abcdef", "password", "welcome"]);
    let listed = ["correcthorsebatterystaple", "passwordpassword"];
    let lithnet = LithnetPolicy::default()
        .with_min_length(8)
        .with_name_checks(true, true)
        .with_bands(LithnetBands {
            first_threshold: 13,
            second_threshold: Some(20),
            first: LithnetBand { required_classes: 3, ..LithnetBand::default() },
            second: LithnetBand { symbol_or_digit: true, ..LithnetBand::default() },
            third: LithnetBand::default(),
        })
        .with_points(LithnetPoints { required: 22, ..LithnetPoints::default() })
        .with_banned_words(["admin", "welcome"]);
    let named = Context::new().with_account_name("svc sync1").with_display_name("Erin Hagens");
    let empty = Policy::new();
    match name {
        "on_premises" => (empty.with_on_premises(AdPolicy::domain_default()), person),
        "fine_grained" => (empty.with_on_premises(fine_grained), person),
        "names_always" => (empty.with_on_premises(fine_grained.with_name_checks(NameChecks::Always)), person),
        "cloud" => (empty.with_cloud(EntraPolicy::cloud()), person),
        "protection" | "readings" => (
            empty.with_protection(protection.with_on_premises(false)),
            Context::new().with_person("Max", "Poll"),
        ),
        "nist_single" => (empty.with_nist(NistPolicy::single_factor().with_blocklist(listed)), person),
        "nist_mfa" => (empty.with_nist(NistPolicy::with_mfa().with_blocklist(listed)), person),
        "lithnet" => (empty.with_lithnet(lithnet), named),
        "lithnet_fixed" => {
            (empty.with_lithnet(lithnet.with_normalization(LithnetNormalization::Fixed)), named)
        }
        "custom" => {
            let rules = CustomPolicy::default()
                .with_lengths(Some(10), Some(20))
                .with_classes(3, Classes::of([CharacterClass::Upper]))
                .with_forbidden(" \"'")
                .with_runs(Some(2), Some(3))
                .with_min_distinct(6)
                .with_words(["dragon", "hunter"])
                .with_substitutions(Substitutions::aggressive());
            (empty.with_custom(rules), Context::new().with_word("onramp"))
        }
        "hybrid" => {
            let context = Context::new()
                .with_account_name("svc-sync")
                .with_display_name("Erin Hagens")
                .with_person("Erin", "Hagens")
                .with_tenant_name("Fabrikam");
            (Policy::hybrid().with_protection(ProtectionPolicy::new(["contoso", "blank"])), context)
        }
        other => panic!("no policy for the section {other}"),
    }
}

fn rows() -> BTreeMap<String, Vec<Row>> {
    toml::from_str(include_str!("../data/cases.toml")).expect("the table is well-formed")
}

#[test]
fn every_row_of_the_table() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (name, rows) in rows() {
        let (policy, context) = section(&name);
        let checker = Checker::new(&policy, &context);
        let thorough = PreparedPolicy::with_every_interpretation(&policy).checker(&context);
        for (candidate, expected, reason) in rows {
            seen += 1;
            let verdict = thorough.check(&candidate);
            let found = if name == "readings" { readings(&verdict) } else { violations(&verdict) };
            if found != expected {
                wrong.push(format!("{name}: {candidate:?} ({reason}): {found:?} instead of {expected:?}"));
            }
            assert_eq!(checker.check(&candidate).violations(), verdict.violations(), "{candidate:?}");
        }
    }
    assert!(seen >= 150, "{seen} rows");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn violations(verdict: &Verdict) -> String {
    let named = verdict.violations().iter().map(|v| format!("{}/{}", v.target.as_str(), v.code));
    named.collect::<Vec<_>>().join(" ")
}

fn readings(verdict: &Verdict) -> String {
    let readings = verdict.protection().and_then(|p| p.interpretations).expect("every reading was asked for");
    let documented = if readings.documented { "accepted" } else { "rejected" };
    format!("{documented} {} {}-{}", readings.every, readings.low, readings.high)
}
