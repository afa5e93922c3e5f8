//! The generator: uniform, counted exactly, and honest about contradictions.

use std::collections::BTreeMap;

use onramp_password::check::{Context, NameSource};
use onramp_password::generate::{Conflict, GeneratorOptions, RandomError, RandomSource};
use onramp_password::lithnet::{ClassPoints, LithnetBand, LithnetBands, LithnetPoints, LithnetPolicy};
use onramp_password::policy::{CharacterClass, Classes, Target};
use onramp_password::{
    AdPolicy, Checker, CustomPolicy, EntraPolicy, GenerateError, Generator, Policy, ProtectionPolicy, check,
};

use crate::generating::{Known, conflict, conservative};

/// Always the same byte.
struct Stuck(u8);

impl RandomSource for Stuck {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        bytes.fill(self.0);
        Ok(())
    }
}

struct Broken;

impl RandomSource for Broken {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError::new("no entropy today"))
    }
}

fn tiny(
    alphabet: &str,
    length: usize,
    policy: &Policy,
    context: &Context,
) -> Result<Generator, GenerateError> {
    Generator::with_options(
        policy,
        context,
        &GeneratorOptions::default().with_alphabet(alphabet).with_length(length),
    )
}

/// Every string of this length over the alphabet that the policy accepts.
fn accepted(alphabet: &str, length: usize, policy: &Policy, context: &Context) -> Vec<String> {
    let mut all = vec![String::new()];
    for _ in 0..length {
        all = all.iter().flat_map(|head| alphabet.chars().map(move |c| format!("{head}{c}"))).collect();
    }
    let checker = Checker::new(policy, context);
    all.retain(|candidate| checker.check(candidate).is_accepted());
    all
}

fn short(min: u16) -> AdPolicy {
    AdPolicy::default().with_min_length(min)
}

#[test]
fn the_sync_account() {
    let banned = ["contoso", "password", "welcome", "summer", "onramp", "directory", "azure", "sync"];
    let policy = Policy::hybrid().with_protection(ProtectionPolicy::new(banned));
    let context = Context::new()
        .with_account_name("Sync_DC1_0a1b2c3d")
        .with_display_name("On-Premises Directory Synchronization Service Account")
        .with_tenant_name("Contoso");
    let generator = Generator::new(&policy, &context).expect("there are passwords");
    for _ in 0..200 {
        let password = generator.generate().expect("the system has random numbers");
        assert!(check(&policy, &context, password.expose()).is_accepted());
        assert_eq!(password.expose().chars().count(), 24);
        assert!(!format!("{password:?}").contains(password.expose()));
    }
    let bits = generator.entropy().bits();
    assert!((157.0..157.4).contains(&bits), "{bits}");
}

#[test]
fn the_entropy_is_the_logarithm_of_what_is_accepted() {
    let context =
        Context::new().with_account_name("aab").with_display_name("1Ab A1a").with_person("baaB", "11A1");
    let policy = Policy::new()
        .with_on_premises(short(1))
        .with_cloud(EntraPolicy::cloud().with_min_length(1))
        .with_protection(conservative([]).with_required_points(1));
    let count = accepted("aAbB1l", 5, &policy, &context).len();
    let entropy = tiny("aAbB1l", 5, &policy, &context).expect("some are accepted").entropy();
    assert!(count > 0);
    assert!((entropy.bits() - (count as f64).log2()).abs() < 1e-9, "{} of {count}", entropy.bits());
    assert!((entropy.bits() - entropy.at_most()).abs() < 1e-12, "no banned words");
}

#[test]
fn banned_words_are_counted_at_most() {
    let policy = Policy::new().with_protection(conservative(["abba", "cdef1"]).with_required_points(3));
    let exact = (accepted("abcdefgh1", 6, &policy, &Context::new()).len() as f64).log2();
    let entropy = tiny("abcdefgh1", 6, &policy, &Context::new()).expect("some are accepted").entropy();
    assert!(entropy.bits() <= exact && exact <= entropy.at_most(), "{entropy:?}, exactly {exact}");
    assert!(entropy.bits() > 10.0, "{entropy:?}");
    assert!(exact < entropy.at_most(), "some are excluded");
}

