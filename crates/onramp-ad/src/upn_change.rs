//! One change of a UPN: the old value is deleted and the new one added in one operation, so that it happens only if
//! the old value is still there ([RFC 4511] 4.6: all of a modify or nothing).
//!
//! [RFC 4511]: https://www.rfc-editor.org/rfc/rfc4511

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ldap3::Mod;
use onramp_core::forest::{UpnChange, UpnChanged};
use onramp_core::{Clock, Error, ErrorKind, ObjectGuid, Result};

use crate::client::ForestClient;
use crate::fault::{Fate, Fault};
use crate::link::Link;
use crate::result_code::{
    ATTRIBUTE_OR_VALUE_EXISTS, BUSY, CONSTRAINT_VIOLATION, ENTRY_ALREADY_EXISTS, NO_SUCH_ATTRIBUTE,
    NO_SUCH_OBJECT, UNAVAILABLE, win32_code,
};
use crate::search::Search;
use crate::users::by_guid;

const ATTRIBUTE: &str = "userPrincipalName";
const ACTION: &str = "change the UPN of";
/// Attempts at a change, and at reading what became of one.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What Active Directory says when a UPN is not unique: ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST, and what Samba says
/// (ERROR_DS_CONSTRAINT_VIOLATION).
const NOT_UNIQUE: [u32; 2] = [0x21C8, 0x202F];

/// Makes a change, as [`onramp_core::forest::ForestUsers::change_upn`] describes it.
pub(crate) async fn change_upn(client: &ForestClient, change: &UpnChange) -> Result<UpnChanged> {
    let link = server(client, change).await?;
    let attempt = Attempt { link: &link, clock: client.settings().clock.as_ref(), change };
    if attempt.changes_only_case() {
        // Deleting matches in any spelling, so that only reading tells whether there is anything to do.
        let held = read_upn(&link, &change.guid).await.map_err(|fault| attempt.explain(fault))?;
        match attempt.compare(held)? {
            Held::After => return Ok(UpnChanged::AlreadySo),
            Held::Before => {}
        }
    }
    attempt.run().await
}

/// The UPN of an object on one domain controller: `None` if there is no such object, `Some(None)` if it has no UPN.
pub(crate) async fn read_upn(link: &Arc<Link>, guid: &ObjectGuid) -> Result<Option<Option<String>>, Fault> {
    let found = link.read(Search::object(by_guid(guid), &[ATTRIBUTE])).await?;
    Ok(found.map(|entry| entry.text(ATTRIBUTE)))
}

/// The domain controller to write to. The object itself is found by its GUID; where it was when the change was planned
/// only tells the domain.
async fn server(client: &ForestClient, change: &UpnChange) -> Result<Arc<Link>> {
    match client.context_of(&change.dn).await? {
        Some(context) => client.server_of(&context).await,
        None => Ok(Arc::clone(client.primary())),
    }
}

struct Attempt<'a> {
    link: &'a Arc<Link>,
    clock: &'a dyn Clock,
    change: &'a UpnChange,
}

/// Which of the two values of a change an object has.
enum Held {
    Before,
    After,
}

