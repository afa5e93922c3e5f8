use onramp_readiness::FixChange;
use onramp_readiness::attributes::{DISPLAY_NAME, MAIL, PROXY_ADDRESSES};
use onramp_readiness::source::idfix_files::{CsvReader, IdfixAction, IdfixEdit, UpdateReader};
use onramp_readiness::source::{Limits, SourceError, SourceErrorKind};
use proptest::prelude::*;

use crate::{Trickle, utf16};

type Edits = Vec<Result<IdfixEdit, SourceError>>;

const HEADER: &str =
    "DISTINGUISHEDNAME,COMMONNAME,OBJECTCLASS,ATTRIBUTE,ERROR,VALUE,UPDATE,PROPOSEDACTION,ACTION\r\n";

fn csv(text: impl AsRef<[u8]>) -> Edits {
    let edits: Edits = CsvReader::new(text.as_ref()).collect();
    let others: Edits = CsvReader::new(Trickle::new(text.as_ref(), 3)).collect();
    assert_eq!(format!("{others:?}"), format!("{edits:?}"));
    edits
}

/// The rows below the header of IdFix.
fn rows(text: &str) -> Edits {
    csv(format!("{HEADER}{text}"))
}

fn row(text: &str) -> IdfixEdit {
    let mut edits = rows(text);
    assert_eq!(edits.len(), 1, "{edits:?}");
    edits.remove(0).expect("an edit")
}

fn update(text: impl AsRef<[u8]>) -> Edits {
    let edits: Edits = UpdateReader::new(text.as_ref()).collect();
    let others: Edits = UpdateReader::new(Trickle::new(text.as_ref(), 3)).collect();
    assert_eq!(format!("{others:?}"), format!("{edits:?}"));
    edits
}

fn record(attribute: &str, value: &str, new: &str, action: &str) -> String {
    format!(
        "distinguishedName: CN=Anna,DC=x\r\nobjectClass: user\r\nattribute: {attribute}\r\nerror: Character\r\nvalue: \
         {value}\r\nupdate: {new}\r\naction: {action}\r\n-\r\n\r\n"
    )
}

/// Line, or error's line, of each.
fn lines(edits: &Edits) -> Vec<Result<u64, u64>> {
    edits.iter().map(|edit| edit.as_ref().map(|edit| edit.line).map_err(SourceError::line)).collect()
}

fn shown(change: Option<FixChange>) -> Option<(Vec<String>, Vec<String>)> {
    change.map(|change| (change.remove, change.add))
}

fn change(remove: &[&str], add: &[&str]) -> Option<(Vec<String>, Vec<String>)> {
    let owned = |values: &[&str]| values.iter().map(ToString::to_string).collect();
    Some((owned(remove), owned(add)))
}

#[test]
fn a_row_as_idfix_writes_it() {
    let edit = row(
        "\"CN=Müller, A\\, B,DC=x\",Müller,user,proxyAddresses,\"Character, Format\",\"smtp:a,b@x.de\",smtp:ab@x.de,EDIT,EDIT\r\n",
    );
    assert_eq!(edit.line, 2);
    assert_eq!(edit.dn, "CN=Müller, A\\, B,DC=x");
    assert_eq!((edit.class.as_deref(), &edit.attribute), (Some("user"), &PROXY_ADDRESSES));
    assert_eq!(
        (edit.errors.as_str(), edit.value.as_str(), edit.update.as_str()),
        ("Character, Format", "smtp:a,b@x.de", "smtp:ab@x.de")
    );
    assert_eq!(edit.action, Some(IdfixAction::Edit));
}

#[test]
fn white_space_of_values_stays() {
    let edit = row("\"CN=A,DC=x\",A, user ,displayName , Character ,  A ,A\t,EDIT, EDIT \r\n");
    assert_eq!((edit.value.as_str(), edit.update.as_str()), ("  A ", "A\t"));
    assert_eq!(
        (edit.class.as_deref(), edit.errors.as_str(), edit.attribute),
        (Some("user"), "Character", DISPLAY_NAME)
    );
}

#[test]
fn embedded_quotes_and_line_breaks() {
    for (value, field) in [
        ("An \"A\" na", "An \"A\" na"),
        ("An \"A\", na", "\"An \"A\", na\""),
        ("two\nlines", "two\nlines"),
        ("two\r\n\r\nlines", "two\r\n\r\nlines"),
        ("a, b\r\nc", "\"a, b\r\nc\""),
        ("5\" wide", "5\" wide"),
        ("", ""),
    ] {
        let text = format!(
            "\"CN=A,DC=x\",A,user,displayName,Character,{field},A,EDIT,EDIT\r\n\"CN=B,DC=x\",B,user,mail,Format,b,c,EDIT,\r\n"
        );
        let edits = rows(&text);
        assert_eq!(edits.len(), 2, "{field:?}: {edits:?}");
        assert_eq!(edits[0].as_ref().unwrap().value, value, "{field:?}");
        assert_eq!(edits[1].as_ref().unwrap().action, None);
        assert_eq!(edits[1].as_ref().unwrap().line, 3 + value.matches('\n').count() as u64);
    }
}

