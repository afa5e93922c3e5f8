//! The sentences for people, by code and language; every one can be replaced.

mod characters;
mod texts;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt::{self, Write};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Advice, CharacterClass, Code, NameSource, Target, Violation};

/// The sentences of one language.
///
/// ```
/// use onramp_password::{check, Catalogue, Code, Context, Key, Policy};
///
/// let verdict = check(&Policy::hybrid(), &Context::new(), "Kurz-1");
/// let violation = verdict.violations()[0];
/// assert_eq!(Catalogue::german().message(&violation), "Active Directory: zu kurz, 6 von mindestens 7 Zeichen");
///
/// let own = Catalogue::english().with(Key::Code(Code::TooShort), "Please use {limit} characters or more.");
/// assert_eq!(own.message(&violation), "Please use 7 characters or more.");
/// ```
///
/// In a sentence, `{target}`, `{found}`, `{limit}`, `{more}` (how many are lacking), `{classes}` and `{name}` stand for
/// what the violation says, and `{characters}` for the characters at its places, where the candidate is given. As data, a catalogue is a map from keys (`too_short`, `target.cloud`, `class.upper`, `name.account_name`) to sentences;
/// those that are absent are English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    base: &'static texts::Texts,
    own: BTreeMap<Key, String>,
}

/// What a sentence or a phrase of a [`Catalogue`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// The sentence for a kind of violation.
    Code(Code),
    /// The name of a target.
    Target(Target),
    /// The name of a character class, in the plural.
    Class(CharacterClass),
    /// What a name that was found is called, as in "contains …".
    Name(NameSource),
    /// The sentence for an advice.
    Advice(Advice),
}

impl Catalogue {
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

    /// The catalogue of a language tag such as `de` or `de-AT`.
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

    /// The same catalogue with one sentence or phrase replaced.
    #[must_use]
    pub fn with(mut self, key: Key, text: impl Into<String>) -> Self {
        self.own.insert(key, text.into());
        self
    }

    /// The sentence for a violation.
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

    /// The sentence for a violation that these targets find.
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

    /// The sentence or phrase for a key, with its placeholders.
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

impl Key {
    /// Every key.
    pub fn all() -> impl Iterator<Item = Self> {
        let codes = Code::ALL.into_iter().map(Self::Code);
        let targets = Target::ALL.into_iter().map(Self::Target);
        let classes = CharacterClass::ALL.into_iter().map(Self::Class);
        let names = NameSource::ALL.into_iter().map(Self::Name);
        codes.chain(targets).chain(classes).chain(names).chain(Advice::ALL.into_iter().map(Self::Advice))
    }
}

/// The key as it is written in data.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => f.write_str(code.as_str()),
            Self::Target(target) => write!(f, "target.{}", target.as_str()),
            Self::Class(class) => f.write_str(match class {
                CharacterClass::Upper => "class.upper",
                CharacterClass::Lower => "class.lower",
                CharacterClass::Digit => "class.digit",
                CharacterClass::Symbol => "class.symbol",
                CharacterClass::OtherLetter => "class.other_letter",
            }),
            Self::Name(name) => write!(f, "name.{}", name.as_str()),
            Self::Advice(advice) => write!(f, "advice.{}", advice.as_str()),
        }
    }
}

impl Serialize for Catalogue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Key::all().map(|key| (key.to_string(), self.text(key))))
    }
}

impl<'de> Deserialize<'de> for Catalogue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut catalogue = Self::english();
        for (name, text) in BTreeMap::<String, String>::deserialize(deserializer)? {
            let key = Key::all().find(|key| key.to_string() == name);
            let unknown = || serde::de::Error::custom(format_args!("unknown key `{name}` of a catalogue"));
            catalogue.own.insert(key.ok_or_else(unknown)?, text);
        }
        Ok(catalogue)
    }
}
