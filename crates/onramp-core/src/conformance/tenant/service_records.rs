//! The suite of [`ServiceRecords`].

use crate::ErrorKind;
use crate::conformance::{TenantFixture, done, expect_kind};
use crate::tenant::ServiceRecords;

/// Everything that [`ServiceRecords`] promises.
pub async fn run(port: &dyn ServiceRecords, fixture: &TenantFixture) {
    let domain = &fixture.verified_domain;
    let records = done(port.service_records(domain).await, "reading the service records of a domain");
    for record in &records {
        let label = record.label.to_ascii_lowercase();
        assert!(
            label == domain.ascii() || label.ends_with(&format!(".{}", domain.ascii())),
            "the name of a record is whole: {record}"
        );
        assert!(!record.service.is_empty(), "a record is for a service: {record:?}");
    }
    assert_eq!(
        done(port.service_records(domain).await, "reading them again").len(),
        records.len(),
        "records stay the same"
    );
    let unknown = fixture.new_domain("service");
    expect_kind(
        port.service_records(&unknown).await,
        ErrorKind::NotFound,
        "reading the service records of a domain that the tenant does not have",
    );
}