#[test]
fn what_has_two_readings_is_refused() {
    for values in ["\"a,b\",\"c\",\"d,e\"", "\",\",b\""] {
        let text = format!(
            "\"CN=A,DC=x\",A,user,displayName,Character,{values},EDIT,EDIT\r\n\"CN=B,DC=x\",B,user,mail,Format,b,c,EDIT,EDIT\r\n"
        );
        let edits = rows(&text);
        let error = edits[0].as_ref().unwrap_err();
        assert_eq!((error.kind(), error.line()), (SourceErrorKind::Syntax, 2));
        assert!(error.to_string().contains("more than one way"), "{error}");
        assert_eq!(edits[1].as_ref().unwrap().dn, "CN=B,DC=x");
    }
}

#[test]
fn a_value_that_looks_like_a_row_is_none() {
    // The display name holds everything from `x` to the second `EDIT,EDIT`.
    let edit = row(
        "\"CN=A,DC=x\",A,user,displayName,Character,\"x\r\n\"CN=Boss,DC=x\",Boss,user,mail,Format,old,new,EDIT,EDIT\r\n\",A,EDIT,EDIT\r\n",
    );
    assert_eq!((edit.dn.as_str(), edit.update.as_str()), ("CN=A,DC=x", "A"));
}

#[test]
fn rows_that_are_cut_or_too_long_leave_the_next_one() {
    let text = "\"CN=A,DC=x\",A,user,displayName\r\n\"CN=B,DC=x\",B,user,mail,Format,b,c,EDIT,EDIT\r\n\r\n\
                \"CN=C,DC=x\",C,user,mail,Format,b,c,EDIT,EDIT,x\r\n\"CN=D,DC=x\",D,user,mail,Format,b,c,EDIT,EDIT\r\n\"CN=E,DC";
    let edits = rows(text);
    assert_eq!(lines(&edits), [Err(2), Ok(3), Err(5), Ok(6), Err(7)], "{edits:?}");
}

#[test]
fn columns_in_another_order_and_others_among_them() {
    let text = "action,Note,Update,Value,ATTRIBUTE,DistinguishedName\nEdit,seen,new,old,MAIL,\"CN=A,DC=x\"\n";
    let edits = csv(text);
    let edit = edits[0].as_ref().unwrap();
    assert_eq!((edit.dn.as_str(), edit.value.as_str(), edit.update.as_str()), ("CN=A,DC=x", "old", "new"));
    assert_eq!((edit.action, &edit.class, edit.errors.as_str()), (Some(IdfixAction::Edit), &None, ""));
    // A line break in a last column that is no action.
    let edits = csv(
        "ACTION,ATTRIBUTE,DISTINGUISHEDNAME,UPDATE,VALUE\nEDIT,mail,\"CN=A,DC=x\",new,ol\nd\nEDIT,mail,\"CN=B,DC=x\",new,old\n",
    );
    assert_eq!(edits[0].as_ref().unwrap().value, "ol\nd");
    assert_eq!(lines(&edits), [Ok(2), Ok(4)]);
}

#[test]
fn files_that_a_spreadsheet_or_powershell_saved_again() {
    let semicolons = "\u{feff}DISTINGUISHEDNAME;ATTRIBUTE;VALUE;UPDATE;ACTION\r\nCN=A,DC=x;displayName;\"say \"\"a;b\"\" \";A;EDIT\r\n";
    let quoted = "\"DISTINGUISHEDNAME\",\"ATTRIBUTE\",\"VALUE\",\"UPDATE\",\"ACTION\"\r\n\"CN=A,DC=x\",\"displayName\",\"say \"\"a;b\"\" \",\"A\",\"EDIT\"\r\n";
    for text in [semicolons, quoted] {
        for bytes in [text.as_bytes().to_vec(), utf16(text.trim_start_matches('\u{feff}'), u16::to_le_bytes)]
        {
            let edits = csv(bytes);
            let edit = edits[0].as_ref().unwrap();
            assert_eq!(
                (edit.dn.as_str(), edit.value.as_str(), edit.update.as_str()),
                ("CN=A,DC=x", "say \"a;b\" ", "A")
            );
        }
    }
    let ansi = [HEADER.as_bytes(), b"\"CN=M\xfcller,DC=x\",M,user,mail,Format,a,b,EDIT,EDIT\r\n"].concat();
    let edits = csv(ansi);
    assert_eq!(lines(&edits), [Err(2)]);
    assert!(edits[0].as_ref().unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn only_attributes_and_actions_of_idfix() {
    let edits = rows(
        "\"CN=A,DC=x\",A,group,member,Format,\"CN=B,DC=x\",,EDIT,REMOVE\r\n\"CN=B,DC=x\",B,user,mail,Format,a,b,EDIT,DELETE\r\n,C,user,mail,Format,a,b,EDIT,EDIT\r\n",
    );
    assert_eq!(lines(&edits), [Err(2), Err(3), Err(4)]);
    let error = edits[0].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.object()), (SourceErrorKind::Refused, Some("CN=A,DC=x")));
    assert!(error.to_string().contains("“member”"), "{error}");
    assert!(edits[1].as_ref().unwrap_err().to_string().contains("“DELETE”"));
    let edits = update(record("member", "CN=B", "", "Remove"));
    assert_eq!(edits[0].as_ref().unwrap_err().kind(), SourceErrorKind::Refused);
    let edits = update(record("mail", "a", "b", "Delete"));
    assert!(edits[0].as_ref().unwrap_err().to_string().contains("“Delete”"));
}

