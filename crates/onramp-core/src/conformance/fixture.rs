//! The fixtures: the properties of the tenant or the forest under test.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::PollTimeout;
use crate::forest::{FineGrainedPolicy, PasswordPolicies};
use crate::tenant::VerificationRecord;
use crate::{DomainName, ObjectGuid, ObjectId, Password, Result, Upn};

/// Puts the records that prove ownership of a domain where the tenant looks for them.
#[async_trait]
pub trait PublishRecords: Debug + Send + Sync {
    /// Publishes one of the records offered.
    ///
    /// # Errors
    /// When that does not work; the suite stops.
    async fn publish(&self, domain: &DomainName, records: &[VerificationRecord]) -> Result<()>;
}

/// The fixture of the tenant's suites.
///
/// A part that is left out is not tested: a real tenant has no name server to write to, and its synchronization is not switched
/// for a test.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TenantFixture {
    /// Part of every name that the suite creates, so that runs do not meet. Lower-case letters and digits.
    pub tag: String,
    /// A verified, managed domain of the tenant.
    pub verified_domain: DomainName,
    /// A domain under which the suite may add others that nobody owns. `onramp-conformance.example` unless set.
    pub free_domain: DomainName,
    /// The place to publish records; without it, verification is not tested to the end.
    pub records: Option<Arc<dyn PublishRecords>>,
    /// A subscription in which the suite may give and take access.
    pub subscription: Option<ObjectId>,
    /// True if the suite may switch directory synchronization on and off.
    pub may_switch_sync: bool,
    /// True if the suite may try sign-ins.
    pub may_sign_in: bool,
    /// The timeout for reads to show what was written.
    pub poll: PollTimeout,
}

impl TenantFixture {
    /// A fixture of a tenant with that verified domain, for everything that can be undone at once.
    #[must_use]
    pub fn new(tag: impl Into<String>, verified_domain: DomainName, poll: PollTimeout) -> Self {
        Self {
            tag: tag.into(),
            verified_domain,
            free_domain: DomainName::parse("onramp-conformance.example").expect("a domain name"),
            records: None,
            subscription: None,
            may_switch_sync: false,
            may_sign_in: false,
            poll,
        }
    }

    /// The same fixture, adding domains under this one.
    #[must_use]
    pub fn with_free_domain(mut self, domain: DomainName) -> Self {
        self.free_domain = domain;
        self
    }

    /// The same fixture, with a place to publish records.
    #[must_use]
    pub fn with_records(mut self, records: Arc<dyn PublishRecords>) -> Self {
        self.records = Some(records);
        self
    }

    /// The same fixture, with a subscription in which access may be given and taken.
    #[must_use]
    pub fn with_subscription(mut self, subscription: ObjectId) -> Self {
        self.subscription = Some(subscription);
        self
    }

    /// The same fixture, for a tenant whose synchronization may be switched on and off.
    #[must_use]
    pub fn with_sync_switching(mut self) -> Self {
        self.may_switch_sync = true;
        self
    }

    /// The same fixture, for a tenant at which sign-ins may be tried.
    #[must_use]
    pub fn with_sign_in(mut self) -> Self {
        self.may_sign_in = true;
        self
    }

    pub(crate) fn upn(&self, role: &str) -> Upn {
        Upn::new(&format!("conformance-{role}-{}", self.tag), &self.verified_domain).expect("a UPN")
    }

    pub(crate) fn password(&self) -> Password {
        // A sample for an account that lives as long as a test; every documented rule accepts it.
        Password::new(format!("Wq7#vZ2!mK9$-{}-xR4%", self.tag))
    }

    pub(crate) fn new_domain(&self, role: &str) -> DomainName {
        DomainName::parse(&format!("{role}-{}.{}", self.tag, self.free_domain)).expect("a domain name")
    }
}

/// The fixture of the forest's suites.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ForestFixture {
    /// Part of every name that the suite writes, so that runs do not meet. Lower-case letters and digits.
    pub tag: String,
    /// At least two users of one domain whose UPNs the suite may change. Each needs a UPN; it gets it back in the end.
    /// No fine-grained password policy binds them.
    pub users: Vec<ObjectGuid>,
    /// Other users, each with the fine-grained password policy that binds it.
    pub bound: Vec<(ObjectGuid, FineGrainedPolicy)>,
    /// The port of password policies as an account that may not see fine-grained ones.
    pub ordinary: Option<Arc<dyn PasswordPolicies>>,
    /// The timeout for reads to show what was written.
    pub poll: PollTimeout,
}

impl ForestFixture {
    /// A fixture with those users.
    #[must_use]
    pub fn new(tag: impl Into<String>, users: Vec<ObjectGuid>, poll: PollTimeout) -> Self {
        Self { tag: tag.into(), users, bound: Vec::new(), ordinary: None, poll }
    }

    /// The same fixture, with users that fine-grained password policies bind.
    #[must_use]
    pub fn with_bound(mut self, bound: Vec<(ObjectGuid, FineGrainedPolicy)>) -> Self {
        self.bound = bound;
        self
    }

    /// The same fixture, with an account that may not see fine-grained password policies.
    #[must_use]
    pub fn with_ordinary(mut self, ordinary: Arc<dyn PasswordPolicies>) -> Self {
        self.ordinary = Some(ordinary);
        self
    }

    pub(crate) fn new_domain(&self, role: &str) -> DomainName {
        DomainName::parse(&format!("{role}-{}.onramp-conformance.example", self.tag)).expect("a domain name")
    }
}
