//! What we read of which SunSpec model: where energy and power stand and which scale factor is theirs.
//!
//! Offsets count registers from the model's own first one (its number), as in the published model
//! definitions; a test holds this table against those files, point by point. Only what a gateway
//! publishes or a commissioning sheet shows is here: serial number, energy, power, operating state.
//! Everything lies within [`MAX_REGISTERS`](super::super::modbus::MAX_REGISTERS) of the model's start,
//! so that one request brings a value together with its own scale factor.

/// The common model: maker, model, version, serial number.
pub const COMMON: u16 = 1;
/// The multiple-MPPT extension: direct-current energy of each string.
pub const STRINGS: u16 = 160;
/// The number that ends a chain.
pub const END: u16 = 0xffff;

/// How a register is packed, and which value says "not implemented".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Signed 16 bits; 0x8000 is none.
    Int16,
    /// Accumulated 32 bits, wraps; 0 is none.
    Acc32,
    /// Unsigned 64 bits; all ones is none.
    Uint64,
    /// Single-precision float; NaN is none.
    Float32,
}

/// A point of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its name in the model's definition.
    pub name: &'static str,
    /// Registers from the model's first.
    pub offset: u16,
    /// How it is packed.
    pub packing: Packing,
    /// Its scale factor's name and place; floats have none.
    pub scale: Option<(&'static str, u16)>,
}

/// An energy register of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Energy {
    /// Where it stands.
    pub point: Point,
    /// OBIS code: `2.8.0` for what an inverter made or a meter saw leave, `1.8.0` for what came in.
    pub register: &'static str,
}

/// What kind of machine a model describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// An inverter.
    Inverter,
    /// A meter.
    Meter,
}

/// One model that holds energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its number.
    pub id: u16,
    /// What it describes.
    pub family: Family,
    /// Which of two models that show the same machine is read: the lower. Wide counters come before
    /// narrow ones, and these before floats, which lose watt-hours above 16 MWh.
    pub rank: u8,
    /// Power, positive when energy leaves the inverter. A meter's sign is not agreed among makers.
    pub power: Point,
    /// Operating state of an inverter and the value that means a fault.
    pub state: Option<(u16, u16)>,
    /// Its energy registers.
    pub energy: &'static [Energy],
}

impl Model {
    /// The model with this number, if we read it.
    pub fn with_id(id: u16) -> Option<&'static Model> {
        MODELS.iter().find(|model| model.id == id)
    }

    /// How many registers, from the model's first, hold all its points.
    pub fn span(&self) -> u16 {
        let end = |point: &Point| {
            let value = point.offset + point.packing.registers();
            value.max(point.scale.map_or(0, |(_, at)| at + 1))
        };
        self.energy
            .iter()
            .map(|energy| end(&energy.point))
            .chain([end(&self.power)])
            .chain(self.state.map(|(at, _)| at + 1))
            .max()
            .unwrap_or(2)
    }
}

impl Packing {
    /// How many registers it takes.
    pub fn registers(self) -> u16 {
        match self {
            Packing::Int16 => 1,
            Packing::Acc32 | Packing::Float32 => 2,
            Packing::Uint64 => 4,
        }
    }
}

