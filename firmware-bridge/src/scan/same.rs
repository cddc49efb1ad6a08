//! One device that answers at many unit numbers is one device.
//!
//! An inverter on a network has nobody behind it, and many answer whatever unit they are asked for.
//! Two units are the same device when what they say of themselves is the same and names a serial
//! number; without one, only when every unit that was knocked at gave the same answer. A gateway to a
//! serial line with several meters of one make is never taken for one of them.

use super::{Found, What};

/// Of units that are one device, the first with the numbers of the others.
pub(super) fn once(found: Vec<Found>, tried: usize) -> Vec<Found> {
    let answers_all = tried > 1
        && found.len() == tried
        && found.windows(2).all(|two| look(&two[0]) == look(&two[1]));
    let mut devices: Vec<Found> = Vec::new();
    for unit in found {
        let same =
            |other: &&mut Found| look(other) == look(&unit) && (answers_all || has_serial(&unit));
        match devices.iter_mut().find(same) {
            Some(device) => device.also.push(unit.unit),
            None => devices.push(unit),
        }
    }
    devices
}

/// What does not change from one look to the next.
#[derive(PartialEq, Eq)]
enum Look<'a> {
    SunSpec(u16, Vec<(u16, u16)>, Vec<[&'a str; 4]>),
    Mapped(Vec<(&'a str, Option<&'a str>)>),
    Unknown,
}

fn look(found: &Found) -> Look<'_> {
    match &found.what {
        What::SunSpec { survey, .. } => Look::SunSpec(
            survey.chain.base,
            survey.chain.blocks.iter().map(|b| (b.id, b.at)).collect(),
            survey
                .identities
                .iter()
                .map(|id| [&*id.maker, &*id.model, &*id.version, &*id.serial])
                .collect(),
        ),
        What::Mapped(candidates) => Look::Mapped(
            candidates
                .iter()
                .map(|c| (&*c.map.name, c.serial.as_deref()))
                .collect(),
        ),
        // What an unknown device says is a value of the moment.
        What::Unknown(_) => Look::Unknown,
    }
}

fn has_serial(found: &Found) -> bool {
    match &found.what {
        What::SunSpec { survey, .. } => {
            !survey.identities.is_empty()
                && survey.identities.iter().all(|id| !id.serial.is_empty())
        }
        What::Mapped(candidates) => candidates.iter().any(|c| c.serial.is_some()),
        What::Unknown(_) => false,
    }
}
