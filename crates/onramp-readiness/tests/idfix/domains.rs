use onramp_readiness::idfix::{IdfixScan, TopLevelDomains};

use super::support::{MultiTenant, findings, object, shown};

#[test]
fn the_default_knows_public_domains_and_not_those_that_idfix_lacks() {
    let domains = TopLevelDomains::default();
    for known in [
        "com", "org", "net", "de", "uk", "at", "edu", "info", "museum", "cloud", "gmbh", "swiss", "africa",
        "ck", "рф",
    ] {
        assert!(domains.contains(known), "{known}");
    }
    let missing = "app shop inc llc llp gay kids music bot spa cpa security insurance hospital hotels amazon azure microsoft \
        merck phd forum watches charity islam sport rugby living food free hot web northwesternmutual travelersinsurance";
    let private = "local lan internal corp home test localhost example invalid";
    let nonsense = "COM .com co.uk edu.au xn--p1ai c x 1 a-b com\n comm name@localhost";
    for unknown in [missing, private, nonsense].iter().flat_map(|list| list.split(' ')).chain([""]) {
        assert!(!domains.contains(unknown), "{unknown:?}");
    }
}

#[test]
fn a_list_replaces_the_default() {
    let lists = [
        TopLevelDomains::parse(".local\r\n  .CORP  \n\n.\ninternal\n"),
        [".local", "corp", "Internal", " "].iter().collect(),
        TopLevelDomains::from_octets(b"\xef\xbb\xbf.local\n.corp\n.internal"),
        TopLevelDomains::from_octets(b".local\n.corp\n.internal"),
        TopLevelDomains::from_octets(&wide(".local\r\n.corp\r\n.internal", u16::to_le_bytes)),
        TopLevelDomains::from_octets(&wide(".local\r\n.corp\r\n.internal", u16::to_be_bytes)),
    ];
    for (number, list) in lists.iter().enumerate() {
        let of = ["local", "corp", "internal", "com", "", ".", ".local"].map(|name| list.contains(name));
        assert_eq!(of, [true, true, true, false, false, false, false], "{number}");
        assert_eq!(list, &lists[0]);
    }
    let rows = |upn: &str| {
        let mut scan = IdfixScan::new(MultiTenant).with_top_level_domains(lists[0].clone());
        findings(&mut scan, &object(&[("userPrincipalName", upn)])).iter().map(shown).collect::<Vec<_>>()
    };
    assert!(rows("a@b.Local").is_empty());
    assert_eq!(rows("a@b.com"), ["TopLevelDomain | a@b.com | EDIT"]);
}

#[test]
fn octets_that_are_no_text_spoil_their_own_entry_only() {
    let list = TopLevelDomains::from_octets(b".a\xffb\n.local\n");
    assert!(list.contains("local") && !list.contains("ab"));
    // A lone octet at the end of UTF-16 is left out.
    let mut octets = wide(".local", u16::to_le_bytes);
    octets.push(b'x');
    assert!(TopLevelDomains::from_octets(&octets).contains("local"));
}

fn wide(text: &str, octets: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().fold(octets(0xfeff).to_vec(), |mut all, unit| {
        all.extend(octets(unit));
        all
    })
}
