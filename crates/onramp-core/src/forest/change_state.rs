//! The state of an object relative to a change: pure, so that every implementation
//! decides alike.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{AttributeChange, AttributeValue, ForestObject, ObjectChange, UpnChange};
use crate::{AttributeName, DistinguishedName, Error, ErrorKind, Result, comparison_key};

/// The number of values that a message names; the rest is counted.
const VALUES_SHOWN: usize = 5;
/// The number of characters of a value that a message shows.
const CHARACTERS_SHOWN: usize = 80;

/// The state of an object relative to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there is no fourth way
pub enum ChangeState {
    /// All is as the change expects it: it is still to be made.
    Before,
    /// All is as the change makes it.
    After,
    /// The object has neither the values before nor those after: it was changed by others.
    Neither,
}

/// The attribute of the UPN.
const UPN: AttributeName = AttributeName::from_static("userPrincipalName");

impl ObjectChange {
    /// Returns the words for this change in errors, before the name of the object.
    pub fn action(&self) -> &'static str {
        match self.attributes.as_slice() {
            [only] if only.attribute == UPN => "change the UPN of",
            _ => "change",
        }
    }

    /// Checks that the change may be sent at all.
    ///
    /// # Errors
    /// `Invalid` if it changes nothing, names an attribute twice or by its object identifier (which would hide both
    /// what it is and that it comes twice), has an empty value, or touches an attribute that
    /// [holds a secret](AttributeName::holds_secret).
    pub fn check(&self) -> Result<()> {
        let refuse = |detail: String, hint: &str| {
            Err(Error::new(ErrorKind::Invalid, self.action())
                .with_object(&self.dn)
                .with_detail(detail)
                .with_hint(hint))
        };
        if self.attributes.is_empty() {
            return refuse("the change names no attribute".into(), "Say what is to change.");
        }
        let mut seen = BTreeSet::new();
        for change in &self.attributes {
            let name = &change.attribute;
            if change.remove.is_empty() && change.add.is_empty() {
                return refuse(
                    format!("it names no value of {name}"),
                    "Name the values to remove and to add.",
                );
            }
            if name.holds_secret() {
                return refuse(format!("{name} holds a secret"), "Set passwords with a tool for passwords.");
            }
            if name.is_oid() {
                return refuse(
                    format!("{name} is an object identifier"),
                    "Name attributes to write by their short name.",
                );
            }
            if !seen.insert(name) {
                return refuse(format!("it names {name} twice"), "Make one change of each attribute.");
            }
            if change.remove.iter().chain(&change.add).any(|value| value.as_bytes().is_empty()) {
                return refuse(
                    format!("a value of {name} is empty"),
                    "An attribute without a value has none.",
                );
            }
        }
        Ok(())
    }

    /// Returns the state of an object relative to this change, given what was read of it.
    pub fn state(&self, object: &ForestObject) -> ChangeState {
        let all = |is: fn(&AttributeChange, &[AttributeValue]) -> bool| {
            self.attributes.iter().all(|change| is(change, object.values(&change.attribute)))
        };
        if all(AttributeChange::is_after) {
            ChangeState::After
        } else if all(AttributeChange::is_before) {
            ChangeState::Before
        } else {
            ChangeState::Neither
        }
    }

    /// Returns true if a value is only to be spelled otherwise: in another case, or with other marks, width or kana. A server that
    /// removes in any such spelling makes the change again and again, so that only reading tells whether there is
    /// anything to do.
    pub fn is_respelling(&self) -> bool {
        let is_same = |old: &AttributeValue, new: &AttributeValue| match (old.as_text(), new.as_text()) {
            (Some(old), Some(new)) => comparison_key(old) == comparison_key(new),
            _ => old == new,
        };
        self.attributes
            .iter()
            .any(|change| change.remove.iter().any(|old| change.add.iter().any(|new| is_same(old, new))))
    }

    /// In which way an object is not as the change expects it, for people: which attribute has which values, and which
    /// were expected. All attributes of the change, if each is as it expects.
    pub fn difference(&self, object: &ForestObject) -> String {
        let found = |change: &AttributeChange| object.values(&change.attribute).to_vec();
        let all_expected = self.attributes.iter().all(|change| change.is_before(&found(change)));
        let mut text = String::new();
        for change in &self.attributes {
            let found = found(change);
            if all_expected || !change.is_before(&found) {
                let joint = if text.is_empty() { "its" } else { ", its" };
                // Writing to a text cannot fail.
                let _ = write!(text, "{joint} {} {}", change.attribute, change.difference(&found));
            }
        }
        text
    }
}

impl AttributeChange {
    fn is_before(&self, found: &[AttributeValue]) -> bool {
        if self.replaces_all_values {
            return found.len() == self.remove.len() && contains_all(found, &self.remove);
        }
        let goes = |value: &AttributeValue| self.remove.iter().any(|old| is_same_text(old, value));
        let in_the_way =
            |value: &AttributeValue| !goes(value) && self.add.iter().any(|new| is_same_text(new, value));
        contains_all(found, &self.remove) && !found.iter().any(in_the_way)
    }

