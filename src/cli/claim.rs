//! `claim preview|freeze|compare|reconcile|list`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    calendar::{LocalDay, Period},
    money::Pence,
    quantity::WattHours,
};
use serde_json::{Value, json};

use super::{Desk, paper};
use office::{
    Answer, SocietyOffice,
    answer::OrCaller,
    claims::{MadeClaim, paid},
    claims_paid::{Age, Differs, Reconciled},
};

/// `claim …`
#[derive(Clone, Debug, Subcommand)]
pub enum Claim {
    /// Show a claim and change nothing
    Preview(Of),
    /// Fix a claim with its lines and reads; a second time changes nothing
    Freeze {
        /// The claim
        #[command(flatten)]
        of: Of,
        /// Lines that are split by time, for want of a read on 31 March, are meant
        #[arg(long)]
        apportioned: bool,
    },
    /// Hold what was paid against what is due
    Compare {
        /// The claim
        #[command(flatten)]
        of: Of,
        /// What was paid, in pounds
        #[arg(long, value_name = "POUNDS")]
        paid: String,
    },
    /// Hold a licensee's statement against what is due, or all that was imported, and name every
    /// difference
    Reconcile {
        /// The statement: installation,from,to,paid_on,kind,kwh,rate_p_per_kwh,pounds; without it
        /// what `bank import` took in
        file: Option<PathBuf>,
        /// How the statement names its columns: a mapping file ending in .toml
        #[arg(long, requires = "file")]
        mapping: Option<String>,
        /// Their society, where several have installations of these ids
        #[arg(long)]
        society: Option<String>,
        /// Days after a claim's last within which it is paid in time
        #[arg(long, value_name = "DAYS", default_value_t = 60)]
        within: u16,
        /// Print a letter to the licensee about what is lacking instead
        #[arg(long)]
        letter: bool,
    },
    /// List the frozen claims
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
}

/// Which claim.
#[derive(Clone, Debug, Args)]
pub struct Of {
    /// The installation
    #[arg(long)]
    pub installation: String,
    /// First day, YYYY-MM-DD
    #[arg(long)]
    pub from: LocalDay,
    /// Last day, inside
    #[arg(long)]
    pub to: LocalDay,
    /// Its society, where several have an installation of that id
    #[arg(long)]
    pub society: Option<String>,
    /// The form of the claim
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
    /// Write a typeset sheet to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Forms of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a terminal.
    Text,
    /// A typeset sheet.
    Pdf,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Claim) -> Answer<()> {
    match command {
        Claim::Preview(of) => {
            let (society, made) = preview(desk, of)?;
            desk.remind(&society)?;
            show(desk, &society, &made, of)
        }
        Claim::Freeze { of, apportioned } => {
            let (society, installation) = desk
                .office
                .installation(&of.installation, of.society.as_deref())?;
            let by = desk.treasurer(&society, "freezing a claim")?;
            desk.remind(&society)?;
            let before = society.frozen_claims()?.len();
            let made =
                society.freeze_claim(&installation, days(of), *apportioned, &by, desk.now)?;
            if society.frozen_claims()?.len() == before {
                desk.voice
                    .say("this claim was frozen before; nothing was changed");
            }
            show(desk, &society, &made, of)
        }
        Claim::Compare { of, paid: amount } => {
            let (society, made) = preview(desk, of)?;
            let amount: Pence = amount.parse().or_caller()?;
            let finding = paid(&made.claim, amount)?;
            let due = Pence(made.claim.total_pence);
            if desk.json() {
                return desk.document(&json!({
                    "society": society.slug(),
                    "installation": made.claim.installation,
                    "from": made.claim.from,
                    "to": made.claim.to,
                    "due_pence": due.0,
                    "paid_pence": amount.0,
                    "difference_pence": due.0 - amount.0,
                    "finding": finding.word(),
                    "text": finding.to_string(),
                    "sample": made.claim.sample,
                }));
            }
            desk.voice
                .data(&format!("due {due}, paid {amount}: {finding}\n"));
            Ok(())
        }
        Claim::Reconcile {
            file,
            mapping,
            society,
            within,
            letter,
        } => {
            let mapping = desk.statement_mapping(mapping.as_deref().unwrap_or("statement"))?;
            let text = match file {
                Some(file) => Some(desk.text(file)?),
                None => None,
            };
            let statement = text.as_deref().map(|text| (text, &mapping));
            let made = desk
                .office
                .reconcile(society.as_deref(), statement, *within, desk.now)?;
            reconciled(desk, &made, *letter)
        }
        Claim::List { society } => {
            let mut lines: Vec<Value> = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                for made in society.frozen_claims()? {
                    lines.push(document(&society, &made));
                }
            }
            let head = [
                "claim",
                "society",
                "installation",
                "from",
                "to",
                "total",
                "frozen by",
                "on",
                "",
            ];
            desk.table(&head, &lines, |line| {
                let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                vec![
                    line["number"].to_string(),
                    text("society"),
                    text("installation"),
                    text("from"),
                    text("to"),
                    Pence(line["total_pence"].as_i64().unwrap_or_default()).to_string(),
                    text("frozen_by"),
                    text("frozen_at").chars().take(10).collect(),
                    sample(line["sample"].as_bool().unwrap_or_default()).to_owned(),
                ]
            })
        }
    }
}

