//! Ports of a tenant that break one promise each.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::contract::{Patience, TenantFixture, tenant};
use onramp_core::tenant::{
    AppRole, AppRoleAssignment, Application, Applications, AzureRoleId, CertificateCredential,
    ClassicAdministrator, DeletedUser, DirectorySync, DomainReference, Domains, MfaState, NewCertificate,
    NewUser, PasswordRuleSettings, PasswordRules, PrincipalType, ProvisioningError, RoleAssignment,
    RoleTemplateId, Roles, SecondFactor, SignIn, SignInProbe, Subscription, SubscriptionRoleAssignment,
    Subscriptions, SyncFeatures, SyncStatus, TenantDomain, TenantUser, TenantUsers, UserUpdate, Verification,
    VerificationRecord,
};
use onramp_core::{
    BoxStream, DomainName, Error, ErrorKind, ManualClock, ObjectId, Password, Result, Tenant, Upn,
};
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
    KeepsRoles,
    ForgetsMfa,
    AcceptsWrongPasswords,
    KnowsEveryUser,
    RefusesASecondUnassign,
    GivesNobodyAccess,
    FindsByBeginning,
    HasNoPrincipal,
    ReusesApplications,
    SwitchesSilently,
    SwitchesBackAtOnce,
    HidesReferences,
    CallsEveryDomainARoot,
    RestoresWhatIsThere,
    CallsEverybodyEligible,
    OverlooksTheUsersOwnState,
    KnowsEverySubscription,
    ReplacesCertificates,
    GrantsAnything,
    NeverLocksOut,
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
fn hide<T>(result: Result<T>, kind: &ErrorKind, value: T) -> Result<T> {
    match result {
        Err(error) if error.kind() == kind => Ok(value),
        other => other,
    }
}

#[async_trait]
impl Domains for Mutant {
    async fn list(&self) -> Result<Vec<TenantDomain>> {
        let mut all = self.sound.domains.list().await?;
        if self.is(Broken::ListsDomainsTwice) {
            all.push(TenantDomain::new(all[0].name.clone(), true));
        }
        Ok(all)
    }

    async fn get(&self, name: &DomainName) -> Result<TenantDomain> {
        self.sound.domains.get(name).await
    }

    async fn add(&self, name: &DomainName) -> Result<TenantDomain> {
        match self.sound.domains.add(name).await {
            Err(error) if self.is(Broken::AddsDomainsAgain) && error.is_already_exists() => {
                Domains::get(self, name).await
            }
            other => other,
        }
    }

    async fn verification_records(&self, name: &DomainName) -> Result<Vec<VerificationRecord>> {
        let mut records = self.sound.domains.verification_records(name).await?;
        if self.is(Broken::HasNoRecords) {
            records.clear();
        }
        Ok(records)
    }

    async fn verify(&self, name: &DomainName) -> Result<Verification> {
        let answer = self.sound.domains.verify(name).await?;
        Ok(if self.is(Broken::VerifiesWithoutARecord) { Verification::Verified } else { answer })
    }

    fn references(&self, name: &DomainName) -> BoxStream<'static, Result<DomainReference>> {
        let all = self.sound.domains.references(name);
        let broken = self.is(Broken::HidesReferences);
        all.filter(move |one| std::future::ready(!broken || one.is_err())).boxed()
    }

    async fn root_domain(&self, name: &DomainName) -> Result<TenantDomain> {
        let root = self.sound.domains.root_domain(name).await?;
        if self.is(Broken::CallsEveryDomainARoot) { self.sound.domains.get(name).await } else { Ok(root) }
    }

    async fn remove(&self, name: &DomainName) -> Result<()> {
        let removed = self.sound.domains.remove(name).await;
        if self.is(Broken::RemovesUnknownDomains) { hide(removed, &ErrorKind::NotFound, ()) } else { removed }
    }
}

