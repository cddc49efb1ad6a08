//! Mutations of known inputs: flips, cuts, repeats, splices, and the numbers that break parsers.

/// A small fixed generator (xorshift), so that a run can be repeated.
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        usize::try_from(self.number() % bound as u64).unwrap_or(0)
    }
}

const NASTY: &[&[u8]] = &[
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x80\x80\x80\x80\x01",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"1e999",
    b"0.000000000000000000000000000001",
    b"\"",
    b"\\u0000",
    b"[[[[[[[[[[[[[[[[",
    b"{\"",
    b"\xf0\x9f\x92\xa9",
    b"\xc3\x28",
    b",,,,",
    b"nan",
    b"0000-00-00T00:00:00Z",
    b"9999-12-31T23:59:60Z",
];

/// One mutated input.
#[must_use]
pub fn mutate(pool: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = pool[random.below(pool.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        match random.below(9) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.number().to_le_bytes()[0],
            2 => input.truncate(at),
            3 => {
                let nasty = NASTY[random.below(NASTY.len())];
                input.splice(at..at, nasty.iter().copied());
            }
            4 if at < input.len() => {
                let end = (at + 1 + random.below(16)).min(input.len());
                input.drain(at..end);
            }
            5 if at < input.len() => {
                let end = (at + 1 + random.below(64)).min(input.len());
                let copy = input[at..end].to_vec();
                let to = random.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            6 => {
                let other = &pool[random.below(pool.len())];
                let from = random.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            7 if at < input.len() => input[at] = input[at].wrapping_add(1),
            _ => {
                let n = random.below(32);
                input = (0..n).map(|_| random.number().to_le_bytes()[0]).collect();
            }
        }
    }
    input.truncate(64 << 10);
    input
}
