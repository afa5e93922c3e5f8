//! UPN suffixes: the values of `uPNSuffixes` on the Partitions container.

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

/// [`Suffixes`] of the directory.
#[derive(Debug)]
pub(crate) struct DirectorySuffixes(pub(crate) Topology);

#[async_trait]
impl Suffixes for DirectorySuffixes {
    async fn list(&self) -> Result<Vec<ForestSuffix>> {
        let domains = self.0.domains().await?;
        // As the forest spells them.
        let implied = domains.iter().filter_map(|d| UpnSuffix::parse(d.dns_name.as_str()).ok());
        let mut suffixes: Vec<_> =
            implied.map(|suffix| ForestSuffix::new(suffix, SuffixOrigin::Domain)).collect();
        // An empty or otherwise odd value is not a suffix that any UPN could have. Two spellings of one suffix, which
        // two administrators can add at the same moment, are one suffix.
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
        // AD compares exactly here, so that only we keep out a second spelling.
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
                match error.may_have_happened() && !self.spellings(&wanted, ACTION).await?.is_empty() {
                    true => Ok(()),
                    false => Err(explain(error, ACTION).with_object(suffix)),
                }
            }
        }
    }

    async fn force_remove(&self, suffix: &UpnSuffix) -> Result<()> {
        const ACTION: &str = "remove the UPN suffix";
        // The server's deletion ignores case and takes one of several spellings: name each as it is.
        let spellings = self.spellings(suffix, ACTION).await?;
        if spellings.is_empty() {
            return Err(self.not_explicit(suffix).await);
        }
        match self.change(vec![Mod::Delete(ATTRIBUTE.to_owned(), spellings)]).await? {
            Ok(()) => Ok(()),
            Err(error) if error.has_code(NO_SUCH_ATTRIBUTE) => Err(error
                .retold(ErrorKind::NotFound, "somebody else removed it meanwhile", None)
                .during(ACTION)
                .with_object(suffix)),
            Err(error) => match error.may_have_happened() && self.spellings(suffix, ACTION).await?.is_empty()
            {
                true => Ok(()),
                false => Err(explain(error, ACTION).with_object(suffix)),
            },
        }
    }
}

impl DirectorySuffixes {
    /// The values of the attribute, as they are.
    async fn explicit(&self, action: &str) -> Result<Vec<String>> {
        let root_dse = self.0.root_dse().await?;
        let partitions = root_dse.partitions();
        // From where they are written, which need not be where the forest is seen from.
        let handle = self.0.writable_dc(&root_dse.configuration).await?;
        explicit(&handle, &partitions).await.map_err(|error| error.during(action).with_object(&partitions))
    }

    /// Every spelling of a suffix that the forest holds.
    async fn spellings(&self, suffix: &UpnSuffix, action: &str) -> Result<HashSet<String>> {
        let same = |text: &String| UpnSuffix::parse(text).is_ok_and(|held| held.is_same_as(suffix));
        Ok(self.explicit(action).await?.into_iter().filter(same).collect())
    }

    async fn change(&self, changes: Vec<Mod<String>>) -> Result<Result<(), ExchangeError>> {
        let root_dse = self.0.root_dse().await?;
        let handle = self.0.writable_dc(&root_dse.configuration).await?;
        Ok(handle.modify(&Base::Name(root_dse.partitions()), changes).await)
    }

    /// Somebody may have added the suffix in another spelling after we looked; the server then keeps both. All spellings
    /// but ours go, in one change, which fails if somebody else is just doing the same.
    async fn keep_one_spelling(&self, suffix: &UpnSuffix) -> Result<()> {
        const ACTION: &str = "leave one spelling of the UPN suffix";
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

/// The suffixes that were added, as one domain controller holds them.
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
