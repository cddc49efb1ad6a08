//! `council stake|enter|notes|officer` and `outcome enter|report`.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Subcommand, ValueEnum};
use domain::calendar::{LocalDay, Period};
use office::{
    Answer, SocietyOffice,
    answer::OrOurs,
    notes::{Noted, notes_of_toml},
    outcomes::OUTCOME_NOTES,
    stake::{STAKE_NOTES, StakeAsked, document, outcome_document, outcome_sheet, sheet_of},
};
use records::council::{BuildingOfficer, StakeNote};
use report::dossier::Dossier;
use serde_json::json;

use super::{Desk, paper};

/// `council …`
#[derive(Clone, Debug, Subcommand)]
pub enum Council {
    /// What a council put in and what came of it, each figure with its evidence
    Stake(Stake),
    /// Enter what a council lends and gives, from a file of notes
    Enter {
        /// The notes (TOML): [[space]], [[loan]], [[support]] and others
        file: PathBuf,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// The pack for the council's committee: PDF, CSV, DOCX, figures as JSON and charts as PNG
    Pack {
        /// The council's name
        #[arg(long)]
        council: String,
        /// The days, a financial year as a rule: 2013-04-01..2014-03-31
        #[arg(long)]
        period: Period,
        /// The folder to write into; it is made when it is not there
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Sign it off: its figures and the journal's head are kept
        #[arg(long)]
        sign: bool,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// The balances for the council's auditor, at 31 March as a rule
    Letter {
        /// The council's name
        #[arg(long)]
        council: String,
        /// The day
        #[arg(long)]
        on: LocalDay,
        /// What to write
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// What may be released on a request for information, as JSON; that it was given is logged
    Bundle {
        /// The council's name
        #[arg(long)]
        council: String,
        /// The days
        #[arg(long)]
        period: Period,
        /// The reference of the request; no person
        #[arg(long)]
        request: String,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Let a council's officer see some buildings only
    Officer {
        /// The user
        user: String,
        /// A building; may be given again. Without one all of them are seen again
        #[arg(long)]
        site: Vec<String>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
}

/// `council stake`
#[derive(Clone, Debug, Args)]
pub struct Stake {
    /// The council's name, as the register of members has it
    #[arg(long)]
    pub council: String,
    /// Only in this society
    #[arg(long)]
    pub society: Option<String>,
    /// The days: 2013, 2013-06, 2013-04-01..2014-03-31
    #[arg(long)]
    pub period: Period,
    /// What to write
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `outcome …`
#[derive(Clone, Debug, Subcommand)]
pub enum Outcomes {
    /// Enter outcomes that are wanted and what was delivered of them, from a file of notes
    Enter {
        /// The notes (TOML): [[outcome]], [[delivery]]
        file: PathBuf,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Outcome, proposed and delivered, with the cost of one year on year
    Report {
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
        /// The days
        #[arg(long)]
        period: Period,
        /// Only of this commissioned service
        #[arg(long)]
        service: Option<String>,
        /// What to write
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// What a dossier is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// A page that stands alone.
    Html,
    /// For a spreadsheet.
    Csv,
    /// A typeset sheet.
    Pdf,
}

/// Runs `council …`.
pub fn run(desk: &mut Desk<'_>, command: &Council) -> Answer<()> {
    match command {
        Council::Stake(of) => stake(desk, of),
        Council::Enter { file, society } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.by(&society)?;
            let notes = notes_of_toml(&desk.text(file)?, &STAKE_NOTES)?;
            let done = society.note_stake(notes, &by, desk.now)?;
            noted(desk, done)
        }
        Council::Pack {
            council,
            period,
            out,
            sign,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let pack = match sign {
                true => {
                    let by = desk.officer(&society, "a signed pack")?;
                    desk.office
                        .sign_pack(&society, council, *period, &by, desk.now)?
                }
                false => desk
                    .office
                    .council_pack(&society, council, *period, desk.now)?,
            };
            pack_files(desk, &pack, out)
        }
        Council::Letter {
            council,
            on,
            format,
            out,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let letter = desk
                .office
                .balance_letter(&society, council, *on, desk.now)?;
            let figures: Vec<_> = letter
                .sections
                .iter()
                .flat_map(|section| &section.figures)
                .map(|figure| json!({"what": figure.what, "amount": figure.amount.shown(), "evidence": figure.evidence}))
                .collect();
            let document = json!({
                "society": society.slug(), "council": council, "on": on.to_string(),
                "figures": figures, "sample": letter.sample,
            });
            write(desk, &letter, &document, *format, out.as_ref())
        }
        Council::Bundle {
            council,
            period,
            request,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "a bundle")?;
            let bundle = desk
                .office
                .bundle(&society, council, *period, request, &by, desk.now)?;
            desk.document(&bundle)
        }
        Council::Officer {
            user,
            site,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.by(&society)?;
            let note = StakeNote::Officer(BuildingOfficer {
                user: user.clone(),
                sites: site.clone(),
            });
            let done = society.note_stake(vec![note], &by, desk.now)?;
            noted(desk, done)
        }
    }
}

/// Runs `outcome …`.
pub fn outcomes(desk: &mut Desk<'_>, command: &Outcomes) -> Answer<()> {
    match command {
        Outcomes::Enter { file, society } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.by(&society)?;
            let notes = notes_of_toml(&desk.text(file)?, &OUTCOME_NOTES)?;
            let done = society.note_outcomes(notes, &by, desk.now)?;
            noted(desk, done)
        }
        Outcomes::Report {
            society,
            period,
            service,
            format,
            out,
        } => {
            let society = desk.society(society.as_deref())?;
            let mut lines = society.outcomes(*period, desk.now)?;
            if let Some(service) = service {
                lines.retain(|line| &line.of.service == service);
            }
            let all: Vec<_> = lines.iter().map(outcome_document).collect();
            let document = json!({
                "society": society.slug(),
                "from": period.first_day().to_string(),
                "to": period.last_day().to_string(),
                "outcomes": all,
            });
            let dossier = outcome_sheet(&society, *period, &lines, desk.now);
            write(desk, &dossier, &document, *format, out.as_ref())
        }
    }
}

fn stake(desk: &mut Desk<'_>, of: &Stake) -> Answer<()> {
    let societies: Vec<Arc<SocietyOffice>> = match &of.society {
        Some(slug) => vec![desk.society(Some(slug))?],
        None => {
            let mut all = desk.office.societies();
            all.retain(|society| desk.check(society).is_ok());
            all
        }
    };
    let asked = StakeAsked {
        council: Some(of.council.clone()),
        period: of.period,
        only: Vec::new(),
    };
    let report = desk
        .office
        .stake_report(&asked, &societies, desk.now, true)?;
    let document = document(&report);
    write(
        desk,
        &sheet_of(&report),
        &document,
        of.format,
        of.out.as_ref(),
    )
}

/// Writes the files of a pack.
fn pack_files(desk: &mut Desk<'_>, pack: &office::pack::Pack, out: &std::path::Path) -> Answer<()> {
    let folder = desk.folder.join(out);
    std::fs::create_dir_all(&folder)
        .map_err(|e| office::Refusal::Caller(format!("`{}`: {e}", folder.display())))?;
    let mut file = |name: &str, bytes: &[u8]| {
        paper::write(desk, Some(&out.join(name)), bytes, "file of the pack")
    };
    file("pack.csv", pack.sheet.to_csv().as_bytes())?;
    file("pack.json", format!("{:#}\n", pack.document).as_bytes())?;
    file("pack.docx", &pack.sheet.to_docx().or_ours("the document")?)?;
    for (name, svg) in &pack.charts {
        file(&format!("{name}.svg"), svg.as_bytes())?;
        file(&format!("{name}.png"), &pdf::png(svg).or_ours("the chart")?)?;
    }
    paper::set(desk, &pack.sheet.paper(), Some(&out.join("pack.pdf")))?;
    let signed = pack.signed.as_ref();
    if desk.json() {
        return desk.document(&json!({
            "folder": folder, "sha256": pack.sha256, "signed_by": signed.map(|(by, _)| by),
        }));
    }
    desk.voice.data(&match signed {
        Some((by, _)) => format!("signed off by {by}; figures {}\n", pack.sha256),
        None => format!("a draft; figures {}\n", pack.sha256),
    });
    Ok(())
}

/// Writes a dossier in one of its forms.
pub(super) fn write(
    desk: &mut Desk<'_>,
    dossier: &Dossier,
    document: &serde_json::Value,
    form: Form,
    out: Option<&PathBuf>,
) -> Answer<()> {
    let out = out.map(PathBuf::as_path);
    let text = match form {
        _ if desk.json() && out.is_none() => return desk.document(document),
        Form::Json => format!("{document:#}\n"),
        Form::Text => dossier.to_text(),
        Form::Csv => dossier.to_csv(),
        Form::Html => dossier.to_html().or_ours("the page")?,
        Form::Pdf => return paper::set(desk, &dossier.paper(), out),
    };
    if out.is_some() {
        return paper::write(desk, out, text.as_bytes(), "report");
    }
    desk.voice.data(&text);
    Ok(())
}

/// Says what came of notes.
pub(super) fn noted(desk: &mut Desk<'_>, done: Noted) -> Answer<()> {
    if desk.json() {
        return desk.document(&done);
    }
    desk.voice.data(&format!(
        "noted: {}; there already: {}\n",
        done.new, done.already
    ));
    Ok(())
}
