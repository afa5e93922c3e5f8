//! Uses the vocabulary of onramp-core alone: names are checked once, when they are parsed.

use onramp_core::{DistinguishedName, DomainName, ImmutableId, ObjectGuid, Result, Upn};

fn main() -> Result<()> {
    let upn: Upn = Upn::parse("anna.schmidt@corp.local")?;
    println!("{upn} is on {}", upn.domain()?);
    println!("corp.local is routable: {}", DomainName::parse("corp.local")?.is_routable());

    let dn: DistinguishedName = "CN=Anna Schmidt,OU=Staff,DC=corp,DC=local".parse()?;
    let ou: DistinguishedName = "OU=Staff,DC=corp,DC=local".parse()?;
    println!("{dn} is below {ou}: {}", dn.is_within(&ou));

    let guid: ObjectGuid = "8d2f3c1a-5b6e-4f70-9a81-0c1d2e3f4a5b".parse()?;
    println!("the source anchor of {guid} is {}", ImmutableId::from_guid(&guid));
    for wrong in ["anna", "anna@", "@corp.local"] {
        println!("{}", Upn::parse(wrong).map_or_else(|error| error.to_string(), |upn| upn.to_string()));
    }
    Ok(())
}
