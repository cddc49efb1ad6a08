//! The socket through which commands reach the daemon: `DATA/commonwatt.sock`, one thread a
//! command, at most [`MAX_COMMANDS`] at once.

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    cli::{self, socket::Remote, voice::Voice},
    clock::Clock,
};
use office::Office;

/// Commands that are served at once; one more is told to wait.
const MAX_COMMANDS: usize = 16;
/// How long a command may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(30);

/// The listening socket; dropping it takes it away.
pub struct CommandSocket {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Listens.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(path: &Path, office: Arc<Office>, clock: Clock) -> io::Result<CommandSocket> {
    // Left behind by a daemon that was killed: the folder's lock says that nobody listens there.
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let busy = Arc::new(AtomicUsize::new(0));
    let thread = std::thread::Builder::new().name("commands".to_owned()).spawn(move || {
        while !stopping.load(Ordering::Acquire) {
            let Ok((mut stream, _)) = listener.accept() else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            let (office, clock, busy) = (Arc::clone(&office), clock.clone(), Arc::clone(&busy));
            let place = busy.fetch_add(1, Ordering::AcqRel);
            let served = std::thread::Builder::new().name("command".to_owned()).spawn(move || {
                let _ = stream.set_nonblocking(false);
                let _ = stream.set_read_timeout(Some(PATIENCE));
                let _ = stream.set_write_timeout(Some(PATIENCE));
                match cli::socket::receive(&mut stream) {
                    Ok((request, files)) => {
                        let mut voice = Remote::new(stream);
                        let code = if place >= MAX_COMMANDS {
                            voice.say("error: too many commands at once\nhint: wait a moment and try again");
                            2
                        } else {
                            cli::serve(&request, &files, &office, clock.now(), &mut voice)
                        };
                        voice.exit(code);
                    }
                    Err(error) => tracing::debug!(%error, "a command broke off before it said what it wants"),
                }
                busy.fetch_sub(1, Ordering::AcqRel);
            });
            if let Err(error) = served {
                tracing::error!(%error, "a command could not be served");
            }
        }
    })?;
    Ok(CommandSocket {
        path: path.to_owned(),
        stop,
        thread: Some(thread),
    })
}

impl Drop for CommandSocket {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}
