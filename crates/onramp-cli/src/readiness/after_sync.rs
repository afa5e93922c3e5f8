//! The comparison of a report with what synchronization reported after it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use onramp_core::tenant::ProvisioningError;
use onramp_core::{Error, ErrorKind, Result, visible};
use onramp_readiness::forecast::AfterSync;

use super::input::read_findings;
use super::messages::io_error;
use super::tenant::TenantArguments;

#[derive(Debug, Args)]
pub(super) struct AfterSyncArguments {
    /// The report before synchronization, in JSON.
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tenant: TenantArguments,
}

pub(super) fn run(arguments: &AfterSyncArguments) -> Result<ExitCode> {
    let findings = read_findings(&arguments.report)?;
    let objects = arguments.tenant.objects()?;
    if objects.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "compare the report with the tenant")
            .with_detail("there is no object of the tenant")
            .with_hint("Name an export of its users after synchronization by --tenant-users."));
    }
    let errors = objects.into_iter().flat_map(|object| object.provisioning_errors);
    let compared = AfterSync::compare(&findings, errors);
    let mut out = Vec::new();
    let written = if arguments.json {
        serde_json::to_writer_pretty(&mut out, &compared)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        text(&compared, &mut out)
    };
    written
        .and_then(|()| io::stdout().lock().write_all(&out))
        .map_err(|error| io_error("print the comparison", &error))?;
    Ok(if compared.not_predicted.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn text(compared: &AfterSync, out: &mut impl Write) -> io::Result<()> {
    let errors = |out: &mut dyn Write, title: &str, errors: &[ProvisioningError]| {
        writeln!(out, "{title}: {}", errors.len())?;
        errors.iter().try_for_each(|error| {
            let object = error.name.clone().unwrap_or_else(|| error.object.to_string());
            writeln!(out, "  {}: {} “{}”", visible(&object), visible(&error.property), visible(&error.value))
        })
    };
    errors(out, "Not predicted", &compared.not_predicted)?;
    errors(out, "Predicted", &compared.predicted)?;
    writeln!(out, "Predicted and not seen: {}", compared.not_seen.len())?;
    compared.not_seen.iter().try_for_each(|finding| {
        let value = finding.value.as_deref().unwrap_or_default();
        writeln!(out, "  {}: {} “{}”", finding.object, finding.attribute, visible(value))
    })
}
