//! Reading both sides, as far as a spec asks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use futures_util::future::{join_all, try_join};
use futures_util::{StreamExt, TryStreamExt};
use onramp_core::forest::{
    DomainController, DomainPasswordPolicy, ForestSuffix, ObjectQuery, ReplicatedValue, SearchScope,
    SuffixOrigin, UpnHolder, UserQuery,
};
use onramp_core::tenant::{
    AzureRoleId, MfaState, RoleAssignment, SecondFactor, Subscription, SyncStatus, TenantDomain, TenantUser,
};
use onramp_core::{
    AttributeName, BoxStream, DistinguishedName, Error, ErrorKind, LdapFilter, ObjectGuid, ObjectId, Result,
    Upn, UpnSuffix, comparison_key,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::candidate::{Candidate, Choice, Chooser, SkipReason, Skipped, Undecided, UserRef, in_ascii};
use crate::event::Event;
use crate::everywhere::Sample;
use crate::forecast::{CloudIndex, Encounter, MatchesBlocked, note_roles, smtp_address};
use crate::plan::Problem;
use crate::run::Onramp;
use crate::spec::{
    Entry, Names, NetbiosNames, ServiceAccountSpec, Spec, UsersSpec, distance, dn_key, nearest,
};

/// The number of objects that cannot be understood and are named; all are counted.
const UNREADABLE_NAMED: usize = 100;

/// What both sides held when they were read, as far as the spec asks.
///
/// Grows with the users that the spec selects, not with the forest: its principals are streamed past, and only
/// those are kept that a selected user's new UPN meets. While reading, the users of the tenant are held with their
/// names, addresses and anchors, to be met by every user of the forest.
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
    /// Host names of the domain controllers that answer and do not have the wanted suffix although it was added:
    /// replication that an earlier run did not wait for to the end.
    pub suffix_missing_on: Vec<String>,
    /// Users of a sample of those who have the wanted UPN, of whom some domain controller that answers does not know
    /// it yet: replication that an earlier run did not wait for to the end.
    pub users_missing_on: Vec<ReplicatedValue>,
    /// The number of users that were looked at on every domain controller for that.
    pub users_sampled: u64,
    /// The domain controllers of the forest.
    pub controllers: Vec<DomainController>,
    /// The domain controllers that do not answer.
    pub silent_controllers: Vec<SilentController>,
    /// The password policies of the forest's domains.
    pub password_policies: Vec<DomainPasswordPolicy>,
    /// The users that the spec selects.
    pub candidates: Vec<Candidate>,
    /// Users that were read and left out, but for those that have the wanted UPN and those that are not named.
    pub skipped: Vec<Skipped>,
    /// How many were left out, by reason.
    pub skipped_counts: BTreeMap<SkipReason, u64>,
    /// The principals of the forest whose UPN, written or implied, a selected user or the service account is to get.
    pub holders: Vec<UpnHolder>,
    /// The objects of the forest whose mail address a selected user or the service account is to get as UPN.
    pub address_holders: Vec<AddressHolder>,
    /// The users who have the wanted UPN and share it with another principal.
    pub shared: Vec<SharedUpn>,
    /// What is wrong with the names in the spec.
    pub misnamed: Vec<Problem>,
    /// The names in `map` that fit users whom the selection leaves out.
    pub map_without_effect: Vec<String>,
    /// The AD users that meet a cloud user: every user of the forest if the spec wants synchronisation, else those
    /// that the spec selects.
    pub encounters: Vec<Encounter>,
    /// The kinds of match that the tenant blocks.
    pub matches_blocked: MatchesBlocked,
    /// True if the directory roles of the cloud users are known.
    pub roles_known: bool,
    /// Objects that could not be understood, and were passed over.
    pub unreadable: Unreadable,
    /// The service account and what it holds, if the spec wants one.
    pub service_account: Option<ServiceAccountState>,
    /// What was counted on the way.
    pub counts: SurveyCounts,
}

/// A domain controller that does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SilentController {
    /// Host name.
    pub host: String,
    /// The error.
    pub why: String,
}

/// An object of the forest that has a mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressHolder {
    /// The object.
    pub holder: UserRef,
    /// The address, without its prefix.
    pub address: String,
    /// True if it is the object's primary one.
    pub is_primary: bool,
}

/// A selected user who has the wanted UPN, and another object that has it, too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedUpn {
    /// The user.
    pub user: UserRef,
    /// The UPN.
    pub upn: Upn,
    /// The other object.
    pub other: UserRef,
    /// How the other object has it.
    pub held_as: HeldAs,
}

