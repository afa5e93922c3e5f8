//! When a service may be asked again after it has throttled somebody: one gate for everybody on a client.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::endpoints::Audience;

/// Until when each service wants to be left alone. A service that throttles one request throttles the application, so
/// others would be refused as well, and asking nevertheless prolongs it.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<Services>);

#[derive(Debug, Default)]
struct Services {
    graph: Duration,
    arm: Duration,
    login: Duration,
}

impl Services {
    fn of(&mut self, service: Audience) -> &mut Duration {
        match service {
            Audience::Graph => &mut self.graph,
            Audience::Arm => &mut self.arm,
            Audience::Login => &mut self.login,
        }
    }
}

impl Gate {
    /// Nobody asks that service for that time. A gate never opens earlier than it was said before.
    pub(crate) fn close(&self, service: Audience, now: Duration, time: Duration) {
        let mut services = self.services();
        let opens = services.of(service);
        *opens = (*opens).max(now.saturating_add(time));
    }

    /// When the gate opens, if it is closed.
    pub(crate) fn opens(&self, service: Audience, now: Duration) -> Option<Duration> {
        let opens = *self.services().of(service);
        (opens > now).then_some(opens)
    }

    fn services(&self) -> MutexGuard<'_, Services> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_closed_gate_is_closed_for_its_service_and_never_opens_early() {
        let gate = Gate::default();
        gate.close(Audience::Graph, seconds(1), seconds(9));
        gate.close(Audience::Graph, seconds(2), seconds(1));
        assert_eq!(gate.opens(Audience::Graph, seconds(3)), Some(seconds(10)));
        assert_eq!(gate.opens(Audience::Graph, seconds(10)), None);
        assert_eq!(gate.opens(Audience::Arm, seconds(3)), None);
        gate.close(Audience::Login, seconds(1), Duration::MAX);
        assert_eq!(gate.opens(Audience::Login, seconds(9)), Some(Duration::MAX));
    }
}
