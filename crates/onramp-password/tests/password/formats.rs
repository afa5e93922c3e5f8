//! Policies, catalogues and verdicts as TOML and JSON.

use onramp_password::check::{Code, Context};
use onramp_password::language::Key;
use onramp_password::lithnet::{
    ClassPoints, LithnetBand, LithnetBands, LithnetNormalization, LithnetPoints, LithnetPolicy,
};
use onramp_password::policy::{CharacterClass, Classes, NameChecks};
use onramp_password::protection::{Interpretation, Substitutions};
use onramp_password::{
    AdPolicy, CustomPolicy, EntraPolicy, Messages, NistPolicy, Policy, ProtectionPolicy, check,
};
use proptest::option;
use proptest::prelude::*;

fn classes() -> impl Strategy<Value = Classes> {
    (0..32_u8).prop_map(|bits| {
        Classes::of(
            CharacterClass::ALL.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 != 0).map(|(_, c)| c),
        )
    })
}

fn words() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("\\PC{0,12}", 0..4)
}

fn substitutions() -> impl Strategy<Value = Substitutions> {
    prop_oneof![
        Just(Substitutions::none()),
        Just(Substitutions::documented()),
        Just(Substitutions::observed_dc_agent()),
        Just(Substitutions::aggressive()),
        proptest::collection::vec((any::<char>(), any::<char>()), 0..4).prop_map(Substitutions::new),
    ]
}

fn on_premises() -> impl Strategy<Value = AdPolicy> {
    // TOML has signed numbers only.
    (any::<u16>(), any::<bool>(), any::<bool>(), any::<u16>(), 0..1_u64 << 62, option::of(1..1_u64 << 62))
        .prop_map(|(length, complexity, always, history, min_age, max_age)| {
            let checks = if always { NameChecks::Always } else { NameChecks::WithComplexity };
            AdPolicy::default()
                .with_min_length(length)
                .with_complexity(complexity)
                .with_name_checks(checks)
                .with_history_length(history)
                .with_ages(min_age, max_age)
        })
}

fn protection() -> impl Strategy<Value = ProtectionPolicy> {
    (words(), substitutions(), any::<bool>(), any::<bool>(), any::<u16>()).prop_map(
        |(words, table, conservative, agent, points)| {
            let reading =
                if conservative { Interpretation::Conservative } else { Interpretation::Documented };
            ProtectionPolicy::new(words)
                .with_substitutions(table)
                .with_interpretation(reading)
                .with_on_premises(agent)
                .with_required_points(points)
        },
    )
}

fn nist() -> impl Strategy<Value = NistPolicy> {
    (any::<bool>(), option::of(any::<u16>()), option::of(any::<u16>()), words()).prop_map(
        |(mfa, min, max, list)| {
            let mut policy = if mfa { NistPolicy::with_mfa() } else { NistPolicy::single_factor() };
            (policy.min_length, policy.max_length) = (min, max);
            policy.with_blocklist(list)
        },
    )
}

fn lithnet() -> impl Strategy<Value = LithnetPolicy> {
    let band = || {
        (any::<u8>(), classes(), any::<bool>()).prop_map(|(required_classes, require, symbol_or_digit)| {
            LithnetBand { required_classes, require, symbol_or_digit }
        })
    };
    let bands = (any::<u16>(), option::of(any::<u16>()), band(), band(), band()).prop_map(
        |(first_threshold, second_threshold, first, second, third)| LithnetBands {
            first_threshold,
            second_threshold,
            first,
            second,
            third,
        },
    );
    let points = (any::<u16>(), any::<u16>(), any::<u16>()).prop_map(|(required, per_character, upper)| {
        LithnetPoints {
            required,
            per_character,
            per_class: ClassPoints { upper, ..ClassPoints::default() },
            ..LithnetPoints::default()
        }
    });
    (any::<u16>(), any::<bool>(), option::of(bands), option::of(points), words(), any::<bool>()).prop_map(
        |(length, names, bands, points, words, fixed)| {
            let mut policy = LithnetPolicy::default().with_min_length(length).with_banned_words(words);
            (policy.bands, policy.points) = (bands, points);
            policy.normalization =
                if fixed { LithnetNormalization::Fixed } else { LithnetNormalization::Compatible };
            policy.with_name_checks(names, !names)
        },
    )
}

