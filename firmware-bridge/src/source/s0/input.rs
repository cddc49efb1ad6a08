//! Where pulses come from: a GPIO line of this machine, or a counter that sends a line a pulse.
//!
//! A listener runs beside the polls, so that no pulse waits for one: a thread for a GPIO line
//! (the kernel stamps each edge and keeps up to 1,024 of them), a task for a stream. It ends when
//! the source is dropped. When it fails, the next poll says why and starts it again.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use gpiocdev::{
    Request,
    line::{Bias, EdgeDetection, EdgeKind, EventClock},
};

use super::pulses::Debounce;
use crate::source::{SourceError, port::Port};

/// Edges the kernel keeps for us.
const KERNEL_EDGES: u32 = 1024;
/// How often the thread looks whether it should end, and lets the contact settle.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A line of a stream that is longer is noise.
const MAX_LINE: usize = 16;

/// Where pulses come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A GPIO line.
    Gpio(Gpio),
    /// A port with a line a pulse.
    Stream {
        /// As in [`Port::open`].
        port: String,
        /// Its speed.
        baud: u32,
        /// What such a line says; none for an empty line or `1`.
        pulse: Option<String>,
    },
}

/// A GPIO line with a contact on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpio {
    /// `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// Its number on the chip.
    pub line: u32,
    /// Does the contact pull the line down? The pull-up of the chip is switched on then.
    pub active_low: bool,
    /// How long the contact has to be still.
    pub debounce: Duration,
}

/// What a listener has counted.
#[derive(Debug, Default)]
pub struct Heard {
    /// Pulses since the listener began.
    pub pulses: u64,
    /// Edges that were lost, or lines that are no pulse.
    pub doubtful: u64,
    /// The last line that is no pulse, for a person.
    pub strange: Option<String>,
    /// Why it ended.
    pub failed: Option<String>,
}

