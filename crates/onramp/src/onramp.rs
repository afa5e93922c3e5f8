//! The entry point: a tenant, a forest, and the options of a run.

use std::sync::Arc;

use onramp_core::dns::Dns;
use onramp_core::{Clock, Error, ErrorKind, Forest, PasswordValidator, Result, SystemClock, Tenant};
use tokio_util::sync::CancellationToken;

use crate::certificates::{CertificateGenerator, RsaCertificates};
use crate::event::{Event, Observer};
use crate::history::History;
use crate::plan::{ApprovedPlan, Plan};
use crate::policy::{ChangePolicy, PolicyRequest, PolicyViolation};
use crate::preflight::{Preflight, PreflightRunner, PreflightScope};

/// The number of objects read between two events.
const READ_PER_EVENT: u64 = 1000;

/// A tenant and a forest to prepare, with the options of a run.
///
/// ```no_run
/// # async fn example(tenant: onramp_core::Tenant, forest: onramp_core::Forest) -> Result<(), Box<dyn std::error::Error>> {
/// use onramp::{FileJournal, FileSecretStore, Onramp, Spec, plan};
///
/// let spec = Spec::from_toml(&std::fs::read_to_string("onramp.toml")?)?;
/// let onramp = Onramp::new(tenant, forest).with_observer(|event| println!("{event}"));
/// let draft = plan(&spec, &onramp.survey(&spec).await?);
/// for consequence in draft.consequences() {
///     println!("accept {}: {consequence}", consequence.id());
/// }
/// let approved = draft.approve(["domain-added:contoso.com", "suffix-added:contoso.com"])?;
/// let mut journal = FileJournal::create("journal.jsonl")?;
/// onramp.apply_to_end(&approved, &mut journal, &FileSecretStore::new("secrets")).await?.require_complete()?;
/// assert!(onramp.verify(&spec, Some(&approved), None).await?.is_green());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Onramp {
    pub(crate) tenant: Tenant,
    pub(crate) forest: Forest,
    pub(crate) passwords: Arc<dyn PasswordValidator>,
    pub(crate) certificates: Arc<dyn CertificateGenerator>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Observer,
    pub(crate) cancellation: CancellationToken,
    pub(crate) history: History,
    pub(crate) policy: Option<Arc<dyn ChangePolicy>>,
    pub(crate) operator: Option<String>,
    pub(crate) dns: Option<Arc<dyn Dns>>,
}

impl Onramp {
    /// Creates an `Onramp` with the system clock, without an observer.
    pub fn new(tenant: Tenant, forest: Forest) -> Self {
        Self {
            tenant,
            forest,
            passwords: Arc::new(onramp_password::Validator::new()),
            certificates: Arc::new(RsaCertificates),
            clock: Arc::new(SystemClock::new()),
            observer: Observer::default(),
            cancellation: CancellationToken::new(),
            history: History::default(),
            policy: None,
            operator: None,
            dns: None,
        }
    }

    /// Checks and generates passwords with another validator than `onramp_password::Validator`.
    #[must_use]
    pub fn with_password_validator(mut self, validator: Arc<dyn PasswordValidator>) -> Self {
        self.passwords = validator;
        self
    }

    /// Makes the keys and certificates of applications with another generator than [`RsaCertificates`].
    #[must_use]
    pub fn with_certificate_generator(mut self, generator: Arc<dyn CertificateGenerator>) -> Self {
        self.certificates = generator;
        self
    }

