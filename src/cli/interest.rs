//! `interest preview|prepare|approve|freeze|void|waterfall|afford|outlook|list|show`.

use clap::{Args, Subcommand};
use domain::{
    calendar::Period,
    interest::{Index, IndexValue, waterfall::Start},
    money::Pence,
    quantity::WattHours,
};
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, SocietyOffice,
    answer::refuse,
    interest::{
        Asked, Given, Policy, RunAsked, RunNote, RunState, SharedYear, Standing, one_rate,
        rate_of_text, step_words,
    },
};

/// `interest …`
#[derive(Clone, Debug, Subcommand)]
pub enum Interest {
    /// Show what each member would be paid, and change nothing
    Preview(Of),
    /// Fix a run's inputs and lines for another officer to approve
    Prepare(Of),
    /// Approve a prepared run, as another officer than the one who prepared it
    Approve {
        /// The run
        #[command(flatten)]
        run: Which,
        /// The hash of what was looked at
        #[arg(long)]
        hash: String,
    },
    /// Fix an approved run, when the same inputs still give the same bytes; a second time changes nothing
    Freeze {
        /// The run
        #[command(flatten)]
        run: Which,
    },
    /// Take a frozen run back; only a run that names it takes its place
    Void {
        /// The run
        #[command(flatten)]
        run: Which,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
    },
    /// Share a year's surplus or cash out by the society's rule, and change nothing
    Waterfall(Year),
    /// The highest rate that a year can afford, with what is claimed and metered, and why it stops there
    Afford(Year),
    /// What this year may bring, in three cases of its rest: energy, income, interest by the rule
    Outlook {
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// List the runs
    List {
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Show a run with its lines
    Show {
        /// The run
        #[command(flatten)]
        run: Which,
    },
}

/// What a run is made of.
#[derive(Clone, Debug, Args)]
pub struct Of {
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
    /// The days, both ends included: 2013, 2013-06 or A..B
    #[arg(long)]
    pub period: Period,
    /// Per cent a year such as `3.25`, or `12p` a share; `CLASS=RATE` for one class
    #[arg(long, value_name = "RATE", required_unless_present = "pot")]
    pub rate: Vec<String>,
    /// An amount for all, in pence, shared by largest remainder
    #[arg(long, value_name = "PENCE", conflicts_with = "rate")]
    pub pot: Option<i64>,
    /// Only this class; may be given again
    #[arg(long, value_name = "CLASS")]
    pub class: Vec<String>,
    /// What was published of an index that a rule needs: RPI=1.2
    #[arg(long, value_name = "INDEX=PERCENT")]
    pub published: Vec<String>,
    /// Where it was published
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub published_source: String,
    /// Preview with another way of counting days: actual/365, actual/actual, whole-months, record-day, and `,issue-out`
    #[arg(long)]
    pub policy: Option<String>,
    /// The voided run whose place it takes
    #[arg(long, value_name = "NUMBER")]
    pub replaces: Option<u32>,
}

/// A year to share out.
#[derive(Clone, Debug, Args)]
pub struct Year {
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
    /// The days, both ends included: 2013 or A..B
    #[arg(long)]
    pub period: Period,
    /// Costs still to be paid, pounds
    #[arg(long, value_name = "POUNDS")]
    pub costs: Option<Pence>,
    /// Due on loans, pounds
    #[arg(long, value_name = "POUNDS")]
    pub loan: Option<Pence>,
    /// What there is, in place of the books' figure, pounds
    #[arg(long, value_name = "POUNDS")]
    pub start: Option<Pence>,
    /// What the reserve has, in place of the books' figure, pounds
    #[arg(long, value_name = "POUNDS")]
    pub reserve: Option<Pence>,
    /// What was published of an index that a rule needs: RPI=1.2
    #[arg(long, value_name = "INDEX=PERCENT")]
    pub published: Vec<String>,
    /// Where it was published
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub published_source: String,
}

/// Which run.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
    /// Its number
    #[arg(long, required_unless_present = "period")]
    pub run: Option<u32>,
    /// Its days; the last run of these days
    #[arg(long, conflicts_with = "run")]
    pub period: Option<Period>,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Interest) -> Answer<()> {
    match command {
        Interest::Preview(of) => {
            let society = desk.society(of.society.as_deref())?;
            let note = society.preview_run(&asked(&society, of)?)?;
            show(desk, &society, &note, "preview")
        }
        Interest::Prepare(of) => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "preparing an interest run")?;
            let note = society.prepare_run(&asked(&society, of)?, &by, desk.now)?;
            show(desk, &society, &note, "prepared")
        }
        Interest::Approve { run, hash } => {
            let (society, number) = found(desk, run)?;
            let by = desk.officer(&society, "approving an interest run")?;
            let state = society.approve_run(number, hash, &by, desk.now)?;
            told(desk, &state)
        }
        Interest::Freeze { run } => {
            let (society, number) = found(desk, run)?;
            let by = desk.officer(&society, "freezing an interest run")?;
            if society.interest_run(number)?.standing == Standing::Frozen {
                desk.voice
                    .say("this run was frozen before; nothing was changed");
            }
            let state = society.freeze_run(number, &by, desk.now)?;
            if society.ledger()?.chart().is_empty() {
                desk.voice.say(
                    "the society has no chart of accounts, so nothing was posted in its books",
                );
            }
            show(desk, &society, &state.note, "frozen")
        }
        Interest::Void { run, reason } => {
            let (society, number) = found(desk, run)?;
            let by = desk.officer(&society, "voiding an interest run")?;
            let state = society.void_run(number, reason, &by, desk.now)?;
            told(desk, &state)
        }
        Interest::Waterfall(year) => {
            let society = desk.society(year.society.as_deref())?;
            let shared = society.share_out(year.period, &given(year)?)?;
            if desk.json() {
                return desk.document(&shared_document(&society, &shared));
            }
            let text = shared_words(&society, year.period, &shared);
            desk.voice.data(&text);
            Ok(())
        }
        Interest::Outlook { society } => outlook(desk, society.as_deref()),
        Interest::Afford(year) => {
            let society = desk.society(year.society.as_deref())?;
            let afforded = society.afford(desk.office, year.period, &given(year)?, desk.now)?;
            if desk.json() {
                let mut all = shared_document(&society, &afforded.year);
                all["rate_percent"] = json!(afforded.rate.to_string());
                all["cost_pence"] = json!(afforded.cost.0);
                all["stops"] = json!(afforded.stops);
                return desk.document(&all);
            }
            let mut text = shared_words(&society, year.period, &afforded.year);
            text.push_str(&format!(
                "the highest rate that fits: {} %, which costs {}; {}\n",
                afforded.rate, afforded.cost, afforded.stops
            ));
            desk.voice.data(&text);
            Ok(())
        }
        Interest::Show { run } => {
            let (society, number) = found(desk, run)?;
            let state = society.interest_run(number)?;
            show(desk, &society, &state.note, state.standing.word())
        }
        Interest::List { society } => {
            let mut rows = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                for state in society.interest_runs()? {
                    rows.push(json!({
                        "run": state.note.number,
                        "society": society.slug(),
                        "from": state.note.from,
                        "to": state.note.to,
                        "mode": state.note.mode,
                        "total_pence": state.note.total_pence,
                        "state": state.standing.word(),
                        "prepared_by": state.prepared_by,
                        "run_hash": state.hash,
                    }));
                }
            }
            let head = ["run", "society", "from", "to", "total", "state", "hash"];
            desk.table(&head, &rows, |row| {
                let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                vec![
                    row["run"].to_string(),
                    text("society"),
                    text("from"),
                    text("to"),
                    Pence(row["total_pence"].as_i64().unwrap_or_default()).to_string(),
                    text("state"),
                    text("run_hash").chars().take(16).collect(),
                ]
            })
        }
    }
}