    fn is_after(&self, found: &[AttributeValue]) -> bool {
        if self.replaces_all_values {
            return found.len() == self.add.len() && contains_all(found, &self.add);
        }
        let gone = |value: &AttributeValue| contains(&self.add, value) || !contains(found, value);
        contains_all(found, &self.add) && self.remove.iter().all(gone)
    }

    fn difference(&self, found: &[AttributeValue]) -> String {
        let expected = match (self.replaces_all_values, self.remove.as_slice()) {
            (true, []) => "none was expected".to_owned(),
            (true, values) => format!("{} was expected", list(values)),
            (false, []) => format!("{} was to be added", list(&self.add)),
            (false, values) if contains_all(found, values) => {
                format!("{} was to be added", list(&self.add))
            }
            (false, values) => format!("{} was expected", list(values)),
        };
        match found {
            [] => format!("has no value now, where {expected}"),
            [_] => format!("is {} now, where {expected}", list(found)),
            _ => format!("has the values {} now, where {expected}", list(found)),
        }
    }
}

impl From<&UpnChange> for ObjectChange {
    fn from(change: &UpnChange) -> Self {
        let before = change.before.as_deref().map(AttributeValue::text);
        let after = Some(AttributeValue::text(change.after.as_str()));
        Self::new(change.guid, change.dn.clone()).with(AttributeChange::replace(UPN, before, after))
    }
}

impl From<UpnChange> for ObjectChange {
    fn from(change: UpnChange) -> Self {
        Self::from(&change)
    }
}

fn contains_all(values: &[AttributeValue], wanted: &[AttributeValue]) -> bool {
    wanted.iter().all(|value| contains(values, value))
}

fn contains(values: &[AttributeValue], wanted: &AttributeValue) -> bool {
    values.iter().any(|value| value == wanted || is_same_name(value, wanted))
}

/// Octets that read the same but for their case. Not for their marks, too: the directories that store two such values
/// beside each other would be told that one is the other. What a change expects to find, [`contains`] compares exactly.
fn is_same_text(one: &AttributeValue, other: &AttributeValue) -> bool {
    if one == other {
        return true;
    }
    match (one.as_text(), other.as_text()) {
        (Some(one), Some(other)) => one.to_lowercase() == other.to_lowercase(),
        _ => false,
    }
}

