//! Adds a custom domain to a tenant, prints the DNS record to publish, and verifies the domain.

use onramp::{DomainName, Result};
use onramp_examples::Lab;

#[tokio::main]
async fn main() -> Result<()> {
    let lab = Lab::start().await?;
    let tenant = lab.entra()?.tenant();

    let name = DomainName::parse("contoso.com")?;
    tenant.domains.add(&name).await?;
    for record in tenant.domains.verification_records(&name).await? {
        println!("publish: {record}");
    }
    println!("{:?}", tenant.domains.verify(&name).await?);
    assert!(tenant.domains.get(&name).await?.is_verified);
    Ok(())
}
