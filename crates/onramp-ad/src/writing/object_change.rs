//! One change of an object: all of it in one operation, which deletes the old values and adds the new ones, so that it
//! happens only if the old values are still there ([RFC 4511] 4.6: all of a modify or nothing).
//!
//! Whether they are is for the server to compare, which ignores case and, on Windows, marks, width and kana. A change to
//! another spelling is looked at first ([`ObjectChange::is_respelling`]); of any other, somebody else's new spelling of the
//! old value cannot be told from the old value, and is replaced with it. What is read to find out what became of a change
//! is compared exactly, so that a real difference is never taken for the expected value.
//!
//! [RFC 4511]: https://www.rfc-editor.org/rfc/rfc4511

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ldap3::Mod;
use onramp_core::forest::{AttributeValue, ChangeState, ForestObject, ObjectChange, ObjectChanged};
use onramp_core::{Clock, DistinguishedName, Error, ErrorKind, Result};

use crate::client::ForestClient;
use crate::reading::base::Base;
use crate::reading::search::Search;
use crate::wire::fault::{Fate, Fault};
use crate::wire::link::Link;
use crate::wire::result_code::{
    ADMIN_LIMIT, ATTRIBUTE_OR_VALUE_EXISTS, BUSY, CONSTRAINT_VIOLATION, ENTRY_ALREADY_EXISTS,
    INSUFFICIENT_ACCESS_RIGHTS, NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, UNAVAILABLE, win32_code,
};
use crate::writing::name_holder;

/// Attempts at a change, and at reading what became of one.
const ATTEMPTS: u32 = 6;
/// Attempts at a change for which the server is too busy, others being answered meanwhile.
const BUSY_ATTEMPTS: u32 = 20;
/// Refusals in a row, of anybody, after which a busy server is not asked again: some twenty seconds.
const BUSY_IN_A_ROW: u32 = 9;
/// Attempts at a change that is refused although the object is as expected: the value may be going to and fro.
const CONTRADICTIONS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What Active Directory says when a value is not unique in the forest: ERROR_DS_SPN_VALUE_NOT_UNIQUE_IN_FOREST and
/// ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST.
const NOT_UNIQUE: [u32; 2] = [0x21C7, 0x21C8];
/// ERROR_DS_CONSTRAINT_VIOLATION: said by Samba of a value that is not unique, and by everybody of other constraints too.
const CONSTRAINT: u32 = 0x202F;
/// What Samba says then of a value that is not unique.
const IN_USE: &str = "already in use";
/// ERROR_INVALID_PARAMETER: an attribute that the schema does not have.
const UNKNOWN_ATTRIBUTE: u32 = 0x57;

/// The domain controller to write an object of that name to. The object itself is found by its GUID; where it was when
/// the change was planned only tells the domain.
pub(crate) async fn server(client: &ForestClient, dn: &DistinguishedName) -> Result<Arc<Link>> {
    match client.context_of(dn).await? {
        Some(context) => client.server_of(&context).await,
        None => Ok(client.entrance().await?.link),
    }
}

/// A change under way; `action` is what it is, for its errors.
pub(crate) struct Swap<'a> {
    client: &'a ForestClient,
    /// The domain controller to write to, while it can be reached.
    link: Arc<Link>,
    clock: &'a dyn Clock,
    change: &'a ObjectChange,
    action: &'static str,
}

impl<'a> Swap<'a> {
    /// A change that was checked, on the server that it goes to.
    pub(crate) fn new(
        client: &'a ForestClient,
        link: Arc<Link>,
        change: &'a ObjectChange,
        action: &'static str,
    ) -> Self {
        Self { client, link, clock: client.settings().clock.as_ref(), change, action }
    }

    /// Makes it, as [`onramp_core::forest::ObjectWriter::change`] describes it.
    pub(crate) async fn make(mut self) -> Result<ObjectChanged> {
        if self.change.is_respelling() {
            // Deleting matches in any spelling, so that only reading tells whether there is anything to do.
            let looked = self.look().await;
            match self.found(looked)? {
                (ChangeState::After, _) => return Ok(ObjectChanged::AlreadySo),
                (ChangeState::Before, _) => {}
                (ChangeState::Neither, object) => return Err(self.stale(&object)),
            }
        }
        self.write().await
    }