const fn point(
    name: &'static str,
    offset: u16,
    packing: Packing,
    scale: Option<(&'static str, u16)>,
) -> Point {
    Point {
        name,
        offset,
        packing,
        scale,
    }
}

const fn energy(register: &'static str, point: Point) -> Energy {
    Energy { point, register }
}

/// `St` 7 is `FAULT` in models 101–103 and 111–113.
const FAULT: u16 = 7;
/// `InvSt` 6 is `FAULT` in model 701.
const DER_FAULT: u16 = 6;

static COUNTED: [Energy; 1] = [energy(
    "2.8.0",
    point("WH", 24, Packing::Acc32, Some(("WH_SF", 26))),
)];
static FLOATED: [Energy; 1] = [energy("2.8.0", point("WH", 32, Packing::Float32, None))];
static METERED: [Energy; 2] = [
    energy(
        "2.8.0",
        point("TotWhExp", 38, Packing::Acc32, Some(("TotWh_SF", 54))),
    ),
    energy(
        "1.8.0",
        point("TotWhImp", 46, Packing::Acc32, Some(("TotWh_SF", 54))),
    ),
];
static FLOAT_METERED: [Energy; 2] = [
    energy("2.8.0", point("TotWhExp", 60, Packing::Float32, None)),
    energy("1.8.0", point("TotWhImp", 68, Packing::Float32, None)),
];
static DISTRIBUTED: [Energy; 2] = [
    energy(
        "2.8.0",
        point("TotWhInj", 19, Packing::Uint64, Some(("TotWh_SF", 120))),
    ),
    energy(
        "1.8.0",
        point("TotWhAbs", 23, Packing::Uint64, Some(("TotWh_SF", 120))),
    ),
];

const fn inverter(id: u16) -> Model {
    Model {
        id,
        family: Family::Inverter,
        rank: 1,
        power: point("W", 14, Packing::Int16, Some(("W_SF", 15))),
        state: Some((38, FAULT)),
        energy: &COUNTED,
    }
}

const fn float_inverter(id: u16) -> Model {
    Model {
        id,
        family: Family::Inverter,
        rank: 2,
        power: point("W", 22, Packing::Float32, None),
        state: Some((48, FAULT)),
        energy: &FLOATED,
    }
}

const fn meter(id: u16) -> Model {
    Model {
        id,
        family: Family::Meter,
        rank: 1,
        power: point("W", 18, Packing::Int16, Some(("W_SF", 22))),
        state: None,
        energy: &METERED,
    }
}

const fn float_meter(id: u16) -> Model {
    Model {
        id,
        family: Family::Meter,
        rank: 2,
        power: point("W", 28, Packing::Float32, None),
        state: None,
        energy: &FLOAT_METERED,
    }
}

/// The models with energy that a gateway publishes.
pub static MODELS: [Model; 15] = [
    Model {
        id: 701,
        family: Family::Inverter,
        rank: 0,
        power: point("W", 10, Packing::Int16, Some(("W_SF", 116))),
        state: Some((4, DER_FAULT)),
        energy: &DISTRIBUTED,
    },
    inverter(101),
    inverter(102),
    inverter(103),
    float_inverter(111),
    float_inverter(112),
    float_inverter(113),
    meter(201),
    meter(202),
    meter(203),
    meter(204),
    float_meter(211),
    float_meter(212),
    float_meter(213),
    float_meter(214),
];

/// Model 160: where the scale factor of energy, the number of strings and the strings stand.
pub mod strings {
    /// `DCWH_SF`.
    pub const SCALE: u16 = 5;
    /// `N`.
    pub const COUNT: u16 = 8;
    /// Registers before the first string.
    pub const HEAD: u16 = 10;
    /// Registers of one string.
    pub const EACH: u16 = 20;
    /// `DCW` within a string; its scale factor stands at [`POWER_SCALE`].
    pub const POWER: u16 = 11;
    /// `DCW_SF`.
    pub const POWER_SCALE: u16 = 4;
    /// `DCWH` within a string, `acc32`.
    pub const ENERGY: u16 = 12;
    /// Strings that come with the head in one request.
    pub const WITH_HEAD: u16 = 5;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::modbus::MAX_REGISTERS;

    /// The definition's points with their offsets.
    fn published(group: &serde_json::Value) -> Vec<(String, u16, String, Option<String>)> {
        let mut offset = 0;
        group["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| {
                let at = offset;
                offset += u16::try_from(point["size"].as_u64().unwrap()).unwrap();
                let text = |key: &str| point[key].as_str().map(str::to_owned);
                (text("name").unwrap(), at, text("type").unwrap(), text("sf"))
            })
            .collect()
    }

    fn definition(id: u16) -> serde_json::Value {
        let path = format!(
            "{}/tests/data/sunspec/model_{id}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["group"].take()
    }

    #[test]
    fn every_offset_is_the_published_one() {
        for model in &MODELS {
            let points = published(&definition(model.id));
            let find = |name: &str| {
                points
                    .iter()
                    .find(|(n, ..)| n == name)
                    .unwrap_or_else(|| panic!("model {} has no {name}", model.id))
            };
            for point in model.energy.iter().map(|e| e.point).chain([model.power]) {
                let (_, offset, packing, scale) = find(point.name);
                assert_eq!(*offset, point.offset, "{} {}", model.id, point.name);
                let ours = match point.packing {
                    Packing::Int16 => "int16",
                    Packing::Acc32 => "acc32",
                    Packing::Uint64 => "uint64",
                    Packing::Float32 => "float32",
                };
                assert_eq!(packing, ours, "{} {}", model.id, point.name);
                assert_eq!(scale.as_deref(), point.scale.map(|(name, _)| name));
                if let Some((name, at)) = point.scale {
                    assert_eq!(find(name).1, at, "{} {name}", model.id);
                }
            }
            if let Some((at, fault)) = model.state {
                let name = if model.id == 701 { "InvSt" } else { "St" };
                assert_eq!(find(name).1, at);
                let points = definition(model.id)["points"].take();
                let state = points
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|p| p["name"] == name);
                let symbols = state.unwrap()["symbols"].as_array().unwrap();
                assert!(
                    symbols
                        .iter()
                        .any(|s| s["value"] == fault
                            && s["name"].as_str().unwrap().ends_with("FAULT")),
                    "{symbols:?}"
                );
            }
            assert!(model.span() <= MAX_REGISTERS, "{}", model.id);
        }
    }

    #[test]
    fn the_strings_are_where_the_definition_has_them() {
        let definition = definition(STRINGS);
        let head = published(&definition);
        let string = published(&definition["groups"][0]);
        let at = |points: &[(String, u16, String, Option<String>)], name: &str| {
            points.iter().find(|(n, ..)| n == name).unwrap().1
        };
        assert_eq!(at(&head, "DCWH_SF"), strings::SCALE);
        assert_eq!(at(&head, "DCW_SF"), strings::POWER_SCALE);
        assert_eq!(at(&head, "N"), strings::COUNT);
        assert_eq!(at(&head, "TmsPer") + 1, strings::HEAD);
        assert_eq!(at(&string, "DCW"), strings::POWER);
        assert_eq!(at(&string, "DCWH"), strings::ENERGY);
        assert_eq!(at(&string, "DCEvt") + 2, strings::EACH);
        const { assert!(strings::HEAD + strings::WITH_HEAD * strings::EACH <= MAX_REGISTERS) };
    }
}
