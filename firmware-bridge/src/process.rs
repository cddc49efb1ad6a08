//! Which process wrote something, and whether it still runs.
//!
//! Linux gives a number again once its process is gone, so the moment at which the process began
//! belongs to it. Somebody in another container sees other numbers: where the two do not share them,
//! nothing is said.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// When it began, in clock ticks since the machine did.
    began: u64,
    /// Whose numbers these are.
    space: String,
}

impl Process {
    /// This one; none where Linux does not say.
    pub fn own() -> Option<Process> {
        let id = std::process::id();
        Some(Process {
            id,
            began: began(id)?,
            space: space()?,
        })
    }

    /// Does it still run? None where that cannot be known from here.
    pub fn runs(&self) -> Option<bool> {
        if space()? != self.space {
            return None;
        }
        Some(began(self.id) == Some(self.began))
    }
}

/// Field 22 of `/proc/PID/stat`; the second may hold blanks and brackets. A process that is dead and
/// not yet waited for (`Z`) runs no more.
fn began(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, behind) = text.rsplit_once(") ")?;
    let mut fields = behind.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn space() -> Option<String> {
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(link.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ended_or_another_with_its_number_is_not_it() {
        let own = Process::own().unwrap();
        assert_eq!(own.runs(), Some(true));
        let later = Process {
            began: own.began + 1,
            ..own.clone()
        };
        assert_eq!(later.runs(), Some(false));
        let elsewhere = Process {
            space: "pid:[1]".into(),
            ..own
        };
        assert_eq!(elsewhere.runs(), None);
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let seen = Process {
            id: child.id(),
            began: began(child.id()).unwrap(),
            space: space().unwrap(),
        };
        assert_eq!(seen.runs(), Some(true));
        child.kill().unwrap();
        while seen.runs() == Some(true) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(seen.runs(), Some(false));
    }
}
