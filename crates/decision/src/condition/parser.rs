//! Tokens into an expression, with CEL's precedence.

use super::{
    Binary, ConditionError, DEPTH_MAX, Expr, Kind, LIST_MAX,
    lexer::{Placed, Token, tokens},
};

pub(super) fn parse(source: &str) -> Result<Expr, ConditionError> {
    let tokens = tokens(source)?;
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let expr = parser.choice()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.error("an operator or the end was expected")),
    }
}

struct Parser<'a> {
    // Invariant: never empty; the last token is `End`.
    tokens: &'a [Placed],
    depth: usize,
}

/// From the loosest binding to the tightest.
const LEVELS: [&[(&str, Binary)]; 4] = [
    &[("||", Binary::Or)],
    &[("&&", Binary::And)],
    &[
        ("==", Binary::Equal),
        ("!=", Binary::Unequal),
        ("<=", Binary::AtMost),
        (">=", Binary::AtLeast),
        ("<", Binary::Less),
        (">", Binary::Greater),
        ("in", Binary::In),
    ],
    &[("+", Binary::Plus), ("-", Binary::Minus)],
];

impl Parser<'_> {
    fn choice(&mut self) -> Result<Expr, ConditionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("the expression is nested too deeply"));
        }
        let at = self.at();
        let condition = self.binary(&LEVELS)?;
        let out = if self.take("?") {
            let yes = self.choice()?;
            self.expect(":")?;
            let no = self.choice()?;
            Expr { at, kind: Kind::Choose(condition.into(), yes.into(), no.into()) }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(out)
    }

    fn binary(&mut self, levels: &[&[(&str, Binary)]]) -> Result<Expr, ConditionError> {
        let Some((level, tighter)) = levels.split_first() else { return self.unary() };
        let mut left = self.binary(tighter)?;
        let mut links = 0;
        while let Some((_, operator)) = level.iter().find(|(sign, _)| self.is_next(sign)) {
            self.step();
            links += 1;
            if links > DEPTH_MAX {
                return Err(self.error("a chain of operators is too long"));
            }
            let right = self.binary(tighter)?;
            left = Expr {
                at: left.at,
                kind: Kind::Binary(*operator, Box::new(left), Box::new(right)),
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, ConditionError> {
        let at = self.at();
        for (sign, kind) in [
            ("!", Kind::Not as fn(Box<Expr>) -> Kind),
            ("-", Kind::Negate as fn(Box<Expr>) -> Kind),
        ] {
            if self.take(sign) {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(self.error("the expression is nested too deeply"));
                }
                let inner = self.unary()?;
                self.depth -= 1;
                return Ok(Expr { at, kind: kind(inner.into()) });
            }
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expr, ConditionError> {
        let at = self.at();
        let kind = match self.peek().clone() {
            Token::Int(it) => {
                self.step();
                Kind::Int(it)
            }
            Token::Text(it) => {
                self.step();
                Kind::Text(it)
            }
            Token::Word(it) if it == "in" => return Err(self.error("a value was expected")),
            Token::Word(_) => return self.name(at),
            Token::Sign("(") => {
                self.step();
                let inner = self.choice()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Sign("[") => {
                self.step();
                Kind::List(self.items("]")?)
            }
            Token::Sign(_) | Token::End => return Err(self.error("a value was expected")),
        };
        Ok(Expr { at, kind })
    }

    fn name(&mut self, at: usize) -> Result<Expr, ConditionError> {
        let mut name = String::new();
        loop {
            let Token::Word(word) = self.peek() else {
                return Err(self.error("a name was expected"));
            };
            name.push_str(word);
            self.step();
            if !self.take(".") {
                break;
            }
            name.push('.');
        }
        let kind = match name.as_str() {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            _ if self.take("(") => Kind::Call(name, self.items(")")?),
            _ => Kind::Name(name),
        };
        Ok(Expr { at, kind })
    }

    fn items(&mut self, close: &'static str) -> Result<Vec<Expr>, ConditionError> {
        let mut out = Vec::new();
        if self.take(close) {
            return Ok(out);
        }
        loop {
            if out.len() == LIST_MAX {
                return Err(self.error("a list has at most 256 items"));
            }
            out.push(self.choice()?);
            if self.take(close) {
                return Ok(out);
            }
            self.expect(",")?;
        }
    }

    fn peek(&self) -> &Token {
        self.tokens.first().map_or(&Token::End, |it| &it.token)
    }

    fn at(&self) -> usize {
        self.tokens.first().map_or(0, |it| it.at)
    }

    fn step(&mut self) {
        if let [_, rest @ ..] = self.tokens
            && !rest.is_empty()
        {
            self.tokens = rest;
        }
    }

    fn is_next(&self, text: &str) -> bool {
        match self.peek() {
            Token::Sign(it) => *it == text,
            Token::Word(it) => it == text,
            Token::Int(_) | Token::Text(_) | Token::End => false,
        }
    }

    fn take(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        if found {
            self.step();
        }
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), ConditionError> {
        if self.take(sign) { Ok(()) } else { Err(self.error(format!("`{sign}` was expected"))) }
    }

    fn error(&self, message: impl Into<String>) -> ConditionError {
        ConditionError::new("cel.syntax", self.at(), message)
    }
}