impl Attempt<'_> {
    fn changes_only_case(&self) -> bool {
        let before = self.change.before.as_deref().unwrap_or_default();
        before.to_lowercase() == self.change.after.key()
    }

    async fn run(&self) -> Result<UpnChanged> {
        let target = by_guid(&self.change.guid);
        // Whether an attempt may have been carried out although its answer never came.
        let mut may_have_happened = false;
        for attempt in 1.. {
            let Err(fault) = self.link.modify(&target, self.modifications()).await else {
                return Ok(UpnChanged::Changed);
            };
            match fault.fate {
                Fate::Refused(NO_SUCH_ATTRIBUTE | ATTRIBUTE_OR_VALUE_EXISTS) => {
                    let held = self.look().await.map_err(|fault| self.explain(fault))?;
                    match self.compare(held)? {
                        Held::After if may_have_happened => return Ok(UpnChanged::Changed),
                        Held::After => return Ok(UpnChanged::AlreadySo),
                        // It was another one for a moment; the expected one is back.
                        Held::Before if attempt < ATTEMPTS => {}
                        Held::Before => {
                            let detail = "it was changed by somebody else again and again";
                            return Err(self.error(fault.retold(ErrorKind::Stale, detail, None)));
                        }
                    }
                }
                Fate::Refused(BUSY | UNAVAILABLE) | Fate::NotSent if attempt < ATTEMPTS => {}
                Fate::Lost | Fate::TimedOut => {
                    may_have_happened = true;
                    match self.look().await {
                        Err(_) => return Err(self.unknown(fault)),
                        Ok(held) => match self.compare(held)? {
                            Held::After => return Ok(UpnChanged::Changed),
                            // The same again is safe: it happens once or is refused.
                            Held::Before if attempt < ATTEMPTS => {}
                            Held::Before => return Err(self.unknown(fault)),
                        },
                    }
                }
                _ if may_have_happened && fault.fate == Fate::NotConnected => return Err(self.unknown(fault)),
                _ => return Err(self.explain(fault)),
            }
            self.clock.sleep(wait(attempt, self.clock)).await;
        }
        Err(Error::new(ErrorKind::Unavailable, ACTION).object(&self.change.dn))
    }

    fn modifications(&self) -> Vec<Mod<String>> {
        let value = |text: &str| HashSet::from([text.to_owned()]);
        let addition = Mod::Add(ATTRIBUTE.to_owned(), value(self.change.after.as_str()));
        let deletion = self.change.before.as_deref().map(|old| Mod::Delete(ATTRIBUTE.to_owned(), value(old)));
        deletion.into_iter().chain([addition]).collect()
    }

    /// Reads the UPN, and tries again for some seconds if the domain controller cannot be reached.
    async fn look(&self) -> Result<Option<Option<String>>, Fault> {
        let mut attempt = 1;
        loop {
            match read_upn(self.link, &self.change.guid).await {
                Err(fault)
                    if !fault.is_slow && *fault.kind() == ErrorKind::Unavailable && attempt < ATTEMPTS =>
                {
                    self.clock.sleep(wait(attempt, self.clock)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn compare(&self, held: Option<Option<String>>) -> Result<Held> {
        let Some(held) = held else { return Err(self.not_found()) };
        if held.as_deref() == Some(self.change.after.as_str()) {
            return Ok(Held::After);
        }
        if held == self.change.before {
            return Ok(Held::Before);
        }
        let now =
            held.map_or_else(|| "has no UPN now".to_owned(), |value| format!("has the UPN {value} now"));
        let before =
            self.change.before.as_deref().map_or_else(|| "no UPN".to_owned(), |value| value.to_owned());
        Err(Error::new(ErrorKind::Stale, ACTION)
            .object(&self.change.dn)
            .detail(format!("it {now}, where {before} was expected; nothing was written"))
            .hint("Survey the forest again and make a new plan."))
    }

    fn not_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, ACTION)
            .object(&self.change.dn)
            .detail(format!("there is no object with the GUID {} any more", self.change.guid))
            .hint("It was deleted; survey the forest again.")
    }

    fn unknown(&self, fault: Fault) -> Error {
        let detail = "the change was sent and its answer lost, so whether it happened is not known";
        let hint = "Run again: a change that happened is recognised, one that did not is made.";
        self.error(fault.retold(ErrorKind::OutcomeUnknown, detail, Some(hint)))
    }

    /// The error of a refusal, where this operation knows better than the code says.
    fn explain(&self, fault: Fault) -> Error {
        let after = &self.change.after;
        let taken = || format!("another account has the UPN {after} already");
        let choose = Some("Give one of the two accounts another UPN.");
        match fault.fate {
            Fate::Refused(NO_SUCH_OBJECT) => self.not_found(),
            Fate::Refused(ENTRY_ALREADY_EXISTS) => {
                self.error(fault.retold(ErrorKind::AlreadyExists, taken(), choose))
            }
            Fate::Refused(CONSTRAINT_VIOLATION) => {
                let code = win32_code(fault.diagnostic());
                if code.is_none_or(|code| NOT_UNIQUE.contains(&code)) {
                    return self.error(fault.retold(ErrorKind::AlreadyExists, taken(), choose));
                }
                self.error(fault)
            }
            Fate::Refused(50) => self.error(fault.with_hint(
                "Delegate writing userPrincipalName on its OU; accounts of protected groups need it on AdminSDHolder.",
            )),
            _ => self.error(fault),
        }
    }

    fn error(&self, fault: Fault) -> Error {
        fault.during(ACTION).object(&self.change.dn)
    }
}

/// How long to wait after an attempt: doubling, and spread so that those who failed together do not come back together.
fn wait(attempt: u32, clock: &dyn Clock) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << attempt.min(10)).min(LONGEST_WAIT);
    let spread = u32::try_from(clock.random() % 1000).unwrap_or_default();
    longest / 2 + longest / 2 * spread / 1000
}
