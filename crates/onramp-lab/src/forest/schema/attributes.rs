//! The attributes of the schema, with their syntax and where their values come from.

/// The syntax of an attribute, which decides its encoding and comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
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

/// The source of the values of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the object; clients may change it.
    Stored,
    /// From the object; only the directory itself changes it.
    System,
    /// From what else is known of the object; given out like a stored one.
    Derived,
    /// Computed when asked for by name, never otherwise.
    Constructed,
}

/// The schema entry of an attribute.
#[derive(Debug)]
pub(crate) struct AttrInfo {
    pub(crate) name: &'static str,
    /// The object identifier.
    pub(crate) oid: &'static str,
    pub(crate) syntax: Syntax,
    pub(crate) single: bool,
    pub(crate) source: Source,
}

/// An attribute of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Attr(u16);

impl Attr {
    pub(crate) fn number(self) -> u16 {
        self.0
    }

    pub(crate) fn from_number(number: u16) -> Option<Self> {
        (usize::from(number) < ATTRIBUTES.len()).then_some(Self(number))
    }

    /// Returns the attribute called `name`, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().find(|attr| attr.info().name.eq_ignore_ascii_case(name))
    }

    /// Returns every attribute of the schema.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..ATTRIBUTES.len() as u16).map(Self)
    }

    pub(crate) fn info(self) -> &'static AttrInfo {
        // A number outside the table cannot be made; were it, it would read as the first attribute.
        ATTRIBUTES.get(usize::from(self.0)).unwrap_or(&FIRST)
    }

    pub(crate) fn name(self) -> &'static str {
        self.info().name
    }

    /// Returns true if the attribute belongs to the partial attribute set, which global catalogs hold of every
    /// domain. `proxyAddresses` does only once Exchange has extended the schema.
    pub(crate) fn is_in_global_catalog(self) -> bool {
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
    ($($id:ident = $name:literal $oid:literal $syntax:ident $single:ident $source:ident;)*) => {
        #[repr(u16)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, dead_code)]
        enum Number { $($id),* }

        #[allow(dead_code)]
        impl Attr { $(pub(crate) const $id: Self = Self(Number::$id as u16);)* }

        const ATTRIBUTES: &[AttrInfo] = &[
            $(AttrInfo {
                name: $name,
                oid: $oid,
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

const FIRST: AttrInfo = AttrInfo {
    name: "objectClass",
    oid: "2.5.4.0",
    syntax: Syntax::Name,
    single: false,
    source: Source::Derived,
};

attributes! {
    OBJECT_CLASS = "objectClass" "2.5.4.0" Name Many Derived;
    CN = "cn" "2.5.4.3" Text One System;
    OU = "ou" "2.5.4.11" Text One System;
    DC = "dc" "0.9.2342.19200300.100.1.25" Text One System;
    NAME = "name" "1.2.840.113556.1.4.1" Text One Derived;
    DISTINGUISHED_NAME = "distinguishedName" "2.5.4.49" Dn One Derived;
    OBJECT_GUID = "objectGUID" "1.2.840.113556.1.4.2" Guid One Derived;
    OBJECT_SID = "objectSid" "1.2.840.113556.1.4.146" Sid One System;
    OBJECT_CATEGORY = "objectCategory" "1.2.840.113556.1.4.782" Dn One Derived;
    INSTANCE_TYPE = "instanceType" "1.2.840.113556.1.2.1" Integer One Derived;
    WHEN_CREATED = "whenCreated" "1.2.840.113556.1.2.2" Time One Derived;
    WHEN_CHANGED = "whenChanged" "1.2.840.113556.1.2.3" Time One Derived;
    USN_CREATED = "uSNCreated" "1.2.840.113556.1.2.19" LargeInteger One Derived;
    USN_CHANGED = "uSNChanged" "1.2.840.113556.1.2.120" LargeInteger One Derived;
    IS_DELETED = "isDeleted" "1.2.840.113556.1.2.48" Boolean One System;
    LAST_KNOWN_PARENT = "lastKnownParent" "1.2.840.113556.1.4.781" Dn One System;
    SAM_ACCOUNT_NAME = "sAMAccountName" "1.2.840.113556.1.4.221" Text One Stored;
    USER_PRINCIPAL_NAME = "userPrincipalName" "1.2.840.113556.1.4.656" Text One Stored;
    SAM_ACCOUNT_TYPE = "sAMAccountType" "1.2.840.113556.1.4.302" Integer One System;
    USER_ACCOUNT_CONTROL = "userAccountControl" "1.2.840.113556.1.4.8" Integer One Stored;
    PRIMARY_GROUP_ID = "primaryGroupID" "1.2.840.113556.1.4.98" Integer One Stored;
    PWD_LAST_SET = "pwdLastSet" "1.2.840.113556.1.4.96" LargeInteger One Stored;
    ACCOUNT_EXPIRES = "accountExpires" "1.2.840.113556.1.4.159" LargeInteger One Stored;
    ADMIN_COUNT = "adminCount" "1.2.840.113556.1.4.150" Integer One Stored;
    IS_CRITICAL_SYSTEM_OBJECT = "isCriticalSystemObject" "1.2.840.113556.1.4.868" Boolean One System;
    DISPLAY_NAME = "displayName" "1.2.840.113556.1.2.13" Text One Stored;
    GIVEN_NAME = "givenName" "2.5.4.42" Text One Stored;
    SN = "sn" "2.5.4.4" Text One Stored;
    INITIALS = "initials" "2.5.4.43" Text One Stored;
    DESCRIPTION = "description" "2.5.4.13" Text One Stored;
    DEPARTMENT = "department" "1.2.840.113556.1.2.141" Text One Stored;
    TITLE = "title" "2.5.4.12" Text One Stored;
    COMPANY = "company" "1.2.840.113556.1.2.146" Text One Stored;
    TELEPHONE_NUMBER = "telephoneNumber" "2.5.4.20" Text One Stored;
    INFO = "info" "1.2.840.113556.1.2.81" Text One Stored;
    MAIL = "mail" "0.9.2342.19200300.100.1.3" Text One Stored;
    MAIL_NICKNAME = "mailNickname" "1.2.840.113556.1.2.447" Text One Stored;
    PROXY_ADDRESSES = "proxyAddresses" "1.2.840.113556.1.2.210" Text Many Stored;
    TARGET_ADDRESS = "targetAddress" "1.2.840.113556.1.2.352" Text One Stored;
    MS_EXCH_HIDE_FROM_ADDRESS_LISTS = "msExchHideFromAddressLists" "1.2.840.113556.1.4.7000.102.73" Boolean One Stored;
    MS_EXCH_RECIPIENT_TYPE_DETAILS = "msExchRecipientTypeDetails" "1.2.840.113556.1.4.7000.102.50855" LargeInteger One Stored;
    MS_EXCH_POLICIES_EXCLUDED = "msExchPoliciesExcluded" "1.2.840.113556.1.4.7000.102.50049" Text Many Stored;
    HOME_MDB = "homeMDB" "1.2.840.113556.1.2.244" Dn One Stored;
    EMPLOYEE_ID = "employeeID" "1.2.840.113556.1.4.35" Text One Stored;
    MANAGER = "manager" "0.9.2342.19200300.100.1.10" Dn One Stored;
    SERVICE_PRINCIPAL_NAME = "servicePrincipalName" "1.2.840.113556.1.4.771" Text Many Stored;
    MS_DS_CONSISTENCY_GUID = "mS-DS-ConsistencyGuid" "1.2.840.113556.1.4.1360" Bytes One Stored;
    EXTENSION_ATTRIBUTE_1 = "extensionAttribute1" "1.2.840.113556.1.2.423" Text One Stored;
    GROUP_TYPE = "groupType" "1.2.840.113556.1.4.750" Integer One Stored;
    MEMBER = "member" "2.5.4.31" Dn Many Stored;
    MEMBER_OF = "memberOf" "1.2.840.113556.1.2.102" Dn Many System;
    UPN_SUFFIXES = "uPNSuffixes" "1.2.840.113556.1.4.890" Text Many Stored;
    N_C_NAME = "nCName" "1.2.840.113556.1.2.16" Dn One System;
    DNS_ROOT = "dnsRoot" "1.2.840.113556.1.4.28" Text Many System;
    NETBIOS_NAME = "nETBIOSName" "1.2.840.113556.1.4.87" Text One System;
    SYSTEM_FLAGS = "systemFlags" "1.2.840.113556.1.4.375" Integer One System;
    ENABLED = "Enabled" "1.2.840.113556.1.2.557" Boolean One Stored;
    ROOT_TRUST = "rootTrust" "1.2.840.113556.1.4.674" Dn One System;
    TRUST_PARENT = "trustParent" "1.2.840.113556.1.4.471" Dn One System;
    MS_DS_BEHAVIOR_VERSION = "msDS-Behavior-Version" "1.2.840.113556.1.4.1459" Integer One System;
    FSMO_ROLE_OWNER = "fSMORoleOwner" "1.2.840.113556.1.4.369" Dn One Stored;
    DNS_HOST_NAME = "dNSHostName" "1.2.840.113556.1.4.619" Text One Stored;
    SERVER_REFERENCE = "serverReference" "1.2.840.113556.1.4.515" Dn One Stored;
    SERVER_REFERENCE_BL = "serverReferenceBL" "1.2.840.113556.1.4.516" Dn Many System;
    INVOCATION_ID = "invocationId" "1.2.840.113556.1.2.115" Guid One System;
    OPTIONS = "options" "1.2.840.113556.1.4.307" Integer One Stored;
    MS_DS_HAS_MASTER_NCS = "msDS-hasMasterNCs" "1.2.840.113556.1.4.1836" Dn Many System;
    HAS_MASTER_NCS = "hasMasterNCs" "1.2.840.113556.1.2.14" Dn Many System;
    MS_DS_HAS_DOMAIN_NCS = "msDS-HasDomainNCs" "1.2.840.113556.1.4.1820" Dn Many System;
    MS_DS_HAS_FULL_REPLICA_NCS = "msDS-hasFullReplicaNCs" "1.2.840.113556.1.4.1925" Dn Many System;
    MS_DS_IS_RODC = "msDS-isRODC" "1.2.840.113556.1.4.1960" Boolean One Constructed;
    MS_DS_IS_GC = "msDS-isGC" "1.2.840.113556.1.4.1959" Boolean One Constructed;
    OPERATING_SYSTEM = "operatingSystem" "1.2.840.113556.1.4.363" Text One Stored;
    DS_HEURISTICS = "dSHeuristics" "1.2.840.113556.1.2.212" Text One Stored;
    LDAP_ADMIN_LIMITS = "lDAPAdminLimits" "1.2.840.113556.1.4.843" Text Many Stored;
    MIN_PWD_LENGTH = "minPwdLength" "1.2.840.113556.1.4.79" Integer One Stored;
    PWD_HISTORY_LENGTH = "pwdHistoryLength" "1.2.840.113556.1.4.95" Integer One Stored;
    PWD_PROPERTIES = "pwdProperties" "1.2.840.113556.1.4.93" Integer One Stored;
    MAX_PWD_AGE = "maxPwdAge" "1.2.840.113556.1.4.74" LargeInteger One Stored;
    MIN_PWD_AGE = "minPwdAge" "1.2.840.113556.1.4.78" LargeInteger One Stored;
    LOCKOUT_THRESHOLD = "lockoutThreshold" "1.2.840.113556.1.4.73" Integer One Stored;
    LOCKOUT_DURATION = "lockoutDuration" "1.2.840.113556.1.4.60" LargeInteger One Stored;
    LOCKOUT_OBSERVATION_WINDOW = "lockOutObservationWindow" "1.2.840.113556.1.4.61" LargeInteger One Stored;
    PSO_PRECEDENCE = "msDS-PasswordSettingsPrecedence" "1.2.840.113556.1.4.2023" Integer One Stored;
    PSO_MINIMUM_LENGTH = "msDS-MinimumPasswordLength" "1.2.840.113556.1.4.2013" Integer One Stored;
    PSO_HISTORY_LENGTH = "msDS-PasswordHistoryLength" "1.2.840.113556.1.4.2014" Integer One Stored;
    PSO_COMPLEXITY = "msDS-PasswordComplexityEnabled" "1.2.840.113556.1.4.2015" Boolean One Stored;
    PSO_REVERSIBLE = "msDS-PasswordReversibleEncryptionEnabled" "1.2.840.113556.1.4.2016" Boolean One Stored;
    PSO_MAXIMUM_AGE = "msDS-MaximumPasswordAge" "1.2.840.113556.1.4.2011" LargeInteger One Stored;
    PSO_MINIMUM_AGE = "msDS-MinimumPasswordAge" "1.2.840.113556.1.4.2012" LargeInteger One Stored;
    PSO_LOCKOUT_THRESHOLD = "msDS-LockoutThreshold" "1.2.840.113556.1.4.2019" Integer One Stored;
    PSO_LOCKOUT_DURATION = "msDS-LockoutDuration" "1.2.840.113556.1.4.2018" LargeInteger One Stored;
    PSO_LOCKOUT_WINDOW = "msDS-LockoutObservationWindow" "1.2.840.113556.1.4.2017" LargeInteger One Stored;
    PSO_APPLIES_TO = "msDS-PSOAppliesTo" "1.2.840.113556.1.4.2020" Dn Many Stored;
    PSO_APPLIED = "msDS-PSOApplied" "1.2.840.113556.1.4.2021" Dn Many System;
    RESULTANT_PSO = "msDS-ResultantPSO" "1.2.840.113556.1.4.2022" Dn One Constructed;
    LDAP_DISPLAY_NAME = "lDAPDisplayName" "1.2.840.113556.1.2.460" Text One System;
    IS_SINGLE_VALUED = "isSingleValued" "1.2.840.113556.1.2.33" Boolean One System;
    REPL_UP_TO_DATE_VECTOR = "replUpToDateVector" "1.2.840.113556.1.4.4" Bytes One Constructed;
    REPL_PROPERTY_META_DATA = "replPropertyMetaData" "1.2.840.113556.1.4.3" Bytes One Constructed;
    ALLOWED_ATTRIBUTES_EFFECTIVE = "allowedAttributesEffective" "1.2.840.113556.1.4.914" Name Many Constructed;
    CANONICAL_NAME = "canonicalName" "1.2.840.113556.1.4.916" Text Many Constructed;
    STRUCTURAL_OBJECT_CLASS = "structuralObjectClass" "2.5.21.9" Name Many Constructed;
    NC_REPL_CURSORS = "msDS-NCReplCursors" "1.2.840.113556.1.4.1704" Text Many Constructed;
    REPL_ATTRIBUTE_META_DATA = "msDS-ReplAttributeMetaData" "1.2.840.113556.1.4.1707" Text Many Constructed;
    CREATE_TIME_STAMP = "createTimeStamp" "2.5.18.1" Time One Constructed;
    MODIFY_TIME_STAMP = "modifyTimeStamp" "2.5.18.2" Time One Constructed;
    SUB_SCHEMA_SUB_ENTRY = "subSchemaSubEntry" "2.5.18.10" Dn Many Constructed;
    ATTRIBUTE_TYPES = "attributeTypes" "2.5.21.5" Text Many Constructed;
    TOMBSTONE_LIFETIME = "tombstoneLifetime" "1.2.840.113556.1.2.54" Integer One Stored;
    OBJECT_VERSION = "objectVersion" "1.2.840.113556.1.2.76" Integer One System;
    MS_DS_ENABLED_FEATURE = "msDS-EnabledFeature" "1.2.840.113556.1.4.2061" Dn Many System;
    OBJECT_CLASSES = "objectClasses" "2.5.21.6" Text Many Constructed;
}
