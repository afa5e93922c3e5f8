//! The policy that the arguments name, and the account that a password is for.

use std::path::{Path, PathBuf};

use clap::Args;
use onramp_core::{Error, ErrorKind, Result};
use onramp_password::check::Context;
use onramp_password::{Messages, Policy, ProtectionPolicy};

use super::input::read_text;

/// The arguments that name the policy and describe the account.
#[derive(Args, Debug)]
pub(super) struct PolicyArguments {
    /// The policy (TOML, or JSON if it begins with a brace); without it Active Directory, Entra and Entra Password
    /// Protection with their default settings.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The words that Entra bans: the tenant's custom list, one on a line.
    #[arg(long, value_name = "FILE")]
    banned_list: Option<PathBuf>,
    /// A banned list of your own, one word on a line: no password may contain one.
    #[arg(long, value_name = "FILE")]
    own_list: Option<PathBuf>,
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
    /// If a file cannot be read, or is not a policy; the error names the key.
    pub(super) fn policy(&self) -> Result<Policy> {
        let mut policy = match &self.policy {
            None => Policy::hybrid(),
            Some(path) => parse(path, &read_text(path)?)?,
        };
        if let Some(path) = &self.banned_list {
            let words = words(path)?;
            policy.protection.get_or_insert_with(ProtectionPolicy::default).banned.extend(words);
        }
        if let Some(path) = &self.own_list {
            policy = policy.with_own_banned_list(words(path)?);
        }
        Ok(policy)
    }

    /// Returns the account that the password is for.
    #[must_use]
    pub(super) fn context(&self) -> Context {
        let mut context = Context::new();
        context.account_name.clone_from(&self.account);
        context.tenant_name.clone_from(&self.tenant);
        if !self.name.is_empty() {
            context = context.with_display_name(self.name.join(" "));
        }
        context.words.clone_from(&self.word);
        context
    }

    /// Returns every name and word, which a guesser would try first.
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        let names = self.name.iter().chain(&self.account).chain(&self.tenant).chain(&self.word);
        names.map(String::as_str)
    }
}

/// Returns the messages of a language.
///
/// # Errors
/// If there are none in this language.
pub(super) fn messages(language: &str) -> Result<Messages> {
    Messages::for_language(language).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "speak the language")
            .with_object(language)
            .with_hint("There are messages in en, de, fr and es.")
    })
}

fn parse(path: &Path, text: &str) -> Result<Policy> {
    let parsed = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())
    } else {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map(|before| 1 + before.matches('\n').count());
            line.map_or_else(String::new, |line| format!("line {line}: ")) + error.message().trim_end()
        })
    };
    parsed.map_err(|detail| {
        let error = Error::new(ErrorKind::Invalid, "read the policy")
            .with_object(path.display())
            .with_detail(&detail);
        match nearest(&detail) {
            Some(name) => error.with_hint(format!("Did you mean `{name}`?")),
            None => error,
        }
    })
}

/// Returns the known name most similar to an unknown one, from a message such as "unknown field `a`, expected one of
/// `b`, `c`".
fn nearest(message: &str) -> Option<&str> {
    let (_, names) = message.split_once("unknown ")?;
    let mut names = names.split('`').skip(1).step_by(2);
    let wanted = names.next()?.to_lowercase();
    let (distance, name) = names.map(|name| (strsim::damerau_levenshtein(&wanted, name), name)).min()?;
    (distance <= 2.max(name.chars().count() / 3)).then_some(name)
}

/// Reads the words of a list, one on a line. Refuses a table: its quotes and commas would become parts of words, so the
/// list would ban nothing.
fn words(path: &Path) -> Result<Vec<String>> {
    let text = read_text(path)?;
    let refuse = |detail: String| {
        Error::new(ErrorKind::Invalid, "read the list of words")
            .with_object(path.display())
            .with_detail(detail)
    };
    let is_table = |line: &str| line.contains(['"', ',', ';', '\t']) || line.starts_with("#TYPE");
    if let Some(place) = text.lines().position(is_table) {
        return Err(refuse(format!("line {} looks like one of a table (CSV)", place + 1))
            .with_hint("Write one word on a line, without quotes and commas."));
    }
    let words: Vec<String> =
        text.lines().map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.is_empty() { Err(refuse("it holds no words".to_owned())) } else { Ok(words) }
}
