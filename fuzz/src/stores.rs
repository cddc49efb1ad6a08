//! What the store keeps in its rows, inside the seal.

use domain::{
    calendar::Instant,
    metering::{DarkAnchor, FoldState, HeldJump, LastAccepted, Mark, Quality},
    quantity::WattHours,
};
use store::probe;

const NOON: Instant = Instant(1_781_524_800_000);

pub fn block(input: &[u8]) -> bool {
    probe::block(input)
}

pub fn block_seeds() -> Vec<Vec<u8>> {
    vec![
        probe::block_of(1, 1),
        probe::block_of(1, 60),
        probe::block_of(40, 3),
        probe::block_of(2, 2),
    ]
}

pub fn day(input: &[u8]) -> bool {
    probe::day(input)
}

pub fn day_seeds() -> Vec<Vec<u8>> {
    states()
        .iter()
        .map(|state| {
            let mut bytes = vec![1];
            bytes.extend(state.to_bytes());
            // The first half hour, four of them; two missing, one whole, one in part.
            bytes.extend([40, 4, 2, 215, 0, 1, 0, 1, 1, 43, 2, 60, 11, 100]);
            bytes
        })
        .collect()
}

pub fn findings(input: &[u8]) -> bool {
    probe::noticed(input)
}

pub fn findings_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        vec![1, 0, 1, 10, 0, 0],
        vec![1, 1, 0, 0, 0],
        vec![1, 2, 0, 3, 9, 0],
    ];
    // One finding of each number, with so many numbers after it; one of the lengths is right.
    for number in 0..16 {
        for length in 0..6 {
            let mut seed = vec![1, 1, 0, 0, 1, number];
            seed.extend([1, 1, 1, 1, 1, 1].iter().take(length));
            seeds.push(seed);
        }
    }
    seeds
}

pub fn fold_state(input: &[u8]) -> bool {
    let Ok(state) = FoldState::from_bytes(input) else {
        return false;
    };
    assert_eq!(state.to_bytes(), input, "a state has one spelling");
    true
}

pub fn fold_state_seeds() -> Vec<Vec<u8>> {
    states()
        .iter()
        .map(|state| state.to_bytes().to_vec())
        .collect()
}

fn states() -> Vec<FoldState> {
    let mark = Mark {
        at: NOON,
        wh: WattHours(1_548),
    };
    let last = LastAccepted {
        at: NOON,
        wh: WattHours(1_500),
        quality: Quality::Manual,
        since: NOON,
    };
    let full = FoldState {
        upto: NOON,
        last: Some(last),
        jump: Some(HeldJump(mark)),
        dark: Some(DarkAnchor(mark)),
    };
    vec![
        full,
        FoldState {
            jump: None,
            dark: None,
            ..full
        },
    ]
}