/// The attribute in which an object has a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HeldAs {
    /// `userPrincipalName`.
    Upn,
    /// `sAMAccountName`, which makes a UPN with the DNS name of the domain.
    ImpliedUpn,
    /// `mail` or `proxyAddresses`.
    Address(String),
}

/// Objects that could not be understood, and were passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// How many.
    pub count: u64,
    /// 100 of them, each with what is wrong: the first by name.
    pub named: Vec<String>,
    /// Digest of all of them, in whatever order they were met.
    pub digest: String,
    /// What each is called, hashed: the same object is met by several queries.
    seen: HashSet<u64>,
    sum: u64,
}

impl Unreadable {
    fn add(&mut self, error: &Error) {
        let text = error.to_string();
        let hash = stable_hash(error.object().unwrap_or(&text));
        if !self.seen.insert(hash) {
            return;
        }
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash);
        self.digest = format!("{:016x}", self.sum);
        let at = self.named.partition_point(|named| *named < text);
        self.named.insert(at, text);
        self.named.truncate(UNREADABLE_NAMED);
    }
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
    /// True if an earlier run made or secured it.
    pub is_ours: bool,
    /// Its per-user MFA state; `None` if there is no user.
    pub mfa: Option<MfaState>,
    /// Its directory roles.
    pub roles: Vec<RoleAssignment>,
    /// What will ask it for a second factor or keep it from signing in; `None` if that may not be read.
    pub second_factor: Option<SecondFactor>,
    /// The subscriptions that the spec names, found or not.
    pub subscriptions: Vec<SubscriptionAccess>,
}

