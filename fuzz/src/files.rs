//! Files that people and other programs write: imports, layouts, societies, factors, measurements.

use std::sync::OnceLock;

use bridge::simulate::half_hours::HalfHours;
use records::{
    import::{ImportHeader, Layout, MAX_LINES, RowReader, Shape},
    society::SocietyDocument,
};

use crate::text;

const LAYOUTS: [&str; 5] = [
    include_str!("../../config/mappings/day-rows.toml"),
    include_str!("../../config/mappings/day-rows-flattened.toml"),
    include_str!("../../config/mappings/day-rows-utc.toml"),
    include_str!("../../config/mappings/intervals.toml"),
    include_str!("../../config/mappings/monthly-totals.toml"),
];
const HEADERS: [&str; 5] = [
    "meter,date,hh1",
    "meter,date,hh1",
    "meter,date,hh1",
    "meter,register,from,to,value,unit,quality",
    "site,month,kwh",
];

/// Our own layouts with their columns found, and the one of register reads.
fn layouts() -> &'static [Layout] {
    static LAYOUTS_READ: OnceLock<Vec<Layout>> = OnceLock::new();
    LAYOUTS_READ.get_or_init(|| {
        let mut all: Vec<Layout> = LAYOUTS
            .iter()
            .zip(HEADERS)
            .map(|(file, header)| {
                let layout: Layout = toml::from_str(file).expect("our own layout reads");
                layout.resolve(header).expect("our own layout resolves")
            })
            .collect();
        let reads = Layout::register_reads(Some("Europe/London".into()));
        all.push(
            reads
                .resolve(READS_HEADER)
                .expect("our own layout resolves"),
        );
        all
    })
}

const READS_HEADER: &str = "meter,register,time,value,unit";
const READS: [&str; 3] = [
    "2000012345,2.8.0,2026-06-21T12:00:00Z,15475.04,kWh",
    "\"A,1\",1.8.0,2023-10-29 00:30,12,Wh",
    "A1;2.8.0;2026-06-21;0",
];

pub fn layout(input: &[u8]) -> bool {
    let Some(text) = text(input) else {
        return false;
    };
    // The first line is a header, the rest a layout.
    let (header, file) = text.split_once('\n').unwrap_or(("", text));
    let Ok(layout) = toml::from_str::<Layout>(file) else {
        return false;
    };
    if let Ok(resolved) = layout.resolve(header) {
        let again = resolved.resolve(header);
        assert!(again.is_ok(), "a resolved layout resolves: {again:?}");
        if let Ok(reader) = RowReader::new(&resolved) {
            let _ = reader.read(header);
        }
    }
    let _ = RowReader::new(&layout);
    true
}

pub fn layout_seeds() -> Vec<Vec<u8>> {
    LAYOUTS
        .iter()
        .zip(HEADERS)
        .map(|(file, header)| {
            let plain: Vec<&str> = file.lines().filter(|l| !l.starts_with('#')).collect();
            format!("{header}\n{}", plain.join("\n")).into_bytes()
        })
        .collect()
}

/// The first byte chooses the layout.
pub fn lines(input: &[u8]) -> bool {
    let Some((which, rest)) = input.split_first() else {
        return false;
    };
    let Some(text) = text(rest) else { return false };
    let layout = &layouts()[usize::from(*which) % layouts().len()];
    let reader = RowReader::new(layout).expect("our own layouts are good");
    let mut any = false;
    for line in text.lines().take(MAX_LINES) {
        any |= reader.read(line).is_ok_and(|rows| !rows.is_empty());
    }
    any
}

