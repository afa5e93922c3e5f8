//! Reading both sides, as far as a spec asks.

use std::collections::{BTreeMap, HashSet};

use futures_util::TryStreamExt;
use futures_util::future::try_join;
use onramp_core::forest::{
    DomainController, DomainPasswordPolicy, ForestSuffix, ReplicatedValue, SuffixOrigin, UpnHolder, UserQuery,
};
use onramp_core::tenant::{
    AzureRoleId, MfaState, RoleAssignment, Subscription, SyncStatus, TenantDomain, TenantUser,
};
use onramp_core::{Error, ErrorKind, ObjectGuid, Result, UpnSuffix};
use time::OffsetDateTime;

use crate::candidate::{Candidate, Chooser, SkipReason, Skipped, UserRef};
use crate::event::Event;
use crate::everywhere::Sample;
use crate::matching::{CloudIndex, CloudMatch};
use crate::run::Onramp;
use crate::spec::{ServiceAccountSpec, Spec, nearest};

/// What both sides held when they were read, as far as the spec asks.
///
/// Grows with the users that the spec selects, not with the forest: its principals are streamed past, and only
/// those are kept that a selected user's new UPN meets. While reading, the cloud-only users of the tenant are held
/// with their name, address and anchor, to be met by every user of the forest.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Survey {
    /// When reading began.
    pub taken_at: OffsetDateTime,
    /// The tenant and its synchronisation switch.
    pub sync: SyncStatus,
    /// The custom domain, if the tenant has it.
    pub domain: Option<TenantDomain>,
    /// Every verified domain of the tenant.
    pub verified_domains: Vec<TenantDomain>,
    /// The suffixes that the forest offers.
    pub suffixes: Vec<ForestSuffix>,
    /// Host names of the domain controllers that do not have the wanted suffix although it was added, or cannot be
    /// asked: replication that an earlier run did not wait for to the end.
    pub suffix_missing_on: Vec<String>,
    /// Users of a sample of those who have the wanted UPN, of whom some domain controller that answers does not know
    /// it yet: replication that an earlier run did not wait for to the end.
    pub users_missing_on: Vec<ReplicatedValue>,
    /// The domain controllers of the forest.
    pub controllers: Vec<DomainController>,
    /// The password policies of the forest's domains.
    pub password_policies: Vec<DomainPasswordPolicy>,
    /// The users that the spec selects.
    pub candidates: Vec<Candidate>,
    /// Users that were read and left out, but for those that have the wanted UPN and those that are not named.
    pub skipped: Vec<Skipped>,
    /// How many were left out, by reason.
    pub skipped_counts: BTreeMap<SkipReason, u64>,
    /// The principals of the forest whose UPN, written or implied, a selected user is to get.
    pub holders: Vec<UpnHolder>,
    /// The cloud users that synchronisation would take over, each with the user of the forest that it meets: every
    /// user of the forest if the spec wants synchronisation, else those that the spec selects.
    pub cloud_matches: Vec<CloudMatch>,
    /// The service account and what it holds, if the spec wants one.
    pub service_account: Option<ServiceAccountState>,
    /// What was counted on the way.
    pub counts: SurveyCounts,
}

/// What was counted on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SurveyCounts {
    /// Users of the forest that were read.
    pub forest_users: u64,
    /// Security principals of the forest that were read.
    pub principals: u64,
    /// Users of the tenant that were read.
    pub tenant_users: u64,
}

/// The service account as it is.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ServiceAccountState {
    /// The user, if there is one.
    pub user: Option<TenantUser>,
    /// Its per-user MFA state; `None` if there is no user.
    pub mfa: Option<MfaState>,
    /// Its directory roles.
    pub roles: Vec<RoleAssignment>,
    /// The subscriptions that the spec names, found or not.
    pub subscriptions: Vec<SubscriptionAccess>,
}

/// A subscription that the spec names.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SubscriptionAccess {
    /// As the spec names it.
    pub wanted: String,
    /// The subscription, if the caller may see it.
    pub found: Option<Subscription>,
    /// A visible subscription with a similar name, if it was not found.
    pub similar: Option<String>,
    /// The role that the account shall have.
    pub role: AzureRoleId,
    /// Whether it has it.
    pub granted: bool,
}

impl Onramp {
    /// Reads both sides, as far as the spec asks. Changes nothing.
    ///
    /// # Errors
    /// The first that a port answers; `NotFound` names an OU that does not exist; `Invalid` if the spec selects
    /// users and none is found; `Cancelled`.
    pub async fn survey(&self, spec: &Spec) -> Result<Survey> {
        self.unless_cancelled("survey both sides", self.read(spec)).await
    }

