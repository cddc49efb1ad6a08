//! `firmware-bridge commission`.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use bridge::{
    clock::{Clock, ClockState, is_kept_by_ntp},
    commission::{CommissionError, Dial, Line, Order, Sheet, commission},
    config::{Config, KeptBy},
    keys::KeyFolder,
    source::{AnySource, Source, SourceConfig, SourceError, modbus::Buses},
};

use super::{Failure, Output, caller, say};

/// What can be typed after `commission`.
///
/// Stop a running gateway first: a line takes one talker, and many inverters take one client. The
/// dial is asked for at the terminal unless `--dial` gives it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The source to read, by its `name` in the configuration; not needed where there is only one.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The meter, by its serial number; not needed where the source has only one.
    #[arg(long, value_name = "SERIAL")]
    meter: Option<String>,
    /// What the dial shows in kWh, as `12345.67`, or as `1.8.0=12345.67` for one of several registers.
    #[arg(long, value_name = "KWH", value_parser = typed_dial)]
    dial: Vec<(Option<String>, Dial)>,
    /// The roof, as the papers call it.
    #[arg(long, value_name = "TEXT")]
    site: Option<String>,
    /// Who commissions it.
    #[arg(long, value_name = "TEXT")]
    by: Option<String>,
    /// Folder for the sheet, as text and HTML.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// How to print what came of it.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Sheets of one meter and day in one folder.
const SHEETS_MOST: u32 = 1_000;
/// How long a machine's clock state may take to be asked, and a source to be read, in all.
const PATIENCE: Duration = Duration::from_secs(180);

/// Does it.
///
/// # Errors
/// [`Failure::Caller`] when something is to be settled.
pub fn run(arguments: &Arguments, config: Config) -> Result<(), Failure> {
    let source = choose(&config.sources, arguments.source.as_deref())?;
    let key = if config.gateway.sign {
        let key = KeyFolder::at(&config.gateway.key_folder).key();
        Some(key.map_err(caller)?.public().fingerprint().to_string())
    } else {
        None
    };
    let clock = match config.clock.kept_by {
        KeptBy::Other => Clock::system(ClockState::Informative),
        KeptBy::Ntp => {
            let clock = Clock::system(ClockState::Unknown);
            clock.look(is_kept_by_ntp());
            clock
        }
    };
    let order = Order {
        gateway: config.gateway.id.clone(),
        key,
        zone: config.gateway.zone.clone(),
        source,
        meter: arguments.meter.clone(),
        site: arguments.site.clone(),
        by: arguments.by.clone(),
        backlog: config.backlog.folder.clone(),
    };
    let now = clock.now();
    let mut dials = Dials::new(&arguments.dial);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    let asked = !std::io::stdin().is_terminal();
    let sheet = runtime
        .block_on(async {
            let buses = Buses::default();
            let work = commission(order, &buses, now.wall, now.state, |line| dials.of(line));
            if asked {
                tokio::time::timeout(PATIENCE, work).await
            } else {
                // A person takes the time that reading a dial takes.
                Ok(work.await)
            }
        })
        .map_err(|_| {
            caller(format!(
                "the meter took longer than {} s",
                PATIENCE.as_secs()
            ))
        })?
        .map_err(failed)?;
    dials.all_used()?;
    let written = write(&sheet, &arguments.out)?;
    match arguments.output {
        Output::Text => {
            say(sheet.text())?;
        }
        Output::Json => {
            say(format_args!("{}\n", sheet.json()))?;
        }
    }
    for file in written {
        eprintln!("wrote {}", file.display());
    }
    if sheet.passed() {
        Ok(())
    } else {
        let hint = match sheet.clock {
            ClockState::Unknown | ClockState::Relative => {
                "\nhint: `timedatectl` says whether the clock is synchronised; where something else keeps it (GPS), set `kept_by = \"other\"` under [clock]"
            }
            ClockState::Synced | ClockState::Informative => "",
        };
        Err(caller(format!(
            "not commissioned: {}{hint}",
            sheet.doubts().join(" ")
        )))
    }
}

fn failed(error: CommissionError) -> Failure {
    match error {
        CommissionError::Source(
            error @ (SourceError::Timeout { .. } | SourceError::Gone { .. }),
        ) => caller(format!(
            "{error}; and the running gateway must be stopped first"
        )),
        other => caller(other),
    }
}

