//! Verdicts as people read them: true, complete, and each fact once.

use onramp_password::check::{Advice, Code, Context};
use onramp_password::lithnet::LithnetPolicy;
use onramp_password::policy::Target;
use onramp_password::protection::Interpretation;
use onramp_password::{
    AdPolicy, CustomPolicy, EntraPolicy, Messages, NistPolicy, Policy, ProtectionPolicy, Verdict, Violation,
    check,
};
use proptest::prelude::*;

use crate::codes;

fn hybrid(candidate: &str) -> Verdict {
    check(&Policy::hybrid(), &Context::new(), candidate)
}

fn english(verdict: &Verdict, candidate: &str) -> Vec<String> {
    verdict.messages(&Messages::english(), candidate)
}

#[test]
fn a_short_password_is_too_short_and_not_made_of_banned_words() {
    for candidate in ["kurz", "Ab1!", ""] {
        let verdict = hybrid(candidate);
        for target in [Target::OnPremises, Target::Cloud] {
            let all = codes(&verdict, target);
            assert!(
                all.contains(&Code::TooShort) && !all.contains(&Code::ScoreTooLow),
                "{candidate}: {all:?}"
            );
        }
        for language in [Messages::english(), Messages::german(), Messages::french(), Messages::spanish()] {
            let all = verdict.messages(&language, candidate).join("\n");
            for accusation in ["banned", "gesperrt", "interdit", "prohibida"] {
                assert!(!all.contains(accusation), "{all}");
            }
        }
    }
    // Without a length rule of the target, the five points are one.
    let alone = Policy::new().with_protection(ProtectionPolicy::default().with_on_premises(false));
    let verdict = check(&alone, &Context::new(), "kurz");
    assert_eq!(english(&verdict, "kurz"), ["Entra: too short, 4 of at least 5 characters"]);
    assert!(!verdict.protection().unwrap().accepted);
    let strict = Policy::new().with_protection(
        ProtectionPolicy::default().with_on_premises(false).with_interpretation(Interpretation::Conservative),
    );
    let verdict = check(&strict, &Context::new(), "aaaabbbb");
    assert_eq!(english(&verdict, "aaaabbbb"), ["Entra: 2 of the 5 different characters needed"]);
    assert!(!verdict.protection().unwrap().accepted);
}

#[test]
fn banned_words_are_still_named_as_the_reason() {
    let policy = Policy::new().with_protection(ProtectionPolicy::new(["contoso"]));
    let verdict = check(&policy, &Context::new(), "xContoso12");
    assert_eq!(
        english(&verdict, "xContoso12"),
        [
            "Active Directory, Entra: 4 of the 5 points needed; each banned word in it counts as one point only"
        ]
    );
    let verdict = check(&policy, &Context::new(), "Contoso");
    assert_eq!(english(&verdict, "Contoso"), ["Active Directory, Entra: is a banned word, or nearly one"]);
}

#[test]
fn two_missing_classes_are_two() {
    let verdict = hybrid("kurzes-wort-ist-lang");
    assert_eq!(
        english(&verdict, "kurzes-wort-ist-lang"),
        [
            "Active Directory, Entra: 2 of the 3 character classes needed; add 1 of these: upper-case letters, digits"
        ]
    );
    let verdict = hybrid("kurzeswort");
    let english = english(&verdict, "kurzeswort");
    assert_eq!(
        english,
        [
            "Active Directory, Entra: 1 of the 3 character classes needed; add 2 of these: upper-case letters, digits, \
          symbols"
        ],
        "and letters without case are nothing to ask for"
    );
    let german = verdict.messages(&Messages::german(), "kurzeswort");
    assert!(german[0].contains("noch 2 von diesen ergänzen"), "{german:?}");
}

