//! The sheet as one A4 page of HTML, whole in itself: no script, no link, no picture.
//!
//! Everything that came from a device or a person is escaped, because a serial number is whatever a
//! device says.

use std::fmt::Write as _;

use super::{Checked, Sheet, Verdict, first_line, kwh, meaning};

const STYLE: &str = "\
@page{size:A4;margin:15mm 20mm}\
html{font:10.5pt/1.4 'Atkinson Hyperlegible Next','Atkinson Hyperlegible',Verdana,'DejaVu Sans',sans-serif;\
color:#23201b;background:#fcf8ef;font-variant-numeric:lining-nums tabular-nums}\
body{max-width:170mm;margin:10mm auto}\
h1{font-size:15pt;line-height:1.3;font-weight:700;margin:0 0 5mm}\
h2{font-size:11.5pt;margin:5mm 0 1mm}\
p{margin:0 0 2mm}.kicker{color:#5b564c;margin:0 0 3mm}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.6mm 3mm .6mm 0;border-bottom:.3mm solid #dcd3c0;font-weight:400}\
th{color:#5b564c}td.n,th.n{text-align:right;white-space:nowrap}\
.facts th{width:48mm}.facts td{overflow-wrap:anywhere}thead th{border-bottom-color:#23201b}\
.settle{border-left:1.2mm solid #a8231b;padding-left:3mm}table+p{margin-top:1mm}.settle b{color:#a8231b}\
.sign{display:grid;grid-template-columns:2fr 2fr 1fr;gap:6mm;margin-top:13mm;break-inside:avoid}\
.sign div{border-top:.3mm solid #23201b;padding-top:1mm;font-size:9pt;color:#5b564c}\
.sign span{display:block;color:#23201b;font-size:10.5pt;margin-top:-8mm;height:7mm}\
@media print{html{background:none}body{margin:0}}";

pub(super) fn page(sheet: &Sheet) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write_page(&mut page, sheet);
    page
}

fn write_page(page: &mut String, sheet: &Sheet) -> std::fmt::Result {
    write!(
        page,
        "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Commissioning sheet, meter {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <p class=\"kicker\">Commissioning sheet, to be filed with the FIT or SEG papers of this meter</p>\n\
         <h1>{}</h1>\n",
        Escaped(&sheet.meter),
        Escaped(&sheet.sentence())
    )?;
    for doubt in sheet.doubts() {
        writeln!(
            page,
            "<p class=\"settle\"><b>To settle.</b> {}</p>",
            Escaped(&doubt)
        )?;
    }
    write_registers(page, &sheet.registers)?;
    write!(
        page,
        "<h2>The meter</h2>\n<table class=\"facts\">\n<tbody>\n"
    )?;
    if let Some(site) = &sheet.order.site {
        write_row(page, "Roof", site)?;
    }
    write_row(page, "Serial number", &sheet.meter)?;
    for (label, value) in &sheet.facts {
        write_row(page, label, value)?;
    }
    write!(
        page,
        "</tbody>\n</table>\n<h2>The gateway</h2>\n<table class=\"facts\">\n<tbody>\n"
    )?;
    write_row(page, "Name", &sheet.order.gateway)?;
    if let Some(key) = &sheet.order.key {
        write_row(page, "Signs with key", key)?;
    }
    write_row(page, "Clock", sheet.clock_words())?;
    let disk = match &sheet.disk {
        Ok(test) => format!(
            "a note of {} bytes was written, synced and read back in {} ms",
            test.bytes, test.took_ms
        ),
        Err(why) => format!("failed: {}", first_line(why)),
    };
    write_row(page, "Backlog", &disk)?;
    write_row(page, "Read at", &sheet.moment())?;
    write!(page, "</tbody>\n</table>\n")?;
    let by = sheet.order.by.as_deref().unwrap_or_default();
    for (who, name) in [("Commissioned by", by), ("Witnessed by", "")] {
        writeln!(
            page,
            "<div class=\"sign\"><div><span>{}</span>{who}</div><div><span></span>Signature</div><div><span></span>Date</div></div>",
            Escaped(name)
        )?;
    }
    write!(page, "</body>\n</html>\n")
}

fn write_registers(page: &mut String, registers: &[Checked]) -> std::fmt::Result {
    write!(
        page,
        "<h2>Its registers and its dial</h2>\n<table>\n<thead><tr>\
         <th scope=\"col\">Register</th><th scope=\"col\" class=\"n\">Read before</th>\
         <th scope=\"col\" class=\"n\">Dial</th><th scope=\"col\" class=\"n\">Read afterwards</th>\
         <th scope=\"col\">They</th></tr></thead>\n<tbody>\n"
    )?;
    for checked in registers {
        let (dial, verdict) = match &checked.dial {
            None => (String::new(), "were not compared"),
            Some((dial, Verdict::Agrees)) => (format!("{dial} kWh"), "agree"),
            Some((dial, Verdict::Differs { .. })) => (format!("{dial} kWh"), "differ"),
        };
        writeln!(
            page,
            "<tr><th scope=\"row\">{} {}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{verdict}</td></tr>",
            Escaped(&checked.before.register),
            meaning(&checked.before.register),
            kwh(checked.before.wh.unwrap_or_default()),
            Escaped(&dial),
            kwh(checked.after_wh),
        )?;
    }
    write!(page, "</tbody>\n</table>\n")?;
    for checked in registers {
        let before = &checked.before;
        if let (Some(raw), Some(scale)) = (&before.raw, &before.scale) {
            writeln!(
                page,
                "<p>{} stands in {}: {} × {}.</p>",
                Escaped(&before.register),
                Escaped(&before.place),
                Escaped(raw),
                Escaped(scale)
            )?;
        }
    }
    Ok(())
}

fn write_row(page: &mut String, label: &str, value: &str) -> std::fmt::Result {
    writeln!(
        page,
        "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
        Escaped(label),
        Escaped(value)
    )
}

/// Text that is only text.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
