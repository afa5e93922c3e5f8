//! Passphrases: every one accepted, none likelier than another, and their number known.

use std::collections::BTreeSet;

use onramp_password::check::{Context, Lookups};
use onramp_password::generate::{Conflict, PassphraseOptions, Passphrases};
use onramp_password::lithnet::LithnetPolicy;
use onramp_password::protection::Interpretation;
use onramp_password::{
    AdPolicy, Checker, CustomPolicy, EntraPolicy, GenerateError, NistPolicy, Policy, ProtectionPolicy, check,
};
use proptest::prelude::*;

use crate::generating::{Known, conflict, conservative};

const WORDS: [&str; 16] = [
    "anchor", "basket", "candle", "dragon", "falcon", "garden", "harvest", "island", "jacket", "kitten",
    "lantern", "marble", "needle", "orange", "pirate", "quarter",
];

fn options(words: usize) -> PassphraseOptions {
    PassphraseOptions::default().with_words(words)
}

/// Every phrase of so many of the words, with a digit behind them if asked for, that the policy accepts.
fn accepted(
    words: &[&str],
    count: usize,
    separator: char,
    digit: bool,
    policy: &Policy,
    context: &Context,
) -> usize {
    let mut all = vec![String::new()];
    for place in 0..count {
        let between = if place > 0 { String::from(separator) } else { String::new() };
        all = all
            .iter()
            .flat_map(|head| words.iter().map(|word| format!("{head}{between}{word}")).collect::<Vec<_>>())
            .collect();
    }
    if digit {
        all = all.iter().flat_map(|head| (0..10).map(move |n| format!("{head}{separator}{n}"))).collect();
    }
    let mut policy = policy.clone();
    if let Some(protection) = &mut policy.protection {
        protection.interpretation = Interpretation::Conservative;
    }
    let checker = Checker::new(&policy, context);
    all.iter().filter(|candidate| checker.check(candidate).is_accepted()).count()
}

#[test]
fn a_phrase_has_what_every_directory_asks_for() {
    let policy = Policy::hybrid()
        .with_nist(NistPolicy::single_factor())
        .with_protection(ProtectionPolicy::new(["contoso", "blank", "anchor", "basket"]));
    let context = Context::new().with_account_name("svc-onramp").with_tenant_name("Contoso");
    let phrases = Passphrases::new(&policy, &context, WORDS, &options(5)).unwrap();
    let mut random = Known(7);
    let mut seen = BTreeSet::new();
    for _ in 0..500 {
        let phrase = phrases.secret(&mut random, &Lookups::default()).unwrap();
        assert!(check(&policy, &context, &phrase).is_accepted(), "{}", *phrase);
        // The account's name holds a hyphen.
        assert_eq!(phrase.split('.').count(), 6, "{}", *phrase);
        assert!(phrase.starts_with(|c: char| c.is_ascii_uppercase()));
        seen.insert(phrase.to_string());
    }
    assert!(seen.len() > 490, "{} of 500 different", seen.len());
}

#[test]
fn without_banned_words_the_entropy_is_the_logarithm_of_what_is_accepted() {
    let words = ["anchor", "fig", "tree", "harvest", "umbrella", "Anchor", "tree", "no1", "fig-tree"];
    let plain = ["anchor", "fig", "tree", "harvest", "umbrella"];
    let context = Context::new().with_account_name("reeh").with_display_name("Vest Harv");
    for (min, max, digits) in [(1, 256, 0), (14, 18, 0), (16, 19, 1), (1, 13, 1)] {
        let custom = CustomPolicy::default().with_lengths(Some(min), Some(max)).with_forbidden("_");
        let policy = Policy::new().with_custom(custom).with_on_premises(
            AdPolicy::default()
                .with_min_length(1)
                .with_complexity(false)
                .with_name_checks(Default::default()),
        );
        let options = options(3).without_capitals().with_separator('-').with_digits(digits);
        let phrases = Passphrases::new(&policy, &context, words, &options).unwrap();
        let count = accepted(&plain, 3, '-', digits > 0, &policy, &context);
        let bits = phrases.entropy().bits();
        assert!(count > 0 && (bits - (count as f64).log2()).abs() < 1e-9, "{bits} bits of {count}");
        assert!((bits - phrases.entropy().at_most()).abs() < 1e-12);
    }
}

