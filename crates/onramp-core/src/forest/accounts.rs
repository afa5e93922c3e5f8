//! The settings of an account that limit its sign-in.

use time::OffsetDateTime;

use super::{AccountKind, ForestUser};

// Flags of `userAccountControl` ([MS-ADTS] 2.2.16).
const ACCOUNT_DISABLED: u32 = 0x0002;
const PASSWORD_NEVER_EXPIRES: u32 = 0x1_0000;
const SMARTCARD_REQUIRED: u32 = 0x4_0000;

/// Seconds from 1 January 1601, where Windows file times begin, to 1 January 1970.
const FILE_TIME_EPOCH: i128 = 11_644_473_600;
const NANOSECONDS_PER_TICK: i128 = 100;

impl ForestUser {
    /// Returns true if the account is enabled. An enabled account may have [expired](Self::is_expired).
    pub fn is_enabled(&self) -> bool {
        !self.has(ACCOUNT_DISABLED)
    }

    /// Returns true if the account has expired by then, and so cannot sign in although it may be enabled.
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Returns true if the password never expires: usual for accounts of services, and for those of people who should not
    /// have that.
    pub fn has_password_that_never_expires(&self) -> bool {
        self.has(PASSWORD_NEVER_EXPIRES)
    }

    /// Returns true if only a smart card signs in. Its certificate usually names the UPN, so that a new UPN needs a new
    /// certificate, or a mapping that does not depend on it (`altSecurityIdentities`).
    pub fn needs_smartcard(&self) -> bool {
        self.has(SMARTCARD_REQUIRED)
    }

    /// Returns true if services run under this account, as far as the directory tells: it is a managed service account,
    /// stands in `CN=Managed Service Accounts`, or has service principal names. An ordinary account that a service
    /// merely signs in with cannot be told from a person's; that its
    /// [password never expires](Self::has_password_that_never_expires) is a hint.
    ///
    /// ```
    /// # use onramp_core::forest::ForestUser;
    /// # let guid = "f4d9d6b0-7a0e-4e0c-9f59-0a4f5c3b2a11".parse().unwrap();
    /// # let dn = "CN=sql,OU=Services,DC=corp,DC=example".parse().unwrap();
    /// let mut user = ForestUser::new(guid, dn, "sql");
    /// assert!(!user.is_service_account());
    /// user.service_principal_names.push("MSSQLSvc/db1.corp.example:1433".into());
    /// assert!(user.is_service_account());
    /// ```
    pub fn is_service_account(&self) -> bool {
        self.kind == AccountKind::ManagedServiceAccount
            || !self.service_principal_names.is_empty()
            || self.stands_with_managed_accounts()
    }

    /// The moment that `accountExpires` means ([MS-ADA1] 2.1): hundreds of nanoseconds since 1601; 0 and the highest
    /// number are "never", and so is what lies beyond the year 9999.
    ///
    /// ```
    /// use onramp_core::forest::ForestUser;
    /// assert_eq!(ForestUser::expiry_of(0), None);
    /// assert_eq!(ForestUser::expiry_of(i64::MAX), None);
    /// let new_year = ForestUser::expiry_of(133_485_408_000_000_000).unwrap();
    /// assert_eq!(new_year.to_string(), "2024-01-01 0:00:00.0 +00:00:00");
    /// ```
    pub fn expiry_of(account_expires: i64) -> Option<OffsetDateTime> {
        if account_expires <= 0 || account_expires == i64::MAX {
            return None;
        }
        let since_1601 = i128::from(account_expires) * NANOSECONDS_PER_TICK;
        OffsetDateTime::from_unix_timestamp_nanos(since_1601 - FILE_TIME_EPOCH * 1_000_000_000).ok()
    }

    fn has(&self, flag: u32) -> bool {
        self.user_account_control & flag != 0
    }

    fn stands_with_managed_accounts(&self) -> bool {
        let rdns = self.dn.rdns();
        let container = |rdn: &crate::Rdn| {
            rdn.attribute.eq_ignore_ascii_case("CN")
                && rdn.value.eq_ignore_ascii_case("Managed Service Accounts")
        };
        rdns.iter().skip(1).any(container)
    }
}
