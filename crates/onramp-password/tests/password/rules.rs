//! The edges of single rules, where one more or one less decides.

use onramp_password::check::{Code, Context, Lookups, NameSource};
use onramp_password::lithnet::{
    ClassPoints, LithnetBand, LithnetBands, LithnetNormalization, LithnetPoints, LithnetPolicy,
};
use onramp_password::policy::{CharacterClass, Classes, Target};
use onramp_password::protection::{Interpretation, Substitutions};
use onramp_password::{
    AdPolicy, Checker, CustomPolicy, EntraPolicy, NistPolicy, Policy, ProtectionPolicy, Verdict, Violation,
    check,
};

use crate::codes;

fn custom(rules: &CustomPolicy, candidate: &str) -> Verdict {
    check(&Policy::new().with_custom(rules.clone()), &Context::new(), candidate)
}

fn refused(rules: &CustomPolicy, candidate: &str) -> Vec<Code> {
    codes(&custom(rules, candidate), Target::Custom)
}

fn places(violation: &Violation) -> Vec<(usize, usize)> {
    violation.spans.iter().map(|span| (span.start, span.end)).collect()
}

#[test]
fn either_length_alone_is_a_rule() {
    let none = CustomPolicy::default();
    assert_eq!(refused(&none, ""), []);
    let least = none.clone().with_lengths(Some(3), None);
    assert_eq!(refused(&least, "ab"), [Code::TooShort]);
    assert_eq!(refused(&least, "abc"), []);
    assert_eq!(refused(&least, &"abc".repeat(300)), []);
    let most = none.with_lengths(None, Some(3));
    assert_eq!(refused(&most, ""), []);
    assert_eq!(refused(&most, "abc"), []);
    assert_eq!(refused(&most, "abcd"), [Code::TooLong]);
}

#[test]
fn allowed_and_forbidden_characters_are_each_a_rule() {
    let allowed = CustomPolicy::default().with_allowed("cba");
    assert_eq!(refused(&allowed, "abcabc"), []);
    assert_eq!(places(&custom(&allowed, "axxbyä").violations()[0]), [(1, 3), (4, 7)]);
    let forbidden = CustomPolicy::default().with_forbidden("ba");
    assert_eq!(refused(&forbidden, "xyz"), []);
    assert_eq!(places(&custom(&forbidden, "xaby").violations()[0]), [(1, 3)]);
    let both = CustomPolicy::default().with_allowed("abc").with_forbidden("c");
    assert_eq!((refused(&both, "ab"), refused(&both, "c")), (vec![], vec![Code::CharacterNotAllowed]));
    assert_eq!(refused(&both, "d"), [Code::CharacterNotAllowed]);
}

#[test]
fn classes_by_number_and_by_name_are_each_a_rule() {
    let number = CustomPolicy::default().with_classes(2, Classes::NONE);
    assert_eq!(refused(&number, "abc"), [Code::TooFewClasses]);
    assert_eq!(refused(&number, "abc1"), []);
    let one = CustomPolicy::default().with_classes(1, Classes::NONE);
    assert_eq!((refused(&one, ""), refused(&one, "ä")), (vec![Code::TooFewClasses], vec![]));
    let name = CustomPolicy::default().with_classes(0, Classes::of([CharacterClass::Digit]));
    assert_eq!(refused(&name, "abc"), [Code::ClassMissing]);
    assert_eq!(refused(&name, "abc1"), []);
}

