//! The files of IdFix, for people who leave it.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use onramp_core::{AttributeName, DistinguishedName, Result};
use onramp_readiness::FixChange;
use onramp_readiness::attributes::PROXY_ADDRESSES;
use onramp_readiness::ldif::{ChangeRecord, Writer};
use onramp_readiness::source::SourceError;
use onramp_readiness::source::idfix_files::{CsvReader, IdfixAction, IdfixEdit, UpdateReader};

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

/// The changes of a file of IdFix.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The objects, each with its distinguished name and its changes.
    pub(super) objects: Vec<(String, Vec<FixChange>)>,
    /// The number of rows that change nothing.
    pub(super) unchanged: u64,
    /// The errors in the file.
    pub(super) errors: InputErrors,
}

pub(super) fn run(arguments: &IdfixArguments) -> Result<ExitCode> {
    let Prepared { objects, unchanged, errors } = Prepared::read(&arguments.file, arguments.undo)?;
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

impl Prepared {
    /// Reads a file of either kind. All rows of an object are one change, which is made whole or not at all: rows that contradict each
    /// other are an error, and nothing of their object is changed.
    pub(super) fn read(file: &Path, is_undo: bool) -> Result<Self> {
        let mut errors = InputErrors::default();
        let mut rows = Vec::new();
        let (kind, edits) = edits(file)?;
        for row in edits {
            match row {
                Ok(row) => rows.push(row),
                Err(error) => errors.tell(&format!("{}: {error}", name_of(file))),
            }
        }
        if rows.is_empty() && errors.count() == 0 {
            errors.tell(&format!("{}: there is no row in it", name_of(file)));
        }
        let mut unchanged = 0_u64;
        let mut objects: Vec<(String, Vec<FixChange>)> = Vec::new();
        for (dn, rows) in by_object(rows) {
            match changes_of(&rows, kind, is_undo, &mut unchanged) {
                Ok(changes) => objects.push((dn, changes)),
                Err(Contradiction { one, other }) => errors.tell(&format!(
                    "{}: line {one} and line {other}: the rows contradict each other, and nothing of {} is changed",
                    name_of(file),
                    dn
                )),
            }
        }
        objects.retain(|(_, changes)| !changes.is_empty());
        Ok(Self { objects, unchanged, errors })
    }
}

type Edits = Box<dyn Iterator<Item = std::result::Result<IdfixEdit, SourceError>>>;

/// The rows of a file of either kind, told by its beginning: people rename files.
fn edits(file: &Path) -> Result<(Kind, Edits)> {
    const BEGINNING: &[u8] = b"distinguishedname:";
    const ENOUGH: u64 = 256;
    let mut rest = open(file)?;
    let what = format!("read {}", name_of(file));
    let mut start = Vec::new();
    (&mut rest).take(ENOUGH).read_to_end(&mut start).map_err(|error| io_error(&what, &error))?;
    let text = start.trim_ascii_start();
    let is_update = text.get(..BEGINNING.len()).is_some_and(|text| text.eq_ignore_ascii_case(BEGINNING));
    let input = Cursor::new(start).chain(rest);
    Ok(match is_update {
        true => (Kind::Log, Box::new(UpdateReader::new(input))),
        false => (Kind::Export, Box::new(CsvReader::new(input))),
    })
}

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The decisions about the values that were found, in no order.
    Export,
    /// The changes that were written, in their order.
    Log,
}

/// The lines of two rows that cannot both be made.
struct Contradiction {
    one: u64,
    other: u64,
}

/// Groups rows by object. Two spellings of one distinguished name are one object.
fn by_object(rows: Vec<IdfixEdit>) -> Vec<(String, Vec<IdfixEdit>)> {
    #[derive(PartialEq, Eq, Hash)]
    enum Key {
        Name(DistinguishedName),
        Text(String),
    }
    let mut places: HashMap<Key, usize> = HashMap::new();
    let mut objects: Vec<(String, Vec<IdfixEdit>)> = Vec::new();
    for row in rows {
        let key = match DistinguishedName::parse(&row.dn) {
            Ok(dn) => Key::Name(dn),
            Err(_) => Key::Text(row.dn.to_lowercase()),
        };
        let place = *places.entry(key).or_insert_with(|| {
            objects.push((row.dn.clone(), Vec::new()));
            objects.len() - 1
        });
        if let Some((_, rows)) = objects.get_mut(place) {
            rows.push(row);
        }
    }
    objects
}

