//! Parsing the text form. Three passes over the tokens: where items begin and what is named; what functions and rule sets
//! take and give; what is in them. So everything may be used before it stands, and everything is linear.

use std::fmt;

use rustc_hash::FxHashMap;
use tollgate_runtime::schema::TypeId;
use tollgate_runtime::{Native, Value};

use self::lex::{Tok, Token, tokens};
use super::{ITEMS, Place};
use crate::entities::{DataId, FuncId, IndexId, NativeId, RuleSetId};
use crate::module::{Data, Entry, Module, Target};
use crate::types::{EnumData, RecordData, TypeData};

mod body;
mod index;
mod items;
mod lex;
mod literal;
mod names;

/// The longest text, in bytes.
pub const TEXT_MAX: usize = 1 << 28;
/// How deep types and values may nest.
pub const NESTING_MAX: u32 = 64;

/// Why a text is no module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    line: u32,
    column: u32,
    message: String,
}

impl ParseError {
    fn at(text: &str, offset: usize, message: impl Into<String>) -> ParseError {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |i| i + 1);
        let column = String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count();
        ParseError {
            line: before.iter().filter(|b| **b == b'\n').count() as u32 + 1,
            column: column as u32 + 1,
            message: message.into(),
        }
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> u32 {
        self.column
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// A module read from text, not verified, and where its parts stand.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The module. Values and blocks are numbered in the order in which they stand; entries have no schema.
    pub module: Module,
    places: Vec<(Place, u32)>,
}

impl Parsed {
    /// The line, from 1, on which a part stands.
    pub fn line(&self, text: &str, place: Place) -> Option<u32> {
        let (_, offset) = self.places.iter().find(|(p, _)| *p == place)?;
        Some(ParseError::at(text, *offset as usize, "").line)
    }
}

/// Reads a module. `natives` are those that the text may name.
///
/// The module is well formed as text, not yet as IR: [`verify`](crate::verify::verify) it.
///
/// # Errors
/// The first thing that is wrong, with its line and column.
///
/// ```
/// use tollgate_ir::text::{parse, print_module};
/// let text = "func one() -> int {\nblock0:\n    v0 = iconst 1\n    return v0\n}\n";
/// let parsed = parse(text, &[]).unwrap();
/// assert_eq!(print_module(&parsed.module), text);
/// ```
pub fn parse(text: &str, natives: &[&'static Native]) -> Result<Parsed, ParseError> {
    let mut parser = Parser::new(text, natives)?;
    parser.module()?;
    Ok(Parsed {
        module: parser.module,
        places: parser.places,
    })
}

/// Reads values as constants write them, with commas between them: what a test gives to a function.
///
/// # Errors
/// The first thing that is wrong.
///
/// ```
/// use tollgate_ir::text::parse_values;
/// use tollgate_runtime::Value;
/// assert_eq!(parse_values("1, [none, #2]").unwrap()[0], Value::Int(1));
/// ```
pub fn parse_values(text: &str) -> Result<Vec<Value>, ParseError> {
    let mut parser = Parser::new(text, &[])?;
    let mut values = Vec::new();
    while parser.peek().tok != Tok::End {
        if !values.is_empty() {
            parser.punct(b',')?;
        }
        values.push(parser.value()?);
    }
    Ok(values)
}

/// What names stand for.
#[derive(Default)]
struct Names {
    types: FxHashMap<String, TypeData>,
    data: FxHashMap<String, DataId>,
    natives: FxHashMap<String, NativeId>,
    funcs: FxHashMap<String, FuncId>,
    rulesets: FxHashMap<String, RuleSetId>,
    indexes: FxHashMap<String, IndexId>,
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    /// How deep the type or value at hand nests.
    depth: u32,
    module: Module,
    names: Names,
    places: Vec<(Place, u32)>,
    all_natives: FxHashMap<&'static str, &'static Native>,
}

type Res<T> = Result<T, ParseError>;

impl<'t> Parser<'t> {
    fn new(text: &'t str, natives: &[&'static Native]) -> Res<Parser<'t>> {
        if text.len() > TEXT_MAX {
            let message = format!("the text has {} bytes; the limit is {TEXT_MAX}", text.len());
            return Err(ParseError::at(text, 0, message));
        }
        Ok(Parser {
            text,
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
            module: Module::default(),
            names: Names::default(),
            places: Vec::new(),
            all_natives: natives.iter().map(|n| (n.name, *n)).collect(),
        })
    }