fn custom() -> impl Strategy<Value = CustomPolicy> {
    let lengths = (option::of(any::<u16>()), option::of(any::<u16>()));
    let characters = (option::of("\\PC{0,9}"), "\\PC{0,9}");
    let runs = (option::of(any::<u16>()), option::of(any::<u16>()), any::<u16>());
    (lengths, any::<u8>(), classes(), characters, runs, words(), substitutions()).prop_map(
        |(
            (min, max),
            required,
            by_name,
            (allowed, forbidden),
            (repeat, sequence, distinct),
            words,
            table,
        )| {
            let mut policy = CustomPolicy::default()
                .with_lengths(min, max)
                .with_classes(required, by_name)
                .with_forbidden(forbidden)
                .with_runs(repeat, sequence)
                .with_min_distinct(distinct)
                .with_words(words)
                .with_substitutions(table);
            policy.allowed = allowed;
            policy
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let cloud = (any::<u16>(), any::<u8>()).prop_map(|(length, classes)| {
        EntraPolicy::cloud().with_min_length(length).with_required_classes(classes)
    });
    (
        option::of(on_premises()),
        option::of(cloud),
        option::of(protection()),
        option::of(nist()),
        option::of(lithnet()),
        option::of(custom()),
    )
        .prop_map(|(on_premises, cloud, protection, nist, lithnet, custom)| {
            let mut policy = Policy::new();
            (policy.on_premises, policy.cloud, policy.protection) = (on_premises, cloud, protection);
            (policy.nist, policy.lithnet, policy.custom) = (nist, lithnet, custom);
            policy
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn every_policy_survives_json_and_toml(policy in policy()) {
        let json = serde_json::to_string(&policy).expect("plain data");
        prop_assert_eq!(&serde_json::from_str::<Policy>(&json).expect("what was written"), &policy);
        let toml = toml::to_string(&policy).expect("plain data");
        prop_assert_eq!(&toml::from_str::<Policy>(&toml).expect("what was written"), &policy);
    }

    #[test]
    fn every_verdict_survives_json(policy in policy(), candidate in "\\PC{0,20}") {
        let verdict = check(&policy, &Context::new(), &candidate);
        let json = serde_json::to_string(&verdict).expect("plain data");
        prop_assert_eq!(serde_json::from_str::<onramp_password::Verdict>(&json).expect("what was written"), verdict);
    }

    /// Whatever stands in a file, reading it ends with a policy or an error.
    #[test]
    fn no_text_makes_reading_a_policy_panic(text in "(\\[?(cloud|nist|custom|lithnet|protection)\\]?|=|\"|[a-z_0-9]|\\n|\\PC){0,60}") {
        let _ = toml::from_str::<Policy>(&text);
        let _ = serde_json::from_str::<Policy>(&text);
    }
}

#[test]
fn unknown_keys_are_refused_by_name() {
    for (text, key) in [
        ("[clout]", "clout"),
        ("[on_premises]\nminimum = 8", "minimum"),
        ("[cloud]\nclasses = 3", "classes"),
        ("[protection]\nbaned = []", "baned"),
        ("[nist]\nfactors = 'single'", "factors"),
        ("[lithnet]\nregex = 'x'", "regex"),
        ("[lithnet.bands]\nfirst_threshold = 1\nfourth = {}", "fourth"),
        ("[lithnet.points]\nper_word = 1", "per_word"),
        ("[custom]\nregex = 'x'", "regex"),
    ] {
        let error = toml::from_str::<Policy>(text).expect_err("an unknown key").to_string();
        assert!(error.contains(&format!("unknown field `{key}`")), "{error}");
    }
    let error = toml::from_str::<Policy>("[protection]\nsubstitutions = 'fancy'").expect_err("no such table");
    assert!(error.to_string().contains("fancy") && error.to_string().contains("aggressive"), "{error}");
}

#[test]
fn an_empty_section_is_the_preset() {
    let policy: Policy = toml::from_str("[on_premises]\n[cloud]\n[protection]\n[nist]\n[lithnet]\n[custom]")
        .expect("a policy");
    assert_eq!(policy.on_premises, Some(AdPolicy::default()));
    assert_eq!(policy.cloud, Some(EntraPolicy::cloud()));
    assert_eq!(policy.protection, Some(ProtectionPolicy::default()));
    assert_eq!(policy.nist, Some(NistPolicy::single_factor()));
    assert_eq!(policy.lithnet, Some(LithnetPolicy::default()));
    assert_eq!(policy.custom, Some(CustomPolicy::default()));
}

#[test]
fn policies_combine() {
    let combined = Policy::hybrid().overridden_by(Policy::new().with_nist(NistPolicy::with_mfa()));
    assert_eq!(combined.on_premises, Some(AdPolicy::default()));
    assert_eq!(combined.nist, Some(NistPolicy::with_mfa()));
    let replaced = combined.overridden_by(Policy::new().with_nist(NistPolicy::single_factor()));
    assert_eq!(replaced.nist, Some(NistPolicy::single_factor()));
}

#[test]
fn catalogues_are_complete_and_keep_their_placeholders() {
    let english = Messages::english();
    for (tag, other) in
        [("de-AT", Messages::german()), ("fr", Messages::french()), ("es", Messages::spanish())]
    {
        assert_eq!(Messages::for_language(tag).as_ref(), Some(&other));
        for key in Key::all() {
            let (text, model) = (other.text(key), english.text(key));
            assert!(!text.is_empty(), "{tag} {key}");
            for placeholder in
                ["{target}", "{found}", "{limit}", "{more}", "{classes}", "{name}", "{characters}"]
            {
                assert_eq!(
                    text.contains(placeholder),
                    model.contains(placeholder),
                    "{tag} {key} {placeholder}"
                );
            }
            if let Key::Code(_) | Key::Advice(_) = key {
                assert_ne!(text, model, "{tag} {key} is translated");
            }
        }
    }
    assert_eq!(Messages::for_language("tlh"), None);
}

#[test]
fn a_catalogue_is_a_map_and_can_be_partly_replaced() {
    let verdict = check(&Policy::hybrid(), &Context::new(), "kurz");
    let violation = verdict.violations().first().expect("too short");
    let own: Messages =
        serde_json::from_str(r#"{"too_short":"{limit}+ ({target}, {unknown})","target.on_premises":"DC"}"#)
            .expect("keys that there are");
    assert_eq!(own.message(violation), "7+ (DC, {unknown})");
    assert_eq!(own.text(Key::Code(Code::TooLong)), Messages::english().text(Key::Code(Code::TooLong)));
    let all = serde_json::to_string(&Messages::german()).expect("a map");
    assert!(all.contains(r#""class.upper":"Großbuchstaben""#), "{all}");
    let error = serde_json::from_str::<Messages>(r#"{"to_short":""}"#).expect_err("no such key").to_string();
    assert!(error.contains("to_short"), "{error}");
}
