//! `reads import|list|decide`; the reads from dials have a file of their own.

use std::path::Path;

use domain::{
    calendar::{Instant, Period, Span},
    metering::{Finding, Obis},
    quantity::WattHours,
};
use include_dir::{Dir, include_dir};
use serde_json::{Value, json};

use super::{
    Desk,
    args::{ReadAction, Reads},
    dials,
};
use office::{
    Answer, Refusal, SocietyOffice,
    answer::{OrCaller, refuse},
    import::{ImportRequest, Imported, Layout, Row},
    reads::{DecidedRead, ListedRead, ReadAction as Decided},
};

/// Layouts that come with the program.
static MAPPINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/config/mappings");

/// Rows that a preview shows.
const PREVIEW_ROWS: usize = 12;
/// Held reads of a society that are listed at once.
const HELD_SHOWN: usize = 1_000;
/// Reasons that are printed for people; JSON has more.
const REASONS_SHOWN: usize = 40;

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Reads) -> Answer<()> {
    match command {
        Reads::Import {
            file,
            mapping,
            society,
            zone,
            preview: only_preview,
        } => {
            let society = desk.society(society.as_deref())?;
            let request = ImportRequest {
                file: file
                    .file_name()
                    .map(|n| n.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                text: desk.text(file)?,
                layout: layout(desk, mapping.as_deref(), zone.as_deref())?,
                by: desk.by(&society)?,
            };
            if *only_preview {
                return show_preview(desk, &society, &request);
            }
            let voice = &mut *desk.voice;
            let imported = society.import(&request, desk.now, &mut |label, done, total| {
                voice.progress(label, done, total)
            })?;
            told(desk, &imported)
        }
        Reads::List {
            meter,
            register,
            from,
            to,
            held,
            society,
        } => {
            let society = match (society, meter) {
                (Some(slug), _) => desk.office.society(slug)?,
                (None, Some(meter)) => desk.office.society_of_meter(meter)?,
                (None, None) => desk.society(None)?,
            };
            let register: Option<Obis> = register
                .as_ref()
                .map(|r| r.parse())
                .transpose()
                .or_caller()?;
            let zone = society.known().zone.clone();
            let start = match from {
                Some(text) => zone.span_of(text.parse::<Period>().or_caller()?).start,
                None => Instant(i64::MIN / 2),
            };
            let end = match to {
                Some(text) => zone.span_of(text.parse::<Period>().or_caller()?).end,
                None => Instant(i64::MAX / 2),
            };
            if start >= end {
                return refuse(format!(
                    "`--from {}` lies after `--to {}`\nhint: both days are included; the first comes first",
                    from.as_deref().unwrap_or_default(),
                    to.as_deref().unwrap_or_default()
                ));
            }
            let span = Span::new(start, end);
            match meter {
                Some(meter) => {
                    let listed = society.list_reads(meter, register, span, *held)?;
                    list(desk, &listed, false)
                }
                None => {
                    let (listed, more) = society.held_reads(span, HELD_SHOWN)?;
                    list(desk, &listed, true)?;
                    if more {
                        desk.voice.say(&format!(
                            "these are the first {HELD_SHOWN}\nhint: decide about them, or ask for other days with --from and --to"
                        ));
                    }
                    Ok(())
                }
            }
        }
        Reads::Take(take) => dials::take(desk, take),
        Reads::Taken {
            meter,
            waiting,
            society,
        } => dials::taken(desk, meter.as_deref(), *waiting, society.as_deref()),
        Reads::Confirm { which, value } => dials::confirm(desk, which, value),
        Reads::Agree {
            which,
            figure,
            value,
            reason,
        } => dials::agree(desk, which, *figure, value.as_deref(), reason),
        Reads::Decide {
            meter,
            register,
            at,
            value,
            action,
            correct_to,
            reason,
        } => {
            let society = desk.office.society_of_meter(meter)?;
            let kwh = |text: &str| WattHours::from_kwh_text(text).or_caller();
            let read = DecidedRead {
                meter: meter.clone(),
                register: register.clone(),
                read_at_ms: desk.instant(at, None, &society)?.0,
                wh: kwh(value)?.0,
                action: match action {
                    ReadAction::Accept => Decided::Accept,
                    ReadAction::Refuse => Decided::Refuse,
                    ReadAction::Correct => Decided::Correct,
                },
                corrected_wh: correct_to.as_deref().map(kwh).transpose()?.map(|wh| wh.0),
                reason: reason.clone(),
            };
            let by = desk.by(&society)?;
            society.decide_read(&read, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({"meter": meter, "decided_by": by, "reason": reason}));
            }
            desk.voice.say("the decision is recorded");
            Ok(())
        }
    }
}

