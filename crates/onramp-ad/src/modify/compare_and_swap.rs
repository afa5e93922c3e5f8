//! A change of one object by compare-and-swap.
//!
//! One modify deletes the old values and adds the new ones. A modify happens completely or not at all ([RFC
//! 4511] 4.6), so that the change happens only if the old values are still there.
//!
//! The server compares the old values, and ignores case and, on Windows, marks, width and kana. So a change
//! of spelling alone is read first ([`ObjectChange::is_respelling`]). For any other change, a new spelling of
//! the old value by somebody else cannot be told from the old value, and is replaced. The values that are
//! read after a lost answer are compared exactly, so that a real difference is never taken for the expected
//! value.
//!
//! [RFC 4511]: https://www.rfc-editor.org/rfc/rfc4511

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ldap3::Mod;
use onramp_core::forest::{AttributeValue, ChangeState, ForestObject, ObjectChange, ObjectChanged};
use onramp_core::{Clock, Error, ErrorKind, Result};

use crate::ldap::base::Base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::{Delivery, ExchangeError};
use crate::ldap::result_code::{
    ADMIN_LIMIT, ATTRIBUTE_OR_VALUE_EXISTS, BUSY, CONSTRAINT_VIOLATION, ENTRY_ALREADY_EXISTS,
    INSUFFICIENT_ACCESS_RIGHTS, NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, UNAVAILABLE, win32_code,
};
use crate::ldap::write_limiter::with_jitter;
use crate::modify::uniqueness;
use crate::search::request::Search;
use crate::topology::Topology;

/// The maximum number of attempts at a change, and at the read after a lost answer.
const MAX_ATTEMPTS: u32 = 6;
/// The maximum number of attempts at a change while the server is busy and answers other requests.
const MAX_BUSY_ATTEMPTS: u32 = 20;
/// The number of busy answers in a row, over all tasks, after which an attempt fails: about twenty seconds.
const MAX_BUSY_IN_A_ROW: u32 = 9;
/// The maximum number of attempts at a change that is refused although the object has the expected values.
/// Another program may be changing them back and forth.
const MAX_CONTRADICTIONS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The codes of Active Directory for a value that is not unique: ERROR_DS_SPN_VALUE_NOT_UNIQUE_IN_FOREST and
/// ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST.
const NOT_UNIQUE: [u32; 2] = [0x21C7, 0x21C8];
/// ERROR_DS_CONSTRAINT_VIOLATION: Samba uses it for a value that is not unique; it also stands for other
/// constraints.
const CONSTRAINT: u32 = 0x202F;
/// The text of Samba for a value that is not unique.
const IN_USE: &str = "already in use";
/// ERROR_INVALID_PARAMETER: the schema does not have the attribute.
const UNKNOWN_ATTRIBUTE: u32 = 0x57;

/// A change in progress.
pub(crate) struct CompareAndSwap<'a> {
    topology: &'a Topology,
    /// The current domain controller for the change.
    handle: Arc<ConnectionHandle>,
    clock: &'a dyn Clock,
    change: &'a ObjectChange,
}

impl<'a> CompareAndSwap<'a> {
    /// Creates it for a checked change and the domain controller of its domain.
    pub(crate) fn new(
        topology: &'a Topology,
        handle: Arc<ConnectionHandle>,
        change: &'a ObjectChange,
    ) -> Self {
        Self { topology, handle, clock: topology.settings().clock.as_ref(), change }
    }

    /// Makes the change, as [`onramp_core::forest::ObjectWriter::change`] describes.
    pub(crate) async fn run(mut self) -> Result<ObjectChanged> {
        if self.change.is_respelling() {
            // A delete matches every spelling, so that only a read can tell that nothing is to be done.
            let read = self.read_with_retries().await;
            match self.compare(read)? {
                (ChangeState::After, _) => return Ok(ObjectChanged::Unchanged),
                (ChangeState::Before, _) => {}
                (ChangeState::Neither, object) => return Err(self.stale(&object)),
            }
        }
        self.write().await
    }

