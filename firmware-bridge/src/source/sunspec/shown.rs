//! What the points of one model show: raw digits, scale factor, and the exact value of the two.
//!
//! A value is used with the scale factor of the same read or not at all. "Not implemented" is absent,
//! and so is a value whose own scale factor is not implemented: a sleeping inverter answers so.
//! A scale factor outside −10..10 is neither, and makes the read an error: it would move the point
//! by a thousand million and more.

use super::model::{Model, Packing, Point};
use crate::source::{
    MeterState,
    number::{MAX_SCALE, Number, whole_of_f32},
};

/// One energy register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The point's name in the model's definition.
    pub point: &'static str,
    /// OBIS code.
    pub register: &'static str,
    /// The digits in the device, unscaled; none when the point is not implemented.
    pub raw: Option<String>,
    /// The name of its scale factor and what it was; none for floats.
    pub scale: Option<(&'static str, Option<i16>)>,
    /// The register in whole Wh; none when point or scale factor are not implemented.
    pub wh: Option<u64>,
}

/// Everything one read of one model shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelShown {
    /// The model's number.
    pub model: u16,
    /// Energy registers, implemented or not.
    pub energy: Vec<Shown>,
    /// Power in W as the device signs it; none when it is not implemented.
    pub w: Option<i32>,
    /// The state the device gives itself.
    pub state: MeterState,
}