#[async_trait]
impl TenantUsers for Mutant {
    fn list(&self) -> BoxStream<'static, Result<TenantUser>> {
        let all = self.sound.users.list();
        if self.is(Broken::ListsNobody) { all.take(0).boxed() } else { all }
    }

    async fn get(&self, id: &ObjectId) -> Result<TenantUser> {
        self.sound.users.get(id).await
    }

    async fn find(&self, upn: &Upn) -> Result<Option<TenantUser>> {
        let found = self.sound.users.find(upn).await?;
        let exact =
            |user: &TenantUser| !self.is(Broken::FindsByExactSpelling) || user.upn.as_str() == upn.as_str();
        Ok(found.filter(exact))
    }

    async fn create(&self, user: &NewUser) -> Result<TenantUser> {
        let mut user = user.clone();
        if self.is(Broken::ForgetsMails) {
            user.other_mails.clear();
        }
        match self.sound.users.create(&user).await {
            Err(error) if self.is(Broken::CreatesTwins) && error.is_already_exists() => {
                TenantUsers::find(self, &user.upn).await.map(Option::unwrap)
            }
            other => other,
        }
    }

    async fn update(&self, id: &ObjectId, update: &UserUpdate) -> Result<()> {
        let mut update = update.clone();
        if self.is(Broken::OverwritesWhatIsNotNamed) {
            update.other_mails.get_or_insert_default();
        }
        self.sound.users.update(id, &update).await
    }

    async fn set_password(&self, id: &ObjectId, password: &Password, force_change: bool) -> Result<()> {
        let set = self.sound.users.set_password(id, password, force_change).await;
        if self.is(Broken::TakesAnyPassword) { hide(set, &ErrorKind::Invalid, ()) } else { set }
    }

    async fn delete(&self, id: &ObjectId) -> Result<()> {
        let deleted = self.sound.users.delete(id).await;
        if self.is(Broken::DeletesTwice) { hide(deleted, &ErrorKind::NotFound, ()) } else { deleted }
    }

    fn deleted(&self) -> BoxStream<'static, Result<DeletedUser>> {
        self.sound.users.deleted()
    }

    async fn restore(&self, id: &ObjectId) -> Result<TenantUser> {
        match self.sound.users.restore(id).await {
            Err(error) if self.is(Broken::RestoresWhatIsThere) && error.is_not_found() => {
                self.sound.users.get(id).await
            }
            other => other,
        }
    }
}

#[async_trait]
impl Roles for Mutant {
    async fn assignments_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        self.sound.roles.assignments_of(principal).await
    }

    async fn eligibilities_of(&self, principal: &ObjectId) -> Result<Vec<RoleAssignment>> {
        if self.is(Broken::CallsEverybodyEligible) {
            let role = RoleTemplateId::GLOBAL_ADMINISTRATOR;
            return Ok(vec![RoleAssignment::tenant_wide("made-up", role, *principal)]);
        }
        self.sound.roles.eligibilities_of(principal).await
    }

    async fn holders_of(&self, role: &RoleTemplateId) -> Result<Vec<RoleAssignment>> {
        let holders = self.sound.roles.holders_of(role).await?;
        Ok(if self.is(Broken::HidesHolders) { Vec::new() } else { holders })
    }

    async fn assign(&self, role: &RoleTemplateId, principal: &ObjectId) -> Result<RoleAssignment> {
        match self.sound.roles.assign(role, principal).await {
            Err(error) if self.is(Broken::AssignsAgain) && error.is_already_exists() => {
                Ok(self.assignments_of(principal).await?.remove(0))
            }
            other => other,
        }
    }

    async fn unassign(&self, assignment_id: &str) -> Result<()> {
        if self.is(Broken::KeepsRoles) && assignment_id != "no-such-assignment" {
            return Ok(());
        }
        self.sound.roles.unassign(assignment_id).await
    }
}

#[async_trait]
impl SignIn for Mutant {
    async fn mfa_state(&self, user: &ObjectId) -> Result<MfaState> {
        let state = self.sound.sign_in.mfa_state(user).await?;
        Ok(if self.is(Broken::ForgetsMfa) { MfaState::Disabled } else { state })
    }

    async fn set_mfa_state(&self, user: &ObjectId, state: MfaState) -> Result<()> {
        self.sound.sign_in.set_mfa_state(user, state).await
    }

    async fn second_factor(&self, user: &ObjectId) -> Result<SecondFactor> {
        let mut all = self.sound.sign_in.second_factor(user).await?;
        if self.is(Broken::OverlooksTheUsersOwnState) {
            all.per_user = None;
        }
        Ok(all)
    }

