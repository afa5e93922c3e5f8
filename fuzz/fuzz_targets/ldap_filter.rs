//! A text is a filter or not; whatever stands as a value in one that was made, it is one filter with that value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_core::{AttributeName, LdapFilter};

fuzz_target!(|text: &str| {
    const CN: AttributeName = AttributeName::from_static("cn");
    for made in [
        LdapFilter::equal(&CN, text),
        LdapFilter::starts_with(&CN, text),
        LdapFilter::ends_with(&CN, text),
        LdapFilter::at_least(&CN, text),
        LdapFilter::equal_bytes(&CN, text.as_bytes()),
    ] {
        assert_eq!(LdapFilter::parse(made.as_str()).as_ref(), Ok(&made));
        assert!(!made.as_str()[1..made.as_str().len() - 1].contains(['(', ')']), "{made}");
    }
    if let Ok(filter) = LdapFilter::parse(text) {
        let joined = filter.and(&LdapFilter::present(&CN)).negate();
        // Joining nests deeper, which may be too deep, and is nothing else.
        if let Err(error) = LdapFilter::parse(joined.as_str()) {
            assert!(error.to_string().contains("nests too deep"), "{error}");
        }
    }
});
