//! `rate`: what an installation is paid on a day, and how the rate came about.

use clap::Args;
use domain::{calendar::LocalDay, tariff::fit::Step};
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer,
    answer::refuse,
    tariffs::{check_tables, rate_on},
};

/// `rate`
#[derive(Clone, Debug, Args)]
pub struct Rate {
    /// The installation
    #[arg(long, required_unless_present = "check", requires = "on")]
    pub installation: Option<String>,
    /// The day, YYYY-MM-DD
    #[arg(long)]
    pub on: Option<LocalDay>,
    /// Its society, where several have an installation of that id
    #[arg(long)]
    pub society: Option<String>,
    /// Hold the published tables against index levels and steps of degression instead
    #[arg(long, conflicts_with_all = ["installation", "on", "society"])]
    pub check: bool,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Rate) -> Answer<()> {
    if command.check {
        return check(desk);
    }
    let (Some(id), Some(on)) = (&command.installation, command.on) else {
        return refuse("say which installation and which day with --installation and --on");
    };
    let (society, installation) = desk.office.installation(id, command.society.as_deref())?;
    let found = rate_on(&*society.tables()?, &installation, on)?;
    desk.remind(&society)?;
    let rate = &found.rate;
    let steps = |steps: &[Step]| -> Vec<Value> {
        let each = steps.iter().map(|step| {
            json!({
                "from": step.from.to_string(),
                "p_per_kwh": step.rate.to_string(),
                "source": step.provenance.source,
                "certainty": step.provenance.certainty.word(),
            })
        });
        each.collect()
    };
    let base = |steps: &[Step]| steps.first().map(|step| step.provenance.source.clone());
    let sources: Vec<String> = [base(&rate.generation_steps), base(&rate.export_steps)]
        .into_iter()
        .flatten()
        .collect();
    if desk.json() {
        return desk.document(&json!({
            "society": society.slug(),
            "installation": installation.id,
            "on": on.to_string(),
            "generation_p_per_kwh": rate.generation.to_string(),
            "export_p_per_kwh": rate.export.map(|rate| rate.to_string()),
            "export_basis": rate.basis.word(),
            "eligible_from": installation.eligible_from,
            "eligible_until": found.eligible_until.to_string(),
            "source": sources.join("; "),
            "certainty": rate.certainty().word(),
            "sample": installation.sample,
            "generation_steps": steps(&rate.generation_steps),
            "export_steps": steps(&rate.export_steps),
        }));
    }
    let mut text = format!(
        "{}{} on {on}\ngeneration {} p/kWh\n",
        if installation.sample { "SAMPLE " } else { "" },
        installation.id,
        rate.generation.printed()
    );
    text.push_str(&match rate.export {
        Some(export) => format!("export {} p/kWh, {}\n", export.printed(), rate.basis.word()),
        None => "export is not paid\n".to_owned(),
    });
    text.push_str(&format!("paid until {}\n", found.eligible_until));
    for (what, steps) in [
        ("generation", &rate.generation_steps),
        ("export", &rate.export_steps),
    ] {
        for step in steps {
            text.push_str(&format!(
                "{what} from {}: {} p ({}; {})\n",
                step.from,
                step.rate.printed(),
                step.provenance.source,
                step.provenance.certainty.word()
            ));
        }
    }
    desk.voice.data(&text);
    Ok(())
}

/// `rate --check`.
fn check(desk: &mut Desk<'_>) -> Answer<()> {
    let check = check_tables()?;
    if desk.json() {
        let uplifts = check.uplifts.iter().map(|one| {
            json!({
                "from": format!("{}-04-01", one.uplift.year),
                "index": one.uplift.index.word(),
                "published_percent": one.uplift.percent.to_string(),
                "from_levels_percent": one.from_levels.map(|p| p.to_string()),
                "differs": one.differs(),
                "source": one.uplift.provenance.source,
                "certainty": one.uplift.provenance.certainty.word(),
            })
        });
        let degression = check.degression.iter().map(|one| {
            json!({
                "eligible_from": one.from.to_string(),
                "band": one.band.words(),
                "printed_p_per_kwh": one.printed.to_string(),
                "stepped_p_per_kwh": one.stepped.to_string(),
                "differs": one.printed != one.stepped,
            })
        });
        return desk.document(&json!({
            "uplifts": uplifts.collect::<Vec<_>>(),
            "degression": degression.collect::<Vec<_>>(),
        }));
    }
    let mut text = String::new();
    for one in &check.uplifts {
        text.push_str(&format!(
            "1 April {}: {} {} % published, {}{} ({})\n",
            one.uplift.year,
            one.uplift.index.word(),
            one.uplift.percent,
            match one.from_levels {
                Some(levels) => format!("{levels} % from the index levels"),
                None => "no index levels to hold it against".to_owned(),
            },
            if one.differs() {
                ": DIFFERS, the published rate counts"
            } else {
                ""
            },
            one.uplift.provenance.certainty.word()
        ));
    }
    let differ: Vec<_> = check
        .degression
        .iter()
        .filter(|one| one.printed != one.stepped)
        .collect();
    text.push_str(&format!(
        "{} steps of degression, {} of them differ from 3.5 %\n",
        check.degression.len(),
        differ.len()
    ));
    for one in differ {
        text.push_str(&format!(
            "{} {}: {} p printed, {} p by the step\n",
            one.from,
            one.band.words(),
            one.printed,
            one.stepped
        ));
    }
    desk.voice.data(&text);
    Ok(())
}