    async fn read(&self, spec: &Spec) -> Result<Survey> {
        let taken_at = self.clock.now();
        let (tenant, forest) = try_join(self.read_tenant(spec), self.read_forest(spec)).await?;
        let mut survey = Survey {
            taken_at,
            sync: tenant.sync,
            domain: tenant.domains.iter().find(|d| d.name == spec.domain).cloned(),
            verified_domains: tenant.domains.into_iter().filter(|d| d.is_verified).collect(),
            service_account: tenant.service_account,
            suffixes: forest.suffixes,
            suffix_missing_on: forest.suffix_missing_on,
            users_missing_on: Vec::new(),
            controllers: forest.controllers,
            password_policies: forest.password_policies,
            candidates: Vec::new(),
            skipped: Vec::new(),
            skipped_counts: BTreeMap::new(),
            holders: Vec::new(),
            cloud_matches: Vec::new(),
            counts: SurveyCounts::default(),
        };
        if spec.users.is_some() || spec.sync.enable {
            let cloud = self.read_cloud_users(&mut survey.counts).await?;
            let everybody_seen = self.read_users(spec, &cloud, &mut survey).await?;
            if spec.sync.enable && !everybody_seen {
                self.match_everybody(&cloud, &mut survey).await?;
            }
        }
        if !survey.candidates.is_empty() {
            (survey.holders, survey.counts.principals) = self.read_holders(&survey.candidates).await?;
        }
        Ok(survey)
    }

    async fn read_tenant(&self, spec: &Spec) -> Result<TenantSide> {
        let (sync, domains) = try_join(self.tenant.sync.status(), self.tenant.domains.list()).await?;
        let service_account = match &spec.service_account {
            Some(wanted) => Some(self.read_service_account(wanted).await?),
            None => None,
        };
        Ok(TenantSide { sync, domains, service_account })
    }

    async fn read_service_account(&self, wanted: &ServiceAccountSpec) -> Result<ServiceAccountState> {
        let mut state =
            ServiceAccountState { user: self.tenant.users.find(&wanted.upn).await?, ..Default::default() };
        if let Some(user) = &state.user {
            state.mfa = Some(self.tenant.sign_in.mfa_state(&user.id).await?);
            state.roles = self.tenant.roles.assignments_of(&user.id).await?;
        }
        let visible = if wanted.subscriptions.is_empty() {
            Vec::new()
        } else {
            self.tenant.subscriptions.list().await?
        };
        for want in &wanted.subscriptions {
            let found = visible.iter().find(|s| {
                s.display_name.eq_ignore_ascii_case(&want.subscription)
                    || s.id.to_string().eq_ignore_ascii_case(&want.subscription)
            });
            let mut granted = false;
            if let (Some(found), Some(user)) = (found, &state.user) {
                let held = self.tenant.subscriptions.assignments(&found.id, &user.id).await?;
                granted = held.iter().any(|assignment| assignment.role == want.role);
            }
            state.subscriptions.push(SubscriptionAccess {
                wanted: want.subscription.clone(),
                found: found.cloned(),
                similar: match found {
                    Some(_) => None,
                    None => nearest(&want.subscription, visible.iter().map(|s| s.display_name.as_str())),
                },
                role: want.role,
                granted,
            });
        }
        Ok(state)
    }

    async fn read_forest(&self, spec: &Spec) -> Result<ForestSide> {
        let ((suffixes, controllers), password_policies) = try_join(
            try_join(self.forest.suffixes.list(), self.forest.replication.controllers()),
            self.forest.password_policies.domain_policies(),
        )
        .await?;
        let suffix = UpnSuffix::from(&spec.domain);
        let was_added =
            |offered: &ForestSuffix| offered.suffix == suffix && offered.origin != SuffixOrigin::Domain;
        let suffix_missing_on = if suffixes.iter().any(was_added) {
            self.controllers_without(&ReplicatedValue::Suffix { suffix }, &controllers).await
        } else {
            Vec::new()
        };
        Ok(ForestSide { suffixes, suffix_missing_on, controllers, password_policies })
    }

