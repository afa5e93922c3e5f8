//! `$filter` of OData, as far as the service takes it for the collections of this tenant.

use crate::tenant::data::refusal::{Outcome, Refusal};

/// The value of one property, borrowed from its object where that is possible.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    Null,
    Bool(bool),
    Text(&'a str),
    List(&'a [String]),
    /// Anything else; no filter looks into it.
    Json(serde_json::Value),
}

/// Something whose properties can be looked up by Graph's names.
pub(crate) trait Properties {
    /// Returns the property, or `None` when the type has no such property.
    fn field(&self, name: &str) -> Option<Field<'_>>;
}

impl Properties for serde_json::Value {
    fn field(&self, name: &str) -> Option<Field<'_>> {
        use serde_json::Value;
        match self.get(name)? {
            Value::Null => Some(Field::Null),
            Value::Bool(value) => Some(Field::Bool(*value)),
            Value::String(text) => Some(Field::Text(text)),
            other => Some(Field::Json(other.clone())),
        }
    }
}

/// A parsed filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Test {
        property: String,
        test: Test,
    },
    /// Some item of a list passes, or a member of it does.
    Any {
        property: String,
        member: Option<String>,
        test: Test,
    },
}

/// One test of one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Equal(Literal),
    Differs(Literal),
    OneOf(Vec<Literal>),
    StartsWith(String),
    EndsWith(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Text(String),
}

impl Filter {
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        parse(text)
    }

    /// Returns true if the service supports this only as an advanced query (`ConsistencyLevel: eventual` and
    /// `$count=true`).
    pub(crate) fn is_advanced(&self) -> bool {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.is_advanced() || b.is_advanced(),
            Self::Not(_) => true,
            Self::Test { property, test } => {
                const ADVANCED: [&str; 4] =
                    ["onPremisesSamAccountName", "employeeType", "createdDateTime", "passwordPolicies"];
                ADVANCED.contains(&property.as_str())
                    || matches!(test, Test::Differs(_) | Test::EndsWith(_) | Test::Equal(Literal::Null))
            }
            Self::Any { test, .. } => matches!(test, Test::Differs(_) | Test::EndsWith(_)),
        }
    }

    /// Returns the number of terms that `or` and `in` join; the service limits it.
    pub(crate) fn terms(&self) -> usize {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.terms() + b.terms(),
            Self::Not(inner) => inner.terms(),
            Self::Test { test, .. } | Self::Any { test, .. } => match test {
                Test::OneOf(values) => values.len(),
                _ => 1,
            },
        }
    }

    /// Returns true if an object matches; a property that the type does not have is refused.
    pub(crate) fn accepts(&self, object: &impl Properties) -> Outcome<bool> {
        match self {
            Self::And(a, b) => Ok(a.accepts(object)? && b.accepts(object)?),
            Self::Or(a, b) => Ok(a.accepts(object)? || b.accepts(object)?),
            Self::Not(inner) => inner.accepts(object).map(|yes| !yes),
            Self::Test { property, test } => {
                Ok(test.accepts(&look_up(object, property)?, is_exact(property)))
            }
            Self::Any { property, member, test } => match (look_up(object, property)?, member) {
                (Field::List(values), None) => {
                    Ok(values.iter().any(|value| test.accepts(&Field::Text(value), false)))
                }
                (Field::Json(serde_json::Value::Array(items)), Some(member)) => Ok(items
                    .iter()
                    .filter_map(|item| item.field(member))
                    .any(|field| test.accepts(&field, false))),
                _ => Ok(false),
            },
        }
    }
}

impl Test {
    fn accepts(&self, value: &Field<'_>, exact: bool) -> bool {
        let same =
            |text: &str, other: &str| if exact { text == other } else { text.eq_ignore_ascii_case(other) };
        let equal = |literal: &Literal| match (literal, value) {
            (Literal::Null, Field::Null) => true,
            (Literal::Bool(wanted), Field::Bool(value)) => wanted == value,
            (Literal::Text(wanted), Field::Text(value)) => same(value, wanted),
            _ => false,
        };
        let text = match value {
            Field::Text(text) => text.to_lowercase(),
            _ => String::new(),
        };
        match self {
            Self::Equal(literal) => equal(literal),
            Self::Differs(literal) => !equal(literal),
            Self::OneOf(literals) => literals.iter().any(equal),
            Self::StartsWith(prefix) => text.starts_with(&prefix.to_lowercase()),
            Self::EndsWith(suffix) => text.ends_with(&suffix.to_lowercase()),
        }
    }
}

