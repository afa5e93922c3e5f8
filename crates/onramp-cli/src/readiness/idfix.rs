//! The files of IdFix, for people who leave it.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use onramp_core::Result;
use onramp_readiness::FixChange;
use onramp_readiness::ldif::{ChangeRecord, Writer};
use onramp_readiness::source::SourceError;
use onramp_readiness::source::idfix_files::{CsvReader, IdfixEdit, UpdateReader};

use super::input::{name_of, open};
use super::messages::{counted, io_error};
use super::output::{InputErrors, write_to};

#[derive(Debug, Args)]
pub(super) struct IdfixArguments {
    /// A CSV export of IdFix, or an undo file (`Update*.ldf`); `-` is standard input.
    file: PathBuf,
    /// Take back what the file says, instead of making it.
    #[arg(long)]
    undo: bool,
    /// The file of the LDIF; without it, standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(super) fn run(arguments: &IdfixArguments) -> Result<ExitCode> {
    let mut errors = InputErrors::default();
    let mut rows = Vec::new();
    for row in edits(&arguments.file)? {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => errors.tell(&format!("{}: {error}", name_of(&arguments.file))),
        }
    }
    if rows.is_empty() && errors.count() == 0 {
        errors.tell(&format!("{}: there is no row in it", name_of(&arguments.file)));
    }
    if arguments.undo {
        // What was done last is taken back first.
        rows.reverse();
    }
    let mut unchanged = 0_u64;
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut objects: Vec<(String, Vec<FixChange>)> = Vec::new();
    for row in rows {
        let Some(change) = (if arguments.undo { row.undo() } else { row.apply() }) else {
            unchanged += 1;
            continue;
        };
        // All rows of an object are one change, which is made whole or not at all.
        let place = *places.entry(row.dn.to_lowercase()).or_insert_with(|| {
            objects.push((row.dn.clone(), Vec::new()));
            objects.len() - 1
        });
        if let Some((_, changes)) = objects.get_mut(place) {
            follow(changes, change);
        }
    }
    for (_, changes) in &mut objects {
        changes.retain(|change| !change.remove.is_empty() || !change.add.is_empty());
    }
    objects.retain(|(_, changes)| !changes.is_empty());
    write_to(arguments.to.as_deref(), |out| {
        let mut writer = Writer::new(out);
        for (dn, changes) in &objects {
            writer.write_change(&ChangeRecord::of_fix(dn.clone(), changes))?;
        }
        writer.finish().map(|_| ())
    })?;
    eprintln!(
        "{} to change, {} without a change, {} in the input. Look at the changes before you make them: the files of IdFix do not protect line breaks.",
        counted(objects.len() as u64, "object"),
        counted(unchanged, "row"),
        counted(errors.count(), "error")
    );
    Ok(if errors.count() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

type Edits = Box<dyn Iterator<Item = std::result::Result<IdfixEdit, SourceError>>>;

/// The rows of a file of either kind, told by its beginning: people rename files.
fn edits(file: &Path) -> Result<Edits> {
    const BEGINNING: &[u8] = b"distinguishedname:";
    const ENOUGH: u64 = 256;
    let mut rest = open(file)?;
    let what = format!("read {}", name_of(file));
    let mut start = Vec::new();
    (&mut rest).take(ENOUGH).read_to_end(&mut start).map_err(|error| io_error(&what, &error))?;
    let text = start.trim_ascii_start();
    let is_update = text.get(..BEGINNING.len()).is_some_and(|text| text.eq_ignore_ascii_case(BEGINNING));
    let input = Cursor::new(start).chain(rest);
    Ok(if is_update { Box::new(UpdateReader::new(input)) } else { Box::new(CsvReader::new(input)) })
}

/// Adds a change that is made after others. A value that comes and goes, or goes and comes, is not changed, because IdFix logs what
/// it did in one session in one file.
fn follow(changes: &mut Vec<FixChange>, change: FixChange) {
    let Some(before) = changes.iter_mut().find(|before| before.attribute == change.attribute) else {
        changes.push(change);
        return;
    };
    for value in change.remove {
        move_or_drop(value, &mut before.add, &mut before.remove);
    }
    for value in change.add {
        move_or_drop(value, &mut before.remove, &mut before.add);
    }
}

/// Drops a value from one list, or adds it to the other if it is in neither.
fn move_or_drop(value: String, from: &mut Vec<String>, to: &mut Vec<String>) {
    match from.iter().position(|other| *other == value) {
        Some(place) => {
            from.remove(place);
        }
        None if to.contains(&value) => {}
        None => to.push(value),
    }
}
