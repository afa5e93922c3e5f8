//! Advice about an acceptable candidate.

use serde::{Deserialize, Serialize};

/// Advice for a person whose candidate breaks no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Advice {
    /// The candidate has characters outside ASCII, which another keyboard or system may enter in another way; NIST SP
    /// 800-63B-4 (3.1.1.2) requires that the person is told.
    Unicode,
    /// Microsoft's global list of banned passwords is not public: Entra may refuse a password that passes every documented
    /// rule.
    GlobalListUnknown,
}

impl Advice {
    /// Every advice, in order.
    pub const ALL: [Self; 2] = [Self::Unicode, Self::GlobalListUnknown];

    /// Returns the stable name, as serialized.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unicode => "unicode",
            Self::GlobalListUnknown => "global_list_unknown",
        }
    }
}