    async fn write(&mut self) -> Result<ObjectChanged> {
        let target = Base::Guid(self.change.guid);
        let mut attempts = Attempts::default();
        loop {
            attempts.attempt += 1;
            let (sent, busy) = self.send(&target).await;
            let Err(error) = sent else { return Ok(ObjectChanged::Changed) };
            attempts.busy = busy;
            match attempts.step(error.delivery, is_unknown_attribute(&error)) {
                Step::RepeatNow => continue,
                Step::RepeatLater => {}
                Step::ReadAfterRefusal => {
                    let read = match self.read_with_retries().await {
                        Err(_) if attempts.may_have_applied => return Err(self.unknown(error)),
                        read => read,
                    };
                    let (state, object) = self.compare(read)?;
                    match attempts.conclude_from_refusal(state) {
                        Conclusion::Done(changed) => return Ok(changed),
                        Conclusion::Pending => {}
                        Conclusion::Unknown | Conclusion::Overtaken => {
                            return Err(self.overtaken(error, &object));
                        }
                        Conclusion::Stale => return Err(self.stale_with_reply(error, &object)),
                    }
                }
                Step::ReadAfterLoss => {
                    attempts.may_have_applied = true;
                    let Ok(found) = self.read_with_retries().await else { return Err(self.unknown(error)) };
                    let (state, object) = self.compare(Ok(found))?;
                    match attempts.conclude_from_loss(state) {
                        Conclusion::Done(changed) => return Ok(changed),
                        Conclusion::Pending => {}
                        Conclusion::Unknown => return Err(self.unknown(error)),
                        Conclusion::Overtaken | Conclusion::Stale => {
                            return Err(self.overtaken(error, &object));
                        }
                    }
                }
                // Another domain controller may take over. It has not replicated what the first one may have
                // done; if the object there still has the old values, the same change has the same result.
                Step::FailOver if self.fail_over().await => continue,
                Step::FailOver if !attempts.may_have_applied => return Err(self.explain(error).await),
                Step::FailOver | Step::Unknown => return Err(self.unknown(error)),
                Step::Fail => return Err(self.explain(error).await),
            }
            self.clock.sleep(wait(attempts.attempt, self.clock.random())).await;
        }
    }

    /// Sends the change once, as soon as the limiter permits. Also returns the number of busy answers in a
    /// row.
    async fn send(&self, target: &Base) -> (Result<(), ExchangeError>, u32) {
        let mut permit = self.handle.write_limiter.enter(self.clock).await;
        let connection = match self.handle.connection().await {
            Ok(connection) => connection,
            Err(error) => return (Err(error), 0),
        };
        permit.begin();
        let sent = connection.modify(target, modifications(self.change)).await;
        let busy = match &sent {
            Err(ExchangeError { delivery: Delivery::Refused(BUSY | UNAVAILABLE | ADMIN_LIMIT), .. }) => {
                permit.throttled()
            }
            Ok(()) | Err(ExchangeError { delivery: Delivery::Refused(_), .. }) => {
                permit.answered();
                0
            }
            // A missing answer is no measurement of latency.
            Err(_) => 0,
        };
        (sent, busy)
    }

    /// Reads the attributes of the change, and retries for some seconds if the domain controller cannot be
    /// reached. `None` if the object does not exist.
    async fn read_with_retries(&mut self) -> Result<Option<ForestObject>, ExchangeError> {
        let mut attempt = 1;
        loop {
            let error = match self.read().await {
                Err(error) if error.kind() == ErrorKind::Unavailable && attempt < MAX_ATTEMPTS => error,
                outcome => return outcome,
            };
            attempt += 1;
            if error.delivery == Delivery::NotConnected && self.fail_over().await {
                continue;
            }
            if error.is_timeout {
                return Err(error);
            }
            self.clock.sleep(wait(attempt, self.clock.random())).await;
        }
    }

    /// Switches to another domain controller, if the locator now chooses one. Returns true if it did.
    async fn fail_over(&mut self) -> bool {
        match self.topology.writable_dc_for(&self.change.dn).await {
            Ok(handle) if !Arc::ptr_eq(&handle, &self.handle) => {
                self.handle = handle;
                true
            }
            _ => false,
        }
    }

