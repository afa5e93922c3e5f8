//! Objects of a tenant from JSON of Microsoft Graph, or of `ConvertTo-Json` behind `Get-MgUser -All`.

use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;

use onramp_core::tenant::{ProvisioningError, RoleAssignment, RoleTemplateId, TenantUser};
use onramp_core::{ImmutableId, ObjectId, Sid, Upn};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::losses::PROPERTIES;
use super::{CloudObject, ObjectMapping};
use crate::ObjectKind;
use crate::source::json_objects::JsonObjects;
use crate::source::{SourceError, SourceErrorKind, TextReader};

/// The properties of users to export for a forecast, as `$select` takes them.
pub const USER_SELECT: &str = "id,userPrincipalName,displayName,accountEnabled,userType,mail,mailNickname,proxyAddresses,\
    onPremisesImmutableId,onPremisesSyncEnabled,onPremisesSecurityIdentifier,onPremisesObjectIdentifier,\
    onPremisesProvisioningErrors,givenName,surname,jobTitle,department,companyName,businessPhones,mobilePhone,faxNumber,\
    officeLocation,streetAddress,city,state,postalCode,country,employeeId";

/// The properties without which a user cannot be compared: an export without them would look like a tenant without
/// conflicts.
const NEEDED: [&str; 4] =
    ["userPrincipalName", "proxyAddresses", "onPremisesImmutableId", "onPremisesSyncEnabled"];

/// An iterator over the objects of a tenant in a file: pages of Graph one after the other, an array, or an object in each
/// line. Names of properties may begin with a capital, as PowerShell writes them.
///
/// ```
/// use onramp_readiness::forecast::{CloudObjects, ObjectMapping};
/// let json = br##"{"value": [{
///     "@odata.type": "#microsoft.graph.user", "id": "00000000-0000-0000-0000-000000000001",
///     "userPrincipalName": "anna@contoso.com", "proxyAddresses": ["SMTP:anna@contoso.com"],
///     "onPremisesImmutableId": null, "onPremisesSyncEnabled": null, "onPremisesObjectIdentifier": null
/// }]}"##;
/// let anna = CloudObjects::new(&json[..]).next().unwrap()?;
/// assert_eq!(anna.mapping, ObjectMapping::None);
/// # Ok::<(), onramp_readiness::source::SourceError>(())
/// ```
pub struct CloudObjects<R> {
    objects: JsonObjects<TextReader<R>>,
}

impl<R: Read> CloudObjects<R> {
    /// Creates a reader.
    pub fn new(input: R) -> Self {
        Self { objects: JsonObjects::new(TextReader::new(input)) }
    }
}

impl<R: Read> Iterator for CloudObjects<R> {
    type Item = Result<CloudObject, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let json = self.objects.next()?;
        Some(json.and_then(|json| {
            let fail = |detail: String| SourceError::new(SourceErrorKind::Syntax, json.line, detail);
            let properties: Map<String, Value> = serde_json::from_slice(&json.octets)
                .map_err(|error| fail(format!("the object is not JSON: {error}")))?;
            object(&Properties::of(properties)).map_err(fail)
        }))
    }
}

impl<R: Read> FusedIterator for CloudObjects<R> {}

impl<R> fmt::Debug for CloudObjects<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudObjects").finish_non_exhaustive()
    }
}

/// Reads the role assignments of a tenant from JSON of `GET /roleManagement/directory/roleAssignments`.
///
/// # Errors
/// The first object that is no assignment, with its line.
pub fn read_role_assignments(input: impl Read) -> Result<Vec<RoleAssignment>, SourceError> {
    let mut objects = JsonObjects::new(TextReader::new(input));
    let mut assignments = Vec::new();
    while let Some(json) = objects.next() {
        let json = json?;
        let fail = |detail: &str| SourceError::new(SourceErrorKind::Syntax, json.line, detail);
        let properties: Map<String, Value> =
            serde_json::from_slice(&json.octets).map_err(|_| fail("the object is not JSON"))?;
        let properties = Properties::of(properties);
        let id = |name: &str| properties.text(name).and_then(|text| ObjectId::parse(text).ok());
        let (Some(principal), Some(role)) = (id("principalId"), id("roleDefinitionId")) else {
            return Err(fail(
                "the object has no `principalId` and `roleDefinitionId`: it is no role assignment",
            ));
        };
        let own = properties.text("id").unwrap_or_default();
        assignments.push(RoleAssignment::tenant_wide(own, RoleTemplateId::new(role), principal));
    }
    Ok(assignments)
}

