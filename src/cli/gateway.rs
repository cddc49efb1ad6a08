//! `gateway token|enrol|certificate|revoke|list|acl`.

use domain::calendar::{Instant, Period};
use serde_json::json;

use super::{Desk, args::Gateway};
use office::{
    Answer, CODE_FOR_MS, CloneLine, GatewayLine, KeyLine, MAX_WRONG_CODES, answer::refuse, bindings,
};

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Gateway) -> Answer<()> {
    let by = match command {
        Gateway::List { .. } | Gateway::Acl { .. } => desk.by_node(),
        Gateway::Token { gateway }
        | Gateway::Enrol { gateway, .. }
        | Gateway::Certificate { gateway, .. }
        | Gateway::Revoke { gateway, .. } => {
            desk.check(&*desk.office.society_of_gateway(gateway)?)?;
            desk.by_node()
        }
    };
    match command {
        Gateway::List { society } => {
            let lines = desk.office.list_gateways(society.as_deref(), desk.now);
            desk.table(
                &[
                    "gateway",
                    "society",
                    "site",
                    "credential",
                    "evidence",
                    "key",
                    "not believed",
                    "clones",
                ],
                &lines,
                |line| {
                    let live =
                        |key: &&KeyLine| key.revoked_from.is_none() && key.ended_from.is_none();
                    let key = line.keys.iter().rev().find(live);
                    vec![
                        line.id.clone(),
                        line.society.clone(),
                        line.site.clone(),
                        line.credential.to_owned(),
                        line.evidence.to_owned(),
                        key.map_or_else(String::new, |key| short(&key.fingerprint)),
                        line.not_believed.to_string(),
                        line.clones.len().to_string(),
                    ]
                },
            )?;
            for line in &lines {
                for word in words(line) {
                    desk.voice.say(&word);
                }
            }
            for society in desk.office.societies() {
                for line in bindings::advice(&society.known()) {
                    desk.voice.say(&line);
                }
            }
            Ok(())
        }
        Gateway::Token { gateway } => {
            let token = desk.office.gateway_token(gateway, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({"gateway": gateway, "token": token}));
            }
            desk.voice.data(&format!("{token}\n"));
            desk.voice.say(&format!(
                "MQTT user name `{gateway}`, password as printed. It is not kept here: copy it to the gateway now."
            ));
            Ok(())
        }
        Gateway::Enrol {
            gateway,
            old_keys_until,
        } => {
            let until = old_keys_until
                .as_deref()
                .map(|text| when(desk, gateway, text))
                .transpose()?;
            let code = desk.office.gateway_code(gateway, until, &by, desk.now)?;
            let until = desk.now.plus_ms(CODE_FOR_MS).to_string();
            if desk.json() {
                return desk
                    .document(&json!({"gateway": gateway, "code": code.reveal(), "until": until}));
            }
            desk.voice.data(&format!("{}\n", code.reveal()));
            desk.voice.say(
                "on the gateway, within 15 minutes: firmware-bridge enrol CODE. It works once, and is not kept here.",
            );
            Ok(())
        }
        Gateway::Acl { society, daemon } => {
            let acl = desk.office.broker_acl(society.as_deref(), daemon)?;
            desk.voice.data(&acl);
            desk.voice.say(
                "save it as the broker's `acl_file`; make each user's password with `mosquitto_passwd -b PASSWORDS USER PASSWORD`, then reload the broker (SIGHUP)",
            );
            Ok(())
        }
        Gateway::Certificate { gateway, file } => {
            let print =
                desk.office
                    .gateway_certificate(gateway, &desk.text(file)?, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({"gateway": gateway, "certificate_sha256": print}));
            }
            desk.voice.data(&format!("{print}\n"));
            desk.voice.say(&format!(
                "`{gateway}` may show this certificate on the TLS listener"
            ));
            Ok(())
        }
        Gateway::Revoke {
            gateway,
            from,
            reason,
        } => {
            if reason.trim().is_empty() {
                return refuse("say why with --reason");
            }
            let from = from
                .as_deref()
                .map(|text| when(desk, gateway, text))
                .transpose()?;
            let again = desk
                .office
                .gateway_revoke(gateway, from, reason, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({
                    "gateway": gateway,
                    "from": from.unwrap_or(desk.now).to_string(),
                    "series_made_again": again,
                }));
            }
            desk.voice
                .say(&format!("`{gateway}` is no longer believed"));
            if again {
                desk.voice.say(
                    "the series were made again without what it sent since; its messages stay in the journal",
                );
            }
            Ok(())
        }
    }
}

/// What is to be said of a gateway below the table.
fn words(line: &GatewayLine) -> Vec<String> {
    let id = &line.id;
    let mut words = Vec::new();
    for key in line.keys.iter().filter(|_| line.keys.len() > 1) {
        let print = short(&key.fingerprint);
        let since = format!("known since {} by {}", key.since, key.known_by);
        words.push(match (&key.revoked_from, &key.ended_from) {
            (Some(from), _) => format!("`{id}`: key {print}, {since}, revoked from {from}"),
            (None, Some(from)) => format!(
                "`{id}`: key {print}, {since}, ended {from}: what it signed and was made until then counts"
            ),
            (None, None) => format!("`{id}`: key {print}, {since}, in force"),
        });
    }
    let (doubted, cloned): (Vec<&CloneLine>, Vec<_>) =
        line.clones.iter().partition(|c| !c.second_is.is_empty());
    if !cloned.is_empty() {
        words.push(format!(
            "`{id}`: two different notes have one number; two gateways have its key\nhint: revoke it with `commonwatt gateway revoke`, delete `gateway.key` on the copy, and enrol both anew"
        ));
    }
    if let Some(first) = doubted.first() {
        words.push(format!(
            "`{id}`: something else ({}) came under the number {}/{} of a signed note, {} such in all; none of it counts\nhint: `commonwatt messages list --disbelieved` has it; somebody has the gateway's password",
            first.second_is, first.boot, first.seq, doubted.len()
        ));
    }
    if line.not_believed > 0 {
        words.push(format!(
            "`{id}`: the last message that is not believed: {}\nhint: `commonwatt messages list --disbelieved` has all of them",
            line.not_believed_because
        ));
    }
    if line.wrong_codes > 0 {
        words.push(format!(
            "`{id}`: {} of {MAX_WRONG_CODES} wrong one-time codes were shown; after the last the code ends\nhint: `commonwatt gateway enrol {id}` makes a new one",
            line.wrong_codes
        ));
    }
    if let Some(at) = &line.first_missing_link {
        words.push(format!(
            "`{id}`: the note before {}/{} is not here, {} such in all; it may still come",
            at.boot, at.seq, line.missing_links
        ));
    }
    if let Some(at) = &line.first_broken_link {
        words.push(format!(
            "`{id}`: note {}/{} names another note before it than the one that is here, {} such in all\nhint: two gateways may have its key; `commonwatt gateway revoke` if nobody put an older copy back",
            at.boot, at.seq, line.broken_links
        ));
    }
    words
}

/// A date of the gateway's society, or a time.
fn when(desk: &Desk<'_>, gateway: &str, text: &str) -> Answer<Instant> {
    let society = desk.office.society_of_gateway(gateway)?;
    if let Ok(day) = text.parse::<Period>() {
        return Ok(society.known().zone.span_of(day).start);
    }
    desk.instant(text, None, &society)
}

/// The first digits of a fingerprint, enough to compare by eye.
fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(16).collect()
}
