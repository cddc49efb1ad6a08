//! The series store: what charts read from InfluxDB, where it is more than a mirror.
//!
//! Three questions a chart: the energy, what of it is not covered, how well it is known; each for all
//! meter points of the society at once. The three must speak of the same points at the same times,
//! because a server that fails in the middle ends its answer as if it were whole; and a number that
//! is no integer is refused. A page waits seconds at most: after a failure the server is left in
//! peace for [`REST`].

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant as Monotonic},
};

use domain::{
    calendar::{Instant, Period, Span},
    metering::Quality,
    quantity::WattHours,
};
use influx::{Flux, Row, Server, Target, Trouble, WrongRow, flux::Points};

use super::held;
use crate::{
    answer::{Answer, OrOurs, Refusal, refuse},
    charts::{Courses, Grain, Source, Stretch},
    society::SocietyOffice,
};

/// Longest wait of a page for a connection, and for an answer.
const CONNECT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);
/// How long nothing is asked after a failure.
pub const REST: Duration = Duration::from_secs(30);
/// How often the three questions are asked until they speak of the same times.
const TRIES: u32 = 3;
/// Most stretches of one meter point in an answer; no span that may be asked for has as many.
const MOST: u32 = 20_000;

/// Values by meter point and time.
type Field<T> = BTreeMap<(String, i64), T>;

/// InfluxDB as the source of charts.
pub struct ChartStore {
    server: Server,
    rest: Mutex<Option<(Monotonic, String)>>,
}

impl ChartStore {
    pub(super) fn new(target: &Target) -> Answer<ChartStore> {
        let server = Server::patient(target, CONNECT, PATIENCE)
            .map_err(|e| Refusal::Caller(e.to_string()))?;
        Ok(ChartStore {
            server,
            rest: Mutex::default(),
        })
    }

    /// Asks the server, unless it failed a moment ago.
    fn ask(&self, question: &Flux) -> Answer<Vec<Row>> {
        if let Some((until, why)) = &*held(&self.rest)
            && Monotonic::now() < *until
        {
            return refuse(why.clone());
        }
        self.server
            .ask(question)
            .map_err(|trouble| self.failed(&trouble))
    }

    fn failed(&self, trouble: &Trouble) -> Refusal {
        let why = trouble.to_string();
        tracing::warn!(
            why,
            "InfluxDB does not tell the charts their series; our own are shown"
        );
        *held(&self.rest) = Some((Monotonic::now() + REST, why.clone()));
        Refusal::Ours(why)
    }

    /// Energy, cover and quality.
    fn fields(
        &self,
        whose: (&str, Option<&str>),
        (measurement, cover): (&str, &str),
        span: Span,
    ) -> Answer<(Field<i64>, Field<i64>, Field<String>)> {
        let long = |row: &Row| row.long("_value");
        let text = |row: &Row| row.text("_value").map(str::to_owned);
        Ok((
            self.field(whose, (measurement, "wh"), span, long)?,
            self.field(whose, (measurement, cover), span, long)?,
            self.field(whose, (measurement, "quality"), span, text)?,
        ))
    }

    /// One field of the society's points, as the server has it.
    fn field<T>(
        &self,
        (society, point): (&str, Option<&str>),
        (measurement, field): (&str, &str),
        span: Span,
        read: impl Fn(&Row) -> Result<T, WrongRow>,
    ) -> Answer<Field<T>> {
        let mut tags = vec![("society", society)];
        tags.extend(point.map(|point| ("point", point)));
        let points = Points {
            bucket: &self.server.target().bucket,
            measurement,
            field,
            tags: &tags,
            span,
        };
        let mut found = BTreeMap::new();
        let mut of_point: BTreeMap<String, u32> = BTreeMap::new();
        for row in self.ask(&Flux::points(&points, &["point"], MOST))? {
            let wrong = |wrong: WrongRow| self.failed(&Trouble::from(wrong));
            let point = row.text("point").map_err(wrong)?.to_owned();
            let at = row.time("_time").map_err(wrong)?;
            let count = of_point.entry(point.clone()).or_default();
            *count += 1;
            if *count >= MOST {
                return Err(self.failed(&Trouble::Answer(format!(
                    "`{MOST}` points or more of `{point}`; expected fewer in this span"
                ))));
            }
            found.insert((point, at.0), read(&row).map_err(wrong)?);
        }
        Ok(found)
    }
}

impl Source for ChartStore {
    fn courses(
        &self,
        society: &SocietyOffice,
        points: &[String],
        grain: Grain,
        span: Period,
        _now: Instant,
    ) -> Answer<Courses> {
        let zone = &society.known().zone;
        let span = Span {
            start: zone.day_span(span.first_day()).start,
            end: zone.day_span(span.last_day()).end,
        };
        let (measurement, cover) = match grain {
            Grain::HalfHour => ("interval", "covered_ms"),
            Grain::Day => ("day", "missing"),
            Grain::Month => ("month", "missing"),
        };
        let whose = match points {
            [only] => (society.slug(), Some(only.as_str())),
            _ => (society.slug(), None),
        };
        let mut tries = 0;
        let (mut energy, cover, quality) = loop {
            let fields = self.fields(whose, (measurement, cover), span)?;
            if fields.0.keys().eq(fields.1.keys()) && fields.0.keys().eq(fields.2.keys()) {
                break fields;
            }
            // The mirror wrote between the questions, or the server cut an answer off.
            tries += 1;
            if tries == TRIES {
                return Err(self.failed(&Trouble::Answer(
                    "its fields do not speak of the same times".to_owned(),
                )));
            }
        };
        let mut courses: Courses = points
            .iter()
            .map(|point| (point.clone(), Vec::new()))
            .collect();
        for (key, word) in quality {
            let wh = WattHours(energy.remove(&key).unwrap_or_default());
            let cover = cover.get(&key).copied().unwrap_or_default();
            let Some(quality) = (0..).map_while(Quality::of_code).find(|q| q.word() == word) else {
                return Err(self.failed(&Trouble::Answer(format!("`{word}` is no quality"))));
            };
            let missing = match grain {
                Grain::HalfHour => u32::from(cover < 1_800_000),
                _ => u32::try_from(cover).or_ours("InfluxDB's missing half hours")?,
            };
            // What went after it was written stays there, as nothing known.
            if let Some(course) = courses
                .get_mut(&key.0)
                .filter(|_| quality != Quality::Missing)
            {
                course.push(Stretch {
                    start: Instant(key.1),
                    wh,
                    missing,
                    quality,
                });
            }
        }
        Ok(courses)
    }
}
