//! Files of a journal: one of them is replaced by the input, then the folder is opened, read whole,
//! verified and appended to.
//!
//! [`open`] leaves checksums alone: whatever it changes must be found, so a record that is read is
//! the one that was written. [`sealed`] makes checksums and hashes right, as only a forger could:
//! there the claim is that nothing panics and that a journal which opens takes records. [`packed`]
//! does either, by its first bit, to a compressed segment; sealed, its input is what is inside the
//! compression.
//!
//! An input is the number of the file, then its bytes; zeros at its end are left out.
//!
//! Opening a folder takes a hundred times as long as decoding a frame, so [`segment`], [`group`],
//! [`frame`], [`index`] and [`mark`] give the same bytes to one decoder each. The first byte of
//! their input says by its first bit whether checksums and hashes are made right.

use std::{cell::RefCell, sync::OnceLock};

use journal::{Journal, MIN_SEGMENT_BYTES, MemoryDisk, Options, Reader, Records, decoders};
use sha2::{Digest, Sha256};
use wire::leaf_hash;
use zstd::bulk::Compressor;

/// A segment's header, and the unit in which groups are laid out.
const BLOCK: usize = 4_096;
const GROUP_HEAD: usize = 112;
const PACK_HEAD: usize = 68;
/// Where the summary's end and the first stretch stand in an index without peaks.
const INDEX_END_AT: usize = 56;
const INDEX_COUNT_AT: usize = 112;
const IDENTITY: [u8; 16] = *b"a fixed journal!";
const NOON: i64 = 1_781_524_800_000;

/// A folder to begin with.
struct Base {
    disk: MemoryDisk,
    files: Vec<(String, Vec<u8>)>,
}

fn options() -> Options {
    Options {
        segment_bytes: MIN_SEGMENT_BYTES,
        expect_at_least: 0,
    }
}

/// The records of every base.
fn original(index: u64) -> Vec<u8> {
    let length = usize::try_from(index * 37 % 300).unwrap_or(0);
    (0..length)
        .map(|n| u8::try_from(n % 7).unwrap_or(0) + u8::try_from(index).unwrap_or(0))
        .collect()
}

/// Three segments of a few groups, with an identity that is the same at every run.
fn plain() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let disk = MemoryDisk::new();
        let (mut journal, _) =
            Journal::open(disk.shared(), options()).expect("a new journal opens");
        let mut index = 0;
        for group in 0..8 {
            let mut records = Records::new();
            for _ in 0..=group % 3 {
                records.push(&original(index));
                index += 1;
            }
            journal
                .append_group(NOON + group * 1_000, &records)
                .expect("memory takes it");
        }
        journal.close().expect("memory takes it");
        let mut files = files(&disk);
        for (name, bytes) in &mut files {
            if is_segment(name) {
                bytes[16..32].copy_from_slice(&IDENTITY);
                seal_segment(bytes);
            } else if is_index(name) {
                bytes[8..24].copy_from_slice(&IDENTITY);
                seal_index(bytes);
            }
        }
        let base = base(files);
        assert_eq!(
            read_all(&Reader::open(base.disk.fork().shared()).expect("it opens")),
            Some(index)
        );
        base
    })
}

/// The same with its closed segments compressed.
fn compressed() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let disk = plain().disk.fork();
        let (journal, _) = Journal::open(disk.shared(), options()).expect("the base opens");
        assert!(
            journal.compactor().compact_closed().is_ok_and(|n| n > 0),
            "a segment is compressed"
        );
        journal.close().expect("memory takes it");
        base(files(&disk))
    })
}

fn base(files: Vec<(String, Vec<u8>)>) -> Base {
    let disk = MemoryDisk::new();
    for (name, bytes) in &files {
        disk.edit(name, |file| file.clone_from(bytes));
    }
    Base { disk, files }
}

fn files(disk: &MemoryDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.names().into_iter().filter(|name| name != "reserve");
    names
        .map(|name| (name.clone(), disk.edit(&name, |file| file.clone())))
        .collect()
}