    /// Takes time and pauses from another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Calls a function with every event, between two changes. The function should return quickly.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observer);
        self
    }

    /// Stops between two changes after the token was cancelled.
    #[must_use]
    pub fn with_cancellation(mut self, token: CancellationToken) -> Self {
        self.cancellation = token;
        self
    }

    /// Adds the history of earlier runs: users are found by their former UPN, and the service account is recognized.
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.history = history;
        self
    }

    /// Applies only plans that a policy allows.
    ///
    /// ```no_run
    /// # async fn example(tenant: onramp_core::Tenant, forest: onramp_core::Forest) {
    /// use std::sync::Arc;
    /// use onramp::{Onramp, PolicyRules};
    ///
    /// let rules = PolicyRules::default().with_max_changes(2000).with_max_failures(10);
    /// let onramp = Onramp::new(tenant, forest).with_policy(Arc::new(rules));
    /// # }
    /// ```
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<dyn ChangePolicy>) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets the name of the person or program that runs it, for the journal.
    #[must_use]
    pub fn with_operator(mut self, name: impl Into<String>) -> Self {
        self.operator = Some(name.into());
        self
    }

    /// Looks records up in DNS for a preflight. Without it, what stands in DNS cannot be told.
    #[must_use]
    pub fn with_dns(mut self, dns: Arc<dyn Dns>) -> Self {
        self.dns = Some(dns);
        self
    }

    /// Reads and judges what would stop a job, before it begins. Changes nothing. What cannot be read is no error: its item
    /// says so.
    ///
    /// ```no_run
    /// # async fn example(onramp: onramp::Onramp, spec: onramp::Spec) -> onramp::Result<()> {
    /// use onramp::plan;
    ///
    /// let preflight = onramp.preflight(&spec).await?;
    /// for item in preflight.by_urgency() {
    ///     println!("{item}");
    /// }
    /// let plan = plan(&spec, &onramp.survey(&spec).await?.with_preflight(preflight));
    /// # let _ = plan;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Cancelled`.
    pub async fn preflight(&self, scope: impl Into<PreflightScope>) -> Result<Preflight> {
        let (runner, scope) = (self.preflight_runner(), scope.into());
        self.unless_cancelled("make the preflight", async { Ok(runner.run(&scope).await) }).await
    }

    fn preflight_runner(&self) -> PreflightRunner {
        let (tenant, forest) = (self.tenant.clone(), self.forest.clone());
        PreflightRunner::new(tenant, forest, self.dns.clone(), Arc::clone(&self.clock))
    }

    /// Reviews a plan that is not approved yet: returns every rule of the policy that it breaks, none without a policy.
    ///
    /// # Errors
    /// Those of [`ChangePolicy::review`].
    pub async fn review(&self, plan: &Plan) -> Result<Vec<PolicyViolation>> {
        let runner = self.preflight_runner();
        let request = PolicyRequest::new(plan, &self.forest, &self.history, self.clock.now())
            .with_preflight(Some(&runner))
            .with_operator(self.operator.as_deref());
        match &self.policy {
            Some(policy) => self.unless_cancelled("review the plan", policy.review(&request)).await,
            None => Ok(Vec::new()),
        }
    }

    /// Reviews an approved plan, as a run does before its first change.
    ///
    /// # Errors
    /// Those of [`ChangePolicy::review`].
    pub async fn review_approved(&self, approved: &ApprovedPlan) -> Result<Vec<PolicyViolation>> {
        let Some(policy) = &self.policy else { return Ok(Vec::new()) };
        let runner = self.preflight_runner();
        let request = PolicyRequest::new(approved.plan(), &self.forest, &self.history, self.clock.now())
            .with_preflight(Some(&runner))
            .with_review(approved.review())
            .with_operator(self.operator.as_deref());
        self.unless_cancelled("review the plan", policy.review(&request)).await
    }

    /// Refuses an approved plan that breaks a rule of the policy.
    pub(crate) async fn require_policy(&self, approved: &ApprovedPlan) -> Result<()> {
        let violations = self.review_approved(approved).await?;
        if violations.is_empty() {
            return Ok(());
        }
        let all: Vec<String> = violations.iter().map(ToString::to_string).collect();
        Err(Error::new(ErrorKind::Forbidden, "apply the plan")
            .with_detail(format!("the policy does not allow it: {}", all.join("; ")))
            .with_hint("Nothing was changed."))
    }

    /// Runs `work` unless the run is cancelled first.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        action: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let cancelled = || Error::new(ErrorKind::Cancelled, action);
        self.cancellation.run_until_cancelled(work).await.unwrap_or_else(|| Err(cancelled()))
    }

    /// Reports the number of objects read so far, once for 1,000 objects.
    pub(crate) fn report_reading(&self, what: &'static str, count: u64) {
        if count.is_multiple_of(READ_PER_EVENT) {
            self.observer.notify(&Event::Reading { what: what.to_owned(), count });
        }
    }

    /// Reports the number of objects at the end of their reading, unless it is known already.
    pub(crate) fn report_read(&self, what: &'static str, count: u64) {
        if !count.is_multiple_of(READ_PER_EVENT) {
            self.observer.notify(&Event::Reading { what: what.to_owned(), count });
        }
    }
}