#[test]
fn letters_without_case_are_named_where_nothing_else_suffices() {
    let policy = Policy::new().with_on_premises(AdPolicy::default());
    let json =
        r#"{"target":"on_premises","code":"too_few_classes","found":2,"limit":3,"missing":["other_letter"]}"#;
    let violation: Violation = serde_json::from_str(json).unwrap();
    assert!(violation.to_string().ends_with("add 1 of these: letters without case"), "{violation}");
    assert!(!check(&policy, &Context::new(), "abc").violations()[1].to_string().contains("without case"));
}

#[test]
fn one_fact_is_told_once() {
    assert_eq!(
        english(&hybrid("kurz"), "kurz"),
        [
            "Entra: too short, 4 of at least 8 characters",
            "Active Directory, Entra: 1 of the 3 character classes needed; add 2 of these: upper-case letters, \
             digits, symbols",
        ]
    );
    let long = "Ab1-".repeat(65);
    assert_eq!(
        english(&hybrid(&long), &long),
        ["Active Directory, Entra: too long, 260 of at most 256 characters"]
    );
    let context = Context::new().with_display_name("Erin Hagens");
    let verdict = check(&Policy::hybrid(), &context, "Erin-4711-xyz");
    assert_eq!(
        english(&verdict, "Erin-4711-xyz"),
        ["Active Directory, Entra: contains a part of the display name"]
    );
    // A word that is banned in two ways is one place of one demand.
    let policy = Policy::new().with_custom(CustomPolicy::default().with_words(["zebra", "tiger"]));
    let verdict =
        check(&policy, &Context::new().with_word("zebra").with_word("lion"), "a lion, a tiger, a zebra");
    assert_eq!(codes(&verdict, Target::Custom), [Code::ContainsWord]);
    let places: Vec<_> = verdict.violations()[0].spans.iter().map(|span| (span.start, span.end)).collect();
    assert_eq!(places, [(2, 6), (10, 15), (19, 24)]);
}

#[test]
fn a_stricter_demand_stands_for_a_weaker_one() {
    let policy = Policy::hybrid().with_nist(NistPolicy::single_factor());
    let verdict = check(&policy, &Context::new(), "Ab-45");
    assert_eq!(english(&verdict, "Ab-45"), ["NIST SP 800-63B-4: too short, 5 of at least 15 characters"]);
    // Counted in another way, it does not: 6 units are enough for one, 3 code points are not for the other.
    let policy = Policy::new()
        .with_on_premises(AdPolicy::default().with_complexity(false).with_min_length(9))
        .with_nist(NistPolicy::with_mfa());
    let verdict = check(&policy, &Context::new(), "🔑🔑🔑");
    let told = english(&verdict, "🔑🔑🔑");
    assert_eq!(
        told[..2],
        [
            "Active Directory: too short, 6 of at least 9 characters",
            "NIST SP 800-63B-4: too short, 3 of at least 8 characters"
        ]
    );
}

#[test]
fn the_character_that_is_not_allowed_is_named() {
    let candidate = "Pässwört–1\u{AD}\tä";
    let verdict = hybrid(candidate);
    let told = english(&verdict, candidate);
    assert_eq!(
        told,
        ["Entra: contains characters that are not allowed (ä, ö, U+2013, U+00AD, U+0009)"],
        "each once, and by its number what has no picture"
    );
    let violation = verdict.violations()[0];
    assert_eq!(
        Messages::german().message_for(&violation, candidate),
        "Entra: enthält Zeichen, die nicht erlaubt sind (ä, ö, U+2013, U+00AD, U+0009)"
    );
    // Without the candidate nothing can be named, and nothing is left open.
    assert_eq!(violation.to_string(), "Entra: contains characters that are not allowed");
    let many = "Pass1-äöüßéè";
    assert_eq!(
        english(&hybrid(many), many),
        ["Entra: contains characters that are not allowed (ä, ö, ü, ß, é, …)"]
    );
    let escape = "Pass1-word\u{1b}[31m";
    assert!(english(&hybrid(escape), escape)[0].ends_with("(U+001B)"), "no terminal is told anything");
}

