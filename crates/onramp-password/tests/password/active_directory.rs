//! \[MS-SAMR\] 3.1.1.7.2 and the description of "Password must meet complexity requirements".

use onramp_password::check::{Code, Context, NameSource, Span};
use onramp_password::policy::{CharacterClass, Classes, NameChecks, Target};
use onramp_password::{AdPolicy, Policy, Verdict, check};

use crate::codes;

fn on_premises(context: &Context, candidate: &str) -> Verdict {
    check(&Policy::new().with_on_premises(AdPolicy::default()), context, candidate)
}

fn accepted(candidate: &str) -> bool {
    on_premises(&Context::new(), candidate).is_accepted()
}

#[test]
fn the_length_is_counted_in_utf16_units() {
    let policy =
        Policy::new().with_on_premises(AdPolicy::default().with_complexity(false).with_min_length(8));
    let length =
        |candidate: &str| check(&policy, &Context::new(), candidate).violations().first().map(|v| v.found);

    assert_eq!(length("ﾊﾟｽﾜｰﾄﾞ"), Some(Some(7)), "seven units, twenty-one bytes");
    assert_eq!(length("🔑🔑🔑"), Some(Some(6)), "two units each");
    assert_eq!(length("🔑🔑🔑🔑"), None);
    assert_eq!(length(&"x".repeat(256)), None);
    assert_eq!(
        codes(&check(&policy, &Context::new(), &"🔑".repeat(129)), Target::OnPremises),
        [Code::TooLong]
    );
}

#[test]
fn three_of_five_classes() {
    assert!(accepted("Password1"));
    assert!(accepted("password-1"));
    assert!(accepted("PASSWORD-1"));
    assert!(!accepted("password1"));
    assert!(!accepted("Password"));
    assert!(accepted("密碼密碼abc-"), "a letter without case is a class of its own");
    assert!(accepted("ÄÖÜäöü123"), "diacritics");
    assert!(accepted("ΑΒΓαβγ123"), "Greek");
    assert!(accepted("АБВабв123"), "Cyrillic");
    assert!(accepted("straßeß1A"), "sharp s");
}

#[test]
fn what_counts_for_no_class() {
    assert!(!accepted("password€£1"), "currency signs are no symbols");
    assert!(!accepted("password 1"), "neither is the blank");
    assert!(!accepted("password𠀀1"), "nor a letter beyond the basic plane");
    assert!(!accepted("password٣A"), "only 0 to 9 are digits");
}

/// \[MS-SAMR\] prints 0x41–0x56 and 0x62–0x7A. Windows counts W to Z and a as well.
#[test]
fn the_misprinted_ranges_are_not_taken_literally() {
    for upper in 'A'..='Z' {
        assert!(accepted(&format!("bcdefg1{upper}")), "{upper} is upper case");
    }
    for lower in 'a'..='z' {
        assert!(accepted(&format!("BCDEFG1{lower}")), "{lower} is lower case");
    }
}

#[test]
fn every_listed_symbol_counts() {
    for symbol in r##"~!@#$%^&*_-+=`|\(){}[]:;"'<>,.?/"##.chars() {
        assert!(accepted(&format!("bcdefg1{symbol}")), "{symbol}");
    }
}

#[test]
fn the_missing_classes_are_named() {
    let verdict = on_premises(&Context::new(), "password1");
    let violation = verdict.violations().first().expect("one class is missing");
    assert_eq!((violation.found, violation.limit), (Some(2), Some(3)));
    assert_eq!(
        violation.missing,
        Classes::of([CharacterClass::Upper, CharacterClass::Symbol, CharacterClass::OtherLetter])
    );
}

/// The documented example: "Erin M. Hagens" is split into erin, M and hagens; M is too short to be looked for.
#[test]
fn pieces_of_the_display_name() {
    let context = Context::new().with_display_name("Erin M. Hagens");
    let found = |candidate: &str| {
        on_premises(&context, candidate)
            .violations()
            .iter()
            .copied()
            .map(|v| (v.name, v.spans.iter().collect()))
            .collect::<Vec<(_, Vec<_>)>>()
    };

    assert_eq!(found("xxERINxx-1a"), [(Some(NameSource::DisplayName), vec![Span { start: 2, end: 6 }])]);
    assert_eq!(found("1-hAgEnS-1"), [(Some(NameSource::DisplayName), vec![Span { start: 2, end: 8 }])]);
    assert_eq!(found("M.Hagen-12"), [], "a part of a piece may occur");
    assert_eq!(found("eri-nM-hag1"), []);
}

#[test]
fn every_separator_splits_the_display_name() {
    for separator in [',', '.', '-', '_', ' ', '#', '\t'] {
        let context = Context::new().with_display_name(format!("alpha{separator}omega"));
        for piece in ["Alpha", "Omega"] {
            let verdict = on_premises(&context, &format!("{piece}-1234"));
            assert_eq!(codes(&verdict, Target::OnPremises), [Code::ContainsName], "{separator:?}");
        }
    }
    let context = Context::new().with_display_name("alpha+omega");
    assert!(on_premises(&context, "Alpha-1234").is_accepted(), "no other character splits it");
}

#[test]
fn the_account_name_as_a_whole() {
    let named = |name: &str, candidate: &str| {
        on_premises(&Context::new().with_account_name(name), candidate)
            .violations()
            .first()
            .and_then(|v| v.name)
    };
    assert_eq!(named("svc-sync", "My-SVC-Sync-1"), Some(NameSource::AccountName));
    assert_eq!(named("svc-sync", "My-Sync-1-svc"), None, "it is not split");
    assert_eq!(named("bob", "1-aBOBa"), Some(NameSource::AccountName));
    assert_eq!(named("bo", "1-aBOBa"), None, "names of one or two characters are not looked for");
    assert_eq!(named("müller", "1-MÜLLER"), Some(NameSource::AccountName));
}

/// The Windows setting bundles the name checks with complexity; \[MS-SAMR\] lists them apart.
#[test]
fn names_with_and_without_complexity() {
    let context = Context::new().with_account_name("svc-sync");
    let simple = AdPolicy::default().with_complexity(false);
    let windows = Policy::new().with_on_premises(simple.clone());
    let samr = Policy::new().with_on_premises(simple.with_name_checks(NameChecks::Always));

    assert!(check(&windows, &context, "svc-sync").is_accepted());
    assert_eq!(codes(&check(&samr, &context, "svc-sync"), Target::OnPremises), [Code::ContainsName]);
}
