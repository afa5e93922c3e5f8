//! Ports of a tenant that break one promise each.

mod access;
mod applications;
mod caller;
mod domains;
mod users;

use std::sync::Arc;

use onramp_core::conformance::{PollTimeout, TenantFixture, tenant};
use onramp_core::{DomainName, ErrorKind, ManualClock, Result, Tenant};
use onramp_lab::tenant::LabTenant;

use super::{compare, complaint};

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    AddsDomainsAgain,
    ListsDomainsTwice,
    VerifiesWithoutARecord,
    HasNoRecords,
    RemovesUnknownDomains,
    CreatesTwins,
    FindsByExactSpelling,
    ListsNobody,
    ForgetsMails,
    OverwritesWhatIsNotNamed,
    TakesAnyPassword,
    DeletesTwice,
    AssignsAgain,
    HidesHolders,
    HidesAssignments,
    KeepsRoles,
    ForgetsMfa,
    AcceptsWrongPasswords,
    KnowsEveryUser,
    RefusesASecondUnassign,
    GivesNobodyAccess,
    FindsByBeginning,
    HasNoPrincipal,
    RegistersAgain,
    AcceptsAnyCertificate,
    ForgetsPermissions,
    SwitchesSilently,
    SwitchesBackAtOnce,
    HidesReferences,
    CallsEveryDomainARoot,
    RestoresWhatIsThere,
    CallsEverybodyEligible,
    OverlooksTheUsersOwnState,
    ForecastsNothing,
    KnowsEverySubscription,
    ReplacesCertificates,
    GrantsAnything,
    NeverLocksOut,
    CutsLabels,
    HasRecordsOfAnyDomain,
    HasNoRights,
}

#[derive(Debug, Clone)]
struct Mutant {
    sound: Tenant,
    broken: Broken,
}

impl Mutant {
    fn is(&self, broken: Broken) -> bool {
        self.broken == broken
    }
}

/// Makes a success of a refusal of that kind.
fn hide<T>(result: Result<T>, kind: ErrorKind, value: T) -> Result<T> {
    match result {
        Err(error) if error.kind() == kind => Ok(value),
        other => other,
    }
}

async fn try_out(broken: Broken) -> String {
    let clock = Arc::new(ManualClock::default());
    let lab =
        LabTenant::builder().seed(5).users(12).auto_publish_dns(false).clock(clock.clone()).build().unwrap();
    let domain = DomainName::parse(&lab.initial_domain()).unwrap();
    let records = Arc::new(crate::tenant::conformance::SimulatedDns(lab.clone()));
    let fixture = TenantFixture::new("lab", domain, PollTimeout::new(clock))
        .with_records(records)
        .with_subscription(lab.subscription_ids()[0])
        .with_sync_switching()
        .with_sign_in();
    let mutant = Arc::new(Mutant { sound: lab.tenant(), broken });
    let ports = Tenant::from_ports(Arc::clone(&mutant)).with_application_sign_in(mutant);
    complaint(broken, tenant::run(&ports, &fixture)).await
}

#[tokio::test]
async fn every_broken_promise_is_noticed() {
    let promises = [
        (Broken::AddsDomainsAgain, "adding a domain again must fail"),
        (Broken::ListsDomainsTwice, "is listed once"),
        (Broken::VerifiesWithoutARecord, "nothing is published yet"),
        (Broken::HasNoRecords, "a new domain has records to publish"),
        (Broken::RemovesUnknownDomains, "removing an unknown domain must fail"),
        (Broken::CreatesTwins, "creating a second user with a UPN must fail"),
        (Broken::FindsByExactSpelling, "is found, whatever its case"),
        (Broken::ListsNobody, "a new user is listed once"),
        (Broken::ForgetsMails, "a new user has the mail addresses that were asked for"),
        (Broken::OverwritesWhatIsNotNamed, "what is not named stays"),
        (Broken::TakesAnyPassword, "setting a password too short must fail"),
        (Broken::DeletesTwice, "deleting an unknown user must fail"),
        (Broken::AssignsAgain, "giving a role again must fail"),
        (Broken::HidesAssignments, "a role given is once among the tenant's"),
        (Broken::HidesHolders, "the principal is among the role's holders"),
        (Broken::KeepsRoles, "a role taken back is gone"),
        (Broken::ForgetsMfa, "reads show Enforced"),
        (Broken::AcceptsWrongPasswords, "a wrong password is wrong"),
        (Broken::KnowsEveryUser, "nobody is an unknown user"),
        (Broken::RefusesASecondUnassign, "taking access back twice must succeed"),
        (Broken::GivesNobodyAccess, "giving access to an unknown subscription must fail"),
        (Broken::FindsByBeginning, "only the exact name finds it"),
        (Broken::HasNoPrincipal, "a service principal is shown with its application"),
        (Broken::RegistersAgain, "the same name is the same application"),
        (Broken::AcceptsAnyCertificate, "a certificate that was not added is unknown"),
        (Broken::ForgetsPermissions, "a permission granted is in the token"),
        (Broken::SwitchesSilently, "reads show that it is on"),
        (Broken::SwitchesBackAtOnce, "switching on while switching off must fail"),
        (Broken::HidesReferences, "a user on a domain is among its references"),
        (Broken::CallsEveryDomainARoot, "the root of a domain below another is that one"),
        (Broken::RestoresWhatIsThere, "restoring a user that is there must fail"),
        (Broken::CallsEverybodyEligible, "a new user is eligible for no role"),
        (Broken::OverlooksTheUsersOwnState, "the whole answer holds the per-user state"),
        (Broken::ForecastsNothing, "a new account has no state of its own"),
        (Broken::KnowsEverySubscription, "the classic administrators of an unknown subscription must fail"),
        (Broken::ReplacesCertificates, "a certificate added again is the one that is there"),
        (Broken::GrantsAnything, "granting nobody a permission must fail"),
        (Broken::NeverLocksOut, "accounts are locked out after some tries"),
        (Broken::CutsLabels, "the name of a record is whole"),
        (Broken::HasRecordsOfAnyDomain, "a domain that the tenant does not have must fail"),
        (Broken::HasNoRights, "a token is for something"),
    ];
    let mut said = Vec::new();
    for (broken, expected) in promises {
        said.push((broken, expected, try_out(broken).await));
    }
    compare(said);
}