    async fn read(&self) -> Result<Option<ForestObject>, ExchangeError> {
        let change = self.change;
        let names: Vec<&str> = change.attributes.iter().map(|change| change.attribute.as_str()).collect();
        let Some(entry) = self.handle.read(Search::object(&change.guid, &names)).await? else {
            return Ok(None);
        };
        let mut object = ForestObject::new(change.guid, change.dn.clone());
        for name in change.attributes.iter().map(|change| &change.attribute) {
            let values = entry.all_bytes(name.as_str()).map(AttributeValue::bytes).collect();
            object.attributes.insert(name.clone(), values);
        }
        Ok(Some(object))
    }

    /// Compares the object with the change.
    fn compare(
        &self,
        read: Result<Option<ForestObject>, ExchangeError>,
    ) -> Result<(ChangeState, ForestObject)> {
        match read.map_err(|error| self.error(error))? {
            Some(object) => Ok((self.change.state(&object), object)),
            None => Err(self.not_found()),
        }
    }

    fn not_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, self.change.action())
            .with_object(&self.change.dn)
            .with_detail(format!("there is no object with the GUID {} any more", self.change.guid))
            .with_hint("It was deleted; survey the forest again.")
    }

    fn stale(&self, object: &ForestObject) -> Error {
        Error::new(ErrorKind::Stale, self.change.action())
            .with_object(&self.change.dn)
            .with_detail(format!("{}; nothing was written", self.change.difference(object)))
            .with_hint(SURVEY_AGAIN)
    }

    /// Creates the same error with the server's reply.
    fn stale_with_reply(&self, error: ExchangeError, object: &ForestObject) -> Error {
        let detail = format!("{}; nothing was written", self.change.difference(object));
        self.error(error.with_meaning(ErrorKind::Stale, detail, Some(SURVEY_AGAIN)))
    }

    fn unknown(&self, error: ExchangeError) -> Error {
        let detail = "the change was sent and its answer was lost, so it is not known if it happened";
        let hint = "Run again: a change that happened is recognized, one that did not is made.";
        self.error(error.with_meaning(ErrorKind::OutcomeUnknown, detail, Some(hint)))
    }

    /// Creates the error of a lost answer and an object that has neither the old nor the new values. Somebody
    /// else changed it, before this change or after it.
    fn overtaken(&self, error: ExchangeError, object: &ForestObject) -> Error {
        let detail = format!(
            "the change was sent and its answer was lost, and somebody else changed the object at the same time: {}",
            self.change.difference(object)
        );
        self.error(error.with_meaning(ErrorKind::OutcomeUnknown, detail, Some(SURVEY_AGAIN)))
    }

    /// Converts a refusal, with the knowledge of this operation.
    async fn explain(&self, error: ExchangeError) -> Error {
        match error.delivery {
            Delivery::Refused(NO_SUCH_OBJECT) => self.not_found(),
            Delivery::Refused(ENTRY_ALREADY_EXISTS) => self.not_unique(error, true).await,
            Delivery::Refused(CONSTRAINT_VIOLATION) => match win32_code(error.diagnostic()) {
                Some(code) if NOT_UNIQUE.contains(&code) => self.not_unique(error, true).await,
                None | Some(CONSTRAINT) => {
                    let is_certain = error.diagnostic().contains(IN_USE);
                    self.not_unique(error, is_certain).await
                }
                Some(_) => self.error(error),
            },
            Delivery::Refused(NO_SUCH_ATTRIBUTE) => self.error(error.with_meaning(
                ErrorKind::Invalid,
                "the forest's schema does not have one of the attributes",
                Some("Check the names of the attributes."),
            )),
            Delivery::Refused(ADMIN_LIMIT) => self.error(error.with_meaning(
                ErrorKind::Throttled { retry_after: None },
                "an administrative limit of the server is exceeded",
                Some(
                    "Try again later, more slowly; if the object has very many values, it may not take more.",
                ),
            )),
            Delivery::Refused(INSUFFICIENT_ACCESS_RIGHTS) => {
                let names: Vec<&str> =
                    self.change.attributes.iter().map(|change| change.attribute.as_str()).collect();
                let hint = format!(
                    "Delegate writing {} on its OU; accounts of protected groups need it on AdminSDHolder.",
                    names.join(", ")
                );
                self.error(error.with_hint(hint))
            }
            _ => self.error(error),
        }
    }

    /// Creates the error of a value that is not unique, with the owner of the value if it can be found.
    /// Without a clear code from the server, only a found owner proves the reason.
    async fn not_unique(&self, error: ExchangeError, is_certain: bool) -> Error {
        let Some(name) = uniqueness::names_added(self.change).next() else {
            return self.error(error);
        };
        let (kind, hint) = (ErrorKind::AlreadyExists, Some("Change the value of one of the two accounts."));
        match uniqueness::find_owner(self.topology, &self.handle, self.change, is_certain).await {
            Some((name, holder)) => {
                let detail = format!("{holder} has {name} already");
                self.error(error.with_meaning(kind, detail, hint))
            }
            None if is_certain => {
                let detail = format!("another account has {name} already");
                self.error(error.with_meaning(kind, detail, hint))
            }
            None => self.error(error.with_meaning(
                ErrorKind::Invalid,
                format!("the server refuses a value that violates a constraint, and no other account with {name} is visible"),
                Some(
                    "Check the server's message and the schema's rules for the attribute; an account with the value may \
                     be hidden from this account.",
                ),
            )),
        }
    }

    fn error(&self, error: ExchangeError) -> Error {
        error.during(self.change.action()).with_object(&self.change.dn)
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

/// Returns true if "no such attribute" is about the schema and not about the values of the object.
fn is_unknown_attribute(error: &ExchangeError) -> bool {
    let text = error.diagnostic();
    win32_code(text) == Some(UNKNOWN_ATTRIBUTE) || text.contains("not found in the schema")
}

/// Returns the delay after an attempt: it doubles, with jitter.
fn wait(attempt: u32, random: u64) -> Duration {
    with_jitter(FIRST_WAIT.saturating_mul(1 << attempt.min(10)).min(LONGEST_WAIT), random)
}

/// The attempts so far.
#[derive(Debug, Default)]
struct Attempts {
    attempt: u32,
    /// The number of busy answers in a row, over all tasks.
    busy: u32,
    /// True if an attempt without an answer may have had its effect.
    may_have_applied: bool,
    /// The number of refusals although the object had the expected values.
    contradictions: u32,
}

/// The next step after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Repeat at once; the limiter delays it.
    RepeatNow,
    /// Repeat after a delay.
    RepeatLater,
    /// Read the object to find the reason of the refusal.
    ReadAfterRefusal,
    /// Read the object to find out if the change happened.
    ReadAfterLoss,
    /// Repeat on another domain controller, if there is one.
    FailOver,
    /// Give up; an earlier attempt may have had its effect.
    Unknown,
    /// Give up with the error of the server.
    Fail,
}

