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
use onramp_core::{Clock, Error, ErrorKind, Result};

use crate::ldap::base::Base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::{Delivery, ExchangeError};
use crate::ldap::result_code::{
    ADMIN_LIMIT, ATTRIBUTE_OR_VALUE_EXISTS, BUSY, CONSTRAINT_VIOLATION, ENTRY_ALREADY_EXISTS,
    INSUFFICIENT_ACCESS_RIGHTS, NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, UNAVAILABLE, win32_code,
};
use crate::ldap::write_limiter::spread;
use crate::modify::uniqueness;
use crate::search::request::Search;
use crate::topology::Topology;

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

/// A change under way; `action` is what it is, for its errors.
pub(crate) struct CompareAndSwap<'a> {
    topology: &'a Topology,
    /// The domain controller to write to, while it can be reached.
    handle: Arc<ConnectionHandle>,
    clock: &'a dyn Clock,
    change: &'a ObjectChange,
    action: &'static str,
}

impl<'a> CompareAndSwap<'a> {
    /// A change that was checked, on the server that it goes to.
    pub(crate) fn new(
        topology: &'a Topology,
        handle: Arc<ConnectionHandle>,
        change: &'a ObjectChange,
        action: &'static str,
    ) -> Self {
        Self { topology, handle, clock: topology.settings().clock.as_ref(), change, action }
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
        let mut tries = Tries::default();
        loop {
            tries.attempt += 1;
            let (sent, busy) = self.send(&target).await;
            let Err(error) = sent else { return Ok(ObjectChanged::Changed) };
            tries.busy = busy;
            match tries.step(error.delivery, is_unknown_attribute(&error)) {
                Step::Again => continue,
                Step::Later => {}
                Step::Compare => {
                    let looked = match self.look().await {
                        Err(_) if tries.may_have_happened => return Err(self.unknown(error)),
                        looked => looked,
                    };
                    let (state, object) = self.found(looked)?;
                    match tries.refused_and_found(state) {
                        Found::Done(changed) => return Ok(changed),
                        Found::NotYet => {}
                        Found::Unknown | Found::Overtaken => return Err(self.overtaken(error, &object)),
                        Found::Stale => return Err(self.stale_as(error, &object)),
                    }
                }
                Step::LookUp => {
                    tries.may_have_happened = true;
                    let Ok(found) = self.look().await else { return Err(self.unknown(error)) };
                    let (state, object) = self.found(Ok(found))?;
                    match tries.lost_and_found(state) {
                        Found::Done(changed) => return Ok(changed),
                        Found::NotYet => {}
                        Found::Unknown => return Err(self.unknown(error)),
                        Found::Overtaken | Found::Stale => return Err(self.overtaken(error, &object)),
                    }
                }
                // Another domain controller may take over. What the first did and did not say, it has not heard of
                // yet, and if the object is there as before, the same change there comes to the same.
                Step::Elsewhere if self.fail_over().await => continue,
                Step::Elsewhere if !tries.may_have_happened => return Err(self.explain(error).await),
                Step::Elsewhere | Step::Unknown => return Err(self.unknown(error)),
                Step::Fail => return Err(self.explain(error).await),
            }
            self.clock.sleep(wait(tries.attempt, self.clock.random())).await;
        }
    }

