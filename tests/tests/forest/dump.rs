//! What an independent client reads of the users of a controller, to hold what the client said against it.

use std::collections::BTreeMap;

use onramp_core::ObjectGuid;
use onramp_core::forest::UpnChange;
use onramp_samba::{AttributeMetadata, Forest, Scope};

/// The users of one controller at some moment, by their GUID.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dump(BTreeMap<[u8; 16], Seen>);

/// What a controller holds of a user's UPN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) upn: Option<String>,
    /// How often it was written.
    pub(crate) version: u32,
}

/// How many versions one change takes: Samba counts the value that goes and the one that comes.
const VERSIONS_OF_A_CHANGE: u32 = 2;

impl Dump {
    /// Reads all users that were added to the forest from controller `index`, also while its network is cut.
    pub(crate) fn of(forest: &Forest, index: usize) -> Self {
        let attributes = ["objectGUID", "userPrincipalName", "replPropertyMetaData"];
        let filter = "(&(objectClass=user)(sAMAccountName=user*))";
        let found = forest.ldapsearch(index, forest.base_dn(), Scope::Subtree, filter, &attributes).unwrap();
        let seen = found.iter().map(|entry| {
            let metadata = AttributeMetadata::parse(entry.bytes("replPropertyMetaData").unwrap()).unwrap();
            let written =
                |each: &&AttributeMetadata| each.attribute == AttributeMetadata::USER_PRINCIPAL_NAME;
            let seen = Seen {
                upn: entry.text("userPrincipalName").map(str::to_owned),
                version: metadata.iter().find(written).map_or(0, |upn| upn.version),
            };
            (entry.bytes("objectGUID").unwrap().try_into().unwrap(), seen)
        });
        Self(seen.collect())
    }

    pub(crate) fn get(&self, guid: &ObjectGuid) -> &Seen {
        &self.0[guid.as_bytes()]
    }

    /// What became of a change since an earlier look.
    #[track_caller]
    pub(crate) fn fate(&self, earlier: &Self, change: &UpnChange) -> Fate {
        let (before, now) = (earlier.get(&change.guid), self.get(&change.guid));
        assert_eq!(before.upn, change.before, "the change was planned with what was there");
        if now == before {
            return Fate::NotMade;
        }
        let once = Seen {
            upn: Some(change.after.as_str().to_owned()),
            version: before.version + VERSIONS_OF_A_CHANGE,
        };
        assert_eq!(*now, once, "made once, or not at all: {change:?}");
        Fate::MadeOnce
    }
}

/// What the directory shows of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The value is the one before, and nobody wrote it.
    NotMade,
    /// The value is the one after, and it was written once.
    MadeOnce,
}