#[test]
fn every_phrase_is_as_likely_as_every_other() {
    let policy =
        Policy::new().with_on_premises(AdPolicy::default().with_min_length(1).with_complexity(false));
    let options = options(2).with_digits(0).without_capitals();
    let words = ["ab", "abc", "bc"];
    let phrases = Passphrases::new(&policy, &Context::new(), words, &options).unwrap();
    let (mut random, mut counts) = (Known(1), std::collections::BTreeMap::new());
    for _ in 0..9_000 {
        let phrase = phrases.secret(&mut random, &Lookups::default()).unwrap();
        *counts.entry(phrase.to_string()).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 9);
    // Five standard deviations of a thousand.
    assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
}

#[test]
fn names_stay_out_wherever_they_stand() {
    let policy = Policy::hybrid();
    let context = Context::new().with_person("Ida", "Orange").with_account_name("drag");
    let phrases = Passphrases::new(&policy, &context, WORDS, &options(6)).unwrap();
    assert_eq!(phrases.list_len(), 14, "without dragon and orange");
}

#[test]
fn what_a_look_up_refuses_is_drawn_anew() {
    let phrases = Passphrases::new(&Policy::hybrid(), &Context::new(), WORDS, &options(5)).unwrap();
    let breached = |phrase: &str| phrase.starts_with(|first| first < 'I');
    let lookups = Lookups::default().with_breached(&breached);
    for seed in 0..20 {
        let phrase = phrases.secret(&mut Known(seed), &lookups).unwrap();
        assert!(phrase.starts_with(|first| first >= 'I'), "{}", *phrase);
    }
    let everything = |_: &str| true;
    let error = phrases.secret(&mut Known(0), &Lookups::default().with_breached(&everything)).unwrap_err();
    assert!(matches!(error, GenerateError::Exhausted { .. }));
}

#[test]
fn contradictions_are_named() {
    let (policy, context) = (Policy::hybrid(), Context::new());
    let new = |options: &PassphraseOptions| Passphrases::new(&policy, &context, WORDS, options);
    assert!(matches!(conflict(new(&options(1))), Conflict::WordCount { count: 1, .. }));
    assert!(matches!(conflict(new(&options(25))), Conflict::WordCount { count: 25, .. }));
    assert!(matches!(conflict(new(&options(3))), Conflict::WordsScore { words: 3, required: 5 }));
    assert!(matches!(conflict(new(&options(5).with_digits(5))), Conflict::Digits { digits: 5, .. }));
    for separator in ['a', '7', 'ß', '€', '@', '\n'] {
        let options = options(5).with_separator(separator);
        let banned = Policy::hybrid().with_protection(ProtectionPolicy::new(["palaver"]));
        let result = Passphrases::new(&banned, &context, WORDS, &options);
        assert!(matches!(conflict(result), Conflict::Separator { .. }), "{separator:?}");
    }
    let none: [&str; 3] = ["abba", "n0", "ürün"];
    assert!(matches!(conflict(Passphrases::new(&policy, &context, none, &options(5))), Conflict::NoWords));
    let short = Policy::new()
        .with_cloud(EntraPolicy::cloud())
        .with_custom(CustomPolicy::default().with_lengths(None, Some(20)));
    let long = Passphrases::new(&short, &context, WORDS, &options(5));
    assert!(matches!(conflict(long), Conflict::Phrase { words: 5, most: 20, .. }));
    let plain = options(5).with_digits(0).without_capitals();
    let classes = CustomPolicy::default().with_classes(3, Default::default());
    let flat = Passphrases::new(&Policy::new().with_custom(classes), &context, WORDS, &plain);
    assert!(matches!(conflict(flat), Conflict::Phrase { .. }));
}

