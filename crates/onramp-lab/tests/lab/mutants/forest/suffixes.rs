//! UPN suffixes whose port breaks a promise.

use async_trait::async_trait;
use onramp_core::forest::{ForestSuffix, SuffixOrigin, SuffixUsage, Suffixes, UnitSuffix};
use onramp_core::{DomainName, Error, ErrorKind, Result, UpnSuffix};

use super::{Broken, Mutant};

#[async_trait]
impl Suffixes for Mutant {
    async fn list(&self) -> Result<Vec<ForestSuffix>> {
        self.sound.suffixes.list().await
    }

    async fn add(&self, suffix: &DomainName) -> Result<()> {
        let known = self.sound.suffixes.list().await?;
        let known = known.into_iter().find(|known| known.suffix == UpnSuffix::from(suffix));
        match (known.map(|known| known.origin), self.broken) {
            (Some(SuffixOrigin::Explicit), Broken::AddsAgain) => Ok(()),
            (Some(SuffixOrigin::Domain), Broken::AddsDomainNames) => Ok(()),
            _ => self.sound.suffixes.add(suffix).await,
        }
    }

    async fn unit_suffixes(&self) -> Result<Vec<UnitSuffix>> {
        self.sound.suffixes.unit_suffixes().await
    }

    async fn usage(&self, suffix: &UpnSuffix) -> Result<SuffixUsage> {
        if self.is(Broken::OverlooksUse) {
            return Ok(SuffixUsage::default());
        }
        self.sound.suffixes.usage(suffix).await
    }

    async fn force_remove(&self, suffix: &UpnSuffix) -> Result<()> {
        let known = self.sound.suffixes.list().await?;
        let explicit: Vec<_> = known.iter().filter(|known| known.origin == SuffixOrigin::Explicit).collect();
        if self.is(Broken::RemovesByExactSpelling)
            && explicit.iter().all(|k| k.suffix.as_str() != suffix.as_str())
        {
            return Err(Error::new(ErrorKind::NotFound, "remove the suffix").with_object(suffix));
        }
        if self.is(Broken::RemovesTheUnknown) && explicit.iter().all(|known| !known.suffix.is_same_as(suffix))
        {
            return Ok(());
        }
        if self.is(Broken::RemovesTooMuch) {
            for other in explicit.iter().filter(|known| !known.suffix.is_same_as(suffix)) {
                self.sound.suffixes.force_remove(&other.suffix).await?;
            }
        }
        self.sound.suffixes.force_remove(suffix).await
    }
}
