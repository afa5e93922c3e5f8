//! Users of a forest and their user principal names.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::AccountKind;
use crate::{BoxStream, DistinguishedName, ImmutableId, LdapFilter, ObjectGuid, Result, Sid, Upn};

/// A user of the forest, with the attributes that planning needs.
///
/// Values are as the directory holds them: a UPN there need not have the shape of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForestUser {
    /// `objectGUID`: the identity that survives renames and moves.
    pub guid: ObjectGuid,
    /// Distinguished name.
    pub dn: DistinguishedName,
    /// `sAMAccountName`.
    pub sam_account_name: String,
    /// `userPrincipalName`, as it is.
    pub upn: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `proxyAddresses`.
    pub proxy_addresses: Vec<String>,
    /// `objectSid`.
    pub sid: Option<Sid>,
    /// `userAccountControl`.
    pub user_account_control: u32,
    /// Kind of account.
    pub kind: AccountKind,
    /// `accountExpires`: from when on the account cannot sign in; `None` is never.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires: Option<OffsetDateTime>,
    /// `servicePrincipalName`: the services that run under this account.
    #[serde(default)]
    pub service_principal_names: Vec<String>,
    /// `isCriticalSystemObject`.
    pub is_critical: bool,
    /// `adminCount` is above zero: a protected group's member, now or once.
    pub is_protected: bool,
    /// `mS-DS-ConsistencyGuid`, raw.
    pub consistency_guid: Option<Vec<u8>>,
}

impl ForestUser {
    /// An enabled user of whom nothing else is known.
    pub fn new(guid: ObjectGuid, dn: DistinguishedName, sam_account_name: impl Into<String>) -> Self {
        Self {
            guid,
            dn,
            sam_account_name: sam_account_name.into(),
            upn: None,
            mail: None,
            display_name: None,
            proxy_addresses: Vec::new(),
            sid: None,
            user_account_control: 0x200,
            kind: AccountKind::User,
            expires: None,
            service_principal_names: Vec::new(),
            is_critical: false,
            is_protected: false,
            consistency_guid: None,
        }
    }

    /// The anchor that synchronization will give the cloud object: `mS-DS-ConsistencyGuid`, else `objectGUID`.
    pub fn source_anchor(&self) -> ImmutableId {
        self.consistency_guid
            .as_deref()
            .and_then(|bytes| ImmutableId::from_consistency_guid(bytes).ok())
            .unwrap_or_else(|| ImmutableId::from_guid(&self.guid))
    }

    /// The primary SMTP address, without its prefix: `SMTP:` of `proxyAddresses`, or `mail` where there is none
    /// (KB 3190357: synchronization makes the primary address from `mail` then).
    ///
    /// ```
    /// use onramp_core::forest::ForestUser;
    /// use onramp_core::{DistinguishedName, ObjectGuid};
    /// let dn = DistinguishedName::parse("CN=Anna,DC=corp,DC=local")?;
    /// let mut user = ForestUser::new(ObjectGuid::from_bytes([1; 16]), dn, "anna");
    /// user.mail = Some("anna@contoso.com".into());
    /// assert_eq!(user.primary_smtp(), Some("anna@contoso.com"));
    /// user.proxy_addresses = vec!["smtp:a@contoso.com".into(), "SMTP:anna.neil@contoso.com".into()];
    /// assert_eq!(user.primary_smtp(), Some("anna.neil@contoso.com"));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn primary_smtp(&self) -> Option<&str> {
        let primary = self.proxy_addresses.iter().find_map(|address| address.strip_prefix("SMTP:"));
        primary.or(self.mail.as_deref()).map(str::trim).filter(|address| !address.is_empty())
    }
}

/// The users to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserQuery {
    /// The base of the subtree; `None` is every domain of the forest.
    pub base: Option<DistinguishedName>,
    /// A filter besides "is a user"; `None` is all.
    pub filter: Option<LdapFilter>,
}