    async fn write(&mut self) -> Result<ObjectChanged> {
        let target = Base::Guid(self.change.guid);
        // Whether an attempt may have been carried out although its answer never came.
        let mut may_have_happened = false;
        let mut contradictions = 0;
        for attempt in 1.. {
            let (sent, busy) = self.send(&target).await;
            let Err(fault) = sent else { return Ok(ObjectChanged::Changed) };
            match fault.fate {
                Fate::Refused(NO_SUCH_ATTRIBUTE | ATTRIBUTE_OR_VALUE_EXISTS)
                    if !is_unknown_attribute(&fault) =>
                {
                    let looked = match self.look().await {
                        Err(_) if may_have_happened => return Err(self.unknown(fault)),
                        looked => looked,
                    };
                    let (state, object) = self.found(looked)?;
                    match state {
                        ChangeState::After if may_have_happened => return Ok(ObjectChanged::FoundChanged),
                        ChangeState::After => return Ok(ObjectChanged::AlreadySo),
                        ChangeState::Neither if may_have_happened => {
                            return Err(self.overtaken(fault, &object));
                        }
                        ChangeState::Neither => return Err(self.stale_as(fault, &object)),
                        // It was another one for a moment and the expected one is back, or the server does not take
                        // the new value beside what is there.
                        ChangeState::Before => {
                            contradictions += 1;
                            if contradictions >= CONTRADICTIONS && may_have_happened {
                                return Err(self.overtaken(fault, &object));
                            }
                            if contradictions >= CONTRADICTIONS {
                                return Err(self.stale_as(fault, &object));
                            }
                        }
                    }
                }
                // The lane waits before it lets the next one in.
                Fate::Refused(BUSY | UNAVAILABLE | ADMIN_LIMIT)
                    if attempt < BUSY_ATTEMPTS && busy < BUSY_IN_A_ROW =>
                {
                    continue;
                }
                Fate::NotSent if attempt < ATTEMPTS => {}
                Fate::Lost | Fate::TimedOut => {
                    may_have_happened = true;
                    let Ok(found) = self.look().await else { return Err(self.unknown(fault)) };
                    let (state, object) = self.found(Ok(found))?;
                    match state {
                        ChangeState::After => return Ok(ObjectChanged::FoundChanged),
                        // The same again is safe: it happens once or is refused.
                        ChangeState::Before if attempt < ATTEMPTS => {}
                        ChangeState::Before => return Err(self.unknown(fault)),
                        ChangeState::Neither => return Err(self.overtaken(fault, &object)),
                    }
                }
                // Another domain controller may take over. What the first did and did not say, it has not heard of
                // yet, and if the object is there as before, the same change there comes to the same.
                Fate::NotConnected if attempt < ATTEMPTS && self.go_elsewhere().await => continue,
                // An earlier attempt may have been carried out, and this one was not looked at.
                Fate::NotConnected | Fate::NotSent | Fate::Refused(BUSY | UNAVAILABLE | ADMIN_LIMIT)
                    if may_have_happened =>
                {
                    return Err(self.unknown(fault));
                }
                _ => return Err(self.explain(fault).await),
            }
            self.clock.sleep(wait(attempt, self.clock)).await;
        }
        Err(Error::new(ErrorKind::Unavailable, self.action).object(&self.change.dn))
    }

    /// Sends it once, when the server is to have it. Says besides how often in a row the server was busy.
    async fn send(&self, target: &Base) -> (Result<(), Fault>, u32) {
        let mut permit = self.link.lane.enter(self.clock).await;
        let connection = match self.link.connection().await {
            Ok(connection) => connection,
            Err(fault) => return (Err(fault), 0),
        };
        permit.begin();
        let sent = connection.modify(target, modifications(self.change)).await;
        let busy = match &sent {
            Err(Fault { fate: Fate::Refused(BUSY | UNAVAILABLE | ADMIN_LIMIT), .. }) => permit.pushed_back(),
            Ok(()) | Err(Fault { fate: Fate::Refused(_), .. }) => {
                permit.answered();
                0
            }
            // That no answer came tells nothing of how well the server answers.
            Err(_) => 0,
        };
        (sent, busy)
    }

