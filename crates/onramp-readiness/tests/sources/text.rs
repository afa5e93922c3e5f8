use std::io::{ErrorKind, Read};

use onramp_readiness::source::{EncodingError, TextReader};
use proptest::prelude::*;

use crate::{Trickle, utf16};

fn read(bytes: &[u8]) -> Result<Vec<u8>, EncodingError> {
    let mut text = Vec::new();
    match TextReader::new(Trickle::new(bytes, 3)).read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            Err(*error.get_ref().unwrap().downcast_ref().expect("the error of this module"))
        }
    }
}

#[test]
fn a_mark_is_no_part_of_the_text() {
    assert_eq!(read(b"\xef\xbb\xbfdn: x").unwrap(), b"dn: x");
    assert_eq!(read(b"\xff\xfe").unwrap(), b"");
    assert_eq!(read(b"").unwrap(), b"");
    // Only the first is one.
    assert_eq!(read(b"\xef\xbb\xbf\xef\xbb\xbf").unwrap(), b"\xef\xbb\xbf");
}

#[test]
fn utf_16_without_a_mark_is_recognized_by_its_first_characters() {
    assert_eq!(read(b"d\0n\0:\0").unwrap(), b"dn:");
    assert_eq!(read(b"\0d\0n\0:").unwrap(), b"dn:");
}

#[test]
fn octets_that_are_no_utf_8_pass() {
    assert_eq!(read(b"caf\xe9 \0 \xff").unwrap(), b"caf\xe9 \0 \xff");
}

#[test]
fn other_files_are_refused_by_their_name() {
    for (bytes, expected) in [
        (&b"\xff\xfe\0\0d\0\0\0"[..], EncodingError::Utf32),
        (b"\0\0\xfe\xff\0\0\0d", EncodingError::Utf32),
        (b"PK\x03\x04\x14\0\x06\0", EncodingError::Zip),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", EncodingError::Office),
        (b"\x1f\x8b\x08\0", EncodingError::Gzip),
        (b"%PDF-1.7", EncodingError::Pdf),
    ] {
        assert_eq!(read(bytes), Err(expected), "{bytes:x?}");
        assert!(expected.to_string().starts_with("this is "));
    }
}

#[test]
fn half_a_character_of_utf_16_is_an_error_after_the_text_before_it() {
    let mut bytes = utf16("a\nb", u16::to_le_bytes);
    bytes.push(0x41);
    assert_eq!(read(&bytes), Err(EncodingError::Utf16Broken { line: 2 }));
    for lone in [&[0xd800_u16][..], &[0xdc00, 0x61], &[0xd800, 0x61]] {
        let mut bytes = utf16("one\ntwo\n", u16::to_be_bytes);
        bytes.extend(lone.iter().flat_map(|unit| unit.to_be_bytes()));
        assert_eq!(read(&bytes), Err(EncodingError::Utf16Broken { line: 3 }), "{lone:x?}");
        let mut reader = TextReader::new(bytes.as_slice());
        let mut text = [0; 8];
        reader.read_exact(&mut text).expect("what stands before");
        assert_eq!(&text, b"one\ntwo\n");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn utf_16_of_both_orders_is_the_same_text(text in "d(?s).{0,40}") {
        prop_assert_eq!(read(&utf16(&text, u16::to_le_bytes)).unwrap(), text.as_bytes());
        prop_assert_eq!(read(&utf16(&text, u16::to_be_bytes)).unwrap(), text.as_bytes());
    }

    #[test]
    fn any_octets_end(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = read(&bytes);
    }
}

#[test]
fn text_longer_than_a_buffer() {
    let text = "😀ä€z\n".repeat(60_000);
    let mut read = String::new();
    TextReader::new(utf16(&text, u16::to_le_bytes).as_slice()).read_to_string(&mut read).unwrap();
    assert!(read == text);
}