/// True when a mapping is a file rather than a name.
pub fn is_file(mapping: &str) -> bool {
    mapping.ends_with(".toml") || mapping.contains('/')
}

fn layout(desk: &Desk<'_>, mapping: Option<&str>, zone: Option<&str>) -> Answer<Layout> {
    let Some(mapping) = mapping else {
        return Ok(Layout::register_reads(zone.map(str::to_owned)));
    };
    let text = if is_file(mapping) {
        desk.text(Path::new(mapping))?
    } else {
        let Some(file) = MAPPINGS.get_file(format!("{mapping}.toml")) else {
            let names: Vec<String> = MAPPINGS
                .files()
                .filter_map(|f| {
                    f.path()
                        .file_stem()
                        .map(|s| s.to_string_lossy().into_owned())
                })
                .collect();
            return refuse(format!(
                "mapping `{mapping}` is not here; there are: {}\nhint: a file of your own ends in .toml",
                names.join(", ")
            ));
        };
        file.contents_utf8().unwrap_or_default().to_owned()
    };
    let mut layout: Layout = toml::from_str(&text).map_err(|e| {
        Refusal::Caller(format!(
            "mapping `{mapping}`: {}",
            config::explain(&e.to_string())
        ))
    })?;
    if let Some(zone) = zone {
        layout.zone = Some(zone.to_owned());
    }
    Ok(layout)
}

fn show_preview(
    desk: &mut Desk<'_>,
    society: &SocietyOffice,
    request: &ImportRequest,
) -> Answer<()> {
    let preview = society.preview_import(request, PREVIEW_ROWS, desk.now)?;
    let lines: Vec<Value> = preview
        .lines
        .iter()
        .map(|(number, rows)| match rows {
            Ok(rows) => {
                json!({"line": number, "rows": rows.iter().map(row_json).collect::<Vec<_>>()})
            }
            Err(why) => json!({"line": number, "refused": why}),
        })
        .collect();
    if desk.json() {
        let mut document = counts(&preview.imported);
        document["layout"] = json!(preview.layout.name);
        document["good_lines"] = json!(preview.good);
        document["bad_lines"] = json!(preview.bad);
        document["lines"] = json!(lines);
        return desk.document(&document);
    }
    for (number, rows) in &preview.lines {
        let text = match rows {
            Ok(rows) => match (rows.first(), rows.len()) {
                (Some(first), 1) => row_words(first),
                (Some(first), n) => format!("{} … and {} more", row_words(first), n - 1),
                (None, _) => "nothing".to_owned(),
            },
            Err(why) => format!("refused: {why}"),
        };
        desk.voice.data(&format!("line {number}: {text}\n"));
    }
    say_reasons(desk, &preview.imported);
    desk.voice
        .data(&format!("would be {}\n", in_words(&preview.imported)));
    desk.voice.say(&format!(
        "{} lines can be read, {} cannot; nothing was imported",
        preview.good, preview.bad
    ));
    Ok(())
}

fn row_json(row: &Row) -> Value {
    match row {
        Row::Read {
            meter,
            register,
            at,
            wh,
            ..
        } => {
            json!({"meter": meter, "register": register.to_string(), "at": at.to_string(), "wh": wh.0})
        }
        Row::Interval {
            meter,
            register,
            span,
            wh,
            quality,
        } => {
            json!({"meter": meter, "register": register.to_string(), "from": span.start.to_string(), "to": span.end.to_string(), "wh": wh.0, "quality": quality.word()})
        }
        Row::Month { site, month, wh } => json!({"site": site, "month": month, "wh": wh.0}),
    }
}

fn row_words(row: &Row) -> String {
    match row {
        Row::Read {
            meter,
            register,
            at,
            wh,
            ..
        } => format!(
            "meter {meter}, register {register}, {at}: {}",
            wh.kwh_words()
        ),
        Row::Interval {
            meter,
            span,
            wh,
            quality,
            ..
        } => {
            format!(
                "meter {meter}, {} to {}: {} ({})",
                span.start,
                span.end,
                wh.kwh_words(),
                quality.word()
            )
        }
        Row::Month { site, month, wh } => format!("{site}, {month}: {}", wh.kwh_words()),
    }
}