    /// Reads what the change is about, and tries again for some seconds if the domain controller cannot be reached.
    /// `None` if there is no such object.
    async fn look(&mut self) -> Result<Option<ForestObject>, Fault> {
        let mut attempt = 1;
        loop {
            let fault = match self.read().await {
                Err(fault) if *fault.kind() == ErrorKind::Unavailable && attempt < ATTEMPTS => fault,
                outcome => return outcome,
            };
            attempt += 1;
            if fault.fate == Fate::NotConnected && self.go_elsewhere().await {
                continue;
            }
            if fault.is_slow {
                return Err(fault);
            }
            self.clock.sleep(wait(attempt, self.clock)).await;
        }
    }

    /// Whether there is another domain controller to write to, now that this one cannot be reached. From then on it is
    /// the one.
    async fn go_elsewhere(&mut self) -> bool {
        match server(self.client, &self.change.dn).await {
            Ok(link) if !Arc::ptr_eq(&link, &self.link) => {
                self.link = link;
                true
            }
            _ => false,
        }
    }

    async fn read(&self) -> Result<Option<ForestObject>, Fault> {
        let change = self.change;
        let names: Vec<&str> = change.attributes.iter().map(|change| change.attribute.as_str()).collect();
        let Some(entry) = self.link.read(Search::object(&change.guid, &names)).await? else {
            return Ok(None);
        };
        let mut object = ForestObject::new(change.guid, change.dn.clone());
        for name in change.attributes.iter().map(|change| &change.attribute) {
            let values = entry.all_bytes(name.as_str()).map(AttributeValue::bytes).collect();
            object.attributes.insert(name.clone(), values);
        }
        Ok(Some(object))
    }

    /// How the object that was read stands to the change.
    fn found(&self, read: Result<Option<ForestObject>, Fault>) -> Result<(ChangeState, ForestObject)> {
        match read.map_err(|fault| self.error(fault))? {
            Some(object) => Ok((self.change.state(&object), object)),
            None => Err(self.not_found()),
        }
    }

