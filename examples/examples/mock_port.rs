//! Tests code against a mock of one port, without a server and without the lab. The feature `mock` has them.

use onramp::mock::MockDomains;
use onramp::tenant::Domains;
use onramp::{DomainName, Error, ErrorKind, Result};

/// The code under test.
async fn is_known(domains: &dyn Domains, name: &DomainName) -> Result<bool> {
    match domains.get(name).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut domains = MockDomains::new();
    domains
        .expect_get()
        .times(1)
        .returning(|name| Err(Error::new(ErrorKind::NotFound, "read the domain").with_object(name)));
    let known = is_known(&domains, &DomainName::parse("contoso.com")?).await?;
    assert!(!known);
    println!("contoso.com is not known");
    Ok(())
}
