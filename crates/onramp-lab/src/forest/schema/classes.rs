//! The classes of the schema, with their ancestors and what stands on their objects.

use super::Attr;

macro_rules! classes {
    ($($id:ident = $name:literal $oid:literal, $category:literal, $chain:expr;)*) => {
        /// A structural class of the schema.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(dead_code, clippy::enum_variant_names)] // the names are those of the schema
        pub(crate) enum Class { $($id),* }

        impl Class {
            /// Every class.
            pub(crate) const ALL: &[Class] = &[$(Class::$id),*];

            /// Returns the name that `objectClass` ends with.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Class::$id => $name),* }
            }

            /// Returns the object identifier.
            pub(crate) fn oid(self) -> &'static str {
                match self { $(Class::$id => $oid),* }
            }

            /// Returns the common name, in the schema, of the class that `objectCategory` points to.
            pub(crate) fn category(self) -> &'static str {
                match self { $(Class::$id => $category),* }
            }

            /// Returns every value of `objectClass`, from `top` to the class itself.
            pub(crate) fn chain(self) -> &'static [&'static str] {
                match self { $(Class::$id => &$chain),* }
            }
        }
    };
}

classes! {
    DomainDns = "domainDNS" "1.2.840.113556.1.5.67", "Domain-DNS", ["top", "domain", "domainDNS"];
    Configuration = "configuration" "1.2.840.113556.1.5.12", "Configuration", ["top", "configuration"];
    Dmd = "dMD" "1.2.840.113556.1.3.9", "DMD", ["top", "dMD"];
    Container = "container" "1.2.840.113556.1.3.23", "Container", ["top", "container"];
    OrganizationalUnit = "organizationalUnit" "2.5.6.5", "Organizational-Unit", ["top", "organizationalUnit"];
    User = "user" "1.2.840.113556.1.5.9", "Person", ["top", "person", "organizationalPerson", "user"];
    InetOrgPerson = "inetOrgPerson" "2.16.840.1.113730.3.2.2", "Person",
        ["top", "person", "organizationalPerson", "user", "inetOrgPerson"];
    Contact = "contact" "1.2.840.113556.1.5.15", "Person", ["top", "person", "organizationalPerson", "contact"];
    Computer = "computer" "1.2.840.113556.1.3.30", "Computer",
        ["top", "person", "organizationalPerson", "user", "computer"];
    Group = "group" "1.2.840.113556.1.5.8", "Group", ["top", "group"];
    CrossRefContainer = "crossRefContainer" "1.2.840.113556.1.5.7000.53", "Cross-Ref-Container", ["top", "crossRefContainer"];
    CrossRef = "crossRef" "1.2.840.113556.1.3.11", "Cross-Ref", ["top", "crossRef"];
    SitesContainer = "sitesContainer" "1.2.840.113556.1.5.107", "Sites-Container", ["top", "sitesContainer"];
    Site = "site" "1.2.840.113556.1.5.31", "Site", ["top", "site"];
    ServersContainer = "serversContainer" "1.2.840.113556.1.5.7000.48", "Servers-Container", ["top", "serversContainer"];
    Server = "server" "1.2.840.113556.1.5.17", "Server", ["top", "server"];
    NtdsDsa = "nTDSDSA" "1.2.840.113556.1.5.7000.47", "NTDS-DSA", ["top", "applicationSettings", "nTDSDSA"];
    NtdsDsaRo = "nTDSDSARO" "1.2.840.113556.1.5.254", "NTDS-DSA-RO", ["top", "applicationSettings", "nTDSDSA", "nTDSDSARO"];
    NtdsService = "nTDSService" "1.2.840.113556.1.5.72", "NTDS-Service", ["top", "nTDSService"];
    QueryPolicy = "queryPolicy" "1.2.840.113556.1.5.106", "Query-Policy", ["top", "queryPolicy"];
    PasswordSettingsContainer = "msDS-PasswordSettingsContainer" "1.2.840.113556.1.5.256",
        "ms-DS-Password-Settings-Container", ["top", "msDS-PasswordSettingsContainer"];
    PasswordSettings = "msDS-PasswordSettings" "1.2.840.113556.1.5.255", "ms-DS-Password-Settings",
        ["top", "msDS-PasswordSettings"];
    RidManager = "rIDManager" "1.2.840.113556.1.5.83", "RID-Manager", ["top", "rIDManager"];
    InfrastructureUpdate = "infrastructureUpdate" "1.2.840.113556.1.5.175", "Infrastructure-Update",
        ["top", "infrastructureUpdate"];
    AttributeSchema = "attributeSchema" "1.2.840.113556.1.3.14", "Attribute-Schema", ["top", "attributeSchema"];
    ClassSchema = "classSchema" "1.2.840.113556.1.3.13", "Class-Schema", ["top", "classSchema"];
    SubSchema = "subSchema" "2.5.20.1", "SubSchema", ["top", "subSchema"];
}

impl Class {
    /// Returns true if objects of this class are accounts that can have a user principal name.
    pub(crate) fn is_account(self) -> bool {
        matches!(self, Self::User | Self::InetOrgPerson | Self::Computer)
    }

    /// Returns true if objects of this class can have the attribute. Only attributes that an administrator is likely
    /// to misplace are restricted.
    pub(crate) fn may_have(self, attr: Attr) -> bool {
        match attr {
            Attr::USER_PRINCIPAL_NAME | Attr::USER_ACCOUNT_CONTROL => self.is_account(),
            Attr::UPN_SUFFIXES => matches!(self, Self::CrossRefContainer | Self::OrganizationalUnit),
            Attr::SAM_ACCOUNT_NAME => self.is_account() || self == Self::Group,
            Attr::MEMBER | Attr::GROUP_TYPE => self == Self::Group,
            Attr::PSO_APPLIES_TO => self == Self::PasswordSettings,
            _ => true,
        }
    }

    /// Returns the attribute that names objects of this class.
    pub(crate) fn naming_attribute(self) -> Attr {
        match self {
            Self::DomainDns => Attr::DC,
            Self::OrganizationalUnit => Attr::OU,
            _ => Attr::CN,
        }
    }
}

/// Returns the common name, in the schema, of the category that a filter names by its short form: `person` for
/// `(objectCategory=person)`.
pub(crate) fn category_of_short_name(name: &str) -> Option<&'static str> {
    let known = Class::ALL.iter().find(|class| class.name().eq_ignore_ascii_case(name));
    match known {
        // The category of the class itself: that of `user` is Person.
        Some(class) => Some(class.category()),
        None if name.eq_ignore_ascii_case("person") => Some("Person"),
        None if name.eq_ignore_ascii_case("organizationalPerson") => Some("Person"),
        None => Class::ALL.iter().map(|class| class.category()).find(|c| c.eq_ignore_ascii_case(name)),
    }
}
