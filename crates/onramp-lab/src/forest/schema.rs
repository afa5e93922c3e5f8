//! The part of the directory's schema that the lab knows: attributes with their syntax, classes with their ancestors.

/// How the values of an attribute are written and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Text, compared without regard to case.
    Text,
    /// A number of 32 bits in decimal.
    Integer,
    /// A number of 64 bits in decimal.
    LargeInteger,
    /// `TRUE` or `FALSE`.
    Boolean,
    /// A distinguished name.
    Dn,
    /// Bytes.
    Bytes,
    /// Bytes of a GUID; filters may also give the text form.
    Guid,
    /// Bytes of a SID; filters may also give the text form.
    Sid,
    /// `YYYYMMDDhhmmss.0Z`.
    Time,
    /// The name of a class or attribute.
    Name,
}

/// Where the values of an attribute come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// From the object; clients may change it.
    Stored,
    /// From the object; only the directory itself changes it.
    System,
    /// From what else is known of the object; given out like a stored one.
    Derived,
    /// Computed when asked for by name, never otherwise.
    Constructed,
}

/// What the schema says of an attribute.
#[derive(Debug)]
pub(super) struct AttrInfo {
    pub(super) name: &'static str,
    pub(super) syntax: Syntax,
    pub(super) single: bool,
    pub(super) source: Source,
}

/// An attribute of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Attr(u16);

impl Attr {
    pub(super) fn number(self) -> u16 {
        self.0
    }

    pub(super) fn from_number(number: u16) -> Option<Self> {
        (usize::from(number) < ATTRIBUTES.len()).then_some(Self(number))
    }

    /// The attribute called `name`, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::all().find(|attr| attr.info().name.eq_ignore_ascii_case(name))
    }

    /// Every attribute of the schema.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..ATTRIBUTES.len() as u16).map(Self)
    }

    pub(super) fn info(self) -> &'static AttrInfo {
        // A number outside the table cannot be made; were it, it would read as the first attribute.
        ATTRIBUTES.get(usize::from(self.0)).unwrap_or(&FIRST)
    }

    pub(super) fn name(self) -> &'static str {
        self.info().name
    }

    /// Whether it belongs to the partial attribute set, which global catalogs hold of every domain. `proxyAddresses` does
    /// only once Exchange has extended the schema.
    pub(super) fn is_in_global_catalog(self) -> bool {
        let kept_at_home = [
            Self::UPN_SUFFIXES,
            Self::MS_DS_CONSISTENCY_GUID,
            Self::ADMIN_COUNT,
            Self::PROXY_ADDRESSES,
            Self::DEPARTMENT,
            Self::TITLE,
            Self::COMPANY,
            Self::EMPLOYEE_ID,
            Self::INFO,
            Self::INITIALS,
            Self::MANAGER,
            Self::PWD_LAST_SET,
            Self::ACCOUNT_EXPIRES,
            Self::FSMO_ROLE_OWNER,
            Self::MIN_PWD_LENGTH,
            Self::PWD_HISTORY_LENGTH,
            Self::PWD_PROPERTIES,
            Self::MAX_PWD_AGE,
            Self::MIN_PWD_AGE,
            Self::LOCKOUT_THRESHOLD,
            Self::LOCKOUT_DURATION,
            Self::LOCKOUT_OBSERVATION_WINDOW,
        ];
        !kept_at_home.contains(&self)
    }
}

macro_rules! attributes {
    ($($id:ident = $name:literal $syntax:ident $single:ident $source:ident;)*) => {
        #[repr(u16)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, dead_code)]
        enum Number { $($id),* }

        #[allow(dead_code)]
        impl Attr { $(pub(super) const $id: Self = Self(Number::$id as u16);)* }

        const ATTRIBUTES: &[AttrInfo] = &[
            $(AttrInfo {
                name: $name,
                syntax: Syntax::$syntax,
                single: matches!(Count::$single, Count::One),
                source: Source::$source,
            }),*
        ];
    };
}

enum Count {
    One,
    Many,
}

const FIRST: AttrInfo =
    AttrInfo { name: "objectClass", syntax: Syntax::Name, single: false, source: Source::Derived };

