//! `map list|test|apply`. The first two need no data folder.

use std::fmt::Write;

use domain::{
    calendar::{Instant, Zone},
    metering::Obis,
};
use mapping::{Clock, Mapped, Message, Outcome, What, shipped};
use serde_json::json;

use super::{
    Desk,
    args::{Cli, Map, Output},
    reads,
    voice::Voice,
};
use office::{Answer, Refusal, SocietyOffice, Tried, answer::refuse, try_message};

/// Runs what needs no folder.
pub fn alone(cli: &Cli, command: &Map, now: Instant, voice: &mut dyn Voice) -> Answer<()> {
    let json = cli.output == Output::Json;
    match command {
        Map::Test {
            topic,
            payload,
            mapping,
            received,
            zone,
            retained,
        } => {
            let file = |path: &std::path::Path| {
                std::fs::read(path)
                    .map_err(|e| Refusal::Caller(format!("`{}`: {e}", path.display())))
            };
            let payload = file(payload)?;
            let text = match mapping.as_deref().filter(|name| reads::is_file(name)) {
                Some(path) => Some(
                    String::from_utf8(file(path.as_ref())?)
                        .map_err(|_| Refusal::Caller(format!("`{path}` is not UTF-8 text")))?,
                ),
                None => None,
            };
            let zone = Zone::named(zone).map_err(|e| Refusal::Caller(e.to_string()))?;
            let received = match received {
                Some(text) => text
                    .parse()
                    .map_err(|e| Refusal::Caller(format!("--received `{text}`: {e}")))?,
                None => now,
            };
            let message = Message {
                topic,
                payload: &payload,
                received,
                stale: *retained,
            };
            let tried = try_message(text.as_deref(), mapping.as_deref(), &zone, &message)?;
            print(&tried, topic, json, voice)
        }
        _ => {
            list(json, voice);
            Ok(())
        }
    }
}

/// Runs what changes a society.
pub fn run(desk: &mut Desk<'_>, command: &Map) -> Answer<()> {
    let Map::Apply {
        mapping,
        gateway,
        topics,
        society,
    } = command
    else {
        return alone(desk.cli, command, desk.now, desk.voice);
    };
    let society = desk.society(society.as_deref())?;
    let by = desk.by(&society)?;
    let text = if reads::is_file(mapping) {
        desk.text(mapping.as_ref())?
    } else {
        match shipped::named(mapping) {
            Some(shipped) => shipped.text.to_owned(),
            None => {
                return refuse(format!(
                    "mapping `{mapping}` is not here\nhint: `commonwatt map list` names them; a file of your own ends in .toml"
                ));
            }
        }
    };
    let changed =
        desk.office
            .apply_mapping(&society, gateway, &text, topics.as_deref(), &by, desk.now)?;
    if desk.json() {
        return desk.document(&json!({"gateway": gateway, "applied": changed}));
    }
    desk.voice.say(&if changed {
        format!("`{gateway}` is read by this mapping from now on")
    } else {
        format!("`{gateway}` is already read by this mapping; nothing was appended")
    });
    if changed && topics.is_some() {
        desk.voice.say("hint: put `mapping` and `topics` of the entry into your society file too, or the next `society apply` of it takes them away");
    }
    say_who_is_asked(desk, &society, Some(gateway));
    Ok(())
}

/// Says which devices the built-in endpoint cannot serve whole; all, or one.
pub fn say_who_is_asked(desk: &mut Desk<'_>, society: &SocietyOffice, only: Option<&str>) {
    for (gateway, how) in society.asked_devices() {
        if only.is_none_or(|only| only == gateway) {
            desk.voice.say(&format!(
                "note: `{gateway}`: {how}. The daemon asks at an outside broker (`[broker]`), not at its own endpoint."
            ));
        }
    }
}

fn list(json: bool, voice: &mut dyn Voice) {
    if json {
        let all: Vec<_> = shipped::all()
            .iter()
            .map(|s| {
                json!({
                    "id": s.mapping.name,
                    "about": s.mapping.about,
                    "source": s.mapping.source,
                    "topics": s.mapping.filters(),
                })
            })
            .collect();
        voice.data(&format!("{:#}\n", serde_json::Value::from(all)));
        return;
    }
    let mut text = String::new();
    for shipped in shipped::all() {
        let _ = writeln!(
            text,
            "{}: {}\n    {}",
            shipped.mapping.name,
            shipped.mapping.about,
            shipped.mapping.filters().join("  ")
        );
    }
    voice.data(&text);
}

