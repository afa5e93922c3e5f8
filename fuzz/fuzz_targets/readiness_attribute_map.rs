//! Any octets as a map of attributes: reading ends, and errors name a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_readiness::source::attribute_map::{AttributeMap, MapFormat};

fuzz_target!(|octets: &[u8]| {
    for format in [MapFormat::Csv, MapFormat::Toml] {
        match AttributeMap::read(octets, format) {
            Ok(map) => assert!(!map.objects().is_empty()),
            Err(errors) => {
                assert!(!errors.is_empty());
                for error in errors {
                    assert!(error.line() > 0);
                    let _ = error.to_string();
                }
            }
        }
    }
});
