//! LDIF (RFC 2849) as `ldapsearch` prints it, and as `ldapmodify` reads it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One entry of a search result.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The distinguished name.
    pub dn: String,
    /// The values of each attribute, by its description in lower case, with options such as `;range=0-1499`.
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// Returns the first value of an attribute, if there is one and it is UTF-8.
    #[must_use]
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.bytes(attribute).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Returns the values of an attribute that are UTF-8, in the order of the output.
    #[must_use]
    pub fn texts(&self, attribute: &str) -> Vec<&str> {
        let values = self.attributes.get(&attribute.to_ascii_lowercase());
        values.into_iter().flatten().filter_map(|value| std::str::from_utf8(value).ok()).collect()
    }

    /// Returns the first value of an attribute, if there is one.
    #[must_use]
    pub fn bytes(&self, attribute: &str) -> Option<&[u8]> {
        self.attributes.get(&attribute.to_ascii_lowercase())?.first().map(Vec::as_slice)
    }
}

/// An error in an LDIF text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct LdifError {
    /// The line, counted from 1.
    pub line: usize,
    /// A description of the error.
    pub problem: &'static str,
}

/// Reads the entries of an LDIF text without change records.
pub fn parse_ldif(text: &str) -> Result<Vec<Entry>, LdifError> {
    let mut entries = Vec::new();
    let mut current: Option<Entry> = None;
    for (line, content) in unfold(text)? {
        if content.is_empty() {
            entries.extend(current.take());
            continue;
        }
        let (name, value) = attribute(line, &content)?;
        match &mut current {
            Some(entry) => entry.attributes.entry(name).or_default().push(value),
            None if name == "version" && entries.is_empty() => {}
            None if name == "dn" => {
                let dn = String::from_utf8(value)
                    .map_err(|_| LdifError { line, problem: "the dn is not text" })?;
                current = Some(Entry { dn, attributes: BTreeMap::new() });
            }
            None => return Err(LdifError { line, problem: "a record must begin with its dn" }),
        }
    }
    entries.extend(current);
    Ok(entries)
}

/// Returns an attribute value as an LDIF line without line end, in base64 if plain text cannot hold it.
#[must_use]
pub fn attribute_line(name: &str, value: &str) -> String {
    let unsafe_start = value.starts_with([' ', ':', '<']);
    let plain =
        !unsafe_start && !value.ends_with(' ') && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if plain { format!("{name}: {value}") } else { format!("{name}:: {}", STANDARD.encode(value)) }
}

/// Joins continued lines and drops comments. Returns each line with the number of its first part.
fn unfold(text: &str) -> Result<Vec<(usize, String)>, LdifError> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        if let Some(continued) = raw.strip_prefix(' ') {
            match lines.last_mut() {
                Some((_, line)) if !line.is_empty() => line.push_str(continued),
                _ => return Err(LdifError { line: index + 1, problem: "nothing to continue" }),
            }
        } else {
            lines.push((index + 1, raw.to_owned()));
        }
    }
    // A comment may be continued too, so it can only be dropped now.
    lines.retain(|(_, line)| !line.starts_with('#'));
    Ok(lines)
}

fn attribute(line: usize, content: &str) -> Result<(String, Vec<u8>), LdifError> {
    let error = |problem| LdifError { line, problem };
    let (name, value) = content.split_once(':').ok_or_else(|| error("no colon"))?;
    if name.is_empty() {
        return Err(error("no attribute name"));
    }
    let value = if let Some(encoded) = value.strip_prefix(':') {
        STANDARD.decode(encoded.trim_start_matches(' ')).map_err(|_| error("not base64"))?
    } else if value.starts_with('<') {
        return Err(error("values in other files are not read"));
    } else {
        value.trim_start_matches(' ').as_bytes().to_vec()
    };
    Ok((name.to_ascii_lowercase(), value))
}