/// Prints what was made of a message; refused by every mapping is the caller's problem.
fn print(tried: &[Tried], topic: &str, json: bool, voice: &mut dyn Voice) -> Answer<()> {
    if json {
        let all: Vec<_> = tried
            .iter()
            .map(|t| match &t.outcome {
                Outcome::Reads(reads) => {
                    json!({"mapping": t.mapping, "outcome": "reads", "reads": reads_json(reads)})
                }
                Outcome::Proposals(proposals) => json!({
                    "mapping": t.mapping,
                    "outcome": "proposals",
                    "proposals": proposals.iter().map(|p| json!({
                        "meter": p.meter, "label": p.label, "topic": p.topic, "mapping": p.mapping,
                    })).collect::<Vec<_>>(),
                }),
                Outcome::Refused(why) => {
                    json!({"mapping": t.mapping, "outcome": "refused", "reason": why})
                }
                Outcome::Elsewhere | Outcome::Sparkplug => {
                    json!({"mapping": t.mapping, "outcome": "elsewhere"})
                }
            })
            .collect();
        voice.data(&format!("{:#}\n", json!({"topic": topic, "tried": all})));
    } else {
        let mut text = String::new();
        for t in tried {
            let _ = writeln!(text, "{}:", t.mapping);
            match &t.outcome {
                Outcome::Reads(reads) => text.push_str(&reads_text(reads)),
                Outcome::Proposals(proposals) => {
                    for p in proposals {
                        let _ = writeln!(
                            text,
                            "  proposes meter `{}` ({}) on `{}`",
                            p.meter, p.label, p.topic
                        );
                    }
                    if proposals.is_empty() {
                        text.push_str("  proposes no meter: it announces no counter of energy\n");
                    }
                }
                Outcome::Refused(why) => {
                    let _ = writeln!(text, "  refused: {why}");
                }
                Outcome::Elsewhere | Outcome::Sparkplug => {
                    text.push_str("  the topic is not one of its own\n");
                }
            }
        }
        voice.data(&text);
    }
    let refused = tried
        .iter()
        .all(|t| matches!(t.outcome, Outcome::Refused(_) | Outcome::Elsewhere));
    if refused {
        return refuse("no mapping could read this message");
    }
    Ok(())
}

/// Reads as JSON.
pub fn reads_json(reads: &[Mapped]) -> serde_json::Value {
    reads
        .iter()
        .map(|read| {
            let mut row = json!({
                "meter": read.meter,
                "time": read.at.to_string(),
                "clock": clock(read.clock),
            });
            match read.what {
                What::Register { register, wh, w } => {
                    row["kind"] = json!("register");
                    row["register"] = json!(register.to_string());
                    row["wh"] = json!(wh.0);
                    row["w"] = json!(w);
                }
                What::Power(w) => {
                    row["kind"] = json!("power");
                    row["import_w"] = json!(w);
                    row["quality"] = json!("estimated");
                }
                What::Glance(w) => {
                    row["kind"] = json!("glance");
                    row["import_w"] = json!(w);
                }
            }
            row
        })
        .collect()
}

/// Reads as lines for people.
pub fn reads_text(reads: &[Mapped]) -> String {
    let mut text = String::new();
    for read in reads {
        let said = match read.what {
            What::Register { register, wh, w } => {
                let power = w.map(|w| format!(", {w} W")).unwrap_or_default();
                let way = if register == Obis::IMPORT {
                    "taken in"
                } else {
                    "sent out or generated"
                };
                format!("register {register} ({way}): {} kWh{power}", wh.kwh_text())
            }
            What::Power(w) => format!("{w} W taken in, to be integrated: estimated, never claimed"),
            What::Glance(w) => format!("{w} W taken in, only shown: the counter comes by itself"),
        };
        let _ = writeln!(
            text,
            "  meter `{}` at {} ({}): {said}",
            read.meter,
            read.at,
            clock(read.clock)
        );
    }
    if reads.is_empty() {
        text.push_str("  nothing in this message matters\n");
    }
    text
}

fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::Device => "the device's clock",
        Clock::Received => "the receive time",
        Clock::NotBelieved => "the receive time; the device's clock is not believed",
    }
}
