//! Finds what synchronization to Entra would reject, in an export of a directory, and prints the safe fixes.

use std::collections::BTreeMap;
use std::sync::Arc;

use onramp_readiness::{DomainName, EntraRules, Profile, Scan, ldif};

/// An export as of `ldapsearch` or `ldifde`; a file is read the same way.
const EXPORT: &str = "dn: CN=Anna,OU=Staff,DC=corp,DC=local
objectClass: user
userPrincipalName: anna@contoso.com
proxyAddresses: SMTP:anna@contoso.com

dn: CN=Bert,OU=Staff,DC=corp,DC=local
objectClass: user
userPrincipalName: bert..b@contoso.com
proxyAddresses: SMTP:bert@contoso.com
proxyAddresses: smtp:ANNA@contoso.com
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let profile = Profile::entra().with_verified_domains([DomainName::parse("contoso.com")?]);
    let mut scan = Scan::new(Arc::new(EntraRules::new(&profile)?));
    for object in ldif::Reader::new(EXPORT.as_bytes()).objects() {
        scan.add(object?);
    }
    let result = scan.finish();
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &result.findings {
        *rules.entry(finding.rule.as_str()).or_default() += 1;
        println!("{} {}: {}", finding.object, finding.attribute, finding.explanation);
        for change in finding.fixes.first().iter().flat_map(|fix| &fix.changes) {
            println!("    remove {:?}, add {:?}", change.remove, change.add);
        }
    }
    assert_eq!(rules, BTreeMap::from([("duplicate-address", 2), ("upn-dots", 1)]));
    Ok(())
}
