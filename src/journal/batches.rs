//! Walking committed records, segment by segment, by position or by time.

use crate::error::{Damage, DamageKind};
use crate::index::{Stretch, meets};
use crate::pack::Run;
use crate::reader::Reader;
use crate::records::Records;
use crate::segment::{Kind, SegmentHead};
use crate::survey;
use crate::walk::{PackWalk, Walk};
use std::ops::Range;

/// The batches of a journal from an index on. Ends at what was committed when it was made, or
/// after the first damage.
pub struct Batches {
    pub(crate) reader: Reader,
    pub(crate) next: u64,
    pub(crate) upto: u64,
    pub(crate) times: Option<Range<i64>>,
    pub(crate) source: Option<Source>,
    pub(crate) ended: bool,
}

/// An open segment and how far it has been read.
pub(crate) struct Source {
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
            None => match survey::read_index(disk.as_ref(), place.kind, &head, file.as_ref()) {
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
pub(crate) struct Place {
    pub kind: Kind,
    pub first: u64,
    pub upto: u64,
    /// The stretches of the active segment, whose index is in memory only.
    pub active: Option<Vec<Stretch>>,
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