#[test]
fn the_number_of_words_follows_from_what_is_needed() {
    let (policy, context) = (Policy::hybrid(), Context::new());
    let new = |options: &PassphraseOptions| Passphrases::new(&policy, &context, WORDS, options).unwrap();
    let phrases = new(&PassphraseOptions::default());
    // 17 words of 4 bits each, and two digits.
    assert_eq!(phrases.words(), 18);
    assert!(phrases.entropy().bits() >= PassphraseOptions::DEFAULT_BITS);
    let short = Policy::new().with_custom(CustomPolicy::default().with_lengths(Some(20), Some(40)));
    let phrases = Passphrases::new(&short, &context, WORDS, &PassphraseOptions::default()).unwrap();
    assert_eq!(phrases.words(), 5, "more would be too long");
}

#[test]
fn words_that_lithnet_bans_are_no_part_of_a_phrase_as_a_whole() {
    let lithnet = LithnetPolicy::default().with_banned_words(["anchor", "basket"]);
    let policy = Policy::new().with_lithnet(lithnet);
    let context = Context::new();
    let spaced = Passphrases::new(&policy, &context, WORDS, &options(5).with_separator(' '));
    assert!(matches!(conflict(spaced), Conflict::Separator { separator: ' ' }));
    let phrases = Passphrases::new(&policy, &context, WORDS, &options(2)).unwrap();
    for seed in 0..50 {
        let phrase = phrases.secret(&mut Known(seed), &Lookups::default()).unwrap();
        assert!(check(&policy, &context, &phrase).is_accepted());
    }
    assert_eq!(phrases.list_len(), 16);
}

proptest! {
    /// Banned words that fit the list as badly as can be: parts of its words, and what two of them make.
    #[test]
    fn no_more_is_excluded_than_was_reckoned_with(
        banned in proptest::collection::vec("[abcd]{4,6}|[abcd]{1,3}[efgh]{1,3}|[efgh]{1,3}[abcd]{1,3}", 0..12),
        lists in proptest::collection::vec(("[abcd]{4,6}", "[efgh]{4,5}"), 3),
        required in 0_u16..5,
        digit in any::<bool>(),
    ) {
        let words: BTreeSet<String> = lists.into_iter().flat_map(|(a, b)| [a, b]).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let protection = ProtectionPolicy::new(banned).with_required_points(required);
        let policy = Policy::new().with_protection(protection);
        let context = Context::new();
        let count = 4;
        let options = options(count).with_digits(u8::from(digit)).without_capitals().with_separator('-');
        match Passphrases::new(&policy, &context, words.iter().copied(), &options) {
            Ok(phrases) => {
                // The entropy is that of phrases of the words that are drawn from.
                let few = |word: &&str| {
                    word.chars().collect::<BTreeSet<_>>().len() + 1 >= usize::from(required.max(2))
                };
                let kept: Vec<&str> = words.iter().copied().filter(few).collect();
                prop_assert_eq!(phrases.list_len(), kept.len());
                let found = accepted(&kept, count, '-', digit, &policy, &context);
                let (bits, at_most) = (phrases.entropy().bits(), phrases.entropy().at_most());
                let found = (found as f64).log2();
                prop_assert!(bits <= found + 1e-9 && found <= at_most + 1e-9, "{} {} {}", bits, found, at_most);
            }
            Err(GenerateError::TooNarrow { .. }) => {}
            Err(GenerateError::Unsatisfiable(conflict)) => prop_assert_eq!(conflict, Conflict::NoWords),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}

#[test]
fn a_generous_list_of_banned_words_costs_next_to_nothing() {
    let banned = ["anchorb", "askets", "tdra", "contoso", "welcome", "island"];
    let policy = Policy::hybrid().with_protection(conservative(banned));
    let phrases = Passphrases::new(&policy, &Context::new(), WORDS, &options(6)).unwrap();
    let entropy = phrases.entropy();
    assert!(entropy.at_most() - entropy.bits() < 0.2 && entropy.bits() < entropy.at_most(), "{entropy:?}");
}