    fn not_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, self.action)
            .object(&self.change.dn)
            .detail(format!("there is no object with the GUID {} any more", self.change.guid))
            .hint("It was deleted; survey the forest again.")
    }

    fn stale(&self, object: &ForestObject) -> Error {
        Error::new(ErrorKind::Stale, self.action)
            .object(&self.change.dn)
            .detail(format!("{}; nothing was written", self.change.difference(object)))
            .hint(SURVEY_AGAIN)
    }

    /// The same, with what the server said.
    fn stale_as(&self, fault: Fault, object: &ForestObject) -> Error {
        let detail = format!("{}; nothing was written", self.change.difference(object));
        self.error(fault.retold(ErrorKind::Stale, detail, Some(SURVEY_AGAIN)))
    }

    fn unknown(&self, fault: Fault) -> Error {
        let detail = "the change was sent and its answer lost, so whether it happened is not known";
        let hint = "Run again: a change that happened is recognised, one that did not is made.";
        self.error(fault.retold(ErrorKind::OutcomeUnknown, detail, Some(hint)))
    }

    /// The answer was lost, and when the object could be read it was neither as before nor as after: somebody else changed
    /// it, and whether that was instead of this change or after it cannot be told.
    fn overtaken(&self, fault: Fault, object: &ForestObject) -> Error {
        let detail = format!(
            "the change was sent and its answer lost, and somebody else changed the object at the same time: {}",
            self.change.difference(object)
        );
        self.error(fault.retold(ErrorKind::OutcomeUnknown, detail, Some(SURVEY_AGAIN)))
    }

    /// The error of a refusal, where this operation knows better than the code says.
    async fn explain(&self, fault: Fault) -> Error {
        match fault.fate {
            Fate::Refused(NO_SUCH_OBJECT) => self.not_found(),
            Fate::Refused(ENTRY_ALREADY_EXISTS) => self.taken(fault, true).await,
            Fate::Refused(CONSTRAINT_VIOLATION) => match win32_code(fault.diagnostic()) {
                Some(code) if NOT_UNIQUE.contains(&code) => self.taken(fault, true).await,
                None | Some(CONSTRAINT) => {
                    let is_said = fault.diagnostic().contains(IN_USE);
                    self.taken(fault, is_said).await
                }
                Some(_) => self.error(fault),
            },
            Fate::Refused(NO_SUCH_ATTRIBUTE) => self.error(fault.retold(
                ErrorKind::Invalid,
                "the forest's schema does not have one of the attributes",
                Some("Check the names of the attributes."),
            )),
            Fate::Refused(ADMIN_LIMIT) => self.error(fault.retold(
                ErrorKind::Throttled { retry_after: None },
                "an administrative limit of the server is exceeded",
                Some(
                    "Try again later, more slowly; if the object has very many values, it may not take more.",
                ),
            )),
            Fate::Refused(INSUFFICIENT_ACCESS_RIGHTS) => {
                let names: Vec<&str> =
                    self.change.attributes.iter().map(|change| change.attribute.as_str()).collect();
                let hint = format!(
                    "Delegate writing {} on its OU; accounts of protected groups need it on AdminSDHolder.",
                    names.join(", ")
                );
                self.error(fault.with_hint(hint))
            }
            _ => self.error(fault),
        }
    }

    /// The error of a value that must be unique and that another object has, with that object's name if it can be seen. If
    /// the server did not say that it is about that, only an object that is seen to have the value tells.
    async fn taken(&self, fault: Fault, is_said: bool) -> Error {
        let Some(name) = name_holder::names_taken(self.change).next() else {
            return self.error(fault);
        };
        let (kind, hint) = (ErrorKind::AlreadyExists, Some("Give one of the two accounts another one."));
        match name_holder::find(self.client, &self.link, self.change, is_said).await {
            Some((name, holder)) => {
                let detail = format!("{holder} has {name} already");
                self.error(fault.retold(kind, detail, hint))
            }
            None if is_said => {
                let detail = format!("another account has {name} already");
                self.error(fault.retold(kind, detail, hint))
            }
            None => self.error(fault.retold(
                ErrorKind::Invalid,
                format!("the server refuses a value that breaks a constraint, and no other account that has {name} is to be seen"),
                Some(
                    "See what the server says and which rules its schema has for the attribute; an account that has the value \
                     may be hidden from this one.",
                ),
            )),
        }
    }

    fn error(&self, fault: Fault) -> Error {
        fault.during(self.action).object(&self.change.dn)
    }
}

const SURVEY_AGAIN: &str = "Survey the forest again and make a new plan.";

fn modifications(change: &ObjectChange) -> Vec<Mod<&[u8]>> {
    let mut modifications = Vec::with_capacity(change.attributes.len() * 2);
    for change in &change.attributes {
        let name = change.attribute.as_str().as_bytes();
        if !change.remove.is_empty() {
            modifications.push(Mod::Delete(name, set(&change.remove)));
        }
        if !change.add.is_empty() {
            modifications.push(Mod::Add(name, set(&change.add)));
        }
    }
    modifications
}

fn set(values: &[AttributeValue]) -> HashSet<&[u8]> {
    values.iter().map(AttributeValue::as_bytes).collect()
}

/// Whether "no such attribute" is about the schema and not about the object's values.
fn is_unknown_attribute(fault: &Fault) -> bool {
    let text = fault.diagnostic();
    win32_code(text) == Some(UNKNOWN_ATTRIBUTE) || text.contains("not found in the schema")
}

/// How long to wait after an attempt: doubling, and spread so that those who failed together do not come back together.
fn wait(attempt: u32, clock: &dyn Clock) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << attempt.min(10)).min(LONGEST_WAIT);
    let spread = u32::try_from(clock.random() % 1000).unwrap_or_default();
    longest / 2 + longest / 2 * spread / 1000
}