fn has_magic(bytes: &[u8]) -> bool {
    bytes.starts_with(b"CWJ")
}

fn is_index(name: &str) -> bool {
    name.ends_with(".idx")
}

fn is_segment(name: &str) -> bool {
    !is_index(name) && name != "synced"
}

pub fn open(input: &[u8]) -> bool {
    let Some((disk, _)) = put(plain(), input, |_, _| ()) else {
        return false;
    };
    exercise(&disk, Some(original))
}

pub fn sealed(input: &[u8]) -> bool {
    let seal = |name: &str, bytes: &mut Vec<u8>| match name {
        "synced" => seal_mark(bytes),
        name if is_index(name) => seal_index(bytes),
        _ => seal_segment(bytes),
    };
    let Some((disk, _)) = put(plain(), input, seal) else {
        return false;
    };
    exercise(&disk, None)
}

pub fn packed(input: &[u8]) -> bool {
    let base = compressed();
    let Some((&which, rest)) = input.split_first() else {
        return false;
    };
    let place = usize::from(which & 0x7f) % base.files.len();
    let (name, file) = &base.files[place];
    let Some(frame) = (which & 0x80 != 0).then(|| frame_of(file)).flatten() else {
        let Some((disk, _)) = put(base, input, |_, _| ()) else {
            return false;
        };
        return exercise(&disk, Some(original));
    };
    let disk = base.disk.fork();
    let changed = repack(file, &frame, rest);
    disk.edit(name, |file| *file = changed);
    exercise(&disk, None)
}

pub fn open_seeds() -> Vec<Vec<u8>> {
    seeds(plain())
}

pub fn sealed_seeds() -> Vec<Vec<u8>> {
    seeds(plain())
}

pub fn packed_seeds() -> Vec<Vec<u8>> {
    let base = compressed();
    let mut all = seeds(base);
    for ((_, file), place) in base.files.iter().zip(0_u8..) {
        if let Some(frame) = frame_of(file) {
            let mut seed = vec![place | 0x80];
            seed.extend(frame.raw);
            all.push(seed);
        }
    }
    assert!(
        all.len() > base.files.len(),
        "a compressed segment is among the seeds"
    );
    all
}

fn seeds(base: &Base) -> Vec<Vec<u8>> {
    let trimmed = |bytes: &[u8]| bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    base.files
        .iter()
        .zip(0_u8..)
        .map(|((_, bytes), place)| [&[place], &bytes[..trimmed(bytes)]].concat())
        .collect()
}

/// The base with one file replaced.
fn put(
    base: &Base,
    input: &[u8],
    seal: impl Fn(&str, &mut Vec<u8>),
) -> Option<(MemoryDisk, usize)> {
    let (which, bytes) = input.split_first()?;
    let place = usize::from(*which) % base.files.len();
    let (name, file) = &base.files[place];
    let mut bytes = bytes.to_vec();
    // An index is exactly as long as it says.
    if bytes.len() < file.len() && !is_index(name) {
        bytes.resize(file.len(), 0);
    }
    seal(name, &mut bytes);
    let disk = base.disk.fork();
    disk.edit(name, |file| *file = bytes);
    Some((disk, place))
}

/// Opens and reads whatever is there; whether it opened. `truth` says what each record must be.
fn exercise(disk: &MemoryDisk, truth: Option<fn(u64) -> Vec<u8>>) -> bool {
    if let Ok(reader) = Reader::open(disk.shared()) {
        look(&reader, truth);
        let _ = reader.verify(|_, _| ());
        let _ = reader.between(NOON, NOON + 3_000).count();
    }
    let Ok((mut journal, opened)) = Journal::open(disk.shared(), options()) else {
        return false;
    };
    let reader = journal.reader();
    look(&reader, truth);
    let new = b"written after it was opened";
    if let Ok(appended) = journal.append_group(NOON + 60_000, &Records::one(&new[..])) {
        assert_eq!(appended.first, opened.head.size);
        if truth.is_some() {
            let last = reader.record(appended.first);
            assert!(
                matches!(&last, Ok(Some(record)) if record.bytes == new),
                "{last:?}"
            );
        }
    }
    true
}