/// The conclusion from the object that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conclusion {
    Done(ObjectChanged),
    /// The change is still to be made.
    Pending,
    Unknown,
    Overtaken,
    Stale,
}

impl Attempts {
    fn step(&self, delivery: Delivery, is_unknown_attribute: bool) -> Step {
        match delivery {
            Delivery::Refused(NO_SUCH_ATTRIBUTE | ATTRIBUTE_OR_VALUE_EXISTS) if !is_unknown_attribute => {
                Step::ReadAfterRefusal
            }
            Delivery::Refused(BUSY | UNAVAILABLE | ADMIN_LIMIT)
                if self.attempt < MAX_BUSY_ATTEMPTS && self.busy < MAX_BUSY_IN_A_ROW =>
            {
                Step::RepeatNow
            }
            Delivery::NotSent if self.attempt < MAX_ATTEMPTS => Step::RepeatLater,
            Delivery::Lost | Delivery::TimedOut => Step::ReadAfterLoss,
            Delivery::NotConnected if self.attempt < MAX_ATTEMPTS => Step::FailOver,
            // The server did not process this attempt, but an earlier one may have had its effect.
            Delivery::NotConnected
            | Delivery::NotSent
            | Delivery::Refused(BUSY | UNAVAILABLE | ADMIN_LIMIT)
                if self.may_have_applied =>
            {
                Step::Unknown
            }
            _ => Step::Fail,
        }
    }

