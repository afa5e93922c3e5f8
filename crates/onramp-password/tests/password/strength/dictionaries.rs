//! Dictionaries: the one that comes along, and those of the caller.

use onramp_password::strength::{
    Dictionary, DictionaryBuilder, DictionaryError, Estimator, Inputs, ListKind, Pattern, Score, Warning,
};
use proptest::collection::btree_map;
use proptest::prelude::*;

#[test]
fn the_words_of_a_list_come_in_the_order_of_their_ranks() {
    let dictionary = Dictionary::zxcvbn();
    let words = dictionary.words(ListKind::Words);
    assert_eq!(words[..3], ["the", "of", "and"]);
    assert!(words.len() > 20_000, "{}", words.len());
    let kinds = [ListKind::Passwords, ListKind::Words, ListKind::Names, ListKind::Media];
    let all: usize = kinds.iter().map(|kind| dictionary.words(*kind).len()).sum();
    assert_eq!(all, dictionary.len());
    for (place, word) in words.iter().enumerate().step_by(997) {
        let (rank, kind) = dictionary.rank(word).expect("it is there");
        assert!(kind == ListKind::Words && rank as usize > place, "{word}");
    }
}

#[test]
fn the_lists_of_zxcvbn_are_whole_and_as_they_were_written() {
    let dictionary = Dictionary::zxcvbn();
    assert_eq!(dictionary.len(), 93_855);
    let read = Dictionary::from_bytes(dictionary.as_bytes().to_vec()).unwrap();
    for (word, rank, list) in [
        ("password", 2, ListKind::Passwords),
        ("the", 1, ListKind::Words),
        ("i", 2, ListKind::Media),
        ("smith", 1, ListKind::Names),
        ("mary", 1, ListKind::Names),
        ("municipality", 525, ListKind::Words),
    ] {
        assert_eq!(read.rank(word), Some((rank, list)), "{word}");
    }
    for word in ["", "p", "passwordpassword", "Password", "ö", "zzzzzzzzzzzzzzz"] {
        assert_eq!(read.rank(word), None, "{word}");
    }
}

#[test]
fn a_dictionary_of_the_caller_counts() {
    let words = ["zugspitze", "Müllheim", "ёлка"];
    let dictionary = DictionaryBuilder::new().with_list(ListKind::Other, words).build().unwrap();
    let estimator = Estimator::new().with_dictionary(dictionary);
    for (candidate, guesses) in
        [("zugspitze", 2.0), ("Zug$pitze", 5.0), ("eztipsguz", 3.0), ("MÜLLHEIM", 5.0), ("Ёлка", 7.0)]
    {
        assert_eq!(estimator.estimate(candidate).guesses, guesses, "{candidate}");
    }
    assert_eq!(estimator.estimate("zugspitz").score, Score::Two);
}

#[test]
fn a_damaged_dictionary_is_refused_with_the_reason() {
    let dictionary = DictionaryBuilder::new().with_list(ListKind::Words, ["one", "two"]).build().unwrap();
    let bytes = dictionary.as_bytes();
    let refused = |bytes: Vec<u8>| Dictionary::from_bytes(bytes).unwrap_err();
    assert_eq!(refused(Vec::new()), DictionaryError::Foreign);
    assert_eq!(refused(b"PK\x03\x04".repeat(40)), DictionaryError::Foreign);
    let length = DictionaryError::Length { expected: bytes.len() as u64, found: bytes.len() as u64 - 1 };
    assert_eq!(refused(bytes[..bytes.len() - 1].to_vec()), length);
    for at in 24..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 0x10;
        assert_eq!(refused(damaged), DictionaryError::Corrupt, "byte {at}");
    }
}

#[test]
fn a_word_too_long_for_the_format_is_refused() {
    let builder = DictionaryBuilder::new().with_list(ListKind::Words, ["x".repeat(256)]);
    assert_eq!(builder.build().unwrap_err(), DictionaryError::TooLarge);
    assert_eq!(Estimator::new().with_dictionary(Dictionary::empty()).estimate("x").guesses, 12.0);
}

#[test]
fn parts_of_the_words_around_an_account_count() {
    let estimator = Estimator::new();
    let mut scratch = estimator.scratch();
    let inputs = Inputs::with_parts(["erin.hagens@contoso.com"]);
    let strength = estimator.estimate_with("Cont0so", &inputs, &mut scratch);
    assert_eq!((strength.guesses, strength.warning), (7.0, Some(Warning::ContextWord)));
    let whole = Inputs::new(["erin.hagens@contoso.com"]);
    assert!(estimator.estimate_with("Cont0so", &whole, &mut scratch).guesses > 1e6);
    assert!(matches!(scratch.patterns()[0].pattern, Pattern::BruteForce));
}

proptest! {
    #[test]
    fn what_is_put_in_is_found_and_nothing_else(
        words in btree_map("[a-dé]{1,6}", 1..1000_u32, 0..60),
        others in prop::collection::vec("[a-dé]{1,6}", 20),
    ) {
        let ranked = words.iter().map(|(word, rank)| (*rank, word.as_str()));
        let dictionary = DictionaryBuilder::new().with_ranked(ListKind::Media, ranked).build().unwrap();
        prop_assert_eq!(dictionary.len(), words.len());
        for word in words.keys().chain(&others) {
            let expected = words.get(word).map(|rank| (*rank, ListKind::Media));
            prop_assert_eq!(dictionary.rank(word), expected);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,20}") {
        let _ = Dictionary::from_bytes(bytes.clone());
        bytes.splice(0..bytes.len().min(8), *b"ONRDICT1");
        if let Ok(dictionary) = Dictionary::from_bytes(bytes) {
            let _ = Estimator::new().with_dictionary(dictionary).estimate(&text);
        }
    }
}