#[test]
fn runs_end_where_they_are_allowed_to() {
    let repeats = CustomPolicy::default().with_runs(Some(2), None);
    assert_eq!(refused(&repeats, "aabbaa"), []);
    let verdict = custom(&repeats, "xaAaybbbbz");
    let violation = verdict.violations()[0];
    assert_eq!((violation.found, violation.limit), (Some(4), Some(2)));
    assert_eq!(places(&violation), [(1, 4), (5, 9)]);
    assert_eq!(places(&custom(&repeats, "xääää").violations()[0]), [(1, 9)]);
    // No run at all is one character.
    let never = CustomPolicy::default().with_runs(Some(0), None);
    assert_eq!((refused(&never, "abab"), refused(&never, "aa")), (vec![], vec![Code::Repeated]));

    let sequences = CustomPolicy::default().with_runs(None, Some(2));
    for fine in ["abab", "ab12", "acegik", "aa", "12ab", "yzab", "ab-cd"] {
        assert_eq!(refused(&sequences, fine), [], "{fine}");
    }
    let verdict = custom(&sequences, "xabCDx321");
    assert_eq!(places(&verdict.violations()[0]), [(1, 5)], "upward before downward");
    assert_eq!((verdict.violations().len(), verdict.violations()[0].found), (1, Some(4)));
    assert_eq!(places(&custom(&sequences, "x321").violations()[0]), [(1, 4)]);
    // Neighbors in the code table that are no letters or digits.
    let pairs = CustomPolicy::default().with_runs(None, Some(1));
    for fine in ["/0", "9:", "`a", "z{", "@a", "-.", "äå", "~\u{7f}"] {
        assert_eq!(refused(&pairs, fine), [], "{fine}");
    }
    assert_eq!(refused(&pairs, "12"), [Code::Sequence]);
    assert_eq!(refused(&pairs, "Ba"), [Code::Sequence]);
}

#[test]
fn different_characters_are_counted_without_case() {
    let four = CustomPolicy::default().with_min_distinct(4);
    let verdict = custom(&four, "aAbBcC");
    assert_eq!((verdict.violations()[0].found, verdict.violations()[0].limit), (Some(3), Some(4)));
    assert_eq!(refused(&four, "aAbBcCd"), []);
    assert_eq!(custom(&four, "").violations()[0].found, Some(0));
    let many: String = ('\u{100}'..'\u{300}').filter(|c| c.is_lowercase()).collect();
    let found = custom(&CustomPolicy::default().with_min_distinct(400), &many).violations()[0].found;
    assert!(found.is_some_and(|found| (150..=256).contains(&found)), "{found:?}");
}

#[test]
fn words_are_found_anywhere_in_a_long_candidate() {
    let rules = CustomPolicy::default().with_words(["dragon", "sea"]);
    for filler in ["x", "ä"] {
        let width = filler.len();
        for before in [0, 1, 100, 249, 250, 251, 252, 253, 254, 255, 256, 257, 500, 505, 511, 600, 767] {
            let candidate = format!("{}Dragon{}", filler.repeat(before), filler.repeat(300));
            let verdict = custom(&rules, &candidate);
            let places: Vec<_> = verdict.violations().iter().flat_map(places).collect();
            assert_eq!(places, [(before * width, before * width + 6)], "{before} times {filler}");
        }
        assert_eq!(refused(&rules, &filler.repeat(900)), []);
    }
    let verdict = custom(&rules, &format!("sea{}sea", "x".repeat(700)));
    assert_eq!(places(&verdict.violations()[0]), [(0, 3), (703, 706)]);
    // A word as long as the whole window.
    let long = CustomPolicy::default().with_words(["ab".repeat(90)]);
    assert_eq!(refused(&long, &format!("{}{}", "x".repeat(200), "ab".repeat(90))), [Code::ContainsWord]);
}

#[test]
fn names_are_found_in_long_candidates_too() {
    let context = Context::new().with_account_name("svc-sync").with_display_name("Erin Edda Hagens");
    let policy = Policy::new().with_on_premises(AdPolicy::default());
    for before in [0, 7, 300] {
        let candidate = format!("{}EDDA-1{}", "ä".repeat(before), "x".repeat(300));
        let verdict = check(&policy, &context, &candidate);
        let found = verdict.violations().iter().find(|one| one.code == Code::ContainsName).expect("Edda");
        assert_eq!(found.name, Some(NameSource::DisplayName));
        assert_eq!(places(found), [(2 * before, 2 * before + 4)]);
    }
    let verdict = check(&policy, &context, &format!("Edd-Eri-{}", "x".repeat(300)));
    assert_eq!(codes(&verdict, Target::OnPremises), [Code::TooLong]);
    let guarded = Policy::new().with_protection(ProtectionPolicy::default().with_on_premises(false));
    let verdict = check(&guarded, &context, &format!("{}H@gens", "x".repeat(300)));
    assert_eq!(codes(&verdict, Target::Cloud), [Code::ContainsName]);
    assert_eq!(places(&verdict.violations()[0]), [(300, 306)]);
}

