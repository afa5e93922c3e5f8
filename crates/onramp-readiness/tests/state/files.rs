//! The file of a state.

use onramp_core::AttributeName;
use onramp_core::tenant::TenantUser;
use onramp_readiness::state::{ScanState, StateError, StateRecord, StateSource, StateWriter};
use onramp_readiness::{AttributeValue, DirectoryObject, attributes};
use proptest::prelude::*;
use time::macros::datetime;

use crate::{container, file, guid, user};

fn records(file: &[u8]) -> Vec<StateRecord> {
    let state = ScanState::read(file).unwrap();
    state.records(file).collect::<Result<_, _>>().unwrap()
}

/// A state of each kind of record.
fn whole() -> Vec<u8> {
    let cloud = TenantUser::new(
        "00000000-0000-0000-0000-000000000001".parse().unwrap(),
        "anna@contoso.com".parse().unwrap(),
    );
    let head = StateRecord::Container(container(1, "DC=corp,DC=local"));
    file(&[head, user(2, "CN=Anna,DC=corp,DC=local"), StateRecord::CloudUser(Box::new(cloud))])
}

#[test]
fn sources_and_time_come_back() {
    let source =
        StateSource::new("DC=corp", "a GUID", r"CORP\reader", serde_json::json!({ "cookie": "00ff" }));
    let at = datetime!(2026-07-01 12:00 UTC);
    let writer = StateWriter::new(Vec::new()).unwrap();
    let state = ScanState::read(writer.finish(vec![source.clone()], at).unwrap().as_slice()).unwrap();
    assert_eq!((state.source("DC=corp"), state.written_at), (Some(&source), at));
    assert_eq!(state.source("DC=other"), None);
    for other in [
        StateSource::new("DC=other", "a GUID", r"CORP\reader", source.cursor.clone()),
        StateSource::new("DC=corp", "another", r"CORP\reader", source.cursor.clone()),
        StateSource::new("DC=corp", "a GUID", r"CORP\other", source.cursor.clone()),
    ] {
        assert!(!source.is_same(&other), "{other:?}");
    }
}

#[test]
fn of_members_only_the_number_is_kept() {
    let group = (0..3_u8).fold(DirectoryObject::new("CN=All,DC=corp").with_guid(guid(3)), |group, member| {
        group.with_text(attributes::MEMBER, format!("CN=Member {member},DC=corp"))
    });
    let file = file(&[StateRecord::Object(group)]);
    assert!(!String::from_utf8_lossy(&file).contains("Member"));
    assert_eq!(ScanState::read(file.as_slice()).unwrap().groups, [(guid(3), 3)]);
    let [StateRecord::Object(group)] = &records(&file)[..] else { panic!("one group") };
    assert_eq!(group.values(&attributes::MEMBER).len(), 3);
}

#[test]
fn users_of_the_tenant_are_read_alone() {
    let file = whole();
    let state = ScanState::read(file.as_slice()).unwrap();
    let users: Vec<_> = state.cloud_users(file.as_slice()).collect::<Result<_, _>>().unwrap();
    assert!(matches!(users.as_slice(), [StateRecord::CloudUser(_)]), "{users:?}");
}

#[test]
fn an_object_without_a_guid_is_refused() {
    let mut writer = StateWriter::new(Vec::new()).unwrap();
    assert!(writer.write(&StateRecord::Object(DirectoryObject::new("CN=Anna"))).is_err());
}

#[test]
fn another_version_and_another_file_are_told() {
    let text = String::from_utf8(whole()).unwrap();
    let newer = text.replacen("\"format_version\":1", "\"format_version\":2", 1);
    let refused = |text: &str| ScanState::read(text.as_bytes()).unwrap_err();
    assert!(matches!(refused(&newer), StateError::Version(2)));
    assert!(refused(&newer).to_string().contains("version 2"));
    let other = text.replacen("onramp-readiness-state", "onramp-journal", 1);
    for foreign in ["", "\n", "# a baseline\n", "[]\n", &other] {
        assert!(matches!(refused(foreign), StateError::NotAState), "{foreign:?}");
    }
}

#[test]
fn every_cut_and_every_other_octet_is_noticed() {
    let file = whole();
    for at in 0..file.len() {
        assert!(ScanState::read(&file[..at]).is_err(), "cut at {at}");
        let mut spoiled = file.clone();
        spoiled[at] ^= 1;
        assert!(ScanState::read(spoiled.as_slice()).is_err(), "another octet at {at}");
    }
    let more = [file.as_slice(), b"{}\n"].concat();
    assert!(matches!(ScanState::read(more.as_slice()).unwrap_err(), StateError::Damaged(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn objects_come_back_octet_by_octet(
        objects in prop::collection::vec(
            (
                "\\PC{1,20}",
                prop::collection::btree_map("[a-z]{1,6}", prop::collection::vec(prop_oneof![
                    "\\PC{0,12}".prop_map(AttributeValue::text),
                    Just(AttributeValue::text("\0begins like octets")),
                    prop::collection::vec(any::<u8>(), 0..12).prop_map(AttributeValue::bytes),
                ], 1..4), 0..5),
            ),
            0..8,
        )
    ) {
        let objects: Vec<StateRecord> = objects
            .into_iter()
            .zip(0_u8..)
            .map(|((dn, values), number)| {
                let mut object = DirectoryObject::new(dn).with_guid(guid(number));
                for (name, values) in values {
                    object.set(AttributeName::parse(&name).unwrap(), values);
                }
                StateRecord::Object(object)
            })
            .collect();
        prop_assert_eq!(records(&file(&objects)), objects);
    }

    #[test]
    fn no_file_is_fatal(text in "(\\PC{0,30}\n?){0,4}") {
        prop_assert!(ScanState::read(text.as_bytes()).is_err());
    }
}
