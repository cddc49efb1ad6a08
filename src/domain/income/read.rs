//! The only reads that money is made of.

use crate::{
    calendar::{Instant, Zone},
    metering::{Evidence, JudgedRead, Meter, MeterEvent, Obis, Quality, Source, Verdict},
    quantity::WattHours,
};

/// A read that may enter a claim or a bill: accepted, of a register, of a meter that was approved
/// for billing on that day. Its fields are private; [`BillableRead::of`] and the two ends of a meter
/// event are the only ways to make one, and none of them takes energy.
///
/// Energy that was estimated, deemed, split by time or integrated from power is no read, and there
/// is nothing that makes it one:
///
/// ```compile_fail
/// use commonwatt_domain::{income::BillableRead, metering::energy::Energy};
/// fn no_way(estimated: Energy) -> BillableRead {
///     estimated.into()
/// }
/// ```
///
/// ```compile_fail
/// use commonwatt_domain::{calendar::Instant, income::BillableRead, quantity::WattHours};
/// // Not by hand either.
/// let read = BillableRead { at: Instant(0), wh: WattHours(1) };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillableRead {
    meter: String,
    register: Obis,
    at: Instant,
    wh: WattHours,
    source: Source,
    corrected: bool,
    opens: bool,
}

/// Why a read may not enter a claim or a bill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBillable {
    /// The meter is not approved.
    #[error(
        "meter `{meter}` is not approved for billing at {at}\nhint: give its approval with certificate and last day under [[meter]] in the society file"
    )]
    NotApproved {
        /// Serial.
        meter: String,
        /// The read's time.
        at: Instant,
    },
    /// The meter has no such register.
    #[error("meter `{meter}` has no register `{register}`")]
    NoRegister {
        /// Serial.
        meter: String,
        /// Register.
        register: Obis,
    },
    /// The read is held or refused.
    #[error("the read of {0} is not accepted")]
    NotAccepted(Instant),
}

impl BillableRead {
    /// A judged read of a register.
    ///
    /// # Errors
    /// [`NotBillable`] when it was not accepted, or the meter was not approved on its local day.
    pub fn of(
        meter: &Meter,
        register: Obis,
        read: &JudgedRead,
        zone: &Zone,
    ) -> Result<BillableRead, NotBillable> {
        let at = read.read.at;
        approved(meter, register, at, zone)?;
        let wh = match (read.verdict, read.counts_as) {
            (Verdict::Accepted, Some(wh)) => wh,
            _ => return Err(NotBillable::NotAccepted(at)),
        };
        Ok(BillableRead {
            meter: meter.serial.clone(),
            register,
            at,
            wh,
            source: read.read.source,
            corrected: wh != read.read.wh,
            opens: false,
        })
    }

    /// The final read of a dated meter event, of the meter that was taken off or set back.
    ///
    /// # Errors
    /// As [`BillableRead::of`].
    pub fn final_of(
        meter: &Meter,
        register: Obis,
        event: &MeterEvent,
        zone: &Zone,
    ) -> Result<BillableRead, NotBillable> {
        BillableRead::at_event(
            meter,
            register,
            event.closed_at,
            event.final_wh,
            zone,
            false,
        )
    }

    /// The opening read of a dated meter event.
    ///
    /// # Errors
    /// As [`BillableRead::of`].
    pub fn opening_of(
        meter: &Meter,
        register: Obis,
        event: &MeterEvent,
        zone: &Zone,
    ) -> Result<BillableRead, NotBillable> {
        BillableRead::at_event(
            meter,
            register,
            event.opened_at,
            event.opening_wh,
            zone,
            true,
        )
    }

    fn at_event(
        meter: &Meter,
        register: Obis,
        at: Instant,
        wh: WattHours,
        zone: &Zone,
        opens: bool,
    ) -> Result<BillableRead, NotBillable> {
        approved(meter, register, at, zone)?;
        Ok(BillableRead {
            meter: meter.serial.clone(),
            register,
            at,
            wh,
            source: Source::Event,
            corrected: false,
            opens,
        })
    }

    /// The meter's serial.
    #[must_use]
    pub fn meter(&self) -> &str {
        &self.meter
    }

    /// The register.
    #[must_use]
    pub fn register(&self) -> Obis {
        self.register
    }

    /// The read's time.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// What the register showed.
    #[must_use]
    pub fn wh(&self) -> WattHours {
        self.wh
    }

    /// Actual or manual; manual where a person put another value in its place.
    #[must_use]
    pub fn quality(&self) -> Quality {
        if self.corrected {
            Quality::Manual
        } else {
            self.source.quality()
        }
    }

    /// What stands behind it; a person where a person put another value in its place.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        if self.corrected {
            Evidence::Person
        } else {
            self.source.evidence()
        }
    }

    /// Whether counting begins here: the opening read of a meter event.
    pub(super) fn opens(&self) -> bool {
        self.opens
    }
}

fn approved(meter: &Meter, register: Obis, at: Instant, zone: &Zone) -> Result<(), NotBillable> {
    if meter.register(register).is_none() {
        return Err(NotBillable::NoRegister {
            meter: meter.serial.clone(),
            register,
        });
    }
    if meter.approved_for_billing(zone.day_of(at)) {
        return Ok(());
    }
    Err(NotBillable::NotApproved {
        meter: meter.serial.clone(),
        at,
    })
}
