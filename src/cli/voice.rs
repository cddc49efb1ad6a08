//! How a command speaks: data to stdout, words to stderr, progress where a person watches.
//!
//! Two real voices: the terminal, and the socket through which a command that reached a running
//! daemon is answered. A command never knows which one it has.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::user::nobody_to_ask;
use office::Answer;

/// Where a command's answer goes.
pub trait Voice: Send {
    /// Data: exactly these bytes to stdout.
    fn data(&mut self, text: &str);
    /// Words: one line to stderr.
    fn say(&mut self, line: &str);
    /// How far a long piece of work is; `total` 0 when unknown.
    fn progress(&mut self, label: &str, done: u64, total: u64);
    /// Asks the person for one line; what is `secret` is not shown while it is typed.
    ///
    /// # Errors
    /// When nobody is there.
    fn ask(&mut self, what: &str, secret: bool) -> Answer<String>;
}

/// The terminal. A progress bar is drawn only where a person watches stderr.
#[derive(Default)]
pub struct Terminal {
    bar: Option<(String, ProgressBar)>,
    ended: Option<String>,
}

impl Voice for Terminal {
    fn data(&mut self, text: &str) {
        self.end_bar();
        let mut out = std::io::stdout().lock();
        // A reader that went away (`| head`) is no error of ours.
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    fn say(&mut self, line: &str) {
        self.end_bar();
        eprintln!("{line}");
    }

    fn progress(&mut self, label: &str, done: u64, total: u64) {
        if !std::io::stderr().is_terminal() {
            // One line when the work is done, for a log.
            if total > 0 && done >= total && self.ended.as_deref() != Some(label) {
                self.ended = Some(label.to_owned());
                eprintln!("{label}: {done} of {total}");
            }
            return;
        }
        if self.bar.as_ref().is_none_or(|(name, _)| name != label) {
            self.end_bar();
            let bar = ProgressBar::new(total).with_style(
                ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.set_message(label.to_owned());
            self.bar = Some((label.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    fn ask(&mut self, what: &str, secret: bool) -> Answer<String> {
        self.end_bar();
        Terminal::read(what, secret).map_err(|_| nobody_to_ask(what))
    }
}

impl Terminal {
    /// One line from the person at the terminal.
    fn read(what: &str, secret: bool) -> std::io::Result<String> {
        if secret {
            return rpassword::prompt_password(format!("{what}: "));
        }
        if !std::io::stdin().is_terminal() {
            return Err(std::io::ErrorKind::NotConnected.into());
        }
        eprint!("{what}: ");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    fn end_bar(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.end_bar();
    }
}
