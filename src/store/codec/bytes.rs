//! Whole numbers as bytes: seven bits a byte, low end first, signs folded in (0, -1, 1, -2, …).

use super::seal::Damage;

/// Folds the sign into the lowest bit, so that small numbers of either sign stay short.
pub(crate) fn fold_sign(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)).cast_unsigned()
}

/// The reverse of [`fold_sign`].
pub(crate) fn unfold_sign(v: u64) -> i64 {
    (v >> 1).cast_signed() ^ -((v & 1).cast_signed())
}

/// Appends `v` in 1 to 10 bytes.
pub(crate) fn put_u64(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push((v & 0x7f) as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// Appends `v`, either sign, in 1 to 10 bytes.
pub(crate) fn put_i64(out: &mut Vec<u8>, v: i64) {
    put_u64(out, fold_sign(v));
}

/// Reads what the `put` functions wrote.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Damage> {
        let b = *self.bytes.get(self.at).ok_or(Damage("cut short"))?;
        self.at += 1;
        Ok(b)
    }

    #[inline(always)]
    pub(crate) fn u64(&mut self) -> Result<u64, Damage> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_u64(),
        }
    }

    /// A number of two bytes or more.
    fn long_u64(&mut self) -> Result<u64, Damage> {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let b = *self.bytes.get(self.at).ok_or(Damage("cut short"))?;
            self.at += 1;
            if shift == 63 && b > 1 {
                return Err(Damage("a number is too long"));
            }
            value |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    /// Passes over `numbers` numbers.
    pub(crate) fn skip(&mut self, mut numbers: usize) -> Result<(), Damage> {
        while numbers > 0 {
            let b = *self.bytes.get(self.at).ok_or(Damage("cut short"))?;
            self.at += 1;
            numbers -= usize::from(b < 0x80);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn i64(&mut self) -> Result<i64, Damage> {
        self.u64().map(unfold_sign)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Damage> {
        u32::try_from(self.u64()?).map_err(|_| Damage("a number is out of range"))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Damage> {
        i32::try_from(self.i64()?).map_err(|_| Damage("a number is out of range"))
    }

    /// A count of things of which each takes at least one byte of what is left: bounds memory.
    pub(crate) fn count(&mut self) -> Result<usize, Damage> {
        match usize::try_from(self.u64()?) {
            Ok(n) if n <= self.left() => Ok(n),
            _ => Err(Damage("a count exceeds the bytes that are left")),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Damage> {
        let n = self.count()?;
        let out = &self.bytes[self.at..self.at + n];
        self.at += n;
        Ok(out)
    }

    pub(crate) fn end(self) -> Result<(), Damage> {
        if self.left() == 0 {
            Ok(())
        } else {
            Err(Damage("bytes are left over"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_come_back() {
        let mut numbers = vec![0, 1, -1, i64::MAX, i64::MIN];
        for shift in 0..63 {
            numbers.extend([1_i64 << shift, -(1_i64 << shift), (1_i64 << shift) - 1]);
        }
        let mut out = Vec::new();
        for &n in &numbers {
            put_i64(&mut out, n);
        }
        let mut cursor = Cursor::new(&out);
        for &n in &numbers {
            assert_eq!(cursor.i64(), Ok(n));
        }
        assert_eq!(cursor.end(), Ok(()));
    }

    #[test]
    fn eleven_bytes_or_a_tenth_above_one_are_no_number() {
        assert!(Cursor::new(&[0xff; 11]).u64().is_err());
        let mut ten = [0xff; 10];
        ten[9] = 2;
        assert!(Cursor::new(&ten).u64().is_err());
        ten[9] = 1;
        assert_eq!(Cursor::new(&ten).u64(), Ok(u64::MAX));
        assert!(Cursor::new(&[5, 1, 2]).bytes().is_err());
    }
}
