//! Users of a tenant.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{BoxStream, ImmutableId, ObjectId, Password, Result, Upn};

/// A user of the tenant, with what matching and the sync account need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TenantUser {
    /// Object ID.
    pub id: ObjectId,
    /// User principal name.
    pub upn: Upn,
    /// Display name.
    pub display_name: Option<String>,
    /// True if the account is enabled.
    pub account_enabled: bool,
    /// Primary mail address.
    pub mail: Option<String>,
    /// Alternate mail addresses.
    pub other_mails: Vec<String>,
    /// All proxy addresses with their type prefix; the primary one has `SMTP:`.
    pub proxy_addresses: Vec<String>,
    /// Source anchor, if the object came from a directory.
    pub immutable_id: Option<ImmutableId>,
    /// True if the object is synchronized from a directory.
    #[serde(alias = "synchronised")]
    pub synchronized: bool,
    /// True if it is a guest (B2B collaboration): `userType` is `Guest`, or the UPN holds `#EXT#`.
    #[serde(default)]
    pub is_guest: bool,
    /// True if the password never expires.
    pub password_never_expires: bool,
    /// The time at which the password was set or changed last, if the tenant says so. It tells one password from the next,
    /// which cannot be read.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub password_changed: Option<OffsetDateTime>,
}

impl TenantUser {
    /// An enabled cloud user of whom nothing else is known.
    pub fn new(id: ObjectId, upn: Upn) -> Self {
        Self {
            id,
            upn,
            display_name: None,
            account_enabled: true,
            mail: None,
            other_mails: Vec::new(),
            proxy_addresses: Vec::new(),
            immutable_id: None,
            synchronized: false,
            is_guest: false,
            password_never_expires: false,
            password_changed: None,
        }
    }

    /// Returns whether `userType` and UPN are those of a guest; neither alone tells of every guest.
    ///
    /// ```
    /// use onramp_core::Upn;
    /// use onramp_core::tenant::TenantUser;
    /// let guest = Upn::parse("anna_fabrikam.com#EXT#@contoso.com")?;
    /// assert!(TenantUser::is_guest_by(None, &guest));
    /// assert!(!TenantUser::is_guest_by(Some("Member"), &Upn::parse("anna@contoso.com")?));
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn is_guest_by(user_type: Option<&str>, upn: &Upn) -> bool {
        user_type.is_some_and(|kind| kind.eq_ignore_ascii_case("Guest"))
            || upn.as_str().to_ascii_uppercase().contains("#EXT#")
    }

    /// The primary SMTP address, without its prefix.
    pub fn primary_smtp(&self) -> Option<&str> {
        self.proxy_addresses.iter().find_map(|address| address.strip_prefix("SMTP:"))
    }
}

/// A user that was deleted and can still be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeletedUser {
    /// The user. Its UPN may be one that Entra made out of its object ID and the old one.
    pub user: TenantUser,
    /// The time of the deletion; 30 days later the user is gone.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted: Option<OffsetDateTime>,
}

impl DeletedUser {
    /// A deleted user.
    pub fn new(user: TenantUser, deleted: Option<OffsetDateTime>) -> Self {
        Self { user, deleted }
    }
}

/// A user to create.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewUser {
    /// User principal name, on a verified domain.
    pub upn: Upn,
    /// Display name, 1 to 256 characters.
    pub display_name: String,
    /// Mail alias, at most 64 characters.
    pub mail_nickname: String,
    /// First password.
    pub password: Password,
    /// True if the user must change the password at the first sign-in. A program cannot: leave it off for
    /// accounts that only programs use.
    pub force_change: bool,
    /// True if the account is enabled.
    pub account_enabled: bool,
    /// Alternate mail addresses.
    pub other_mails: Vec<String>,
    /// True if the password never expires.
    pub password_never_expires: bool,
}

