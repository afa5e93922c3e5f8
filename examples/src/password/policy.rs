//! The policy that the arguments name, and the account that a password is for.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use onramp_core::{Error, ErrorKind, Result};
use onramp_password::{Catalogue, Context, Policy, ProtectionPolicy};

/// Which policy, and whose password.
#[derive(Args, Debug)]
pub struct PolicyArguments {
    /// The policy (TOML, or JSON if it begins with a brace); without it Active Directory, Entra and Entra Password
    /// Protection with their default settings.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Banned words for Entra Password Protection, one on a line.
    #[arg(long, value_name = "FILE")]
    banned_list: Option<PathBuf>,
    /// A name of the person: given name, surname, display name. Repeat for each.
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// The account's name (sAMAccountName).
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The tenant's display name.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// A word that no password may contain. Repeat for each.
    #[arg(long, value_name = "WORD")]
    word: Vec<String>,
}

impl PolicyArguments {
    /// Reads the policy and the banned words.
    ///
    /// # Errors
    /// When a file cannot be read, or is not a policy; the error names the key.
    pub fn policy(&self) -> Result<Policy> {
        let mut policy = match &self.policy {
            None => Policy::hybrid(),
            Some(path) => parse(path, &read(path)?)?,
        };
        if let Some(path) = &self.banned_list {
            let words = read(path)?;
            let words = words.lines().map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned);
            policy.protection.get_or_insert_with(ProtectionPolicy::default).banned.extend(words);
        }
        Ok(policy)
    }

    /// The account that the password is for.
    #[must_use]
    pub fn context(&self) -> Context {
        let mut context = Context::new();
        context.account_name.clone_from(&self.account);
        context.tenant_name.clone_from(&self.tenant);
        if !self.name.is_empty() {
            context = context.with_display_name(self.name.join(" "));
        }
        context.words.clone_from(&self.word);
        context
    }

    /// Every name and word, as what a guesser would try first.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        let names = self.name.iter().chain(&self.account).chain(&self.tenant).chain(&self.word);
        names.map(String::as_str)
    }
}

/// The catalogue of a language.
///
/// # Errors
/// When there is none in this language.
pub fn catalogue(language: &str) -> Result<Catalogue> {
    Catalogue::for_language(language).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "speak the language")
            .object(language)
            .hint("There are messages in en, de, fr and es.")
    })
}

fn parse(path: &Path, text: &str) -> Result<Policy> {
    let parsed = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())
    } else {
        toml::from_str(text).map_err(|error| error.to_string())
    };
    parsed.map_err(|detail| {
        Error::new(ErrorKind::Invalid, "read the policy").object(path.display()).detail(detail.trim_end())
    })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::NotFound, "read the file").object(path.display()).detail(error.to_string())
    })
}
