//! A disk in memory that can lose power, tear writes, run full, fail and lie.
//!
//! A file has the bytes a reader sees and the bytes that survive; between them lies a set of
//! sectors not yet synced. A crash keeps, loses or garbles each of those, as the seed says. Names
//! become durable in the order they were changed, as a journaling file system does it.

use super::{Disk, DiskFile};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a sector is: the unit that a power cut keeps or loses whole.
const SECTOR: usize = 512;

/// What a power cut does to sectors that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashStyle {
    /// Everything unsynced is lost.
    LoseAll,
    /// Everything unsynced is kept.
    KeepAll,
    /// Each unsynced sector is kept or lost, in any order.
    Reorder,
    /// As `Reorder`, and some of the sectors hold garbage.
    Garble,
}

/// Which operation fails. Operations are counted from 1, from when the plan was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// This write fails, after writing half of its bytes.
    pub write: Option<u64>,
    /// This sync, of a file or the folder, fails and forgets what was unsynced, as a kernel does.
    pub sync: Option<u64>,
    /// This create, rename, remove or cut fails.
    pub name: Option<u64>,
    /// Syncs confirm and keep nothing.
    pub lie: bool,
    /// This byte of all that is written turns a bit over on its way, and no error is reported.
    pub flip: Option<u64>,
}

/// A folder in memory; clones share it. See the module's text.
#[derive(Clone)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

type FileId = u64;

struct State {
    files: BTreeMap<FileId, Stored>,
    /// What names mean to a running program.
    names: BTreeMap<String, FileId>,
    /// What names mean after a crash, and the changes that are not durable yet, in order.
    durable_names: BTreeMap<String, FileId>,
    name_changes: Vec<NameChange>,
    next_id: FileId,
    /// Bytes that may be allocated in all.
    capacity: u64,
    plan: FaultPlan,
    writes: u64,
    written: u64,
    syncs: u64,
    name_operations: u64,
    /// Rises at each crash: handles from before it are dead.
    life: u64,
    locked: bool,
}

/// A change of names that is on disk whole or not at all.
#[derive(Clone)]
struct NameChange {
    set: Option<(String, FileId)>,
    gone: Option<String>,
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<String, FileId>) {
        if let Some(gone) = self.gone {
            names.remove(&gone);
        }
        if let Some((name, id)) = self.set {
            names.insert(name, id);
        }
    }
}

#[derive(Clone, Default)]
struct Stored {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: BTreeSet<usize>,
}

impl Default for MemoryDisk {
    fn default() -> MemoryDisk {
        MemoryDisk::new()
    }
}