fn found(desk: &Desk<'_>, which: &Which) -> Answer<(std::sync::Arc<SocietyOffice>, u32)> {
    let society = desk.society(which.society.as_deref())?;
    let number = match (which.run, which.period) {
        (Some(number), _) => number,
        (None, Some(period)) => {
            let days = (
                period.first_day().to_string(),
                period.last_day().to_string(),
            );
            let runs = society.interest_runs()?;
            let mut same = runs
                .iter()
                .filter(|run| (&run.note.from, &run.note.to) == (&days.0, &days.1));
            match same.next_back() {
                Some(run) => run.note.number,
                None => {
                    return refuse(format!(
                        "no interest run of `{period}` was prepared\nhint: `commonwatt interest list` shows the runs"
                    ));
                }
            }
        }
        (None, None) => return refuse("say which run with --run or --period"),
    };
    Ok((society, number))
}

fn outlook(desk: &mut Desk<'_>, society: Option<&str>) -> Answer<()> {
    let society = desk.society(society)?;
    let outlook = society.outlook(desk.office, desk.now, true)?;
    let rows: Vec<Value> = outlook
        .cases
        .iter()
        .map(|case| {
            json!({
                "case": case.word,
                "energy_wh": case.energy.0,
                "income_pence": case.income.0,
                "surplus_pence": case.surplus.map(|pence| pence.0),
                "interest_pence": case.interest.map(|pence| pence.0),
                "interest_percent_of_capital": case.percent.map(|percent| percent.to_string()),
                "fund_pence": case.fund.map(|pence| pence.0),
                "why": case.why,
            })
        })
        .collect();
    if desk.json() {
        return desk.document(&json!({
            "society": society.slug(),
            "from": outlook.first.to_string(),
            "to": outlook.last.to_string(),
            "until": outlook.until.to_string(),
            "made_wh": outlook.made.0,
            "forecast_wh": outlook.forecast.map(|wh| wh.0),
            "income_pence": outlook.income.0,
            "costs_pence": outlook.costs.map(|pence| pence.0),
            "cases": rows,
            "notes": outlook.notes,
            "sample": outlook.sample,
        }));
    }
    let head = [
        "case",
        "energy",
        "income",
        "surplus",
        "interest",
        "per cent",
        "where it comes from",
    ];
    desk.table(&head, &rows, |row| {
        let pounds = |key: &str| {
            row[key]
                .as_i64()
                .map_or_else(|| "not known".to_owned(), |p| Pence(p).to_string())
        };
        let text = |key: &str| row[key].as_str().unwrap_or("not known").to_owned();
        vec![
            text("case"),
            WattHours(row["energy_wh"].as_i64().unwrap_or_default()).kwh_words(),
            pounds("income_pence"),
            pounds("surplus_pence"),
            pounds("interest_pence"),
            text("interest_percent_of_capital"),
            text("why"),
        ]
    })?;
    desk.voice.data(&format!(
        "{}until {} {} were made, and {} came in before costs; the board declares when the year is over\n",
        if outlook.sample { "SAMPLE " } else { "" },
        outlook.until,
        outlook.made.kwh_words(),
        outlook.income
    ));
    for note in &outlook.notes {
        desk.voice.say(note);
    }
    Ok(())
}

