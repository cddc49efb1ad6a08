//! Which series a register of a meter is, for one society.
//!
//! Built once whenever the society's meters change and never altered: one arena of meter serials,
//! one row a register, one open-addressed table. 1.5 million registers take about 55 MB and a
//! lookup takes no lock. Two rows for one register of one meter: the later wins. It also knows whose
//! meter it is: a read of a gateway that is not the meter's own has a place, and is marked.

use std::sync::Arc;

use domain::{
    calendar::{Instant, Span},
    metering::{
        Obis, SeriesId,
        bindings::{Bindings, BoundGateway, BoundMeter},
    },
};

/// The registers of one society by meter serial and OBIS code.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    text: Vec<u8>,
    rows: Vec<Row>,
    /// Row number plus one; 0 is empty. A power of two, at most half full.
    slots: Vec<u32>,
    disbelieved: Arc<[Disbelieved]>,
    bindings: Arc<Bindings>,
    /// Where the meter of each row hangs; empty when no gateway is bound.
    hangs: Vec<Option<Arc<BoundMeter>>>,
}

/// A gateway whose message is decoded, and what it may send.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    id: &'a str,
    bound: Option<&'a BoundGateway>,
}

/// Where a read belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belongs {
    /// The register of the meter.
    pub series: SeriesId,
    /// Whether its gateway is the meter's own at its time.
    pub own: bool,
}

/// A gateway of which nothing that came in a span is believed: it was revoked from a date before the
/// day on which that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disbelieved {
    /// The gateway.
    pub gateway: Box<str>,
    /// When its messages came.
    pub received: Span,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    start: u32,
    length: u8,
    register: Obis,
    series: SeriesId,
}

impl Directory {
    /// Builds the directory. Serials over 255 bytes are left out: no message can carry them.
    pub fn new<'a>(registers: impl IntoIterator<Item = (&'a str, Obis, SeriesId)>) -> Directory {
        let mut directory = Directory::default();
        for (meter, register, series) in registers {
            let (Ok(length), Ok(start)) = (
                u8::try_from(meter.len()),
                u32::try_from(directory.text.len()),
            ) else {
                continue;
            };
            directory.text.extend_from_slice(meter.as_bytes());
            directory.rows.push(Row {
                start,
                length,
                register,
                series,
            });
        }
        directory.text.shrink_to_fit();
        directory.rows.shrink_to_fit();
        directory.slots = vec![0; (directory.rows.len() * 2).next_power_of_two()];
        for index in 0..directory.rows.len() {
            let row = directory.rows[index];
            let slot = directory.slot(directory.meter_of(row), row.register);
            if let Ok(number) = u32::try_from(index + 1) {
                directory.slots[slot] = number;
            }
        }
        directory
    }

    /// Nothing that these gateways sent in these spans is believed.
    #[must_use]
    pub fn disbelieving(mut self, disbelieved: Arc<[Disbelieved]>) -> Directory {
        self.disbelieved = disbelieved;
        self
    }

    /// Says which gateway may send the reads of which meter.
    #[must_use]
    pub fn bound(mut self, bindings: Arc<Bindings>) -> Directory {
        let meter = |row: &Row| {
            let serial = std::str::from_utf8(self.meter_of(*row)).ok()?;
            bindings.meter(serial).cloned()
        };
        if bindings.binds_any() {
            self.hangs = self.rows.iter().map(meter).collect();
        }
        self.bindings = bindings;
        self
    }

    /// The gateway of a message that came then.
    #[must_use]
    pub fn sender<'a>(&'a self, id: &'a str, received: Instant) -> Sender<'a> {
        Sender {
            id,
            bound: self.bindings.gateway(id, received),
        }
    }

    /// Where a read of a register belongs, if the society has it.
    #[must_use]
    pub fn place(
        &self,
        sender: Sender<'_>,
        meter: &str,
        register: Obis,
        at: Instant,
    ) -> Option<Belongs> {
        let row = self.row(meter, register)?;
        let series = self.rows[row].series;
        let own = sender.bound.is_none_or(|gateway| {
            let hangs = self.hangs.get(row).and_then(Option::as_deref);
            gateway.owns(sender.id, meter, hangs, at)
        });
        Some(Belongs { series, own })
    }

    /// Whether a gateway may send what this meter, whatever its registers, measured at that time.
    #[must_use]
    pub fn owns(&self, sender: Sender<'_>, meter: &str, at: Instant) -> bool {
        sender.bound.is_none_or(|gateway| {
            let hangs = self.bindings.meter(meter).map(AsRef::as_ref);
            gateway.owns(sender.id, meter, hangs, at)
        })
    }

    /// Whether what this gateway sent at that time is not believed.
    #[must_use]
    pub fn disbelieves(&self, gateway: &str, received: Instant) -> bool {
        self.disbelieved
            .iter()
            .any(|d| *d.gateway == *gateway && d.received.contains(received))
    }

    /// The series of a register, if the society has it.
    #[must_use]
    pub fn find(&self, meter: &str, register: Obis) -> Option<SeriesId> {
        self.row(meter, register).map(|row| self.rows[row].series)
    }

    fn row(&self, meter: &str, register: Obis) -> Option<usize> {
        if self.rows.is_empty() {
            return None;
        }
        match self.slots[self.slot(meter.as_bytes(), register)] {
            0 => None,
            number => Some(number as usize - 1),
        }
    }

    /// How many registers it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The slot that holds this register, or the empty one where it would go.
    fn slot(&self, meter: &[u8], register: Obis) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash(meter, register) as usize & mask;
        loop {
            match self.slots[slot] {
                0 => return slot,
                number => {
                    let row = self.rows[number as usize - 1];
                    if row.register == register && self.meter_of(row) == meter {
                        return slot;
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn meter_of(&self, row: Row) -> &[u8] {
        let start = row.start as usize;
        &self.text[start..start + usize::from(row.length)]
    }
}

impl Sender<'_> {
    /// Whether the gateway is bound to meters.
    #[must_use]
    pub fn is_bound(self) -> bool {
        self.bound.is_some()
    }
}

// FNV-1a, 64 bit, folded once more so that the low bits see every byte.
fn hash(meter: &[u8], register: Obis) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let code = [register.0, register.1, register.2];
    for byte in meter.iter().chain(&code) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_is_found_and_no_other() {
        let names: Vec<String> = (0..5_000).map(|n| format!("E{n:06}")).collect();
        let registers = names.iter().zip(0..).flat_map(|(name, n)| {
            [
                (name.as_str(), Obis::EXPORT, SeriesId(2 * n)),
                (name.as_str(), Obis::IMPORT, SeriesId(2 * n + 1)),
            ]
        });
        let directory = Directory::new(registers);
        for (name, n) in names.iter().zip(0..) {
            assert_eq!(directory.find(name, Obis::EXPORT), Some(SeriesId(2 * n)));
            assert_eq!(
                directory.find(name, Obis::IMPORT),
                Some(SeriesId(2 * n + 1))
            );
            assert_eq!(directory.find(name, Obis(1, 8, 1)), None);
        }
        assert_eq!(directory.find("E", Obis::EXPORT), None);
        assert_eq!(Directory::default().find("E", Obis::EXPORT), None);
    }

    #[test]
    fn the_later_of_two_rows_wins() {
        let twice = [
            ("A", Obis::EXPORT, SeriesId(1)),
            ("A", Obis::EXPORT, SeriesId(2)),
        ];
        assert_eq!(
            Directory::new(twice).find("A", Obis::EXPORT),
            Some(SeriesId(2))
        );
    }
}