fn look(reader: &Reader, truth: Option<fn(u64) -> Vec<u8>>) {
    for record in reader.read(0) {
        let Ok(record) = record else { break };
        if let Some(truth) = truth {
            assert_eq!(record.bytes, truth(record.index), "record {}", record.index);
        }
    }
    let _ = reader.record(3);
}

fn read_all(reader: &Reader) -> Option<u64> {
    let mut next = 0;
    for record in reader.read(0) {
        let record = record.ok()?;
        (record.bytes == original(record.index)).then_some(())?;
        next += 1;
    }
    Some(next)
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    let four = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
    usize::try_from(four.map_or(0, u32::from_le_bytes)).unwrap_or(usize::MAX)
}

fn put_u32(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

/// Makes the checksums and hashes of an open segment right, one group after the other.
fn seal_segment(bytes: &mut [u8]) {
    if bytes.len() < BLOCK || !has_magic(bytes) {
        return;
    }
    let crc = crc32c::crc32c(&bytes[..BLOCK - 4]);
    put_u32(bytes, BLOCK - 4, crc);
    let tag = Sha256::new()
        .chain_update([3])
        .chain_update(&bytes[16..40])
        .finalize();
    let mut previous: Option<Vec<u8>> = None;
    let mut at = BLOCK;
    while at + GROUP_HEAD <= bytes.len() && bytes[at..at + GROUP_HEAD].iter().any(|b| *b != 0) {
        let (count, body) = (u32_at(bytes, at + 32), u32_at(bytes, at + 36));
        if let Some(previous) = previous {
            bytes[at + 40..at + 72].copy_from_slice(&previous);
        }
        bytes[at..at + 8].copy_from_slice(&tag[..8]);
        let table = at + GROUP_HEAD;
        let records = table + count.min(1 << 20) * 8;
        let end = records + body;
        if end <= bytes.len() {
            let mut hash = Sha256::new()
                .chain_update([2])
                .chain_update(&bytes[at + 8..at + 72]);
            let mut from = records;
            for row in (table..records).step_by(8) {
                let upto = (from + u32_at(bytes, row)).min(end);
                let record = &bytes[from..upto];
                hash.update(leaf_hash(record));
                let crc = crc32c::crc32c(record);
                put_u32(bytes, row + 4, crc);
                from = upto;
            }
            bytes[at + 72..at + 104].copy_from_slice(&hash.finalize());
            let crc = crc32c::crc32c(&bytes[table..records]);
            put_u32(bytes, at + 104, crc);
        }
        let crc = crc32c::crc32c(&bytes[at..at + 108]);
        put_u32(bytes, at + 108, crc);
        previous = Some(bytes[at + 72..at + 104].to_vec());
        at = end.next_multiple_of(BLOCK);
    }
}

fn seal_index(bytes: &mut [u8]) {
    if let Some((body, crc)) = bytes.split_last_chunk_mut::<4>() {
        *crc = crc32c::crc32c(body).to_le_bytes();
    }
}

fn seal_mark(bytes: &mut [u8]) {
    for slot in [0, BLOCK] {
        if bytes.len() >= slot + 76 && has_magic(&bytes[slot..]) {
            let crc = crc32c::crc32c(&bytes[slot..slot + 72]);
            put_u32(bytes, slot + 72, crc);
        }
    }
}

/// The only compressed frame of a segment.
struct Frame {
    /// Where the index begins.
    index_at: usize,
    /// What is inside the compression.
    raw: Vec<u8>,
}

fn frame_of(file: &[u8]) -> Option<Frame> {
    let (_, trailer) = file.split_last_chunk::<20>()?;
    if file.starts_with(b"CWJSYNC") || !has_magic(file) {
        return None;
    }
    let index_at = u32_at(trailer, 0);
    let index = file.get(index_at..)?;
    if !index.starts_with(b"CWJINDX") || u32_at(index, INDEX_COUNT_AT) != 1 {
        return None;
    }
    let packed = file.get(BLOCK + PACK_HEAD..index_at)?;
    let raw = zstd::bulk::decompress(packed, 1 << 20).ok()?;
    Some(Frame { index_at, raw })
}

/// The segment with `raw` in its frame, everything that guards it made right.
fn repack(file: &[u8], frame: &Frame, raw: &[u8]) -> Vec<u8> {
    thread_local! {
        static PACKER: RefCell<Compressor<'static>> =
            RefCell::new(Compressor::new(1).expect("zstd takes memory for a context"));
    }
    let packed = PACKER.with_borrow_mut(|packer| packer.compress(raw));
    let packed = packed.expect("zstd packs from memory");
    let mut head = file[BLOCK..BLOCK + PACK_HEAD].to_vec();
    put_u32(
        &mut head,
        20,
        u32::try_from(raw.len()).expect("an input is short"),
    );
    put_u32(
        &mut head,
        24,
        u32::try_from(packed.len()).expect("an input is short"),
    );
    put_u32(&mut head, 28, crc32c::crc32c(&packed));
    let mut hash = Sha256::new().chain_update([4]).chain_update(&head[8..16]);
    let count = u32_at(&head, 16);
    let lengths = 4 + u32_at(raw, 0).min(256) * 20;
    let mut from = lengths + count * 4;
    for row in (0..count).map(|n| lengths + n * 4) {
        let upto = from.saturating_add(u32_at(raw, row));
        hash.update(leaf_hash(raw.get(from..upto).unwrap_or_default()));
        from = upto;
    }
    head[32..64].copy_from_slice(&hash.finalize());
    let crc = crc32c::crc32c(&head[..64]);
    put_u32(&mut head, 64, crc);

    let index_end = file.len() - 20;
    let mut index = file[frame.index_at..index_end].to_vec();
    let length = head.len() + packed.len();
    let end = u64::try_from(BLOCK + length).expect("an input is short");
    index[INDEX_END_AT..INDEX_END_AT + 8].copy_from_slice(&end.to_le_bytes());
    // A stretch's length stands before its two times, at the end of the index.
    let bytes_at = index.len() - 4 - 24;
    index[bytes_at..bytes_at + 8].copy_from_slice(&(end - BLOCK as u64).to_le_bytes());
    seal_index(&mut index);

    let mut trailer = [0; 20];
    trailer[..8].copy_from_slice(&end.to_le_bytes());
    trailer[8..16].copy_from_slice(&(index.len() as u64).to_le_bytes());
    let crc = crc32c::crc32c(&trailer[..16]);
    put_u32(&mut trailer, 16, crc);
    [&file[..BLOCK], &head, &packed, &index, &trailer].concat()
}

fn is_open(name: &str) -> bool {
    name.ends_with(".seg")
}

/// The first open segment of the base.
fn segment_file() -> &'static [u8] {
    let mut files = plain().files.iter();
    &files
        .find(|(name, _)| is_open(name))
        .expect("one is open")
        .1
}