#[test]
fn every_name_is_looked_for_whatever_the_others_are() {
    let policy = Policy::new().with_on_premises(AdPolicy::default());
    // The first has three units and two letters; the fourth shares its place in the quick look.
    let context = Context::new().with_account_name("🔑a").with_display_name("Erin Hagens Maria Emil");
    for (candidate, name) in [
        ("xMaria-1234", true),
        ("xERIN-12345", true),
        ("1-Hagens-xx", true),
        ("x-EMIL-1234", true),
        ("🔑A-12345xyz", true),
        ("Mari-1234-Eri", false),
        ("a-1234-XYZ", false),
    ] {
        let found = codes(&check(&policy, &context, candidate), Target::OnPremises);
        assert_eq!(found.contains(&Code::ContainsName), name, "{candidate}");
    }
    // Nothing but the shortest name.
    let verdict = check(&policy, &Context::new().with_account_name("abc"), "abc");
    assert!(codes(&verdict, Target::OnPremises).contains(&Code::ContainsName));
    // Two letters that three units make, under a table that makes them ASCII.
    let rules = CustomPolicy::default().with_substitutions(Substitutions::new([('𝐀', 'a')]));
    let context = Context::new().with_word("𝐀b").with_word("ab");
    let verdict = check(&Policy::new().with_custom(rules), &context, "xAby");
    assert_eq!(places(&verdict.violations()[0]), [(1, 3)]);
    // More needles than the quick look has places.
    let names = "Anna Berta Clara Doris Elena Frieda Gerda Hanna Irma Jutta";
    let context = Context::new().with_display_name(names).with_tenant_name("Contoso");
    let all = Policy::hybrid();
    for name in names.split(' ').chain(["C0ntoso"]) {
        let verdict = check(&all, &context, &format!("12-{}-Xy", name.to_lowercase()));
        assert!(codes(&verdict, Target::Cloud).contains(&Code::ContainsName), "{name}");
        let on_premises = codes(&verdict, Target::OnPremises).contains(&Code::ContainsName);
        assert_eq!(on_premises, name != "C0ntoso", "{name}");
    }
}

#[test]
fn lengths_count_from_their_edges() {
    let policy = Policy::new().with_cloud(EntraPolicy::without_complexity().with_min_length(4));
    let cloud = |candidate: &str| codes(&check(&policy, &Context::new(), candidate), Target::Cloud);
    assert_eq!((cloud("abc"), cloud("abcd")), (vec![Code::TooShort], vec![]));
    assert_eq!((cloud(&"a".repeat(256)), cloud(&"a".repeat(257))), (vec![], vec![Code::TooLong]));
    assert_eq!((cloud("ab~ "), cloud("abc\u{7f}")), (vec![], vec![Code::CharacterNotAllowed]));
    let context = Context::new().with_account_name("abcdefgh");
    let plain = Policy::new().with_on_premises(AdPolicy::default().with_complexity(false));
    assert!(check(&plain, &context, "xabcdefghx").is_accepted(), "names count with complexity only");
}

fn lithnet(policy: &LithnetPolicy, candidate: &str) -> Vec<Code> {
    codes(&check(&Policy::new().with_lithnet(policy.clone()), &Context::new(), candidate), Target::Lithnet)
}