    /// Reads the users that the spec selects; says whether they were all users of the forest.
    async fn read_users(&self, spec: &Spec, cloud: &CloudIndex, survey: &mut Survey) -> Result<bool> {
        let Some(users) = &spec.users else { return Ok(false) };
        let chooser = Chooser::new(spec, users);
        let narrowed = |query: UserQuery| match &users.filter {
            Some(filter) => query.with_filter(filter.clone()),
            None => query,
        };
        let queries: Vec<UserQuery> = match users.ous.as_slice() {
            [] => vec![narrowed(UserQuery::all())],
            ous => ous.iter().map(|ou| narrowed(UserQuery::below(ou.clone()))).collect(),
        };
        // OUs of a spec may lie within each other.
        let mut seen = HashSet::new();
        let mut sample = Sample::default();
        for query in queries {
            let mut found = self.forest.users.search(query);
            while let Some(user) = found.try_next().await? {
                if users.ous.len() > 1 && !seen.insert(user.guid) {
                    continue;
                }
                survey.counts.forest_users += 1;
                self.count("users of the forest", survey.counts.forest_users);
                let choice = chooser.choose(&user);
                let planned = choice.as_ref().ok().and_then(|candidate| candidate.after.as_ref().ok());
                let future_upn = planned.map(|upn| upn.as_str()).or(user.upn.as_deref());
                survey.cloud_matches.extend(cloud.find(&user, future_upn));
                match choice {
                    Ok(candidate) => survey.candidates.push(candidate),
                    Err(reason) => {
                        if reason == SkipReason::AlreadySo {
                            sample.offer(&user);
                        }
                        if !matches!(reason, SkipReason::AlreadySo | SkipReason::NotNamed) {
                            survey.skipped.push(Skipped { user: UserRef::of(&user), reason: reason.clone() });
                        }
                        *survey.skipped_counts.entry(reason).or_default() += 1;
                    }
                }
            }
        }
        survey.users_missing_on = self.missing_on(&sample.into_values(), &survey.controllers).await;
        if survey.counts.forest_users == 0 {
            return Err(Error::new(ErrorKind::Invalid, "find the users that the spec selects")
                .detail("the selection is empty")
                .hint("Check `ous` and `filter` in [users]; the account that reads may also lack the right to see them."));
        }
        Ok(users.ous.is_empty() && users.filter.is_none())
    }

    /// Holds the users that the spec does not select against the cloud too: synchronisation will see them all.
    async fn match_everybody(&self, cloud: &CloudIndex, survey: &mut Survey) -> Result<()> {
        let matched: HashSet<ObjectGuid> = survey.cloud_matches.iter().map(|m| m.user.guid).collect();
        let mut users = self.forest.users.search(UserQuery::all());
        while let Some(user) = users.try_next().await? {
            if !matched.contains(&user.guid) {
                survey.cloud_matches.extend(cloud.find(&user, user.upn.as_deref()));
            }
        }
        Ok(())
    }

    async fn read_holders(&self, candidates: &[Candidate]) -> Result<(Vec<UpnHolder>, u64)> {
        let wanted: HashSet<String> =
            candidates.iter().filter_map(|c| c.after.as_ref().ok()).map(|upn| upn.key()).collect();
        let (mut kept, mut count) = (Vec::new(), 0);
        let mut holders = self.forest.users.upn_holders();
        while let Some(holder) = holders.try_next().await? {
            count += 1;
            self.count("principals of the forest", count);
            let written = holder.upn.as_ref().is_some_and(|upn| wanted.contains(&upn.to_lowercase()));
            if written || holder.implied_upn().is_some_and(|upn| wanted.contains(&upn.key())) {
                kept.push(holder);
            }
        }
        Ok((kept, count))
    }

    async fn read_cloud_users(&self, counts: &mut SurveyCounts) -> Result<CloudIndex> {
        let mut index = CloudIndex::default();
        let mut users = self.tenant.users.list();
        while let Some(user) = users.try_next().await? {
            counts.tenant_users += 1;
            self.count("users of the tenant", counts.tenant_users);
            index.add(&user);
        }
        Ok(index)
    }

    /// Tells how many were read, not more often than anybody can look.
    fn count(&self, what: &'static str, count: u64) {
        if count.is_multiple_of(1000) || count == 1 {
            self.observer.tell(&Event::Reading { what, count });
        }
    }
}

struct TenantSide {
    sync: SyncStatus,
    domains: Vec<TenantDomain>,
    service_account: Option<ServiceAccountState>,
}

struct ForestSide {
    suffixes: Vec<ForestSuffix>,
    suffix_missing_on: Vec<String>,
    controllers: Vec<DomainController>,
    password_policies: Vec<DomainPasswordPolicy>,
}
