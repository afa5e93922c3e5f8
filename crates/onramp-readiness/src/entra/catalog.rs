//! The list of rules.

use std::borrow::Cow;

use crate::{RuleId, RuleInfo, Severity};

const PREPARE: &str = "Microsoft 365: Prepare directory attributes for synchronization";
const GRAPH_USER: &str = "Microsoft Graph: user resource type";
const TROUBLESHOOT: &str = "Microsoft Entra Connect: Troubleshoot errors during synchronization";
const DEFAULT_RULES: &str = "Microsoft Entra Connect Sync: Understand the default configuration";
const EXISTING_TENANT: &str = "Microsoft Entra Connect: When you have an existing tenant";
const CONCEPTS: &str = "Microsoft Entra Connect: Design concepts (sourceAnchor)";
const UPN_POPULATION: &str = "Microsoft Entra UserPrincipalName population";
const SMTP: &str = "RFC 5321 section 4.5.3.1";
const UNICODE: &str = "Unicode Technical Standard 39";
const LDAP_SYNTAXES: &str = "RFC 4517 section 3.3.6 (Directory String)";

macro_rules! rules {
    ($($rule:ident $id:literal $severity:ident [$($tag:literal)*] $limit:expr, $source:expr, $title:literal;)*) => {
        /// A rule of the profile `entra`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Rule { $($rule,)* }

        impl Rule {
            /// All rules, in the order of the catalog.
            pub(crate) const ALL: &[Self] = &[$(Self::$rule,)*];

            /// The stable ID.
            pub(crate) fn id(self) -> RuleId {
                RuleId::from_static(match self { $(Self::$rule => $id,)* })
            }

            /// The description.
            pub(crate) fn info(self) -> RuleInfo {
                match self {
                    $(Self::$rule => RuleInfo {
                        id: self.id(),
                        title: Cow::Borrowed($title),
                        severity: Severity::$severity,
                        tags: vec![$(Cow::Borrowed($tag),)*],
                        limit: $limit,
                        source: Cow::Borrowed($source),
                    },)*
                }
            }
        }
    };
}

