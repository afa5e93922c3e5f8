//! Describing a tenant before it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onramp_core::tenant::{DeletionPrevention, PasswordProtectionSettings, RoleTemplateId};
use onramp_core::{Clock, DomainName, Error, ErrorKind, ObjectId, Password, Result, SystemClock, Upn};
use time::OffsetDateTime;

use super::data::directory::Directory;
use super::data::domains::{Dns, UsedElsewhere, canonical};
use super::data::ids::SeededRng;
use super::data::organization::{ConditionalAccess, SYNC_SERVICE, Synchronization};
use super::data::state::State;
use super::lab_tenant::{Inner, LabCredentials, LabTenant};
use super::limits::consistency::{Consistency, Visibility};
use super::limits::gate::Gate;
use super::limits::rate_limit::WriteLimit;
use super::limits::throttling::Throttling;
use super::seed::applications::add_applications;
use super::seed::capitalized;
use super::seed::seed_user::SeedUser;
use super::seed::subscriptions::{LabSubscription, add_subscriptions};
use super::seed::users::{add_people, add_user};
use super::sign_in::interactive::InteractiveSignIns;
use super::sign_in::tokens::Tokens;

/// Describes a tenant; [`build`](Self::build) makes it.
#[derive(Debug)]
#[must_use]
pub struct LabTenantBuilder {
    name: String,
    seed: u64,
    users: usize,
    seeded: Vec<SeedUser>,
    verified: Vec<DomainName>,
    foreign: Vec<(DomainName, UsedElsewhere)>,
    federated: Vec<DomainName>,
    clock: Option<Arc<dyn Clock>>,
    consistency: Consistency,
    latency: Option<Duration>,
    latency_spread: Duration,
    write_limit: Option<WriteLimit>,
    throttling: Option<Throttling>,
    sync_enabled: Option<bool>,
    auto_publish_dns: bool,
    publish_dns_after: Option<Duration>,
    security_defaults: bool,
    conditional_access: Vec<ConditionalAccess>,
    subscriptions: Option<usize>,
    named_subscriptions: Vec<LabSubscription>,
    app_only_sync_features: bool,
    password_rules: Option<PasswordProtectionSettings>,
    classic_administrators: Vec<String>,
    legacy_roles_only: bool,
    secret_expires: Option<OffsetDateTime>,
    last_sync: Option<OffsetDateTime>,
    sync_features: Vec<(String, bool)>,
    deletion_prevention: Option<DeletionPrevention>,
}

impl Default for LabTenantBuilder {
    fn default() -> Self {
        Self {
            name: "contoso".to_owned(),
            seed: 0,
            users: 30,
            seeded: Vec::new(),
            verified: Vec::new(),
            foreign: Vec::new(),
            federated: Vec::new(),
            clock: None,
            consistency: Consistency::Immediate,
            latency: None,
            latency_spread: Duration::ZERO,
            write_limit: None,
            throttling: None,
            sync_enabled: None,
            auto_publish_dns: false,
            publish_dns_after: None,
            security_defaults: false,
            conditional_access: Vec::new(),
            subscriptions: None,
            named_subscriptions: Vec::new(),
            app_only_sync_features: false,
            password_rules: None,
            classic_administrators: Vec::new(),
            legacy_roles_only: false,
            secret_expires: None,
            last_sync: None,
            sync_features: Vec::new(),
            deletion_prevention: None,
        }
    }
}

impl LabTenant {
    /// Starts describing a tenant.
    pub fn builder() -> LabTenantBuilder {
        LabTenantBuilder::default()
    }
}

impl LabTenantBuilder {
    /// Sets the tenant's name, from which its first domain (`name.onmicrosoft.com`) and its display name are made.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the seed of all random values.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of ordinary cloud users, besides the administrators and those given one by one. 30 by default.
    pub fn users(mut self, count: usize) -> Self {
        self.users = count;
        self
    }

    /// Adds a user of one's own.
    pub fn seed_user(mut self, user: SeedUser) -> Self {
        self.seeded.push(user);
        self
    }

    /// Adds users of one's own.
    pub fn seed_users(mut self, users: impl IntoIterator<Item = SeedUser>) -> Self {
        self.seeded.extend(users);
        self
    }

    /// Adds a custom domain that is verified from the start.
    pub fn verified_domain(mut self, name: DomainName) -> Self {
        self.verified.push(name);
        self
    }

    /// Adds a custom domain that is verified from the start and whose users sign in at another identity provider.
    pub fn federated_domain(mut self, name: DomainName) -> Self {
        self.federated.push(name);
        self
    }

    /// Adds a domain that another tenant has verified: it can be added here and cannot be verified, which the service says
    /// in those words.
    pub fn foreign_domain(mut self, name: DomainName, words: UsedElsewhere) -> Self {
        self.foreign.push((name, words));
        self
    }

