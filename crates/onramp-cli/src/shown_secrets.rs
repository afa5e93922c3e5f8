//! A store of secrets that shows each of them once at the terminal.

use std::io::IsTerminal;

use onramp::{CallbackSecretStore, SecretStep};
use onramp_core::{Error, ErrorKind, Result};

use crate::terminal::Terminal;

/// Returns a store that shows a new password once, and lets the tenant have it only after a person has kept it.
///
/// # Errors
/// `Invalid` if there is no terminal: a file or a log would keep what is shown.
pub fn shown_secrets(terminal: &Terminal) -> Result<CallbackSecretStore> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Error::new(ErrorKind::Invalid, "show the new password")
            .with_detail("input and error output are not a terminal, and a file would keep it")
            .with_hint("Run the command at a terminal, or leave out --show-password: the password is then in a file for you alone."));
    }
    let terminal = terminal.clone();
    Ok(CallbackSecretStore::new(move |step, name, secret| {
        match step {
            SecretStep::Stored => {
                terminal.rest();
                terminal.note(format!("\nThe new password of {name}, shown this once:\n"));
                terminal.note(format!("    {}\n", secret.expose()));
                let question = "Keep it where only its users can read it. Is it kept? Type yes: ";
                if !terminal.ask(question).trim().eq_ignore_ascii_case("yes") {
                    return Err(Error::new(ErrorKind::Cancelled, "store the new password of")
                        .with_object(name)
                        .with_detail("nobody kept it")
                        .with_hint("The tenant's password was not changed."));
                }
            }
            SecretStep::Discarded => {
                terminal.note(format!(
                    "the tenant did not take the password of {name} that was shown: forget it"
                ));
            }
            _ => {}
        }
        Ok("the hands of who ran this".to_owned())
    }))
}