#[test]
fn dictionaries_runs_and_repetitions_are_counted_at_most() {
    let rules = [
        CustomPolicy::default().with_words(["ab1", "bad"]),
        CustomPolicy::default().with_runs(Some(2), None),
        CustomPolicy::default().with_runs(None, Some(2)),
        CustomPolicy::default().with_min_distinct(3),
    ];
    for custom in rules {
        let policy = Policy::new().with_custom(custom.clone());
        let exact = (accepted("abcd12", 6, &policy, &Context::new()).len() as f64).log2();
        let entropy = tiny("abcd12", 6, &policy, &Context::new()).expect("some are accepted").entropy();
        assert!(entropy.bits() <= exact && exact <= entropy.at_most(), "{custom:?}: {entropy:?}, {exact}");
        assert!(exact < entropy.at_most(), "{custom:?}: some are excluded");
    }
}

#[test]
fn classes_by_name_and_points_are_counted_exactly() {
    let points = LithnetPoints {
        required: 9,
        per_character: 1,
        per_class: ClassPoints { digit: 2, ..ClassPoints::default() },
        ..LithnetPoints::default()
    };
    let bands = LithnetBands {
        first_threshold: 5,
        first: LithnetBand { symbol_or_digit: true, ..LithnetBand::default() },
        ..LithnetBands::default()
    };
    let upper = Classes::of([CharacterClass::Upper]);
    let policies = [
        Policy::new().with_lithnet(LithnetPolicy::default().with_points(points)),
        Policy::new().with_lithnet(LithnetPolicy::default().with_bands(bands)),
        Policy::new().with_custom(CustomPolicy::default().with_classes(3, upper)),
    ];
    for policy in policies {
        let all = accepted("aAbB1-", 5, &policy, &Context::new());
        let entropy = tiny("aAbB1-", 5, &policy, &Context::new()).expect("some are accepted").entropy();
        assert!(all.len() < 6_usize.pow(5), "{policy:?}: some are refused");
        assert!((entropy.bits() - (all.len() as f64).log2()).abs() < 1e-9, "{policy:?}: {entropy:?}");
    }
}

#[test]
fn every_accepted_password_is_equally_likely() {
    let (policy, context) =
        (Policy::new().with_on_premises(short(3)), Context::new().with_account_name("aA1"));
    let all = accepted("aAb1", 3, &policy, &context);
    let generator = tiny("aAb1", 3, &policy, &context).expect("some are accepted");
    let (mut random, mut seen) = (Known(1), BTreeMap::new());
    let draws = all.len() * 1000;
    for _ in 0..draws {
        let password = generator.generate_from(&mut random).expect("known numbers do not run out");
        *seen.entry(password.expose().to_owned()).or_insert(0_i32) += 1;
    }
    assert_eq!(seen.len(), all.len(), "all of them, and no other");
    for (index, count) in seen.values().enumerate() {
        // 1,000 expected, five standard deviations allowed.
        assert!((count - 1000).abs() < 160, "number {index} came {count} times");
    }
}

#[test]
fn the_same_random_numbers_give_the_same_password() {
    let generator = Generator::new(&Policy::hybrid(), &Context::new()).expect("there are passwords");
    let draw = |seed| generator.generate_from(&mut Known(seed)).expect("numbers").expose().to_owned();
    assert_eq!(draw(3), draw(3));
    assert_ne!(draw(3), draw(4));
}

#[test]
fn a_source_that_fails_or_is_stuck_gives_no_password() {
    let generator = Generator::new(&Policy::hybrid(), &Context::new()).expect("there are passwords");
    assert!(matches!(generator.generate_from(&mut Broken), Err(GenerateError::Random(_))));
    assert!(matches!(generator.generate_from(&mut Stuck(0)), Err(GenerateError::Exhausted { .. })));
    assert!(matches!(generator.generate_from(&mut Stuck(0xFF)), Err(GenerateError::Random(_))));
}