attributes! {
    OBJECT_CLASS = "objectClass" Name Many Derived;
    CN = "cn" Text One System;
    OU = "ou" Text One System;
    DC = "dc" Text One System;
    NAME = "name" Text One Derived;
    DISTINGUISHED_NAME = "distinguishedName" Dn One Derived;
    OBJECT_GUID = "objectGUID" Guid One Derived;
    OBJECT_SID = "objectSid" Sid One System;
    OBJECT_CATEGORY = "objectCategory" Dn One Derived;
    INSTANCE_TYPE = "instanceType" Integer One Derived;
    WHEN_CREATED = "whenCreated" Time One Derived;
    WHEN_CHANGED = "whenChanged" Time One Derived;
    USN_CREATED = "uSNCreated" LargeInteger One Derived;
    USN_CHANGED = "uSNChanged" LargeInteger One Derived;
    IS_DELETED = "isDeleted" Boolean One System;
    LAST_KNOWN_PARENT = "lastKnownParent" Dn One System;
    SAM_ACCOUNT_NAME = "sAMAccountName" Text One Stored;
    USER_PRINCIPAL_NAME = "userPrincipalName" Text One Stored;
    SAM_ACCOUNT_TYPE = "sAMAccountType" Integer One System;
    USER_ACCOUNT_CONTROL = "userAccountControl" Integer One Stored;
    PRIMARY_GROUP_ID = "primaryGroupID" Integer One Stored;
    PWD_LAST_SET = "pwdLastSet" LargeInteger One Stored;
    ACCOUNT_EXPIRES = "accountExpires" LargeInteger One Stored;
    ADMIN_COUNT = "adminCount" Integer One Stored;
    IS_CRITICAL_SYSTEM_OBJECT = "isCriticalSystemObject" Boolean One System;
    DISPLAY_NAME = "displayName" Text One Stored;
    GIVEN_NAME = "givenName" Text One Stored;
    SN = "sn" Text One Stored;
    INITIALS = "initials" Text One Stored;
    DESCRIPTION = "description" Text One Stored;
    DEPARTMENT = "department" Text One Stored;
    TITLE = "title" Text One Stored;
    COMPANY = "company" Text One Stored;
    TELEPHONE_NUMBER = "telephoneNumber" Text One Stored;
    INFO = "info" Text One Stored;
    MAIL = "mail" Text One Stored;
    MAIL_NICKNAME = "mailNickname" Text One Stored;
    PROXY_ADDRESSES = "proxyAddresses" Text Many Stored;
    TARGET_ADDRESS = "targetAddress" Text One Stored;
    MS_EXCH_HIDE_FROM_ADDRESS_LISTS = "msExchHideFromAddressLists" Boolean One Stored;
    MS_EXCH_RECIPIENT_TYPE_DETAILS = "msExchRecipientTypeDetails" LargeInteger One Stored;
    HOME_MDB = "homeMDB" Dn One Stored;
    EMPLOYEE_ID = "employeeID" Text One Stored;
    MANAGER = "manager" Dn One Stored;
    SERVICE_PRINCIPAL_NAME = "servicePrincipalName" Text Many Stored;
    MS_DS_CONSISTENCY_GUID = "mS-DS-ConsistencyGuid" Bytes One Stored;
    EXTENSION_ATTRIBUTE_1 = "extensionAttribute1" Text One Stored;
    GROUP_TYPE = "groupType" Integer One Stored;
    MEMBER = "member" Dn Many Stored;
    MEMBER_OF = "memberOf" Dn Many System;
    UPN_SUFFIXES = "uPNSuffixes" Text Many Stored;
    N_C_NAME = "nCName" Dn One System;
    DNS_ROOT = "dnsRoot" Text Many System;
    NETBIOS_NAME = "nETBIOSName" Text One System;
    SYSTEM_FLAGS = "systemFlags" Integer One System;
    ENABLED = "Enabled" Boolean One Stored;
    ROOT_TRUST = "rootTrust" Dn One System;
    TRUST_PARENT = "trustParent" Dn One System;
    MS_DS_BEHAVIOR_VERSION = "msDS-Behavior-Version" Integer One System;
    FSMO_ROLE_OWNER = "fSMORoleOwner" Dn One Stored;
    DNS_HOST_NAME = "dNSHostName" Text One Stored;
    SERVER_REFERENCE = "serverReference" Dn One Stored;
    SERVER_REFERENCE_BL = "serverReferenceBL" Dn Many System;
    INVOCATION_ID = "invocationId" Guid One System;
    OPTIONS = "options" Integer One Stored;
    MS_DS_HAS_MASTER_NCS = "msDS-hasMasterNCs" Dn Many System;
    HAS_MASTER_NCS = "hasMasterNCs" Dn Many System;
    MS_DS_HAS_DOMAIN_NCS = "msDS-HasDomainNCs" Dn Many System;
    MS_DS_HAS_FULL_REPLICA_NCS = "msDS-hasFullReplicaNCs" Dn Many System;
    MS_DS_IS_RODC = "msDS-isRODC" Boolean One Constructed;
    MS_DS_IS_GC = "msDS-isGC" Boolean One Constructed;
    OPERATING_SYSTEM = "operatingSystem" Text One Stored;
    DS_HEURISTICS = "dSHeuristics" Text One Stored;
    LDAP_ADMIN_LIMITS = "lDAPAdminLimits" Text Many Stored;
    MIN_PWD_LENGTH = "minPwdLength" Integer One Stored;
    PWD_HISTORY_LENGTH = "pwdHistoryLength" Integer One Stored;
    PWD_PROPERTIES = "pwdProperties" Integer One Stored;
    MAX_PWD_AGE = "maxPwdAge" LargeInteger One Stored;
    MIN_PWD_AGE = "minPwdAge" LargeInteger One Stored;
    LOCKOUT_THRESHOLD = "lockoutThreshold" Integer One Stored;
    LOCKOUT_DURATION = "lockoutDuration" LargeInteger One Stored;
    LOCKOUT_OBSERVATION_WINDOW = "lockOutObservationWindow" LargeInteger One Stored;
    PSO_PRECEDENCE = "msDS-PasswordSettingsPrecedence" Integer One Stored;
    PSO_MINIMUM_LENGTH = "msDS-MinimumPasswordLength" Integer One Stored;
    PSO_HISTORY_LENGTH = "msDS-PasswordHistoryLength" Integer One Stored;
    PSO_COMPLEXITY = "msDS-PasswordComplexityEnabled" Boolean One Stored;
    PSO_REVERSIBLE = "msDS-PasswordReversibleEncryptionEnabled" Boolean One Stored;
    PSO_MAXIMUM_AGE = "msDS-MaximumPasswordAge" LargeInteger One Stored;
    PSO_MINIMUM_AGE = "msDS-MinimumPasswordAge" LargeInteger One Stored;
    PSO_LOCKOUT_THRESHOLD = "msDS-LockoutThreshold" Integer One Stored;
    PSO_LOCKOUT_DURATION = "msDS-LockoutDuration" LargeInteger One Stored;
    PSO_LOCKOUT_WINDOW = "msDS-LockoutObservationWindow" LargeInteger One Stored;
    PSO_APPLIES_TO = "msDS-PSOAppliesTo" Dn Many Stored;
    PSO_APPLIED = "msDS-PSOApplied" Dn Many System;
    RESULTANT_PSO = "msDS-ResultantPSO" Dn One Constructed;
    LDAP_DISPLAY_NAME = "lDAPDisplayName" Text One System;
    IS_SINGLE_VALUED = "isSingleValued" Boolean One System;
    REPL_UP_TO_DATE_VECTOR = "replUpToDateVector" Bytes One Constructed;
    REPL_PROPERTY_META_DATA = "replPropertyMetaData" Bytes One Constructed;
    ALLOWED_ATTRIBUTES_EFFECTIVE = "allowedAttributesEffective" Name Many Constructed;
    CANONICAL_NAME = "canonicalName" Text Many Constructed;
    STRUCTURAL_OBJECT_CLASS = "structuralObjectClass" Name Many Constructed;
    NC_REPL_CURSORS = "msDS-NCReplCursors" Text Many Constructed;
    REPL_ATTRIBUTE_META_DATA = "msDS-ReplAttributeMetaData" Text Many Constructed;
}

