//! One tenant, one forest, and how a run on them is watched and stopped.

use std::sync::Arc;

use onramp_core::{Clock, Error, ErrorKind, Forest, Result, Tenant};
use tokio_util::sync::CancellationToken;

use crate::event::{Event, Observer};
use crate::history::History;

/// The two sides to prepare, with the clock, the observer and the stop button of a run.
///
/// ```no_run
/// # async fn example(tenant: onramp_core::Tenant, forest: onramp_core::Forest, clock: std::sync::Arc<dyn onramp_core::Clock>)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use onramp::{FileJournal, FileSecretSink, Onramp, Spec, plan};
///
/// let spec = Spec::from_toml(&std::fs::read_to_string("onramp.toml")?)?;
/// let onramp = Onramp::new(tenant, forest, clock).with_observer(|event| println!("{event}"));
/// let plan = plan(&spec, &onramp.survey(&spec).await?);
/// for consequence in plan.consequences() {
///     println!("accept {}: {consequence}", consequence.id());
/// }
/// let approved = plan.approve(["domain-added:contoso.com", "suffix-added:contoso.com"])?;
/// let mut journal = FileJournal::create("journal.jsonl")?;
/// onramp.apply(&approved, &mut journal, &FileSecretSink::new("secrets")).await?.require_complete()?;
/// assert!(onramp.verify(&spec, Some(&approved), None).await?.is_green());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Onramp {
    pub(crate) tenant: Tenant,
    pub(crate) forest: Forest,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Observer,
    pub(crate) cancellation: CancellationToken,
    pub(crate) history: History,
}

impl Onramp {
    /// A run that nobody watches and nobody stops.
    pub fn new(tenant: Tenant, forest: Forest, clock: Arc<dyn Clock>) -> Self {
        let (observer, cancellation) = (Observer::default(), CancellationToken::new());
        Self { tenant, forest, clock, observer, cancellation, history: History::default() }
    }

    /// Calls this with every event. It is called between changes, so it should return soon.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observer);
        self
    }

    /// Stops between two changes once this token is cancelled.
    #[must_use]
    pub fn with_cancellation(mut self, token: CancellationToken) -> Self {
        self.cancellation = token;
        self
    }

    /// Recognizes what earlier runs did: users by the UPN that was taken from them, and the service account.
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.history = history;
        self
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
}
