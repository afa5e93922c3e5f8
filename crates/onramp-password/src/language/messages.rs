//! The sentences for people, by code and language; every one can be replaced.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt::{self, Write};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key::Key;
use super::{characters, texts};
use crate::target::Target;
use crate::verdict::{NameSource, Violation};

/// The sentences of one language.
///
/// ```
/// use onramp_password::check::{Code, Context};
/// use onramp_password::language::Key;
/// use onramp_password::{check, Messages, Policy};
///
/// let verdict = check(&Policy::hybrid(), &Context::new(), "Kurz-1");
/// let violation = verdict.violations()[0];
/// assert_eq!(Messages::german().message(&violation), "Active Directory: zu kurz, 6 von mindestens 7 Zeichen");
///
/// let own = Messages::english().with(Key::Code(Code::TooShort), "Please use {limit} characters or more.");
/// assert_eq!(own.message(&violation), "Please use 7 characters or more.");
/// ```
///
/// In a sentence, `{target}`, `{found}`, `{limit}`, `{more}` (how many are lacking), `{classes}` and `{name}` stand for
/// what the violation says, and `{characters}` for the characters at its places, where the candidate is given. As data,
/// the messages are a map from keys (`too_short`, `target.cloud`, `class.upper`, `name.account_name`) to sentences; those
/// that are absent are English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    base: &'static texts::Texts,
    own: BTreeMap<Key, String>,
}

impl Messages {
    /// English.
    #[must_use]
    pub const fn english() -> Self {
        Self::of(&texts::ENGLISH)
    }

    /// German.
    #[must_use]
    pub const fn german() -> Self {
        Self::of(&texts::GERMAN)
    }

    /// French.
    #[must_use]
    pub const fn french() -> Self {
        Self::of(&texts::FRENCH)
    }

    /// Spanish.
    #[must_use]
    pub const fn spanish() -> Self {
        Self::of(&texts::SPANISH)
    }

    /// Returns the messages of a language tag such as `de` or `de-AT`.
    #[must_use]
    pub fn for_language(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()? {
            "en" => Some(Self::english()),
            "de" => Some(Self::german()),
            "fr" => Some(Self::french()),
            "es" => Some(Self::spanish()),
            _ => None,
        }
    }

    /// Returns the messages with one sentence or phrase replaced.
    #[must_use]
    pub fn with(mut self, key: Key, text: impl Into<String>) -> Self {
        self.own.insert(key, text.into());
        self
    }

    /// Returns the sentence for a violation.
    #[must_use]
    pub fn message(&self, violation: &Violation) -> String {
        self.sentence(violation, &[violation.target], None)
    }

    /// Returns the sentence for a violation, with the characters of the candidate that it is about.
    ///
    /// Those that are not allowed are named, and nothing else of the candidate.
    #[must_use]
    pub fn message_for(&self, violation: &Violation, candidate: &str) -> String {
        self.sentence(violation, &[violation.target], Some(candidate))
    }

    /// Returns the sentence for a violation that these targets find.
    pub(crate) fn sentence(
        &self,
        violation: &Violation,
        targets: &[Target],
        candidate: Option<&str>,
    ) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(violation, targets, candidate, &mut text);
        text
    }

    /// Returns the sentence or phrase for a key, with its placeholders.
    #[must_use]
    pub fn text(&self, key: Key) -> &str {
        self.own.get(&key).map_or_else(|| self.base.text(key), String::as_str)
    }

    pub(crate) fn write(
        &self,
        violation: &Violation,
        targets: &[Target],
        candidate: Option<&str>,
        out: &mut dyn Write,
    ) -> fmt::Result {
        let mut rest = self.text(Key::Code(violation.code));
        while let Some((before, after)) = rest.split_once('{') {
            out.write_str(before)?;
            let Some((placeholder, after)) = after.split_once('}') else { break };
            match placeholder {
                "target" => listed(out, targets.iter().map(|&target| self.text(Key::Target(target))))?,
                "found" => write!(out, "{}", violation.found.unwrap_or(0))?,
                "limit" => write!(out, "{}", violation.limit.unwrap_or(0))?,
                "more" => write!(out, "{}", violation.lacking())?,
                "name" => {
                    out.write_str(self.text(Key::Name(violation.name.unwrap_or(NameSource::Word))))?;
                }
                "classes" => {
                    listed(
                        out,
                        violation.missing_by_name().iter().map(|class| self.text(Key::Class(class))),
                    )?;
                }
                "characters" => characters::name(violation, candidate, out)?,
                other => write!(out, "{{{other}}}")?,
            }
            rest = after;
        }
        out.write_str(rest)
    }

    const fn of(base: &'static texts::Texts) -> Self {
        Self { base, own: BTreeMap::new() }
    }
}

/// Writes phrases with commas between them.
fn listed<'a>(out: &mut dyn Write, phrases: impl Iterator<Item = &'a str>) -> fmt::Result {
    for (index, phrase) in phrases.enumerate() {
        out.write_str(if index == 0 { "" } else { ", " })?;
        out.write_str(phrase)?;
    }
    Ok(())
}

/// The English sentence of the [`Messages`].
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Messages::english().write(self, &[self.target], None, f)
    }
}

impl Serialize for Messages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Key::all().map(|key| (key.to_string(), self.text(key))))
    }
}

impl<'de> Deserialize<'de> for Messages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut messages = Self::english();
        for (name, text) in BTreeMap::<String, String>::deserialize(deserializer)? {
            let key = Key::all().find(|key| key.to_string() == name);
            let unknown = || serde::de::Error::custom(format_args!("unknown key `{name}` of a messages"));
            messages.own.insert(key.ok_or_else(unknown)?, text);
        }
        Ok(messages)
    }
}