rules! {
    UpnMissing "upn-missing" Warning ["upn"] None, UPN_POPULATION,
        "A user has a UPN; without one, Entra makes it of the sAMAccountName and the initial domain";
    UpnShape "upn-shape" Error ["upn" "format"] None, PREPARE,
        "A UPN has one “@” with text on both sides";
    UpnLength "upn-length" Error ["upn" "length"] Some(113), PREPARE,
        "A UPN has at most 113 characters";
    UpnPrefixLength "upn-prefix-length" Error ["upn" "length"] Some(64), PREPARE,
        "A UPN has at most 64 characters before the “@”";
    UpnSuffixLength "upn-suffix-length" Error ["upn" "length"] Some(48), PREPARE,
        "A UPN has at most 48 characters after the “@”";
    UpnCharacter "upn-character" Error ["upn" "character"] None, PREPARE,
        "A UPN has only letters A to Z, digits, and ' . - _ ! # ^ ~ before the “@”";
    UpnDots "upn-dots" Error ["upn" "format"] None, PREPARE,
        "A UPN has no dot at the beginning, none right before the “@”, and no two dots together";
    UpnSuffixNotADomain "upn-suffix-not-a-domain" Error ["upn" "domain"] None, PREPARE,
        "The suffix of a UPN is a domain name";
    UpnSuffixNotRoutable "upn-suffix-not-routable" Warning ["upn" "domain"] None, UPN_POPULATION,
        "The suffix of a UPN is a name that can be registered in DNS";
    UpnSuffixNotVerified "upn-suffix-not-verified" Warning ["upn" "domain" "tenant"] None, UPN_POPULATION,
        "The suffix of a UPN is a domain that the tenant has verified";
    AddressPrefixMissing "address-prefix-missing" Error ["address" "format"] None, PREPARE,
        "A proxy address begins with its type, such as SMTP: or X500:";
    AddressLength "address-length" Error ["address" "length"] Some(256), PREPARE,
        "A proxy address has at most 256 characters with its type";
    AddressCharacter "address-character" Error ["address" "character"] None, PREPARE,
        "A proxy address has no white space, no letter with a mark, and none of < > ( ) ; , [ ] \"";
    AddressFormat "address-format" Error ["address" "format"] None, SMTP,
        "An SMTP address has one “@”, and a local part of characters that mail allows";
    AddressDots "address-dots" Error ["address" "format"] None, SMTP,
        "The local part of an address has no dot at an end and no two dots together";
    AddressLocalLength "address-local-length" Error ["address" "length"] Some(64), SMTP,
        "The local part of an address has at most 64 octets";
    AddressDomain "address-domain" Error ["address" "domain"] None, SMTP,
        "The domain of an address is a domain name";
    AddressDomainNotRoutable "address-domain-not-routable" Warning ["address" "domain"] None, PREPARE,
        "The domain of an address can be registered in DNS";
    AddressDomainNotVerified "address-domain-not-verified" Note ["address" "domain" "tenant"] None, PREPARE,
        "The domain of an address is one that the tenant has verified";
    AddressSecondColon "address-second-colon" Error ["address" "character"] None, PREPARE,
        "A proxy address has no colon but the one after its type";
    AddressPrimaryMissing "address-primary-missing" Warning ["address" "primary"] None, DEFAULT_RULES,
        "One of the SMTP addresses is the primary one, with SMTP: in capitals";
    AddressPrimarySeveral "address-primary-several" Error ["address" "primary"] None, PREPARE,
        "Only one address is the primary SMTP address";
    AddressRepeated "address-repeated" Warning ["address" "duplicate"] None, PREPARE,
        "An object has each address once";
    AddressCount "address-count" Warning ["address" "length"] Some(300), PREPARE,
        "An object has at most 300 proxy addresses";
    MailLength "mail-length" Error ["mail" "length"] Some(256), PREPARE,
        "A mail address has at most 256 characters";
    MailFormat "mail-format" Error ["mail" "format"] None, SMTP,
        "A mail address is an SMTP address without a type before it";
    MailNotPrimary "mail-not-primary" Warning ["mail" "primary"] None, DEFAULT_RULES,
        "The mail address is the primary SMTP address";
    TargetLength "target-length" Error ["target-address" "length"] Some(256), PREPARE,
        "A target address has at most 256 characters";
    TargetFormat "target-format" Error ["target-address" "format"] None, PREPARE,
        "A target address is a type and an address without white space and without any of \\ < > ( ) ; , [ ] \"";
    NicknameLength "nickname-length" Error ["mail-nickname" "length"] Some(64), PREPARE,
        "A mail nickname has at most 64 characters";
    NicknameCharacter "nickname-character" Warning ["mail-nickname" "character"] None, PREPARE,
        "A mail nickname has only letters, digits and signs that Exchange Online keeps";
    NicknameDots "nickname-dots" Error ["mail-nickname" "format"] None, PREPARE,
        "A mail nickname has no dot at an end and no two dots together";
    SamLength "sam-account-name-length" Error ["sam-account-name" "length"] Some(20), PREPARE,
        "The sAMAccountName of a user has at most 20 characters";
    SamCharacter "sam-account-name-character" Error ["sam-account-name" "character"] None, PREPARE,
        "A sAMAccountName has none of \" [ ] : ; | = + * ? < > / \\ , and no control character";
    DisplayNameMissing "display-name-missing" Warning ["name"] None, PREPARE,
        "A display name is not empty";
    DisplayNameLength "display-name-length" Error ["name" "length"] Some(256), PREPARE,
        "A display name has at most 256 characters";
    GivenNameLength "given-name-length" Error ["name" "length"] Some(64), PREPARE,
        "A given name has at most 64 characters";
    SurnameLength "surname-length" Error ["name" "length"] Some(64), PREPARE,
        "A surname has at most 64 characters";
    CommonNameLength "common-name-length" Error ["name" "length"] Some(64), PREPARE,
        "A common name has at most 64 characters";
    CompanyLength "company-length" Error ["name" "length"] Some(64), GRAPH_USER,
        "A company name has at most 64 characters";
    DepartmentLength "department-length" Error ["name" "length"] Some(64), GRAPH_USER,
        "A department has at most 64 characters";
    TitleLength "title-length" Error ["name" "length"] Some(128), GRAPH_USER,
        "A job title has at most 128 characters";
    EdgeWhiteSpace "edge-white-space" Warning ["character"] None, TROUBLESHOOT,
        "A value has no white space at its beginning or end";
    InvisibleCharacter "invisible-character" Warning ["character"] None, UNICODE,
        "A value has no control character, no invisible one, and none that changes the direction of text";
    TextEncoding "text-encoding" Error ["character"] None, LDAP_SYNTAXES,
        "A value of text is UTF-8";
    ConfusableCharacter "confusable-character" Note ["character"] None, UNICODE,
        "A name does not mix letters of scripts that look alike";
    GroupMembers "group-members" Warning ["group" "length"] Some(50_000), DEFAULT_RULES,
        "A group has at most 50,000 members; more need the newer endpoint of synchronization";
    SourceAnchorFormat "source-anchor-format" Error ["source-anchor"] None, CONCEPTS,
        "mS-DS-ConsistencyGuid has 16 octets";
    ReplicationConflict "replication-conflict" Warning ["object"] None, DEFAULT_RULES,
        "No object is the loser of a replication conflict (CNF:)";
    DuplicateUpn "duplicate-upn" Error ["upn" "duplicate"] None, TROUBLESHOOT,
        "No two objects have the same UPN";
    DuplicateAddress "duplicate-address" Error ["address" "duplicate"] None, TROUBLESHOOT,
        "No two objects have the same address, in whatever attribute";
    DuplicateTargetAddress "duplicate-target-address" Warning ["target-address" "duplicate"] None, PREPARE,
        "No two objects have the same target address";
    DuplicateNickname "duplicate-mail-nickname" Warning ["mail-nickname" "duplicate"] None, PREPARE,
        "No two objects have the same mail nickname";
    DuplicateSam "duplicate-sam-account-name" Error ["sam-account-name" "duplicate"] None, PREPARE,
        "No two users have the same sAMAccountName in one domain, nor anywhere if one of them has no UPN";
    DuplicateSourceAnchor "duplicate-source-anchor" Error ["source-anchor" "duplicate"] None, CONCEPTS,
        "No two objects have the same mS-DS-ConsistencyGuid";
    CloudOverwrite "cloud-overwrite" Warning ["tenant" "match"] None, EXISTING_TENANT,
        "Synchronization overwrites no object of the tenant";
    CloudConflict "cloud-conflict" Error ["tenant" "match"] None, TROUBLESHOOT,
        "No object of the tenant that is another one has a UPN or an address of the object";
    CloudUnknown "cloud-unknown" Warning ["tenant" "match"] None, EXISTING_TENANT,
        "Everything is known that decides whether synchronization overwrites an object of the tenant";
}
