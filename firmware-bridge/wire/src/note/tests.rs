//! Golden bytes of version 1, and everything that is not them.

use super::*;
use proptest::prelude::*;
use std::{
    string::{String, ToString as _},
    vec::Vec,
};

const GOLDEN: &str = "\
commonwatt/reading/v1
gw elmore-1 boot 7 seq 48213
prev 000102030405060708090a0b0c0d0e0f
now 2026-11-22T10:30:00.250Z S
lost boot 7 seq 48100 to 48199 reads 1000
r 2.8.0 2026-11-22T10:30:00Z G 345678 Wh 2410 W M123456
r 1.8.0 2026-11-22T10:29:59.001Z O 12345678 Wh - W Zähler 7, links
r 2.8.1 1970-01-01T00:00:00Z G 0 Wh -12 W 5 W M1

— commonwatt/gw/elmore-1 ";

fn key() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

fn golden_head() -> Head<'static> {
    Head {
        gateway: "elmore-1",
        boot: 7,
        seq: 48_213,
        prev: Some(Link([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])),
        now_ms: 1_795_343_400_250,
        clock: ClockLetter::Synced,
    }
}

fn golden_reads() -> [Read<'static>; 3] {
    let read = |meter, register, at_ms, state, wh, w| Read {
        meter,
        register,
        at_ms,
        state,
        wh,
        w,
    };
    let good = MeterState::Good;
    let export = Register::EXPORT;
    [
        read(
            "M123456",
            export,
            1_795_343_400_000,
            good,
            345_678,
            Some(2_410),
        ),
        read(
            "Zähler 7, links",
            Register::IMPORT,
            1_795_343_399_001,
            MeterState::OutOfRange,
            12_345_678,
            None,
        ),
        read("5 W M1", Register(2, 8, 1), 0, good, 0, Some(-12)),
    ]
}

const GOLDEN_LOSS: Loss = Loss {
    boot: 7,
    first: 48_100,
    last: 48_199,
    reads: 1_000,
};

fn write(head: &Head<'_>, losses: &[Loss], reads: &[Read<'_>]) -> Result<Vec<u8>, NoteError> {
    let mut buffer = [0; 8_192];
    let mut writer = NoteWriter::begin(&mut buffer, head)?;
    losses.iter().try_for_each(|loss| writer.lost(loss))?;
    reads.iter().try_for_each(|read| writer.read(read))?;
    let used = writer.sign(&key())?;
    Ok(buffer[..used].to_vec())
}

fn golden() -> Vec<u8> {
    write(&golden_head(), &[GOLDEN_LOSS], &golden_reads()).unwrap()
}

#[test]
fn version_1_keeps_its_bytes() {
    let note = golden();
    let text = String::from_utf8(note.clone()).unwrap();
    let signature = text.strip_prefix(GOLDEN).unwrap();
    let link = Hex(&Link::to(&note).0).to_string();
    assert_eq!((signature, &*link), (GOLDEN_SIGNATURE, GOLDEN_LINK));

    let read = Note::parse(&note).unwrap();
    assert_eq!(read.head(), golden_head());
    assert_eq!(read.losses().collect::<Vec<_>>(), [GOLDEN_LOSS]);
    assert_eq!(read.reads().collect::<Vec<_>>(), golden_reads());
    assert!(read.verifies(&key().public()));
    assert!(!read.verifies(&SecretKey::from_seed(&[8; 32]).public()));
}

#[test]
fn a_first_note_without_reads_is_a_note() {
    let head = Head {
        boot: 0,
        seq: 1,
        prev: None,
        ..golden_head()
    };
    let note = write(&head, &[], &[]).unwrap();
    let read = Note::parse(&note).unwrap();
    assert_eq!((read.head(), read.reads().count()), (head, 0));
}