    /// Sends it once, when the server is to have it. Says besides how often in a row the server was busy.
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
            // That no answer came tells nothing of how well the server answers.
            Err(_) => 0,
        };
        (sent, busy)
    }

    /// Reads what the change is about, and tries again for some seconds if the domain controller cannot be reached.
    /// `None` if there is no such object.
    async fn look(&mut self) -> Result<Option<ForestObject>, ExchangeError> {
        let mut attempt = 1;
        loop {
            let error = match self.read().await {
                Err(error) if error.kind() == ErrorKind::Unavailable && attempt < ATTEMPTS => error,
                outcome => return outcome,
            };
            attempt += 1;
            if error.delivery == Delivery::NotConnected && self.fail_over().await {
                continue;
            }
            if error.is_slow {
                return Err(error);
            }
            self.clock.sleep(wait(attempt, self.clock.random())).await;
        }
    }

    /// Whether there is another domain controller to write to, now that this one cannot be reached. From then on it is
    /// the one.
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

    /// How the object that was read stands to the change.
    fn found(
        &self,
        read: Result<Option<ForestObject>, ExchangeError>,
    ) -> Result<(ChangeState, ForestObject)> {
        match read.map_err(|error| self.error(error))? {
            Some(object) => Ok((self.change.state(&object), object)),
            None => Err(self.not_found()),
        }
    }

    fn not_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, self.action)
            .with_object(&self.change.dn)
            .with_detail(format!("there is no object with the GUID {} any more", self.change.guid))
            .with_hint("It was deleted; survey the forest again.")
    }

    fn stale(&self, object: &ForestObject) -> Error {
        Error::new(ErrorKind::Stale, self.action)
            .with_object(&self.change.dn)
            .with_detail(format!("{}; nothing was written", self.change.difference(object)))
            .with_hint(SURVEY_AGAIN)
    }

    /// The same, with what the server said.
    fn stale_as(&self, error: ExchangeError, object: &ForestObject) -> Error {
        let detail = format!("{}; nothing was written", self.change.difference(object));
        self.error(error.retold(ErrorKind::Stale, detail, Some(SURVEY_AGAIN)))
    }

    fn unknown(&self, error: ExchangeError) -> Error {
        let detail = "the change was sent and its answer lost, so whether it happened is not known";
        let hint = "Run again: a change that happened is recognised, one that did not is made.";
        self.error(error.retold(ErrorKind::OutcomeUnknown, detail, Some(hint)))
    }

    /// The answer was lost, and when the object could be read it was neither as before nor as after: somebody else changed
    /// it, and whether that was instead of this change or after it cannot be told.
    fn overtaken(&self, error: ExchangeError, object: &ForestObject) -> Error {
        let detail = format!(
            "the change was sent and its answer lost, and somebody else changed the object at the same time: {}",
            self.change.difference(object)
        );
        self.error(error.retold(ErrorKind::OutcomeUnknown, detail, Some(SURVEY_AGAIN)))
    }

    /// The error of a refusal, where this operation knows better than the code says.
    async fn explain(&self, error: ExchangeError) -> Error {
        match error.delivery {
            Delivery::Refused(NO_SUCH_OBJECT) => self.not_found(),
            Delivery::Refused(ENTRY_ALREADY_EXISTS) => self.taken(error, true).await,
            Delivery::Refused(CONSTRAINT_VIOLATION) => match win32_code(error.diagnostic()) {
                Some(code) if NOT_UNIQUE.contains(&code) => self.taken(error, true).await,
                None | Some(CONSTRAINT) => {
                    let is_said = error.diagnostic().contains(IN_USE);
                    self.taken(error, is_said).await
                }
                Some(_) => self.error(error),
            },
            Delivery::Refused(NO_SUCH_ATTRIBUTE) => self.error(error.retold(
                ErrorKind::Invalid,
                "the forest's schema does not have one of the attributes",
                Some("Check the names of the attributes."),
            )),
            Delivery::Refused(ADMIN_LIMIT) => self.error(error.retold(
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

    /// The error of a value that must be unique and that another object has, with that object's name if it can be seen. If
    /// the server did not say that it is about that, only an object that is seen to have the value tells.
    async fn taken(&self, error: ExchangeError, is_said: bool) -> Error {
        let Some(name) = uniqueness::names_taken(self.change).next() else {
            return self.error(error);
        };
        let (kind, hint) = (ErrorKind::AlreadyExists, Some("Give one of the two accounts another one."));
        match uniqueness::find(self.topology, &self.handle, self.change, is_said).await {
            Some((name, holder)) => {
                let detail = format!("{holder} has {name} already");
                self.error(error.retold(kind, detail, hint))
            }
            None if is_said => {
                let detail = format!("another account has {name} already");
                self.error(error.retold(kind, detail, hint))
            }
            None => self.error(error.retold(
                ErrorKind::Invalid,
                format!("the server refuses a value that breaks a constraint, and no other account that has {name} is to be seen"),
                Some(
                    "See what the server says and which rules its schema has for the attribute; an account that has the value \
                     may be hidden from this one.",
                ),
            )),
        }
    }

    fn error(&self, error: ExchangeError) -> Error {
        error.during(self.action).with_object(&self.change.dn)
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
fn is_unknown_attribute(error: &ExchangeError) -> bool {
    let text = error.diagnostic();
    win32_code(text) == Some(UNKNOWN_ATTRIBUTE) || text.contains("not found in the schema")
}

/// How long to wait after an attempt: doubling, and spread so that those who failed together do not come back together.
fn wait(attempt: u32, random: u64) -> Duration {
    spread(FIRST_WAIT.saturating_mul(1 << attempt.min(10)).min(LONGEST_WAIT), random)
}

/// The attempts so far.
#[derive(Debug, Default)]
struct Tries {
    attempt: u32,
    /// How often in a row the server was busy, whoever asked.
    busy: u32,
    /// True if an attempt may have been carried out although its answer never came.
    may_have_happened: bool,
    /// How often the change was refused although the object was as expected.
    contradictions: u32,
}

/// The next step after an attempt that was not told to have gone well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The same at once: the limiter waits before it lets the next one in.
    Again,
    /// The same after a while.
    Later,
    /// See why the server refuses it.
    Compare,
    /// See whether it happened.
    LookUp,
    /// The same on another domain controller, if there is one.
    Elsewhere,
    /// Give up, and an earlier attempt may have been carried out.
    Unknown,
    /// Give up: the server's word is the outcome.
    Fail,
}

/// The outcome that the object tells after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Done(ObjectChanged),
    /// It is still to be made.
    NotYet,
    Unknown,
    Overtaken,
    Stale,
}

impl Tries {
    fn step(&self, delivery: Delivery, is_unknown_attribute: bool) -> Step {
        match delivery {
            Delivery::Refused(NO_SUCH_ATTRIBUTE | ATTRIBUTE_OR_VALUE_EXISTS) if !is_unknown_attribute => {
                Step::Compare
            }
            Delivery::Refused(BUSY | UNAVAILABLE | ADMIN_LIMIT)
                if self.attempt < BUSY_ATTEMPTS && self.busy < BUSY_IN_A_ROW =>
            {
                Step::Again
            }
            Delivery::NotSent if self.attempt < ATTEMPTS => Step::Later,
            Delivery::Lost | Delivery::TimedOut => Step::LookUp,
            Delivery::NotConnected if self.attempt < ATTEMPTS => Step::Elsewhere,
            // This attempt was not looked at by the server, but an earlier one may have been carried out.
            Delivery::NotConnected
            | Delivery::NotSent
            | Delivery::Refused(BUSY | UNAVAILABLE | ADMIN_LIMIT)
                if self.may_have_happened =>
            {
                Step::Unknown
            }
            _ => Step::Fail,
        }
    }

    /// The server refused to replace the old value, and then the object was read.
    fn refused_and_found(&mut self, state: ChangeState) -> Found {
        match state {
            ChangeState::After if self.may_have_happened => Found::Done(ObjectChanged::FoundChanged),
            ChangeState::After => Found::Done(ObjectChanged::AlreadySo),
            ChangeState::Neither if self.may_have_happened => Found::Overtaken,
            ChangeState::Neither => Found::Stale,
            // It was another one for a moment and the expected one is back, or the server does not take the new value
            // beside what is there.
            ChangeState::Before => {
                self.contradictions += 1;
                match (self.contradictions < CONTRADICTIONS, self.may_have_happened) {
                    (true, _) => Found::NotYet,
                    (false, true) => Found::Overtaken,
                    (false, false) => Found::Stale,
                }
            }
        }
    }

    /// The answer was lost, and then the object was read.
    fn lost_and_found(&self, state: ChangeState) -> Found {
        match state {
            ChangeState::After => Found::Done(ObjectChanged::FoundChanged),
            // The same again is safe: it happens once or is refused.
            ChangeState::Before if self.attempt < ATTEMPTS => Found::NotYet,
            ChangeState::Before => Found::Unknown,
            ChangeState::Neither => Found::Overtaken,
        }
    }
}

#[cfg(test)]
mod tests {
    use ldap3::LdapResult;
    use onramp_core::AttributeName;
    use onramp_core::forest::AttributeChange;

    use super::*;

    fn after(attempt: u32, may_have_happened: bool) -> Tries {
        Tries { attempt, may_have_happened, ..Tries::default() }
    }

    #[test]
    fn what_was_not_sent_is_sent_again_and_in_the_end_it_counts_what_came_before() {
        for lost in [false, true] {
            for attempt in 1..ATTEMPTS {
                assert_eq!(after(attempt, lost).step(Delivery::NotSent, false), Step::Later);
                assert_eq!(after(attempt, lost).step(Delivery::NotConnected, false), Step::Elsewhere);
            }
            let given_up = if lost { Step::Unknown } else { Step::Fail };
            for attempt in [ATTEMPTS, ATTEMPTS + 1] {
                assert_eq!(after(attempt, lost).step(Delivery::NotSent, false), given_up);
                assert_eq!(after(attempt, lost).step(Delivery::NotConnected, false), given_up);
            }
            for code in [BUSY, UNAVAILABLE, ADMIN_LIMIT] {
                let busy = |attempt, busy| {
                    Tries { busy, ..after(attempt, lost) }.step(Delivery::Refused(code), false)
                };
                assert_eq!(busy(1, 1), Step::Again);
                assert_eq!(busy(BUSY_ATTEMPTS - 1, BUSY_IN_A_ROW - 1), Step::Again);
                for (attempt, in_a_row) in
                    [(BUSY_ATTEMPTS, 1), (BUSY_ATTEMPTS + 1, 1), (1, BUSY_IN_A_ROW), (1, BUSY_IN_A_ROW + 1)]
                {
                    assert_eq!(busy(attempt, in_a_row), given_up, "{code}: {attempt}, {in_a_row}");
                }
            }
            for delivery in [Delivery::Lost, Delivery::TimedOut] {
                assert_eq!(after(ATTEMPTS + 1, lost).step(delivery, false), Step::LookUp);
            }
            // A word of the server about this very change stands, whatever came before.
            for code in
                [INSUFFICIENT_ACCESS_RIGHTS, NO_SUCH_OBJECT, CONSTRAINT_VIOLATION, ENTRY_ALREADY_EXISTS]
            {
                assert_eq!(after(1, lost).step(Delivery::Refused(code), false), Step::Fail);
            }
            for code in [NO_SUCH_ATTRIBUTE, ATTRIBUTE_OR_VALUE_EXISTS] {
                assert_eq!(after(ATTEMPTS + 1, lost).step(Delivery::Refused(code), false), Step::Compare);
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
            (false, ObjectChanged::AlreadySo, Found::Stale),
            (true, ObjectChanged::FoundChanged, Found::Overtaken),
        ] {
            assert_eq!(after(1, lost).refused_and_found(ChangeState::After), Found::Done(done));
            assert_eq!(after(1, lost).refused_and_found(ChangeState::Neither), other);
            // As expected and refused all the same, three times.
            let mut tries = after(1, lost);
            assert_eq!(tries.refused_and_found(ChangeState::Before), Found::NotYet);
            assert_eq!(tries.refused_and_found(ChangeState::Before), Found::NotYet);
            assert_eq!(tries.refused_and_found(ChangeState::Before), other);
            assert_eq!(tries.refused_and_found(ChangeState::Before), other);
            assert_eq!(
                after(1, lost).lost_and_found(ChangeState::After),
                Found::Done(ObjectChanged::FoundChanged)
            );
            assert_eq!(after(1, lost).lost_and_found(ChangeState::Neither), Found::Overtaken);
            assert_eq!(after(ATTEMPTS - 1, lost).lost_and_found(ChangeState::Before), Found::NotYet);
            for attempt in [ATTEMPTS, ATTEMPTS + 1] {
                assert_eq!(after(attempt, lost).lost_and_found(ChangeState::Before), Found::Unknown);
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
        let said = |text: &str| {
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
        assert!(said("00000057: LdapErr: DSID-0C090F93"));
        assert!(said("objectclass: attribute 'x' was not found in the schema"));
        assert!(!said("00002076: AtrErr: DSID-03190F80") && !said(""));
    }
}
