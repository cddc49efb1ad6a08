//! A copy of the journal up to one head, made while it is written. Closed segments never change;
//! of the active one only what was synced is taken. The copy counts when it has been opened and
//! checked from record 0.

use crate::disk::{Disk, DiskFile};
use crate::index::Summary;
use crate::mark::{FILE, FILE_BYTES, Mark};
use crate::reader::{Copied, CopyError, Reader};
use crate::segment::Kind;
use crate::survey;
use std::io;
use std::sync::Arc;

/// Bytes copied at a time.
const STEP: usize = 1 << 20;

/// Copies everything that was committed when it was called.
pub(crate) fn copy(
    reader: &Reader,
    target: Arc<dyn Disk>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Copied, CopyError> {
    let ours = |name: &String| name.ends_with(".seg") || name.ends_with(".zst") || name == FILE;
    if target.list()?.iter().any(ours) {
        return Err(CopyError::NotEmpty);
    }
    let (segments, expected, mark) = {
        let state = reader.shared.state();
        let closed = state.closed.iter().map(|c| (c.summary, c.kind));
        let active = std::iter::once((state.active.summary, Kind::Open));
        let groups = state.active.summary.first_group + state.active.summary.groups;
        let records = state.peaks.size();
        let mark = Mark {
            turn: 1,
            records,
            groups,
            hash: state.active.hash,
        };
        (
            closed.chain(active).collect::<Vec<_>>(),
            state.peaks.head(),
            mark,
        )
    };
    let total = expected.size * 2;
    let (mut files, mut bytes) = (0, 0);
    let mark_file = target.create(FILE, FILE_BYTES)?;
    mark_file.sync()?;
    target.sync_folder()?;
    for (summary, kind) in segments {
        bytes += copy_segment(reader, target.as_ref(), &summary, kind)?;
        files += 1;
        progress(summary.upto(), total);
    }
    mark.write(mark_file.as_ref())?;
    target.sync_folder()?;

    let copied = Reader::open(target).map_err(CopyError::Copy)?;
    let found = copied
        .verify(|done, _| progress(expected.size + done, total))?
        .head;
    if found != expected {
        return Err(CopyError::Head { found, expected });
    }
    Ok(Copied {
        head: found,
        files,
        bytes,
    })
}

fn copy_segment(
    reader: &Reader,
    target: &dyn Disk,
    summary: &Summary,
    mut kind: Kind,
) -> io::Result<u64> {
    let disk = &reader.shared.disk;
    loop {
        let name = kind.file_name(summary.first);
        let source = match disk.open(&name) {
            // It was compressed between looking and opening: take the compressed one.
            Err(e)
                if e.kind() == io::ErrorKind::NotFound
                    && kind == Kind::Open
                    && reader.kind_of(summary.first) == Some(Kind::Compressed) =>
            {
                kind = Kind::Compressed;
                continue;
            }
            other => other?,
        };
        let length = match kind {
            Kind::Open => summary.end,
            Kind::Compressed => source.len()?,
        };
        copy_file(source.as_ref(), target, &name, length)?;
        let sidecar = survey::index_name(summary.first);
        if kind == Kind::Open
            && let Ok(index) = disk.open(&sidecar)
        {
            copy_file(index.as_ref(), target, &sidecar, index.len()?)?;
        }
        return Ok(length);
    }
}

fn copy_file(source: &dyn DiskFile, target: &dyn Disk, name: &str, length: u64) -> io::Result<()> {
    let file = target.create(name, length)?;
    let mut buffer = vec![0; STEP.min(length as usize)];
    let mut at = 0;
    while at < length {
        let step = buffer.len().min((length - at) as usize);
        let got = source.read_at(at, &mut buffer[..step])?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_at(at, &buffer[..got])?;
        at += got as u64;
    }
    file.sync()
}
