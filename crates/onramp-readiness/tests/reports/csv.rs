//! CSV.

use onramp_readiness::report::{CsvOptions, Report, guard_cell, unguard_cell, write_csv};
use proptest::prelude::*;

use crate::data::{HOSTILE, any_findings, any_text, now, with_report, written_of};

fn csv(report: &Report<'_>, options: &CsvOptions) -> String {
    let mut out = Vec::new();
    write_csv(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The rows as a reader of another hand reads them, the header first.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn cell(rows: &[Vec<String>], row: usize, column: &str) -> String {
    let place = rows[0].iter().position(|name| name == column).unwrap();
    rows[row][place].clone()
}

#[test]
fn a_row_shows_what_a_person_needs() {
    let text = with_report(|report| csv(report, &CsvOptions::default()));
    let rows = rows(&text);
    assert_eq!(rows.len(), 1 + 6);
    for (row, column, expected) in [
        (1, "dn", "CN=Neil\\, Anna,OU=Staff,DC=corp,DC=local"),
        (1, "object_guid", "01010101-0101-0101-0101-010101010101"),
        (1, "rule", "mail-character"),
        (1, "severity", "error"),
        (1, "attribute", "mail"),
        (1, "value", "x @contoso.com"),
        (1, "suggested_value", "x@contoso.com"),
        (1, "suggested_changes", "mail -x @contoso.com\nmail +x@contoso.com"),
        (1, "confidence", "high"),
        (1, "explanation", "A space is not allowed."),
        (2, "value", ""),
        (2, "confidence", ""),
        (5, "suggested_value", ""),
        (5, "confidence", "medium"),
        (5, "loses", "Mail to the address reaches Anna only."),
        (
            5,
            "holders",
            "CN=Neil\\, Anna,OU=Staff,DC=corp,DC=local mail: x@contoso.com (keeps it)\nCN=Bob,OU=Sales,DC=corp,DC=local mail: X@contoso.com",
        ),
        (6, "idfix_error", "DomainPart, Format"),
        (6, "idfix_update", "carl@contoso"),
    ] {
        assert_eq!(cell(&rows, row, column), expected, "{row} {column}");
    }
}

#[test]
fn lines_end_with_cr_and_lf_and_quotes_are_doubled() {
    let text = written_of("say \"hello\"", |report, out| write_csv(report, &CsvOptions::default(), out));
    assert!(text.contains(",\"say \"\"hello\"\"\","));
    assert!(text.ends_with("\r\n"));
    assert!(!text.starts_with('\u{feff}'));
    assert!(with_report(|report| csv(report, &CsvOptions::default().with_bom())).starts_with("\u{feff}dn,"));
    let text = with_report(|report| csv(report, &CsvOptions::default().with_delimiter(b';')));
    assert!(text.starts_with("dn;object_guid;"));
}

#[test]
fn no_cell_is_calculated_by_a_spreadsheet() {
    for hostile in HOSTILE {
        let text = written_of(hostile, |report, out| write_csv(report, &CsvOptions::default(), out));
        for cell in rows(&text).concat() {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']),
                "{cell:?}"
            );
        }
    }
}

#[test]
fn the_guard_can_be_switched_off() {
    let plain = CsvOptions::default().without_guard();
    let text = written_of("=1", |report, out| write_csv(report, &plain, out));
    assert_eq!(cell(&rows(&text), 1, "value"), "=1");
    let text = written_of("=1", |report, out| write_csv(report, &CsvOptions::default(), out));
    assert_eq!(cell(&rows(&text), 1, "value"), "'=1");
}

proptest! {
    #[test]
    fn a_guarded_cell_is_read_back(cell in any_text()) {
        let guarded = guard_cell(&cell);
        prop_assert_eq!(unguard_cell(&guarded), &cell);
        prop_assert!(!guarded.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
    }

    #[test]
    fn values_are_read_back(findings in any_findings()) {
        let rows = rows(&csv(&Report::new(&findings, now()), &CsvOptions::default()));
        prop_assert_eq!(rows.len(), findings.len() + 1);
        for (number, finding) in findings.iter().enumerate() {
            for (column, expected) in [
                ("dn", finding.object.dn.clone()),
                ("object_guid", finding.object.guid.map(|guid| guid.to_string()).unwrap_or_default()),
                ("rule", finding.rule.to_string()),
                ("value", finding.value.clone().unwrap_or_default()),
                ("explanation", finding.explanation.clone()),
            ] {
                let cell = cell(&rows, number + 1, column);
                prop_assert_eq!(unguard_cell(&cell), expected);
            }
        }
    }
}

#[test]
fn the_error_of_the_writer_stays_what_it_is() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // Enough rows that they are written before the end.
    let findings: Vec<_> = crate::data::findings().into_iter().cycle().take(1000).collect();
    let error = write_csv(&Report::new(&findings, now()), &CsvOptions::default(), Closed).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
}
