//! Decoded literals.

use super::*;

/// A literal, decoded. A minus sign right before a number belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `true`, `false`
    Bool(bool),
    /// `42`, `1_000`, `0x1f`
    Int(i64),
    /// `2.5`
    Float(Decimal),
    /// `"…"`
    Text(Box<str>),
    /// `1h30m`, in microseconds.
    Duration(i64),
    /// `8KiB`, in bytes.
    Size(i64),
    /// `0.5%`; the decimal is what stands before the sign: 0.5 here.
    Percent(Decimal),
    /// `100 per 1s`
    Rate(Box<Rate>),
    /// `4.00 SGD`
    Money(Box<Money>),
    /// `p"/v2/**"`
    Tagged(Box<Tagged>),
}

/// `mantissa / 10^scale`, as many decimals as were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits, as one number.
    pub mantissa: i64,
    /// How many of them stand behind the point: 0 to 18.
    pub scale: u8,
}

/// `100 per 1s`, `1% per 10s`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How much.
    pub amount: Decimal,
    /// Whether the amount is a percentage.
    pub percent: bool,
    /// In how many microseconds; never zero or negative.
    pub per: i64,
}

/// `4.00 SGD`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// How much, in major units.
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

/// Three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// `p"/v2/**"`: the content is neither decoded nor judged here; a backslash in it is a backslash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Which tag.
    pub tag: Tag,
    /// Where the tag stands.
    pub tag_span: Span,
    /// What stands between the quotes, as written.
    pub content: Box<str>,
    /// Where that is. An error inside the content is at `content_span.start` plus the byte offset in it.
    pub content_span: Span,
}

/// The word before a tagged text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// `p"…"`: a path pattern or a path template.
    Path,
    /// `glob"…"`
    Glob,
    /// `re"…"`
    Regex,
    /// `ip"…"`
    Ip,
    /// `t"…"`
    Instant,
    /// `tz"…"`
    Zone,
}

impl Tag {
    /// How it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Tag::Path => "p",
            Tag::Glob => "glob",
            Tag::Regex => "re",
            Tag::Ip => "ip",
            Tag::Instant => "t",
            Tag::Zone => "tz",
        }
    }

    /// The tag that is written so.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Option<Tag> {
        const ALL: [Tag; 6] = [
            Tag::Path,
            Tag::Glob,
            Tag::Regex,
            Tag::Ip,
            Tag::Instant,
            Tag::Zone,
        ];
        ALL.into_iter().find(|tag| tag.symbol() == symbol)
    }
}

impl Currency {
    /// The code, when it is three capital ASCII letters.
    #[must_use]
    pub fn new(code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Currency(bytes))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Decimal {
    /// The decimal with all its written places: `4.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!(
            "{:0width$}",
            self.mantissa.unsigned_abs(),
            width = scale + 1
        );
        let (whole, part) = digits.split_at(digits.len() - scale);
        let point = if scale > 0 { "." } else { "" };
        write!(f, "{sign}{whole}{point}{part}")
    }
}
