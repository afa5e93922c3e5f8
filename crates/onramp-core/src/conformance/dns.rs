//! The suite of [`Dns`].

use super::{done, expect_kind};
use crate::ErrorKind;
use crate::dns::{Dns, DnsRecord, DnsRecordType};

/// Everything that [`Dns`] promises, of a zone that has these records: a name and its data each. `nowhere` is a name in it
/// that does not exist.
pub async fn run(port: &dyn Dns, records: &[(String, DnsRecord)], nowhere: &str) {
    let types = [DnsRecordType::Txt, DnsRecordType::Mx, DnsRecordType::Cname, DnsRecordType::Srv];
    for (name, expected) in records {
        for spelling in [name.clone(), format!("{name}."), name.to_uppercase()] {
            let found = done(port.lookup(&spelling, expected.record_type()).await, "looking up a record");
            assert!(found.iter().any(|one| one.is_same_as(expected)), "{expected} at {spelling}: {found:?}");
            assert!(
                found.iter().all(|one| one.record_type() == expected.record_type()),
                "records of the type that was asked for: {found:?}"
            );
        }
    }
    for record_type in types {
        let found = done(port.lookup(nowhere, record_type).await, "looking up a name that does not exist");
        assert_eq!(found, [], "{nowhere} has no {record_type} records");
    }
    for name in ["", "a..b", &"x".repeat(300)] {
        expect_kind(
            port.lookup(name, DnsRecordType::Txt).await,
            ErrorKind::Invalid,
            "looking up what is no name",
        );
    }
}
