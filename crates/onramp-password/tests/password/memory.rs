//! A check takes no memory from the heap.

use onramp_password::check::{Context, Lookups, PreparedPolicy};
use onramp_password::{Checker, Policy, ProtectionPolicy};

fn policy() -> Policy {
    let syllables = ["ba", "con", "del", "fin", "ga", "mer", "per", "so", "ter", "ver", "wel", "zo"];
    let mut words = Vec::new();
    for a in syllables {
        for b in syllables {
            for c in syllables {
                words.push(format!("{a}{b}{c}"));
            }
            words.push(format!("{a}{b}pass"));
        }
    }
    Policy::hybrid().with_protection(ProtectionPolicy::new(words))
}

fn context() -> Context {
    Context::new()
        .with_account_name("svc-sync")
        .with_display_name("Erin M. Hagens")
        .with_person("Erin", "Hagens")
        .with_tenant_name("Contoso")
        .with_word("onramp")
}

const CANDIDATES: [&str; 14] = [
    "",
    "a",
    "Zr7#kQ2!vX-0pL",
    "bacondel12",
    "Bac0ndelWelpass1",
    "svc-sync",
    "Erin-Hagens-Contoso-onramp",
    "password",
    "correct horse battery staple",
    "Pässwört-1",
    "密碼密碼Abc",
    "🔑🔑🔑",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "e\u{301}e\u{301}e\u{301}",
];

#[test]
fn nothing_is_allocated_by_a_check() {
    let checker = Checker::new(&policy(), &context());
    let long = "bacondel".repeat(32);
    for candidate in CANDIDATES.into_iter().chain([long.as_str()]) {
        let mut found = 0;
        let measured = allocation_counter::measure(|| found = checker.check(candidate).violations().len());
        assert_eq!(measured.count_total, 0, "{candidate:?} with {found} violations");
    }
}

#[test]
fn nor_by_lookups_nor_by_every_reading_of_a_usual_password() {
    let checker = PreparedPolicy::with_every_interpretation(&policy()).checker(&context());
    let lookups = Lookups::default().with_reused(&|_| true).with_breached(&|_| true);
    for candidate in CANDIDATES.into_iter().filter(|candidate| candidate.len() < 60) {
        let measured = allocation_counter::measure(|| {
            assert!(!checker.check_with(candidate, &lookups).is_accepted());
        });
        assert_eq!(measured.count_total, 0, "{candidate:?}");
    }
}

/// A verdict has room for more violations than fit on the stack, and forgets none of them.
#[test]
fn many_violations() {
    use onramp_password::check::Code;
    use onramp_password::lithnet::{LithnetBand, LithnetBands, LithnetPoints, LithnetPolicy};
    use onramp_password::policy::Target;
    use onramp_password::{CustomPolicy, NistPolicy};

    let band = LithnetBand { required_classes: 4, symbol_or_digit: true, ..LithnetBand::default() };
    let bands = LithnetBands { first_threshold: 1, first: band, ..LithnetBands::default() };
    let lithnet = LithnetPolicy::default()
        .with_min_length(99)
        .with_bands(bands)
        .with_points(LithnetPoints { required: 999, ..LithnetPoints::default() })
        .with_banned_words(["contoso"])
        .with_name_checks(true, true);
    let custom = CustomPolicy::default()
        .with_lengths(Some(99), None)
        .with_classes(4, onramp_password::policy::Classes::FOUR)
        .with_forbidden("c")
        .with_min_distinct(50)
        .with_words(["contoso"]);
    let policy = Policy::hybrid()
        .with_protection(ProtectionPolicy::new(["contoso"]))
        .with_nist(NistPolicy::single_factor())
        .with_lithnet(lithnet)
        .with_custom(custom);
    let context = Context::new()
        .with_account_name("contoso")
        .with_display_name("contoso")
        .with_tenant_name("contoso")
        .with_word("contoso");
    let lookups = Lookups::default().with_reused(&|_| true).with_breached(&|_| true);
    let verdict = Checker::new(&policy, &context).check_with("contoso", &lookups);
    let found = verdict.violations();
    assert!(found.len() > 20, "{}", found.len());
    assert!(found.is_sorted_by_key(|violation| violation.target));
    assert!(verdict.violations_for(Target::Nist).any(|violation| violation.code == Code::Breached));
    assert!(verdict.targets().all(|(_, accepted)| !accepted));
    let json = serde_json::to_string(&verdict).expect("plain data");
    assert_eq!(serde_json::from_str::<onramp_password::Verdict>(&json).expect("what was written"), verdict);
}