pub fn lines_seeds() -> Vec<Vec<u8>> {
    let day = |hours: usize| {
        let values: Vec<String> = (0..hours).map(|n| format!("{}.5", n % 7)).collect();
        values.join(",")
    };
    layouts()
        .iter()
        .zip(0_u8..)
        .flat_map(|(layout, which)| {
            let lines = match layout.shape {
                Shape::Registers => READS.map(str::to_owned).to_vec(),
                Shape::Intervals => vec![
                    "A1,2.8.0,2026-06-21T12:00:00Z,2026-06-21T12:30:00Z,1.25,kWh,actual".to_owned(),
                    "A1,2.8.0,2026-06-01T00:00:00Z,2026-06-30T00:00:00Z,125,Wh,estimated"
                        .to_owned(),
                ],
                Shape::DayRows => vec![
                    format!("A1,2026-06-21,{}", day(48)),
                    format!("A1,2023-03-26,{}", day(46)),
                    format!("A1,2023-10-29,{}", day(50)),
                ],
                Shape::Months => vec!["elmore-house,2013-06,4123.5".to_owned()],
            };
            lines
                .into_iter()
                .map(move |line| [&[which], line.as_bytes()].concat())
        })
        .collect()
}

/// A whole file of register reads, its header included.
pub fn register_reads(input: &[u8]) -> bool {
    let Some(text) = text(input) else {
        return false;
    };
    let mut lines = text.lines();
    let layout = Layout::register_reads(None);
    let Ok(resolved) = layout.resolve(lines.next().unwrap_or_default()) else {
        return false;
    };
    let Ok(reader) = RowReader::new(&resolved) else {
        return false;
    };
    lines
        .take(MAX_LINES)
        .filter(|line| reader.read(line).is_ok())
        .count()
        > 0
}

pub fn register_reads_seeds() -> Vec<Vec<u8>> {
    vec![format!("{READS_HEADER}\n{}\n", READS.join("\n")).into_bytes()]
}

pub fn import_record(input: &[u8]) -> bool {
    let Ok((header, lines)) = ImportHeader::from_record(input) else {
        return false;
    };
    assert!(
        lines
            .first()
            .is_none_or(|(number, _)| *number == header.first_line)
    );
    true
}

pub fn import_record_seeds() -> Vec<Vec<u8>> {
    let header = |layout: &Layout| ImportHeader {
        received_ms: 1_781_524_800_000,
        by: "treasurer".into(),
        file: "reads.csv".into(),
        first_line: 2,
        layout: layout.clone(),
    };
    let reads = layouts().last().expect("there are layouts");
    let day = layouts().first().expect("there are layouts");
    vec![
        header(reads).to_record(&READS),
        header(day).to_record(&["A1,2026-06-21,1,2,3", ""]),
    ]
}

pub fn half_hours(input: &[u8]) -> bool {
    let Ok(file) = HalfHours::read(input) else {
        return false;
    };
    assert_eq!(file.iter().count(), file.outputs.len());
    assert_eq!(file.outputs.len() % 48, 0, "whole days");
    true
}

pub fn half_hours_seeds() -> Vec<Vec<u8>> {
    let file = include_str!("../../config/demo/uk-bath-pv-halfhourly/pv_bath_halfhourly.csv");
    let days: Vec<&str> = file.lines().take(3).collect();
    let hole = file
        .lines()
        .find(|line| line.contains("nan"))
        .unwrap_or_default();
    vec![days.join("\n").into_bytes(), hole.as_bytes().to_vec()]
}

pub fn factors(input: &[u8]) -> bool {
    let Some(text) = text(input) else {
        return false;
    };
    report::factors::load("fuzz.toml", text).is_ok()
}

pub fn factors_seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../config/factors/kettles.toml").to_vec(),
        include_bytes!("../../config/factors/homes.toml").to_vec(),
    ]
}

pub fn society(input: &[u8]) -> bool {
    let Some(text) = text(input) else {
        return false;
    };
    let Ok(document) = toml::from_str::<SocietyDocument>(text) else {
        return false;
    };
    let written = toml::to_string(&document).expect("a document can be written");
    assert_eq!(
        toml::from_str(&written).as_ref(),
        Ok(&document),
        "{written}"
    );
    true
}

pub fn society_seeds() -> Vec<Vec<u8>> {
    let plain = |file: &str| {
        let lines: Vec<&str> = file
            .lines()
            .filter(|l| !l.starts_with('#'))
            .take(72)
            .collect();
        // Whole tables only.
        let end = lines.iter().rposition(|line| line.is_empty());
        lines[..end.unwrap_or(lines.len())].join("\n").into_bytes()
    };
    vec![plain(include_str!("../../config/demo/bes1.toml"))]
}
