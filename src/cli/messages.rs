//! `messages list`.

use clap::Subcommand;
use domain::calendar::{Period, Span};
use serde_json::{Value, json};

use super::{Desk, lists::societies};
use office::{
    Answer,
    answer::{OrCaller, refuse},
    messages::{Page, StrayMessage, Trouble, Which},
};

/// Without `--from`, this many days back.
const DAYS_BACK: i32 = 7;

/// `messages …`
#[derive(Clone, Debug, Subcommand)]
pub enum Messages {
    /// List what arrived and does not count, with its reason, newest first: messages that cannot be
    /// decoded, messages and reads that are not believed, and reads of registers that are not in the
    /// society file
    List {
        /// Only messages that cannot be decoded
        #[arg(long)]
        undecodable: bool,
        /// Only reads of registers that are not in the society file
        #[arg(long)]
        unplaced: bool,
        /// Only what is not believed: wrong signatures, unknown or revoked keys, gateways that are
        /// not the meter's
        #[arg(long)]
        disbelieved: bool,
        /// First day; a week ago when left out
        #[arg(long)]
        from: Option<String>,
        /// Last day, included; today when left out
        #[arg(long)]
        to: Option<String>,
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
        /// About so many of a society
        #[arg(long, default_value_t = 200)]
        limit: usize,
        /// Only what is older than this record of the journal: the next page
        #[arg(long, value_name = "RECORD")]
        before: Option<u64>,
    },
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Messages) -> Answer<()> {
    let Messages::List {
        undecodable,
        unplaced,
        disbelieved,
        from,
        to,
        society,
        limit,
        before,
    } = command;
    let all = !(*undecodable || *unplaced || *disbelieved);
    let which = Which {
        undecodable: *undecodable || all,
        unplaced: *unplaced || all,
        disbelieved: *disbelieved || all,
    };
    let page = Page {
        before: *before,
        limit: (*limit).max(1),
    };
    let mut lines = Vec::new();
    let mut more = Vec::new();
    for society in societies(desk, society.as_deref())? {
        let zone = society.known().zone.clone();
        let today = zone.day_of(desk.now);
        let day = |text: &Option<String>| -> Answer<Option<Period>> {
            text.as_ref()
                .map(|text| text.parse())
                .transpose()
                .or_caller()
        };
        let last = day(to)?.map_or(today, |period| period.last_day());
        let first = day(from)?.map_or(last.plus(-DAYS_BACK), |period| period.first_day());
        if first > last {
            return refuse(format!(
                "`--from {first}` lies after `--to {last}`\nhint: both days are included; the first comes first"
            ));
        }
        let span = Span {
            start: zone.day_span(first).start,
            end: zone.day_span(last).end,
        };
        let (found, next) = society.stray_messages(span, which, page)?;
        more.extend(next.map(|next| (society.slug().to_owned(), next)));
        lines.extend(found.iter().map(|stray| value(society.slug(), stray)));
    }
    let head = ["received", "gateway", "topic", "what", "reason", "begins"];
    desk.table(&head, &lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        vec![
            text("received"),
            text("gateway"),
            text("topic"),
            text("what"),
            text("reason"),
            text("begins"),
        ]
    })?;
    for (slug, next) in more {
        desk.voice.say(&format!(
            "`{slug}` has older ones\nhint: --society {slug} --before {next} shows the next page"
        ));
    }
    Ok(())
}

fn value(society: &str, stray: &StrayMessage) -> Value {
    let (meter, register, reads) = match &stray.trouble {
        Trouble::Undecodable(_) | Trouble::Disbelieved(_) => (None, None, None),
        Trouble::Unplaced {
            meter,
            register,
            reads,
        } => (Some(meter), Some(register.to_string()), Some(reads)),
    };
    json!({
        "society": society,
        "record": stray.record,
        "received": stray.received.to_string(),
        "gateway": stray.gateway,
        "topic": stray.topic,
        "what": stray.trouble.word(),
        "reason": stray.trouble.reason(),
        "meter": meter,
        "register": register,
        "reads": reads,
        "bytes": stray.bytes,
        "begins": stray.begins,
    })
}
