//! The wait for one value: every domain controller is asked for it.

use futures_util::future::join_all;
use onramp_core::forest::{DomainController, ReplicatedValue};
use onramp_core::{Clock, Forest, Result};

use super::wait_options::{OnProgress, WaitOptions};
use super::{ControllerStatus, ReplicationReport, ReplicationState, ReplicationSubject, conflict};

/// Waits for one value; see [`ReplicationExt::wait`](super::ReplicationExt::wait_for_value).
pub(super) async fn wait(
    forest: &Forest,
    value: ReplicatedValue,
    options: WaitOptions,
    clock: &dyn Clock,
    mut on_progress: OnProgress<'_>,
) -> Result<ReplicationReport> {
    let started = clock.elapsed();
    let mut controllers: Vec<(DomainController, ControllerStatus)> = forest
        .replication
        .controllers()
        .await?
        .into_iter()
        .filter(|controller| value.concerns(controller))
        .map(|controller| {
            let status = ControllerStatus::new(&controller);
            (controller, status)
        })
        .collect();
    let mut interval = options.first_interval;
    loop {
        let pending = controllers
            .iter_mut()
            .filter(|(_, status)| status.state != ReplicationState::Converged)
            .map(|(controller, status)| async {
                status.state = match forest.replication.holds(controller, &value).await {
                    Ok(true) => ReplicationState::Converged,
                    Ok(false) if controller.inbound_disabled => ReplicationState::ReplicationDisabled,
                    Ok(false) => ReplicationState::Lagging,
                    Err(error) => ReplicationState::Unreachable { reason: error.to_string() },
                };
            });
        join_all(pending).await;
        if let Some(metadata) = &forest.replication_metadata {
            conflict::mark(&**metadata, &value, &mut controllers).await;
        }
        let waited = clock.elapsed().saturating_sub(started);
        let report = ReplicationReport {
            subject: ReplicationSubject::Value { value: value.clone() },
            target: None,
            controllers: controllers.iter().map(|(_, status)| status.clone()).collect(),
            differing: 0,
            differences: Vec::new(),
            waited_ms: waited.as_millis().try_into().unwrap_or(u64::MAX),
            timeout_ms: options.timeout.as_millis().try_into().unwrap_or(u64::MAX),
        };
        if let Some(on_progress) = &mut on_progress {
            on_progress(&report);
        }
        let hopeless = report.behind().all(|one| {
            matches!(one.state, ReplicationState::ReplicationDisabled | ReplicationState::Conflict { .. })
        });
        if hopeless || waited >= options.timeout {
            return Ok(report);
        }
        clock.sleep(interval.min(options.timeout.saturating_sub(waited))).await;
        interval = (interval * 2).min(options.longest_interval);
    }
}