#[test]
fn files_without_the_header_of_idfix() {
    for text in ["", "\r\n", "DN,mail\nCN=A,a\n", "DISTINGUISHEDNAME\n", &"VALUE,".repeat(1_000)] {
        let edits = csv(text);
        assert_eq!(edits.len(), 1, "{text:?}: {edits:?}");
        assert!(edits[0].as_ref().unwrap_err().to_string().contains("first row"));
    }
    assert!(csv(HEADER).is_empty());
}

#[test]
fn changes_that_actions_ask_for() {
    let edit = |value: &str, update: &str, action: &str| {
        row(&format!("\"CN=A,DC=x\",A,user,mail,Character,{value},{update},EDIT,{action}\r\n"))
    };
    for (value, update, action, applied, undone) in [
        ("old", "new", "EDIT", change(&["old"], &["new"]), change(&["new"], &["old"])),
        ("old", "", "EDIT", change(&["old"], &[]), change(&[], &["old"])),
        ("", "new", "EDIT", change(&[], &["new"]), change(&["new"], &[])),
        ("", "", "EDIT", None, None),
        ("same", "same", "EDIT", None, None),
        // The update that IdFix shows there is written by nobody.
        ("old", "new", "REMOVE", change(&["old"], &[]), change(&[], &["old"])),
        ("", "new", "REMOVE", None, None),
        ("old", "new", "COMPLETE", None, None),
        ("old", "new", "FAIL", None, None),
        ("old", "new", "", None, None),
        ("old", "new", "UNDO", change(&["new"], &["old"]), None),
    ] {
        let edit = edit(value, update, action);
        assert_eq!(shown(edit.apply()), applied, "{value:?} {update:?} {action}");
        assert_eq!(shown(edit.undo()), undone, "{value:?} {update:?} {action}");
        assert!(edit.apply().is_none_or(|change| change.attribute == MAIL));
    }
}

#[test]
fn records_of_undo_files() {
    let text = record("proxyAddresses", " smtp:a @x.de", "smtp:a@x.de", "Edit")
        + &record("mail", "", "a@x.de", "Edit")
        + &record("DisplayName", "two\r\n\r\n-\r\nlines", "A", "Remove");
    let edits: Vec<_> = update(&text).into_iter().map(Result::unwrap).collect();
    assert_eq!(edits.iter().map(|edit| edit.line).collect::<Vec<_>>(), [1, 10, 19]);
    assert_eq!(edits[0].dn, "CN=Anna,DC=x");
    assert_eq!((edits[0].class.as_deref(), edits[0].errors.as_str()), (Some("user"), "Character"));
    assert_eq!(shown(edits[0].undo()), change(&["smtp:a@x.de"], &[" smtp:a @x.de"]));
    assert_eq!(shown(edits[1].undo()), change(&["a@x.de"], &[]));
    assert_eq!(shown(edits[2].undo()), change(&[], &["two\r\n\r\n-\r\nlines"]));
    assert!(update("").is_empty() && update("\u{feff}\r\n\r\n").is_empty());
    // Without blanks at the ends of lines, as editors save.
    let trimmed = update(record("mail", "", "a@x.de", "Edit").replace("value: \r", "value:\r"));
    assert_eq!(shown(trimmed[0].as_ref().unwrap().undo()), change(&["a@x.de"], &[]));
}

