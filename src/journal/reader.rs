//! Reading what is committed, while the committer writes.

use crate::disk::Disk;
use crate::error::{Damage, DamageKind, OpenError};
use crate::index::{Stretch, meets};
use crate::journal::{Closed, Shared, State};
use crate::records::Records;
use crate::segment::{End, Kind, PackWalk, SegmentHead, Walk};
use crate::{copy, recover, verify};
use std::ops::Range;
use std::sync::Arc;
use wire::Head;

/// Reads committed records; clones share the journal. It never looks beyond the last synced group.
#[derive(Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

/// Records that stand together in the journal, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) first: u64,
    pub(crate) records: Records,
    pub(crate) runs: Vec<Run>,
    pub(crate) wanted: Range<u64>,
    pub(crate) times: Option<Range<i64>>,
}

/// Consecutive records of one group in a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub group: u64,
    pub time_ms: i64,
    pub records: u32,
}

/// A record and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its index in the journal, from 0.
    pub index: u64,
    /// The time of its group, in milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
    /// Its bytes, as they were appended.
    pub bytes: &'a [u8],
}

/// A record with its own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRecord {
    /// Its index in the journal, from 0.
    pub index: u64,
    /// The time of its group, in milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
    /// Its bytes, as they were appended.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> + '_ {
        let times = self
            .runs
            .iter()
            .flat_map(|run| std::iter::repeat_n(run.time_ms, run.records as usize));
        let indexed = (self.first..).zip(self.records.iter()).zip(times);
        indexed
            .map(|((index, bytes), time_ms)| Record {
                index,
                time_ms,
                bytes,
            })
            .filter(|r| self.wanted.contains(&r.index))
            .filter(|r| {
                self.times
                    .as_ref()
                    .is_none_or(|times| times.contains(&r.time_ms))
            })
    }
}

/// The batches of a journal from an index on. Ends at what was committed when it was made, or
/// after the first damage.
pub struct Batches {
    reader: Reader,
    next: u64,
    upto: u64,
    times: Option<Range<i64>>,
    source: Option<Source>,
    ended: bool,
}

/// An open segment and how far it has been read.
struct Source {
    walk: Walker,
    /// One past the last record that may be read from it.
    upto: u64,
    stretches: Vec<Stretch>,
    stretch: usize,
}

enum Walker {
    Open(Walk),
    Compressed(PackWalk),
}

impl Iterator for Batches {
    type Item = Result<Batch, Damage>;