macro_rules! classes {
    ($($id:ident = $name:literal, $category:literal, $chain:expr;)*) => {
        /// A structural class of the schema.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(dead_code, clippy::enum_variant_names)] // the names are those of the schema
        pub(super) enum Class { $($id),* }

        impl Class {
            /// Every class.
            pub(super) const ALL: &[Class] = &[$(Class::$id),*];

            /// The name that `objectClass` ends with.
            pub(super) fn name(self) -> &'static str {
                match self { $(Class::$id => $name),* }
            }

            /// The common name, in the schema, of the class that `objectCategory` points to.
            pub(super) fn category(self) -> &'static str {
                match self { $(Class::$id => $category),* }
            }

            /// Every value of `objectClass`, from `top` to the class itself.
            pub(super) fn chain(self) -> &'static [&'static str] {
                match self { $(Class::$id => &$chain),* }
            }
        }
    };
}

classes! {
    DomainDns = "domainDNS", "Domain-DNS", ["top", "domain", "domainDNS"];
    Configuration = "configuration", "Configuration", ["top", "configuration"];
    Dmd = "dMD", "DMD", ["top", "dMD"];
    Container = "container", "Container", ["top", "container"];
    OrganizationalUnit = "organizationalUnit", "Organizational-Unit", ["top", "organizationalUnit"];
    User = "user", "Person", ["top", "person", "organizationalPerson", "user"];
    InetOrgPerson = "inetOrgPerson", "Person", ["top", "person", "organizationalPerson", "user", "inetOrgPerson"];
    Contact = "contact", "Person", ["top", "person", "organizationalPerson", "contact"];
    Computer = "computer", "Computer", ["top", "person", "organizationalPerson", "user", "computer"];
    Group = "group", "Group", ["top", "group"];
    CrossRefContainer = "crossRefContainer", "Cross-Ref-Container", ["top", "crossRefContainer"];
    CrossRef = "crossRef", "Cross-Ref", ["top", "crossRef"];
    SitesContainer = "sitesContainer", "Sites-Container", ["top", "sitesContainer"];
    Site = "site", "Site", ["top", "site"];
    ServersContainer = "serversContainer", "Servers-Container", ["top", "serversContainer"];
    Server = "server", "Server", ["top", "server"];
    NtdsDsa = "nTDSDSA", "NTDS-DSA", ["top", "applicationSettings", "nTDSDSA"];
    NtdsDsaRo = "nTDSDSARO", "NTDS-DSA-RO", ["top", "applicationSettings", "nTDSDSA", "nTDSDSARO"];
    NtdsService = "nTDSService", "NTDS-Service", ["top", "nTDSService"];
    QueryPolicy = "queryPolicy", "Query-Policy", ["top", "queryPolicy"];
    PasswordSettingsContainer = "msDS-PasswordSettingsContainer", "ms-DS-Password-Settings-Container",
        ["top", "msDS-PasswordSettingsContainer"];
    PasswordSettings = "msDS-PasswordSettings", "ms-DS-Password-Settings", ["top", "msDS-PasswordSettings"];
    AttributeSchema = "attributeSchema", "Attribute-Schema", ["top", "attributeSchema"];
    ClassSchema = "classSchema", "Class-Schema", ["top", "classSchema"];
}

