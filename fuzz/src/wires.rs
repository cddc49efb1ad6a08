//! What a gateway and the daemon say to each other: signed notes, enrolments, frames.

use std::sync::LazyLock;

use wire::{
    Note, NoteWriter, PublicKey, SecretKey,
    enrol::{
        Code, Enrolment, MAX_ENROL_BYTES, Rotation, is_known, write_enrolment, write_known,
        write_rotation,
    },
    frame::{FrameRead, FrameReader, FrameWriter, MAX_FRAME_BYTES},
    note::{ClockLetter, Head, Link, Loss, MAX_NOTE_BYTES, MAX_READS, MeterState, Read, Register},
};

static KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::from_seed(&[7; 32]));
static PUBLIC: LazyLock<PublicKey> = LazyLock::new(|| KEY.public());

/// What is accepted is printed back to the same bytes, but for the signature; and only what the key
/// signed is believed.
pub fn note(input: &[u8]) -> bool {
    let Ok(note) = Note::parse(input) else {
        return false;
    };
    let reads: Vec<_> = note.reads().collect();
    assert!(input.len() <= MAX_NOTE_BYTES && reads.len() <= MAX_READS);
    let mut buffer = vec![0; input.len() + 512];
    let mut writer = NoteWriter::begin(&mut buffer, &note.head()).expect("its head can be written");
    for loss in note.losses() {
        writer.lost(&loss).expect("its losses can be written");
    }
    for read in &reads {
        writer.read(read).expect("its reads can be written");
    }
    let used = writer.sign(&KEY).expect("what was read fits");
    let again = &buffer[..used];
    let text = |bytes: &[u8]| {
        let end = bytes.windows(2).rposition(|two| two == b"\n\n");
        bytes[..end.expect("a note has an empty line")].to_vec()
    };
    assert_eq!(text(again), text(input), "a note has one spelling");
    if note.verifies(&PUBLIC) {
        assert_eq!(again, input, "a key signs one text in one way");
    }
    true
}

pub fn note_seeds() -> Vec<Vec<u8>> {
    let head = Head {
        gateway: "elmore-1",
        boot: 7,
        seq: 42,
        prev: Some(Link([0xab; 16])),
        now_ms: 1_795_343_400_250,
        clock: ClockLetter::Synced,
    };
    let read = Read {
        meter: "Zähler 7",
        register: Register::EXPORT,
        at_ms: 1_795_343_400_000,
        state: MeterState::Good,
        wh: 345_678,
        w: Some(-12),
    };
    let loss = Loss {
        boot: 6,
        first: 1,
        last: 40,
        reads: 400,
    };
    let bare = Head { prev: None, ..head };
    let write = |head: &Head<'_>, losses: &[Loss], reads: &[Read<'_>]| {
        let mut buffer = [0; 4_096];
        let mut writer = NoteWriter::begin(&mut buffer, head).expect("a seed is well made");
        for loss in losses {
            writer.lost(loss).expect("a seed is well made");
        }
        for read in reads {
            writer.read(read).expect("a seed is well made");
        }
        let used = writer.sign(&KEY).expect("a seed is well made");
        buffer[..used].to_vec()
    };
    vec![
        write(&head, &[loss], &[read, Read { w: None, ..read }]),
        write(&bare, &[], &[]),
    ]
}

pub fn enrolment(input: &[u8]) -> bool {
    let code = Code::from_random(&[9; 16]);
    let mut buffer = [0; MAX_ENROL_BYTES];
    if let Ok(asked) = Enrolment::parse(input) {
        if asked.key == *PUBLIC && asked.proves(&code.hash()) {
            let used = write_enrolment(
                &mut buffer,
                asked.gateway,
                &KEY,
                asked.token.as_ref(),
                &code,
            )
            .expect("what was read can be written");
            assert_eq!(&buffer[..used], input, "an enrolment has one spelling");
        }
        return true;
    }
    Rotation::parse(input).is_ok()
}

pub fn enrolment_seeds() -> Vec<Vec<u8>> {
    let mut buffer = [0; MAX_ENROL_BYTES];
    let code = Code::from_random(&[9; 16]);
    let used = write_enrolment(&mut buffer, "elmore-1", &KEY, Some(&[1; 32]), &code)
        .expect("a seed is well made");
    let first = buffer[..used].to_vec();
    let new = SecretKey::from_seed(&[8; 32]);
    let used = write_rotation(&mut buffer, "elmore-1", &KEY, &new).expect("a seed is well made");
    vec![first, buffer[..used].to_vec()]
}

/// Keys and codes as people and files hand them over, and the daemon's answer.
pub fn key_text(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else {
        return false;
    };
    let known = is_known(input, &PUBLIC.fingerprint());
    if let Ok(code) = Code::parse(text) {
        assert_eq!(Code::parse(code.reveal()), Ok(code));
        return true;
    }
    if let Ok((gateway, key)) = PublicKey::parse(text) {
        let mut buffer = [0; wire::key::MAX_VERIFIER_BYTES];
        assert_eq!(key.verifier(gateway, &mut buffer), Some(text));
        return true;
    }
    known
}

pub fn key_text_seeds() -> Vec<Vec<u8>> {
    let mut buffer = [0; wire::key::MAX_VERIFIER_BYTES];
    let key = PUBLIC.verifier("elmore-1", &mut buffer);
    let mut answer = [0; 256];
    let used = write_known(&mut answer, [PUBLIC.fingerprint()]).expect("an answer fits");
    vec![
        key.expect("a key fits").as_bytes().to_vec(),
        Code::from_random(&[9; 16]).reveal().as_bytes().to_vec(),
        answer[..used].to_vec(),
    ]
}

/// Whatever is on the line, the frame after it comes whole.
pub fn frame(input: &[u8]) -> bool {
    let mut reader = FrameReader::new();
    let mut found = false;
    for byte in input {
        if let Some(frame) = reader.push(*byte) {
            found = true;
            let mut writer = FrameWriter::new(frame.number, frame.uptime_ms);
            for read in frame.reads() {
                writer.read(&read).expect("what was read can be written");
            }
        }
    }
    let _ = reader.push(0);
    let mut whole = 0;
    for byte in &frame_seeds()[0] {
        whole += usize::from(reader.push(*byte).is_some());
    }
    assert_eq!(whole, 1, "a frame after noise comes whole");
    found
}

pub fn frame_seeds() -> Vec<Vec<u8>> {
    let read = FrameRead {
        meter: "M123456",
        register: Register::EXPORT,
        state: MeterState::Good,
        age_ms: 250,
        wh: 345_678,
        w: Some(-2_410),
    };
    let frame = |number, reads: &[FrameRead<'_>]| {
        let mut writer = FrameWriter::new(number, 60_000);
        for read in reads {
            writer.read(read).expect("a seed is well made");
        }
        let mut buffer = [0; MAX_FRAME_BYTES];
        let used = writer.finish(&mut buffer).expect("a seed is well made");
        buffer[..used].to_vec()
    };
    vec![
        frame(1, &[read, FrameRead { w: None, ..read }]),
        frame(2, &[]),
    ]
}