/// The compressed segment that [`frame_of`] finds a frame in.
fn packed_file() -> &'static (Vec<u8>, Frame) {
    static FILE: OnceLock<(Vec<u8>, Frame)> = OnceLock::new();
    FILE.get_or_init(|| {
        let mut files = compressed().files.iter();
        files
            .find_map(|(_, file)| frame_of(file).map(|frame| (file.clone(), frame)))
            .expect("a segment is compressed")
    })
}

fn flagged(flag: u8, bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    [&[flag], &bytes[..end]].concat()
}

/// The input behind its flag, made as long as `least` with zeros.
fn parts(input: &[u8], least: usize) -> Option<(bool, Vec<u8>)> {
    let (flag, rest) = input.split_first()?;
    let mut bytes = rest.to_vec();
    if bytes.len() < least {
        bytes.resize(least, 0);
    }
    Some((flag & 1 == 1, bytes))
}

pub fn segment(input: &[u8]) -> bool {
    let Some((sealed, mut bytes)) = parts(input, BLOCK) else {
        return false;
    };
    let compressed = input[0] & 2 == 2;
    if sealed {
        let crc = crc32c::crc32c(&bytes[..BLOCK - 4]);
        put_u32(&mut bytes, BLOCK - 4, crc);
    }
    let Some(again) = decoders::segment(&bytes, compressed) else {
        return false;
    };
    assert_eq!(decoders::segment(&again, compressed).as_ref(), Some(&again));
    true
}

