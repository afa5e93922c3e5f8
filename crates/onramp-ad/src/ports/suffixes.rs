//! [`Suffixes`]: the values of `uPNSuffixes` on the Partitions container.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use ldap3::Mod;
use onramp_core::forest::{ForestSuffix, SuffixOrigin, SuffixUsage, Suffixes, UnitSuffix};
use onramp_core::{DistinguishedName, DomainName, Error, ErrorKind, Result, UpnSuffix};

use crate::ldap::base::Base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::result_code::{ATTRIBUTE_OR_VALUE_EXISTS, NO_SUCH_ATTRIBUTE};
use crate::search::request::Search;
use crate::topology::Topology;

pub(crate) const ATTRIBUTE: &str = "uPNSuffixes";

/// [`Suffixes`] over LDAP.
#[derive(Debug)]
pub(crate) struct DirectorySuffixes(pub(crate) Topology);

#[async_trait]
impl Suffixes for DirectorySuffixes {
    async fn list(&self) -> Result<Vec<ForestSuffix>> {
        let domains = self.0.domains().await?;
        // In the spelling of the forest.
        let implied = domains.iter().filter_map(|d| UpnSuffix::parse(d.dns_name.as_str()).ok());
        let mut suffixes: Vec<_> =
            implied.map(|suffix| ForestSuffix::new(suffix, SuffixOrigin::Domain)).collect();
        // An invalid value is no suffix of any UPN. Two spellings of one suffix, which two administrators can
        // add at the same moment, are one suffix.
        let mut explicit: Vec<UpnSuffix> = Vec::new();
        for text in self.explicit("list the UPN suffixes").await? {
            let suffix = UpnSuffix::parse(&text).ok();
            explicit.extend(suffix.filter(|new| !explicit.iter().any(|known| known.is_same_as(new))));
        }
        suffixes.extend(explicit.into_iter().map(|s| ForestSuffix::new(s, SuffixOrigin::Explicit)));
        Ok(suffixes)
    }

    async fn unit_suffixes(&self) -> Result<Vec<UnitSuffix>> {
        self.suffixes_of_units().await
    }

    async fn usage(&self, suffix: &UpnSuffix) -> Result<SuffixUsage> {
        self.usage_of(suffix).await
    }

    async fn add(&self, suffix: &DomainName) -> Result<()> {
        const ACTION: &str = "add the UPN suffix";
        // Active Directory compares exactly here, so that only this check prevents a second spelling.
        let wanted = UpnSuffix::from(suffix);
        let offered = self.list().await?;
        if let Some(existing) = offered.iter().find(|offered| offered.suffix.is_same_as(&wanted)) {
            return Err(already_offered(suffix, existing.origin));
        }
        let value = HashSet::from([wanted.as_str().to_owned()]);
        match self.change(vec![Mod::Add(ATTRIBUTE.to_owned(), value)]).await? {
            Ok(()) => self.keep_one_spelling(&wanted).await,
            Err(error) if error.has_code(ATTRIBUTE_OR_VALUE_EXISTS) => {
                Err(already_offered(suffix, SuffixOrigin::Explicit))
            }
            Err(error) => {
                match error.may_have_applied() && !self.spellings(&wanted, ACTION).await?.is_empty() {
                    true => Ok(()),
                    false => Err(explain(error, ACTION).with_object(suffix)),
                }
            }
        }
    }

    async fn force_remove(&self, suffix: &UpnSuffix) -> Result<()> {
        const ACTION: &str = "remove the UPN suffix";
        // A delete ignores case and removes only one of several spellings, so that each is named exactly.
        let spellings = self.spellings(suffix, ACTION).await?;
        if spellings.is_empty() {
            return Err(self.not_explicit(suffix).await);
        }
        match self.change(vec![Mod::Delete(ATTRIBUTE.to_owned(), spellings)]).await? {
            Ok(()) => Ok(()),
            Err(error) if error.has_code(NO_SUCH_ATTRIBUTE) => Err(error
                .with_meaning(ErrorKind::NotFound, "somebody else removed it meanwhile", None)
                .during(ACTION)
                .with_object(suffix)),
            Err(error) => {
                match error.may_have_applied() && self.spellings(suffix, ACTION).await?.is_empty() {
                    true => Ok(()),
                    false => Err(explain(error, ACTION).with_object(suffix)),
                }
            }
        }
    }
}

