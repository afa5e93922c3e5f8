//! Saying a thing again makes nothing strong, nor do the words of the account in a row.

use onramp_password::strength::{Estimator, Inputs, Pattern, Score, Strength};
use proptest::prelude::*;

/// Twice as many copies, and a separator: the most that a repetition adds to the guesses, as power of ten.
const EXPLAINED: f64 = 1.302;

fn log10(candidate: &str) -> f64 {
    Estimator::zxcvbn().estimate(candidate).guesses_log10
}

#[test]
fn a_repeat_with_blanks_is_a_repeat() {
    let one = log10("apple");
    for candidate in [
        "apple apple",
        "apple apple ",
        "apple apple apple",
        "apple-apple-apple",
        "apple, apple, apple",
        "Apple apple APPLE",
        "appleAppleAPPLE",
        "apple apple apple apple apple apple",
    ] {
        let strength = Estimator::zxcvbn().estimate(candidate);
        assert!(strength.score <= Score::One, "{candidate}: {strength:?}");
        assert!(strength.guesses_log10 >= one, "{candidate}: {strength:?}");
    }
    let all = ["apple apple", "apple apple apple", "apple apple apple apple"].map(log10);
    assert!(all.is_sorted(), "a repetition does not lower it either: {all:?}");
    assert!(log10("apple apple tiger tiger") < log10("apple apple tiger zebra"));
    assert!(log10("q8Fz!k3 q8Fz!k3") < log10("q8Fz!k3") + EXPLAINED);
}

#[test]
fn a_repeat_is_told_as_one() {
    let estimator = Estimator::zxcvbn();
    let mut scratch = estimator.scratch();
    let strength = estimator.estimate_with("apple apple apple", &Inputs::none(), &mut scratch);
    let patterns: Vec<_> = scratch.patterns().iter().map(|one| one.pattern).collect();
    assert_eq!(patterns, [Pattern::Repeat { period: 6 }], "{strength:?}");
}

#[test]
fn what_is_no_repeat_stays_as_it_is() {
    // Vectors of zxcvbn elsewhere say the same of many more.
    for (candidate, guesses) in [("correct horse", 2.0), ("do you know", 2.0)] {
        assert!(log10(candidate) > guesses, "{candidate}");
    }
    let estimator = Estimator::zxcvbn();
    let mut scratch = estimator.scratch();
    for candidate in ["abc-abd", "tiger tigre", "a-b a-c"] {
        let _ = estimator.estimate_with(candidate, &Inputs::none(), &mut scratch);
        assert!(
            !scratch.patterns().iter().any(|one| matches!(one.pattern, Pattern::Repeat { .. })),
            "{candidate}"
        );
    }
}

fn for_hans(candidate: &str) -> Strength {
    let estimator = Estimator::zxcvbn();
    estimator.estimate_with(
        candidate,
        &Inputs::with_parts(["Hans", "Florian", "Zimmer"]),
        &mut estimator.scratch(),
    )
}

#[test]
fn words_of_the_account_in_a_row_are_no_password() {
    for candidate in [
        "HansFlorianZimmer",
        "hans.florian.zimmer",
        "Zimmer, Hans Florian",
        "Hans-Florian-Zimmer",
        "ZimmerHans1!",
        "HansZimmerHansZimmer",
        "H@nsZimmer",
        "hanshansflorian",
    ] {
        let strength = for_hans(candidate);
        assert!(strength.score <= Score::One, "{candidate}: {strength:?}");
    }
    assert!(for_hans("HansFlorianZimmer-q8Fz!k3").score >= Score::Three, "what else is in it counts");
    assert!(for_hans("Zwoelf Boxkaempfer jagen").score >= Score::Three);
}

#[test]
fn more_text_does_not_make_a_long_repeat_weaker() {
    let all = ["ababababab", "abababababbbbbbbbbbb", "abababababbbbbbbbbbbb", "abababababbbbbbbbbbbbb"];
    let scores = all.map(|candidate| Estimator::zxcvbn().estimate(candidate).score);
    assert!(scores.is_sorted(), "{scores:?}");
}

#[test]
fn four_hundred_random_characters_are_a_finite_number() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..20 {
        let candidate: String = (0..400)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                char::from(b' ' + u8::try_from(state % 95).unwrap())
            })
            .collect();
        let strength = Estimator::zxcvbn().estimate(&candidate);
        assert!(strength.guesses_log10.is_finite() && strength.guesses_log10 > 100.0, "{strength:?}");
        assert!(strength.partial && strength.score == Score::Four);
    }
}

#[test]
fn repeats_in_repeats_end_in_time() {
    let estimator = Estimator::zxcvbn();
    let mut scratch = estimator.scratch();
    let begun = std::time::Instant::now();
    let mut fibonacci = (String::from("a"), String::from("a "));
    while fibonacci.1.len() < 256 {
        fibonacci = (fibonacci.1.clone(), fibonacci.1 + &fibonacci.0);
    }
    for candidate in [fibonacci.1, "aA ".repeat(90), "a a-a.a ".repeat(40), "Ab-ab Ab".repeat(33)] {
        let strength = estimator.estimate_with(&candidate, &Inputs::none(), &mut scratch);
        assert!(strength.guesses_log10.is_finite());
    }
    // A thousand times as long as it takes, so that only a search that explodes fails.
    assert!(begun.elapsed().as_secs() < 20);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_repetition_adds_what_it_explains(
        candidate in prop_oneof![
            "[ -~]{3,24}", "[a-c ]{3,20}", "(apple|tiger|7|-| ){3,5}", "\\PC{3,20}",
        ],
        separator in "[ ._-]{0,2}",
        copies in 1..3_usize,
    ) {
        let estimator = Estimator::zxcvbn();
        let mut scratch = estimator.scratch();
        let mut estimate = |text: &str| estimator.estimate_with(text, &Inputs::none(), &mut scratch);
        let once = estimate(&candidate);
        let more = format!("{separator}{candidate}").repeat(copies);
        let again = estimate(&format!("{candidate}{more}"));
        let explained = 10.0 * (copies + 1) as f64;
        prop_assert!(again.guesses <= once.guesses * explained + 1.0, "{:?} {:?}", once, again);
    }
}

#[test]
fn a_last_word_said_again_adds_what_it_explains() {
    for head in ["", "7", "42", "x9"] {
        for word in ["apple", "tiger", "Winter", "LONDON", "p@ssword"] {
            for separator in [" ", "-", "_", "  ", ", ", "..."] {
                let before = log10(&format!("{head} {word}"));
                let after = log10(&format!("{head} {word}{separator}{word}"));
                assert!(
                    after <= before + EXPLAINED + 0.1,
                    "{head} {word}{separator}{word}: {before} {after}"
                );
            }
        }
    }
}