#[test]
fn every_departure_from_the_one_spelling_is_refused() {
    let text = String::from_utf8(golden()).unwrap();
    for (from, to) in [
        ("boot 7", "boot 07"),
        ("boot 7", "boot +7"),
        ("seq 48213", "seq 0"),
        ("seq 48213", "seq 9007199254740992"),
        ("gw elmore-1", "gw elmore/1"),
        ("gw elmore-1", "gw elmore-2"),
        ("prev 00", "prev 0"),
        ("0a0b", "0A0B"),
        ("250Z S", "25Z S"),
        ("250Z S", "250Z X"),
        ("250Z S", "250Z S "),
        ("48100 to", "48200 to"),
        ("G 345678", "Q 345678"),
        ("345678 Wh", "345678.0 Wh"),
        ("345678 Wh", "-345678 Wh"),
        ("345678 Wh", "345.678 kWh"),
        ("2410 W", "+2410 W"),
        ("2410 W", "-0 W"),
        ("2410 W", "2147483648 W"),
        ("W M123456", "W "),
        ("W M123456", "W M\t123456"),
        ("r 2.8.0", "r 2.8"),
        ("r 2.8.0", "r 2.8.256"),
        ("r 2.8.0", "r  2.8.0"),
        ("\nr 1.8.0", "\n\nr 1.8.0"),
        ("\n\n—", "\n—"),
        ("— commonwatt", "- commonwatt"),
        ("gw/elmore-1", "gw/elmore-2"),
        (
            "\nlost",
            "\nr 2.8.0 2026-11-22T10:30:00Z G 1 Wh - W A\nlost",
        ),
        ("\n", "\r\n"),
        ("v1\n", "v01\n"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        assert!(Note::parse(other.as_bytes()).is_err(), "{from} -> {to}");
    }
    for other in [
        std::format!("{text}\n"),
        std::format!("{text}— other {GOLDEN_SIGNATURE}"),
        text.trim_end().to_string(),
        text.replacen("=\n", "\n", 1),
    ] {
        assert!(Note::parse(other.as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn a_newer_version_is_told_apart_from_noise() {
    let newer = b"commonwatt/reading/v2\nwhatever comes";
    assert!(Note::is_claimed_by(newer));
    assert_eq!(Note::parse(newer).unwrap_err(), NoteError::Version(2));
    assert_eq!(
        Note::parse(br#"{"boot":7}"#).unwrap_err(),
        NoteError::NotANote
    );
}

#[test]
fn one_changed_bit_anywhere_is_noticed() {
    let note = golden();
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut other = note.clone();
            other[at] ^= 1 << bit;
            let believed = Note::parse(&other).is_ok_and(|note| note.verifies(&key().public()));
            assert!(!believed, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn what_a_note_cannot_carry_is_refused_when_it_is_written() {
    let [read, ..] = golden_reads();
    let head = golden_head();
    for (wrong, what) in [
        (Read { meter: "", ..read }, "meter"),
        (
            Read {
                meter: "a\nb",
                ..read
            },
            "meter",
        ),
        (
            Read {
                wh: MAX_INTEGER + 1,
                ..read
            },
            "wh",
        ),
        (
            Read {
                w: Some(i32::MIN),
                ..read
            },
            "w",
        ),
        (
            Read {
                at_ms: i64::MAX,
                ..read
            },
            "time",
        ),
    ] {
        assert_eq!(write(&head, &[], &[wrong]), Err(NoteError::Value(what)));
    }
    let unnamed = Head {
        gateway: "a b",
        ..head
    };
    assert_eq!(write(&unnamed, &[], &[]), Err(NoteError::Value("gateway")));
    let mut buffer = std::vec![0; MAX_NOTE_BYTES];
    let mut writer = NoteWriter::begin(&mut buffer, &head).unwrap();
    (0..MAX_READS).try_for_each(|_| writer.read(&read)).unwrap();
    assert_eq!(writer.read(&read), Err(NoteError::TooManyReads));
    assert_eq!(writer.lost(&GOLDEN_LOSS), Err(NoteError::Order));
}

#[test]
fn the_longest_lines_fit_the_bounds_that_are_given_for_them() {
    let name = "g".repeat(crate::MAX_GATEWAY_BYTES);
    let head = Head {
        gateway: &name,
        boot: MAX_INTEGER,
        seq: MAX_INTEGER,
        ..golden_head()
    };
    let meter = "m".repeat(MAX_METER_BYTES);
    let read = Read {
        meter: &meter,
        register: Register(255, 255, 255),
        at_ms: 1_795_343_400_250,
        state: MeterState::Good,
        wh: MAX_INTEGER,
        w: Some(-i32::MAX),
    };
    let frame = write(&head, &[], &[]).unwrap().len();
    assert!(frame <= MAX_FRAME_BYTES, "{frame}");
    let line = write(&head, &[], &[read]).unwrap().len() - frame;
    assert!(line <= MAX_READ_LINE_BYTES, "{line}");
    const { assert!(MAX_FRAME_BYTES + MAX_READS * MAX_READ_LINE_BYTES <= MAX_NOTE_BYTES) };
    let mut small = [0; 100];
    assert!(matches!(
        NoteWriter::begin(&mut small, &head),
        Err(NoteError::Full)
    ));
}

prop_compose! {
    fn some_read()(
        meter in "[ -~äß€]{1,20}",
        register in any::<(u8, u8, u8)>(),
        at_ms in FIRST_MS..=LAST_MS,
        state in proptest::sample::select(&b"NGTDRMXIOSEF"[..]),
        wh in 0..=MAX_INTEGER,
        w in proptest::option::of(-i32::MAX..=i32::MAX),
    ) -> (String, Register, i64, MeterState, u64, Option<i32>) {
        let state = MeterState::from_letter(&char::from(state).to_string()).unwrap();
        (meter, Register(register.0, register.1, register.2), at_ms, state, wh, w)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_reads_back(
        reads in proptest::collection::vec(some_read(), 0..8),
        boot in 0..=MAX_INTEGER,
        seq in 1..=MAX_INTEGER,
        now_ms in FIRST_MS..=LAST_MS,
        prev in proptest::option::of(any::<[u8; 16]>()),
        lost in proptest::collection::vec((0..9u64, 1..9u64, 0..9u64, 0..9u64), 0..3),
    ) {
        let head = Head {
            gateway: "g",
            boot,
            seq,
            prev: prev.map(Link),
            now_ms,
            clock: ClockLetter::Relative,
        };
        let losses: Vec<_> = lost
            .into_iter()
            .map(|(boot, first, more, reads)| Loss { boot, first, last: first + more, reads })
            .collect();
        let reads: Vec<_> = reads
            .iter()
            .map(|&(ref meter, register, at_ms, state, wh, w)| Read {
                meter, register, at_ms, state, wh, w,
            })
            .collect();
        let bytes = write(&head, &losses, &reads).unwrap();
        let note = Note::parse(&bytes).unwrap();
        prop_assert_eq!(note.head(), head);
        prop_assert_eq!(note.losses().collect::<Vec<_>>(), losses);
        prop_assert_eq!(note.reads().collect::<Vec<_>>(), reads);
        prop_assert!(note.verifies(&key().public()));
    }
}

const GOLDEN_SIGNATURE: &str = "KqzsT1E0cUjpoQehON+6wy/C0VLoER41x4V0YWZmIKV7sKHfxCwWwxrM712aF/2Rl4dEusU/FctR9GQ/yYYgXm6rpQg=\n";
const GOLDEN_LINK: &str = "631b431900c41d28c8ebbb6e5c4fc502";
