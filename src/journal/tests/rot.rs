//! Bytes that change behind the journal's back: always noticed, never a wrong record, no panic.

use crate::{contents, filled, open, thorough};
use commonwatt_journal::{FaultPlan, MemoryDisk, Reader};

/// Reads the records from `from` to `to`; a wrong one is never among them.
fn reads_right(reader: &Reader, all: &[Vec<u8>], from: u64, to: u64) -> bool {
    for batch in reader.batches(from) {
        let Ok(batch) = batch else { return false };
        for record in batch.iter() {
            assert_eq!(
                record.bytes, all[record.index as usize],
                "a wrong record was given out"
            );
            if record.index >= to {
                return true;
            }
        }
    }
    true
}

/// Where the frames of a segment begin, and where the last one ends.
fn frames(image: &[u8], compressed: bool) -> Vec<usize> {
    let number = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
    let tag = &image[4_096..4_104];
    let mut starts = vec![4_096];
    let mut at = 4_096;
    while image.get(at..at + 8) == Some(tag) {
        at += if compressed {
            68 + number(at + 24)
        } else {
            (112 + number(at + 32) * 8 + number(at + 36)).next_multiple_of(4_096)
        };
        starts.push(at);
    }
    starts
}

/// Flips one bit in every byte of every segment and reads what lies there.
fn flip_every_byte(compressed: bool, bytes: u64, step: usize) -> u64 {
    let disk = MemoryDisk::new();
    let all = filled(&disk, bytes);
    let (journal, _) = open(&disk).unwrap();
    if compressed {
        journal.compactor().compact_closed().unwrap();
    }
    let reader = journal.reader();
    let suffix = if compressed { ".zst" } else { ".seg" };
    let names: Vec<_> = disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(suffix))
        .collect();
    let is_segment = |name: &&String| name.ends_with(".zst") || name.ends_with(".seg");
    let segments = disk.names();
    let firsts = segments
        .iter()
        .filter(is_segment)
        .map(|name| name[..20].parse().unwrap());
    let firsts: Vec<u64> = firsts.collect();
    let mut flipped = 0;
    for (i, name) in names.iter().enumerate() {
        let first = firsts[i];
        let end = firsts.get(i + 1).copied().unwrap_or(all.len() as u64);
        // Where each group lies, so that only it is read again.
        let mut places = Vec::new();
        for batch in reader.batches(first) {
            let batch = batch.unwrap();
            let (from, to) = (
                batch.iter().next().unwrap().index,
                batch.iter().last().unwrap().index,
            );
            if from >= end {
                break;
            }
            places.push((from, to));
        }
        let image = disk.edit(name, |bytes| bytes.clone());
        let starts = frames(&image, compressed);
        let length = if compressed {
            image.len()
        } else {
            starts[starts.len() - 1]
        };
        for at in (0..length).step_by(step) {
            disk.edit(name, |bytes| bytes[at] ^= 1 << (at % 8));
            // The group whose frame holds the byte; in headers and indexes, any group of the file.
            let place = starts
                .partition_point(|start| *start <= at)
                .saturating_sub(1);
            let (from, to) = places[place.min(places.len() - 1)];
            let noticed = !reads_right(&reader, &all, from, to);
            assert!(
                noticed,
                "{name} byte {at}: not noticed reading {from}..={to}"
            );
            disk.edit(name, |bytes| bytes[at] ^= 1 << (at % 8));
            flipped += 1;
        }
    }
    assert_eq!(contents(&reader).unwrap(), all, "every flip was undone");
    flipped
}

#[test]
fn every_byte_of_a_journal_flipped_is_noticed() {
    let step = if thorough() { 1 } else { 251 };
    let flipped = flip_every_byte(false, 1 << 20, step);
    println!("{flipped} bytes of an open journal flipped, {flipped} noticed");
}

#[test]
fn every_byte_of_a_compressed_journal_flipped_is_noticed() {
    let step = if thorough() { 1 } else { 251 };
    let flipped = flip_every_byte(true, 1 << 20, step);
    println!("{flipped} bytes of a compressed journal flipped, {flipped} noticed");
}