#[test]
fn what_passes_only_as_far_as_is_known_says_so() {
    for (policy, known) in [
        (Policy::hybrid(), false),
        (Policy::new().with_cloud(EntraPolicy::cloud()), false),
        (Policy::new().with_protection(ProtectionPolicy::default()), false),
        (Policy::new().with_on_premises(AdPolicy::default()), true),
    ] {
        let verdict = check(&policy, &Context::new(), "P@ssw0rd");
        assert!(verdict.is_accepted());
        assert_eq!(verdict.advice().any(|one| one == Advice::GlobalListUnknown), !known, "{policy:?}");
        let json = serde_json::to_string(&verdict).unwrap();
        assert_eq!(json.contains("global_list_unknown"), !known);
        assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
    }
    assert!(hybrid("kurz").advice().next().is_none(), "what is refused needs no such word");
    assert!(english(&hybrid("P@ssw0rd"), "P@ssw0rd")[0].contains("is not public"));
}

#[test]
fn a_list_of_ones_own_has_one_door_and_is_the_organizations() {
    let policy = Policy::hybrid().with_own_banned_list(["pangolin"]).with_own_banned_list(["onramp"]);
    for (candidate, word) in [("P@ngolin-4711", true), ("My-0nramp-4711", true), ("My-0ther-4711", false)] {
        let verdict = check(&policy, &Context::new(), candidate);
        assert!(verdict.accepted_by(Target::Cloud) && verdict.accepted_by(Target::OnPremises), "{candidate}");
        assert_eq!(codes(&verdict, Target::Custom), [Code::ContainsWord][..usize::from(word)], "{candidate}");
        assert!(verdict.violations().iter().all(|one| !one.to_string().contains("Entra")));
    }
}

fn anything() -> impl Strategy<Value = Policy> {
    let words = || proptest::collection::vec("[a-c0]{3,5}", 0..4);
    (words(), words(), words(), 0..12_u16, any::<bool>(), any::<bool>()).prop_map(
        |(banned, own, lithnet, length, strict, nist)| {
            let reading = if strict { Interpretation::Conservative } else { Interpretation::Documented };
            let mut policy = Policy::hybrid()
                .with_on_premises(AdPolicy::default().with_min_length(length))
                .with_protection(ProtectionPolicy::new(banned).with_interpretation(reading))
                .with_custom(
                    CustomPolicy::default().with_words(own).with_forbidden("äb").with_runs(Some(1), Some(2)),
                )
                .with_lithnet(LithnetPolicy::default().with_min_length(length).with_banned_words(lithnet));
            policy.nist = nist.then(NistPolicy::with_mfa);
            policy
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_fact_is_listed_twice(
        policy in anything(),
        candidate in "[a-cA0ä!]{0,14}",
        name in "[abc]{2,4}",
    ) {
        let context = Context::new().with_account_name(name.clone()).with_display_name(name.clone()).with_word(name);
        let verdict = check(&policy, &context, &candidate);
        let all = verdict.violations();
        for (at, one) in all.iter().enumerate() {
            let same = |other: &Violation| (other.target, other.code, other.name) == (one.target, one.code, one.name);
            prop_assert!(!all[at + 1..].iter().any(same), "{:?}", all);
            // A reason is given only where there is one.
            prop_assert!(one.code != Code::ScoreTooLow || !one.spans.is_empty());
        }
        for catalogue in [Messages::english(), Messages::german()] {
            let told = verdict.messages(&catalogue, &candidate);
            let (mut sentences, mut facts) = (Vec::new(), Vec::new());
            for message in &told {
                prop_assert!(!message.contains('{') && !sentences.contains(message), "{:?}", told);
                sentences.push(message.clone());
                let fact = message.split_once(": ").map_or(message.clone(), |(_, fact)| fact.to_owned());
                facts.push(fact);
            }
            // Everybody who refuses is heard, or somebody stricter is.
            prop_assert!(verdict.is_accepted() || !told.is_empty());
            prop_assert!(told.len() <= all.len() + verdict.advice().count());
        }
    }
}
