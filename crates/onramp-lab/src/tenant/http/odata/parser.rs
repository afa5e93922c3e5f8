//! Reading the text of a `$filter`.

use super::filter::{Filter, Literal, Test};
use crate::tenant::data::refusal::{Outcome, Refusal};

/// Reads a filter; what is no filter is refused.
pub(super) fn parse(text: &str) -> Outcome<Filter> {
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