/// Base64 is told apart by case; everything else is not.
fn is_exact(property: &str) -> bool {
    property == "onPremisesImmutableId"
}

fn look_up<'a>(object: &'a impl Properties, property: &str) -> Outcome<Field<'a>> {
    object.field(property).ok_or_else(|| {
        Refusal::new(
            400,
            "BadRequest",
            format!("Invalid filter clause: Could not find a property named '{property}'."),
        )
    })
}

/// Reads a filter; what is no filter is refused.
fn parse(text: &str) -> Outcome<Filter> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let filter = parser.either()?;
    if parser.peek().is_some() { Err(syntax()) } else { Ok(filter) }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Outcome<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        Some('\'') if chars.peek() == Some(&'\'') => {
                            chars.next();
                            value.push('\'');
                        }
                        Some('\'') => break,
                        Some(other) => value.push(other),
                        None => return Err(syntax()),
                    }
                }
                tokens.push(Token::Text(value));
            }
            first => {
                let mut word = String::from(first);
                while let Some(&next) = chars.peek() {
                    if " \t(),'".contains(next) {
                        break;
                    }
                    word.push(next);
                    chars.next();
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn either(&mut self) -> Outcome<Filter> {
        let mut left = self.both()?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Outcome<Filter> {
        let mut left = self.single()?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Outcome<Filter> {
        self.depth += 1;
        if self.depth > 50 {
            return Err(syntax());
        }
        let filter = if self.take_word("not") {
            Filter::Not(Box::new(self.single()?))
        } else if self.take(&Token::Open) {
            let inner = self.either()?;
            self.expect(&Token::Close)?;
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn test(&mut self) -> Outcome<Filter> {
        let word = self.word()?;
        if let Some(property) = word.strip_suffix("/any") {
            return self.any(property.to_owned());
        }
        if word.eq_ignore_ascii_case("startsWith") || word.eq_ignore_ascii_case("endsWith") {
            let (property, test) = self.affix(&word)?;
            return Ok(Filter::Test { property, test });
        }
        let test = self.comparison()?;
        Ok(Filter::Test { property: word, test })
    }

    /// `(p:p eq 'x')`, `(p:startsWith(p,'x'))`, `(p:p/member eq 'x')`; the variable must be the one that was
    /// introduced.
    fn any(&mut self, property: String) -> Outcome<Filter> {
        self.expect(&Token::Open)?;
        let word = self.word()?;
        let (variable, rest) = word.split_once(':').ok_or_else(syntax)?;
        let variable = variable.to_owned();
        let first = if rest.is_empty() { self.word()? } else { rest.to_owned() };
        let starts_with_it =
            first == variable || first.strip_prefix(&variable).is_some_and(|rest| rest.starts_with('/'));
        let (named, test) = if starts_with_it { (first, self.comparison()?) } else { self.affix(&first)? };
        let member = match named.split_once('/') {
            Some((named, member)) if named == variable => Some(member.to_owned()),
            None if named == variable => None,
            _ => return Err(syntax()),
        };
        self.expect(&Token::Close)?;
        Ok(Filter::Any { property, member, test })
    }

    fn affix(&mut self, function: &str) -> Outcome<(String, Test)> {
        self.expect(&Token::Open)?;
        let property = self.word()?;
        self.expect(&Token::Comma)?;
        let Some(Token::Text(text)) = self.next() else { return Err(syntax()) };
        self.expect(&Token::Close)?;
        match function.to_ascii_lowercase().as_str() {
            "startswith" => Ok((property, Test::StartsWith(text))),
            "endswith" => Ok((property, Test::EndsWith(text))),
            _ => Err(syntax()),
        }
    }

    fn comparison(&mut self) -> Outcome<Test> {
        match self.word()?.as_str() {
            "eq" => self.literal().map(Test::Equal),
            "ne" => self.literal().map(Test::Differs),
            "in" => {
                self.expect(&Token::Open)?;
                let mut values = vec![self.literal()?];
                while self.take(&Token::Comma) {
                    values.push(self.literal()?);
                }
                self.expect(&Token::Close)?;
                Ok(Test::OneOf(values))
            }
            _ => Err(syntax()),
        }
    }

    fn literal(&mut self) -> Outcome<Literal> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => match word.as_str() {
                "null" => Ok(Literal::Null),
                "true" => Ok(Literal::Bool(true)),
                "false" => Ok(Literal::Bool(false)),
                // GUIDs and dates stand without quotes.
                _ => Ok(Literal::Text(word)),
            },
            _ => Err(syntax()),
        }
    }

    fn word(&mut self) -> Outcome<String> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(syntax()),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, token: &Token) -> bool {
        let there = self.peek() == Some(token);
        self.at += usize::from(there);
        there
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.take(&Token::Word(word.to_owned()))
    }

    fn expect(&mut self, token: &Token) -> Outcome<()> {
        if self.take(token) { Ok(()) } else { Err(syntax()) }
    }
}

fn syntax() -> Refusal {
    Refusal::new(400, "BadRequest", "Invalid filter clause: syntax error.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn passes(filter: &str) -> bool {
        let object =
            json!({ "a": "It's", "b": true, "c": null, "id": "12345678-0000-4000-8000-000000000000" });
        Filter::parse(filter).unwrap().accepts(&object).unwrap()
    }

    #[test]
    fn documented_forms_are_understood() {
        assert!(passes("a eq 'it''s'"));
        assert!(passes("b eq true and not (a eq 'x')"));
        assert!(passes("c eq null"));
        assert!(passes("a in ('x', 'It''s')"));
        assert!(passes("startsWith(a,'IT') or a eq 'x'"));
        assert!(!passes("endswith(a,'x') and (b eq false or b eq true)"));
        assert!(passes("id eq 12345678-0000-4000-8000-000000000000"));
    }

    #[test]
    fn any_looks_into_lists() {
        struct Listed(Vec<String>);
        impl Properties for Listed {
            fn field(&self, name: &str) -> Option<Field<'_>> {
                (name == "proxyAddresses").then_some(Field::List(&self.0))
            }
        }
        let object = Listed(vec!["SMTP:a@b.example".to_owned()]);
        for filter in
            ["proxyAddresses/any(p:p eq 'smtp:a@b.example')", "proxyAddresses/any(x:startsWith(x,'smtp:a'))"]
        {
            assert_eq!(Filter::parse(filter).unwrap().accepts(&object), Ok(true), "{filter}");
        }
        assert!(Filter::parse("proxyAddresses/any(p:q eq 'x')").is_err());
        assert_eq!(Filter::parse("other eq 'x'").unwrap().accepts(&object).unwrap_err().status, 400);
    }

    #[test]
    fn what_needs_the_index_is_known() {
        for filter in ["a ne 'x'", "not (a eq 'x')", "endsWith(a,'x')", "c eq null"] {
            assert!(Filter::parse(filter).unwrap().is_advanced(), "{filter}");
        }
        assert!(!Filter::parse("a eq 'x' and b eq true").unwrap().is_advanced());
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_a_refusal(text in "[a-c()', :/]{0,40}|(a|eq|'x'|and|or|not|[(),]| ){0,30}") {
            if let Ok(filter) = Filter::parse(&text) {
                let _ = filter.accepts(&json!({ "a": "x" }));
            }
        }

        #[test]
        fn a_quoted_value_comes_back_as_it_was(value in ".{0,30}") {
            let filter = Filter::parse(&format!("a eq '{}'", value.replace('\'', "''"))).unwrap();
            prop_assert_eq!(filter, Filter::Test { property: "a".to_owned(), test: Test::Equal(Literal::Text(value)) });
        }
    }
}