#[test]
fn points_of_lithnet_are_summed_up() {
    let points = LithnetPoints {
        required: 20,
        per_character: 2,
        per_class: ClassPoints { upper: 1, lower: 0, digit: 3, symbol: 0 },
        class_bonus: ClassPoints { upper: 5, lower: 1, digit: 0, symbol: 7 },
    };
    let policy = LithnetPolicy::default().with_min_length(0);
    // Upper 2+1, digits 2·(2+3), lower 2+0; bonus 5+1.
    for (candidate, found) in [("Ab12", 21), ("b12", 13), ("Ab1", 16), ("", 0), ("-", 9), ("bbb", 7)] {
        let exact = policy.clone().with_points(LithnetPoints { required: found, ..points });
        assert_eq!(lithnet(&exact, candidate), [], "{candidate} has {found} points");
        let more = policy.clone().with_points(LithnetPoints { required: found + 1, ..points });
        let verdict = check(&Policy::new().with_lithnet(more), &Context::new(), candidate);
        assert_eq!(verdict.violations()[0].code, Code::TooFewPoints);
        assert_eq!(verdict.violations()[0].found, Some(u32::from(found)), "{candidate}");
    }
}

#[test]
fn bands_of_lithnet_ask_for_a_symbol_or_a_digit() {
    let band = LithnetBand { symbol_or_digit: true, ..LithnetBand::default() };
    let bands = LithnetBands { first_threshold: 99, first: band, ..LithnetBands::default() };
    let policy = LithnetPolicy::default().with_min_length(0).with_bands(bands);
    assert_eq!(lithnet(&policy, "abcDEF"), [Code::ClassMissing]);
    assert_eq!((lithnet(&policy, "abc1"), lithnet(&policy, "abc-")), (vec![], vec![]));
    let named = LithnetBand { require: Classes::of([CharacterClass::Upper]), ..LithnetBand::default() };
    let policy = policy.with_bands(LithnetBands { first: named, ..bands });
    assert_eq!((lithnet(&policy, "abc1"), lithnet(&policy, "Abc")), (vec![Code::ClassMissing], vec![]));
}

#[test]
fn words_of_lithnet_are_cut_as_it_cuts_them() {
    let compatible = LithnetPolicy::default().with_min_length(0).with_banned_words(["4dmin", "welcome"]);
    let fixed = compatible.clone().with_normalization(LithnetNormalization::Fixed);
    for (candidate, as_it_does, put_right) in [
        ("admin", false, true),
        ("dmin", true, false),
        ("4dmin", true, true),
        ("12dmin99", true, false),
        ("Welcome1", true, true),
        ("w3lc0m3!", false, true),
        ("we_l.c+ome", true, true),
        ("wel come", true, true),
        ("welcomes", false, false),
        ("1234", false, false),
        ("!@#$%^&*()12345678welcome!@#$%^&*()12345", true, true),
    ] {
        let banned = |policy| lithnet(policy, candidate).contains(&Code::BannedWord);
        assert_eq!((banned(&compatible), banned(&fixed)), (as_it_does, put_right), "{candidate}");
    }
    // Look-alikes at both ends belong to the word when it is put right.
    let ends = LithnetPolicy::default().with_min_length(0).with_banned_words(["alexa", "signals"]);
    let fixed = ends.clone().with_normalization(LithnetNormalization::Fixed);
    for candidate in ["4lex4", "$ignal5", "99@lexa", "4lex4!?", "5ignal5#", "-$ignals$-"] {
        assert_eq!(lithnet(&fixed, candidate), [Code::BannedWord], "{candidate}");
    }
    assert_eq!(lithnet(&ends, "4lex4"), []);
    assert_eq!(lithnet(&fixed, &format!("welcome{}", "x".repeat(300))), []);
}