impl DirectorySuffixes {
    /// Returns the values of the attribute.
    async fn explicit(&self, action: &str) -> Result<Vec<String>> {
        let root_dse = self.0.root_dse().await?;
        let partitions = root_dse.partitions();
        // From the domain controller that is written to, which need not be the bootstrap one.
        let handle = self.0.writable_dc(&root_dse.configuration).await?;
        explicit(&handle, &partitions).await.map_err(|error| error.during(action).with_object(&partitions))
    }

    /// Returns every spelling of a suffix in the forest.
    async fn spellings(&self, suffix: &UpnSuffix, action: &str) -> Result<HashSet<String>> {
        let same = |text: &String| UpnSuffix::parse(text).is_ok_and(|held| held.is_same_as(suffix));
        Ok(self.explicit(action).await?.into_iter().filter(same).collect())
    }

    async fn change(&self, changes: Vec<Mod<String>>) -> Result<Result<(), ExchangeError>> {
        let root_dse = self.0.root_dse().await?;
        let handle = self.0.writable_dc(&root_dse.configuration).await?;
        Ok(match handle.connection().await {
            Ok(connection) => connection.modify(&Base::Name(root_dse.partitions()), changes).await,
            Err(error) => Err(error),
        })
    }

    /// Removes other spellings, which somebody may have added since the check; the server keeps both. One
    /// modify replaces them, and fails if somebody else does the same.
    async fn keep_one_spelling(&self, suffix: &UpnSuffix) -> Result<()> {
        const ACTION: &str = "remove other spellings of the UPN suffix";
        let spellings = self.spellings(suffix, ACTION).await?;
        if spellings.len() < 2 {
            return Ok(());
        }
        let ours = HashSet::from([suffix.as_str().to_owned()]);
        let changes =
            vec![Mod::Delete(ATTRIBUTE.to_owned(), spellings), Mod::Add(ATTRIBUTE.to_owned(), ours)];
        match self.change(changes).await? {
            Ok(()) => Ok(()),
            Err(_) if !self.spellings(suffix, ACTION).await?.is_empty() => Ok(()),
            Err(error) => Err(explain(error, ACTION).with_object(suffix)),
        }
    }

    async fn not_explicit(&self, suffix: &UpnSuffix) -> Error {
        let error = Error::new(ErrorKind::NotFound, "remove the UPN suffix").with_object(suffix);
        let domains = self.0.domains().await.unwrap_or_default();
        if domains.iter().any(|domain| suffix.is_same_as(&UpnSuffix::from(&domain.dns_name))) {
            return error
                .with_detail("it is the DNS name of a domain of the forest")
                .with_hint("Every user of that domain may always use it.");
        }
        error.with_detail("the forest does not have it").with_hint("List the suffixes to see which it has.")
    }
}

/// Returns the explicit suffixes on one domain controller.
pub(crate) async fn explicit(
    handle: &Arc<ConnectionHandle>,
    partitions: &DistinguishedName,
) -> Result<Vec<String>, ExchangeError> {
    let found = handle.read(Search::object(partitions, &[ATTRIBUTE])).await?;
    let entry = found.ok_or_else(|| {
        let detail = "the Partitions container is not visible to this account";
        ExchangeError::not_sent(handle.host(), ErrorKind::Forbidden, detail)
            .with_hint("Sign in with an account of the forest.")
    })?;
    Ok(entry.all_texts(ATTRIBUTE).collect())
}

fn explain(error: ExchangeError, action: &str) -> Error {
    if error.kind() == ErrorKind::Forbidden {
        let hint =
            "Sign in as a member of Enterprise Admins, or delegate writing uPNSuffixes on CN=Partitions.";
        return error.with_hint(hint).during(action);
    }
    error.during(action)
}

fn already_offered(suffix: &DomainName, origin: SuffixOrigin) -> Error {
    let why = match origin {
        SuffixOrigin::Domain => "it is the DNS name of a domain of the forest, and so always valid",
        _ => "the forest has it already",
    };
    Error::new(ErrorKind::AlreadyExists, "add the UPN suffix").with_object(suffix).with_detail(why)
}