    async fn probe(&self, upn: &Upn, password: &Password) -> Result<SignInProbe> {
        let answer = self.sound.sign_in.probe(upn, password).await?;
        Ok(match (answer, self.broken) {
            (SignInProbe::WrongPassword, Broken::AcceptsWrongPasswords) => SignInProbe::Accepted,
            (SignInProbe::UnknownUser, Broken::KnowsEveryUser) => SignInProbe::WrongPassword,
            (answer, _) => answer,
        })
    }
}

#[async_trait]
impl Subscriptions for Mutant {
    async fn list(&self) -> Result<Vec<Subscription>> {
        self.sound.subscriptions.list().await
    }

    async fn assignments(
        &self,
        subscription: &ObjectId,
        principal: &ObjectId,
    ) -> Result<Vec<SubscriptionRoleAssignment>> {
        self.sound.subscriptions.assignments(subscription, principal).await
    }

    async fn assign(
        &self,
        subscription: &ObjectId,
        role: &AzureRoleId,
        principal: &ObjectId,
        principal_type: PrincipalType,
    ) -> Result<SubscriptionRoleAssignment> {
        let made = SubscriptionRoleAssignment::new(*principal, *subscription, *role, *principal);
        let given = self.sound.subscriptions.assign(subscription, role, principal, principal_type).await;
        if self.is(Broken::GivesNobodyAccess) { hide(given, &ErrorKind::NotFound, made) } else { given }
    }

    async fn unassign(&self, assignment: &SubscriptionRoleAssignment) -> Result<()> {
        let held = self.assignments(&assignment.subscription, &assignment.principal).await?;
        if self.is(Broken::RefusesASecondUnassign) && !held.contains(assignment) {
            return Err(Error::new(ErrorKind::NotFound, "take access back").object(assignment.name));
        }
        self.sound.subscriptions.unassign(assignment).await
    }

    async fn classic_administrators(&self, subscription: &ObjectId) -> Result<Vec<ClassicAdministrator>> {
        let found = self.sound.subscriptions.classic_administrators(subscription).await;
        if self.is(Broken::KnowsEverySubscription) { Ok(found.unwrap_or_default()) } else { found }
    }

    async fn elevate_access(&self) -> Result<()> {
        self.sound.subscriptions.elevate_access().await
    }
}

#[async_trait]
impl Applications for Mutant {
    async fn find(&self, display_name: &str) -> Result<Vec<Application>> {
        let mut found = self.sound.applications.find(display_name).await?;
        if self.is(Broken::FindsByBeginning) && found.is_empty() {
            let whole = display_name.trim_end_matches(" 2");
            found = self.sound.applications.find(whole).await?;
        }
        if self.is(Broken::HasNoPrincipal) {
            found.iter_mut().for_each(|application| application.service_principal = None);
        }
        Ok(found)
    }

    async fn create(&self, display_name: &str) -> Result<Application> {
        let existing = self.sound.applications.find(display_name).await?;
        match existing.into_iter().next() {
            Some(existing) if self.is(Broken::ReusesApplications) => Ok(existing),
            _ => {
                let mut created = self.sound.applications.create(display_name).await?;
                if self.is(Broken::HasNoPrincipal) {
                    created.service_principal = None;
                }
                Ok(created)
            }
        }
    }

    async fn delete(&self, id: &ObjectId) -> Result<()> {
        self.sound.applications.delete(id).await
    }

    async fn certificates(&self, id: &ObjectId) -> Result<Vec<CertificateCredential>> {
        self.sound.applications.certificates(id).await
    }

    async fn add_certificate(
        &self,
        id: &ObjectId,
        certificate: &NewCertificate,
    ) -> Result<CertificateCredential> {
        if self.is(Broken::ReplacesCertificates) {
            for held in self.sound.applications.certificates(id).await? {
                self.sound.applications.remove_certificate(id, &held.key_id).await?;
            }
        }
        self.sound.applications.add_certificate(id, certificate).await
    }

    async fn remove_certificate(&self, id: &ObjectId, key_id: &ObjectId) -> Result<()> {
        self.sound.applications.remove_certificate(id, key_id).await
    }

    async fn app_roles_of(&self, service_principal: &ObjectId) -> Result<Vec<AppRoleAssignment>> {
        self.sound.applications.app_roles_of(service_principal).await
    }