#[test]
fn whoever_asks_refuses_what_is_breached() {
    let breached = |candidate: &str| ["Welcome12", "welcome"].contains(&candidate);
    let lookups = Lookups::default().with_breached(&breached);
    let plain = LithnetPolicy::default().with_min_length(0);
    let who = |policy: Policy, candidate: &str| -> Vec<Target> {
        let verdict = Checker::new(&policy, &Context::new()).check_with(candidate, &lookups);
        verdict.violations().iter().filter(|one| one.code == Code::Breached).map(|one| one.target).collect()
    };
    let (nist, none) = (NistPolicy::with_mfa(), Policy::new());
    assert_eq!(who(none.clone(), "Welcome12"), [Target::Custom]);
    assert_eq!(who(none.clone(), "Welcome13"), []);
    assert_eq!(who(none.clone().with_nist(nist.clone()), "Welcome12"), [Target::Nist]);
    assert_eq!(who(none.clone().with_nist(nist.clone()), "Welcome13"), []);
    let lithnet =
        |typed, normalised| none.clone().with_lithnet(plain.clone().with_breached(typed, normalised));
    assert_eq!(who(lithnet(true, false), "Welcome12"), [Target::Lithnet]);
    assert_eq!(who(lithnet(true, false), "Welcome13"), []);
    assert_eq!(who(lithnet(false, true), "Welcome13"), [Target::Lithnet]);
    assert_eq!(who(lithnet(false, true), "Welcame13"), []);
    assert_eq!(who(lithnet(false, false), "Welcome12"), [Target::Custom]);
    assert_eq!(who(lithnet(false, false), "Welcome13"), []);
    let both = lithnet(true, true).with_nist(nist);
    assert_eq!(who(both.clone(), "Welcome12"), [Target::Nist, Target::Lithnet]);
    assert_eq!(who(both, "Welcome13"), [Target::Lithnet]);
    assert_eq!(format!("{lookups:?}"), "Lookups { reused: false, breached: true }");
}

#[test]
fn former_passwords_are_refused_by_whoever_remembers_them() {
    let former = |candidate: &str| candidate == "Autumn-is-gone-2";
    let lookups = Lookups::default().with_reused(&former);
    let policy = Policy::new().with_on_premises(AdPolicy::default().with_history_length(7));
    for (policy, target, limit) in
        [(policy, Target::OnPremises, Some(7)), (Policy::new(), Target::Custom, None)]
    {
        let checker = Checker::new(&policy, &Context::new());
        let verdict = checker.check_with("Autumn-is-gone-2", &lookups);
        let violation = verdict.violations()[0];
        assert_eq!((violation.target, violation.code, violation.limit), (target, Code::Reused, limit));
        assert!(checker.check_with("Autumn-is-gone-3", &lookups).is_accepted());
    }
}

#[test]
fn the_context_is_what_nist_expects() {
    let context = Context::new()
        .with_account_name("erin.hagens")
        .with_display_name("Erin Hagens-Poll")
        .with_word("pangolin");
    let policy = Policy::new()
        .with_nist(NistPolicy::with_mfa().with_min_length(1).with_blocklist(["", "Straßenbahn"]));
    for (candidate, refused) in [
        ("Pangolin", true),
        ("ERIN.HAGENS", true),
        ("erin hagens-poll", true),
        ("straßenbahn", true),
        ("strassenbahn", false),
        ("pangolins", false),
        ("erin.hagens1", false),
    ] {
        let found = codes(&check(&policy, &context, candidate), Target::Nist);
        assert_eq!(found.contains(&Code::Blocklisted), refused, "{candidate}");
    }
    let advice = |candidate: &str| check(&policy, &context, candidate).advice().count();
    assert_eq!((advice("grüne-wiese"), advice("gruene-wiese")), (1, 0));
    let other = Policy::new().with_on_premises(AdPolicy::passfilt());
    assert_eq!(check(&other, &context, "Grüne-Wiese-1").advice().count(), 0, "only NIST wants it told");
}

#[test]
fn a_name_decides_in_the_reading_that_looks_for_it() {
    let context = Context::new().with_person("Max", "Poll");
    for (reading, max) in [(Interpretation::Documented, true), (Interpretation::Conservative, false)] {
        let policy = Policy::new().with_protection(ProtectionPolicy::default().with_interpretation(reading));
        let verdict = check(&policy, &context, "max-23fbxyz");
        assert_eq!(verdict.is_accepted(), max, "three letters count in the strictest reading only");
        assert_eq!(verdict.protection().unwrap().accepted, max);
        assert!(!check(&policy, &context, "poll-23fbxyz").protection().unwrap().accepted);
    }
}
