//! InfluxDB line protocol: `measurement,tag=x field=1.5,other=2i 1500000000000000000`.
//!
//! A line is taken apart by its own escapes (`\,` `\ ` `\=`; quotes in string fields) and numbers
//! stay text. A line that breaks the form is refused with its number; at most [`MAX_LINES`].

/// Most lines of a payload.
pub const MAX_LINES: usize = 1_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub measurement: String,
    pub tags: Vec<(String, String)>,
    /// Name, text of the value.
    pub fields: Vec<(String, &'a str)>,
    pub time: Option<&'a str>,
}

pub(crate) fn lines(payload: &str) -> Result<Vec<Line<'_>>, String> {
    let mut lines = Vec::new();
    for (text, number) in payload.lines().zip(1..) {
        let text = text.trim_ascii();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if lines.len() == MAX_LINES {
            return Err(format!("more than {MAX_LINES} lines"));
        }
        lines.push(line(text).ok_or_else(|| format!("line {number} is no line protocol"))?);
    }
    Ok(lines)
}

fn line(text: &str) -> Option<Line<'_>> {
    let (head, rest) = cut(text, ' ')?;
    let (fields, time) = match cut(rest.trim_start(), ' ') {
        Some((fields, time)) => (fields, Some(time.trim())),
        None => (rest.trim_start(), None),
    };
    let mut head = split(head, ',').into_iter();
    let measurement = plain(head.next()?);
    let tags = head
        .map(|tag| cut(tag, '=').map(|(name, value)| (plain(name), plain(value))))
        .collect::<Option<Vec<_>>>()?;
    let fields = split(fields, ',')
        .into_iter()
        .map(|field| cut(field, '=').map(|(name, value)| (plain(name), number(value))))
        .collect::<Option<Vec<_>>>()?;
    (!measurement.is_empty() && !fields.is_empty()).then_some(Line {
        measurement,
        tags,
        fields,
        time: time.filter(|t| !t.is_empty()),
    })
}

/// Without the letter that tells the type: `12i`, `12u`.
fn number(value: &str) -> &str {
    match value.strip_suffix(['i', 'u']) {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit() || b == b'-') => digits,
        _ => value,
    }
}

/// Cuts at the first `mark` that is neither escaped nor quoted.
fn cut(text: &str, mark: char) -> Option<(&str, &str)> {
    let (mut escaped, mut quoted) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if c == mark && !quoted => {
                return Some((text.get(..at)?, text.get(at + mark.len_utf8()..)?));
            }
            _ => {}
        }
    }
    None
}

fn split(mut text: &str, mark: char) -> Vec<&str> {
    let mut parts = Vec::new();
    while let Some((part, rest)) = cut(text, mark) {
        parts.push(part);
        text = rest;
    }
    parts.push(text);
    parts
}

fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(next @ (',' | ' ' | '=' | '\\'))) => {
                plain.push(*next);
                chars.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_quotes_and_types_are_understood() {
        let text = r#"my\ meter,host=a\,b,room=x total=12i,v=1.50,s="a, b=c" 1500000000000000000"#;
        let parsed = lines(text).unwrap();
        let line = &parsed[0];
        assert_eq!(line.measurement, "my meter");
        assert_eq!(line.tags[0], ("host".into(), "a,b".into()));
        assert_eq!(line.fields[0], ("total".into(), "12"));
        assert_eq!(line.fields[1], ("v".into(), "1.50"));
        assert_eq!(line.fields[2], ("s".into(), r#""a, b=c""#));
        assert_eq!(line.time, Some("1500000000000000000"));
        for bad in ["justaword", "m novalue", "m,tag f=1", "# only\nx"] {
            assert!(lines(bad).is_err(), "{bad}");
        }
        assert!(lines("# a comment\n\n").unwrap().is_empty());
    }
}
