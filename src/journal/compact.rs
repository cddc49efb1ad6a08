//! Compressing closed segments. The compressed file takes the open one's place only after all of
//! it has been read back and compared with the records, byte for byte.

use crate::disk::{Disk, DiskFile, read_exact};
use crate::error::{Damage, DamageKind};
use crate::frame::BLOCK;
use crate::index::{Index, Stretch, trailer};
use crate::journal::{Closed, Shared, is_full};
use crate::pack::{self, LEVEL, MAX_PACK_RECORDS, PACK_BYTES, PACK_HEAD_BYTES, PackHead, Run};
use crate::records::Records;
use crate::segment::{Kind, SegmentHead};
use crate::survey;
use crate::walk::Walk;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use wire::Hash;
use zstd::bulk::{Compressor, Decompressor};

/// Compressed bytes gathered before they are written and read back.
const WRITE_BYTES: usize = 1 << 20;

/// Bytes of records kept for the comparison; past that a write is made early.
const KEPT_BYTES: usize = 16 << 20;

/// A gentle compactor rests this long after each [`WRITE_BYTES`] it has read, so that it takes
/// about a third of one core and intake the rest.
const REST: Duration = Duration::from_millis(10);

/// Compresses closed segments.
#[derive(Clone)]
pub struct Compactor {
    shared: Arc<Shared>,
    gentle: bool,
    stop: Arc<AtomicBool>,
}

impl Compactor {
    pub(crate) fn new(shared: Arc<Shared>) -> Compactor {
        Compactor {
            shared,
            gentle: false,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    /// The same, working beside intake.
    pub(crate) fn gentle(self) -> Compactor {
        Compactor {
            gentle: true,
            ..self
        }
    }

    /// Ends a running [`compact_closed`](Compactor::compact_closed) soon; what is half done is
    /// left to the next start.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Compresses every closed segment that is not yet; returns how many were. Out of space leaves
    /// the segments as they are; any other failure of the disk stops intake.
    pub fn compact_closed(&self) -> Result<u64, Damage> {
        let mut done = 0;
        let _alone = self
            .shared
            .compacting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            let next = {
                let state = self.shared.state();
                state.closed.iter().find(|c| c.kind == Kind::Open).copied()
            };
            let Some(closed) = next else { return Ok(done) };
            let first = closed.summary.first;
            match self.compress(&closed) {
                Ok(true) => {}
                Ok(false) => {
                    let _ = self.shared.disk.remove(&temporary(first));
                    return Ok(done);
                }
                Err(damage) => {
                    let _ = self.shared.disk.remove(&temporary(first));
                    if let DamageKind::Disk(error) = &damage.kind
                        && !is_full(error)
                    {
                        let _ = self.shared.fail("compress a segment", error);
                    }
                    return Err(damage);
                }
            }
            done += 1;
        }
    }

    /// Says no when it was stopped.
    fn compress(&self, closed: &Closed) -> Result<bool, Damage> {
        let disk = self.shared.disk.as_ref();
        let summary = &closed.summary;
        let first = summary.first;
        let name = temporary(first);
        let own = |kind| Damage {
            record: first,
            end: summary.upto(),
            file: name.clone(),
            offset: 0,
            kind,
        };
        let disk_error = |e: io::Error| own(e.into());

        let source = disk
            .open(&Kind::Open.file_name(first))
            .map_err(disk_error)?;
        let head = SegmentHead::read(Kind::Open, first, source.as_ref())?;
        let target = disk.create(&name, 0).map_err(disk_error)?;
        let mut out = Output {
            file: target.as_ref(),
            bytes: head.encode(Kind::Compressed).to_vec(),
            written: 0,
            index: Index::new(&head),
            frame: Frame::default(),
            head: &head,
            packer: Compressor::new(LEVEL).map_err(disk_error)?,
            unpacker: Decompressor::new().map_err(disk_error)?,
            kept: Vec::new(),
            kept_bytes: 0,
        };
        let mut leaves = Vec::new();
        let mut walk = Walk::from_start(&head, source);
        let mut peaks = head.peaks.clone();
        let mut rested = 0;
        while walk.index < summary.upto() {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            if self.gentle && walk.offset >= rested + WRITE_BYTES as u64 {
                let read = (walk.offset - rested) / WRITE_BYTES as u64;
                rested = walk.offset;
                std::thread::sleep(REST * read as u32);
            }
            leaves.clear();
            let (group, records) = walk.next(|leaf| {
                peaks.push(leaf);
                leaves.push(leaf);
            })?;
            for (record, leaf) in records.iter().zip(&leaves) {
                out.push(group.number, group.time_ms, record, *leaf)
                    .map_err(own)?;
            }
            out.index.hash = group.hash;
        }
        out.index.peaks = peaks;
        let index = out.finish(summary.records, summary.groups).map_err(own)?;
        target.sync().map_err(disk_error)?;
        read_back(disk, &name, &head, &index)?;

        disk.rename(&name, &Kind::Compressed.file_name(first))
            .map_err(disk_error)?;
        disk.sync_folder().map_err(disk_error)?;
        {
            let mut state = self.shared.state();
            if let Some(entry) = state.closed.iter_mut().find(|c| c.summary.first == first) {
                *entry = Closed {
                    summary: index.summary,
                    kind: Kind::Compressed,
                };
            }
        }
        disk.remove(&Kind::Open.file_name(first))
            .map_err(disk_error)?;
        disk.remove(&survey::index_name(first))
            .map_err(disk_error)?;
        Ok(true)
    }
}

fn temporary(first: u64) -> String {
    format!("{first:020}.tmp")
}

/// The compressed file being written.
struct Output<'a> {
    file: &'a dyn DiskFile,
    bytes: Vec<u8>,
    written: u64,
    index: Index,
    frame: Frame,
    head: &'a SegmentHead,
    packer: Compressor<'static>,
    unpacker: Decompressor<'static>,
    /// The frames not yet written, to compare with what comes back.
    kept: Vec<Frame>,
    kept_bytes: usize,
}