    /// Concludes from the object after a refusal to replace the old value.
    fn conclude_from_refusal(&mut self, state: ChangeState) -> Conclusion {
        match state {
            ChangeState::After if self.may_have_applied => Conclusion::Done(ObjectChanged::FoundChanged),
            ChangeState::After => Conclusion::Done(ObjectChanged::Unchanged),
            ChangeState::Neither if self.may_have_applied => Conclusion::Overtaken,
            ChangeState::Neither => Conclusion::Stale,
            // The value was another one for a moment and is back, or the server does not accept the new value
            // beside the present ones.
            ChangeState::Before => {
                self.contradictions += 1;
                match (self.contradictions < MAX_CONTRADICTIONS, self.may_have_applied) {
                    (true, _) => Conclusion::Pending,
                    (false, true) => Conclusion::Overtaken,
                    (false, false) => Conclusion::Stale,
                }
            }
        }
    }

    /// Concludes from the object after a lost answer.
    fn conclude_from_loss(&self, state: ChangeState) -> Conclusion {
        match state {
            ChangeState::After => Conclusion::Done(ObjectChanged::FoundChanged),
            // A repetition is safe: it happens once or is refused.
            ChangeState::Before if self.attempt < MAX_ATTEMPTS => Conclusion::Pending,
            ChangeState::Before => Conclusion::Unknown,
            ChangeState::Neither => Conclusion::Overtaken,
        }
    }
}

#[cfg(test)]
mod tests {
    use ldap3::LdapResult;
    use onramp_core::AttributeName;
    use onramp_core::forest::AttributeChange;

    use super::*;

    fn after(attempt: u32, may_have_applied: bool) -> Attempts {
        Attempts { attempt, may_have_applied, ..Attempts::default() }
    }

    #[test]
    fn what_was_not_sent_is_sent_again_and_in_the_end_it_counts_what_came_before() {
        for lost in [false, true] {
            for attempt in 1..MAX_ATTEMPTS {
                assert_eq!(after(attempt, lost).step(Delivery::NotSent, false), Step::RepeatLater);
                assert_eq!(after(attempt, lost).step(Delivery::NotConnected, false), Step::FailOver);
            }
            let given_up = if lost { Step::Unknown } else { Step::Fail };
            for attempt in [MAX_ATTEMPTS, MAX_ATTEMPTS + 1] {
                assert_eq!(after(attempt, lost).step(Delivery::NotSent, false), given_up);
                assert_eq!(after(attempt, lost).step(Delivery::NotConnected, false), given_up);
            }
            for code in [BUSY, UNAVAILABLE, ADMIN_LIMIT] {
                let busy = |attempt, busy| {
                    Attempts { busy, ..after(attempt, lost) }.step(Delivery::Refused(code), false)
                };
                assert_eq!(busy(1, 1), Step::RepeatNow);
                assert_eq!(busy(MAX_BUSY_ATTEMPTS - 1, MAX_BUSY_IN_A_ROW - 1), Step::RepeatNow);
                for (attempt, in_a_row) in [
                    (MAX_BUSY_ATTEMPTS, 1),
                    (MAX_BUSY_ATTEMPTS + 1, 1),
                    (1, MAX_BUSY_IN_A_ROW),
                    (1, MAX_BUSY_IN_A_ROW + 1),
                ] {
                    assert_eq!(busy(attempt, in_a_row), given_up, "{code}: {attempt}, {in_a_row}");
                }
            }
            for delivery in [Delivery::Lost, Delivery::TimedOut] {
                assert_eq!(after(MAX_ATTEMPTS + 1, lost).step(delivery, false), Step::ReadAfterLoss);
            }
            // A clear refusal of this change counts, whatever came before.
            for code in
                [INSUFFICIENT_ACCESS_RIGHTS, NO_SUCH_OBJECT, CONSTRAINT_VIOLATION, ENTRY_ALREADY_EXISTS]
            {
                assert_eq!(after(1, lost).step(Delivery::Refused(code), false), Step::Fail);
            }
            for code in [NO_SUCH_ATTRIBUTE, ATTRIBUTE_OR_VALUE_EXISTS] {
                assert_eq!(
                    after(MAX_ATTEMPTS + 1, lost).step(Delivery::Refused(code), false),
                    Step::ReadAfterRefusal
                );
                assert_eq!(
                    after(1, lost).step(Delivery::Refused(code), true),
                    Step::Fail,
                    "the schema lacks it"
                );
            }
        }
    }