/// Returns the changes that the rows of an object make together, each attribute once.
fn changes_of(
    rows: &[IdfixEdit],
    kind: Kind,
    is_undo: bool,
    unchanged: &mut u64,
) -> std::result::Result<Vec<FixChange>, Contradiction> {
    let mut all: Vec<(AttributeName, Values<'_>)> = Vec::new();
    for row in rows {
        let place = all.iter().position(|(attribute, _)| *attribute == row.attribute).unwrap_or_else(|| {
            all.push((row.attribute.clone(), Values::default()));
            all.len() - 1
        });
        let Some((_, values)) = all.get_mut(place) else { continue };
        let is_made = match kind {
            Kind::Export => values.decide(row, is_undo)?,
            Kind::Log => values.follow(row, is_undo)?,
        };
        *unchanged += u64::from(!is_made);
    }
    let changes = all.into_iter().filter_map(|(attribute, values)| {
        let texts = |rows: Vec<(&str, u64)>| rows.into_iter().map(|(value, _)| value.to_owned()).collect();
        let (mut remove, mut add): (Vec<String>, Vec<String>) = (texts(values.old), texts(values.new));
        if is_undo {
            // What was done last is taken back first.
            (remove, add) = (add.into_iter().rev().collect(), remove.into_iter().rev().collect());
        }
        let change = FixChange { attribute, remove, add };
        (!change.remove.is_empty() || !change.add.is_empty()).then_some(change)
    });
    Ok(changes.collect())
}

/// The values of one attribute that go and those that come, each with the line of its row.
#[derive(Default)]
struct Values<'a> {
    old: Vec<(&'a str, u64)>,
    new: Vec<(&'a str, u64)>,
    rows: Vec<&'a IdfixEdit>,
}

impl<'a> Values<'a> {
    /// Adds a decision about a value that was found. Returns false if it changes nothing.
    fn decide(&mut self, row: &'a IdfixEdit, is_undo: bool) -> std::result::Result<bool, Contradiction> {
        let is_taken_back = is_undo && row.action == Some(IdfixAction::Undo);
        let Some((old, new)) = effect(row).filter(|_| !is_taken_back) else { return Ok(false) };
        if self.repeats(row) {
            return Ok(true);
        }
        for other in &self.rows {
            let Some((other_old, other_new)) = effect(other) else { continue };
            let is_same_value = !old.is_empty() && old == other_old;
            // One row gives the value that the other one removes.
            let is_given_and_removed = |value: &str, removed_to: &str, given: &str| {
                !value.is_empty() && removed_to.is_empty() && value == given
            };
            if has_one_value(row)
                || is_same_value
                || is_given_and_removed(old, new, other_new)
                || is_given_and_removed(other_old, other_new, new)
            {
                return Err(Contradiction { one: other.line, other: row.line });
            }
        }
        self.rows.push(row);
        if !old.is_empty() && !drop_value(&mut self.new, old) {
            self.old.push((old, row.line));
        }
        if !new.is_empty() && !drop_value(&mut self.old, new) && !has(&self.new, new) {
            self.new.push((new, row.line));
        }
        Ok(true)
    }

    /// Adds what was written after the other rows. Returns false if it changes nothing.
    fn follow(&mut self, row: &'a IdfixEdit, is_undo: bool) -> std::result::Result<bool, Contradiction> {
        let Some((mut old, new)) = effect(row) else { return Ok(false) };
        if row.action == Some(IdfixAction::Undo) && !has(&self.new, old) {
            if has(&self.old, new) {
                // IdFix logs an update with a removal, which it never wrote.
                old = "";
            } else if is_undo {
                // It took back what another file has.
                return Ok(false);
            }
        }
        let is_there = |all: &[(&str, u64)], value: &str| value.is_empty() || has(all, value);
        if self.repeats(row) && is_there(&self.old, old) && is_there(&self.new, new) {
            return Ok(true);
        }
        let earlier = |all: &[(&str, u64)], value: &str| {
            all.iter().find(|(other, _)| *other == value).map(|(_, line)| *line)
        };
        if let Some(one) = earlier(&self.old, old).filter(|_| !has(&self.new, old)) {
            return Err(Contradiction { one, other: row.line });
        }
        // An attribute with one value has the one that the row before it left.
        let left = self.new.last().or(self.old.last().filter(|_| !old.is_empty()));
        if let (true, Some((value, one))) = (has_one_value(row), left)
            && (self.new.is_empty() || *value != old)
        {
            return Err(Contradiction { one: *one, other: row.line });
        }
        self.rows.push(row);
        if !old.is_empty() && !drop_value(&mut self.new, old) {
            self.old.push((old, row.line));
        }
        if !new.is_empty() && !drop_value(&mut self.old, new) && !has(&self.new, new) {
            self.new.push((new, row.line));
        }
        Ok(true)
    }

    /// Returns true if another row says the same.
    fn repeats(&self, row: &IdfixEdit) -> bool {
        let said = |row: &IdfixEdit| (row.action, row.value.clone(), row.update.clone());
        self.rows.iter().any(|other| said(other) == said(row))
    }
}

/// Returns the value that goes and the one that comes by a row, empty if there is none; `None` if it changes nothing.
fn effect(row: &IdfixEdit) -> Option<(&str, &str)> {
    let (value, update) = (row.value.as_str(), row.update.as_str());
    let (old, new) = match row.action? {
        IdfixAction::Edit => (value, update),
        IdfixAction::Remove => (value, ""),
        IdfixAction::Undo => (update, value),
        _ => return None,
    };
    (old != new).then_some((old, new))
}

/// Returns true if the attribute of a row has one value at most.
fn has_one_value(row: &IdfixEdit) -> bool {
    row.attribute != PROXY_ADDRESSES
}

fn has(all: &[(&str, u64)], value: &str) -> bool {
    all.iter().any(|(other, _)| *other == value)
}

/// Drops a value. Returns true if it was there.
fn drop_value(all: &mut Vec<(&str, u64)>, value: &str) -> bool {
    let place = all.iter().position(|(other, _)| *other == value);
    place.map(|place| all.remove(place)).is_some()
}