/// What makes a read useless: found and expected.
pub type Useless = (String, &'static str);

/// Reads a model's points out of its registers, `words[0]` being the model's number.
///
/// # Errors
/// What was found and what was expected, when a value or a scale factor cannot be one.
pub fn show(model: &Model, words: &[u16]) -> Result<ModelShown, Useless> {
    let energy = model
        .energy
        .iter()
        .map(|energy| {
            let scale = match energy.point.scale {
                Some((name, at)) => Some((name, scale_factor(name, words[usize::from(at)])?)),
                None => None,
            };
            let raw = digits(&energy.point, words)?;
            let wh = match (raw, scale) {
                (None, _) | (_, Some((_, None))) => None,
                (Some(raw), scale) => {
                    let exponent = scale.and_then(|(_, factor)| factor).unwrap_or(0);
                    let value = Number::new(raw, exponent.into());
                    Some(value.wh().ok_or_else(|| {
                        (
                            format!("{} of {value} Wh", energy.point.name),
                            "0 Wh or more, and less than 2^63",
                        )
                    })?)
                }
            };
            Ok(Shown {
                point: energy.point.name,
                register: energy.register,
                raw: raw.map(|raw| raw.to_string()),
                scale,
                wh,
            })
        })
        .collect::<Result<Vec<_>, Useless>>()?;
    let state = match model.state {
        Some((at, fault)) if words[usize::from(at)] == fault => MeterState::OtherError,
        _ => MeterState::Good,
    };
    Ok(ModelShown {
        model: model.id,
        energy,
        w: power(model, words),
        state,
    })
}

/// Power is a picture, not money: what cannot be read is absent.
fn power(model: &Model, words: &[u16]) -> Option<i32> {
    let raw = digits(&model.power, words).ok()??;
    let exponent = match model.power.scale {
        None => 0,
        Some((name, at)) => scale_factor(name, words[usize::from(at)]).ok()??,
    };
    Number::new(raw, exponent.into()).w()
}

/// A scale factor; none when it is not implemented.
pub(super) fn scale_factor(name: &'static str, word: u16) -> Result<Option<i16>, Useless> {
    let factor = i16::from_be_bytes(word.to_be_bytes());
    match factor {
        i16::MIN => Ok(None),
        factor if i32::from(factor).abs() <= MAX_SCALE => Ok(Some(factor)),
        factor => Err((
            format!("{name} of {factor}"),
            "a scale factor between -10 and 10",
        )),
    }
}

/// A point's digits; none when it is not implemented. A float's fraction is cut off.
fn digits(point: &Point, words: &[u16]) -> Result<Option<i128>, Useless> {
    let at = usize::from(point.offset);
    let words = &words[at..at + usize::from(point.packing.registers())];
    let unsigned = words.iter().fold(0_u64, |n, w| n << 16 | u64::from(*w));
    Ok(match point.packing {
        Packing::Int16 => {
            let value = i16::from_be_bytes(words[0].to_be_bytes());
            (value != i16::MIN).then_some(value.into())
        }
        Packing::Acc32 => (unsigned != 0).then_some(unsigned.into()),
        Packing::Uint64 => (unsigned != u64::MAX).then_some(unsigned.into()),
        Packing::Float32 => {
            let bits = (unsigned & u64::from(u32::MAX)) as u32;
            if f32::from_bits(bits).is_nan() {
                None
            } else {
                Some(whole_of_f32(bits).ok_or_else(|| {
                    (
                        format!("{} that is infinite", point.name),
                        "a number or NaN, which says that there is none",
                    )
                })?)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sunspec::model;

    fn inverter(wh: u32, wh_sf: i16, w: i16, w_sf: i16) -> Vec<u16> {
        let mut words = vec![0; 52];
        words[0] = 103;
        words[1] = 50;
        words[14] = w as u16;
        words[15] = w_sf as u16;
        words[24] = (wh >> 16) as u16;
        words[25] = wh as u16;
        words[26] = wh_sf as u16;
        words[38] = 4;
        words
    }

    fn shown(words: &[u16]) -> Result<ModelShown, Useless> {
        show(model::Model::with_id(words[0]).unwrap(), words)
    }

    #[test]
    fn a_register_is_read_with_its_own_scale_factor() {
        for (wh, wh_sf, expected) in [
            (1_234_567, 0, Some(1_234_567)),
            (1_234_567, 1, Some(12_345_670)),
            (1_234_567, -1, Some(123_456)),
            (1_234_567, -10, Some(0)),
            (u32::MAX, 3, Some(4_294_967_295_000)),
            (0, 0, None),
            (1_234_567, i16::MIN, None),
        ] {
            let shown = shown(&inverter(wh, wh_sf, 100, 1)).unwrap();
            assert_eq!(shown.energy[0].wh, expected, "{wh} and {wh_sf}");
            assert_eq!(shown.w, Some(1000));
            assert_eq!(shown.state, MeterState::Good);
        }
    }

    #[test]
    fn a_scale_factor_that_cannot_be_one_is_an_error() {
        let (found, expected) = shown(&inverter(1, 11, 0, 0)).unwrap_err();
        assert_eq!(found, "WH_SF of 11");
        assert_eq!(expected, "a scale factor between -10 and 10");
        assert!(shown(&inverter(1, 0, 0, 99)).unwrap().w.is_none());
    }

    #[test]
    fn an_inverter_asleep_shows_nothing_rather_than_zero() {
        let asleep = shown(&inverter(0, i16::MIN, i16::MIN, i16::MIN)).unwrap();
        assert_eq!(asleep.energy[0].wh, None);
        assert_eq!(asleep.w, None);
    }

    #[test]
    fn a_float_counter_is_cut_and_a_negative_one_refused() {
        let mut words = vec![0; 62];
        words[0] = 113;
        let mut put = |at: usize, value: f32| {
            let bits = value.to_bits();
            words[at] = (bits >> 16) as u16;
            words[at + 1] = bits as u16;
            shown(&words)
        };
        put(22, 1500.75).unwrap();
        let read = put(32, 1_234_567.9).unwrap();
        assert_eq!((read.energy[0].wh, read.w), (Some(1_234_567), Some(1500)));
        assert_eq!(put(32, f32::NAN).unwrap().energy[0].wh, None);
        assert_eq!(put(32, 0.0).unwrap().energy[0].wh, Some(0));
        assert!(put(32, f32::INFINITY).is_err());
        assert!(put(32, -5.0).unwrap_err().0.contains("-5 Wh"));
    }

    #[test]
    fn an_inverter_in_fault_says_so() {
        let mut words = inverter(5, 0, 0, 0);
        words[38] = 7;
        assert_eq!(shown(&words).unwrap().state, MeterState::OtherError);
    }
}