impl UserQuery {
    /// All users of the forest.
    pub fn all() -> Self {
        Self::default()
    }

    /// The users at and below an object, usually an OU.
    pub fn below(base: DistinguishedName) -> Self {
        Self { base: Some(base), filter: None }
    }

    /// Narrowed by a filter.
    #[must_use]
    pub fn with_filter(mut self, filter: LdapFilter) -> Self {
        self.filter = Some(filter);
        self
    }
}

/// A security principal and the name it signs in with: what a new UPN may collide with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpnOwner {
    /// `objectGUID`.
    pub guid: ObjectGuid,
    /// Distinguished name.
    pub dn: DistinguishedName,
    /// `sAMAccountName`, empty if there is none. With the domain's DNS name it is the implied UPN.
    pub sam_account_name: String,
    /// `userPrincipalName`, as it is.
    pub upn: Option<String>,
}

impl UpnOwner {
    /// A holder.
    pub fn new(
        guid: ObjectGuid,
        dn: DistinguishedName,
        sam_account_name: impl Into<String>,
        upn: Option<String>,
    ) -> Self {
        Self { guid, dn, sam_account_name: sam_account_name.into(), upn }
    }

    /// The UPN that AD accepts for this account whatever `userPrincipalName` says:
    /// `sAMAccountName@domain.dns.name` ([MS-ADTS] 5.1.1.1.1), the domain as the directory spells it.
    ///
    /// ```
    /// use onramp_core::forest::UpnOwner;
    /// use onramp_core::{DistinguishedName, ObjectGuid};
    /// let dn = DistinguishedName::parse("CN=Anna,DC=corp,DC=local")?;
    /// let owner = UpnOwner::new(ObjectGuid::from_bytes([1; 16]), dn, "anna", None);
    /// assert_eq!(owner.implied_upn().map(|upn| upn.to_string()), Some("anna@corp.local".to_owned()));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn implied_upn(&self) -> Option<Upn> {
        Upn::parse(&format!("{}@{}", self.sam_account_name, self.dn.domain_name()?)).ok()
    }
}

/// A change of one user's UPN, to be made only if the value is still `before`.
///
/// [`ObjectWriter`](super::ObjectWriter) makes it as the [`ObjectChange`](super::ObjectChange) that it converts to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // a change is exactly this
pub struct UpnChange {
    /// The `objectGUID` of the user.
    pub guid: ObjectGuid,
    /// The place of the object when the change was planned; for people to read, never to find it by.
    pub dn: DistinguishedName,
    /// The value that must be there, as the directory holds it; `None` is "no value".
    pub before: Option<String>,
    /// The value to write.
    pub after: Upn,
}

/// The port of the users of a forest, for reading.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ForestUsers: Debug + Send + Sync {
    /// The users that a query selects, in no order, page by page as the consumer takes them. Computers are not
    /// users here.
    ///
    /// # Errors
    /// `NotFound` if the query's base does not exist. A user that could not be understood (without a visible `objectGUID`,
    /// of a name or with a value that breaks its syntax) is an `Unreadable` item that names it, after which the stream
    /// goes on: to be counted and passed over, never to be taken for one that is not there. It ends after its first other
    /// error.
    fn search(&self, query: UserQuery) -> BoxStream<'static, Result<ForestUser>>;

    /// Every security principal of the forest that has a UPN or a `sAMAccountName`, computers included, page by
    /// page.
    ///
    /// # Errors
    /// As of [`search`](Self::search): one that could not be understood is an `Unreadable` item. It may hold any
    /// name.
    fn upn_owners(&self) -> BoxStream<'static, Result<UpnOwner>>;

    /// One user, wherever it is now.
    ///
    /// # Errors
    /// `NotFound`; `Unreadable` if it could not be understood.
    async fn get(&self, guid: &ObjectGuid) -> Result<ForestUser>;
}
