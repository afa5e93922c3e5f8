//! The link to the next page, found while the page is still coming in.
//!
//! Graph writes `@odata.nextLink` before `value`, so the next page can be asked for after the first few hundred bytes
//! of the one at hand. Where the link stands behind the objects it is found when the whole page is read.

/// A link that has not come within this many bytes does not come first.
const LOOK_AT: usize = 32 * 1024;

/// What the beginning of a page says about the next one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing yet: more bytes are needed.
    NotYet,
    /// The next page is there.
    Link(String),
    /// The link does not stand before the objects, or there is none.
    No,
}

/// Looks at the beginning of a page.
pub(crate) fn look(start: &[u8]) -> Seen {
    match (Scan { rest: start }).next_link() {
        Some(seen) => seen,
        None if start.len() > LOOK_AT => Seen::No,
        None => Seen::NotYet,
    }
}

/// A walk over the members of the outermost object. Every step is `None` where the bytes end.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn next_link(&mut self) -> Option<Seen> {
        if self.token()? != b'{' {
            return Some(Seen::No);
        }
        loop {
            match self.token()? {
                b'"' => {}
                b',' => continue,
                _ => return Some(Seen::No),
            }
            let name = self.string()?;
            if self.token()? != b':' {
                return Some(Seen::No);
            }
            match name {
                b"@odata.nextLink" | b"nextLink" => {
                    if self.token()? != b'"' {
                        return Some(Seen::No);
                    }
                    let text = [b"\"", self.string()?, b"\""].concat();
                    return Some(serde_json::from_slice(&text).map_or(Seen::No, Seen::Link));
                }
                b"value" => return Some(Seen::No),
                _ => self.skip_value()?,
            }
        }
    }

    /// The next byte that is not white space.
    fn token(&mut self) -> Option<u8> {
        let at = self.rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let byte = *self.rest.get(at)?;
        self.rest = self.rest.get(at + 1..)?;
        Some(byte)
    }

    /// A string as it is written, after its opening quote; the closing one is passed.
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
                // A number, true, false or null: it ends before the next mark.
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

    fn link(text: &str) -> Seen {
        Seen::Link(text.to_owned())
    }

    #[test]
    fn the_link_is_found_before_the_objects_and_only_there() {
        assert_eq!(
            look(br#"{"@odata.context":"x","@odata.nextLink":"https://a/b?c=\u0024d","val"#),
            link("https://a/b?c=$d")
        );
        assert_eq!(
            look(br#" { "@odata.count" : 12.5 , "a":{"b":["}",1,null]}, "nextLink" : "l" "#),
            link("l")
        );
        assert_eq!(look(br#"{"@odata.nextLink":"https://a/b?c"#), Seen::NotYet);
        assert_eq!(look(b""), Seen::NotYet);
        assert_eq!(look(br#"{"value":[{"@odata.nextLink":"no"}],"@odata.nextLink":"late"}"#), Seen::No);
        assert_eq!(look(br#"{"a":{"@odata.nextLink":"inner"},"value":[]}"#), Seen::No);
        for odd in ["[]", "{}", "{1", "{\"@odata.nextLink\":7", "{\"@odata.nextLink\" 7", "<html>"] {
            assert_eq!(look(odd.as_bytes()), Seen::No, "{odd}");
        }
        assert_eq!(look(&[b' '; LOOK_AT + 1]), Seen::No);
    }

    proptest! {
        #[test]
        fn no_bytes_are_fatal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = look(&bytes);
        }

        /// However a page is cut into pieces, what is found is the link and nothing else.
        #[test]
        fn every_beginning_gives_the_link_or_asks_for_more(
            before in "\\PC{0,12}", number in any::<i32>(), target in "\\PC{1,30}", at in 0_usize..400,
        ) {
            let page = json!({ "@a": { "b": [before, number, { "c": null }] }, "@b": before, "@odata.nextLink": target, "value": [1] });
            let text = page.to_string();
            let start = text.as_bytes().get(..at.min(text.len())).unwrap();
            let seen = look(start);
            prop_assert!(seen == Seen::NotYet || seen == Seen::Link(target.clone()), "{:?}", seen);
            prop_assert_eq!(look(text.as_bytes()), Seen::Link(target));
        }
    }
}
