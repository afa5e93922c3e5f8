//! Any options, any names: a generator is refused with the reason, or what it draws passes the policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_password::check::{Context, Lookups};
use onramp_password::generate::{GeneratorOptions, RandomError, RandomSource};
use onramp_password::{AdPolicy, EntraPolicy, Generator, NistPolicy, Policy, ProtectionPolicy, check};

struct Known(u64);

impl RandomSource for Known {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            *byte = (self.0 >> 56) as u8;
        }
        Ok(())
    }
}

fuzz_target!(|input: (u8, Option<u16>, Option<&str>, [&str; 3], Vec<&str>, u64)| {
    let (parts, length, alphabet, [account, name, word], banned, seed) = input;
    let mut policy = Policy::new();
    if parts & 1 != 0 {
        policy = policy.with_on_premises(AdPolicy::default().with_min_length(u16::from(parts >> 4)));
    }
    if parts & 2 != 0 {
        policy = policy.with_cloud(EntraPolicy::default());
    }
    if parts & 4 != 0 {
        policy = policy.with_protection(ProtectionPolicy::new(banned));
    }
    if parts & 8 != 0 {
        policy = policy.with_nist(NistPolicy::single_factor());
    }
    let mut options = GeneratorOptions::default();
    if let Some(length) = length {
        options = options.with_length(usize::from(length) % 400);
    }
    if let Some(alphabet) = alphabet {
        options = options.with_alphabet(alphabet);
    }
    let context = Context::new().with_account_name(account).with_display_name(name).with_word(word);
    let Ok(generator) = Generator::with_options(&policy, &context, &options) else { return };
    assert!(generator.entropy().bits() <= generator.entropy().at_most());
    if let Ok(password) = generator.secret(&mut Known(seed), &Lookups::default()) {
        assert_eq!(password.chars().count(), generator.length());
        assert!(check(&policy, &context, &password).is_accepted());
    }
});
