//! An object of a tenant, with what decides on matches with it.

use std::collections::HashMap;
use std::fmt;

use onramp_core::tenant::{ProvisioningError, RoleAssignment, TenantUser};
use onramp_core::{AttributeName, ImmutableId, ObjectId, Sid, visible};
use serde::{Deserialize, Serialize};

use crate::{ObjectKind, attributes as a};

/// The object of AD that a cloud object is mapped to: its `onPremisesObjectIdentifier`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectMapping {
    /// Not known.
    #[default]
    Unknown,
    /// None.
    None,
    /// An object, by its GUID as text or as base64.
    To(String),
}

/// An object of a tenant, with what decides on matches with it.
///
/// ```
/// use onramp_core::tenant::TenantUser;
/// use onramp_core::{ObjectId, Upn};
/// use onramp_readiness::forecast::CloudObject;
/// let user = TenantUser::new(ObjectId::from_u128(1), Upn::parse("anna@contoso.com")?);
/// let object = CloudObject::from(&user);
/// assert_eq!(object.upn.as_deref(), Some("anna@contoso.com"));
/// assert_eq!(object.roles, None, "nobody knows yet");
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CloudObject {
    /// Object ID.
    pub id: ObjectId,
    /// Kind.
    pub kind: ObjectKind,
    /// UPN, of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// True if it may sign in.
    pub is_enabled: bool,
    /// True if it is a guest (B2B collaboration).
    #[serde(default)]
    pub is_guest: bool,
    /// True if it is synchronized from a directory already.
    #[serde(default)]
    pub is_synchronized: bool,
    /// Source anchor. Graph tells those of users only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<ImmutableId>,
    /// SID of its original in AD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_identifier: Option<Sid>,
    /// The object of AD that it is mapped to.
    #[serde(default)]
    pub mapping: ObjectMapping,
    /// The directory roles that it holds; `None` is "not known".
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// All proxy addresses with their type prefix.
    #[serde(default)]
    pub proxy_addresses: Vec<String>,
    /// Other values, under the names of the attributes of AD that synchronization fills them from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(AttributeName, Vec<String>)>,
    /// The values that it came in without, because another object has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provisioning_errors: Vec<ProvisioningError>,
}

impl CloudObject {
    /// An enabled object of which nothing else is known.
    pub fn new(id: ObjectId, kind: ObjectKind) -> Self {
        Self {
            id,
            kind,
            upn: None,
            display_name: None,
            is_enabled: true,
            is_guest: false,
            is_synchronized: false,
            anchor: None,
            security_identifier: None,
            mapping: ObjectMapping::Unknown,
            roles: None,
            mail: None,
            proxy_addresses: Vec::new(),
            attributes: Vec::new(),
            provisioning_errors: Vec::new(),
        }
    }

    /// Sets the directory roles.
    #[must_use]
    pub fn with_roles(mut self, roles: Option<Vec<String>>) -> Self {
        self.roles = roles;
        self
    }

    /// Adds the directory roles of a tenant's objects, of which all assignments are known.
    pub fn note_roles(objects: &mut [Self], assignments: &[RoleAssignment]) {
        let mut roles: HashMap<ObjectId, Vec<String>> = HashMap::new();
        for assignment in assignments {
            roles.entry(assignment.principal).or_default().push(assignment.role.to_string());
        }
        for object in objects {
            object.roles = Some(roles.get(&object.id).cloned().unwrap_or_default());
        }
    }

    /// The values of an attribute of AD that synchronization fills this object from, as the cloud has them. `None` if it
    /// was not read, or has none.
    pub(super) fn values<'a>(&'a self, attribute: &AttributeName) -> Option<Vec<&'a str>> {
        let single = |value: &'a Option<String>| value.as_deref().map(|text| vec![text]);
        if *attribute == a::DISPLAY_NAME {
            single(&self.display_name)
        } else if *attribute == a::USER_PRINCIPAL_NAME {
            single(&self.upn)
        } else if *attribute == a::MAIL {
            single(&self.mail)
        } else if *attribute == a::PROXY_ADDRESSES {
            Some(self.proxy_addresses.iter().map(String::as_str).collect())
        } else {
            let found = self.attributes.iter().find(|(known, _)| known == attribute);
            found.map(|(_, values)| values.iter().map(String::as_str).collect())
        }
    }
}

impl From<&TenantUser> for CloudObject {
    fn from(user: &TenantUser) -> Self {
        Self {
            upn: Some(user.upn.as_str().to_owned()),
            display_name: user.display_name.clone(),
            is_enabled: user.account_enabled,
            is_guest: user.is_guest,
            is_synchronized: user.synchronized,
            anchor: user.immutable_id.clone(),
            mail: user.mail.clone(),
            proxy_addresses: user.proxy_addresses.clone(),
            ..Self::new(user.id, ObjectKind::User)
        }
    }
}

impl fmt::Display for CloudObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.upn.as_deref().or(self.mail.as_deref());
        let id = self.id.to_string();
        write!(f, "the cloud {} {}", self.kind, visible(name.unwrap_or(&id)))?;
        let mut notes: Vec<String> =
            self.display_name.iter().map(|name| format!("“{}”", visible(name))).collect();
        notes.extend(self.is_guest.then(|| "guest".to_owned()));
        notes.extend((!self.is_enabled).then(|| "disabled".to_owned()));
        notes.extend(self.is_synchronized.then(|| "synchronized from a directory".to_owned()));
        notes.extend(self.roles.iter().filter(|roles| !roles.is_empty()).map(|roles| roles.join(", ")));
        if notes.is_empty() { Ok(()) } else { write!(f, " ({})", notes.join("; ")) }
    }
}
