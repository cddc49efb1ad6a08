//! The strings of a model 160: direct-current energy before the inverter.

use tracing::warn;

use super::{chain::Block, model::strings, shown};
use crate::source::{
    MeterState, Sample, SourceError,
    modbus::{Device, MAX_REGISTERS, ReadError, Table},
    number::Number,
};

/// Reads the strings of a model 160. More strings than come with the head are read in further
/// requests, between two reads of the head that must agree.
pub(super) async fn read_strings(
    device: &Device,
    name: &str,
    serial: &str,
    block: &Block,
) -> Result<Vec<Sample>, SourceError> {
    let read = async |from: u16, count: u16| -> Result<Vec<u16>, ReadError> {
        device.read(Table::Holding, from, count).await
    };
    let explain = |error| device.explain(name, error);
    let fits = (block.length + 2).saturating_sub(strings::HEAD) / strings::EACH;
    let with_head = fits.min(strings::WITH_HEAD);
    let size = strings::HEAD + with_head * strings::EACH;
    let mut words = read(block.at, size).await.map_err(explain)?;
    let count = words[usize::from(strings::COUNT)].min(fits);
    let head = words[..usize::from(strings::HEAD)].to_vec();
    let each_read = MAX_REGISTERS / strings::EACH;
    let mut have = with_head;
    while have < count {
        let more = (count - have).min(each_read);
        let from = block.at + strings::HEAD + have * strings::EACH;
        words.extend(read(from, more * strings::EACH).await.map_err(explain)?);
        have += more;
    }
    if count > with_head {
        let again = read(block.at, strings::HEAD).await.map_err(explain)?;
        if again[usize::from(strings::SCALE)] != head[usize::from(strings::SCALE)] {
            warn!(
                source = name,
                "a scale factor of the strings changed while they were read"
            );
            return Ok(Vec::new());
        }
    }
    let factor = |name, at: u16| {
        shown::scale_factor(name, head[usize::from(at)])
            .ok()
            .flatten()
    };
    let Some(scale) = factor("DCWH_SF", strings::SCALE) else {
        return Ok(Vec::new());
    };
    let power_scale = factor("DCW_SF", strings::POWER_SCALE);
    let samples = words[usize::from(strings::HEAD)..]
        .chunks(strings::EACH.into())
        .take(count.into())
        .enumerate()
        .filter_map(|(index, string)| {
            let at = usize::from(strings::ENERGY);
            let wh = i128::from(string[at]) << 16 | i128::from(string[at + 1]);
            let w = string[usize::from(strings::POWER)];
            let w = power_scale
                .filter(|_| w != u16::MAX)
                .and_then(|scale| Number::new(w.into(), scale.into()).w());
            Some(Sample {
                meter: format!("{serial}/dc{}", index + 1),
                register: "2.8.0".to_owned(),
                wh: (wh != 0).then(|| Number::new(wh, scale.into()).wh())??,
                w,
                state: MeterState::Good,
                meter_time: None,
            })
        })
        .collect();
    Ok(samples)
}