/// A subscription that the spec names.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SubscriptionAccess {
    /// As the spec names it.
    pub wanted: String,
    /// The subscriptions that the caller may see and that fit: one with that ID, else all of that display name.
    pub found: Vec<Subscription>,
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
    /// The first that a port answers, but for single objects that cannot be understood; `NotFound` names an OU that
    /// does not exist; `Invalid` if the spec selects users and none is found; `Cancelled`.
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
            users_sampled: 0,
            controllers: forest.controllers,
            silent_controllers: forest.silent_controllers,
            password_policies: forest.password_policies,
            candidates: Vec::new(),
            skipped: Vec::new(),
            skipped_counts: BTreeMap::new(),
            holders: Vec::new(),
            address_holders: Vec::new(),
            shared: Vec::new(),
            misnamed: Vec::new(),
            map_without_effect: Vec::new(),
            encounters: Vec::new(),
            matches_blocked: MatchesBlocked::default(),
            roles_known: true,
            unreadable: Unreadable::default(),
            counts: SurveyCounts::default(),
        };
        let mut have = Have::default();
        if spec.users.is_some() || spec.sync.enable {
            let cloud = self.read_cloud_users(&mut survey).await?;
            match &spec.users {
                Some(users) => self.read_users(spec, users, &cloud, &mut have, &mut survey).await?,
                None => {
                    self.meet_everybody(None, &mut [], &cloud, Some(&HashSet::new()), &mut survey).await?
                }
            }
            if !survey.encounters.is_empty() {
                self.read_matching_rules(&mut survey).await?;
            }
        }
        if spec.users.is_some() || spec.service_account.is_some() {
            let wanted = wanted_keys(spec, &survey.candidates);
            self.read_holders(&wanted, &have, &mut survey).await?;
            self.read_addresses(&wanted, &have, &mut survey).await?;
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
            state.is_ours = self.history.knows_account(&user.id);
            state.mfa = Some(self.tenant.sign_in.mfa_state(&user.id).await?);
            state.roles = self.tenant.roles.assignments_of(&user.id).await?;
        }
        state.second_factor = match &state.user {
            Some(user) => may_be_hidden(self.tenant.sign_in.second_factor(&user.id).await)?,
            None => may_be_hidden(self.tenant.sign_in.sign_in_policies(&[wanted.role]).await)?,
        };
        let visible = if wanted.subscriptions.is_empty() {
            Vec::new()
        } else {
            self.tenant.subscriptions.list().await?
        };
        let mut seen = HashSet::new();
        for want in &wanted.subscriptions {
            let id = subscription_id(&want.subscription);
            let by_id = |s: &&Subscription| Some(s.id) == id;
            let by_name =
                |s: &&Subscription| comparison_key(&s.display_name) == comparison_key(&want.subscription);
            let found: Vec<Subscription> = match visible.iter().find(by_id) {
                Some(found) => vec![found.clone()],
                None => visible.iter().filter(by_name).cloned().collect(),
            };
            let mut granted = false;
            let name = match found.as_slice() {
                [found] => found.id.to_string(),
                _ => comparison_key(&want.subscription),
            };
            if !seen.insert((name, want.role)) {
                continue;
            }
            if let ([found], Some(user)) = (found.as_slice(), &state.user) {
                let held = self.tenant.subscriptions.assignments(&found.id, &user.id).await?;
                granted = held.iter().any(|assignment| assignment.role == want.role);
            }
            let similar = match found.is_empty() {
                true => nearest(&want.subscription, visible.iter().map(|s| s.display_name.as_str())),
                false => None,
            };
            let (wanted, role) = (want.subscription.clone(), want.role);
            state.subscriptions.push(SubscriptionAccess { wanted, found, similar, role, granted });
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
        let was_added = suffixes
            .iter()
            .any(|offered| offered.suffix.is_same_as(&suffix) && offered.origin != SuffixOrigin::Domain);
        // Asked of every domain controller also where it need not be there: the answer tells who answers at all.
        let value = ReplicatedValue::Suffix { suffix };
        let asked = controllers.iter().map(|controller| self.forest.replication.holds(controller, &value));
        let (mut suffix_missing_on, mut silent_controllers) = (Vec::new(), Vec::new());
        for (controller, answer) in controllers.iter().zip(join_all(asked).await) {
            let host = controller.host.clone();
            match answer {
                Ok(false) if was_added => suffix_missing_on.push(host),
                Ok(_) => {}
                Err(error) => silent_controllers.push(SilentController { host, why: error.to_string() }),
            }
        }
        Ok(ForestSide { suffixes, suffix_missing_on, silent_controllers, controllers, password_policies })
    }

    /// Reads the users that the spec selects, and the cloud users that they meet.
    async fn read_users(
        &self,
        spec: &Spec,
        users: &UsersSpec,
        cloud: &CloudIndex,
        have: &mut Have,
        survey: &mut Survey,
    ) -> Result<()> {
        let mut missing_ous = self.missing_ous(users).await?;
        let netbios = if names_with_domain(users) {
            self.read_netbios_names(&survey.controllers).await
        } else {
            NetbiosNames::new()
        };
        let mut selection = Selection {
            chooser: Chooser::new(spec, users, &self.history, netbios),
            cloud,
            have,
            narrowed: !users.ous.is_empty() || users.filter.is_some(),
            seen: HashSet::new(),
            later: Vec::new(),
            sample: Sample::default(),
            moved_only: false,
        };
        for query in queries(users, users.filter.as_ref()) {
            self.choose_all(query, &mut selection, survey).await?;
        }
        if let Some(filter) = users.filter.as_ref().and_then(|filter| moved_by(filter, spec)) {
            // Who has the custom domain by now no longer fits a filter on the UPN that it had.
            selection.moved_only = true;
            for query in queries(users, Some(&filter)) {
                self.choose_all(query, &mut selection, survey).await?;
            }
        }
        let is_chosen = |entry: &Entry| {
            let mut fits = entry.fits.iter().chain(&entry.fitted);
            fits.any(|user| !selection.narrowed || selection.seen.contains(&user.guid))
        };
        let chosen: Vec<bool> = selection.chooser.only.entries().iter().map(is_chosen).collect();
        let Selection { mut chooser, have, narrowed, seen, later, sample, .. } = selection;
        let matching = (narrowed && spec.sync.enable).then_some(&seen);
        if matching.is_some() || chooser.has_unknown() || !missing_ous.is_empty() {
            self.meet_everybody(Some(&mut chooser), &mut missing_ous, cloud, matching, survey).await?;
        }
        let mut sample = sample;
        for undecided in later {
            let user = undecided.user.clone();
            let choice = chooser.decide(undecided);
            if let Choice::AlreadySo(upn) = &choice {
                let (guid, dn, upn) = (user.guid, user.dn.clone(), upn.clone());
                sample.offer_value(Some(ReplicatedValue::UserUpn { guid, dn, upn }));
            }
            take(choice, user, have, survey);
        }
        let sample = sample.into_values();
        survey.users_sampled = sample.len() as u64;
        survey.users_missing_on = self.missing_on(&sample, &survey.controllers).await;
        survey.misnamed = misnamed(&chooser, &chosen, missing_ous);
        survey.misnamed.extend(unknown_suffixes(&chooser, survey));
        survey.map_without_effect = chooser.unused_in_map().map(|entry| entry.written.clone()).collect();
        if survey.counts.forest_users == 0 {
            return Err(Error::new(ErrorKind::Invalid, "find the users that the spec selects")
                .with_detail("the selection is empty")
                .with_hint("Check `ous` and `filter` in the users section; the account that reads may also lack the right to see them."));
        }
        Ok(())
    }

    async fn choose_all(
        &self,
        query: UserQuery,
        selection: &mut Selection<'_>,
        survey: &mut Survey,
    ) -> Result<()> {
        let mut found = self.forest.users.search(query);
        while let Some(user) = readable(&mut found, &mut survey.unreadable).await? {
            // OUs of a spec may lie within each other.
            if selection.narrowed && !selection.seen.insert(user.guid) {
                continue;
            }
            let choice = selection.chooser.choose(&user);
            if selection.moved_only && !matches!(choice, Choice::AlreadySo(_) | Choice::Later(_)) {
                selection.seen.remove(&user.guid);
                continue;
            }
            survey.counts.forest_users += 1;
            self.count("users of the forest", survey.counts.forest_users);
            let wanted = match &choice {
                Choice::Change(candidate) => candidate.after.as_ref().ok(),
                Choice::Later(undecided) => match &undecided.otherwise {
                    Choice::Change(candidate) => candidate.after.as_ref().ok(),
                    _ => None,
                },
                _ => None,
            };
            survey.encounters.extend(selection.cloud.meet(&user, wanted));
            match choice {
                Choice::Later(undecided) => selection.later.push(*undecided),
                choice => {
                    if matches!(choice, Choice::AlreadySo(_)) {
                        selection.sample.offer(&user);
                    }
                    take(choice, UserRef::of(&user), selection.have, survey);
                }
            }
        }
        Ok(())
    }

    /// Streams past every user of the forest: some fit names that no selected user fits, or nearly, and all are held
    /// against the cloud, but for those that were, if synchronization will see them.
    async fn meet_everybody(
        &self,
        mut chooser: Option<&mut Chooser<'_>>,
        missing_ous: &mut [MissingOu],
        cloud: &CloudIndex,
        matching: Option<&HashSet<ObjectGuid>>,
        survey: &mut Survey,
    ) -> Result<()> {
        let mut users = self.forest.users.search(UserQuery::all());
        let mut last_parent = None;
        while let Some(user) = readable(&mut users, &mut survey.unreadable).await? {
            if let Some(chooser) = &mut chooser {
                chooser.meet(&user);
            }
            if matching.is_some_and(|seen| !seen.contains(&user.guid)) {
                survey.encounters.extend(cloud.meet(&user, None));
            }
            if missing_ous.is_empty() {
                continue;
            }
            let parent = user.dn.parent();
            if parent != last_parent {
                missing_ous.iter_mut().for_each(|missing| missing.compare(parent.as_ref()));
                last_parent = parent;
            }
        }
        Ok(())
    }

    /// The OUs of `exclude_ous` that do not exist. Those of `ous` are searched, which tells.
    async fn missing_ous(&self, users: &UsersSpec) -> Result<Vec<MissingOu>> {
        let mut missing = Vec::new();
        for ou in &users.exclude_ous {
            match self.forest.users.search(UserQuery::below(ou.clone())).next().await {
                Some(Err(error)) if error.is_not_found() => {
                    missing.push(MissingOu { ou: ou.clone(), nearest: None });
                }
                Some(Err(error)) if error.kind() != ErrorKind::Unreadable => return Err(error),
                _ => {}
            }
        }
        Ok(missing)
    }

    /// The NetBIOS names of the forest's domains, as far as they may be read.
    async fn read_netbios_names(&self, controllers: &[DomainController]) -> NetbiosNames {
        let mut names = NetbiosNames::new();
        let partitions = controllers.iter().find_map(|controller| partitions_of(&controller.settings));
        let (Some(partitions), Ok(netbios), Ok(dns_root)) =
            (partitions, AttributeName::parse("nETBIOSName"), AttributeName::parse("dnsRoot"))
        else {
            return names;
        };
        let query = ObjectQuery::all([netbios.clone(), dns_root.clone()])
            .below(partitions)
            .with_scope(SearchScope::OneLevel)
            .with_filter(LdapFilter::present(&netbios));
        let mut found = self.forest.objects.search(query);
        // Without the right to read them, the name that AD proposes when a domain is made will do.
        while let Some(object) = found.next().await {
            let object = match object {
                Ok(object) => object,
                Err(error) if error.kind() == ErrorKind::Unreadable => continue,
                Err(_) => break,
            };
            if let (Some(netbios), Some(dns)) = (object.text(&netbios), object.text(&dns_root)) {
                names.insert(dns.to_lowercase(), netbios.to_owned());
            }
        }
        names
    }

    /// Reads what decides about the match of users that meet: roles, and what the tenant blocks.
    async fn read_matching_rules(&self, survey: &mut Survey) -> Result<()> {
        match may_be_hidden(self.tenant.roles.assignments().await)? {
            Some(assignments) => note_roles(&mut survey.encounters, &assignments),
            None => survey.roles_known = false,
        }
        if let Some(features) = may_be_hidden(self.tenant.sync.features().await)? {
            survey.matches_blocked.soft = features.block_soft_match == Some(true);
            survey.matches_blocked.hard = features.block_hard_match == Some(true);
        }
        Ok(())
    }

    /// Reads the principals that have a wanted UPN, or share one that a selected user has.
    async fn read_holders(&self, wanted: &HashSet<String>, have: &Have, survey: &mut Survey) -> Result<()> {
        let mut holders = self.forest.users.upn_holders();
        let mut shared: Vec<(ObjectGuid, Upn, UserRef, HeldAs)> = Vec::new();
        while let Some(holder) = readable(&mut holders, &mut survey.unreadable).await? {
            survey.counts.principals += 1;
            self.count("principals of the forest", survey.counts.principals);
            let written = holder.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
            let names = (written.map(|upn| (upn, HeldAs::Upn)).into_iter())
                .chain(holder.implied_upn().map(|upn| (upn, HeldAs::ImpliedUpn)));
            let mut is_wanted = false;
            for (upn, held_as) in names {
                let key = comparison_key(upn.as_str());
                is_wanted |= wanted.contains(&key);
                for guid in have.others(&key, holder.guid) {
                    shared.push((guid, upn.clone(), UserRef::of_holder(&holder), held_as.clone()));
                }
            }
            if is_wanted {
                survey.holders.push(holder);
            }
        }
        self.note_shared(shared, survey).await
    }

    /// Notes which selected users share their UPN with whom: once for each of both.
    async fn note_shared(
        &self,
        shared: Vec<(ObjectGuid, Upn, UserRef, HeldAs)>,
        survey: &mut Survey,
    ) -> Result<()> {
        let mut pairs: HashSet<(ObjectGuid, ObjectGuid)> =
            survey.shared.iter().map(|known| (known.user.guid, known.other.guid)).collect();
        for (guid, upn, other, held_as) in shared {
            if !pairs.insert((guid, other.guid)) {
                continue;
            }
            match self.forest.users.get(&guid).await {
                Ok(user) => survey.shared.push(SharedUpn { user: UserRef::of(&user), upn, other, held_as }),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads the objects of any class that have as mail address a wanted UPN, or one that a selected user has.
    async fn read_addresses(&self, wanted: &HashSet<String>, have: &Have, survey: &mut Survey) -> Result<()> {
        if wanted.is_empty() && have.is_empty() {
            return Ok(());
        }
        let (Ok(mail), Ok(proxies), Ok(sam)) = (
            AttributeName::parse("mail"),
            AttributeName::parse("proxyAddresses"),
            AttributeName::parse("sAMAccountName"),
        ) else {
            return Ok(());
        };
        let filter = if have.is_empty() && wanted.len() <= ADDRESSES_ASKED_FOR {
            let each = wanted.iter().flat_map(|key| {
                [LdapFilter::equal(&mail, key), LdapFilter::equal(&proxies, &format!("smtp:{key}"))]
            });
            LdapFilter::any_of(&each.collect::<Vec<_>>())
        } else {
            LdapFilter::present(&mail).or(&LdapFilter::present(&proxies))
        };
        let query = ObjectQuery::all([mail.clone(), proxies.clone(), sam.clone()]).with_filter(filter);
        let mut objects = self.forest.objects.search(query);
        let mut shared: Vec<(ObjectGuid, Upn, UserRef, HeldAs)> = Vec::new();
        while let Some(object) = readable(&mut objects, &mut survey.unreadable).await? {
            let texts = |name: &AttributeName| -> Vec<String> {
                object.values(name).iter().filter_map(|value| value.as_text().map(str::to_owned)).collect()
            };
            let proxies = texts(&proxies);
            let has_primary = proxies.iter().any(|address| address.starts_with("SMTP:"));
            let mut addresses: Vec<(String, bool)> = proxies
                .iter()
                .filter_map(|proxy| Some((smtp_address(proxy)?.to_owned(), proxy.starts_with("SMTP:"))))
                .collect();
            addresses.extend(texts(&mail).into_iter().map(|mail| (mail.trim().to_owned(), !has_primary)));
            let holder = UserRef {
                guid: object.guid,
                dn: object.dn.clone(),
                sam_account_name: object.text(&sam).unwrap_or_default().to_owned(),
            };
            let mut known = HashSet::new();
            for (address, is_primary) in addresses {
                let key = comparison_key(&address);
                if !known.insert(key.clone()) {
                    continue;
                }
                for (guid, upn) in have.others(&key, holder.guid).into_iter().zip(Upn::parse(&address)) {
                    shared.push((guid, upn, holder.clone(), HeldAs::Address(address.clone())));
                }
                if wanted.contains(&key) {
                    let holder = holder.clone();
                    survey.address_holders.push(AddressHolder { holder, address, is_primary });
                }
            }
        }
        self.note_shared(shared, survey).await
    }

    async fn read_cloud_users(&self, survey: &mut Survey) -> Result<CloudIndex> {
        let mut index = CloudIndex::default();
        let mut users = self.tenant.users.list();
        while let Some(user) = readable(&mut users, &mut survey.unreadable).await? {
            survey.counts.tenant_users += 1;
            self.count("users of the tenant", survey.counts.tenant_users);
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

/// Up to so many addresses are asked for by name; more are looked for among all.
const ADDRESSES_ASKED_FOR: usize = 50;

struct TenantSide {
    sync: SyncStatus,
    domains: Vec<TenantDomain>,
    service_account: Option<ServiceAccountState>,
}

struct ForestSide {
    suffixes: Vec<ForestSuffix>,
    suffix_missing_on: Vec<String>,
    silent_controllers: Vec<SilentController>,
    controllers: Vec<DomainController>,
    password_policies: Vec<DomainPasswordPolicy>,
}

/// What reading the selected users comes to, besides the survey itself.
struct Selection<'a> {
    chooser: Chooser<'a>,
    cloud: &'a CloudIndex,
    have: &'a mut Have,
    /// True if `ous` or `filter` select users, so that several queries may meet one.
    narrowed: bool,
    /// The users that were read, if it is narrowed.
    seen: HashSet<ObjectGuid>,
    later: Vec<Undecided>,
    sample: Sample,
    /// True if only users are counted who have the wanted UPN.
    moved_only: bool,
}

/// The selected users who have the wanted UPN, by that UPN: 24 octets for each, because they may be all of the forest.
#[derive(Debug, Default)]
struct Have {
    first: HashMap<u64, ObjectGuid>,
    more: Vec<(u64, ObjectGuid)>,
}

impl Have {
    fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    fn add(&mut self, guid: ObjectGuid, upn: &str) {
        let hash = hash(&comparison_key(upn));
        if self.first.get(&hash).is_some_and(|first| *first != guid) {
            self.more.push((hash, guid));
        } else {
            self.first.insert(hash, guid);
        }
    }

    /// The users other than that one who have the UPN.
    fn others(&self, key: &str, not: ObjectGuid) -> Vec<ObjectGuid> {
        let hash = hash(key);
        let Some(first) = self.first.get(&hash) else { return Vec::new() };
        let more = self.more.iter().filter(|(other, _)| *other == hash).map(|(_, guid)| guid);
        std::iter::once(first).chain(more).copied().filter(|guid| *guid != not).collect()
    }
}

/// Notes what the spec wants of a user.
fn take(choice: Choice, user: UserRef, have: &mut Have, survey: &mut Survey) {
    let reason = match choice {
        Choice::Change(candidate) => return survey.candidates.push(candidate),
        Choice::Later(_) => return,
        Choice::AlreadySo(upn) => {
            have.add(user.guid, upn.as_str());
            SkipReason::AlreadySo
        }
        Choice::Skip(reason) => {
            if reason != SkipReason::NotNamed {
                survey.skipped.push(Skipped { user, reason: reason.clone() });
            }
            reason
        }
    };
    *survey.skipped_counts.entry(reason).or_default() += 1;
}

/// A hash that is the same in every run.
fn stable_hash(text: &str) -> u64 {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// The ID of a subscription as operators write it: bare, in braces, or as a path.
fn subscription_id(text: &str) -> Option<ObjectId> {
    let text = text.trim().trim_end_matches('/');
    let last = text.rsplit('/').next().unwrap_or(text);
    ObjectId::parse(last.strip_prefix('{').and_then(|id| id.strip_suffix('}')).unwrap_or(last)).ok()
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// An OU of the spec that does not exist, and one that does and is written alike.
pub(crate) struct MissingOu {
    ou: DistinguishedName,
    nearest: Option<(usize, String)>,
}

impl MissingOu {
    fn compare(&mut self, parent: Option<&DistinguishedName>) {
        let mut above = parent.cloned();
        while let Some(dn) = above {
            let found = (distance(&dn_key(&self.ou), &dn_key(&dn)), dn.to_string());
            if self.nearest.as_ref().is_none_or(|nearest| found < *nearest) {
                self.nearest = Some(found);
            }
            above = dn.parent();
        }
    }
}

/// The next object that can be understood; those before it that cannot are noted.
async fn readable<T>(
    stream: &mut BoxStream<'static, Result<T>>,
    unreadable: &mut Unreadable,
) -> Result<Option<T>> {
    loop {
        match stream.try_next().await {
            Err(error) if error.kind() == ErrorKind::Unreadable => unreadable.add(&error),
            other => return other,
        }
    }
}

/// `None` for what this account may not see, or the service does not have.
pub(crate) fn may_be_hidden<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unsupported) => Ok(None),
        answer => answer.map(Some),
    }
}

/// The UPNs that the plan may hand out, by their comparison keys.
fn wanted_keys(spec: &Spec, candidates: &[Candidate]) -> HashSet<String> {
    let users = candidates.iter().filter_map(|candidate| candidate.after.as_ref().ok());
    let account = spec.service_account.iter().map(|account| &account.upn);
    users.chain(account).map(|upn| comparison_key(upn.as_str())).collect()
}

fn queries(users: &UsersSpec, filter: Option<&LdapFilter>) -> Vec<UserQuery> {
    let narrowed = |query: UserQuery| match filter {
        Some(filter) => query.with_filter(filter.clone()),
        None => query,
    };
    match users.ous.as_slice() {
        [] => vec![narrowed(UserQuery::all())],
        ous => ous.iter().map(|ou| narrowed(UserQuery::below(ou.clone()))).collect(),
    }
}

fn names_with_domain(users: &UsersSpec) -> bool {
    users.only.iter().chain(&users.exclude).chain(users.map.keys()).any(|name| name.contains('\\'))
}

/// `CN=Partitions` of the configuration that a domain controller's settings stand in.
fn partitions_of(settings: &DistinguishedName) -> Option<DistinguishedName> {
    let mut above = Some(settings.clone());
    while let Some(dn) = above {
        let is_configuration = dn.rdns().first().is_some_and(|rdn| {
            rdn.attribute.eq_ignore_ascii_case("CN") && rdn.value.eq_ignore_ascii_case("Configuration")
        });
        if is_configuration {
            return Some(dn.child("CN", "Partitions"));
        }
        above = dn.parent();
    }
    None
}

/// A filter that those fit who fitted the spec's before they were moved to the custom domain, or to that of a target of
/// `map`: its conditions on the UPN
/// are left out. `None` if it has none.
fn moved_by(filter: &LdapFilter, spec: &Spec) -> Option<LdapFilter> {
    let text = filter.as_str();
    let (mut relaxed, mut negations, mut found) = (String::new(), vec![false], false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let negated = negations.last().copied().unwrap_or_default();
        match c {
            '(' => {
                let inner = rest.get(1..).unwrap_or_default();
                let item = inner.split(')').next().unwrap_or_default();
                let attribute = item.split(['=', '~', '<', '>', ':', ';']).next().unwrap_or_default();
                if attribute.trim().eq_ignore_ascii_case("userPrincipalName") {
                    found = true;
                    relaxed.push_str(if negated { "(!(objectClass=*))" } else { "(objectClass=*)" });
                    rest = inner.get(item.len() + 1..).unwrap_or_default();
                    continue;
                }
                negations.push(negated != inner.trim_start().starts_with('!'));
            }
            ')' => {
                negations.pop();
            }
            _ => {}
        }
        relaxed.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    let upn = AttributeName::parse("userPrincipalName").ok().filter(|_| found)?;
    let targets = spec.users.iter().flat_map(|users| users.map.values());
    let mut suffixes: BTreeSet<String> =
        targets.map(|upn| in_ascii(upn).suffix_str().to_lowercase()).collect();
    suffixes.insert(spec.domain.ascii().to_owned());
    let moved: Vec<LdapFilter> =
        suffixes.iter().map(|suffix| LdapFilter::ends_with(&upn, &format!("@{suffix}"))).collect();
    let moved = match moved.as_slice() {
        [only] => only.clone(),
        several => LdapFilter::any_of(several),
    };
    Some(LdapFilter::parse(&relaxed).ok()?.and(&moved))
}

/// The suffixes in `from_suffixes` that are probably mistyped: nobody has them, the forest does not offer them, and one that
/// is written alike is known, or nobody at all has the wanted UPN.
fn unknown_suffixes(chooser: &Chooser<'_>, survey: &Survey) -> Vec<Problem> {
    let nobody_moved = !survey.skipped_counts.contains_key(&SkipReason::AlreadySo);
    let offered = |suffix: &UpnSuffix| survey.suffixes.iter().any(|known| known.suffix.is_same_as(suffix));
    let problem = |suffix: &UpnSuffix| {
        let known = survey.suffixes.iter().map(|known| known.suffix.as_str()).chain(chooser.known_suffixes());
        let similar = nearest(suffix.as_str(), known);
        let suffix = suffix.to_string();
        (similar.is_some() || nobody_moved).then_some(Problem::NoSuchSuffix { suffix, similar })
    };
    chooser.unseen_suffixes().filter(|suffix| !offered(suffix)).filter_map(problem).collect()
}

/// What is wrong with the names in a spec: each that fits nobody, several, or somebody outside of the selection.
fn misnamed(chooser: &Chooser<'_>, chosen: &[bool], missing_ous: Vec<MissingOu>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let unknown = |list: &str, entry: &Entry| Problem::NoSuchUser {
        list: list.to_owned(),
        name: entry.written.clone(),
        similar: entry.nearest().map(str::to_owned),
    };
    let lists: [(&str, &Names); 2] = [("only", &chooser.only), ("exclude", &chooser.exclude)];
    for (list, names) in lists {
        let lost = names.entries().iter().filter(|entry| entry.is_unknown());
        problems.extend(lost.map(|entry| unknown(list, entry)));
    }
    problems.extend(chooser.unknown_in_map().map(|entry| unknown("map", entry)));
    for (list, names) in [("only", &chooser.only), ("map", &chooser.map)] {
        for entry in names.entries().iter().filter(|entry| entry.is_ambiguous()) {
            let (list, name, fits) = (list.to_owned(), entry.written.clone(), entry.fits.clone());
            problems.push(Problem::AmbiguousUser { list, name, fits });
        }
    }
    for (entry, chosen) in chooser.only.entries().iter().zip(chosen) {
        if let (false, Some(user)) = (chosen, entry.fits.first().or(entry.fitted.first())) {
            problems.push(Problem::OutsideSelection { name: entry.written.clone(), fits: user.clone() });
        }
    }
    problems.extend(missing_ous.into_iter().map(|missing| {
        let near = |(distance, name): &(usize, String)| *distance <= 2.max(name.chars().count() / 3);
        let similar = missing.nearest.filter(near).map(|(_, name)| name);
        Problem::NoSuchOu { ou: missing.ou, similar }
    }));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_forgets_what_it_says_of_the_upn() {
        let spec = Spec::from_toml("domain = \"contoso.com\"").unwrap();
        for (filter, relaxed) in [
            ("(userPrincipalName=*@corp.local)", "(objectClass=*)"),
            ("(&(department=Sales)(userprincipalname=*@corp.local))", "(&(department=Sales)(objectClass=*))"),
            ("(!(userPrincipalName=*@contoso.com))", "(!(!(objectClass=*)))"),
            ("(&(!(&(a=1)(userPrincipalName=x@y)))(b=\\282))", "(&(!(&(a=1)(!(objectClass=*))))(b=\\282))"),
            ("(|(userPrincipalName>=a)(c=3))", "(|(objectClass=*)(c=3))"),
        ] {
            let moved = moved_by(&LdapFilter::parse(filter).unwrap(), &spec).unwrap();
            assert_eq!(moved.as_str(), format!("(&{relaxed}(userPrincipalName=*@contoso.com))"));
        }
        assert!(moved_by(&LdapFilter::parse("(department=userPrincipalName)").unwrap(), &spec).is_none());
    }

    #[test]
    fn users_who_share_a_upn_are_found_from_both_sides() {
        let guid = |n: u8| ObjectGuid::from_bytes([n; 16]);
        let mut have = Have::default();
        for (n, upn) in [(1, "a@x.de"), (2, "A@x.de"), (3, "b@x.de"), (1, "a@x.de")] {
            have.add(guid(n), upn);
        }
        assert_eq!(have.others("a@x.de", guid(1)), [guid(2)]);
        assert_eq!(have.others("a@x.de", guid(9)), [guid(1), guid(2)]);
        assert!(have.others("b@x.de", guid(3)).is_empty());
        assert!(have.others("c@x.de", guid(3)).is_empty());
    }
}
