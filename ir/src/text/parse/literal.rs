//! Values.

use tollgate_runtime::Value;

use super::lex::Tok;
use super::{Parser, Res};

impl Parser<'_> {
    /// A value as the printer writes it; what type it has is told beside it.
    pub(super) fn value(&mut self) -> Res<Value> {
        self.nested(|p| {
            let token = p.peek();
            match token.tok {
                Tok::Str => Ok(Value::str(p.string()?)),
                Tok::Number => p.number(),
                Tok::Punct(b'[') => Ok(Value::seq(p.list(b'[', b']', Parser::value)?)),
                Tok::Punct(b'#') => {
                    p.at += 1;
                    let tag = p.index()?;
                    let fields = match p.peek().tok {
                        Tok::Punct(b'(') => p.list(b'(', b')', Parser::value)?,
                        _ => Vec::new(),
                    };
                    Ok(Value::Variant(tag, fields.into()))
                }
                Tok::Word => p.worded(),
                _ => Err(p.fail("expected a value")),
            }
        })
    }

    fn number(&mut self) -> Res<Value> {
        let text = self.token_text(self.peek());
        if text.contains(['.', 'e', 'E']) {
            return self.float().map(Value::Float);
        }
        self.int().map(Value::Int)
    }

    /// A finite float; minus zero is zero.
    pub(super) fn float(&mut self) -> Res<f64> {
        let token = self.peek();
        match self.token_text(token).parse::<f64>() {
            Ok(value) if token.tok == Tok::Number && value.is_finite() => {
                self.at += 1;
                Ok(value + 0.0)
            }
            _ => Err(self.fail("expected a finite float")),
        }
    }

    fn worded(&mut self) -> Res<Value> {
        let at = self.at;
        let fail = |p: &Self, what: String| Err(p.fail_at(at + 1, what));
        match self.word()? {
            "none" => Ok(Value::None),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "ip" => match self.string()?.parse() {
                Ok(ip) => Ok(Value::Ip(ip)),
                Err(e) => fail(self, format!("{e}")),
            },
            "cidr" => match self.string()?.parse() {
                Ok(cidr) => Ok(Value::Cidr(cidr)),
                Err(e) => fail(self, format!("{e}")),
            },
            "x" => match hex(&self.string()?) {
                Some(bytes) => Ok(Value::Bytes(bytes.into())),
                None => fail(self, "expected pairs of hexadecimal digits".into()),
            },
            _ => Err(self.fail_at(at, "expected a value")),
        }
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [a, b] => Some((digit(*a)? * 16 + digit(*b)?) as u8),
            _ => None,
        })
        .collect()
}