#[test]
fn records_that_cannot_be_told_apart_are_errors() {
    let good = record("mail", "a", "b", "Edit");
    // A value that looks like the rest of a record.
    let twice = record("displayName", "x\r\nupdate: y", "z", "Edit");
    // A value that looks like a whole record.
    let forged =
        record("displayName", &format!("x\r\n-\r\n\r\n{}", good.replace("CN=Anna", "CN=Boss")), "z", "Edit");
    // A crash.
    let cut = good.split("update").next().unwrap().to_owned();
    for (bad, line) in [(twice, 7), (forged, 8), (cut.clone() + &good, 6), ("value: x\r\n-\r\n".into(), 1)] {
        let edits = update(format!("{bad}{good}"));
        assert_eq!(lines(&edits)[0], Err(line), "{edits:?}");
        assert!(edits.iter().flatten().all(|edit| edit.dn == "CN=Anna,DC=x"), "{edits:?}");
        assert!(edits.last().unwrap().is_ok(), "{edits:?}");
    }
    let edits = update(&cut);
    assert_eq!(lines(&edits), [Err(1)]);
    assert!(edits[0].as_ref().unwrap_err().to_string().contains("cut short"));
}

#[test]
fn rows_and_records_have_limits() {
    let limits = Limits::default().with_value(200).with_record(400);
    let long = "x".repeat(300);
    let text = format!(
        "{HEADER}\"CN=A,DC=x\",A,user,mail,Format,{long},c,EDIT,EDIT\r\n\"CN=B,DC=x\",B,user,mail,Format,b,c,EDIT,EDIT\r\n"
    );
    let edits: Edits = CsvReader::new(text.as_bytes()).with_limits(limits).collect();
    assert_eq!(lines(&edits), [Err(2), Ok(3)]);
    assert_eq!(edits[0].as_ref().unwrap_err().kind(), SourceErrorKind::TooLong);
    // A row that would be searched for hours.
    let quotes = format!("{HEADER}{}\r\n{}\r\n", "\",".repeat(100_000), "\",".repeat(2 << 20));
    let edits: Edits = CsvReader::new(quotes.as_bytes()).collect();
    assert_eq!(lines(&edits), [Err(2), Err(3)]);
    let text = record("mail", &long, "a", "Edit") + &record("mail", "a", "b", "Edit");
    let edits: Edits = UpdateReader::new(text.as_bytes()).with_limits(limits).collect();
    assert_eq!(lines(&edits), [Err(5), Ok(10)]);
    assert_eq!(edits[0].as_ref().unwrap_err().kind(), SourceErrorKind::TooLong);
}

/// A field as IdFix writes it.
fn field(value: &str) -> String {
    if value.contains(',') { format!("\"{value}\"") } else { value.to_owned() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_row_is_read_as_it_was_or_refused(value in "[a\", ]{0,12}", new in "[b\",]{0,8}") {
        let text = format!(
            "{HEADER}\"CN=A,DC=x\",A,user,displayName,Character,{},{},EDIT,EDIT\r\n", field(&value), field(&new)
        );
        for edit in csv(&text).into_iter().flatten() {
            // Doubled quotes are a spreadsheet's.
            prop_assume!(!text.contains("\"\""));
            prop_assert_eq!((&edit.value, &edit.update), (&value, &new));
        }
    }

    #[test]
    fn plain_values_are_read(value in "([a-z@. \u{e4}]|[a-z]\")*", new in "[a-z@.,]{0,20}", breaks in "[a-z]\r?\n[a-z\n]{0,3}") {
        let value = format!("{value}{breaks}");
        let edit = row(&format!("\"CN=A,DC=x\",A,user,displayName,Character,{},{},EDIT,EDIT\r\n", field(&value), field(&new)));
        prop_assert_eq!((edit.value, edit.update), (value, new));
    }

    #[test]
    fn any_octets_end_and_errors_name_a_line(bytes in octets(), has_header in any::<bool>()) {
        let text = if has_header { [HEADER.as_bytes(), &bytes].concat() } else { bytes };
        let count = text.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        let limits = Limits::default().with_value(100).with_record(300);
        let csv: Edits = CsvReader::new(text.as_slice()).with_limits(limits).collect();
        let update: Edits = UpdateReader::new(text.as_slice()).with_limits(limits).collect();
        for edits in [csv, update] {
            prop_assert!(edits.len() as u64 <= count);
            for line in lines(&edits) {
                let line = line.unwrap_or_else(|line| line);
                prop_assert!((1..=count + 1).contains(&line));
            }
        }
    }
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\"CN=A,DC=x\",A,user,mail,Format,a,b,EDIT,EDIT\r\n".to_owned()),
        Just(record("mail", "a", "b", "Edit")),
        Just("distinguishedName: x\n".to_owned()),
        Just("value: ".to_owned()),
        "[\",\n-]{1,3}",
    ]
    .prop_map(String::into_bytes);
    let any = proptest::collection::vec(any::<u8>(), 0..4);
    proptest::collection::vec(prop_oneof![8 => piece, 1 => any], 0..12).prop_map(|pieces| pieces.concat())
}
