//! Attribute descriptions: a name with options.

use std::fmt;

use onramp_core::{AttributeName, ParseError};

/// The name of an attribute with its options, such as `member;range=0-1499` (RFC 4512, 2.5).
///
/// ```
/// use onramp_readiness::ldif::AttributeDescription;
/// let members = AttributeDescription::parse("member;range=0-1499")?;
/// assert_eq!((members.name().as_str(), members.options().next()), ("member", Some("range=0-1499")));
/// assert!(members.is_partial());
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributeDescription {
    name: AttributeName,
    /// In lower case, each after a semicolon.
    options: Box<str>,
}

impl AttributeDescription {
    /// Parses a description.
    ///
    /// # Errors
    /// A name that no attribute can have, and options with anything but letters, digits, `-`, `=` and `*`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (name, options) = match text.split_once(';') {
            Some((name, _)) => (name, text.get(name.len()..).unwrap_or_default()),
            None => (text, ""),
        };
        let is_option = |option: &str| {
            !option.is_empty()
                && option.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-=*".contains(&byte))
        };
        if text.len() > 512 || !options.split(';').skip(1).all(is_option) {
            let reason = "an option is letters, digits and hyphens";
            return Err(ParseError::new("attribute description", text, reason));
        }
        let name = crate::attributes::parse(name)?;
        Ok(Self { name, options: options.to_ascii_lowercase().into() })
    }

    /// The name.
    pub fn name(&self) -> &AttributeName {
        &self.name
    }

    /// The options, in lower case.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        self.options.split(';').skip(1)
    }

    /// Returns true if there are options.
    pub fn has_options(&self) -> bool {
        !self.options.is_empty()
    }

    /// Returns true if the values are those of the attribute itself: no option, or only `binary` and ranges.
    pub fn is_plain(&self) -> bool {
        self.options().all(|option| option == "binary" || option.starts_with("range="))
    }

    /// Returns true if the values are a range that others follow.
    pub fn is_partial(&self) -> bool {
        self.options().any(|option| option.starts_with("range=") && !option.ends_with("-*"))
    }
}

impl From<AttributeName> for AttributeDescription {
    fn from(name: AttributeName) -> Self {
        Self { name, options: "".into() }
    }
}

impl fmt::Display for AttributeDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.options)
    }
}
