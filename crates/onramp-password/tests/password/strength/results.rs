//! Warnings, suggestions, times, and how results are written down.

use onramp_password::strength::{Attack, Estimator, Inputs, Score, Strength, Suggestion, Warning};

#[test]
fn every_kind_of_pattern_has_its_warning() {
    let estimator = Estimator::zxcvbn();
    for (candidate, warning) in [
        ("password", Warning::Top10Password),
        ("test", Warning::Top100Password),
        ("blink182", Warning::CommonPassword),
        ("p4ssw0rd", Warning::LikeCommonPassword),
        ("municipality", Warning::SingleWord),
        ("abernathy", Warning::SingleName),
        ("abernathy1", Warning::CommonName),
        ("/963.", Warning::KeyboardRow),
        ("xcvfdsaq", Warning::KeyboardPattern),
        ("&&&&&&", Warning::RepeatedCharacter),
        ("?x?x?x?x", Warning::RepeatedPiece),
        ("jklmnopq", Warning::Sequence),
        ("1953", Warning::RecentYear),
        ("13.2.1921", Warning::Date),
    ] {
        let found = estimator.estimate(candidate);
        assert_eq!(found.warning, Some(warning), "{candidate}: {found:?}");
        let written = serde_json::to_value(warning).unwrap();
        assert_eq!(written, warning.as_str());
    }
}

#[test]
fn suggestions_fit_what_was_done() {
    let estimator = Estimator::zxcvbn();
    for (candidate, suggestion) in [
        ("", Suggestion::UseSeveralWords),
        ("", Suggestion::NoNeedForSymbols),
        ("monkey", Suggestion::AddAnotherWord),
        ("Monkey", Suggestion::CapitalsDoNotHelp),
        ("MONKEY", Suggestion::AllCapitalsDoNotHelp),
        ("yeknom", Suggestion::ReversingDoesNotHelp),
        ("m0nkey", Suggestion::SubstitutionsDoNotHelp),
        ("/963.", Suggestion::UseLongerKeyboardPattern),
        ("&&&&&&", Suggestion::AvoidRepeats),
        ("jklmnopq", Suggestion::AvoidSequences),
        ("1953", Suggestion::AvoidYears),
        ("13.2.1921", Suggestion::AvoidDates),
    ] {
        let found = estimator.estimate(candidate).suggestions;
        assert!(found.contains(suggestion), "{candidate}: {found:?}");
        assert_eq!(serde_json::to_value(suggestion).unwrap(), suggestion.as_str());
    }
    let mut scratch = estimator.scratch();
    let own = estimator.estimate_with("hagens", &Inputs::new(["hagens"]), &mut scratch);
    assert!(own.suggestions.contains(Suggestion::AvoidContextWords));
}

#[test]
fn a_strong_candidate_is_left_in_peace() {
    let strength = Estimator::zxcvbn().estimate("rWibMFACxAUGZmxhVncy");
    assert_eq!((strength.score, strength.warning), (Score::Four, None));
    assert!(strength.suggestions.is_empty());
}

#[test]
fn times_follow_from_the_guesses() {
    let strength = Estimator::zxcvbn().estimate("TestMeNow!");
    assert_eq!(strength.guesses, 372_010_000.0);
    assert_eq!(strength.seconds(Attack::OfflineSlow), 37_201.0);
    assert_eq!(strength.seconds(Attack::Online), 37_201_000.0);
    assert!((strength.seconds(Attack::OnlineThrottled) - 372_010_000.0 * 36.0).abs() < 1.0);
    assert_eq!(strength.seconds(Attack::OfflineFast), 0.037_201);
}

#[test]
fn a_result_is_written_and_read_as_it_is() {
    let strength = Estimator::zxcvbn().estimate("Monkey1");
    let json = serde_json::to_string(&strength).unwrap();
    assert!(json.contains("\"score\":1") || json.contains("\"score\":0"), "{json}");
    assert!(json.contains("\"suggestions\":[\"add_another_word\",\"capitals_do_not_help\""), "{json}");
    assert_eq!(serde_json::from_str::<Strength>(&json).unwrap(), strength);
    assert!(serde_json::from_str::<Score>("5").unwrap_err().to_string().contains("0 to 4"));
}

#[test]
fn years_are_measured_against_the_year_that_is_set() {
    let far = Estimator::new().with_reference_year(2100).estimate("1953").guesses;
    assert_eq!((Estimator::new().estimate("1953").guesses, far), (74.0, 148.0));
}

#[test]
fn a_long_candidate_is_said_to_be_read_in_part() {
    let estimator = Estimator::zxcvbn();
    assert!(!estimator.estimate(&"x".repeat(256)).partial);
    assert!(estimator.estimate(&"x".repeat(257)).partial);
}
