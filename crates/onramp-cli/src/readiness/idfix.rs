//! The files of IdFix, for people who leave it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use onramp_core::{Result, visible};
use onramp_readiness::FixChange;
use onramp_readiness::ldif::{ChangeRecord, Writer};
use onramp_readiness::source::SourceError;
use onramp_readiness::source::idfix_files::{CsvReader, IdfixEdit, UpdateReader};

use super::input::open;
use super::output::{MAX_TOLD, io_error, out};

#[derive(Debug, Args)]
pub(super) struct IdfixArguments {
    /// A CSV export of IdFix, or an undo file (`Update*.ldf`).
    file: PathBuf,
    /// Take back what the file says, instead of making it.
    #[arg(long)]
    undo: bool,
    /// The file of the LDIF; without it, standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(super) fn run(arguments: &IdfixArguments) -> Result<ExitCode> {
    let is_update = arguments.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ldf"));
    let input = open(&arguments.file)?;
    let edits: Box<dyn Iterator<Item = std::result::Result<IdfixEdit, SourceError>>> =
        if is_update { Box::new(UpdateReader::new(input)) } else { Box::new(CsvReader::new(input)) };
    let (mut places, mut objects): (HashMap<String, usize>, Vec<(String, Vec<FixChange>)>) =
        Default::default();
    let (mut unreadable, mut unchanged) = (0_u64, 0_u64);
    for edit in edits {
        let edit = match edit {
            Ok(edit) => edit,
            Err(error) => {
                unreadable += 1;
                if unreadable <= MAX_TOLD {
                    eprintln!("{}", visible(&error.to_string()));
                }
                continue;
            }
        };
        let Some(change) = (if arguments.undo { edit.undo() } else { edit.apply() }) else {
            unchanged += 1;
            continue;
        };
        // All rows of an object are one change, which is made whole or not at all.
        let place = *places.entry(edit.dn.to_lowercase()).or_insert_with(|| {
            objects.push((edit.dn.clone(), Vec::new()));
            objects.len() - 1
        });
        if let Some((_, changes)) = objects.get_mut(place) {
            merge(changes, change);
        }
    }
    let mut writer = Writer::new(out(arguments.to.as_deref())?);
    let written = objects
        .iter()
        .try_for_each(|(dn, changes)| writer.write_change(&ChangeRecord::of_fix(dn.clone(), changes)))
        .and_then(|()| writer.finish())
        .and_then(|mut out| out.flush());
    written.map_err(|error| io_error("write the LDIF", &error))?;
    eprintln!(
        "{} objects to change, {unchanged} rows change nothing, {unreadable} could not be read. Look at the changes before you make them: the files of IdFix do not protect line breaks.",
        objects.len()
    );
    Ok(if unreadable > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn merge(changes: &mut Vec<FixChange>, change: FixChange) {
    match changes.iter_mut().find(|other| other.attribute == change.attribute) {
        Some(other) => {
            other.remove.extend(change.remove);
            other.add.extend(change.add);
        }
        None => changes.push(change),
    }
}
