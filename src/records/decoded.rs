//! What goes along with a journal entry: the reads its messages carry, already placed.
//!
//! The journal knows bytes only, so whoever appends messages decodes them once and sends the
//! meaning along; the projection and the receipts take it from there after the sync. At a replay
//! the same value is made again from the raw records. Nothing here is stored.

use std::sync::Arc;

use domain::{
    calendar::{HalfHour, Instant},
    metering::{Obis, Quality, SeriesId, Source},
    quantity::WattHours,
};

use crate::{devices::DeviceReader, proof::Proof};

/// [`PlacedRead::w`] when the device sent no power.
pub const NO_POWER: i32 = i32::MIN;

/// The meaning of the records of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Reads of registers the society knows.
    pub placed: Vec<PlacedRead>,
    /// Reads of registers nobody has entered yet; shown, and placed by a replay once they are.
    pub unplaced: Vec<UnplacedRead>,
    /// Sequence numbers that are on disk once the entry is.
    pub sequences: Vec<SequenceRun>,
    /// Messages that could not be decoded; their raw bytes are in the record.
    pub undecodable: Vec<UndecodableMessage>,
    /// Messages that are kept and not believed, and reads whose meter says that it is not well.
    pub doubts: Vec<Doubt>,
    /// Notes by their name, to tell when two of them have one and when one is missing: those that are
    /// signed, and what is not believed under a name.
    pub notes: Vec<NamedNote>,
    /// Requests that a key be believed.
    pub enrolments: Vec<EnrolmentAsked>,
    /// Statuses and last wills of gateways.
    pub statuses: Vec<StatusNote>,
    /// Imported interval energy, by half hour.
    pub intervals: Vec<PlacedInterval>,
    /// Powers of devices without a counter; they become interval energy in
    /// [`crate::ongoing::Ongoing::take`].
    pub powers: Vec<PowerSample>,
    /// Sparkplug B messages, whose meaning depends on those before them.
    pub sparkplug: Vec<SparkplugMessage>,
}

/// A power of a device without a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerSample {
    /// The meter's serial.
    pub meter: Box<str>,
    /// When it was read.
    pub at: Instant,
    /// W, positive where energy is taken in.
    pub w: i32,
}

/// A message of a Sparkplug B node.
#[derive(Clone, Debug)]
pub struct SparkplugMessage {
    /// The gateway it came from.
    pub gateway: Arc<str>,
    /// The mapping that reads it.
    pub device: Arc<DeviceReader>,
    /// Its topic.
    pub topic: Box<str>,
    /// Its payload.
    pub payload: Box<[u8]>,
    /// When it reached us.
    pub received: Instant,
    /// Whether it comes from a broker's memory.
    pub stale: bool,
    /// Which record of the entry holds it, counted from 0.
    pub record: u32,
}

impl PartialEq for SparkplugMessage {
    fn eq(&self, other: &SparkplugMessage) -> bool {
        (&self.gateway, self.device.hash, &self.topic, &self.payload)
            == (
                &other.gateway,
                other.device.hash,
                &other.topic,
                &other.payload,
            )
            && (self.received, self.stale, self.record)
                == (other.received, other.stale, other.record)
    }
}

impl Eq for SparkplugMessage {}

/// Imported energy of one half hour of a meter point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedInterval {
    /// The meter point.
    pub point: Arc<str>,
    /// The half hour.
    pub half_hour: HalfHour,
    /// Its energy.
    pub wh: WattHours,
    /// What the sender says of it.
    pub quality: Quality,
}

/// A read of a known register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedRead {
    /// The register of the meter.
    pub series: SeriesId,
    /// The reading time as the device claims it.
    pub at: Instant,
    /// What the register showed.
    pub wh: WattHours,
    /// Power in W at that instant, [`NO_POWER`] for none.
    pub w: i32,
    /// When it reached us.
    pub received: Instant,
    /// How it reached us.
    pub source: Source,
}

/// A read of a register that the society has not entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnplacedRead {
    /// The gateway it came from, or the file.
    pub gateway: Arc<str>,
    /// Whether that gateway was bound to meters when it came; a free one may send anything.
    pub bound: bool,
    /// The meter's serial as the gateway wrote it.
    pub meter: Box<str>,
    /// The register.
    pub register: Obis,
    /// The reading time as the device claims it.
    pub at: Instant,
    /// What the register showed.
    pub wh: WattHours,
    /// Power in W at that instant, [`NO_POWER`] for none.
    pub w: i32,
    /// When it reached us.
    pub received: Instant,
    /// How it reached us.
    pub source: Source,
}

/// Consecutive sequence numbers of one boot of one gateway, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceRun {
    /// The gateway.
    pub gateway: Arc<str>,
    /// Its boot counter.
    pub boot: u64,
    /// First number of the run.
    pub first: u64,
    /// Last number of the run.
    pub last: u64,
}

/// A message whose payload could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecodableMessage {
    /// The gateway it came from.
    pub gateway: Arc<str>,
    /// Which record of the entry holds it, counted from 0.
    pub record: u32,
    /// Why, in words for a person.
    pub reason: Box<str>,
    /// When it reached us.
    pub received: Instant,
}

/// Something that came, is kept, and does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The gateway it came from.
    pub gateway: Arc<str>,
    /// Which record of the entry holds it, counted from 0.
    pub record: u32,
    /// Why, in words for a person.
    pub reason: Box<str>,
    /// When it reached us.
    pub received: Instant,
}

/// A message under a note's name: gateway, boot and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedNote {
    /// The gateway.
    pub gateway: Arc<str>,
    /// Its boot counter.
    pub boot: u64,
    /// The note's number since then.
    pub seq: u64,
    /// The first bytes of its hash: two notes of one name and different bytes are two gateways.
    pub link: [u8; 16],
    /// The same of the gateway's note before it, as it says.
    pub prev: Option<[u8; 16]>,
    /// Notes that it says were given up: boot, first and last number.
    pub lost: Box<[(u64, u64, u64)]>,
    /// What its signature is worth.
    pub proof: Proof,
}

/// A gateway asks that a key be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentAsked {
    /// The gateway, by credential or topic.
    pub gateway: Arc<str>,
    /// The enrolment or rotation, untouched.
    pub payload: Box<[u8]>,
    /// When it reached us.
    pub received: Instant,
}

/// What a gateway says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusNote {
    /// The gateway.
    pub gateway: Arc<str>,
    /// The payload, untouched.
    pub payload: Box<[u8]>,
    /// Whether it is the last will of a broken connection.
    pub will: bool,
    /// When it reached us.
    pub received: Instant,
}

impl Decoded {
    /// Adds a sequence number, extending the last run where it fits.
    pub fn note_sequence(&mut self, gateway: &Arc<str>, boot: u64, seq: u64) {
        if let Some(run) = self.sequences.last_mut()
            && run.boot == boot
            && (Arc::ptr_eq(&run.gateway, gateway) || run.gateway == *gateway)
            && run.last.checked_add(1) == Some(seq)
        {
            run.last = seq;
            return;
        }
        self.note_lost(gateway, boot, seq, seq);
    }

    /// Adds numbers that a loss record covers: they will not come, and the receipt names them.
    pub fn note_lost(&mut self, gateway: &Arc<str>, boot: u64, first: u64, last: u64) {
        self.sequences.push(SequenceRun {
            gateway: Arc::clone(gateway),
            boot,
            first,
            last,
        });
    }
}
