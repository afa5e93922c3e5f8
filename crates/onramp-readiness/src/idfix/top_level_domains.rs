use std::collections::HashSet;

use psl::Psl as _;

use super::text::{is_white_space, lower};

/// The top-level domains that IdFix accepts (`ValidTLDList`, `domains.txt`).
///
/// **The default is an approximation.** The list of IdFix has 920 entries, 818 of which an address can have, and is stale; the
/// file itself is not part of this crate. The default takes the top-level domains of the public suffix list, of 2 to 17 ASCII letters or
/// beyond ASCII, but not those that are known to be missing in IdFix: `amazon`, `app`, `azure`, `bot`, `charity`, `cpa`,
/// `food`, `forum`, `free`, `gay`, `hospital`, `hot`, `hotels`, `inc`, `insurance`, `islam`, `kids`, `living`, `llc`, `llp`,
/// `merck`, `microsoft`, `music`, `phd`, `rugby`, `security`, `shop`, `spa`, `sport`, `watches`, `web`. So it differs where
/// IdFix's list lacks others that were delegated since (IdFix reports them, the default does not), and where it has some that
/// were revoked since (the other way round). No list has names such as `local`, `lan`, `internal` or `corp`, and none has
/// punycode (`xn--…`).
///
/// For the exact results, read `domains.txt` from an installation of IdFix, with additions made there:
///
/// ```
/// use onramp_readiness::idfix::{IdfixMode, IdfixScan, TopLevelDomains};
/// let file = b"\xff\xfe.\0c\0o\0m\0\r\0\n\0.\0l\0o\0c\0a\0l\0\r\0\n\0"; // std::fs::read("domains.txt")
/// let domains = TopLevelDomains::from_octets(file);
/// assert!(domains.contains("local") && domains.contains("com") && !domains.contains("org"));
/// let scan = IdfixScan::new(IdfixMode::MultiTenant).with_top_level_domains(domains);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopLevelDomains {
    /// `None` is the default.
    list: Option<HashSet<String>>,
}

/// The entries of the public suffix list that are known to be missing in IdFix, sorted.
const MISSING: &[&str] = &[
    "amazon",
    "app",
    "azure",
    "bot",
    "charity",
    "cpa",
    "food",
    "forum",
    "free",
    "gay",
    "hospital",
    "hot",
    "hotels",
    "inc",
    "insurance",
    "islam",
    "kids",
    "living",
    "llc",
    "llp",
    "merck",
    "microsoft",
    "music",
    "phd",
    "rugby",
    "security",
    "shop",
    "spa",
    "sport",
    "watches",
    "web",
];

impl TopLevelDomains {
    /// Reads a list, one entry a line, with or without the leading dot, in any case. Empty lines count for nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.lines().collect()
    }

    /// Reads a list from the octets of a file: UTF-16 with a byte order mark, as the file of IdFix has it, or UTF-8. Octets
    /// that are no text make only their own entry useless.
    #[must_use]
    pub fn from_octets(octets: &[u8]) -> Self {
        let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
            let (pairs, _) = rest.as_chunks::<2>();
            Self::parse(&String::from_utf16_lossy(&pairs.iter().copied().map(unit).collect::<Vec<_>>()))
        };
        match octets {
            [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
            [0xef, 0xbb, 0xbf, rest @ ..] => Self::parse(&String::from_utf8_lossy(rest)),
            _ => Self::parse(&String::from_utf8_lossy(octets)),
        }
    }

    /// Returns true if a top-level domain, in small letters and without the dot, is in the list.
    ///
    /// ```
    /// # use onramp_readiness::idfix::TopLevelDomains;
    /// let domains = TopLevelDomains::default();
    /// assert!(domains.contains("com") && domains.contains("рф"));
    /// assert!(!domains.contains("local") && !domains.contains("app"));
    /// ```
    #[must_use]
    pub fn contains(&self, domain: &str) -> bool {
        match &self.list {
            Some(list) => list.contains(domain),
            None => is_compatible(domain),
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for TopLevelDomains {
    fn from_iter<I: IntoIterator<Item = S>>(entries: I) -> Self {
        let name = |entry: S| {
            let entry = entry.as_ref().trim_matches(is_white_space);
            lower(entry.strip_prefix('.').unwrap_or(entry))
        };
        Self { list: Some(entries.into_iter().map(name).filter(|name| !name.is_empty()).collect()) }
    }
}

fn is_compatible(domain: &str) -> bool {
    if domain.is_ascii() {
        let is_name = (2..=17).contains(&domain.len()) && domain.bytes().all(|b| b.is_ascii_lowercase());
        if !is_name || MISSING.binary_search(&domain).is_ok() {
            return false;
        }
    }
    // Of some countries, the list has the entries below the top-level domain only: `*.ck`.
    let is_known =
        |labels: &[&str]| psl::List.find(labels.iter().map(|label| label.as_bytes())).typ.is_some();
    is_known(&[domain]) || is_known(&[domain, "x"])
}