impl MemoryDisk {
    /// An empty folder with room for 1 GiB.
    pub fn new() -> MemoryDisk {
        let state = State {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_changes: Vec::new(),
            next_id: 0,
            capacity: 1 << 30,
            plan: FaultPlan::default(),
            writes: 0,
            written: 0,
            syncs: 0,
            name_operations: 0,
            life: 0,
            locked: false,
        };
        MemoryDisk {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// As an `Arc<dyn Disk>`.
    pub fn shared(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// Sets how many bytes may be allocated in all.
    pub fn set_capacity(&self, bytes: u64) {
        self.lock_state().capacity = bytes;
    }

    /// Bytes allocated in all files.
    pub fn used(&self) -> u64 {
        self.lock_state().used()
    }

    /// Sets which operations fail from now on, counted from now on.
    pub fn set_plan(&self, plan: FaultPlan) {
        let mut state = self.lock_state();
        state.plan = plan;
        (state.writes, state.syncs, state.name_operations) = (0, 0, 0);
        state.written = 0;
    }

    /// Writes, syncs and name operations since the plan was set.
    pub fn operations(&self) -> (u64, u64, u64) {
        let state = self.lock_state();
        (state.writes, state.syncs, state.name_operations)
    }

    /// The power goes and comes back. Open handles are dead, the lock is free, the fault plan is
    /// gone, and what was not synced is kept, lost or garbled as `style` and `seed` say.
    pub fn crash(&self, style: CrashStyle, seed: u64) {
        let mut dice = Dice(seed ^ 0x9e37_79b9_7f4a_7c15);
        let mut state = self.lock_state();
        let state = &mut *state;
        let kept = match style {
            CrashStyle::LoseAll => 0,
            CrashStyle::KeepAll => state.name_changes.len(),
            _ => dice.below(state.name_changes.len() as u64 + 1) as usize,
        };
        for change in state.name_changes.drain(..).take(kept) {
            change.apply(&mut state.durable_names);
        }
        state.names = state.durable_names.clone();
        let named: BTreeSet<FileId> = state.names.values().copied().collect();
        state.files.retain(|id, _| named.contains(id));
        for file in state.files.values_mut() {
            file.crash(style, &mut dice);
        }
        state.plan = FaultPlan::default();
        state.life += 1;
        state.locked = false;
    }

    /// A second disk with the same durable and visible content, for trying many ends of one story.
    pub fn fork(&self) -> MemoryDisk {
        let state = self.lock_state();
        let copy = State {
            files: state.files.clone(),
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            name_changes: state.name_changes.clone(),
            life: state.life,
            locked: false,
            plan: FaultPlan::default(),
            writes: 0,
            written: 0,
            syncs: 0,
            name_operations: 0,
            ..*state
        };
        MemoryDisk {
            state: Arc::new(Mutex::new(copy)),
        }
    }

    /// The names, sorted, those in `cut/` too.
    pub fn names(&self) -> Vec<String> {
        self.lock_state().names.keys().cloned().collect()
    }

    /// Changes a file behind everybody's back, durably: what rot, a misdirected write or an old
    /// block does. Makes the file when it is not there.
    pub fn edit<R>(&self, name: &str, change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let mut state = self.lock_state();
        let id = match state.names.get(name) {
            Some(id) => *id,
            None => {
                let id = state.add(Stored::default());
                state.names.insert(name.into(), id);
                state.durable_names.insert(name.into(), id);
                id
            }
        };
        let file = state.files.get_mut(&id).expect("a name has a file");
        let result = change(&mut file.seen);
        file.durable = file.seen.clone();
        file.unsynced.clear();
        result
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, state: &State, id: FileId) -> Arc<dyn DiskFile> {
        Arc::new(MemoryFile {
            disk: self.clone(),
            id,
            life: state.life,
        })
    }
}

impl Disk for MemoryDisk {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut state = self.lock_state();
        if std::mem::replace(&mut state.locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Unlock {
            disk: self.clone(),
            life: state.life,
        }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self
            .lock_state()
            .names
            .keys()
            .filter(|name| !name.contains('/'))
            .cloned()
            .collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.lock_state();
        let id = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.handle(&state, id))
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.lock_state();
        state.name_operation()?;
        if state.used() + bytes > state.capacity {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let seen = vec![0; bytes as usize];
        // The length of a file that was never synced does not survive.
        let id = state.add(Stored {
            seen,
            durable: Vec::new(),
            unsynced: BTreeSet::new(),
        });
        state.change(NameChange {
            set: Some((name.into(), id)),
            gone: None,
        });
        Ok(self.handle(&state, id))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock_state();
        state.name_operation()?;
        let id = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change(NameChange {
            set: Some((to.into(), id)),
            gone: Some(from.into()),
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock_state();
        state.name_operation()?;
        state.change(NameChange {
            set: None,
            gone: Some(name.into()),
        });
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.lock_state();
        let state = &mut *state;
        state.sync_operation()?;
        if !state.plan.lie {
            for change in state.name_changes.drain(..) {
                change.apply(&mut state.durable_names);
            }
        }
        Ok(())
    }
}

impl State {
    fn used(&self) -> u64 {
        self.names
            .values()
            .map(|id| self.files[id].seen.len() as u64)
            .sum()
    }

    fn add(&mut self, file: Stored) -> FileId {
        self.next_id += 1;
        self.files.insert(self.next_id, file);
        self.next_id
    }

    fn change(&mut self, change: NameChange) {
        change.clone().apply(&mut self.names);
        self.name_changes.push(change);
    }

    fn name_operation(&mut self) -> io::Result<()> {
        self.name_operations += 1;
        fails(
            self.plan.name,
            self.name_operations,
            "the planned name operation",
        )
    }

    fn sync_operation(&mut self) -> io::Result<()> {
        self.syncs += 1;
        fails(self.plan.sync, self.syncs, "the planned sync")
    }
}

fn fails(planned: Option<u64>, now: u64, what: &str) -> io::Result<()> {
    if planned == Some(now) {
        Err(io::Error::other(format!("{what} failed")))
    } else {
        Ok(())
    }
}

impl Stored {
    fn crash(&mut self, style: CrashStyle, dice: &mut Dice) {
        let mut after = std::mem::take(&mut self.durable);
        let keeps_length = match style {
            CrashStyle::LoseAll => false,
            CrashStyle::KeepAll => true,
            _ => dice.below(2) == 0,
        };
        if keeps_length {
            after.resize(self.seen.len(), 0);
        }
        for sector in std::mem::take(&mut self.unsynced) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(self.seen.len()).min(after.len());
            if start >= end {
                continue;
            }
            let fate = match style {
                CrashStyle::LoseAll => 1,
                CrashStyle::KeepAll => 0,
                CrashStyle::Reorder => dice.below(2),
                CrashStyle::Garble => dice.below(3),
            };
            match fate {
                0 => after[start..end].copy_from_slice(&self.seen[start..end]),
                2 => after[start..end].fill_with(|| dice.next() as u8),
                _ => {}
            }
        }
        self.seen = after.clone();
        self.durable = after;
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    id: FileId,
    life: u64,
}

impl MemoryFile {
    fn with<R>(&self, act: impl FnOnce(&mut State, FileId) -> io::Result<R>) -> io::Result<R> {
        let mut state = self.disk.lock_state();
        if state.life != self.life {
            return Err(io::Error::other("the power went while this file was open"));
        }
        act(&mut state, self.id)
    }
}

impl DiskFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|state, id| Ok(state.files[&id].seen.len() as u64))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.with(|state, id| {
            let seen = &state.files[&id].seen;
            let from = (offset as usize).min(seen.len());
            let got = into.len().min(seen.len() - from);
            into[..got].copy_from_slice(&seen[from..from + got]);
            Ok(got)
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with(|state, id| {
            state.writes += 1;
            let outcome = fails(state.plan.write, state.writes, "the planned write");
            let bytes = if outcome.is_err() {
                &bytes[..bytes.len() / 2]
            } else {
                bytes
            };
            let already = state.written;
            state.written += bytes.len() as u64;
            let flip = state.plan.flip.and_then(|byte| byte.checked_sub(already));
            let flip = flip.map(|at| at as usize).filter(|at| *at < bytes.len());
            let (from, to) = (offset as usize, offset as usize + bytes.len());
            let grows = (to as u64).saturating_sub(state.files[&id].seen.len() as u64);
            if grows > 0 && state.used() + grows > state.capacity {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let file = state.files.get_mut(&id).expect("an open file is kept");
            if file.seen.len() < to {
                file.seen.resize(to, 0);
            }
            file.seen[from..to].copy_from_slice(bytes);
            if let Some(flip) = flip {
                file.seen[from + flip] ^= 1;
            }
            if from < to {
                file.unsynced.extend(from / SECTOR..=(to - 1) / SECTOR);
            }
            outcome
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state, id| {
            let outcome = state.sync_operation();
            let lies = state.plan.lie;
            let file = state.files.get_mut(&id).expect("an open file is kept");
            if outcome.is_err() {
                // The kernel marks the pages clean: a later sync would confirm them all the same.
                file.unsynced.clear();
            } else if !lies {
                let length = file.seen.len();
                file.durable.resize(length, 0);
                for sector in std::mem::take(&mut file.unsynced) {
                    let (from, to) = (sector * SECTOR, ((sector + 1) * SECTOR).min(length));
                    if from < to {
                        file.durable[from..to].copy_from_slice(&file.seen[from..to]);
                    }
                }
            }
            outcome
        })
    }

    fn cut(&self, keep: u64, bytes: u64) -> io::Result<()> {
        self.with(|state, id| {
            state.name_operation()?;
            let had = state.files[&id].seen.len() as u64;
            let keep = keep.min(had);
            if state.used() - had + bytes.max(keep) > state.capacity {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let file = state.files.get_mut(&id).expect("an open file is kept");
            file.seen.truncate(keep as usize);
            file.seen.resize(bytes.max(keep) as usize, 0);
            let sectors = (keep as usize / SECTOR)..(had as usize).div_ceil(SECTOR);
            file.unsynced.extend(sectors);
            Ok(())
        })
    }
}

struct Unlock {
    disk: MemoryDisk,
    life: u64,
}

impl Drop for Unlock {
    fn drop(&mut self) {
        let mut state = self.disk.lock_state();
        if state.life == self.life {
            state.locked = false;
        }
    }
}

/// SplitMix64: a small generator whose stories replay from their seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}
