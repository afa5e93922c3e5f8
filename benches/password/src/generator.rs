//! Passwords of twenty characters.

use onramp_password::check::{Context, Lookups};
use onramp_password::generate::{GeneratorOptions, OsRandom, RandomError, RandomSource};
use onramp_password::{Generator, Policy, ProtectionPolicy};
use passwords::PasswordGenerator;

use crate::contest::Contest;
use crate::corpus::Known;
use crate::{Size, corpus};

/// The system's random numbers, counted.
struct Counted {
    calls: u64,
}

impl RandomSource for Counted {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.calls += 1;
        OsRandom.fill(bytes)
    }
}

/// Numbers without the system: no secret, but they show what the generator itself takes.
struct NoSystem(Known);

impl RandomSource for NoSystem {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.number().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

pub(crate) fn measure(size: Size) {
    let options = GeneratorOptions::default().with_length(20);
    let context = Context::new()
        .with_account_name("svc-sync")
        .with_person("Erin", "Hagens")
        .with_tenant_name("Contoso");
    let banned = Policy::hybrid().with_protection(ProtectionPolicy::new(corpus::banned_words(2, 4_300)));
    let generator = |policy: &Policy| {
        Generator::with_options(policy, &context, &options).expect("a policy that can be met")
    };
    let (plain, banned) = (generator(&Policy::hybrid()), generator(&banned));
    let peer = PasswordGenerator {
        length: 20,
        numbers: true,
        lowercase_letters: true,
        uppercase_letters: true,
        symbols: true,
        spaces: false,
        exclude_similar_characters: false,
        strict: true,
    };

    let items = vec![(); size.candidates.min(100_000)];
    let lookups = Lookups::default();
    let mut source = Counted { calls: 0 };
    let mut made = 0_u64;
    let mut contest = Contest::new(size);
    contest.add("hybrid policy", &items, |()| {
        made += 1;
        plain.secret(&mut source, &lookups)
    });
    contest.add("and 4,300 terms", &items, |()| banned.secret(&mut OsRandom, &lookups));
    let mut without = NoSystem(Known::new(9));
    contest.add("and 4,300 terms, without the system", &items, |()| banned.secret(&mut without, &lookups));
    contest.add("passwords crate, strict", &items, |()| peer.generate_one());
    contest.finish();
    println!("\n{:.2} calls of the system a password of 20 characters", source.calls as f64 / made as f64);
}
