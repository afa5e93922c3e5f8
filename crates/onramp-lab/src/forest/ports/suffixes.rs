//! The port of the UPN suffixes, directly on the model.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::forest::{ForestSuffix, SuffixOrigin, SuffixUsage, Suffixes, UnitSuffix, UserQuery};
use onramp_core::{DistinguishedName, DomainName, Error, ErrorKind, Result, UpnSuffix};

use super::Ports;
use super::users::holder;
use crate::forest::data::object::Id;
use crate::forest::data::view::View;
use crate::forest::fault::Operation as Faulty;
use crate::forest::schema::{Attr, Class};
use crate::forest::writing::change::{Change, Operation, Step};

const REMOVE: &str = "remove from the forest the suffix";

#[async_trait]
impl Suffixes for Ports {
    async fn list(&self) -> Result<Vec<ForestSuffix>> {
        self.available("list the suffixes of", Faulty::Search)?;
        Ok(self.lab.read(0, |view| self.suffixes(view)))
    }

    async fn unit_suffixes(&self) -> Result<Vec<UnitSuffix>> {
        self.available("list the suffixes of the organizational units of", Faulty::Search)?;
        self.lab.read(0, |view| {
            let mut suffixes = Vec::new();
            for id in 0..view.state.objects.len() as Id {
                let object = view.object(id).filter(|object| !object.deleted);
                if object.is_none_or(|object| object.class != Class::OrganizationalUnit) {
                    continue;
                }
                for suffix in parsed(view.values(id, Attr::UPN_SUFFIXES)) {
                    suffixes.push(UnitSuffix::new(DistinguishedName::parse(&view.dn(id))?, suffix));
                }
            }
            Ok(suffixes)
        })
    }

    async fn usage(&self, suffix: &UpnSuffix) -> Result<SuffixUsage> {
        let mut usage = SuffixUsage::default();
        let mut holders = self.clone().stream(
            "search for users in",
            self.start(&UserQuery::all(), "(userPrincipalName=*)")?,
            holder,
        );
        while let Some(holder) = holders.next().await {
            let holder = holder?;
            let end = holder.upn.as_deref().and_then(|upn| upn.rsplit_once('@')).map(|(_, end)| end);
            if end.and_then(|end| UpnSuffix::parse(end).ok()).is_some_and(|end| end.is_same_as(suffix)) {
                usage.add(holder);
            }
        }
        let units = self.unit_suffixes().await?.into_iter();
        usage.units =
            units.filter(|offered| offered.suffix.is_same_as(suffix)).map(|offered| offered.unit).collect();
        usage.units.dedup();
        Ok(usage)
    }

    async fn add(&self, suffix: &DomainName) -> Result<()> {
        let action = "add to the forest the suffix";
        let wanted = UpnSuffix::from(suffix);
        let offered = self.lab.read(0, |view| self.suffixes(view));
        if offered.iter().any(|offered| offered.suffix.is_same_as(&wanted)) {
            return Err(Error::new(ErrorKind::AlreadyExists, action).with_object(suffix));
        }
        self.change_suffixes(Operation::Add, vec![wanted.as_str().to_owned()], action)
    }

    async fn force_remove(&self, suffix: &UpnSuffix) -> Result<()> {
        let spellings = self.lab.read(0, |view| {
            let same = self.explicit_suffixes(view).filter(|held| held.is_same_as(suffix));
            same.map(|held| held.as_str().to_owned()).collect::<Vec<_>>()
        });
        if spellings.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, REMOVE).with_object(suffix));
        }
        self.change_suffixes(Operation::Delete, spellings, REMOVE).map_err(|error| match error.kind() {
            ErrorKind::Stale => Error::new(ErrorKind::NotFound, error.action())
                .with_object(suffix)
                .with_reply(error.reply().clone()),
            _ => error,
        })
    }
}

impl Ports {
    /// Returns the suffixes that were added, as they are spelt.
    pub(super) fn explicit_suffixes(&self, view: View<'_>) -> impl Iterator<Item = UpnSuffix> + use<> {
        parsed(view.values(self.lab.0.well_known.partitions, Attr::UPN_SUFFIXES))
    }

    fn suffixes(&self, view: View<'_>) -> Vec<ForestSuffix> {
        let domains = view.state.domains.iter();
        let implied = domains.map(|d| ForestSuffix::new(UpnSuffix::from(&d.dns), SuffixOrigin::Domain));
        let mut suffixes: Vec<ForestSuffix> = implied.collect();
        for suffix in self.explicit_suffixes(view) {
            let known = |known: &ForestSuffix| {
                known.origin == SuffixOrigin::Explicit && known.suffix.is_same_as(&suffix)
            };
            if !suffixes.iter().any(known) {
                suffixes.push(ForestSuffix::new(suffix, SuffixOrigin::Explicit));
            }
        }
        suffixes
    }

    fn change_suffixes(&self, operation: Operation, suffixes: Vec<String>, action: &str) -> Result<()> {
        let target = self.lab.read(0, |view| view.dn(self.lab.0.well_known.partitions));
        let object = suffixes.join(", ");
        let values = suffixes.into_iter().map(String::into_bytes).collect();
        let steps = vec![Step { operation, attr: "uPNSuffixes".to_owned(), values }];
        let change = Change { target, steps, permissive: false };
        self.modify(&change).map(|_| ()).map_err(|refusal| self.lab.error(refusal, action, &object))
    }
}

/// Returns the values that any UPN could have as suffix; the directory checks none.
fn parsed(values: Vec<Vec<u8>>) -> impl Iterator<Item = UpnSuffix> {
    values.into_iter().filter_map(|value| UpnSuffix::parse(&String::from_utf8_lossy(&value)).ok())
}
