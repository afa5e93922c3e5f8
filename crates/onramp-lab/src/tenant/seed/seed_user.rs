//! Describing a cloud user that a tenant has from the start.

use onramp_core::tenant::RoleTemplateId;
use onramp_core::{ImmutableId, Password, Upn};

use crate::people::Person;

/// A cloud user that the tenant has from the start.
///
/// ```
/// use onramp_core::Upn;
/// use onramp_lab::tenant::SeedUser;
/// # fn main() -> Result<(), onramp_core::ParseError> {
/// // Shares its primary SMTP address with somebody on premises: a soft match.
/// let user = SeedUser::new(Upn::parse("frida@contoso.onmicrosoft.com")?).with_proxy_addresses(["SMTP:frida@corp.example"]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SeedUser {
    pub(in crate::tenant) upn: Upn,
    pub(super) display_name: Option<String>,
    pub(super) proxy_addresses: Vec<String>,
    pub(super) immutable_id: Option<String>,
    pub(super) synchronized: bool,
    pub(super) guest: bool,
    pub(super) disabled: bool,
    pub(super) password: Option<Password>,
    pub(super) second_factor: bool,
    pub(super) at_risk: bool,
    pub(super) roles: Vec<RoleTemplateId>,
    pub(super) eligible: Vec<RoleTemplateId>,
}

impl SeedUser {
    /// Creates a user of this name and nothing else.
    pub fn new(upn: Upn) -> Self {
        Self {
            upn,
            display_name: None,
            proxy_addresses: Vec::new(),
            immutable_id: None,
            synchronized: false,
            guest: false,
            disabled: false,
            password: None,
            second_factor: false,
            at_risk: false,
            roles: Vec::new(),
            eligible: Vec::new(),
        }
    }

    /// Returns the cloud account that a person of the forest already has: mail like on premises, UPN on the tenant's first domain
    /// (`contoso.onmicrosoft.com`). Synchronization would match the two by their primary address. `None` for a person without
    /// mail, or whose mail cannot be turned into a UPN.
    #[must_use]
    pub fn cloud_copy_of(person: &Person, first_domain: &str) -> Option<Self> {
        let mail = person.mail.as_deref()?;
        let upn = Upn::parse(&format!("{}@{first_domain}", mail.split('@').next()?)).ok()?;
        let twin = Self::new(upn).with_display_name(&person.display_name);
        Some(twin.with_proxy_addresses([format!("SMTP:{mail}")]))
    }

    /// Sets the display name; without one it is made from the UPN's prefix.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets proxy addresses (`SMTP:` primary, `smtp:` others); the primary one is also the `mail`.
    #[must_use]
    pub fn with_proxy_addresses<T: Into<String>>(mut self, addresses: impl IntoIterator<Item = T>) -> Self {
        self.proxy_addresses = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the source anchor.
    #[must_use]
    pub fn with_immutable_id(mut self, anchor: ImmutableId) -> Self {
        self.immutable_id = Some(anchor.to_string());
        self
    }

    /// Sets a source anchor of any text: a mail address, as Google's provisioning sets it, or 64 hexadecimal digits.
    #[must_use]
    pub fn with_anchor(mut self, anchor: impl Into<String>) -> Self {
        self.immutable_id = Some(anchor.into());
        self
    }

    /// Marks the user as mastered by a directory on premises (`onPremisesSyncEnabled`).
    #[must_use]
    pub fn synchronized(mut self) -> Self {
        self.synchronized = true;
        self
    }

    /// Marks the user as invited from another organization (`userType` is `Guest`).
    #[must_use]
    pub fn guest(mut self) -> Self {
        self.guest = true;
        self
    }

    /// Bars the user from signing in (`accountEnabled` is false).
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Sets the password that is good for signing in.
    #[must_use]
    pub fn with_password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// Registers a second factor.
    #[must_use]
    pub fn with_second_factor(mut self) -> Self {
        self.second_factor = true;
        self
    }

    /// Puts the user at high risk, as when its password was found in public.
    #[must_use]
    pub fn at_risk(mut self) -> Self {
        self.at_risk = true;
        self
    }

    /// Adds a directory role that the user holds.
    #[must_use]
    pub fn with_role(mut self, role: RoleTemplateId) -> Self {
        self.roles.push(role);
        self
    }

    /// Adds a directory role that the user may activate.
    #[must_use]
    pub fn eligible_for(mut self, role: RoleTemplateId) -> Self {
        self.eligible.push(role);
        self
    }
}