    fn module(&mut self) -> Res<()> {
        let items = self.find_items()?;
        for &item in &items {
            self.at = item;
            if matches!(self.word()?, "record" | "enum") {
                self.declare_type()?;
            }
        }
        let mut bodies = Vec::new();
        for &item in &items {
            self.at = item;
            let start = self.offset();
            match self.word()? {
                "record" => self.record(start)?,
                "enum" => self.enumeration(start)?,
                "data" => self.data(start)?,
                "state" => self.state(start)?,
                "place" => self.state_place(start)?,
                "native" => self.native(start)?,
                "pattern" => self.pattern(start)?,
                "const" => self.constant(start)?,
                "site" => self.site(start)?,
                "func" => {
                    let func = self.func_header(start)?;
                    bodies.push((self.at, Body::Func(func)));
                    continue;
                }
                "index" => {
                    let index = self.index_header(start)?;
                    bodies.push((self.at, Body::Index(index)));
                    continue;
                }
                "ruleset" => {
                    let rules = self.ruleset_header(start)?;
                    bodies.push((self.at, Body::Rules(rules)));
                    continue;
                }
                _ => {
                    bodies.push((self.at, Body::Entry(start)));
                    continue;
                }
            }
            self.item_end()?;
        }
        for (at, body) in bodies {
            self.at = at;
            match body {
                Body::Func(func) => self.func_body(func)?,
                Body::Rules(rules) => self.ruleset_body(rules)?,
                Body::Index(index) => self.index_body(index)?,
                Body::Entry(start) => self.entry(start)?,
            }
            self.item_end()?;
        }
        Ok(())
    }

    /// The tokens with which items begin: their keywords, outside of all brackets.
    fn find_items(&mut self) -> Res<Vec<usize>> {
        let mut items = Vec::new();
        let mut depth = 0u32;
        for (i, token) in self.tokens.iter().enumerate() {
            match token.tok {
                Tok::Punct(b'(' | b'[' | b'{') => depth += 1,
                Tok::Punct(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                Tok::Word if depth == 0 && ITEMS.contains(&self.token_text(*token)) => {
                    items.push(i);
                }
                _ => {}
            }
        }
        if items.first() != Some(&0) && self.tokens.len() > 1 {
            return Err(self.fail("an item begins with one of its keywords"));
        }
        Ok(items)
    }

    fn item_end(&self) -> Res<()> {
        let token = self.peek();
        let ended = match token.tok {
            Tok::End => true,
            Tok::Word => ITEMS.contains(&self.token_text(token)),
            _ => false,
        };
        if ended {
            Ok(())
        } else {
            Err(self.fail("expected the next item"))
        }
    }

    fn declare_type(&mut self) -> Res<()> {
        let is_record = self.tokens[self.at - 1].end - self.tokens[self.at - 1].start == 6;
        let at = self.at;
        let name = self.name()?;
        let types = &mut self.module.types;
        let data = if is_record {
            TypeData::Record(types.records.push(RecordData {
                name: name.as_ref().into(),
                fields: Vec::new(),
            }))
        } else {
            TypeData::Enum(types.enums.push(EnumData {
                name: name.as_ref().into(),
                variants: Vec::new(),
            }))
        };
        types.intern(data);
        let known = self.names.types.insert(name.into_owned(), data);
        self.once(known, at, "a type of this name")
    }

    fn data(&mut self, start: u32) -> Res<()> {
        let at = self.at;
        let name = self.name()?;
        self.punct(b':')?;
        let ty = self.ty()?;
        let id = self.module.data.push(Data {
            name: name.as_ref().into(),
            ty,
            schema: None,
        });
        self.places.push((Place::Data(id), start));
        let known = self.names.data.insert(name.into_owned(), id);
        self.once(known, at, "data of this name")
    }

    fn native(&mut self, start: u32) -> Res<()> {
        let at = self.at;
        let name = self.name()?;
        let Some(native) = self.all_natives.get(name.as_ref()).copied() else {
            return Err(self.fail_at(at, format!("there is no native `{name}`")));
        };
        let id = self.module.native(native);
        self.places.push((Place::Native(id), start));
        let known = self.names.natives.insert(name.into_owned(), id);
        self.once(known, at, "a native of this name")
    }

    fn entry(&mut self, start: u32) -> Res<()> {
        let name = self.name()?;
        self.punct(b'=')?;
        let target = if self.eat_word("rules") {
            Target::Rules(self.ruleset_name()?)
        } else {
            Target::Func(self.func_name()?)
        };
        let place = Place::Entry(self.module.entries.len() as u32);
        self.places.push((place, start));
        self.module.entries.push(Entry {
            name: name.into(),
            target,
            params: Vec::new(),
            result: TypeId(0),
            decides: Default::default(),
        });
        Ok(())
    }

    fn once<T>(&self, known: Option<T>, at: usize, what: &str) -> Res<()> {
        match known {
            Some(_) => Err(self.fail_at(at, format!("there is {what} already"))),
            None => Ok(()),
        }
    }

    // Tokens.

    fn peek(&self) -> Token {
        // `End` is never stepped over.
        self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn token_text(&self, token: Token) -> &'t str {
        &self.text[token.start as usize..token.end as usize]
    }

    fn offset(&self) -> u32 {
        self.peek().start
    }

    fn word(&mut self) -> Res<&'t str> {
        let token = self.peek();
        if token.tok != Tok::Word {
            return Err(self.fail("expected a word"));
        }
        self.at += 1;
        Ok(self.token_text(token))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let token = self.peek();
        let found = token.tok == Tok::Word && self.token_text(token) == word;
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, word: &str) -> Res<()> {
        if self.eat_word(word) {
            return Ok(());
        }
        Err(self.fail(format!("expected `{word}`")))
    }

