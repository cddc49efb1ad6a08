//! `outage plan|end|cancel|list|show` and `notice outage|meter|battery`.

use clap::{Args, Subcommand};
use domain::{calendar::LocalDay, money::Pence, performance::Cause, quantity::WattHours};
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, SocietyOffice,
    notices::{Notice, NoticeOf},
    outages::{AskedOutage, Outage},
    site_income::OutageLoss,
};

/// `outage …`
#[derive(Clone, Debug, Subcommand)]
pub enum OutageCommand {
    /// Plan an outage of a roof
    Plan(Plan),
    /// An outage ends on another day
    End {
        /// Its number
        number: u32,
        /// Its last day
        #[arg(long)]
        on: LocalDay,
        /// Why
        #[arg(long)]
        reason: String,
        /// Its society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
    /// An outage does not happen
    Cancel {
        /// Its number
        number: u32,
        /// Why
        #[arg(long)]
        reason: String,
        /// Its society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
    /// List planned outages
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// Show an outage with what it cost in kWh and pounds so far
    Show {
        /// Its number
        number: u32,
        /// Its society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
}

/// `outage plan`
#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// The roof
    #[arg(long)]
    pub site: String,
    /// First day
    #[arg(long)]
    pub from: LocalDay,
    /// Last day
    #[arg(long)]
    pub to: LocalDay,
    /// Why, such as "roof repairs, panels off"
    #[arg(long)]
    pub cause: String,
    /// Who asked for it
    #[arg(long)]
    pub asked_by: String,
    /// The clause of the lease or contract it stands on
    #[arg(long, default_value = "")]
    pub clause: String,
    /// Days a calendar year that the clause allows without payment
    #[arg(long, value_name = "DAYS")]
    pub allowance_days: Option<u16>,
    /// All plant up to the grid connection comes off
    #[arg(long)]
    pub all_plant_removed: bool,
    /// Its society, when there is more than one
    #[arg(long)]
    pub society: Option<String>,
}

/// `notice …`
#[derive(Clone, Debug, Subcommand)]
pub enum NoticeCommand {
    /// Of a planned outage
    Outage {
        /// Its number
        number: u32,
        /// Its society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
    /// Of a meter that was exchanged
    Meter {
        /// Serial of the meter that went
        serial: String,
    },
    /// Of a battery that will be connected
    Battery {
        /// The roof
        #[arg(long)]
        site: String,
        /// The day it is connected
        #[arg(long)]
        on: LocalDay,
        /// The roof's society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
}

/// Runs `outage …`.
pub fn run(desk: &mut Desk<'_>, command: &OutageCommand) -> Answer<()> {
    match command {
        OutageCommand::Plan(plan) => {
            let society = desk.society(plan.society.as_deref())?;
            let by = desk.officer(&society, "a planned outage")?;
            let asked = AskedOutage {
                site: plan.site.clone(),
                from: plan.from,
                to: plan.to,
                cause: plan.cause.clone(),
                asked_by: plan.asked_by.clone(),
                clause: plan.clause.clone(),
                allowance_days: plan.allowance_days,
                all_plant_removed: plan.all_plant_removed,
            };
            let outage = society.plan_outage(&asked, &by, desk.now)?;
            for warning in outage.warnings() {
                desk.voice.say(&format!("warning: {warning}"));
            }
            let number = outage.planned.number;
            desk.voice.say(&format!(
                "hint: `commonwatt notice outage {number}` drafts the letter to the licensee; `commonwatt tasks list` has its deadlines"
            ));
            show(desk, &society, &outage, None)
        }
        OutageCommand::End {
            number,
            on,
            reason,
            society,
        } => change(desk, *number, Some(*on), reason, society.as_deref()),
        OutageCommand::Cancel {
            number,
            reason,
            society,
        } => change(desk, *number, None, reason, society.as_deref()),
        OutageCommand::List { society } => {
            let mut lines = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                for outage in society.outages()? {
                    lines.push(document(&society, &outage, None));
                }
            }
            let head = ["outage", "site", "from", "to", "cause", "asked by", ""];
            desk.table(&head, &lines, |line| {
                let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                vec![
                    line["number"].to_string(),
                    text("site"),
                    text("from"),
                    text("to"),
                    text("cause"),
                    text("asked_by"),
                    match line["cancelled"].as_str() {
                        Some(why) => format!("cancelled: {why}"),
                        None => String::new(),
                    },
                ]
            })
        }
        OutageCommand::Show { number, society } => {
            let society = desk.society(society.as_deref())?;
            let outage = society.outage(*number)?;
            let loss = desk.office.outage_loss(&society, &outage, desk.now)?;
            show(desk, &society, &outage, Some(&loss))
        }
    }
}

/// Runs `notice …`.
pub fn notice(desk: &mut Desk<'_>, command: &NoticeCommand) -> Answer<()> {
    let (society, of) = match command {
        NoticeCommand::Outage { number, society } => {
            (desk.society(society.as_deref())?, NoticeOf::Outage(*number))
        }
        NoticeCommand::Meter { serial } => (
            desk.office.society_of_meter(serial)?,
            NoticeOf::Meter(serial.clone()),
        ),
        NoticeCommand::Battery { site, on, society } => (
            desk.society(society.as_deref())?,
            NoticeOf::Battery {
                site: site.clone(),
                on: *on,
            },
        ),
    };
    let notice: Notice = society.notice(&of, desk.now)?;
    if desk.json() {
        return desk.document(&json!({
            "society": society.slug(),
            "warnings": notice.warnings,
            "source": notice.source,
            "letter": notice.letter,
        }));
    }
    for warning in &notice.warnings {
        desk.voice.say(&format!("warning: {warning}"));
    }
    desk.voice.say(&format!("source: {}", notice.source));
    desk.voice.data(&notice.letter);
    Ok(())
}

fn change(
    desk: &mut Desk<'_>,
    number: u32,
    to: Option<LocalDay>,
    reason: &str,
    society: Option<&str>,
) -> Answer<()> {
    let society = desk.society(society)?;
    let by = desk.officer(&society, "a change of an outage")?;
    let outage = society.change_outage(number, to, reason, &by, desk.now)?;
    show(desk, &society, &outage, None)
}

fn document(society: &SocietyOffice, outage: &Outage, loss: Option<&OutageLoss>) -> Value {
    let planned = &outage.planned;
    json!({
        "society": society.slug(),
        "number": planned.number,
        "site": planned.site,
        "from": outage.from.to_string(),
        "to": outage.to.to_string(),
        "planned_from": planned.from,
        "planned_to": planned.to,
        "days": outage.days().day_count(),
        "cause": planned.cause,
        "asked_by": planned.asked_by,
        "clause": planned.clause,
        "allowance_days": planned.allowance_days,
        "all_plant_removed": planned.all_plant_removed,
        "recorded_by": outage.recorded.0,
        "recorded_at": outage.recorded.1.to_string(),
        "cancelled": outage.cancelled,
        "changes": outage.changes.iter().map(|c| json!({"to": c.to, "reason": c.reason})).collect::<Vec<_>>(),
        "warnings": outage.warnings(),
        "loss": loss.map(|loss| json!({
            "days": loss.days,
            "beyond_allowance_days": loss.beyond_allowance_days,
            "wh": loss.wh.0,
            "pence": loss.pence.map(|pence| pence.0),
            "beyond_allowance_pence": loss.beyond_allowance_pence.map(|pence| pence.0),
            "notes": loss.notes,
        })),
        "sample": society.known().document.society.sample,
    })
}

fn show(
    desk: &mut Desk<'_>,
    society: &SocietyOffice,
    outage: &Outage,
    loss: Option<&OutageLoss>,
) -> Answer<()> {
    if desk.json() {
        let document = document(society, outage, loss);
        return desk.document(&document);
    }
    let planned = &outage.planned;
    let mut text = format!(
        "{}Outage {} of {}: {} to {}, {} days{}\n{}; asked for by {}{}{}\n",
        if society.known().document.society.sample {
            "SAMPLE "
        } else {
            ""
        },
        planned.number,
        planned.site,
        outage.from,
        outage.to,
        outage.days().day_count(),
        if outage.cancelled.is_some() {
            ", cancelled"
        } else {
            ""
        },
        planned.cause,
        planned.asked_by,
        match planned.clause.as_str() {
            "" => String::new(),
            clause => format!(", {clause}"),
        },
        match planned.allowance_days {
            Some(days) => format!(", {days} days a year without payment"),
            None => String::new(),
        },
    );
    for change in &outage.changes {
        text.push_str(&match &change.to {
            Some(to) => format!("moved to end on {to}: {}\n", change.reason),
            None => format!("cancelled: {}\n", change.reason),
        });
    }
    if let Some(loss) = loss {
        text.push_str(&format!(
            "{}: {}, {} on {} days that are known\n",
            Cause::Planned.words(),
            WattHours(loss.wh.0).kwh_words(),
            loss.pence
                .map_or_else(|| "not valued".to_owned(), |p: Pence| p.to_string()),
            loss.days
        ));
        if let Some(days) = loss.beyond_allowance_days {
            text.push_str(&format!(
                "beyond the allowance: {days} days, {}\n",
                loss.beyond_allowance_pence
                    .map_or_else(|| "not valued".to_owned(), |p| p.to_string())
            ));
        }
        for note in &loss.notes {
            text.push_str(&format!("note: {note}\n"));
        }
    }
    desk.voice.data(&text);
    Ok(())
}
