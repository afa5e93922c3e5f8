//! The program `identity`: the life of the application that synchronization signs in as.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use onramp_core::{Error, ErrorKind, Result};

use crate::approval::ApprovalArguments;
use crate::config::Config;
use crate::job::{Ended, end};
use crate::onboard::prepare;

/// Rotate the certificate of the application that synchronization signs in as.
#[derive(Debug, Parser)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Rotate(Rotate),
}

/// Add a certificate with a new key beside the current one, or remove the ones before it.
///
/// A rotation has two plans. The first adds a certificate, proves it by a token and keeps the old one: both are accepted while the
/// server is switched over. The second, with --remove-old, proves the current certificate again and removes the old ones. Both are
/// shown, approved, applied and verified like any other plan. A run that was interrupted is finished by the same command, without a
/// third certificate.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes: those of onboard.")]
struct Rotate {
    /// The configuration file (TOML), with a section [spec.application].
    #[arg(long, default_value = "onboard.toml")]
    config: PathBuf,
    /// Remove the certificates of earlier runs, once the server uses the current one.
    #[arg(long)]
    remove_old: bool,
    #[command(flatten)]
    approval: ApprovalArguments,
}

/// Runs the program.
pub async fn run(arguments: Arguments) -> ExitCode {
    let Action::Rotate(arguments) = arguments.action;
    end(Box::pin(rotate(arguments))).await
}

async fn rotate(arguments: Rotate) -> Result<Ended> {
    let mut config = Config::read(&arguments.config)?;
    let missing = |detail: &str, hint: &str| {
        Error::new(ErrorKind::Invalid, "rotate the certificate").with_detail(detail).with_hint(hint)
    };
    let Some(application) = config.spec.application.take() else {
        return Err(missing(
            "the configuration has no section [spec.application]",
            "A service account gets a new password with `onramp onboard --new-password`.",
        ));
    };
    if application.certificate.is_some() && !arguments.remove_old {
        return Err(missing(
            "the configuration brings its certificate",
            "Name the new file there and run `onramp onboard`, then `onramp identity rotate --remove-old`.",
        ));
    }
    let application = match arguments.remove_old {
        true => application.with_old_certificates_removed(),
        false => application.with_new_certificate(),
    };
    // The rest of the job is not touched.
    config.spec.users = None;
    config.spec.sync = onramp::SyncSpec::default();
    config.spec.service_account = None;
    config.spec.application = Some(application);
    Box::pin(prepare(config, None, &arguments.approval, false, false, "identity")).await
}
