//! UPN suffixes: the values of `uPNSuffixes` on the Partitions container.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use ldap3::Mod;
use onramp_core::forest::{ForestSuffix, SuffixOrigin, Suffixes};
use onramp_core::{DistinguishedName, DomainName, Error, ErrorKind, Result, UpnSuffix};

use crate::client::ForestClient;
use crate::fault::Fault;
use crate::link::Link;
use crate::result_code::{ATTRIBUTE_OR_VALUE_EXISTS, NO_SUCH_ATTRIBUTE};
use crate::search::Search;

const ATTRIBUTE: &str = "uPNSuffixes";

/// [`Suffixes`] of the directory.
#[derive(Debug)]
pub(crate) struct DirectorySuffixes(pub(crate) ForestClient);

#[async_trait]
impl Suffixes for DirectorySuffixes {
    async fn list(&self) -> Result<Vec<ForestSuffix>> {
        let domains = self.0.domains().await?;
        let implied = domains.iter().map(|d| ForestSuffix::new((&d.dns_name).into(), SuffixOrigin::Domain));
        // An empty or otherwise odd value is not a suffix that any UPN could have.
        let explicit = self.explicit("list the UPN suffixes").await?;
        let explicit = explicit.iter().filter_map(|text| UpnSuffix::parse(text).ok());
        Ok(implied.chain(explicit.map(|s| ForestSuffix::new(s, SuffixOrigin::Explicit))).collect())
    }

    async fn add(&self, suffix: &DomainName) -> Result<()> {
        const ACTION: &str = "add the UPN suffix";
        // AD compares exactly here, so that only we keep out a second spelling.
        let offered = self.list().await?;
        if let Some(existing) = offered.iter().find(|offered| is_same(&offered.suffix, suffix)) {
            return Err(already_offered(suffix, existing.origin));
        }
        let value = HashSet::from([suffix.as_str().to_owned()]);
        match self.change(vec![Mod::Add(ATTRIBUTE.to_owned(), value)]).await? {
            Ok(()) => Ok(()),
            Err(fault) if fault.has_code(ATTRIBUTE_OR_VALUE_EXISTS) => {
                Err(already_offered(suffix, SuffixOrigin::Explicit))
            }
            Err(fault) => match fault.may_have_happened() && self.offers(suffix).await? {
                true => Ok(()),
                false => Err(self.explain(fault, ACTION).object(suffix)),
            },
        }
    }

    async fn remove(&self, suffix: &UpnSuffix) -> Result<()> {
        const ACTION: &str = "remove the UPN suffix";
        // The server's deletion ignores case and takes one of several spellings: name each as it is.
        let wanted =
            |text: &String| UpnSuffix::parse(text).is_ok_and(|s| s == *suffix || is_equal_domain(&s, suffix));
        let spellings: HashSet<String> = self.explicit(ACTION).await?.into_iter().filter(wanted).collect();
        if spellings.is_empty() {
            return Err(self.not_explicit(suffix).await);
        }
        match self.change(vec![Mod::Delete(ATTRIBUTE.to_owned(), spellings)]).await? {
            Ok(()) => Ok(()),
            Err(fault) if fault.has_code(NO_SUCH_ATTRIBUTE) => Err(fault
                .retold(ErrorKind::NotFound, "somebody else removed it meanwhile", None)
                .during(ACTION)
                .object(suffix)),
            Err(fault) => match fault.may_have_happened() && !self.explicit(ACTION).await?.iter().any(wanted)
            {
                true => Ok(()),
                false => Err(self.explain(fault, ACTION).object(suffix)),
            },
        }
    }
}

impl DirectorySuffixes {
    /// The values of the attribute on the first domain controller, as they are.
    async fn explicit(&self, action: &str) -> Result<Vec<String>> {
        let partitions = self.0.root_dse().await?.partitions();
        explicit(self.0.primary(), &partitions)
            .await
            .map_err(|fault| fault.during(action).object(&partitions))
    }

    async fn change(&self, changes: Vec<Mod<String>>) -> Result<Result<(), Fault>> {
        let partitions = self.0.root_dse().await?.partitions();
        Ok(self.0.primary().modify(partitions.as_str(), changes).await)
    }

    /// Whether a suffix is there, after a change whose answer was lost.
    async fn offers(&self, suffix: &DomainName) -> Result<bool> {
        let values = self.explicit("see what became of the UPN suffix").await?;
        Ok(values.iter().filter_map(|text| UpnSuffix::parse(text).ok()).any(|s| is_same(&s, suffix)))
    }

    fn explain(&self, fault: Fault, action: &str) -> Error {
        if *fault.kind() == ErrorKind::Forbidden {
            let hint =
                "Sign in as a member of Enterprise Admins, or delegate writing uPNSuffixes on CN=Partitions.";
            return fault.with_hint(hint).during(action);
        }
        fault.during(action)
    }

    async fn not_explicit(&self, suffix: &UpnSuffix) -> Error {
        let error = Error::new(ErrorKind::NotFound, "remove the UPN suffix").object(suffix);
        let domains = self.0.domains().await.unwrap_or_default();
        if domains.iter().any(|domain| is_same(suffix, &domain.dns_name)) {
            return error
                .detail("it is the DNS name of a domain of the forest")
                .hint("Every user of that domain may always use it.");
        }
        error.detail("the forest does not have it").hint("List the suffixes to see which it has.")
    }
}

/// The suffixes that were added, as one domain controller holds them.
pub(crate) async fn explicit(link: &Arc<Link>, partitions: &DistinguishedName) -> Result<Vec<String>, Fault> {
    let found = link.read(Search::object(partitions.as_str(), &[ATTRIBUTE])).await?;
    let entry = found.ok_or_else(|| {
        let detail = "the Partitions container is not visible to this account";
        Fault::not_sent(link.host(), ErrorKind::Forbidden, detail)
            .with_hint("Sign in with an account of the forest.")
    })?;
    Ok(entry.all_texts(ATTRIBUTE).collect())
}

/// The same suffix in any spelling, internationalised ones included.
fn is_same(suffix: &UpnSuffix, domain: &DomainName) -> bool {
    *suffix == UpnSuffix::from(domain) || suffix.domain().is_ok_and(|d| d == *domain)
}

fn is_equal_domain(one: &UpnSuffix, other: &UpnSuffix) -> bool {
    matches!((one.domain(), other.domain()), (Ok(one), Ok(other)) if one == other)
}

fn already_offered(suffix: &DomainName, origin: SuffixOrigin) -> Error {
    let why = match origin {
        SuffixOrigin::Domain => "it is the DNS name of a domain of the forest, and so always valid",
        _ => "the forest has it already",
    };
    Error::new(ErrorKind::AlreadyExists, "add the UPN suffix").object(suffix).detail(why)
}
