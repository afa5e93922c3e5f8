//! A text is a distinguished name or not; one that is means the same when it is printed and read again, and no value breaks out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onramp_core::DistinguishedName;

fuzz_target!(|text: &str| {
    let base = DistinguishedName::parse("DC=corp,DC=example").expect("a name");
    // A value that is nothing but blanks or nothing is no value.
    if !text.is_empty() {
        let child = base.child("CN", text);
        let again = DistinguishedName::parse(child.as_str()).expect("what was escaped can be read");
        let rdns = again.rdns();
        assert_eq!(rdns.len(), 3, "{child}");
        assert_eq!(rdns[0].value, text, "{child}");
        assert_eq!(again.parent().as_ref(), Some(&base));
    }
    let Ok(name) = DistinguishedName::parse(text) else { return };
    let printed = name.rdns().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    assert_eq!(DistinguishedName::parse(&printed).expect("what was printed can be read"), name);
});