fn preview(desk: &Desk<'_>, of: &Of) -> Answer<(std::sync::Arc<SocietyOffice>, MadeClaim)> {
    let (society, installation) = desk
        .office
        .installation(&of.installation, of.society.as_deref())?;
    let made = society.preview_claim(&installation, days(of), desk.now)?;
    Ok((society, made))
}

fn reconciled(desk: &mut Desk<'_>, made: &Reconciled, letter: bool) -> Answer<()> {
    for why in &made.unclear {
        desk.voice.say(&format!("not held against anything: {why}"));
    }
    if desk.json() {
        let found = made.found.iter().map(|one| {
            json!({
                "society": one.society,
                "installation": one.found.claim.installation,
                "from": one.found.claim.from.to_string(),
                "to": one.found.claim.to.to_string(),
                "kind": one.found.kind.map(domain::income::LineKind::word),
                "difference": one.found.difference.word(),
                "text": one.found.difference.to_string(),
                "lacking_pence": one.found.lacking.0,
                "age_days": one.age_days,
                "age": Age::of(one.age_days).word(),
            })
        });
        let ages = made.ages().into_iter();
        let ages = ages.map(|(age, pence)| (age.word().to_owned(), json!(pence.0)));
        return desk.document(&json!({
            "rows": made.rows,
            "claims": made.claims,
            "differences": found.collect::<Vec<_>>(),
            "lacking_pence": made.lacking().0,
            "lacking_by_age": ages.collect::<serde_json::Map<String, Value>>(),
            "unclear": made.unclear,
            "letter": made.letter(),
            "sample": made.sample,
        }));
    }
    if letter {
        let text = made.letter();
        if text.is_empty() {
            desk.voice
                .say("nothing is lacking; there is nothing to write");
        } else {
            desk.voice.say(
                "enclose the working: `commonwatt claim preview` of each installation and its days",
            );
        }
        desk.voice.data(&text);
        return Ok(());
    }
    let mut text = String::new();
    for Differs {
        found: one,
        age_days,
        ..
    } in &made.found
    {
        text.push_str(&format!(
            "{}, {} to {}{}: {}",
            one.claim.installation,
            one.claim.from,
            one.claim.to,
            one.kind
                .map_or_else(String::new, |kind| format!(", {}", kind.word())),
            one.difference
        ));
        text.push_str(&match one.lacking.0 {
            0 => "\n".to_owned(),
            1.. => format!(
                " ({} lacking, {})\n",
                one.lacking,
                Age::of(*age_days).word()
            ),
            _ => format!(" ({} too much)\n", Pence(-one.lacking.0)),
        });
    }
    text.push_str(&format!(
        "{}{} rows held against {} claims: {} differences, {} lacking\n",
        if made.sample { "SAMPLE " } else { "" },
        made.rows,
        made.claims,
        made.found.len(),
        made.lacking()
    ));
    for (age, pence) in made.ages() {
        text.push_str(&format!("lacking, {}: {pence}\n", age.word()));
    }
    desk.voice.data(&text);
    Ok(())
}

