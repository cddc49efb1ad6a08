//! Which machines are on a chain, and what their serial texts are.
//!
//! Several models may describe one machine: the integer and the float form of an
//! inverter, and model 701 beside them. One of them is read: at the first poll that shows energy, the
//! widest counter that does, and the same one from then on, because two counters of one machine need
//! not agree. Under one common model the first inverter has the serial number; a meter beside it is
//! `SERIAL/meter`, a second one `SERIAL/2`. A common model without a serial number, where it is not
//! the first, is `FIRST/2`, `FIRST/3`...

use super::{
    chain::{Block, Chain, Identity},
    model::{COMMON, Family, Model, STRINGS},
};

/// One inverter or meter, seen through one or more models.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The serial text to publish.
    pub serial: String,
    /// What it is.
    pub family: Family,
    /// The models that show it, the best first.
    pub views: Vec<(Block, &'static Model)>,
    /// Index of the common model that names it.
    pub identity: Option<usize>,
}

/// The machines, and the models 160 with the serial text of their inverter.
pub(super) type Named = (Vec<Machine>, Vec<(String, Block)>);

pub(super) fn machines(
    chain: &Chain,
    identities: &[Identity],
    meter: Option<&str>,
) -> Result<Named, String> {
    let first = match (meter, identities.first()) {
        (Some(meter), _) => meter.to_owned(),
        (None, Some(identity)) if !identity.serial.is_empty() => identity.serial.clone(),
        _ => return Err("the device gives no serial number".to_owned()),
    };
    let mut machines: Vec<Machine> = Vec::new();
    let mut strings = Vec::new();
    let mut commons = 0_usize;
    let mut serial = first.clone();
    // Machines of the present common model start here.
    let mut from = 0;
    for block in &chain.blocks {
        if block.id == COMMON {
            commons += 1;
            from = machines.len();
            serial = match identities.get(commons - 1) {
                _ if commons == 1 => first.clone(),
                Some(identity) if !identity.serial.is_empty() => identity.serial.clone(),
                _ => format!("{first}/{commons}"),
            };
        } else if block.id == STRINGS {
            strings.push((serial.clone(), *block));
        } else if let Some(model) = Model::with_id(block.id) {
            // A machine that this model's class has not shown yet, or a new one.
            let known = machines[from..].iter_mut().find(|machine| {
                machine.family == model.family
                    && machine
                        .views
                        .iter()
                        .all(|(_, seen)| seen.rank != model.rank)
            });
            match known {
                Some(machine) => {
                    machine.views.push((*block, model));
                    machine.views.sort_by_key(|(_, model)| model.rank);
                }
                None => {
                    let name = unused(&serial, model.family, &machines);
                    machines.push(Machine {
                        serial: name,
                        family: model.family,
                        views: vec![(*block, model)],
                        identity: commons.checked_sub(1),
                    });
                }
            }
        }
    }
    // An inverter has the bare serial even when its meter comes first on the chain.
    for at in 0..machines.len() {
        let plain = machines[at].serial.clone();
        let beside = format!("{plain}/meter");
        let identity = machines[at].identity;
        if machines[at].family == Family::Meter
            && let Some(other) = machines.iter().position(|m| {
                m.family == Family::Inverter
                    && m.identity == identity
                    && m.serial == format!("{plain}/2")
            })
        {
            machines[at].serial = beside;
            machines[other].serial = plain;
        }
    }
    Ok((machines, strings))
}

fn unused(serial: &str, family: Family, machines: &[Machine]) -> String {
    let beside_inverter = family == Family::Meter
        && machines
            .iter()
            .any(|m| m.serial == serial && m.family == Family::Inverter);
    let stem = if beside_inverter {
        format!("{serial}/meter")
    } else {
        serial.to_owned()
    };
    let taken = |name: &str| machines.iter().any(|m| m.serial == name);
    if !taken(&stem) {
        return stem;
    }
    (2..)
        .map(|n| format!("{stem}/{n}"))
        .find(|name| !taken(name))
        .expect("a chain has fewer machines than there are numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(ids: &[u16], serials: &[&str], meter: Option<&str>) -> Vec<(String, Vec<u16>)> {
        let chain = Chain {
            base: 40_000,
            blocks: ids
                .iter()
                .map(|&id| Block {
                    id,
                    at: 0,
                    length: 50,
                })
                .collect(),
            ended: true,
        };
        let identities: Vec<Identity> = serials
            .iter()
            .map(|serial| Identity {
                serial: (*serial).to_owned(),
                ..Identity::default()
            })
            .collect();
        let (machines, _) = machines(&chain, &identities, meter).unwrap();
        machines
            .into_iter()
            .map(|m| (m.serial, m.views.iter().map(|(_, v)| v.id).collect()))
            .collect()
    }

    fn check(ids: &[u16], serials: &[&str], expected: &[(&str, &[u16])]) {
        let expected: Vec<(String, Vec<u16>)> = expected
            .iter()
            .map(|(serial, views)| ((*serial).to_owned(), views.to_vec()))
            .collect();
        assert_eq!(named(ids, serials, None), expected, "{ids:?}");
    }

    #[test]
    fn machines_are_told_apart_and_keep_their_serials() {
        check(&[1, 103], &["A"], &[("A", &[103])]);
        check(&[1, 113, 103, 701], &["A"], &[("A", &[701, 103, 113])]);
        check(
            &[1, 103, 160, 1, 203],
            &["A", "B"],
            &[("A", &[103]), ("B", &[203])],
        );
        check(
            &[1, 103, 203],
            &["A"],
            &[("A", &[103]), ("A/meter", &[203])],
        );
        check(
            &[1, 203, 103],
            &["A"],
            &[("A/meter", &[203]), ("A", &[103])],
        );
        check(&[1, 203, 203], &["A"], &[("A", &[203]), ("A/2", &[203])]);
        check(
            &[1, 103, 1, 103],
            &["A", ""],
            &[("A", &[103]), ("A/2", &[103])],
        );
        check(
            &[1, 103, 1, 103],
            &["A", "A"],
            &[("A", &[103]), ("A/2", &[103])],
        );
    }

    #[test]
    fn a_device_without_a_serial_needs_one_from_the_configuration() {
        let chain = Chain {
            base: 0,
            blocks: vec![Block {
                id: 103,
                at: 2,
                length: 50,
            }],
            ended: true,
        };
        assert!(machines(&chain, &[], None).is_err());
        assert_eq!(named(&[1, 103], &[""], Some("S1"))[0].0, "S1");
    }
}