impl Class {
    /// Whether objects of this class are accounts that can have a user principal name.
    pub(super) fn is_account(self) -> bool {
        matches!(self, Self::User | Self::InetOrgPerson | Self::Computer)
    }

    /// Whether `attr` may stand on objects of this class. Only those that an administrator is likely to misplace are known to
    /// be restricted.
    pub(super) fn may_have(self, attr: Attr) -> bool {
        match attr {
            Attr::USER_PRINCIPAL_NAME | Attr::USER_ACCOUNT_CONTROL => self.is_account(),
            Attr::UPN_SUFFIXES => matches!(self, Self::CrossRefContainer | Self::OrganizationalUnit),
            Attr::SAM_ACCOUNT_NAME => self.is_account() || self == Self::Group,
            Attr::MEMBER | Attr::GROUP_TYPE => self == Self::Group,
            Attr::PSO_APPLIES_TO => self == Self::PasswordSettings,
            _ => true,
        }
    }

    /// The attribute that names objects of this class.
    pub(super) fn naming_attribute(self) -> Attr {
        match self {
            Self::DomainDns => Attr::DC,
            Self::OrganizationalUnit => Attr::OU,
            _ => Attr::CN,
        }
    }
}

/// The common name, in the schema, of the category that a filter names by its short form: `person` for
/// `(objectCategory=person)`.
pub(super) fn category_of_short_name(name: &str) -> Option<&'static str> {
    let known = Class::ALL.iter().find(|class| class.name().eq_ignore_ascii_case(name));
    match known {
        // The category of the class itself: that of `user` is Person.
        Some(class) => Some(class.category()),
        None if name.eq_ignore_ascii_case("person") => Some("Person"),
        None if name.eq_ignore_ascii_case("organizationalPerson") => Some("Person"),
        None => Class::ALL.iter().map(|class| class.category()).find(|c| c.eq_ignore_ascii_case(name)),
    }
}
