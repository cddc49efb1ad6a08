//! The letters that UK banks take in names and references.

/// What stands beside capital letters and digits in the Bacs character set.
pub const BANK_LETTERS: &str = ".&/- ";

/// Text in the Bacs character set, capitals, one space between words, at most `length` letters: other
/// scripts become the nearest Latin letters, other signs a space.
///
/// ```
/// use commonwatt_report::payments::bank_text;
/// assert_eq!(bank_text("Zoë O'Müller-Łęcka (joint)", 18), "ZOE O MULLER-LECKA");
/// assert_eq!(bank_text("Иван", 18), "IVAN");
/// ```
#[must_use]
pub fn bank_text(text: &str, length: usize) -> String {
    let latin = deunicode::deunicode_with_tofu(text, " ").to_ascii_uppercase();
    let taken = |c: char| c.is_ascii_alphanumeric() || BANK_LETTERS.contains(c);
    let plain: String = latin
        .chars()
        .map(|c| if taken(c) { c } else { ' ' })
        .collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = words.chars().take(length).collect();
    cut.trim_end().to_owned()
}
