//! The sheet as plain text, eighty columns wide.

use std::fmt::Write as _;

use super::{Sheet, Verdict, first_line, kwh, meaning};

const WIDTH: usize = 78;

pub(super) fn page(sheet: &Sheet) -> String {
    let mut page = String::new();
    let mut line = |text: &str| {
        page.push_str(text.trim_end());
        page.push('\n');
    };
    line("COMMISSIONING SHEET");
    line("To be filed with the FIT or SEG papers of this meter.");
    line("");
    for part in wrapped(&sheet.sentence(), WIDTH) {
        line(&part);
    }
    for doubt in sheet.doubts() {
        line("");
        for part in wrapped(&format!("TO SETTLE: {doubt}"), WIDTH) {
            line(&part);
        }
    }
    line("");
    line("The meter");
    let mut facts = vec![("Serial number".to_owned(), sheet.meter.clone())];
    if let Some(site) = &sheet.order.site {
        facts.insert(0, ("Roof".to_owned(), site.clone()));
    }
    facts.extend(sheet.facts.iter().cloned());
    for (label, value) in &facts {
        line(&format!("  {label:<28} {}", plain(value)));
    }
    line("");
    line("Its registers");
    for checked in &sheet.registers {
        let before = &checked.before;
        line(&format!(
            "  {} ({}){}{}",
            before.register,
            meaning(&before.register),
            if before.place.is_empty() { "" } else { ", " },
            before.place
        ));
        if let (Some(raw), Some(scale)) = (&before.raw, &before.scale) {
            line(&format!("    digits in the device     {raw:>22}   {scale}"));
        }
        line(&format!(
            "    read before              {:>22}",
            kwh(before.wh.unwrap_or_default())
        ));
        match &checked.dial {
            Some((dial, verdict)) => {
                line(&format!(
                    "    typed from the dial      {:>22}",
                    format!("{dial} kWh")
                ));
                line(&format!(
                    "    read afterwards          {:>22}",
                    kwh(checked.after_wh)
                ));
                let verdict = match verdict {
                    Verdict::Agrees => "The dial agrees with the register.".to_owned(),
                    Verdict::Differs { .. } => format!("DIFFERS: {verdict}."),
                };
                for part in wrapped(&verdict, WIDTH - 4) {
                    line(&format!("    {part}"));
                }
            }
            None => line("    The dial was not compared."),
        }
    }
    line("");
    line("The gateway");
    line(&format!("  {:<28} {}", "Name", sheet.order.gateway));
    if let Some(key) = &sheet.order.key {
        line(&format!("  {:<28} {key}", "Signs with key"));
    }
    line(&format!("  {:<28} {}", "Clock", sheet.clock_words()));
    let disk = match &sheet.disk {
        Ok(test) => format!(
            "a note of {} bytes written, synced and read back in {} ms",
            test.bytes, test.took_ms
        ),
        Err(why) => format!("FAILED: {}", first_line(why)),
    };
    line(&format!("  {:<28} {disk}", "Backlog"));
    line(&format!("  {:<28} {}", "Read at", sheet.moment()));
    line("");
    line("");
    let by = sheet.order.by.as_deref().unwrap_or_default();
    for (who, name) in [("Commissioned by", by), ("Witnessed by", "")] {
        line(&format!(
            "{who:<16} {:<24} Signature ____________________ Date ________",
            pad(name)
        ));
        line("");
    }
    page
}

/// A name on a line to write on.
fn pad(name: &str) -> String {
    if name.is_empty() {
        "_".repeat(23)
    } else {
        plain(name)
    }
}

/// Text of a device or person without what would break a line.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is always a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            let space = if last.is_empty() { "" } else { " " };
            let _ = write!(last, "{space}{word}");
        }
    }
    lines
}
