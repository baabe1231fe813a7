//! Types: what the checker knows of a value.

pub mod ty;

use ty::Unit;

/// A number of a unit as it is written in source: `80%`, `5s`, `4.00 SGD`. Used in messages.
pub fn literal(unit: Unit, value: i128) -> String {
    let scaled = |value: i128, decimals: u32| {
        let sign = if value < 0 { "-" } else { "" };
        let (value, one) = (value.unsigned_abs(), 10u128.pow(decimals));
        if decimals == 0 {
            return format!("{sign}{value}");
        }
        format!(
            "{sign}{}.{:0width$}",
            value / one,
            value % one,
            width = decimals as usize
        )
    };
    match unit {
        Unit::One => value.to_string(),
        Unit::Percent => {
            let text = scaled(value, 7);
            format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
        }
        Unit::Money(currency) => format!("{} {currency}", scaled(value, currency.decimals())),
        Unit::Duration => duration(value),
        Unit::Instant => format!("{value}us since 1970"),
        Unit::Date => format!("day {value} since 1970"),
    }
}

fn duration(value: i128) -> String {
    if value == 0 {
        return "0s".into();
    }
    let mut text = String::from(if value < 0 { "-" } else { "" });
    let mut rest = value.unsigned_abs();
    for (unit, size) in [
        ("d", 86_400_000_000u128),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
        ("us", 1),
    ] {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    text
}