/// Distinguished names: a directory gives them back in a spelling of its own.
fn is_same_name(one: &AttributeValue, other: &AttributeValue) -> bool {
    let name = |value: &AttributeValue| {
        let text = value.as_text().filter(|text| text.contains('=') && text.contains(','))?;
        DistinguishedName::parse(text).ok()
    };
    match (name(one), name(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn list(values: &[AttributeValue]) -> String {
    let shown = |value: &AttributeValue| {
        let text = value.to_string();
        match text.char_indices().nth(CHARACTERS_SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    };
    let mut text = values.iter().take(VALUES_SHOWN).map(shown).collect::<Vec<_>>().join(", ");
    if let Some(more) = values.len().checked_sub(VALUES_SHOWN).filter(|more| *more > 0) {
        let _ = write!(text, " and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ObjectGuid;

    fn values(texts: &[&str]) -> Vec<AttributeValue> {
        texts.iter().map(|text| AttributeValue::text(*text)).collect()
    }

    fn base() -> ObjectChange {
        ObjectChange::new(ObjectGuid::from_bytes([7; 16]), "CN=a,DC=corp,DC=example".parse().unwrap())
    }

    fn found(attribute: &str, texts: &[&str]) -> ForestObject {
        let mut object = ForestObject::new(base().guid, base().dn);
        object.attributes.insert(attribute.parse().unwrap(), values(texts));
        object
    }

    fn edit(remove: &[&str], add: &[&str]) -> ObjectChange {
        base().with(AttributeChange::edit("proxyAddresses".parse().unwrap(), values(remove), values(add)))
    }

    fn replace(before: Option<&str>, after: Option<&str>) -> ObjectChange {
        let value = |text: Option<&str>| text.map(AttributeValue::text);
        base().with(AttributeChange::replace("displayName".parse().unwrap(), value(before), value(after)))
    }

    #[test]
    fn another_spelling_is_told_from_another_value() {
        for (before, after) in [("anna", "ANNA"), ("Jose", "José"), ("Ｐeter", "peter")] {
            let change = replace(Some(before), Some(after));
            assert!(change.is_respelling(), "{before} {after}");
            // Looked at exactly, so that the one is not the other.
            assert_eq!(change.state(&found("displayName", &[before])), ChangeState::Before);
            assert_eq!(change.state(&found("displayName", &[after])), ChangeState::After);
        }
        assert!(!replace(Some("anna"), Some("hanna")).is_respelling());
        assert!(!replace(None, Some("anna")).is_respelling());
        // Two such values may stand beside each other.
        assert_eq!(
            edit(&[], &["smtp:josé@x"]).state(&found("proxyAddresses", &["smtp:jose@x"])),
            ChangeState::Before
        );
    }

    #[test]
    fn a_single_value_is_before_after_or_neither() {
        let swap = replace(Some("A"), Some("B"));
        for (held, state) in [
            (&["A"][..], ChangeState::Before),
            (&["B"], ChangeState::After),
            (&["a"], ChangeState::Neither),
            (&[], ChangeState::Neither),
            (&["A", "B"], ChangeState::Neither),
        ] {
            assert_eq!(swap.state(&found("displayname", held)), state, "{held:?}");
        }
        assert_eq!(replace(Some("A"), None).state(&found("displayName", &["B"])), ChangeState::Neither);
        assert_eq!(replace(Some("A"), None).state(&found("displayName", &[])), ChangeState::After);
        assert_eq!(replace(None, Some("A")).state(&found("displayName", &[])), ChangeState::Before);
        let told = swap.difference(&found("displayName", &["C"]));
        assert_eq!(told, "its displayName is C now, where A was expected");
    }

    #[test]
    fn other_values_of_a_multi_valued_attribute_do_not_matter() {
        let change = edit(&["smtp:old@x"], &["smtp:new@x"]);
        let state = |held: &[&str]| change.state(&found("proxyAddresses", held));
        assert_eq!(state(&["SMTP:main@x", "smtp:old@x"]), ChangeState::Before);
        assert_eq!(state(&["SMTP:main@x", "smtp:new@x"]), ChangeState::After);
        assert_eq!(state(&["SMTP:main@x"]), ChangeState::Neither);
        assert_eq!(
            state(&["smtp:old@x", "smtp:new@x"]),
            ChangeState::Neither,
            "it cannot be added beside itself"
        );
        assert_eq!(state(&["smtp:old@x", "SMTP:NEW@x"]), ChangeState::Neither, "nor beside another spelling");
    }

    #[test]
    fn a_respelling_is_known_as_one() {
        let demotion = edit(&["SMTP:a@x"], &["smtp:a@x", "SMTP:b@x"]);
        assert!(demotion.is_respelling() && !edit(&["a"], &["b"]).is_respelling());
        assert_eq!(demotion.state(&found("proxyAddresses", &["SMTP:a@x"])), ChangeState::Before);
        assert_eq!(demotion.state(&found("proxyAddresses", &["smtp:a@x", "SMTP:b@x"])), ChangeState::After);
    }

    #[test]
    fn names_are_compared_as_names() {
        let change = base().with(AttributeChange::edit(
            "member".parse().unwrap(),
            vec![],
            values(&["cn=b, dc=corp,dc=example"]),
        ));
        assert_eq!(change.state(&found("member", &["CN=b,DC=corp,DC=example"])), ChangeState::After);
    }

    #[test]
    fn what_may_not_be_sent_is_refused() {
        let once =
            || AttributeChange::replace("mail".parse().unwrap(), None, Some(AttributeValue::text("a@x")));
        assert!(base().with(once()).check().is_ok());
        let of = |name: &str| AttributeChange { attribute: name.parse().unwrap(), ..once() };
        for (refused, why) in [
            (base(), "names no attribute"),
            (replace(None, None), "names no value"),
            (base().with(once()).with(of("MAIL")), "twice"),
            (base().with(of("unicodePwd")), "secret"),
            (base().with(of("1.2.840.113556.1.4.90")), "object identifier"),
            (edit(&[], &[""]), "empty"),
        ] {
            let error = refused.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn long_and_many_values_are_cut_short_in_words() {
        let many: Vec<String> = (0..9).map(|at| format!("{at}{}", "ä".repeat(200))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let told = edit(&["x"], &["y"]).difference(&found("proxyAddresses", &many));
        assert!(told.contains("and 4 more") && told.len() < 1200, "{told}");
    }

    fn some_values() -> impl Strategy<Value = Vec<AttributeValue>> {
        let value = prop_oneof![
            "[ab]{1,2}".prop_map(AttributeValue::text),
            "[AB]{1,2}".prop_map(AttributeValue::text),
            proptest::collection::vec(any::<u8>(), 1..3).prop_map(AttributeValue::bytes),
        ];
        proptest::collection::btree_set(value, 0..4).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        /// Carrying a change out on an object that is as expected makes it as the change makes it.
        #[test]
        fn what_was_before_is_after(remove in some_values(), add in some_values(), others in some_values()) {
            let remove: Vec<_> = remove.into_iter().filter(|old| !add.contains(old)).collect();
            let attribute: AttributeName = "description".parse().unwrap();
            let change = base().with(AttributeChange::edit(attribute.clone(), remove.clone(), add.clone()));
            let mut object = ForestObject::new(base().guid, base().dn);
            let held: Vec<_> = others.into_iter().chain(remove.iter().cloned()).collect();
            object.attributes.insert(attribute.clone(), held);
            prop_assume!(change.state(&object) == ChangeState::Before);
            let values = object.attributes.get_mut(&attribute).unwrap();
            values.retain(|value| !remove.contains(value));
            values.extend(add);
            prop_assert_eq!(change.state(&object), ChangeState::After);
        }
    }
}