    /// Sets the clock; the system clock by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the delay before new objects are visible.
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// Answers every request after this time on the clock.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = Some(latency);
        self
    }

    /// Answers every request after a time between these, drawn from the seed.
    pub fn latency_between(mut self, least: Duration, most: Duration) -> Self {
        self.latency = Some(least);
        self.latency_spread = most.saturating_sub(least);
        self
    }

    /// Throttles by token buckets of resource units and writes, and says in headers what is used up.
    pub fn throttling(mut self, limits: Throttling) -> Self {
        self.throttling = Some(limits);
        self
    }

    /// Limits writes.
    pub fn write_limit(mut self, limit: WriteLimit) -> Self {
        self.write_limit = Some(limit);
        self
    }

    /// Sets the directory synchronization switch: `None`, the default, is "never enabled".
    pub fn sync_enabled(mut self, enabled: Option<bool>) -> Self {
        self.sync_enabled = enabled;
        self
    }

    /// Lets every verification record count as published, or not.
    pub fn auto_publish_dns(mut self, on: bool) -> Self {
        self.auto_publish_dns = on;
        self
    }

    /// Lets every verification record count as published so long after its domain was added.
    pub fn publish_dns_after(mut self, time: Duration) -> Self {
        self.publish_dns_after = Some(time);
        self
    }

    /// Switches security defaults on.
    pub fn security_defaults(mut self, on: bool) -> Self {
        self.security_defaults = on;
        self
    }

    /// Adds a conditional access policy.
    pub fn conditional_access(mut self, policy: ConditionalAccess) -> Self {
        self.conditional_access.push(policy);
        self
    }

    /// Sets the number of Azure subscriptions with made-up names: 1 by default, and none if others are given.
    pub fn subscriptions(mut self, count: usize) -> Self {
        self.subscriptions = Some(count);
        self
    }

    /// Adds an Azure subscription of one's own.
    pub fn subscription(mut self, subscription: LabSubscription) -> Self {
        self.named_subscriptions.push(subscription);
        self
    }

    /// Lets applications read and change the synchronization features, which the real service allows users only.
    pub fn app_only_sync_features(mut self, allowed: bool) -> Self {
        self.app_only_sync_features = allowed;
        self
    }

    /// Sets the tenant's own password rules. Without it, none were ever set.
    pub fn password_rules(mut self, rules: PasswordProtectionSettings) -> Self {
        self.password_rules = Some(rules);
        self
    }

    /// Leaves a classic co-administrator in every Azure subscription.
    pub fn classic_administrator(mut self, email: impl Into<String>) -> Self {
        self.classic_administrators.push(email.into());
        self
    }

    /// Offers directory roles in their older form only, without unified role management.
    pub fn legacy_roles_only(mut self, only: bool) -> Self {
        self.legacy_roles_only = only;
        self
    }

    /// Sets the end of the validity of the secret of the lab's own application. A later sign-in with it is refused.
    pub fn secret_expires(mut self, at: OffsetDateTime) -> Self {
        self.secret_expires = Some(at);
        self
    }

    /// Sets the time of the last synchronization.
    pub fn last_sync(mut self, at: OffsetDateTime) -> Self {
        self.last_sync = Some(at);
        self
    }

    /// Sets a synchronization feature by Graph's name, such as `blockSoftMatchEnabled`.
    pub fn sync_feature(mut self, name: impl Into<String>, on: bool) -> Self {
        self.sync_features.push((name.into(), on));
        self
    }

    /// Sets from how many deletions on a synchronization is stopped. 500 objects by default.
    pub fn deletion_prevention(mut self, prevention: DeletionPrevention) -> Self {
        self.deletion_prevention = Some(prevention);
        self
    }

    /// Makes the tenant.
    ///
    /// # Errors
    /// `Invalid` if the name makes no domain, or a user given by hand has a domain that is not verified, or the same UPN or
    /// proxy address as another, or there is no such synchronization feature.
    pub fn build(self) -> Result<LabTenant> {
        let clock = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock::new()));
        let now = clock.now();
        let initial = canonical(&format!("{}.onmicrosoft.com", self.name));
        DomainName::parse(&initial)?;
        let mut state = self.empty_state(initial.clone(), now);
        let custom = self.verified.iter().chain(&self.federated).map(|name| (name.to_string(), false));
        for (name, is_initial) in custom.chain([(initial.clone(), true)]) {
            let mut domain = state.new_domain(&canonical(&name), true, now);
            domain.is_initial = is_initial;
            domain.is_default = is_initial;
            domain.seen = Visibility::default();
            domain.federated = self.federated.iter().any(|federated| federated.as_str() == name);
            state.domains.insert(domain.name.clone(), domain);
        }
        let (client_id, client_secret, public_client_id) = add_applications(&mut state, now);
        for app in state.applications.iter_mut().filter(|app| app.app_id == client_id) {
            app.secrets_expire = self.secret_expires;
        }
        let sync = &mut state.synchronization;
        sync.last_sync = self.last_sync;
        for (name, on) in &self.sync_features {
            sync.set_feature(name, *on).map_err(|refusal| {
                Error::new(ErrorKind::Invalid, "build the tenant").with_detail(refusal.message)
            })?;
        }
        if let Some(prevention) = self.deletion_prevention {
            sync.prevent_deletions(prevention);
        }
        if self.sync_enabled == Some(true) {
            state.ensure_service_principal(SYNC_SERVICE, "Microsoft Entra AD Synchronization Service", now);
        }
        let admin = format!("admin@{initial}");
        let break_glass = format!("break-glass@{initial}");
        let admin_password = state.draw.password();
        let global_administrator = RoleTemplateId::GLOBAL_ADMINISTRATOR;
        for (upn, name, password) in [
            (&admin, "Lab Administrator", admin_password.clone()),
            (&break_glass, "Emergency Access", state.draw.password()),
        ] {
            let seed =
                SeedUser::new(Upn::parse(upn)?).with_display_name(name).with_role(global_administrator);
            add_user(&mut state, seed.with_password(Password::new(password)), now)?;
        }
        for seed in self.seeded {
            add_user(&mut state, seed, now)?;
        }
        add_people(&mut state, self.users, now)?;
        let count = self.subscriptions.unwrap_or(usize::from(self.named_subscriptions.is_empty()));
        let name = state.display_name.clone();
        let made_up = (1..=count).map(|n| LabSubscription::new(format!("{name} subscription {n}")));
        add_subscriptions(&mut state, made_up.chain(self.named_subscriptions), &admin, now);
        let classic: Vec<_> = self
            .classic_administrators
            .into_iter()
            .map(|email| (email, "CoAdministrator".to_owned()))
            .collect();
        state.subscriptions.iter_mut().for_each(|subscription| subscription.classic.clone_from(&classic));
        state.conditional_access = resolve_policies(&mut state, self.conditional_access);
        state.users.begin();
        // The rules of consistency hold for what is created from now on.
        state.consistency = self.consistency;
        let credentials = LabCredentials {
            tenant_id: ObjectId::parse(&state.tenant_id)?,
            client_id: ObjectId::parse(&client_id)?,
            client_secret,
            public_client_id: ObjectId::parse(&public_client_id)?,
            admin: Upn::parse(&admin)?,
            admin_password: Password::new(admin_password),
            break_glass: Upn::parse(&break_glass)?,
        };
        let mut gate = Gate::new(SeededRng::seeded(self.seed.wrapping_add(1)));
        gate.latency = self.latency;
        gate.limit_writes(self.write_limit);
        gate.spread = self.latency_spread;
        gate.limit_by(self.throttling);
        Ok(LabTenant {
            inner: Arc::new(Inner { state: Mutex::new(state), gate: Mutex::new(gate), clock, credentials }),
        })
    }

    fn empty_state(&self, initial_domain: String, now: OffsetDateTime) -> State {
        let mut draw = SeededRng::seeded(self.seed);
        State {
            tenant_id: draw.guid(),
            draw,
            consistency: Consistency::Immediate,
            display_name: capitalized(&self.name),
            initial_domain,
            created: now,
            app_only_sync_features: self.app_only_sync_features,
            domains: BTreeMap::new(),
            foreign_domains: self
                .foreign
                .iter()
                .map(|(name, words)| (canonical(name.as_str()), *words))
                .collect::<BTreeMap<_, _>>(),
            dns: Dns::new(self.auto_publish_dns, self.publish_dns_after),
            users: Directory::default(),
            delta_generation: 0,
            role_assignments: Vec::new(),
            eligible_roles: Vec::new(),
            applications: Vec::new(),
            service_principals: Vec::new(),
            app_role_assignments: Vec::new(),
            synchronization: Synchronization::new(self.sync_enabled),
            security_defaults: self.security_defaults,
            password_rules: self.password_rules.clone(),
            legacy_roles_only: self.legacy_roles_only,
            activated_roles: BTreeSet::new(),
            conditional_access: Vec::new(),
            subscriptions: Vec::new(),
            azure_assignments: Vec::new(),
            azure_locks: Vec::new(),
            azure_denied: Vec::new(),
            tokens: Tokens::default(),
            interactive_sign_ins: InteractiveSignIns::default(),
        }
    }
}

/// Policies name users by object id.
fn resolve_policies(state: &mut State, policies: Vec<ConditionalAccess>) -> Vec<ConditionalAccess> {
    policies.into_iter().map(|policy| state.resolve_policy(policy)).collect()
}