fn given(year: &Year) -> Answer<Given> {
    Ok(Given {
        costs: year.costs.unwrap_or_default(),
        loan: year.loan.unwrap_or_default(),
        start: year.start,
        reserve: year.reserve,
        published: published(&year.published, &year.published_source)?,
    })
}

fn shared_document(society: &SocietyOffice, shared: &SharedYear) -> Value {
    let steps: Vec<Value> = shared
        .rule
        .steps
        .iter()
        .zip(&shared.shared.steps)
        .map(|(step, taken)| {
            json!({
                "takes": step_words(&step.takes),
                "resolution": step.resolution,
                "on": step.on.to_string(),
                "asked_pence": taken.asked.0,
                "pence": taken.pence.0,
                "left_pence": taken.left.0,
            })
        })
        .collect();
    json!({
        "society": society.slug(),
        "rule_from": shared.rule.from.to_string(),
        "starts": match shared.rule.starts {
            Start::Surplus => "surplus",
            Start::Cash => "cash",
        },
        "start_pence": shared.year.start.0,
        "reserve_before_pence": shared.year.reserve.0,
        "interest_most_pence": shared.year.interest_most.0,
        "capital_pence": shared.capital.0,
        "steps": steps,
        "interest_pence": shared.shared.interest.0,
        "interest_percent_of_capital": shared.percent.map(|percent| percent.to_string()),
        "fund_pence": shared.shared.fund.0,
        "reserve_pence": shared.shared.reserve.0,
        "carried_pence": shared.shared.carried.0,
        "not_booked": shared.not_booked.map(|found| json!({
            "claimed_pence": found.claimed.0,
            "metered_pence": found.metered.0,
            "booked_pence": found.booked.0,
            "added_pence": found.added().0,
        })),
        "sample": shared.sample,
    })
}

