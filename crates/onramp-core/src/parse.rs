//! The error of every parser of the vocabulary.

use std::fmt;

/// Text that is not what it was taken for: what was expected, what was given, and why it does not fit.
///
/// The input is quoted (cut after 80 characters), because all that is parsed in this crate are names and
/// identifiers. Passwords are never parsed, so none can end up here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    expected: &'static str,
    input: String,
    reason: String,
}

impl ParseError {
    /// `expected` is the term of the field ("UPN"), `reason` a clause such as "it has no “@”".
    pub fn new(expected: &'static str, input: &str, reason: impl Into<String>) -> Self {
        let mut shown: String =
            input.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        if input.chars().nth(80).is_some() {
            shown.push('…');
        }
        Self { expected, input: shown, reason: reason.into() }
    }

    /// The term of the field that the input was expected to be.
    pub fn expected(&self) -> &'static str {
        self.expected
    }

    /// Returns the reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, input, reason } = self;
        write!(f, "“{input}” is not a valid {expected}: {reason}")
    }
}

impl std::error::Error for ParseError {}

/// Implements `FromStr`, `TryFrom` and serde through the text form, and `From` into `String`, for a type with `parse` and
/// `Display`.
macro_rules! text_newtype {
    ($type:ty) => {
        impl ::std::str::FromStr for $type {
            type Err = $crate::ParseError;
            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
        impl ::std::convert::TryFrom<String> for $type {
            type Error = $crate::ParseError;
            fn try_from(text: String) -> ::std::result::Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }
        impl ::std::convert::TryFrom<&str> for $type {
            type Error = $crate::ParseError;
            fn try_from(text: &str) -> ::std::result::Result<Self, Self::Error> {
                Self::parse(text)
            }
        }
        impl ::std::convert::From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> ::std::result::Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::string::String as ::serde::Deserialize>::deserialize(from)?;
                Self::parse(&text).map_err(::serde::de::Error::custom)
            }
        }
        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({ "type": "string" })
            }
        }
    };
}
pub(crate) use text_newtype;