    #[test]
    fn what_the_object_says_depends_on_what_may_have_happened() {
        for (lost, done, other) in [
            (false, ObjectChanged::Unchanged, Conclusion::Stale),
            (true, ObjectChanged::FoundChanged, Conclusion::Overtaken),
        ] {
            assert_eq!(after(1, lost).conclude_from_refusal(ChangeState::After), Conclusion::Done(done));
            assert_eq!(after(1, lost).conclude_from_refusal(ChangeState::Neither), other);
            // Refused three times with the expected values.
            let mut attempts = after(1, lost);
            assert_eq!(attempts.conclude_from_refusal(ChangeState::Before), Conclusion::Pending);
            assert_eq!(attempts.conclude_from_refusal(ChangeState::Before), Conclusion::Pending);
            assert_eq!(attempts.conclude_from_refusal(ChangeState::Before), other);
            assert_eq!(attempts.conclude_from_refusal(ChangeState::Before), other);
            assert_eq!(
                after(1, lost).conclude_from_loss(ChangeState::After),
                Conclusion::Done(ObjectChanged::FoundChanged)
            );
            assert_eq!(after(1, lost).conclude_from_loss(ChangeState::Neither), Conclusion::Overtaken);
            assert_eq!(
                after(MAX_ATTEMPTS - 1, lost).conclude_from_loss(ChangeState::Before),
                Conclusion::Pending
            );
            for attempt in [MAX_ATTEMPTS, MAX_ATTEMPTS + 1] {
                assert_eq!(after(attempt, lost).conclude_from_loss(ChangeState::Before), Conclusion::Unknown);
            }
        }
    }

    #[test]
    fn waits_double_up_to_five_seconds_and_are_spread_over_their_second_half() {
        let milliseconds = |attempt, random| wait(attempt, random).as_millis();
        assert_eq!([1, 2, 3].map(|attempt| milliseconds(attempt, 0)), [200, 400, 800]);
        assert_eq!(milliseconds(1, 500), 300);
        assert_eq!(milliseconds(1, 1500), 300);
        for attempt in [5, 10, 11, 40] {
            assert_eq!(milliseconds(attempt, 0), 2500);
            assert_eq!(milliseconds(attempt, 999), 4997);
        }
    }

    #[test]
    fn a_change_is_sent_as_what_goes_and_what_comes() {
        let text = |value: &str| AttributeValue::text(value);
        let change = ObjectChange::new(onramp_core::ObjectGuid::from_bytes([7; 16]), "CN=a".parse().unwrap())
            .with(AttributeChange::edit(
                AttributeName::from_static("mail"),
                vec![text("old"), text("older")],
                vec![text("new")],
            ))
            .with(AttributeChange::edit(AttributeName::from_static("cn"), vec![], vec![text("added")]))
            .with(AttributeChange::edit(AttributeName::from_static("sn"), vec![text("gone")], vec![]));
        let values = |values: HashSet<&[u8]>| {
            let mut values: Vec<String> =
                values.into_iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
            values.sort_unstable();
            values.join(",")
        };
        let sent: Vec<String> = modifications(&change)
            .into_iter()
            .map(|one| match one {
                Mod::Add(name, added) => format!("add {} {}", String::from_utf8_lossy(name), values(added)),
                Mod::Delete(name, gone) => {
                    format!("delete {} {}", String::from_utf8_lossy(name), values(gone))
                }
                other => format!("{other:?}"),
            })
            .collect();
        let expected = ["delete mail old,older", "add mail new", "add cn added", "delete sn gone"];
        assert_eq!(sent, expected, "never a replacement, which asks for no old value");
    }

    #[test]
    fn a_missing_attribute_of_the_schema_is_told_from_a_missing_value() {
        let is_schema = |text: &str| {
            let text = text.to_owned();
            let result = LdapResult {
                rc: NO_SUCH_ATTRIBUTE,
                matched: String::new(),
                text,
                refs: vec![],
                ctrls: vec![],
            };
            is_unknown_attribute(&ExchangeError::refused("dc1", &result))
        };
        assert!(is_schema("00000057: LdapErr: DSID-0C090F93"));
        assert!(is_schema("objectclass: attribute 'x' was not found in the schema"));
        assert!(!is_schema("00002076: AtrErr: DSID-03190F80") && !is_schema(""));
    }
}
