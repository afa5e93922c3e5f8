//! The replication between domain controllers.

use onramp_core::forest::{DomainController, ReplicationPosition};
use onramp_core::{DistinguishedName, OffsetDateTime, Result};
use time::Duration;

use crate::preflight::item::{Findings, Verdict};

/// The longest default schedule between sites.
const SLOW: Duration = Duration::hours(3);
const BROKEN: Duration = Duration::hours(24);

/// The position of a domain controller in a naming context.
#[derive(Debug)]
pub(in crate::preflight) struct Place {
    pub(in crate::preflight) controller: DomainController,
    pub(in crate::preflight) context: DistinguishedName,
    pub(in crate::preflight) position: Result<ReplicationPosition>,
}

/// Judges the replication of each naming context from each domain controller that writes it to each other one that was read.
pub(in crate::preflight) fn judge(
    controllers: &[DomainController],
    places: &[Place],
    now: OffsetDateTime,
) -> Verdict {
    let mut findings = Findings::default();
    for one in controllers.iter().filter(|one| one.inbound_disabled) {
        findings.failures.push(format!("inbound replication of {} is disabled", one.host));
    }
    let (mut pairs, mut untold) = (0_u64, 0_u64);
    for Place { controller, context, position } in places {
        let origins = controllers.iter().filter(|other| {
            other.settings != controller.settings && !other.is_read_only && other.holds(context)
        });
        let position = match position {
            Ok(position) => position,
            Err(error) => {
                if origins.count() > 0 {
                    findings.unknown.push(error.to_string());
                }
                continue;
            }
        };
        for origin in origins {
            pairs += 1;
            let Some(identity) = origin.invocation_id else {
                untold += 1;
                continue;
            };
            if position.vector.is_none() {
                untold += 1;
                continue;
            }
            let way = || format!("{context} from {} to {}", origin.host, controller.host);
            match position.cursor(&identity) {
                None => findings.warnings.push(format!("{} never replicated as far as is known", way())),
                Some(cursor) => match cursor.last_sync {
                    None => untold += 1,
                    Some(last) if now - last > BROKEN => {
                        findings.failures.push(format!("{} replicated last at {last}", way()));
                    }
                    Some(last) if now - last > SLOW => {
                        findings.warnings.push(format!("{} replicated last at {last}", way()));
                    }
                    Some(_) => {}
                },
            }
        }
    }
    if pairs > 0 && untold == pairs {
        findings.unknown.push("no domain controller tells the times of its replication".to_owned());
    }
    Verdict::of_findings(
        findings,
        match pairs {
            0 => "there is nothing to replicate between".to_owned(),
            _ => format!("{pairs} ways of replication, all of them recent as far as they are known"),
        },
    )
}