    fn next(&mut self) -> Option<Result<Batch, Damage>> {
        if self.ended {
            return None;
        }
        let item = self.step().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

impl Batches {
    fn step(&mut self) -> Result<Option<Batch>, Damage> {
        while self.next < self.upto {
            if self
                .source
                .as_ref()
                .is_none_or(|source| self.next >= source.upto)
            {
                self.source = None;
                if !self.open_source()? {
                    return Ok(None);
                }
            }
            let Some(source) = &mut self.source else {
                return Ok(None);
            };
            if let Some(times) = &self.times {
                source.skip(times);
                self.next = self.next.max(source.walk.index()).min(self.upto);
                if self.next >= source.upto {
                    continue;
                }
            }
            let (first, records, runs) = source.walk.next()?;
            let end = first + records.len() as u64;
            if end <= self.next {
                continue;
            }
            let wanted = self.next..end.min(self.upto);
            self.next = end;
            let batch = Batch {
                first,
                records,
                runs,
                wanted,
                times: self.times.clone(),
            };
            if self.times.is_none() || batch.iter().next().is_some() {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Opens the segment that holds the next record. Says no when no later segment meets the span.
    fn open_source(&mut self) -> Result<bool, Damage> {
        loop {
            let Some(place) = self.reader.locate(self.next, self.times.as_ref()) else {
                return Ok(false);
            };
            if place.first >= self.upto {
                return Ok(false);
            }
            self.next = self.next.max(place.first);
            match self.open_place(&place) {
                // It was compressed between looking and opening: look again.
                Err(Damage {
                    kind: DamageKind::Disk(e),
                    ..
                }) if e.kind() == std::io::ErrorKind::NotFound
                    && place.kind == Kind::Open
                    && self.reader.kind_of(place.first) == Some(Kind::Compressed) => {}
                Err(damage) => return Err(damage),
                Ok(source) => {
                    self.source = Some(source);
                    return Ok(true);
                }
            }
        }
    }

    fn open_place(&self, place: &Place) -> Result<Source, Damage> {
        let name = place.kind.file_name(place.first);
        let disk = &self.reader.shared.disk;
        let file = disk.open(&name).map_err(|e| Damage {
            record: self.next,
            end: place.upto,
            file: name,
            offset: 0,
            kind: e.into(),
        })?;
        let head = SegmentHead::read(place.kind, place.first, file.as_ref())?;
        if head.identity != self.reader.shared.identity {
            return Err(Damage {
                record: place.first,
                end: place.upto,
                file: place.kind.file_name(place.first),
                offset: 0,
                kind: DamageKind::Order("journal"),
            });
        }
        let stretches = match &place.active {
            Some(stretches) => stretches.clone(),
            None => match recover::read_index(disk.as_ref(), place.kind, &head, file.as_ref()) {
                Ok(index) => index.stretches,
                Err(damage) if place.kind == Kind::Compressed => return Err(damage),
                // Without its index an open segment is read from its start.
                Err(_) => Vec::new(),
            },
        };
        let mut source = Source {
            walk: match place.kind {
                Kind::Open => Walker::Open(Walk::from_start(&head, file)),
                Kind::Compressed => Walker::Compressed(PackWalk::from_start(&head, file)),
            },
            upto: place.upto.min(self.upto),
            stretches,
            stretch: 0,
        };
        let holds = source.stretches.partition_point(|s| s.first <= self.next);
        if holds > 1 {
            source.enter(holds - 1);
        }
        Ok(source)
    }
}

impl Source {
    /// Goes to the beginning of a stretch, or to the end.
    fn enter(&mut self, stretch: usize) {
        self.stretch = stretch;
        match self.stretches.get(stretch) {
            Some(to) => self.walk.jump(to),
            None => self.walk.end(self.upto),
        }
    }

    /// Passes over the stretches that do not meet the span.
    fn skip(&mut self, times: &Range<i64>) {
        while let Some(stretch) = self.stretches.get(self.stretch) {
            let inside = self.walk.offset() < stretch.offset + stretch.bytes;
            if inside && meets(stretch.times, times) {
                return;
            }
            if inside {
                self.enter(self.stretch + 1);
            } else {
                self.stretch += 1;
            }
        }
    }
}

impl Walker {
    fn next(&mut self) -> Result<(u64, Records, Vec<Run>), Damage> {
        match self {
            Walker::Open(walk) => {
                let (group, records) = walk.next(|_| {})?;
                let run = Run {
                    group: group.number,
                    time_ms: group.time_ms,
                    records: group.count,
                };
                Ok((group.first, records, vec![run]))
            }
            Walker::Compressed(walk) => {
                let (head, records, runs) = walk.next(|_| {})?;
                Ok((head.first, records, runs))
            }
        }
    }

    fn index(&self) -> u64 {
        match self {
            Walker::Open(walk) => walk.index,
            Walker::Compressed(walk) => walk.index,
        }
    }

    fn offset(&self) -> u64 {
        match self {
            Walker::Open(walk) => walk.offset,
            Walker::Compressed(walk) => walk.offset,
        }
    }

    fn jump(&mut self, to: &Stretch) {
        match self {
            Walker::Open(walk) => {
                (walk.offset, walk.index, walk.group) = (to.offset, to.first, to.group);
                walk.previous = None;
            }
            Walker::Compressed(walk) => (walk.offset, walk.index) = (to.offset, to.first),
        }
    }

    fn end(&mut self, upto: u64) {
        match self {
            Walker::Open(walk) => walk.index = upto,
            Walker::Compressed(walk) => walk.index = upto,
        }
    }
}

/// A segment as it was when it was looked up.
struct Place {
    kind: Kind,
    first: u64,
    upto: u64,
    /// The stretches of the active segment, whose index is in memory only.
    active: Option<Vec<Stretch>>,
}

/// What a full check found: everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The head, recomputed from the records.
    pub head: Head,
    /// Groups checked.
    pub groups: u64,
    /// Segments checked.
    pub segments: u64,
    /// Bytes of the records.
    pub bytes: u64,
}

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The head of the copy, recomputed from it.
    pub head: Head,
    /// Files copied.
    pub files: u64,
    /// Bytes copied.
    pub bytes: u64,
}

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The journal itself is damaged.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The copy does not open or is not what was copied.
    #[error("the copy is not good: {0}")]
    Copy(OpenError),
    /// The copy's head differs.
    #[error("the copy's head is `{found}`; expected `{expected}`")]
    Head {
        /// Head of the copy.
        found: Head,
        /// Head that was copied.
        expected: Head,
    },
    /// The target holds a journal already.
    #[error("the target holds files of a journal already; expected an empty folder")]
    NotEmpty,
    /// A disk refused.
    #[error("the copy failed: {0}")]
    Disk(#[from] std::io::Error),
}

impl Reader {
    /// Opens a journal that nobody writes, for reading only: nothing is changed, and an unfinished
    /// last group is left out.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Reader, OpenError> {
        let found = recover::survey(disk.as_ref())?;
        let Some(last) = found.last else {
            let missing = std::io::ErrorKind::NotFound.into();
            return Err(OpenError::Disk {
                what: "find a journal in the folder",
                source: missing,
            });
        };
        if let End::Rot(damage) = last.scan.end {
            return Err(damage.into());
        }
        let active = last.scan.index;
        let peaks = active.peaks.clone();
        let state = State {
            closed: found.closed,
            active,
            peaks,
        };
        Ok(Reader {
            shared: Arc::new(Shared::new(disk, last.head.identity, state)),
        })
    }

    /// Size and root of what is committed.
    pub fn head(&self) -> Head {
        let peaks = self.shared.state().peaks.clone();
        peaks.head()
    }

    /// Number of committed records.
    pub fn size(&self) -> u64 {
        self.shared.state().peaks.size()
    }

    /// Bytes of all segments, as far as they are written.
    pub fn bytes(&self) -> u64 {
        let state = self.shared.state();
        state.closed.iter().map(|c| c.summary.end).sum::<u64>() + state.active.summary.end
    }

    /// The committed records from this index on, checked, many at a time.
    pub fn batches(&self, from: u64) -> Batches {
        self.batches_in(from, None)
    }

    /// As [`batches`](Reader::batches), read and checked by a thread that works ahead: for replay.
    pub fn batches_ahead(
        &self,
        from: u64,
    ) -> impl Iterator<Item = Result<Batch, Damage>> + Send + use<> {
        /// Batches that wait for the caller.
        const AHEAD: usize = 8;
        let batches = self.batches(from);
        let (send, receive) = std::sync::mpsc::sync_channel(AHEAD);
        let thread = std::thread::Builder::new().name("journal-replay".into());
        let inline = thread.spawn(move || {
            for batch in batches {
                if send.send(batch).is_err() {
                    return;
                }
            }
        });
        // Where no thread can be had, the records are read on the spot.
        let inline = inline.is_err().then(|| self.batches(from));
        receive.into_iter().chain(inline.into_iter().flatten())
    }

    /// The records whose group's time lies in `from_ms..to_ms`, without reading what lies outside.
    pub fn between(&self, from_ms: i64, to_ms: i64) -> Batches {
        self.batches_in(0, Some(from_ms..to_ms))
    }

    /// The committed records from this index on, one at a time.
    pub fn read(&self, from: u64) -> impl Iterator<Item = Result<OwnRecord, Damage>> + use<> {
        self.batches(from).flat_map(|batch| {
            let (records, damage) = match batch {
                Ok(batch) => (batch.iter().map(OwnRecord::from).collect(), None),
                Err(damage) => (Vec::new(), Some(damage)),
            };
            records.into_iter().map(Ok).chain(damage.map(Err))
        })
    }

    /// One record; `None` beyond the end.
    pub fn record(&self, index: u64) -> Result<Option<OwnRecord>, Damage> {
        let batch = self.batches_in(index, None).next().transpose()?;
        Ok(batch.and_then(|batch| batch.iter().next().map(OwnRecord::from)))
    }

    /// Recomputes everything from record 0 with code of its own. `progress` is called with records
    /// checked and records in all.
    pub fn verify(&self, progress: impl FnMut(u64, u64)) -> Result<Verified, Damage> {
        verify::verify(self, progress)
    }

    /// Copies the journal up to the present head while it is written, then opens the copy and
    /// checks it from record 0. `progress` is called with the steps done and the steps in all: one
    /// for each record copied, one for each record checked.
    pub fn copy_to(
        &self,
        target: Arc<dyn Disk>,
        progress: impl FnMut(u64, u64),
    ) -> Result<Copied, CopyError> {
        copy::copy(self, target, progress)
    }

    fn batches_in(&self, from: u64, times: Option<Range<i64>>) -> Batches {
        let upto = self.size();
        Batches {
            reader: self.clone(),
            next: from,
            upto,
            times,
            source: None,
            ended: false,
        }
    }

    /// The segment that holds a record, or the first one after it that meets the span.
    fn locate(&self, record: u64, times: Option<&Range<i64>>) -> Option<Place> {
        let wanted = |at| times.is_none_or(|span| meets(at, span));
        let state = self.shared.state();
        let at = state.closed.partition_point(|c| c.summary.upto() <= record);
        if let Some(Closed { summary, kind }) =
            state.closed[at..].iter().find(|c| wanted(c.summary.times))
        {
            let (first, upto) = (summary.first, summary.upto());
            return Some(Place {
                kind: *kind,
                first,
                upto,
                active: None,
            });
        }
        let active = &state.active;
        (record < active.summary.upto() && wanted(active.summary.times)).then(|| Place {
            kind: Kind::Open,
            first: active.summary.first,
            upto: active.summary.upto(),
            active: Some(active.stretches.clone()),
        })
    }

    pub(crate) fn kind_of(&self, first: u64) -> Option<Kind> {
        let state = self.shared.state();
        state
            .closed
            .iter()
            .find(|c| c.summary.first == first)
            .map(|c| c.kind)
    }
}

impl From<Record<'_>> for OwnRecord {
    fn from(record: Record<'_>) -> OwnRecord {
        let Record {
            index,
            time_ms,
            bytes,
        } = record;
        OwnRecord {
            index,
            time_ms,
            bytes: bytes.to_vec(),
        }
    }
}