    fn eat(&mut self, punct: u8) -> bool {
        let found = self.peek().tok == Tok::Punct(punct);
        self.at += usize::from(found);
        found
    }

    fn punct(&mut self, punct: u8) -> Res<()> {
        if self.eat(punct) {
            return Ok(());
        }
        Err(self.fail(format!("expected `{}`", char::from(punct))))
    }

    fn arrow(&mut self) -> Res<()> {
        if self.peek().tok == Tok::Arrow {
            self.at += 1;
            return Ok(());
        }
        Err(self.fail("expected `->`"))
    }

    fn int(&mut self) -> Res<i64> {
        let token = self.peek();
        let number = self.token_text(token).parse();
        match number {
            Ok(number) if token.tok == Tok::Number => {
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.fail("expected a whole number of 64 bits")),
        }
    }

    fn index(&mut self) -> Res<u32> {
        let at = self.at;
        let number = self.int()?;
        u32::try_from(number).map_err(|_| self.fail_at(at, "expected an index of 32 bits"))
    }

    /// Elements between brackets, with commas between them.
    fn list<T>(
        &mut self,
        open: u8,
        close: u8,
        mut element: impl FnMut(&mut Self) -> Res<T>,
    ) -> Res<Vec<T>> {
        self.punct(open)?;
        let mut list = Vec::new();
        if self.eat(close) {
            return Ok(list);
        }
        loop {
            list.push(element(self)?);
            if !self.eat(b',') {
                break;
            }
        }
        self.punct(close)?;
        Ok(list)
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        let outer = self.depth;
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(self.too_deep());
        }
        let result = inner(self);
        self.depth = outer;
        result
    }

    fn too_deep(&self) -> ParseError {
        self.fail(format!("this nests deeper than {NESTING_MAX}"))
    }

    fn fail(&self, message: impl Into<String>) -> ParseError {
        self.fail_at(self.at, message)
    }

    fn fail_at(&self, token: usize, message: impl Into<String>) -> ParseError {
        let token = self.tokens[token.min(self.tokens.len() - 1)];
        ParseError::at(self.text, token.start as usize, message)
    }
}

enum Body {
    Func(FuncId),
    Rules(RuleSetId),
    Index(IndexId),
    Entry(u32),
}
