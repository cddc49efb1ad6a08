//! CRC-16 as meters reckon it: reflected, a table of 256 steps for each polynomial.

/// A reflected CRC-16.
#[derive(Debug)]
pub struct Crc16 {
    start: u16,
    table: [u16; 256],
}

impl Crc16 {
    /// With a reflected polynomial, from a start.
    pub const fn new(polynomial: u16, start: u16) -> Self {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u16;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 {
                    crc >> 1 ^ polynomial
                } else {
                    crc >> 1
                };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        Crc16 { start, table }
    }

    /// Over some bytes.
    pub fn over(&self, bytes: &[u8]) -> u16 {
        bytes.iter().fold(self.start, |crc, byte| {
            crc >> 8 ^ self.table[usize::from(crc.to_le_bytes()[0] ^ byte)]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_catalogue() {
        // CRC-16/ARC and CRC-16/X-25 (before it is inverted) of reveng.sourceforge.io.
        assert_eq!(Crc16::new(0xa001, 0).over(b"123456789"), 0xbb3d);
        assert_eq!(!Crc16::new(0x8408, 0xffff).over(b"123456789"), 0x906e);
    }
}
