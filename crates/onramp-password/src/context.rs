//! The names around an account, which its password must not contain.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The account a password is for. Whatever is missing is not looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Context {
    /// `sAMAccountName`.
    pub account_name: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `givenName`. Without given name and surname, the pieces of the display name stand in for them.
    pub given_name: Option<String>,
    /// `sn`.
    pub surname: Option<String>,
    /// The display name of the Entra tenant.
    pub tenant_name: Option<String>,
    /// Further words around this account that its password may not contain, of three characters or more; shorter ones
    /// are ignored. A list that holds for every account goes into [`CustomPolicy::words`](crate::CustomPolicy::words).
    pub words: Vec<String>,
}

impl Context {
    /// Creates a context in which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the context with this `sAMAccountName`.
    #[must_use]
    pub fn with_account_name(mut self, name: impl Into<String>) -> Self {
        self.account_name = Some(name.into());
        self
    }

    /// Returns the context with this `displayName`.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Returns the context with this given name and surname.
    #[must_use]
    pub fn with_person(mut self, given_name: impl Into<String>, surname: impl Into<String>) -> Self {
        self.given_name = Some(given_name.into());
        self.surname = Some(surname.into());
        self
    }

    /// Returns the context with this tenant name.
    #[must_use]
    pub fn with_tenant_name(mut self, name: impl Into<String>) -> Self {
        self.tenant_name = Some(name.into());
        self
    }

    /// Returns the context with one more word that no password may contain.
    #[must_use]
    pub fn with_word(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Returns the pieces into which a domain controller splits the display name.
    pub(crate) fn display_name_pieces(&self) -> impl Iterator<Item = &str> {
        let separators = [',', '.', '-', '_', ' ', '#', '\t'];
        self.display_name
            .iter()
            .flat_map(move |name| name.split(separators))
            .filter(|piece| !piece.is_empty())
    }

    /// Returns the person's names, as Entra looks for them.
    pub(crate) fn person_names(&self) -> Vec<&str> {
        let known: Vec<&str> =
            [&self.given_name, &self.surname].into_iter().flatten().map(String::as_str).collect();
        if known.is_empty() { self.display_name_pieces().collect() } else { known }
    }
}
