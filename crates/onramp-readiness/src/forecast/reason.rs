//! The attributes on which objects match, and the reasons why they do not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The attribute on which an AD user and a cloud user match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MatchKind {
    /// The source anchor: a hard match.
    SourceAnchor,
    /// The primary SMTP address: a soft match.
    PrimarySmtp,
    /// The UPN: a soft match.
    Upn,
}

impl fmt::Display for MatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourceAnchor => "hard match on the source anchor",
            Self::PrimarySmtp => "soft match on the primary SMTP address",
            Self::Upn => "soft match on the UPN",
        })
    }
}

/// The reason why an AD user and a cloud user with the same name are not matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ConflictReason {
    /// The cloud user holds an administrator role: never matched ("Existing Admin Role Conflict").
    AdministratorRole,
    /// The cloud user has the anchor of another object: `InvalidSoftMatch`.
    OtherAnchor,
    /// A match of a kind that the tenant blocks.
    MatchBlocked,
    /// The cloud user has the UPN, and the AD user is matched with another one: it will get a generated UPN.
    #[serde(rename = "upn-in-the-way")]
    UpnConflict,
    /// The cloud user has an address of the AD user: `AttributeValueMustBeUnique`.
    #[serde(rename = "address-in-the-way")]
    AddressConflict,
    /// The cloud object is of another class: `ObjectTypeMismatch`.
    ObjectTypeMismatch,
    /// The cloud object's `onPremisesObjectIdentifier` names another object: hard matches of those are blocked since July
    /// 2026.
    MappedToAnother,
}

impl fmt::Display for ConflictReason {
    // The ID of a consequence has a digest of these sentences: an approval of an older plan must keep its ID.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdministratorRole => {
                "not joined, because the cloud user holds an administrator role; take the role away first"
            }
            Self::OtherAnchor => "not joined, because the cloud user has the source anchor of another object",
            Self::MatchBlocked => "not joined, because the tenant blocks this kind of match",
            Self::UpnConflict => "the cloud user has the UPN, so the AD user will get a made-up one",
            Self::AddressConflict => "the cloud user has an address of the AD user",
            Self::ObjectTypeMismatch => "not joined, because the cloud object is of another class",
            Self::MappedToAnother => {
                "not joined, because the cloud object is mapped to another object of AD (onPremisesObjectIdentifier)"
            }
        })
    }
}

/// The kinds of match that the tenant blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MatchesBlocked {
    /// `blockSoftMatchEnabled`.
    pub soft: bool,
    /// `blockCloudObjectTakeoverThroughHardMatchEnabled`.
    pub hard: bool,
    /// `softMatchOnUpnEnabled` is off: addresses alone are matched.
    #[serde(default, skip_serializing_if = "is_false")]
    pub upn: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A fact that decides on a match and is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum UnknownReason {
    /// `blockSoftMatchEnabled`.
    BlockSoftMatch,
    /// `blockCloudObjectTakeoverThroughHardMatchEnabled`.
    BlockHardMatch,
    /// `softMatchOnUpnEnabled`.
    SoftMatchOnUpn,
    /// The directory roles of the cloud user.
    Roles,
    /// `onPremisesObjectIdentifier` of the cloud object.
    ObjectIdentifier,
    /// `allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled`.
    ObjectIdentifierUpdate,
    /// The source anchor of one of the two.
    Anchor,
    /// The first of several objects of AD that match one cloud object: it is matched, and the others are conflicts.
    Order,
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlockSoftMatch => "whether the tenant blocks soft matches (blockSoftMatchEnabled)",
            Self::BlockHardMatch => {
                "whether the tenant blocks hard matches (blockCloudObjectTakeoverThroughHardMatchEnabled)"
            }
            Self::SoftMatchOnUpn => "whether the tenant matches by UPN (softMatchOnUpnEnabled)",
            Self::Roles => "whether the cloud user holds a directory role",
            Self::ObjectIdentifier => {
                "whether the cloud object is mapped to another object of AD (onPremisesObjectIdentifier)"
            }
            Self::ObjectIdentifierUpdate => {
                "whether the tenant lets a mapped object be matched again \
                 (allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled)"
            }
            Self::Anchor => "whether the cloud object has the source anchor of this object or of another one",
            Self::Order => {
                "which of the objects that match this cloud object is synchronized first: the others will be conflicts"
            }
        })
    }
}
