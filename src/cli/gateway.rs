//! `gateway token|revoke|list`.

use serde_json::json;

use super::{Desk, args::Gateway};
use crate::office::{Answer, answer::refuse};

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Gateway) -> Answer<()> {
    let by = desk
        .cli
        .officer
        .clone()
        .unwrap_or_else(|| "owner".to_owned());
    match command {
        Gateway::List { society } => {
            let lines = desk.office.list_gateways(society.as_deref());
            desk.table(
                &["gateway", "society", "site", "credential"],
                &lines,
                |line| {
                    vec![
                        line.id.clone(),
                        line.society.clone(),
                        line.site.clone(),
                        line.credential.to_owned(),
                    ]
                },
            )
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
        Gateway::Revoke { gateway, reason } => {
            if reason.trim().is_empty() {
                return refuse("say why with --reason");
            }
            desk.office.gateway_revoke(gateway, reason, &by, desk.now)?;
            desk.voice
                .say(&format!("`{gateway}` is no longer believed"));
            Ok(())
        }
    }
}
