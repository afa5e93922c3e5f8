//! The identity of a finding across scans.

use std::fmt;
use std::str::FromStr;

use onramp_core::ParseError;
use sha2::{Digest, Sha256};

use crate::Finding;

/// The number of octets: half of a SHA-256, which nobody can meet by choosing a value.
const LENGTH: usize = 16;

/// The identity of a finding across scans: a digest of rule, object, attribute and value.
///
/// The object counts by its GUID where the source tells it, so that a renamed or moved object keeps its findings, else by its
/// distinguished name without regard to case. So a scan of a source with GUIDs and one of a source without them have no
/// fingerprint in common.
///
/// ```
/// use onramp_core::AttributeName;
/// use onramp_readiness::report::Fingerprint;
/// use onramp_readiness::{DirectoryObject, Finding, RuleId, Severity};
///
/// let finding = |dn: &str, explanation: &str| {
///     let key = DirectoryObject::new(dn).key();
///     let mail = AttributeName::from_static("mail");
///     Finding::new(key, RuleId::from_static("mail-length"), Severity::Error, mail, explanation)
/// };
/// let one = Fingerprint::of(&finding("CN=Anna,DC=corp", "Too long."));
/// assert_eq!(one, Fingerprint::of(&finding("cn=anna,dc=corp", "Longer than 256 characters.")));
/// assert_ne!(one, Fingerprint::of(&finding("CN=Bob,DC=corp", "Too long.")));
/// assert_eq!(one.to_string().parse::<Fingerprint>()?, one);
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// Returns the fingerprint of a finding.
    pub fn of(finding: &Finding) -> Self {
        let object = match finding.object.guid {
            Some(guid) => guid.to_string(),
            None => finding.object.dn.to_lowercase(),
        };
        let attribute = finding.attribute.as_str().to_ascii_lowercase();
        let parts = [Some(finding.rule.as_str()), Some(&object), Some(&attribute), finding.value.as_deref()];
        let mut digest = Sha256::new();
        for part in parts {
            // The length before each part: no two lists of parts give the same octets.
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            digest.update(length.to_be_bytes());
            digest.update(part.unwrap_or_default());
        }
        let mut octets = [0; LENGTH];
        octets.iter_mut().zip(digest.finalize()).for_each(|(octet, digested)| *octet = digested);
        Self(octets)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = || ParseError::new("fingerprint", text, "it has not 32 hexadecimal digits");
        if text.len() != 2 * LENGTH || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| wrong())?;
        Ok(Self(number.to_be_bytes()))
    }
}
