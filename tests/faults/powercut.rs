//! A disk whose power can be cut.
//!
//! An ext4 in a file, mounted through a loop device. The cut stops the writer with all its threads,
//! waits until a sync that was under way has come back, shuts the file system down so that nothing
//! more reaches the image, and only then kills the writer. Without the stop a sync may finish in the
//! image and not in the writer's account, or the other way round. Mounting again replays the
//! file system's own journal, as after a real cut.
//!
//! Needs root, loop devices, mkfs.ext4 and python3.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a sync under way gets to come back after the stop.
const LET_SYNC_RETURN: Duration = Duration::from_millis(20);

/// An ext4 of its own.
pub struct Disk {
    folder: TempDir,
    mounted: bool,
}

impl Disk {
    /// A fresh disk; the image is sparse. `None` where the machine cannot mount one, which in CI is
    /// a failure.
    pub fn new(bytes: u64) -> Option<Self> {
        let mut disk = Disk {
            folder: tempfile::tempdir().unwrap(),
            mounted: false,
        };
        let image = std::fs::File::create(disk.image()).unwrap();
        image.set_len(bytes).unwrap();
        std::fs::create_dir(disk.path()).unwrap();
        let made = run(Command::new("mkfs.ext4")
            .args(["-q", "-F"])
            .arg(disk.image()));
        if made && disk.mount() {
            return Some(disk);
        }
        assert!(
            std::env::var_os("CI").is_none(),
            "this machine cannot mount an ext4 image\nhint: run as root with loop devices and e2fsprogs"
        );
        eprintln!("skipped: this machine cannot mount an ext4 image");
        None
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// A folder beside the disk that no cut touches.
    pub fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// Cuts the power under a writer and mounts the disk again. The writer is dead afterwards; its
    /// output pipes can still be drained.
    pub fn cut(&mut self, writer: &mut Child) {
        let pid = Pid::from_child(writer);
        kill_process(pid, Signal::STOP).unwrap();
        sleep(LET_SYNC_RETURN);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shutdown.py");
        assert!(
            run(Command::new("python3").arg(script).arg(self.path())),
            "the file system was not shut down"
        );
        writer.kill().unwrap();
        writer.wait().unwrap();
        self.unmount();
        assert!(self.mount(), "the disk does not mount again after the cut");
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount(&mut self) -> bool {
        let (image, path) = (self.image(), self.path());
        let mut mount = Command::new("mount");
        self.mounted = run(mount.args(["-o", "loop"]).arg(image).arg(path));
        self.mounted
    }

    fn unmount(&mut self) {
        for _ in 0..100 {
            if run(Command::new("umount").arg(self.path())) {
                self.mounted = false;
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("`{}` does not unmount", self.path().display());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily, because a test that failed may have left its writer running.
            run(Command::new("umount").arg("-l").arg(self.path()));
        }
    }
}

fn run(command: &mut Command) -> bool {
    let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}
