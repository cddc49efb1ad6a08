//! `influx setup|backfill|check|status|dead-letters|series`.

use std::{path::PathBuf, sync::Arc};

use clap::{Subcommand, ValueEnum};
use domain::calendar::{LocalDay, Period};
use serde_json::json;

use super::Desk;
use config::Config;
use office::{
    Answer, Counts, Refusal,
    answer::refuse,
    charts::{self, Grain, Told},
    energy::Place,
    mirror::{self, DeadLetters, Mirror, MirrorSettings, MirrorStatus},
};

/// `influx …`
#[derive(Clone, Debug, Subcommand)]
pub enum Influx {
    /// Make the bucket and a token that may read and write it alone; the token goes to [influx] token_file
    Setup {
        /// The daemon's configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// First operator of a server that is new
        #[arg(long, default_value = "", requires = "password_file")]
        user: String,
        /// A file with that operator's password, 8 to 72 characters
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// A file with an operator's token of a server that is not new
        #[arg(long, value_name = "FILE")]
        operator_token_file: Option<PathBuf>,
        /// How long the server keeps points, in days; 0 for ever
        #[arg(long, default_value_t = 0)]
        keep_days: u16,
    },
    /// Send again everything that was read on a day or later
    Backfill {
        /// The daemon's configuration file, where no daemon runs
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
        /// First day (local)
        #[arg(long)]
        from: LocalDay,
    },
    /// Compare the server with the journal, by register and meter point, day by day
    Check {
        /// The daemon's configuration file, where no daemon runs
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
        /// Days to compare: 2013, 2013-06, 2013-06-01 or A..B; without it all
        #[arg(long)]
        period: Option<Period>,
    },
    /// The points the server does not take, and why
    DeadLetters {
        /// The daemon's configuration file, where no daemon runs
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
        /// Take the list away and count from nothing; after the cause is mended and a back-fill sent
        #[arg(long)]
        forget: bool,
    },
    /// What the charts are drawn of, and who told it: InfluxDB (mode "store") or our own series
    Series {
        /// The daemon's configuration file, where no daemon runs
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
        /// One roof only
        #[arg(long)]
        site: Option<String>,
        /// Days: 2013, 2013-06, 2013-06-01 or A..B
        #[arg(long)]
        period: Period,
        /// One row a …
        #[arg(long, value_enum, default_value_t = SeriesBy::Day)]
        by: SeriesBy,
    },
    /// How far the mirror is and what keeps it
    Status {
        /// The daemon's configuration file, where no daemon runs
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Stretches of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SeriesBy {
    /// Local half hours.
    Period,
    /// Local days.
    Day,
    /// Local months.
    Month,
}

/// Differences shown at most; all of them are counted.
const SHOWN: usize = 20;

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Influx) -> Answer<()> {
    match command {
        Influx::Setup {
            config,
            user,
            password_file,
            operator_token_file,
            keep_days,
        } => {
            let settings = settings(desk, config.as_ref())?;
            let read = |file: &Option<PathBuf>| match file {
                Some(file) => mirror::secret_in(&desk.folder.join(file)),
                None => Ok(String::new()),
            };
            let made = mirror::set_up(
                &settings,
                (user, &read(password_file)?),
                &read(operator_token_file)?,
                *keep_days,
            )?;
            desk.voice.say(&format!(
                "bucket `{}` {}; its token is in `{}`",
                settings.target.bucket,
                if made.bucket_made {
                    "made"
                } else {
                    "was there"
                },
                settings.token_file.display()
            ));
            Ok(())
        }
        Influx::Backfill {
            config,
            society,
            from,
        } => {
            let society = desk.society(society.as_deref())?;
            let mirror = mirror_of(desk, config.as_ref())?;
            mirror.back_fill(&society, *from)?;
            let (voice, now) = (&mut *desk.voice, desk.now);
            let status = mirror.drain(&society, now, &mut |done, all| {
                voice.progress("sending", done, all);
            })?;
            show(desk, &[status])
        }
        Influx::Check {
            config,
            society,
            period,
        } => {
            let society = desk.society(society.as_deref())?;
            let mirror = mirror_of(desk, config.as_ref())?;
            let (voice, now) = (&mut *desk.voice, desk.now);
            let checked = mirror.check(&society, *period, now, &mut |done, all| {
                voice.progress("comparing days", done, all);
            })?;
            let differ = checked.differences.len();
            if desk.json() {
                let differences: Vec<_> = checked
                    .differences
                    .iter()
                    .map(|d| {
                        json!({"what": d.what, "subject": d.subject, "day": d.day.to_string(),
                            "journal_count": d.journal.0, "journal_sum_wh": d.journal.1,
                            "server_count": d.server.0, "server_sum_wh": d.server.1})
                    })
                    .collect();
                desk.document(&json!({
                    "first_day": checked.days.map(|(first, _)| first.to_string()),
                    "last_day": checked.days.map(|(_, last)| last.to_string()),
                    "reads": checked.reads, "half_hours": checked.half_hours,
                    "differences": differences}))?;
            } else {
                for d in checked.differences.iter().take(SHOWN) {
                    desk.voice.data(&format!(
                        "{} {} {}: journal {} of {} Wh, server {} of {} Wh\n",
                        d.day, d.what, d.subject, d.journal.0, d.journal.1, d.server.0, d.server.1
                    ));
                }
                desk.voice.data(&format!(
                    "{} reads and {} half hours compared; {differ} days of registers or meter points differ\n",
                    checked.reads, checked.half_hours
                ));
            }
            if differ == 0 {
                return Ok(());
            }
            let first = checked.differences.iter().map(|d| d.day).min();
            let first = first.map_or_else(String::new, |day| day.to_string());
            refuse(format!(
                "the mirror differs from the journal\nhint: `commonwatt influx backfill --from {first}` sends it again"
            ))
        }
        Influx::DeadLetters {
            config,
            society,
            forget,
        } => {
            let society = desk.society(society.as_deref())?;
            let mirror = mirror_of(desk, config.as_ref())?;
            let letters = mirror.dead_letters(&society)?;
            if *forget {
                mirror.forget_dead_letters(&society)?;
            }
            show_dead(desk, &letters)
        }
        Influx::Series {
            config,
            society,
            site,
            period,
            by,
        } => {
            let society = desk.society(society.as_deref())?;
            let mirror = mirror_of(desk, config.as_ref())?;
            let place = site.clone().map_or(Place::Society, Place::Site);
            let points = society.known().points_of(&place, Counts::Generation)?;
            let grain = match by {
                SeriesBy::Period => Grain::HalfHour,
                SeriesBy::Day => Grain::Day,
                SeriesBy::Month => Grain::Month,
            };
            let (courses, told) =
                charts::courses(Some(&mirror), &society, &points, grain, *period, desk.now)?;
            show_series(desk, &courses, &told)
        }
        Influx::Status { config } => {
            let mirror = mirror_of(desk, config.as_ref())?;
            let lines = mirror.status(desk.office);
            show(desk, &lines)
        }
    }
}

fn show(desk: &mut Desk<'_>, lines: &[MirrorStatus]) -> Answer<()> {
    if desk.json() {
        let lines: Vec<_> = lines
            .iter()
            .map(|s| {
                json!({"id": s.society, "position": s.position, "records": s.size, "points": s.points,
                    "dead_letters": s.dead, "energy_behind": s.energy_behind, "trouble": s.trouble})
            })
            .collect();
        return desk.document(&lines);
    }
    for s in lines {
        desk.voice
            .data(&format!("{}: {}\n", s.society, s.sentence()));
    }
    Ok(())
}

fn show_dead(desk: &mut Desk<'_>, letters: &DeadLetters) -> Answer<()> {
    let reasons = letters.reasons();
    if desk.json() {
        let reasons: Vec<_> = reasons
            .iter()
            .map(|(reason, count)| json!({"reason": reason, "count": count}))
            .collect();
        let kept: Vec<_> = letters
            .kept
            .iter()
            .map(|letter| json!({"line": letter.line, "why": letter.why}))
            .collect();
        return desk.document(&json!({"id": letters.society, "count": letters.count,
            "reasons": reasons, "letters": kept}));
    }
    for letter in letters.kept.iter().take(SHOWN) {
        desk.voice
            .data(&format!("{}\n    {}\n", letter.line, letter.why));
    }
    for (reason, count) in &reasons {
        desk.voice.data(&format!("{count} for: {reason}\n"));
    }
    desk.voice.data(&format!(
        "{}: {} points are not taken; the journal has their reads all the same\n",
        letters.society, letters.count
    ));
    Ok(())
}

fn show_series(desk: &mut Desk<'_>, courses: &charts::Courses, told: &Told) -> Answer<()> {
    let source = match told {
        Told::Own => "own",
        Told::Influx => "influxdb",
        Told::OwnInstead(_) => "own_instead",
    };
    let why = match told {
        Told::OwnInstead(why) => Some(why),
        Told::Own | Told::Influx => None,
    };
    let rows: Vec<_> = courses
        .iter()
        .flat_map(|(point, course)| course.iter().map(move |stretch| (point, stretch)))
        .map(|(point, s)| {
            json!({"meter_point": point, "start": s.start.to_string(), "wh": s.wh.0,
                "missing_half_hours": s.missing, "quality": s.quality.word()})
        })
        .collect();
    if desk.json() {
        return desk.document(&json!({"source": source, "why": why, "rows": rows}));
    }
    desk.table(
        &[
            "meter point",
            "start (UTC)",
            "Wh",
            "quality",
            "missing half hours",
        ],
        &rows,
        |row| {
            let cell = |key: &str| match &row[key] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            [
                "meter_point",
                "start",
                "wh",
                "quality",
                "missing_half_hours",
            ]
            .map(cell)
            .to_vec()
        },
    )?;
    desk.voice.data(&match told {
        Told::Own => "from our own series\n".to_owned(),
        Told::Influx => {
            "from InfluxDB; reports and claims are made from our own record\n".to_owned()
        }
        Told::OwnInstead(why) => {
            format!("from our own series, because InfluxDB does not answer as it should: {why}\n")
        }
    });
    Ok(())
}

/// The mirror of the daemon we are in, or one of our own.
fn mirror_of(desk: &Desk<'_>, config: Option<&PathBuf>) -> Answer<Arc<Mirror>> {
    if let Some(mirror) = desk.office.mirror() {
        return Ok(mirror);
    }
    let settings = settings(desk, config)?;
    Mirror::new(settings, desk.office.folder().path()).map(Arc::new)
}

fn settings(desk: &Desk<'_>, config: Option<&PathBuf>) -> Answer<MirrorSettings> {
    let none = || {
        Refusal::Caller(
            "there is no mirror\nhint: set [influx] mode = \"mirror\" in commonwatt.toml and name that file with --config"
                .to_owned(),
        )
    };
    let config = config.ok_or_else(none)?;
    let config =
        Config::load(&desk.folder.join(config)).map_err(|e| Refusal::Caller(e.to_string()))?;
    MirrorSettings::of(&config.influx)?.ok_or_else(none)
}