/// A running listener.
#[derive(Debug)]
pub struct Listener {
    heard: Arc<Mutex<Heard>>,
    stop: Arc<AtomicBool>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`SourceError::Gone`] when the line cannot be had.
    pub async fn start(input: &Input) -> Result<Self, SourceError> {
        let heard = Arc::<Mutex<Heard>>::default();
        let stop = Arc::<AtomicBool>::default();
        let task = match input {
            Input::Gpio(gpio) => {
                let lost = |reason: String| gpio.gone(reason);
                let request = gpio.request().map_err(|error| lost(error.to_string()))?;
                let (heard, stop) = (Arc::clone(&heard), Arc::clone(&stop));
                let settle = gpio.debounce;
                std::thread::Builder::new()
                    .name("s0".to_owned())
                    .spawn(move || watch(&request, settle, &heard, &stop))
                    .map_err(|error| lost(error.to_string()))?;
                None
            }
            Input::Stream { port, baud, pulse } => {
                let port = Port::open(port, *baud).await?;
                let lines = Lines::of(pulse.clone());
                Some(tokio::spawn(follow(port, lines, Arc::clone(&heard))))
            }
        };
        Ok(Listener { heard, stop, task })
    }

    /// Takes what was counted since the last time.
    pub fn take(&self) -> Heard {
        std::mem::take(&mut *locked(&self.heard))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Gpio {
    fn request(&self) -> gpiocdev::Result<Request> {
        let mut builder = Request::builder();
        builder
            .on_chip(&self.chip)
            .with_consumer("firmware-bridge")
            .with_line(self.line)
            .as_input()
            .with_edge_detection(EdgeDetection::BothEdges)
            .with_event_clock(EventClock::Monotonic)
            .with_kernel_event_buffer_size(KERNEL_EDGES);
        if self.active_low {
            builder.as_active_low().with_bias(Bias::PullUp);
        }
        builder.request()
    }

    fn gone(&self, reason: String) -> SourceError {
        SourceError::Gone {
            device: format!("{} line {}", self.chip.display(), self.line),
            reason,
            hint: "look at `gpioinfo`: is the line there, free, and the group `gpio` yours?",
        }
    }
}

fn locked(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts the pulses of a GPIO line until it is told to stop or the line fails.
fn watch(request: &Request, settle: Duration, heard: &Mutex<Heard>, stop: &AtomicBool) {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let mut contact: Option<(Debounce, Instant, u64)> = None;
    let (mut given, mut number) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let event = match request.wait_edge_event(LOOK_EVERY) {
            Ok(true) => request.read_edge_event().map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        match event {
            Ok(Some(event)) => {
                let at_us = event.timestamp_ns / 1000;
                let (contact, read_at, edge_us) = contact.get_or_insert_with(|| {
                    (Debounce::new(micros(settle), 0), Instant::now(), at_us)
                });
                contact.edge(event.kind == EdgeKind::Rising, at_us);
                (*read_at, *edge_us) = (Instant::now(), at_us);
                // The kernel numbers the edges; a jump says that its buffer was full.
                let lost = event.line_seqno.wrapping_sub(number).saturating_sub(1);
                if number != 0 && lost > 0 {
                    locked(heard).doubtful += u64::from(lost);
                }
                number = event.line_seqno;
            }
            Ok(None) => {
                if let Some((contact, read_at, edge_us)) = &mut contact {
                    contact.settle(edge_us.saturating_add(micros(read_at.elapsed())));
                }
            }
            Err(error) => {
                locked(heard).failed = Some(error.to_string());
                return;
            }
        }
        let pulses = contact.as_ref().map_or(0, |(contact, ..)| contact.pulses());
        if pulses > given {
            locked(heard).pulses += pulses - given;
            given = pulses;
        }
    }
}

/// Counts the lines of a stream until it fails.
async fn follow(mut port: Port, mut lines: Lines, heard: Arc<Mutex<Heard>>) {
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if let Err(error) = port.read(&mut buffer).await {
            locked(&heard).failed = Some(error.to_string());
            return;
        }
        let mut heard = locked(&heard);
        for byte in &buffer {
            match lines.push(*byte) {
                Some(Line::Pulse) => heard.pulses += 1,
                Some(Line::Strange(line)) => {
                    heard.doubtful += 1;
                    heard.strange = Some(line);
                }
                None => {}
            }
        }
    }
}

/// Tells pulses from noise in a stream. A line ends with a line feed, a carriage return or both.
#[derive(Debug, Default)]
struct Lines {
    /// What a pulse says; none for an empty line or `1`.
    pulse: Option<String>,
    line: Vec<u8>,
    /// The line before ended with a carriage return, to which a line feed may belong.
    returned: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Pulse,
    /// As it can be shown.
    Strange(String),
}

impl Lines {
    fn of(pulse: Option<String>) -> Self {
        Lines {
            pulse,
            ..Lines::default()
        }
    }

    fn push(&mut self, byte: u8) -> Option<Line> {
        let belongs = std::mem::replace(&mut self.returned, byte == b'\r') && byte == b'\n';
        if belongs {
            return None;
        }
        if byte != b'\n' && byte != b'\r' {
            if self.line.len() <= MAX_LINE {
                self.line.push(byte);
            }
            return None;
        }
        let line = std::mem::take(&mut self.line);
        let said = line.trim_ascii();
        let is_pulse = match &self.pulse {
            Some(pulse) => said == pulse.as_bytes(),
            None => matches!(said, b"" | b"1"),
        };
        Some(match is_pulse {
            true => Line::Pulse,
            false => Line::Strange(said.escape_ascii().to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(pulse: Option<&str>, stream: &[u8]) -> Vec<bool> {
        let mut lines = Lines::of(pulse.map(str::to_owned));
        let ends = stream.iter().filter_map(|byte| lines.push(*byte));
        ends.map(|line| line == Line::Pulse).collect()
    }

    #[test]
    fn noise_on_a_stream_is_no_pulse() {
        let stream = b"\n1\r\n\xff\x80\n 1 \n11\n1111111111111111111111111111\n\n1";
        assert_eq!(
            ends(None, stream),
            [true, true, false, true, false, false, true]
        );
    }

    #[test]
    fn a_line_ends_with_either_sign_and_says_what_the_counter_says() {
        assert_eq!(ends(None, b"\r\r\n\n1\r1\r"), [true; 5]);
        let pulse = Some("PULSE");
        assert_eq!(
            ends(pulse, b"PULSE\r\nPULSE\n\nPULS\n1\n"),
            [true, true, false, false, false]
        );
        let mut lines = Lines::default();
        let strange = b"a\xff\n".iter().find_map(|byte| lines.push(*byte));
        assert_eq!(strange, Some(Line::Strange("a\\xff".into())));
    }
}