fn told(desk: &mut Desk<'_>, imported: &Imported) -> Answer<()> {
    if desk.json() {
        desk.document(&counts(imported))?;
    } else {
        say_reasons(desk, imported);
        desk.voice.data(&format!("{}\n", in_words(imported)));
    }
    match imported.not_kept {
        0 => Ok(()),
        n => refuse(format!(
            "{n} {} refused and not kept; the others are imported\nhint: mend them and import the file again: what is there already is not counted twice",
            if n == 1 { "line was" } else { "lines were" }
        )),
    }
}

fn counts(imported: &Imported) -> Value {
    let reasons: Vec<Value> = imported
        .reasons
        .iter()
        .map(|(line, verdict, why)| json!({"line": line, "verdict": verdict, "reason": why}))
        .collect();
    json!({
        "accepted": imported.accepted,
        "duplicate": imported.duplicate,
        "held": imported.held,
        "refused": imported.refused,
        "not_kept": imported.not_kept,
        "unplaced": imported.unplaced,
        "reasons": reasons,
    })
}

fn say_reasons(desk: &mut Desk<'_>, imported: &Imported) {
    for (line, verdict, why) in imported.reasons.iter().take(REASONS_SHOWN) {
        desk.voice.say(&format!("line {line} {verdict}: {why}"));
    }
    if imported.reasons.len() > REASONS_SHOWN {
        desk.voice.say(&format!(
            "… and {} more; --output json has them",
            imported.reasons.len() - REASONS_SHOWN
        ));
    }
}

fn in_words(imported: &Imported) -> String {
    let mut text = format!(
        "accepted {}, duplicate {}, held {}, refused {}",
        imported.accepted, imported.duplicate, imported.held, imported.refused
    );
    if imported.unplaced > 0 {
        text.push_str(&format!(", of unknown meters {}", imported.unplaced));
    }
    text
}

/// `all_meters`: the table names the meter of each read.
fn list(desk: &mut Desk<'_>, listed: &[ListedRead], all_meters: bool) -> Answer<()> {
    let value = |l: &ListedRead| {
        let row = &l.judged;
        let proposed = row.findings.iter().find_map(|f| match f {
            Finding::DecimalSlip { proposed } => Some(*proposed),
            _ => None,
        });
        json!({
            "meter": l.meter,
            "register": l.register.to_string(),
            "at": row.read.at.to_string(),
            "wh": row.read.wh.0,
            "w": row.w,
            "received": row.read.received.to_string(),
            "quality": row.quality.word(),
            "evidence": row.read.source.evidence().letter(),
            "verdict": row.verdict.word(),
            "counts_as_wh": row.counts_as.map(|wh| wh.0),
            "findings": row.findings.iter().map(|f| json!({"finding": f.word(), "why": f.explain(&l.meter, &row.read)})).collect::<Vec<_>>(),
            "proposed_wh": proposed.map(|wh| wh.0),
            "decision": row.decision.map(|d| d.word()),
            "decided_by": l.decided.as_ref().map(|word| word.by.clone()),
            "decided_at": l.decided.as_ref().map(|word| word.at.to_string()),
            "decision_reason": l.decided.as_ref().map(|word| word.reason.clone()),
        })
    };
    if desk.json() {
        return desk.document(&listed.iter().map(value).collect::<Vec<_>>());
    }
    let rows: Vec<Value> = listed.iter().map(value).collect();
    let head = [
        "meter", "time", "register", "kWh", "quality", "evidence", "verdict", "why",
    ];
    let skip = usize::from(!all_meters);
    desk.table(&head[skip..], &rows, |row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let kwh = |key: &str| row[key].as_i64().map(|wh| WattHours(wh).kwh_text());
        let (shown, counts) = (kwh("wh").unwrap_or_default(), kwh("counts_as_wh"));
        let cells = vec![
            text("meter"),
            text("at"),
            text("register"),
            match counts {
                Some(counts) if counts != shown => format!("{shown}, counts as {counts}"),
                _ => shown,
            },
            text("quality"),
            text("evidence"),
            text("verdict"),
            why(row),
        ];
        cells.into_iter().skip(skip).collect()
    })
}

/// What a person decided about a read, or else what was noticed.
fn why(row: &Value) -> String {
    let text = |key: &str| row[key].as_str();
    if let (Some(decision), Some(by), Some(reason)) = (
        text("decision"),
        text("decided_by"),
        text("decision_reason"),
    ) {
        return format!("{decision} by {by}: {reason}");
    }
    let why = row["findings"][0]["why"].as_str().unwrap_or_default();
    why.lines().next().unwrap_or_default().to_owned()
}