    async fn grant_app_role(
        &self,
        service_principal: &ObjectId,
        role: &AppRole,
    ) -> Result<AppRoleAssignment> {
        let granted = self.sound.applications.grant_app_role(service_principal, role).await;
        let made_up = AppRoleAssignment::new("made-up", role.resource, role.resource);
        if self.is(Broken::GrantsAnything) { hide(granted, &ErrorKind::NotFound, made_up) } else { granted }
    }

    async fn revoke_app_role(&self, service_principal: &ObjectId, assignment_id: &str) -> Result<()> {
        self.sound.applications.revoke_app_role(service_principal, assignment_id).await
    }
}

#[async_trait]
impl DirectorySync for Mutant {
    async fn status(&self) -> Result<SyncStatus> {
        self.sound.sync.status().await
    }

    async fn set_enabled(&self, enabled: bool) -> Result<()> {
        if self.is(Broken::SwitchesSilently) {
            return Ok(());
        }
        let set = self.sound.sync.set_enabled(enabled).await;
        if self.is(Broken::SwitchesBackAtOnce) { hide(set, &ErrorKind::Invalid, ()) } else { set }
    }

    async fn features(&self) -> Result<SyncFeatures> {
        self.sound.sync.features().await
    }

    fn provisioning_errors(&self) -> BoxStream<'static, Result<ProvisioningError>> {
        self.sound.sync.provisioning_errors()
    }
}

#[async_trait]
impl PasswordRuleSettings for Mutant {
    async fn read(&self) -> Result<PasswordRules> {
        let mut rules = self.sound.password_rules.read().await?;
        if self.is(Broken::NeverLocksOut) {
            rules.lockout_threshold = 0;
        }
        Ok(rules)
    }
}

async fn try_out(broken: Broken) -> String {
    let clock = Arc::new(ManualClock::default());
    let lab =
        LabTenant::builder().seed(5).users(12).auto_publish_dns(false).clock(clock.clone()).build().unwrap();
    let domain = DomainName::parse(&lab.initial_domain()).unwrap();
    let records = Arc::new(crate::tenant::contract::SimulatedDns(lab.clone()));
    let fixture = TenantFixture::new("lab", domain, Patience::new(clock))
        .with_records(records)
        .with_subscription(lab.subscription_ids()[0])
        .with_sync_switching()
        .with_sign_in();
    let mutant = Arc::new(Mutant { sound: lab.tenant(), broken });
    let ports = Tenant {
        domains: mutant.clone(),
        users: mutant.clone(),
        roles: mutant.clone(),
        sign_in: mutant.clone(),
        sync: mutant.clone(),
        subscriptions: mutant.clone(),
        applications: mutant.clone(),
        password_rules: mutant,
    };
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
        (Broken::HidesHolders, "the principal is among the role's holders"),
        (Broken::KeepsRoles, "a role taken back is gone"),
        (Broken::ForgetsMfa, "reads show Enforced"),
        (Broken::AcceptsWrongPasswords, "a wrong password is wrong"),
        (Broken::KnowsEveryUser, "nobody is an unknown user"),
        (Broken::RefusesASecondUnassign, "taking access back twice must succeed"),
        (Broken::GivesNobodyAccess, "giving access to an unknown subscription must fail"),
        (Broken::FindsByBeginning, "only the exact name finds it"),
        (Broken::HasNoPrincipal, "a new application has a service principal"),
        (Broken::ReusesApplications, "a second application is another one"),
        (Broken::SwitchesSilently, "reads show that it is on"),
        (Broken::SwitchesBackAtOnce, "switching on while switching off must fail"),
        (Broken::HidesReferences, "a user on a domain is among its references"),
        (Broken::CallsEveryDomainARoot, "the root of a domain below another is that one"),
        (Broken::RestoresWhatIsThere, "restoring a user that is there must fail"),
        (Broken::CallsEverybodyEligible, "a new user is eligible for no role"),
        (Broken::OverlooksTheUsersOwnState, "the whole answer holds the per-user state"),
        (Broken::KnowsEverySubscription, "the classic administrators of an unknown subscription must fail"),
        (Broken::ReplacesCertificates, "a certificate added again is the one that is there"),
        (Broken::GrantsAnything, "granting nobody a permission must fail"),
        (Broken::NeverLocksOut, "accounts are locked out after some tries"),
    ];
    let mut said = Vec::new();
    for (broken, expected) in promises {
        said.push((broken, expected, try_out(broken).await));
    }
    compare(said);
}
