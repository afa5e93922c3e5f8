//! An estimate allocates nothing.

use onramp_password::strength::{Estimator, Inputs};

/// Runs something, and says how often it allocated.
fn allocations(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).count_total
}

#[test]
fn an_estimate_with_scratch_allocates_nothing() {
    let estimator = Estimator::zxcvbn();
    let inputs = Inputs::with_parts(["erin.hagens@contoso.com", "Contoso"]);
    let mut scratch = estimator.scratch();
    let candidates = [
        String::from("Tr0ub4dour&3"),
        String::from("correcthorsebatterystaple"),
        "passwordlovedragon".repeat(30),
        "a".repeat(300),
        "1|!7+4@8(3".repeat(26),
        "ÄöЖ🐱ß".repeat(60),
        (0..256_u32).map(|i| char::from(b'0' + u8::try_from(i * i % 10).unwrap())).collect(),
    ];
    // The counter counts.
    assert!(allocations(|| drop(std::hint::black_box(Box::new(1)))) > 0);
    for candidate in &candidates {
        let count = allocations(|| {
            let _ = std::hint::black_box(estimator.estimate_with(candidate, &inputs, &mut scratch));
        });
        assert_eq!(count, 0, "{candidate}");
    }
}