#[test]
fn swapped_and_zeroed_blocks_are_noticed_by_the_start_or_by_reading() {
    let disk = MemoryDisk::new();
    let all = filled(&disk, 200 << 10);
    let check = |case: &str, damaged: &MemoryDisk| match open(damaged) {
        Err(_) => {}
        Ok((journal, _)) => {
            let reader = journal.reader();
            let noticed = !reads_right(&reader, &all, 0, u64::MAX);
            assert!(noticed, "{case}: not noticed by reading");
            assert!(
                reader.verify(|_, _| {}).is_err(),
                "{case}: not noticed by verify"
            );
        }
    };
    for name in disk.names().iter().filter(|name| name.ends_with(".seg")) {
        let image = disk.edit(name, |bytes| bytes.clone());
        let used = image.len() - image.iter().rev().take_while(|b| **b == 0).count();
        let blocks = used.div_ceil(4_096);
        for a in 0..blocks {
            let zeroed = disk.fork();
            zeroed.edit(name, |bytes| bytes[a * 4_096..(a + 1) * 4_096].fill(0));
            check(&format!("{name} block {a} zeroed"), &zeroed);
            let b = (a + 1) % blocks;
            let swapped = disk.fork();
            swapped.edit(name, |bytes| {
                let (x, y) = (a * 4_096, b * 4_096);
                bytes[x..x + 4_096].copy_from_slice(&image[y..y + 4_096]);
                bytes[y..y + 4_096].copy_from_slice(&image[x..x + 4_096]);
            });
            check(&format!("{name} blocks {a} and {b} swapped"), &swapped);
        }
    }
}

#[test]
fn a_missing_segment_is_named() {
    let disk = MemoryDisk::new();
    filled(&disk, 200 << 10);
    let segments: Vec<_> = disk
        .names()
        .into_iter()
        .filter(|n| n.ends_with(".seg"))
        .collect();
    for lost in &segments {
        let without = disk.fork();
        let first = open(&disk.fork()).map(|(j, _)| j.head().size).unwrap();
        commonwatt_journal::Disk::remove(&without, lost).unwrap();
        let refused = open(&without)
            .err()
            .expect("a journal with a hole does not open")
            .to_string();
        assert!(
            refused.contains(lost.as_str()) || refused.contains(&first.to_string()),
            "{refused}"
        );
    }
}

#[test]
fn a_segment_of_another_journal_is_not_taken() {
    let (ours, theirs) = (MemoryDisk::new(), MemoryDisk::new());
    filled(&ours, 100 << 10);
    filled(&theirs, 100 << 10);
    // The same records in both: only the identity and what hangs on it differ.
    let name = ours
        .names()
        .into_iter()
        .filter(|n| n.ends_with(".seg"))
        .nth(1)
        .unwrap();
    let foreign = theirs.edit(&name, |bytes| bytes.clone());
    ours.edit(&name, |bytes| *bytes = foreign);
    let noticed = match open(&ours) {
        Err(_) => true,
        Ok((journal, _)) => journal.reader().verify(|_, _| {}).is_err(),
    };
    assert!(noticed, "a segment of another journal was taken");
}

#[test]
fn a_bit_turned_on_the_way_into_a_compressed_segment_leaves_the_open_one_in_place() {
    let disk = MemoryDisk::new();
    let all = filled(&disk, 100 << 10);
    // How much compressing writes.
    let probe = disk.fork();
    let (journal, _) = open(&probe).unwrap();
    let open_segments = |disk: &MemoryDisk| {
        let names = disk.names();
        names.iter().filter(|n| n.ends_with(".seg")).count()
    };
    let before = open_segments(&probe);
    journal.compactor().compact_closed().unwrap();
    let compressed = probe.names();
    let bytes: u64 = compressed
        .iter()
        .filter(|name| name.ends_with(".zst"))
        .map(|name| probe.edit(name, |bytes| bytes.len() as u64))
        .sum();
    let mut refused = 0;
    for flip in (0..bytes).step_by(if thorough() { 1 } else { 97 }) {
        let disk = disk.fork();
        let (journal, _) = open(&disk).unwrap();
        disk.set_plan(FaultPlan {
            flip: Some(flip),
            ..FaultPlan::default()
        });
        let outcome = journal.compactor().compact_closed();
        disk.set_plan(FaultPlan::default());
        assert!(outcome.is_err(), "byte {flip} of {bytes} turned unnoticed");
        assert!(open_segments(&disk) > 0 && open_segments(&disk) <= before);
        assert_eq!(contents(&journal.reader()).unwrap(), all);
        refused += 1;
    }
    assert!(refused > 100);
}