pub fn segment_seeds() -> Vec<Vec<u8>> {
    vec![
        flagged(0, &segment_file()[..BLOCK]),
        flagged(1, &segment_file()[..BLOCK - 4]),
        flagged(3, &packed_file().0[..BLOCK - 4]),
    ]
}

pub fn group(input: &[u8]) -> bool {
    let Some((sealed, bytes)) = parts(input, BLOCK) else {
        return false;
    };
    let mut file = [&segment_file()[..BLOCK], &bytes].concat();
    file.resize(file.len().next_multiple_of(BLOCK), 0);
    if sealed {
        seal_segment(&mut file);
    }
    let (head, frame) = file.split_at(BLOCK);
    let Some(again) = decoders::group(head, frame) else {
        return false;
    };
    assert_eq!(again, frame[..again.len()], "a group has one spelling");
    true
}

pub fn group_seeds() -> Vec<Vec<u8>> {
    let blocks = segment_file()[BLOCK..].chunks(BLOCK);
    let groups = blocks.filter(|block| block.iter().any(|b| *b != 0));
    groups
        .flat_map(|g| [flagged(0, g), flagged(1, g)])
        .collect()
}

pub fn frame(input: &[u8]) -> bool {
    let Some((sealed, bytes)) = parts(input, 0) else {
        return false;
    };
    let (file, frame) = packed_file();
    if !sealed {
        return decoders::packed(file, &bytes).is_some();
    }
    let file = repack(file, frame, &bytes);
    decoders::packed(&file, &file[BLOCK..]).is_some()
}

pub fn frame_seeds() -> Vec<Vec<u8>> {
    let (file, frame) = packed_file();
    vec![
        flagged(0, &file[BLOCK..frame.index_at]),
        flagged(1, &frame.raw),
    ]
}

pub fn index(input: &[u8]) -> bool {
    let Some((sealed, mut bytes)) = parts(input, 0) else {
        return false;
    };
    if sealed {
        seal_index(&mut bytes);
    }
    let Some(again) = decoders::index(segment_file(), &bytes) else {
        return false;
    };
    assert_eq!(again, bytes, "an index has one spelling");
    true
}

pub fn index_seeds() -> Vec<Vec<u8>> {
    let files = plain().files.iter().filter(|(name, _)| is_index(name));
    let all: Vec<Vec<u8>> = files
        .flat_map(|(_, bytes)| {
            [
                [&[0], bytes.as_slice()].concat(),
                [&[1], bytes.as_slice()].concat(),
            ]
        })
        .collect();
    assert!(!all.is_empty(), "a closed segment has an index");
    all
}

pub fn mark(input: &[u8]) -> bool {
    let Some((sealed, mut bytes)) = parts(input, 2 * BLOCK) else {
        return false;
    };
    if sealed {
        seal_mark(&mut bytes);
    }
    decoders::mark(&bytes).is_some()
}

pub fn mark_seeds() -> Vec<Vec<u8>> {
    let mut files = plain().files.iter();
    let (_, bytes) = files.find(|(name, _)| name == "synced").expect("a mark");
    vec![flagged(0, bytes), flagged(1, bytes)]
}
