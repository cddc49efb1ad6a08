//! Checking a whole segment, and telling how it ends: cleanly, in an unfinished group, in rot.

use crate::disk::DiskFile;
use crate::error::{Damage, DamageKind};
use crate::frame::{BLOCK, GroupHead, HEAD_BYTES, ROW_BYTES};
use crate::index::Index;
use crate::segment::SegmentHead;
use crate::walk::Walk;
use crate::{MAX_GROUP_BYTES, MAX_GROUP_RECORDS};
use std::io;
use std::sync::Arc;

/// Everything a segment holds, checked, and how it ends.
pub struct Scan {
    pub index: Index,
    /// Where the last whole group begins, if there is one.
    pub last: Option<(u64, usize)>,
    pub end: End,
}

/// How a segment ends.
pub enum End {
    /// In zeros, or with the file.
    Clean,
    /// With something that is not a whole group, up to this offset, and nothing after it that
    /// shows that a later group had been started: the last group, unfinished.
    Unfinished { damage: Damage, upto: u64 },
    /// With damage that a later group proves to have been on disk.
    Rot(Damage),
}

/// Checks a segment from its header to its end.
pub fn scan(head: &SegmentHead, file: &Arc<dyn DiskFile>) -> Result<Scan, Damage> {
    let mut walk = Walk::from_start(head, Arc::clone(file));
    let mut index = Index::new(head);
    let mut peaks = head.peaks.clone();
    let mut last = None;
    let end = loop {
        let at = walk.offset;
        let before = peaks.clone();
        match walk.next(|leaf| peaks.push(leaf)) {
            Ok((group, _)) => {
                index.add(&group, at);
                last = Some((at, group.padded_len()));
            }
            Err(damage) => {
                peaks = before;
                break ending(damage, &mut walk, file.as_ref())?;
            }
        }
    };
    index.peaks = peaks;
    Ok(Scan { index, last, end })
}

/// Bytes read at a time while looking at the end.
const SCAN_STEP: usize = 1 << 20;
static ZEROS: [u8; BLOCK] = [0; BLOCK];
/// The longest frame there can be.
const MAX_FRAME: u64 =
    (HEAD_BYTES + MAX_GROUP_RECORDS * ROW_BYTES + BLOCK) as u64 + MAX_GROUP_BYTES;

/// Tells a clean end from an unfinished group from rot. Group n+1 is started only when n is on
/// disk, so any byte that can only belong to a later group turns a damaged group into rot.
fn ending(mut damage: Damage, walk: &mut Walk, file: &dyn DiskFile) -> Result<End, Damage> {
    if matches!(damage.kind, DamageKind::Disk(_)) {
        return Err(damage);
    }
    let disk = |e: io::Error| Damage {
        record: walk.index,
        end: walk.index,
        file: walk.name.clone(),
        offset: walk.offset,
        kind: e.into(),
    };
    let start = walk.offset;
    let mut upto = None;
    let mut later = None;
    let mut block = vec![0u8; SCAN_STEP];
    let mut at = start;
    loop {
        let got = file.read_at(at, &mut block).map_err(disk)?;
        for (i, piece) in block[..got].chunks(BLOCK).enumerate() {
            // Nearly all of a segment's end is zeros: compared as memory, not byte by byte.
            if piece == &ZEROS[..piece.len()] {
                continue;
            }
            if let Some(last) = piece.iter().rposition(|b| *b != 0) {
                let offset = at + (i * BLOCK) as u64;
                upto = Some(offset + last as u64 + 1);
                let found = GroupHead::decode(&walk.tag, piece).filter(|g| g.number > walk.group);
                if later.is_none()
                    && let Some(group) = found
                {
                    later = Some(group.first);
                }
            }
        }
        at += got as u64;
        if got < block.len() {
            break;
        }
    }
    let Some(upto) = upto else {
        return Ok(End::Clean);
    };
    // Where its own header is whole, the group's extent is known, and it alone decides: a record
    // inside it may look like anything.
    let own = walk.window.get(start, HEAD_BYTES).map_err(disk)?;
    let own = GroupHead::decode(&walk.tag, own)
        .filter(|group| group.number == walk.group && group.first == walk.index)
        .filter(|group| {
            walk.previous
                .is_none_or(|previous| previous == group.previous)
        });
    let rot = match &own {
        Some(group) => upto > start + group.padded_len() as u64,
        None => later.is_some() || upto - start > MAX_FRAME,
    };
    if own.is_none() {
        damage.end = later.unwrap_or(damage.record);
    }
    Ok(if rot {
        End::Rot(damage)
    } else {
        End::Unfinished { damage, upto }
    })
}
