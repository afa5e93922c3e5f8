//! A scanner for the link to the next page, while the page is still arriving.
//!
//! Graph writes `@odata.nextLink` before `value`, so that the next page can be requested after the first few hundred
//! bytes. A link after the objects is found when the whole page is parsed.

/// The number of bytes in which a link before the objects has to appear.
const SCAN_LIMIT: usize = 32 * 1024;

/// The link to the next page, as far as the beginning of a page shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NextLink {
    /// More bytes are needed.
    Incomplete,
    /// The link.
    Found(String),
    /// No link before the objects.
    Absent,
}

/// Scans the beginning of a page.
pub(crate) fn scan(start: &[u8]) -> NextLink {
    match (Scan { rest: start }).next_link() {
        Some(seen) => seen,
        None if start.len() > SCAN_LIMIT => NextLink::Absent,
        None => NextLink::Incomplete,
    }
}

/// A scan over the members of the outermost object. Every step returns `None` at the end of the bytes.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn next_link(&mut self) -> Option<NextLink> {
        if self.token()? != b'{' {
            return Some(NextLink::Absent);
        }
        loop {
            match self.token()? {
                b'"' => {}
                b',' => continue,
                _ => return Some(NextLink::Absent),
            }
            let name = self.string()?;
            if self.token()? != b':' {
                return Some(NextLink::Absent);
            }
            match name {
                b"@odata.nextLink" | b"nextLink" => {
                    if self.token()? != b'"' {
                        return Some(NextLink::Absent);
                    }
                    let text = [b"\"", self.string()?, b"\""].concat();
                    return Some(serde_json::from_slice(&text).map_or(NextLink::Absent, NextLink::Found));
                }
                b"value" => return Some(NextLink::Absent),
                _ => self.skip_value()?,
            }
        }
    }

    /// Returns the next byte that is not white space.
    fn token(&mut self) -> Option<u8> {
        let at = self.rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let byte = *self.rest.get(at)?;
        self.rest = self.rest.get(at + 1..)?;
        Some(byte)
    }

    /// Returns a string as written, after its opening quote, and skips the closing one.
    fn string(&mut self) -> Option<&'a [u8]> {
        let mut at = 0;
        loop {
            match self.rest.get(at)? {
                b'"' => break,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        let text = self.rest.get(..at)?;
        self.rest = self.rest.get(at + 1..)?;
        Some(text)
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.token()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' | b':' => {}
                // A number, true, false or null: it ends before the next delimiter.
                _ => {
                    let end = self.rest.iter().position(|b| matches!(b, b',' | b'}' | b']'))?;
                    self.rest = self.rest.get(end..)?;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn link(text: &str) -> NextLink {
        NextLink::Found(text.to_owned())
    }

    #[test]
    fn the_link_is_found_before_the_objects_and_only_there() {
        assert_eq!(
            scan(br#"{"@odata.context":"x","@odata.nextLink":"https://a/b?c=\u0024d","val"#),
            link("https://a/b?c=$d")
        );
        assert_eq!(
            scan(br#" { "@odata.count" : 12.5 , "a":{"b":["}",1,null]}, "nextLink" : "l" "#),
            link("l")
        );
        assert_eq!(scan(br#"{"@odata.nextLink":"https://a/b?c"#), NextLink::Incomplete);
        assert_eq!(scan(b""), NextLink::Incomplete);
        assert_eq!(
            scan(br#"{"value":[{"@odata.nextLink":"no"}],"@odata.nextLink":"late"}"#),
            NextLink::Absent
        );
        assert_eq!(scan(br#"{"a":{"@odata.nextLink":"inner"},"value":[]}"#), NextLink::Absent);
        for odd in ["[]", "{}", "{1", "{\"@odata.nextLink\":7", "{\"@odata.nextLink\" 7", "<html>"] {
            assert_eq!(scan(odd.as_bytes()), NextLink::Absent, "{odd}");
        }
        assert_eq!(scan(&[b' '; SCAN_LIMIT + 1]), NextLink::Absent);
    }

    proptest! {
        #[test]
        fn no_bytes_are_fatal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = scan(&bytes);
        }

        /// However a page is cut into pieces, what is found is the link and nothing else.
        #[test]
        fn every_beginning_gives_the_link_or_asks_for_more(
            before in "\\PC{0,12}", number in any::<i32>(), target in "\\PC{1,30}", at in 0_usize..400,
        ) {
            let page = json!({ "@a": { "b": [before, number, { "c": null }] }, "@b": before, "@odata.nextLink": target, "value": [1] });
            let text = page.to_string();
            let start = text.as_bytes().get(..at.min(text.len())).unwrap();
            let seen = scan(start);
            prop_assert!(seen == NextLink::Incomplete || seen == NextLink::Found(target.clone()), "{:?}", seen);
            prop_assert_eq!(scan(text.as_bytes()), NextLink::Found(target));
        }
    }
}