fn shared_words(society: &SocietyOffice, period: Period, shared: &SharedYear) -> String {
    let mut text = format!(
        "{}{}, {} to {}: by the rule in force from {}, starting from {}\n\n",
        if shared.sample { "SAMPLE " } else { "" },
        society.known().document.society.name,
        period.first_day(),
        period.last_day(),
        shared.rule.from,
        match shared.rule.starts {
            Start::Surplus => "the surplus",
            Start::Cash => "cash",
        },
    );
    let mut table = comfy_table::Table::new();
    table
        .load_preset(comfy_table::presets::NOTHING)
        .set_header(["step", "takes", "left", "stands on"]);
    table.add_row([
        "there is".to_owned(),
        String::new(),
        shared.year.start.to_string(),
        String::new(),
    ]);
    for (step, taken) in shared.rule.steps.iter().zip(&shared.shared.steps) {
        table.add_row([
            step_words(&step.takes),
            taken.pence.to_string(),
            taken.left.to_string(),
            format!("{}, {}", step.resolution, step.on),
        ]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    text.push_str(&format!("{table}\n\n"));
    if let Some(found) = shared.not_booked {
        text.push_str(&format!(
            "claimed and billed {}, metered and not claimed yet {}, in the books {}: {} added\n",
            found.claimed,
            found.metered,
            found.booked,
            found.added()
        ));
    }
    let percent = shared.percent.map_or(String::new(), |percent| {
        format!(" ({percent} % of {})", shared.capital)
    });
    text.push_str(&format!(
        "share interest {}{percent}, community fund {}, reserve {}, carried forward {}\n",
        shared.shared.interest, shared.shared.fund, shared.shared.reserve, shared.shared.carried
    ));
    text
}

/// What was published of indices, as it is typed.
fn published(texts: &[String], source: &str) -> Answer<Vec<IndexValue>> {
    let mut published = Vec::new();
    for text in texts {
        let value = text.split_once('=').and_then(|(index, percent)| {
            Some(IndexValue {
                index: Index::of_word(index.trim())?,
                percent: percent.trim().parse().ok()?,
                source: source.to_owned(),
            })
        });
        let Some(value) = value else {
            return refuse(format!(
                "`{text}` is no published index; expected RPI=1.2, CPI=1.2 or \"base rate=0.5\""
            ));
        };
        if source.trim().is_empty() {
            return refuse(
                "a published index needs its source\nhint: say --published-source \"ONS, December 2021\"",
            );
        }
        published.push(value);
    }
    Ok(published)
}

fn asked(society: &SocietyOffice, of: &Of) -> Answer<RunAsked> {
    let declared = match of.pot {
        Some(pot) => Asked::Pot(Pence(pot)),
        None => {
            let rates = of.rate.iter().map(|text| rate_of_text(text));
            Asked::Rates(rates.collect::<Answer<_>>()?)
        }
    };
    let start = society.known().year_start;
    let policy = of.policy.as_deref();
    Ok(RunAsked {
        period: of.period,
        classes: of.class.clone(),
        declared,
        published: published(&of.published, &of.published_source)?,
        policy: policy
            .map(|text| Policy::of_text(text, start))
            .transpose()?,
        replaces: of.replaces,
    })
}

fn told(desk: &mut Desk<'_>, state: &RunState) -> Answer<()> {
    let number = state.note.number;
    if desk.json() {
        let by = match &state.standing {
            Standing::Approved { by } => Some(by),
            _ => None,
        };
        return desk.document(&json!({
            "run": number,
            "state": state.standing.word(),
            "run_hash": state.hash,
            "prepared_by": state.prepared_by,
            "approved_by": by,
        }));
    }
    desk.voice
        .data(&format!("run {number} is {}\n", state.standing.word()));
    Ok(())
}

fn document(society: &SocietyOffice, note: &RunNote, state: &str) -> Value {
    let policy: Vec<String> = note
        .classes
        .iter()
        .map(|class| {
            format!(
                "{}: {}, issue day {}, leaving day {}, {}",
                class.class, class.days, class.issue_day, class.leaving_day, class.rounding
            )
        })
        .collect();
    json!({
        "society": society.slug(),
        "run": note.number,
        "state": state,
        "from": note.from,
        "to": note.to,
        "mode": note.mode,
        "declared_pence": note.declared_pence,
        "rate_percent": one_rate(note),
        "policy": policy.join("; "),
        "classes": note.classes,
        "published": note.published,
        "lines": note.lines,
        "total_pence": note.total_pence,
        "remainder_rule": match note.mode.as_str() {
            "pot" => note.remainder_rule.as_str(),
            _ => "each line is rounded once; the pot is their sum",
        },
        "adjustments": note.adjustments,
        "journal_size": note.journal_size,
        "replaces": note.replaces,
        "run_hash": note.hash(),
        "sample": note.sample,
    })
}

fn show(desk: &mut Desk<'_>, society: &SocietyOffice, note: &RunNote, state: &str) -> Answer<()> {
    if desk.json() {
        return desk.document(&document(society, note, state));
    }
    let mut text = format!(
        "{}Interest run {} of {}, {} to {}, {state}\n\n",
        if note.sample { "SAMPLE " } else { "" },
        note.number,
        society.known().document.society.name,
        note.from,
        note.to,
    );
    for class in &note.classes {
        let rate = match class.rate.as_str() {
            "" => "a share of the pot",
            rate => rate,
        };
        text.push_str(&format!(
            "{}: {rate}; rule: {}; at most {}; {}, issue day {}, leaving day {}\n",
            class.class, class.rule, class.maximum, class.days, class.issue_day, class.leaving_day
        ));
    }
    for value in &note.published {
        text.push_str(&format!(
            "{} {} % ({})\n",
            value.index, value.percent, value.source
        ));
    }
    let mut table = comfy_table::Table::new();
    table
        .load_preset(comfy_table::presets::NOTHING)
        .set_header(["member", "class", "interest", "held"]);
    for line in &note.lines {
        table.add_row([
            line.member.to_string(),
            line.class.clone(),
            Pence(line.pence).to_string(),
            line.basis.clone(),
        ]);
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    text.push_str(&format!("\n{table}\n\n"));
    text.push_str(&format!(
        "{} lines, total {}\n",
        note.lines.len(),
        Pence(note.total_pence)
    ));
    for one in &note.adjustments {
        text.push_str(&format!(
            "late or corrected reads: claim {} sets claim {} of {} right for {} to {}: {} Wh, {}; the run of those days stays as it is\n",
            one.claim,
            one.adjusts,
            one.installation,
            one.from,
            one.to,
            one.wh,
            Pence(one.pence)
        ));
    }
    if !note.remainder_rule.is_empty() {
        text.push_str(&format!("{}\n", note.remainder_rule));
    }
    let hash = note.hash();
    text.push_str(&format!("hash {hash}\n"));
    if state == "prepared" {
        text.push_str(&format!(
            "next: another officer looks at it and says\n  commonwatt --as OFFICER interest approve --run {} --hash {hash}\n",
            note.number
        ));
    }
    desk.voice.data(&text);
    Ok(())
}
