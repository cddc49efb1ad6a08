//! The fund and the projects as dossiers and as JSON.

use domain::{calendar::Instant, money::Pence};
use report::{
    dossier::{Amount, Dossier, DossierTable, Figure, Section},
    words,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    fund::{FundReport, GrantLine},
    projects::{ProjectLine, ProjectsYear},
    society::SocietyOffice,
    stake::shown,
};

/// The fund as a dossier.
#[must_use]
pub fn fund_sheet(society: &SocietyOffice, report: &FundReport, now: Instant) -> Dossier {
    let known = society.known();
    let sample = known.document.society.sample;
    let name = &known.document.society.name;
    let days = words::span(report.period.first_day(), report.period.last_day());
    let figure = |what: &str, pence: Pence, evidence: &str| Figure {
        what: what.to_owned(),
        amount: Amount::Pounds(pence),
        evidence: evidence.to_owned(),
        href: None,
        sample,
    };
    let sum = |kinds: &[&str]| {
        let own = report
            .lines
            .iter()
            .filter(|line| kinds.contains(&line.kind));
        Pence(own.map(|line| line.pence.0).sum())
    };
    let mut figures = vec![
        figure(
            "In the fund before",
            report.opening,
            "The fund’s account in the books",
        ),
        figure(
            "From interest runs",
            sum(&["run"]),
            "Frozen runs, by the rule in force",
        ),
        figure(
            "Given by members",
            sum(&["gift"]),
            "Released payment orders",
        ),
        figure(
            "Paid as grants",
            sum(&["grant"]),
            "Grants, each with its conditions",
        ),
    ];
    let rest = sum(&["other", "reversal"]);
    if rest != Pence::ZERO {
        figures.push(figure("Other entries and reversals", rest, "The books"));
    }
    figures.push(figure(
        "In the fund at the end",
        report.closing,
        "The fund’s account in the books",
    ));
    figures.push(figure(
        "Promised and not paid, today",
        report.promised,
        "Grants that are open",
    ));
    figures.push(figure(
        "Free for new grants, today",
        report.free,
        "What it holds less what is promised",
    ));
    let text = |text: &str| Amount::Words(text.to_owned());
    let movements = DossierTable {
        caption: "Movements".to_owned(),
        head: ["Day", "What", "Entry", "In or out", "In the fund then"]
            .map(str::to_owned)
            .to_vec(),
        rows: report
            .lines
            .iter()
            .map(|line| {
                vec![
                    text(&words::date(line.on)),
                    text(&line.text),
                    Amount::Number(Decimal::from(line.entry), String::new()),
                    Amount::Pounds(line.pence),
                    Amount::Pounds(line.balance),
                ]
            })
            .collect(),
    };
    let grant = |line: &GrantLine| {
        let of = &line.of;
        let conditions = match (of.conditions.len(), line.unmet(), &line.ended) {
            (_, _, Some(ended)) => format!("ended on {}: {}", shown(&ended.on), ended.reason),
            (0, ..) => "none".to_owned(),
            (_, None, None) => "all met".to_owned(),
            (_, Some(unmet), None) => format!("not met: {unmet}"),
        };
        let said: Vec<&str> = line.reports.iter().map(|said| said.what.as_str()).collect();
        let became = match (said.is_empty(), of.report_by.as_str()) {
            (false, _) => said.join("; "),
            (true, "") => "–".to_owned(),
            (true, by) => format!("to be reported by {}", shown(by)),
        };
        let mark = if of.sample { "SAMPLE: " } else { "" };
        vec![
            text(&format!("{mark}{} for {}", of.to, of.purpose)),
            text(&format!("{}, {}", shown(&of.decided), of.evidence)),
            Amount::Pounds(Pence(of.pence)),
            Amount::Pounds(line.paid_pence()),
            text(&conditions),
            text(&became),
        ]
    };
    let grants = DossierTable {
        caption: "Grants".to_owned(),
        head: [
            "Grant",
            "Decided",
            "Granted",
            "Paid",
            "Conditions",
            "What became of it",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: report.grants.iter().map(grant).collect(),
    };
    let rules = report.rules.iter().map(|rule| {
        format!(
            "Runs whose period begins on {} or later bring {} of their interest ({}).",
            shown(&rule.from),
            rule.part_of_interest,
            rule.evidence
        )
    });
    let mut notes: Vec<String> = rules.collect();
    if !report.waiting.is_empty() {
        let runs: Vec<String> = report.waiting.iter().map(u32::to_string).collect();
        notes.push(format!(
            "Frozen and not yet brought to the fund: run {}.",
            runs.join(", ")
        ));
    }
    notes.push("Money of the fund moves in the books only; the fund can never promise more than it holds, and the books refuse a balance below zero on any day.".to_owned());
    let tables = [movements, grants]
        .into_iter()
        .filter(|table| !table.rows.is_empty());
    Dossier {
        author: name.clone(),
        heading: format!("The community fund, {days}"),
        on: known.zone.day_of(now),
        sentence: format!(
            "The community fund of {name} holds {} at the end of {days}; {} can be granted today.",
            report.closing, report.free
        ),
        sections: vec![Section {
            heading: "The fund".to_owned(),
            figures,
            tables: tables.collect(),
            ..Section::default()
        }],
        notes,
        signatures: Vec::new(),
        sample: sample || report.grants.iter().any(|line| line.of.sample),
    }
}

/// The fund as JSON.
#[must_use]
pub fn fund_document(society: &SocietyOffice, report: &FundReport) -> Value {
    json!({
        "society": society.slug(),
        "from": report.period.first_day().to_string(),
        "to": report.period.last_day().to_string(),
        "opening_pence": report.opening.0,
        "closing_pence": report.closing.0,
        "promised_pence": report.promised.0,
        "free_pence": report.free.0,
        "lines": report.lines.iter().map(|line| json!({
            "on": line.on.to_string(), "entry": line.entry, "kind": line.kind, "text": line.text,
            "pence": line.pence.0, "balance_pence": line.balance.0,
        })).collect::<Vec<_>>(),
        "grants": report.grants.iter().map(|line| json!({
            "grant": line.of, "entered_by": line.by, "paid_pence": line.paid_pence().0, "left_pence": line.left().0,
            "unmet": line.unmet(), "reports": line.reports, "ended": line.ended,
        })).collect::<Vec<_>>(),
        "rules": report.rules,
        "waiting_runs": report.waiting,
        "sample": society.known().document.society.sample,
    })
}

/// The projects over a period as a dossier.
#[must_use]
pub fn projects_sheet(society: &SocietyOffice, year: &ProjectsYear, now: Instant) -> Dossier {
    let known = society.known();
    let name = &known.document.society.name;
    let days = words::span(year.period.first_day(), year.period.last_day());
    let text = |text: &str| Amount::Words(text.to_owned());
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let row = |one: &super::projects::ProjectYear| {
        let line = &one.line;
        let mark = if line.of.sample { "SAMPLE: " } else { "" };
        let places: Vec<String> = line
            .places
            .iter()
            .map(|p| format!("{} ({})", p.place, p.lender))
            .collect();
        let results: Vec<&str> = one.results.iter().map(|said| said.what.as_str()).collect();
        let mut about = format!(
            "{mark}{}: {} By {}.",
            line.of.name, line.of.about, line.of.group
        );
        if !one.names.is_empty() {
            about.push_str(&format!(" With {}.", words::list(&one.names)));
        }
        vec![
            text(&about),
            text(line.state()),
            Amount::count(one.new_people, ""),
            Amount::Words(one.hours.to_string()),
            text(&places.join("; ")),
            Amount::Pounds(one.granted),
            text(&results.join("; ")),
        ]
    };
    let sample =
        known.document.society.sample || year.projects.iter().any(|one| one.line.of.sample);
    let figure = |what: &str, amount: Amount, evidence: &str| Figure {
        what: what.to_owned(),
        amount,
        evidence: evidence.to_owned(),
        href: None,
        sample,
    };
    Dossier {
        author: name.clone(),
        heading: format!("Residents’ projects, {days}"),
        on: known.zone.day_of(now),
        sentence: format!(
            "In {days}, {} took part in {} and gave {} hours.",
            words::count(year.people, "resident", "residents"),
            words::count(
                count(year.projects.len()),
                "project of their own",
                "projects of their own"
            ),
            year.hours
        ),
        sections: vec![Section {
            heading: "The year".to_owned(),
            figures: vec![
                figure(
                    "Projects",
                    Amount::count(count(year.projects.len()), ""),
                    "Proposed by then and not over before",
                ),
                figure(
                    "People",
                    Amount::count(year.people, ""),
                    "First time in a project within these days; each once in each project",
                ),
                figure(
                    "Hours",
                    Amount::Words(year.hours.to_string()),
                    "Length of each session, times its people",
                ),
                figure(
                    "Paid by the community fund",
                    Amount::Pounds(year.granted),
                    "Grants paid, in the books",
                ),
                figure(
                    "Things that happened",
                    Amount::count(
                        count(year.projects.iter().map(|one| one.results.len()).sum()),
                        "",
                    ),
                    "What was noted as a result",
                ),
            ],
            tables: vec![DossierTable {
                caption: "Projects".to_owned(),
                head: [
                    "Project",
                    "Stands",
                    "New people",
                    "Hours",
                    "Places lent",
                    "Granted",
                    "What happened",
                ]
                .map(str::to_owned)
                .to_vec(),
                rows: year.projects.iter().map(row).collect(),
            }],
            ..Section::default()
        }],
        notes: vec![
            "People are counted, not listed. Who is named agreed to it, and can take that back."
                .to_owned(),
        ],
        signatures: Vec::new(),
        sample,
    }
}

/// The projects over a period as JSON.
#[must_use]
pub fn projects_document(society: &SocietyOffice, year: &ProjectsYear) -> Value {
    json!({
        "society": society.slug(),
        "from": year.period.first_day().to_string(),
        "to": year.period.last_day().to_string(),
        "people": year.people,
        "hours_hundredths": year.hours.hundredths(),
        "granted_pence": year.granted.0,
        "projects": year.projects.iter().map(|one| json!({
            "project": one.line.of, "state": one.line.state(), "new_people": one.new_people,
            "sessions": one.sessions, "hours_hundredths": one.hours.hundredths(),
            "granted_pence": one.granted.0, "results": one.results, "places": one.line.places, "names": one.names,
        })).collect::<Vec<_>>(),
        "sample": year.projects.iter().any(|one| one.line.of.sample),
    })
}

/// A project as a line of a list.
#[must_use]
pub fn project_words(line: &ProjectLine) -> String {
    format!(
        "{} ({}): {}, {} took part",
        line.of.name,
        line.of.group,
        line.state(),
        words::count(line.people(), "person", "people")
    )
}