/// The compressed frame being gathered.
#[derive(Default)]
struct Frame {
    records: Records,
    leaves: Vec<Hash>,
    runs: Vec<Run>,
}

impl Output<'_> {
    fn push(
        &mut self,
        group: u64,
        time_ms: i64,
        record: &[u8],
        leaf: Hash,
    ) -> Result<(), DamageKind> {
        let frame = &mut self.frame;
        frame.records.push(record);
        frame.leaves.push(leaf);
        match frame.runs.last_mut() {
            Some(run) if run.group == group => run.records += 1,
            _ => frame.runs.push(Run {
                group,
                time_ms,
                records: 1,
            }),
        }
        if frame.records.len() == MAX_PACK_RECORDS || frame.records.byte_len() >= PACK_BYTES {
            self.end_frame()?;
        }
        Ok(())
    }

    fn end_frame(&mut self) -> Result<(), DamageKind> {
        let frame = std::mem::take(&mut self.frame);
        let Frame {
            records,
            leaves,
            runs,
        } = &frame;
        let Some(group) = runs.first().map(|run| run.group) else {
            return Ok(());
        };
        let first = self.index.summary.first + self.index.summary.records;
        let tag = self.head.tag();
        let packed = pack::encode(&mut self.packer, &tag, first, records, leaves, runs)?;
        let times = runs.iter().map(|run| run.time_ms);
        let times = times.fold((i64::MAX, i64::MIN), |t, ms| (t.0.min(ms), t.1.max(ms)));
        let offset = self.written + self.bytes.len() as u64;
        self.index.add_stretch(Stretch {
            first,
            group,
            offset,
            bytes: packed.len() as u64,
            times,
        });
        self.index.summary.records += records.len() as u64;
        self.bytes.extend_from_slice(&packed);
        self.kept_bytes += records.byte_len();
        self.kept.push(frame);
        if self.bytes.len() >= WRITE_BYTES || self.kept_bytes >= KEPT_BYTES {
            self.write()
        } else {
            Ok(())
        }
    }

    /// Writes what is gathered, reads it back and compares it with what it was made of.
    fn write(&mut self) -> Result<(), DamageKind> {
        self.file.write_at(self.written, &self.bytes)?;
        let mut again = vec![0; self.bytes.len()];
        read_exact(self.file, self.written, &mut again)?;
        let head = if self.written == 0 { BLOCK } else { 0 };
        let mut rest = again.get(head..).ok_or(DamageKind::Missing)?;
        for frame in self.kept.drain(..) {
            let head = rest
                .get(..PACK_HEAD_BYTES)
                .and_then(|bytes| PackHead::decode(&self.head.tag(), bytes))
                .ok_or(DamageKind::Checksum("header"))?;
            let (records, runs) = pack::unpack(&mut self.unpacker, &head, rest)?;
            if records != frame.records || runs != frame.runs {
                return Err(DamageKind::Hash);
            }
            rest = rest.get(head.frame_len()..).ok_or(DamageKind::Missing)?;
        }
        self.kept_bytes = 0;
        self.written += self.bytes.len() as u64;
        self.bytes.clear();
        Ok(())
    }

    fn finish(mut self, records: u64, groups: u64) -> Result<Index, DamageKind> {
        self.end_frame()?;
        self.index.summary.groups = groups;
        debug_assert_eq!(
            self.index.summary.records, records,
            "every record went into a frame"
        );
        if self.index.summary.records == 0 {
            self.index.summary.end = BLOCK as u64;
        }
        let offset = self.written + self.bytes.len() as u64;
        let index = self.index.encode();
        self.bytes.extend_from_slice(&index);
        self.bytes
            .extend_from_slice(&trailer(offset, index.len() as u64));
        self.write()?;
        Ok(self.index)
    }
}

/// Reads the new file's head and index as any reader will.
fn read_back(disk: &dyn Disk, name: &str, head: &SegmentHead, index: &Index) -> Result<(), Damage> {
    let wrong = |kind| Damage {
        record: index.summary.first,
        end: index.summary.upto(),
        file: name.into(),
        offset: 0,
        kind,
    };
    let file = disk.open(name).map_err(|e| wrong(e.into()))?;
    let mut block = [0; BLOCK];
    read_exact(file.as_ref(), 0, &mut block).map_err(|e| wrong(e.into()))?;
    let again = SegmentHead::decode(Kind::Compressed, &block).map_err(wrong)?;
    let found = survey::read_index(disk, Kind::Compressed, &again, file.as_ref())?;
    if again == *head && found == *index {
        Ok(())
    } else {
        Err(wrong(DamageKind::Order("segment")))
    }
}