#[test]
fn a_program_sees_the_one_error() {
    let options = GeneratorOptions::default().with_length(7);
    let refused =
        Generator::with_options(&Policy::hybrid(), &Context::new(), &options).expect_err("too short");
    let error = onramp_core::Error::from(refused);
    assert_eq!(error.kind(), onramp_core::ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "could not generate a password: no password can satisfy the policy: a length of 7 was asked for, Entra \
         demands at least 8 characters"
    );
}

#[test]
fn the_length_follows_the_policy() {
    let length =
        |policy: &Policy| Generator::new(policy, &Context::new()).expect("there are passwords").length();
    assert_eq!(length(&Policy::new()), 24);
    assert_eq!(length(&Policy::hybrid().with_on_premises(short(30))), 30);
    let mut narrow = EntraPolicy::cloud();
    narrow.max_length = 16;
    assert_eq!(length(&Policy::hybrid().with_cloud(narrow)), 16);
}

#[test]
fn contradictory_lengths_are_named() {
    let mut narrow = EntraPolicy::cloud();
    narrow.max_length = 16;
    let policy = Policy::new().with_on_premises(short(20)).with_cloud(narrow);
    let found = conflict(Generator::new(&policy, &Context::new()));
    let expected = Conflict::Lengths {
        minimum: 20,
        minimum_of: Target::OnPremises,
        maximum: 16,
        maximum_of: Target::Cloud,
    };
    assert_eq!(found, expected);
    assert_eq!(found.to_string(), "Active Directory demands at least 20 characters, Entra takes at most 16");
}

#[test]
fn a_length_outside_the_policy_is_a_contradiction() {
    let of = |length| {
        let options = GeneratorOptions::default().with_length(length);
        conflict(Generator::with_options(&Policy::hybrid(), &Context::new(), &options))
    };
    assert_eq!(of(7), Conflict::TooShort { length: 7, minimum: 8, target: Target::Cloud });
    assert!(matches!(of(257), Conflict::TooLong { length: 257, maximum: 256, .. }));
}

#[test]
fn an_alphabet_without_enough_classes_is_a_contradiction() {
    let found = conflict(tiny("abcXYZ", 12, &Policy::hybrid(), &Context::new()));
    assert_eq!(found, Conflict::Classes { target: Target::OnPremises, required: 3, available: 2 });
    let found = conflict(tiny("äöü", 12, &Policy::hybrid(), &Context::new()));
    assert_eq!(found, Conflict::NoCharacters);
}

#[test]
fn names_that_leave_nothing_are_named() {
    let context = Context::new().with_word("a1-").with_word("zzz").with_display_name("-1a");
    let policy = Policy::new().with_cloud(EntraPolicy::cloud().with_min_length(3));
    let context = ["1a-", "1-a", "-a1", "-1a", "a-1"].into_iter().fold(context, Context::with_word);
    let found = conflict(tiny("a1-", 3, &policy, &context));
    let names = vec![(Target::Custom, NameSource::Word)];
    assert_eq!(found, Conflict::Names { names });
}

#[test]
fn a_score_out_of_reach_is_a_contradiction() {
    let policy = Policy::new().with_protection(ProtectionPolicy::default());
    let found = conflict(tiny("ab", 4, &policy, &Context::new()));
    assert_eq!(found, Conflict::Score { length: 4, required: 5 });
}

#[test]
fn too_narrow_is_said_rather_than_tried() {
    // Three classes, but nearly every string is made of one.
    let policy = Policy::new().with_cloud(EntraPolicy::cloud());
    let letters: String = (0x4E00..0x4E00 + 20_000).filter_map(char::from_u32).collect();
    let on_premises = Policy::new().with_on_premises(short(7));
    let narrow = tiny(&format!("{letters}1-"), 8, &on_premises, &Context::new());
    assert!(matches!(narrow, Err(GenerateError::TooNarrow { .. })), "{narrow:?}");
    assert!(tiny("a1-", 8, &policy, &Context::new()).is_ok());
}
