//! Replaces one port of a forest by one of your own: here, suffixes are read from the real one and never changed.

use std::sync::Arc;

use async_trait::async_trait;
use onramp::forest::{ForestSuffix, SuffixUsage, Suffixes, UnitSuffix};
use onramp::{DomainName, Error, ErrorKind, Result, UpnSuffix};
use onramp_examples::Lab;

#[derive(Debug)]
struct ReadOnlySuffixes(Arc<dyn Suffixes>);

#[async_trait]
impl Suffixes for ReadOnlySuffixes {
    async fn list(&self) -> Result<Vec<ForestSuffix>> {
        self.0.list().await
    }

    async fn unit_suffixes(&self) -> Result<Vec<UnitSuffix>> {
        self.0.unit_suffixes().await
    }

    async fn usage(&self, suffix: &UpnSuffix) -> Result<SuffixUsage> {
        self.0.usage(suffix).await
    }

    async fn add(&self, suffix: &DomainName) -> Result<()> {
        Err(Error::new(ErrorKind::Forbidden, "add the UPN suffix").with_object(suffix))
    }

    async fn force_remove(&self, suffix: &UpnSuffix) -> Result<()> {
        Err(Error::new(ErrorKind::Forbidden, "remove the UPN suffix").with_object(suffix))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let lab = Lab::start().await?;
    let forest = lab.ad().await?.forest();
    let suffixes = Arc::new(ReadOnlySuffixes(Arc::clone(&forest.suffixes)));
    let forest = forest.with_suffixes(suffixes);

    println!("{} suffixes", forest.suffixes.list().await?.len());
    let refused = forest.suffixes.add(&DomainName::parse("contoso.com")?).await;
    println!("{}", refused.err().map(|error| error.to_string()).unwrap_or_default());
    Ok(())
}
