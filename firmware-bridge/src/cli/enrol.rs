//! `firmware-bridge enrol`: make this gateway's key known to the daemon, or change it.

use std::{fs, path::PathBuf};

use anyhow::Context;
use bridge::{
    config::Config,
    enrol::{self, Login},
    gateway::{self, ENROLLED_FILE},
    keys::KeyFolder,
};

use wire::enrol::Code;

use super::{Failure, caller, say};

/// What can be typed after `enrol`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The one-time code that `commonwatt gateway enrol GATEWAY` shows.
    #[arg(required_unless_present = "rotate", conflicts_with = "rotate")]
    code: Option<String>,
    /// Log in as configured instead of with the code: behind an outside broker, which keeps its own
    /// passwords.
    #[arg(long)]
    as_configured: bool,
    /// Puts a new key in the place of the present one, which signs for it.
    #[arg(long)]
    rotate: bool,
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(arguments: &Arguments, mut config: Config) -> Result<(), Failure> {
    // Whoever logs in with the code needs no token yet; it comes with the enrolment.
    let token_file = match arguments.code.is_some() && !arguments.as_configured {
        true => std::mem::take(&mut config.uplink.token_file),
        false => PathBuf::new(),
    };
    let folder = &config.gateway.key_folder;
    let keys = KeyFolder::at(folder);
    let uplink = gateway::uplink(&config, &keys).map_err(caller)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("threads cannot be started")?;
    let print = match &arguments.code {
        None => runtime.block_on(enrol::rotate(&uplink, &keys)),
        Some(code) => {
            let code = Code::parse(code).map_err(|_| {
                caller(format!(
                    "`{code}` is no code\nhint: it is what `commonwatt gateway enrol` showed"
                ))
            })?;
            let login = match arguments.as_configured {
                true => Login::AsConfigured,
                false => Login::ByCode,
            };
            runtime.block_on(enrol::enrol(&uplink, &keys, &code, login))
        }
    };
    let print = print.map_err(caller)?;
    fs::write(folder.join(ENROLLED_FILE), format!("{print}\n"))
        .with_context(|| format!("`{}` cannot be written", folder.display()))?;
    say(format_args!("{print}\n"))?;
    eprintln!("the daemon knows this key; restart the gateway to sign with it");
    if !token_file.as_os_str().is_empty() {
        eprintln!(
            "take `token_file = \"{}\"` out of the configuration: the enrolment brought a token of its own, kept beside the key",
            token_file.display()
        );
    }
    Ok(())
}
