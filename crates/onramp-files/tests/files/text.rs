//! Text as programs save it.

use std::io::ErrorKind;

use onramp_files::text::{TextError, decode, decode_secret};
use onramp_files::{read_secret, read_text};
use proptest::prelude::*;
use tempfile::tempdir;

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn with(mark: &[u8], bytes: &[u8]) -> Vec<u8> {
    [mark, bytes].concat()
}

#[test]
fn every_encoding_of_notepad_and_powershell_is_understood() {
    let text = "name = \"Zoë Müller\"\r\n# 日本 🙂\r\n";
    for bytes in [
        text.as_bytes().to_vec(),
        with(b"\xef\xbb\xbf", text.as_bytes()),
        with(b"\xff\xfe", &utf16(text, u16::to_le_bytes)),
        with(b"\xfe\xff", &utf16(text, u16::to_be_bytes)),
    ] {
        assert_eq!(decode(&bytes).as_deref(), Ok(text), "{bytes:x?}");
    }
    for empty in [&b""[..], b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"] {
        assert_eq!(decode(empty).as_deref(), Ok(""));
    }
}

#[test]
fn everything_else_is_refused_by_its_name() {
    let certificate = with(&[0x30, 0x82, 0x01, 0x04], &[0x31; 0x104]);
    let container = with(&[0x30, 0x82, 0x01, 0x04, 2, 1, 3, 0x30], &[0x31; 0x100]);
    let document = with(b"PK\x03\x04\x14\0\x06\0", b"....[Content_Types].xml....");
    let cases: [(&[u8], TextError, &str); 22] = [
        (&utf16("domain = \"x\"\r\n", u16::to_le_bytes), TextError::Utf16WithoutMark, "UTF-16 without"),
        (&utf16("domain = \"x\"\r\n", u16::to_be_bytes), TextError::Utf16WithoutMark, "UTF-16 without"),
        (b"\xff\xfea\0b", TextError::Utf16Broken { line: 1 }, "line 1"),
        (b"\xff\xfea\0\n\0b", TextError::Utf16Broken { line: 2 }, "line 2"),
        (b"\xff\xfea\0\x00\xd8b\0", TextError::Utf16Broken { line: 1 }, "line 1"),
        (b"\xff\xfe\0\0a\0\0\0", TextError::Utf32, "UTF-32"),
        (b"\0\0\xfe\xff\0\0\0a", TextError::Utf32, "UTF-32"),
        (b"caf\xc3", TextError::Utf8CutShort, "cut short"),
        (b"M\xfcller", TextError::CodePage { line: 1, column: 2 }, "line 1, column 2"),
        ("one\r\nä \u{80}".as_bytes(), TextError::Binary, ""),
        (b"one\r\n\xc3\xa4 \x80 20", TextError::CodePage { line: 2, column: 3 }, "Windows-1252"),
        (b"m\x81ller\r\n", TextError::CodePage { line: 1, column: 2 }, "850"),
        (&certificate, TextError::Der, "certutil -encode"),
        (b"\x30\x81\x03abc", TextError::Der, "PEM"),
        (&container, TextError::Pkcs12, "pkcs12"),
        (&document, TextError::Office, "Word"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", TextError::Office, "Excel"),
        (b"{\\rtf1\\ansi secret}", TextError::Rtf, "RTF"),
        (b"%PDF-1.7\n", TextError::Pdf, "PDF"),
        (b"PK\x03\x04\x14\0\0\0\x08\0names.txt", TextError::Zip, "unpack"),
        (b"\x1f\x8b\x08\0", TextError::Gzip, "gzip"),
        (b"\x7fELF\x02\x01\x01\0\xff", TextError::Binary, "binary"),
    ];
    for (bytes, error, part) in cases {
        // What is valid UTF-8 is text, also where a control character stands in it.
        if part.is_empty() {
            assert!(decode(bytes).is_ok(), "{bytes:x?}");
            continue;
        }
        assert_eq!(decode(bytes), Err(error), "{bytes:x?}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(decode_secret(bytes).err(), Some(error), "{bytes:x?}");
    }
}

#[test]
fn a_secret_loses_one_line_break_and_nothing_else() {
    for (bytes, secret) in [
        (&b"hunter2"[..], "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\r", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b"hunter2\r\n\r\n", "hunter2\r\n"),
        (b" hunter2 \n", " hunter2 "),
        (b"\xef\xbb\xbfhunter2\r\n", "hunter2"),
        (b"\xff\xfeh\0\xe4\0\r\0\n\0", "hä"),
        (b"\xfe\xff\0h\0\n", "h"),
        (b"", ""),
        (b"\n", ""),
    ] {
        assert_eq!(decode_secret(bytes).unwrap().as_str(), secret, "{bytes:x?}");
    }
}

#[test]
fn a_mark_that_nobody_sees_is_refused_in_a_secret() {
    for bytes in ["one\ntwo\u{feff}", "\u{feff}one\ntwo\u{feff}\n"] {
        let error = decode_secret(bytes.as_bytes()).unwrap_err();
        assert_eq!(error, TextError::MarkInside { line: 2, column: 4 });
    }
    assert_eq!(decode("a\u{feff}b".as_bytes()).as_deref(), Ok("a\u{feff}b"));
}

#[test]
fn files_are_read_and_named_in_errors() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("password.txt");
    std::fs::write(&path, b"\xff\xfes\0e\0\r\0\n\0").unwrap();
    assert_eq!(read_text(&path).unwrap(), "se\r\n");
    assert_eq!(read_secret(&path).unwrap().as_str(), "se");

    std::fs::write(&path, b"s\xe4cret").unwrap();
    for error in [read_text(&path).unwrap_err(), read_secret(&path).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let text = error.to_string();
        assert!(text.contains("password.txt") && text.contains("line 1, column 2"), "{text}");
        assert!(!text.contains("cret"), "{text}");
    }

    let missing = folder.path().join("missing.txt");
    for error in [read_text(&missing).unwrap_err(), read_secret(&missing).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("missing.txt"), "{error}");
    }

    std::fs::write(&path, vec![b'a'; 1_000_000]).unwrap();
    assert_eq!(read_secret(&path).unwrap().len(), 1_000_000);
    std::fs::write(&path, vec![b'a'; 1_000_001]).unwrap();
    assert!(read_secret(&path).unwrap_err().to_string().contains("too long"));
}

#[cfg(unix)]
#[test]
fn a_secret_may_come_through_a_pipe() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let writer = std::thread::spawn({
        let path = path.clone();
        move || std::fs::write(path, "hunter2\n").unwrap()
    });
    assert_eq!(read_secret(&path).unwrap().as_str(), "hunter2");
    writer.join().unwrap();
}

proptest! {
    #[test]
    fn text_survives_every_encoding(text in "[^\0]*") {
        // A text that begins with a mark, or looks like another kind of file, needs a mark of its own.
        prop_assert_eq!(decode(&with(b"\xef\xbb\xbf", text.as_bytes())), Ok(text.clone()));
        prop_assert_eq!(decode(&with(b"\xff\xfe", &utf16(&text, u16::to_le_bytes))), Ok(text.clone()));
        prop_assert_eq!(decode(&with(b"\xfe\xff", &utf16(&text, u16::to_be_bytes))), Ok(text));
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = decode(&bytes) {
            prop_assert!(!text.contains('\0'));
        }
        let _ = decode_secret(&bytes);
    }
}