fn days(of: &Of) -> Period {
    Period::Range {
        first: of.from,
        last: of.to,
    }
}

fn sample(sample: bool) -> &'static str {
    if sample { "SAMPLE" } else { "" }
}

fn document(society: &SocietyOffice, made: &MadeClaim) -> Value {
    let claim = &made.claim;
    let at = |ms: i64| domain::calendar::Instant(ms).to_string();
    json!({
        "society": society.slug(),
        "installation": claim.installation,
        "number": claim.number,
        "frozen": made.frozen.is_some(),
        "frozen_by": made.frozen.as_ref().map(|(by, _)| by),
        "frozen_at": made.frozen.as_ref().map(|(_, at)| at.to_string()),
        "from": claim.from,
        "to": claim.to,
        "opens_at": at(claim.opens_at_ms),
        "closes_at": at(claim.closes_at_ms),
        "lines": claim.lines.iter().map(|line| json!({
            "from": line.from,
            "to": line.to,
            "wh": line.wh,
            "rate_p_per_kwh": line.rate_p_per_kwh,
            "pence": line.pence,
            "kind": line.kind,
            "apportioned": line.apportioned,
            "adjusts": line.adjusts,
        })).collect::<Vec<_>>(),
        "total_pence": claim.total_pence,
        "findings": claim.findings.iter().map(|finding| json!({
            "kind": finding.kind,
            "text": finding.text,
        })).collect::<Vec<_>>(),
        "reads": claim.reads.iter().map(|read| json!({
            "meter": read.meter,
            "register": read.register,
            "at": at(read.at_ms),
            "wh": read.wh,
            "quality": read.quality,
            "evidence": read.evidence,
        })).collect::<Vec<_>>(),
        "sample": claim.sample,
    })
}

fn show(desk: &mut Desk<'_>, society: &SocietyOffice, made: &MadeClaim, of: &Of) -> Answer<()> {
    if desk.json() {
        return desk.document(&document(society, made));
    }
    if of.format == Form::Pdf {
        return paper::set(
            desk,
            &society.claim_sheet(made, desk.now),
            of.out.as_deref(),
        );
    }
    let claim = &made.claim;
    let at = |ms: i64| domain::calendar::Instant(ms).to_string();
    let mut text = format!(
        "{}{} of {}, {} to {}{}\n\n",
        if claim.sample { "SAMPLE " } else { "" },
        if made.frozen.is_some() {
            format!("Claim {}", claim.number)
        } else {
            "Claim, preview".to_owned()
        },
        claim.installation,
        claim.from,
        claim.to,
        made.frozen
            .as_ref()
            .map_or_else(String::new, |(by, at)| format!(
                ", frozen by {by} on {}",
                society.known().zone.day_of(*at)
            )),
    );
    for line in &claim.lines {
        text.push_str(&format!(
            "{} to {}  {}  {} at {} p = {}{}\n",
            line.from,
            line.to,
            line.kind,
            WattHours(line.wh).kwh_words(),
            line.rate_p_per_kwh,
            Pence(line.pence),
            match (line.apportioned, line.adjusts) {
                (_, Some(number)) => format!("  sets claim {number} right"),
                (true, None) => "  apportioned".to_owned(),
                (false, None) => String::new(),
            }
        ));
    }
    text.push_str(&format!("total {}\n\nreads\n", Pence(claim.total_pence)));
    for read in &claim.reads {
        text.push_str(&format!(
            "{} {} {}  {} ({}, {})\n",
            read.meter,
            read.register,
            at(read.at_ms),
            WattHours(read.wh).kwh_words(),
            read.quality,
            read.evidence
        ));
    }
    for finding in &claim.findings {
        text.push_str(&format!("note: {}\n", finding.text));
    }
    desk.voice.data(&text);
    Ok(())
}