fn choose(sources: &[SourceConfig], wanted: Option<&str>) -> Result<SourceConfig, Failure> {
    let mut named = Vec::new();
    for source in sources {
        let name = AnySource::open(source, &Buses::default())
            .map_err(caller)?
            .name()
            .to_owned();
        named.push((name, source));
    }
    let names = || {
        let names: Vec<&str> = named.iter().map(|(name, _)| &**name).collect();
        names.join("`, `")
    };
    match (wanted, named.as_slice()) {
        (_, []) => Err(caller(
            "the configuration has no `[[source]]`\nhint: `firmware-bridge scan` prints one",
        )),
        (None, [(_, only)]) => Ok((*only).clone()),
        (None, _) => Err(caller(format!(
            "which source?\nhint: `--source` with one of `{}`",
            names()
        ))),
        (Some(wanted), all) => all
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, source)| (*source).clone())
            .ok_or_else(|| caller(format!("no source `{wanted}`; there are `{}`", names()))),
    }
}

fn typed_dial(text: &str) -> Result<(Option<String>, Dial), String> {
    let (register, dial) = match text.split_once('=') {
        Some((register, dial)) => (Some(register.to_owned()), dial),
        None => (None, text),
    };
    let dial = dial.parse::<Dial>().map_err(|e| e.to_string())?;
    Ok((register, dial))
}

/// The dials that were given, and the terminal for the others.
struct Dials {
    given: BTreeMap<Option<String>, Dial>,
    ask: bool,
}

impl Dials {
    fn new(given: &[(Option<String>, Dial)]) -> Self {
        Dials {
            given: given.iter().cloned().collect(),
            ask: given.is_empty() && std::io::stdin().is_terminal(),
        }
    }

    fn of(&mut self, line: &Line) -> Option<Dial> {
        let named = self.given.remove(&Some(line.register.clone()));
        // A dial without a register's name is that of generation, or of the first there is.
        named
            .or_else(|| self.given.remove(&None))
            .or_else(|| self.ask.then(|| ask(line)).flatten())
    }

    fn all_used(&self) -> Result<(), Failure> {
        match self.given.keys().next() {
            None => Ok(()),
            Some(register) => Err(caller(format!(
                "the meter has no register for `--dial {}…`",
                register
                    .as_ref()
                    .map(|r| format!("{r}="))
                    .unwrap_or_default()
            ))),
        }
    }
}

/// Asks at the terminal until the answer is a dial or empty.
fn ask(line: &Line) -> Option<Dial> {
    loop {
        eprint!(
            "What does the dial of meter {} show for {}, in kWh? (empty: cannot be seen) ",
            line.meter, line.register
        );
        let _ = std::io::stderr().flush();
        let mut typed = String::new();
        match std::io::stdin().lock().read_line(&mut typed) {
            Ok(0) | Err(_) => return None,
            Ok(_) if typed.trim().is_empty() => return None,
            Ok(_) => match typed.parse() {
                Ok(dial) => return Some(dial),
                Err(error) => eprintln!("{error}"),
            },
        }
    }
}

fn write(sheet: &Sheet, folder: &Path) -> Result<[PathBuf; 2], Failure> {
    let failed = |path: &Path, e: &io::Error| caller(format!("`{}`: {e}", path.display()));
    std::fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
    let name = sheet.file_name();
    // A sheet that is there may be signed already: the next of its day has a number.
    for number in 1..=SHEETS_MOST {
        let name = match number {
            1 => name.clone(),
            _ => format!("{name}-{number}"),
        };
        let [text, html] = ["txt", "html"].map(|ending| folder.join(format!("{name}.{ending}")));
        if html.exists() {
            continue;
        }
        match File::create_new(&text) {
            Ok(mut file) => file.write_all(sheet.text().as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => Err(error),
        }
        .map_err(|e| failed(&text, &e))?;
        std::fs::write(&html, sheet.html()).map_err(|e| failed(&html, &e))?;
        return Ok([text, html]);
    }
    Err(caller(format!(
        "`{}` holds {SHEETS_MOST} sheets `{name}` already\nhint: give another folder with `--out`",
        folder.display()
    )))
}