/// The properties of an object, under the names that Graph uses.
struct Properties(Map<String, Value>);

impl Properties {
    fn of(properties: Map<String, Value>) -> Self {
        Self(properties.into_iter().map(|(name, value)| (lower_first(&name), value)).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Array(values)) => {
                values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    fn objects(&self, name: &str) -> impl Iterator<Item = Self> {
        let values = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        values.filter_map(|value| Some(Self::of(value.as_object()?.clone())))
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn object(properties: &Properties) -> Result<CloudObject, String> {
    let id = properties.text("id").and_then(|text| ObjectId::parse(text).ok());
    let id = id.ok_or("the object has no `id`: it is none of Microsoft Graph")?;
    let kind = kind_of(properties);
    let missing = match kind {
        ObjectKind::User => NEEDED.iter().find(|name| !properties.has(name)),
        _ => Some(&NEEDED[1]).filter(|name| !properties.has(name)),
    };
    if let Some(name) = missing {
        return Err(format!("the {kind} has no `{name}`; export with $select={USER_SELECT}"));
    }
    let upn = properties.text("userPrincipalName");
    let is_guest = upn
        .and_then(|upn| Upn::parse(upn).ok())
        .is_some_and(|upn| TenantUser::is_guest_by(properties.text("userType"), &upn));
    let mapping = match properties.has("onPremisesObjectIdentifier") {
        false => ObjectMapping::Unknown,
        true => properties
            .text("onPremisesObjectIdentifier")
            .map_or(ObjectMapping::None, |text| ObjectMapping::To(text.to_owned())),
    };
    let mut attributes = Vec::new();
    for (property, attribute) in PROPERTIES {
        let values = properties.texts(property);
        if !values.is_empty() {
            attributes.push((attribute, values));
        }
    }
    let errors = properties.objects("onPremisesProvisioningErrors").map(|error| {
        let text = |name: &str| error.text(name).unwrap_or_default();
        let mut made = ProvisioningError::new(id, text("propertyCausingError"), text("value"));
        made.name = upn.map(str::to_owned);
        made.occurred = OffsetDateTime::parse(text("occurredDateTime"), &Rfc3339).ok();
        made
    });
    Ok(CloudObject {
        upn: upn.map(str::to_owned),
        display_name: properties.text("displayName").map(str::to_owned),
        is_enabled: properties.flag("accountEnabled").unwrap_or(true),
        is_guest,
        is_synchronized: properties.flag("onPremisesSyncEnabled") == Some(true),
        anchor: properties.text("onPremisesImmutableId").and_then(|text| ImmutableId::parse(text).ok()),
        security_identifier: properties
            .text("onPremisesSecurityIdentifier")
            .and_then(|text| Sid::parse(text).ok()),
        mapping,
        roles: roles(properties),
        mail: properties.text("mail").map(str::to_owned),
        proxy_addresses: properties.texts("proxyAddresses"),
        attributes,
        provisioning_errors: errors.collect(),
        ..CloudObject::new(id, kind)
    })
}

fn kind_of(properties: &Properties) -> ObjectKind {
    let kind = properties.text("@odata.type").and_then(|kind| kind.rsplit('.').next());
    match kind {
        Some("user") => ObjectKind::User,
        Some("group") => ObjectKind::Group,
        Some("orgContact") => ObjectKind::Contact,
        _ if properties.has("groupTypes") || properties.has("securityEnabled") => ObjectKind::Group,
        _ if properties.has("userPrincipalName") => ObjectKind::User,
        _ if properties.has("imAddresses") || properties.has("addresses") => ObjectKind::Contact,
        _ => ObjectKind::User,
    }
}

/// The roles among the memberships (`$expand=memberOf`). Graph expands twenty of them at most, so that none there is no
/// proof of none.
fn roles(properties: &Properties) -> Option<Vec<String>> {
    let mut roles = Vec::new();
    for member_of in ["memberOf", "transitiveMemberOf"].iter().flat_map(|name| properties.objects(name)) {
        if member_of.text("@odata.type").is_some_and(|kind| kind.ends_with(".directoryRole")) {
            let name = member_of.text("displayName").or(member_of.text("roleTemplateId"));
            roles.push(name.unwrap_or("a directory role").to_owned());
        }
    }
    (!roles.is_empty()).then_some(roles)
}