impl NewUser {
    /// An enabled user with that password, which expires as the domain says, no change forced, aliased by the UPN's
    /// prefix.
    ///
    /// ```
    /// use onramp_core::tenant::NewUser;
    /// use onramp_core::{Password, Upn};
    /// let upn = Upn::parse("onramp.sync@contoso.com")?;
    /// let user = NewUser::new(upn, "Sync", Password::new("…".to_owned())).with_password_never_expires(true);
    /// assert_eq!(user.mail_nickname, "onramp.sync");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn new(upn: Upn, display_name: impl Into<String>, password: Password) -> Self {
        let mail_nickname = upn.prefix().chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c));
        Self {
            mail_nickname: mail_nickname.take(64).collect(),
            upn,
            display_name: display_name.into(),
            password,
            force_change: false,
            account_enabled: true,
            other_mails: Vec::new(),
            password_never_expires: false,
        }
    }

    /// With a password that does not expire.
    #[must_use]
    pub fn with_password_never_expires(mut self, never: bool) -> Self {
        self.password_never_expires = never;
        self
    }

    /// With a change of password at first sign-in.
    #[must_use]
    pub fn with_forced_change(mut self, force: bool) -> Self {
        self.force_change = force;
        self
    }

    /// With alternate mail addresses.
    #[must_use]
    pub fn with_other_mails(mut self, mails: Vec<String>) -> Self {
        self.other_mails = mails;
        self
    }
}

/// Properties to change; `None` leaves a property as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserUpdate {
    /// User principal name.
    pub upn: Option<Upn>,
    /// Display name.
    pub display_name: Option<String>,
    /// True if the account is enabled.
    pub account_enabled: Option<bool>,
    /// Alternate mail addresses: replaces them all.
    pub other_mails: Option<Vec<String>>,
    /// True if the password never expires.
    pub password_never_expires: Option<bool>,
}

impl UserUpdate {
    /// Replaces the alternate mail addresses.
    #[must_use]
    pub fn with_other_mails(mut self, mails: Vec<String>) -> Self {
        self.other_mails = Some(mails);
        self
    }

    /// Sets whether the password expires.
    #[must_use]
    pub fn with_password_never_expires(mut self, never: bool) -> Self {
        self.password_never_expires = Some(never);
        self
    }

    /// Allows or forbids sign-in.
    #[must_use]
    pub fn with_account_enabled(mut self, enabled: bool) -> Self {
        self.account_enabled = Some(enabled);
        self
    }

    /// Sets the display name.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets the user principal name.
    #[must_use]
    pub fn with_upn(mut self, upn: Upn) -> Self {
        self.upn = Some(upn);
        self
    }
}

/// The port of the users of a tenant.
///
/// A tenant is eventually consistent: an object may be invisible for a while after it was created, and a read may
/// show an older value. Implementations retry "not found" for objects they created themselves a short while ago.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TenantUsers: Debug + Send + Sync {
    /// All users, in no order, page by page as the consumer takes them. A user that cannot be understood is one error
    /// of kind `Unreadable` that names it, and the stream goes on; every other error ends the stream.
    fn list(&self) -> BoxStream<'static, Result<TenantUser>>;

    /// One user by object ID.
    ///
    /// # Errors
    /// `NotFound`; `Unreadable` if the user is there and cannot be understood.
    async fn get(&self, id: &ObjectId) -> Result<TenantUser>;

    /// One user by UPN; `None` if there is none.
    ///
    /// # Errors
    /// `Unreadable` if the user is there and cannot be understood.
    async fn find(&self, upn: &Upn) -> Result<Option<TenantUser>>;

    /// Creates a user. Address it by the returned ID from then on. Never repeated blindly: after a lost reply the
    /// UPN is looked up first.
    ///
    /// # Errors
    /// `AlreadyExists` if the UPN is taken; `Invalid` if its domain is not verified or the password is refused.
    async fn create(&self, user: &NewUser) -> Result<TenantUser>;

    /// Changes properties of a user.
    ///
    /// # Errors
    /// `NotFound`; `Invalid`; `Forbidden`, for an administrator's account also when a directory role is missing.
    async fn update(&self, id: &ObjectId, update: &UserUpdate) -> Result<()>;

    /// Sets a password, with or without forcing another at next sign-in.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if the password is refused; `Forbidden` (an application needs a directory role, not
    /// only the permission).
    async fn set_password(&self, id: &ObjectId, password: &Password, force_change: bool) -> Result<()>;

    /// Deletes a user; it can be restored for 30 days.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete(&self, id: &ObjectId) -> Result<()>;

    /// The users that were deleted and can still be restored, page by page as the consumer takes them. A source
    /// anchor that one of them has is not free. A user that cannot be understood is one error of kind `Unreadable`, and
    /// the stream goes on; every other error ends the stream.
    fn deleted(&self) -> BoxStream<'static, Result<DeletedUser>>;

    /// Brings a deleted user back, with its groups and licenses.
    ///
    /// # Errors
    /// `NotFound` if no deleted user has that ID; `AlreadyExists` if its UPN was given to somebody else meanwhile.
    async fn restore(&self, id: &ObjectId) -> Result<TenantUser>;
}
