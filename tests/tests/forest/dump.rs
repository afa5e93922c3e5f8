//! The users of a controller as an independent client reads them, to compare with the client's report.

use std::collections::BTreeMap;

use onramp_core::ObjectGuid;
use onramp_core::forest::{AttributeValue, ObjectChange};
use onramp_samba::{AttributeMetadata, Forest, Scope};

/// The users of one controller at one moment, by their GUID.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dump(BTreeMap<[u8; 16], Seen>);

/// The values that a controller holds for a user's UPN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) upn: Option<String>,
    /// The number of writes.
    pub(crate) version: u32,
}

/// The number of versions that one change takes: Samba counts the removed value and the added one.
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

    /// Returns the fate of a change since an earlier dump.
    #[track_caller]
    pub(crate) fn fate(&self, earlier: &Self, change: &ObjectChange) -> Fate {
        let (before, now) = (earlier.get(&change.guid), self.get(&change.guid));
        let [upn] = change.attributes.as_slice() else { panic!("it changes the UPN only: {change:?}") };
        let text = |values: &[AttributeValue]| values.first().map(ToString::to_string);
        assert_eq!(before.upn, text(&upn.remove), "the change was planned with what was there");
        if now == before {
            return Fate::NotMade;
        }
        let once = Seen { upn: text(&upn.add), version: before.version + VERSIONS_OF_A_CHANGE };
        assert_eq!(*now, once, "made once, or not at all: {change:?}");
        Fate::MadeOnce
    }
}

/// The result of a change in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The value is the old one, and was not written.
    NotMade,
    /// The value is the new one, and was written once.
    MadeOnce,
}
