//! The bytes: the part of the protobuf that a meter needs, read strictly and within bounds.
//!
//! Field numbers are those of Eclipse Tahu's `sparkplug_b.proto`. Fields that are not needed are
//! stepped over by their wire type; templates, data sets and arrays are such. Nothing is allocated
//! by a length a message claims.

/// Most metrics of a payload that are looked at.
pub const MAX_METRICS: usize = 10_000;
/// Longest name of a metric.
pub const MAX_NAME_BYTES: usize = 256;

/// A payload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payload {
    /// When it was sent, ms since 1970.
    pub timestamp: Option<u64>,
    /// Its metrics.
    pub metrics: Vec<Metric>,
    /// Its place in the node's sequence, 0 to 255.
    pub seq: Option<u64>,
}

/// A metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric {
    /// Its name; data may leave it out.
    pub name: Option<String>,
    /// The number that stands for the name.
    pub alias: Option<u64>,
    /// When it was read, ms since 1970.
    pub timestamp: Option<u64>,
    /// Its datatype.
    pub datatype: Option<u64>,
    /// Whether it was stored and sent later.
    pub is_historical: bool,
    /// Whether it has no value.
    pub is_null: bool,
    /// Its value as decimal text; none for null and for what is no number.
    pub value: Option<String>,
    /// Its value, when it is true or false.
    pub flag: Option<bool>,
}

/// The bytes are no Sparkplug B payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload is no Sparkplug B: {0}")]
pub struct NotSparkplug(&'static str);

impl Payload {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`NotSparkplug`] with the first thing that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Payload, NotSparkplug> {
        let mut payload = Payload::default();
        let mut fields = Fields { rest: bytes };
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, Wire::Varint(ms)) => payload.timestamp = Some(ms),
                (2, Wire::Bytes(metric)) => {
                    if payload.metrics.len() == MAX_METRICS {
                        return Err(NotSparkplug("more than 10000 metrics"));
                    }
                    payload.metrics.push(Metric::read(metric)?);
                }
                (3, Wire::Varint(seq)) => payload.seq = Some(seq),
                _ => {}
            }
        }
        Ok(payload)
    }
}

impl Metric {
    fn read(bytes: &[u8]) -> Result<Metric, NotSparkplug> {
        let mut metric = Metric::default();
        let mut number = None;
        let mut fields = Fields { rest: bytes };
        while let Some((field, value)) = fields.next()? {
            match (field, value) {
                (1, Wire::Bytes(name)) => {
                    let name = std::str::from_utf8(name)
                        .map_err(|_| NotSparkplug("a name is not UTF-8"))?;
                    if name.len() > MAX_NAME_BYTES {
                        return Err(NotSparkplug("a name is over 256 bytes"));
                    }
                    metric.name = Some(name.to_owned());
                }
                (2, Wire::Varint(alias)) => metric.alias = Some(alias),
                (3, Wire::Varint(ms)) => metric.timestamp = Some(ms),
                (4, Wire::Varint(datatype)) => metric.datatype = Some(datatype),
                (5, Wire::Varint(yes)) => metric.is_historical = yes != 0,
                (7, Wire::Varint(yes)) => metric.is_null = yes != 0,
                (10 | 11, Wire::Varint(_)) | (12, Wire::Fixed32(_)) | (13, Wire::Fixed64(_)) => {
                    number = Some((field, value));
                }
                (14, Wire::Varint(yes)) => metric.flag = Some(yes != 0),
                (15, Wire::Bytes(text)) => {
                    metric.value = std::str::from_utf8(text).ok().map(str::to_owned);
                }
                _ => {}
            }
        }
        if let Some((field, value)) = number {
            metric.value = Some(decimal(field, value, metric.datatype));
        }
        if metric.is_null {
            metric.value = None;
        }
        Ok(metric)
    }
}

/// A number as decimal text. Small signed integers travel as their two's complement in 32 bits.
fn decimal(field: u64, value: Wire<'_>, datatype: Option<u64>) -> String {
    match (field, value, datatype) {
        (10, Wire::Varint(raw), Some(1)) => i8::from_le_bytes([low(raw)[0]]).to_string(),
        (10, Wire::Varint(raw), Some(2)) => {
            i16::from_le_bytes([low(raw)[0], low(raw)[1]]).to_string()
        }
        (10, Wire::Varint(raw), Some(3)) => i32::from_le_bytes(low(raw)).to_string(),
        (11, Wire::Varint(raw), Some(4)) => raw.cast_signed().to_string(),
        (_, Wire::Varint(raw), _) => raw.to_string(),
        // The shortest decimal that reads back as the same float is what its device meant.
        (_, Wire::Fixed32(bits), _) => f32::from_bits(bits).to_string(),
        (_, Wire::Fixed64(bits), _) => f64::from_bits(bits).to_string(),
        (_, Wire::Bytes(_), _) => String::new(),
    }
}

fn low(raw: u64) -> [u8; 4] {
    let bytes = raw.to_le_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

/// The payload that asks a node to be born again: `Node Control/Rebirth` = true.
#[must_use]
pub fn rebirth(now_ms: u64) -> Vec<u8> {
    let name = b"Node Control/Rebirth";
    let mut metric = vec![0x0a, u8::try_from(name.len()).unwrap_or(0)];
    metric.extend_from_slice(name);
    metric.push(0x18);
    varint(now_ms, &mut metric);
    // Datatype 11 (boolean), value true.
    metric.extend_from_slice(&[0x20, 11, 0x70, 1]);
    let mut payload = vec![0x08];
    varint(now_ms, &mut payload);
    payload.extend_from_slice(&[0x12, u8::try_from(metric.len()).unwrap_or(0)]);
    payload.extend_from_slice(&metric);
    payload
}

fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

#[derive(Clone, Copy, Debug)]
enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Wire<'a>)>, NotSparkplug> {
        const SHORT: NotSparkplug = NotSparkplug("it ends inside a field");
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => {
                let (head, rest) = self.rest.split_first_chunk::<8>().ok_or(SHORT)?;
                self.rest = rest;
                Wire::Fixed64(u64::from_le_bytes(*head))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| SHORT)?;
                let (head, rest) = self.rest.split_at_checked(length).ok_or(SHORT)?;
                self.rest = rest;
                Wire::Bytes(head)
            }
            5 => {
                let (head, rest) = self.rest.split_first_chunk::<4>().ok_or(SHORT)?;
                self.rest = rest;
                Wire::Fixed32(u32::from_le_bytes(*head))
            }
            _ => return Err(NotSparkplug("a wire type that protobuf 2 does not have")),
        };
        match key >> 3 {
            0 => Err(NotSparkplug("field number 0")),
            number => Ok(Some((number, value))),
        }
    }

    fn varint(&mut self) -> Result<u64, NotSparkplug> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self
                .rest
                .split_first()
                .ok_or(NotSparkplug("it ends inside a number"))?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(NotSparkplug("a number of more than ten bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rebirth_command_says_what_it_means() {
        let payload = Payload::read(&rebirth(1_700_000_000_000)).unwrap();
        assert_eq!(payload.timestamp, Some(1_700_000_000_000));
        let metric = &payload.metrics[0];
        assert_eq!(metric.name.as_deref(), Some("Node Control/Rebirth"));
        assert_eq!((metric.datatype, metric.flag), (Some(11), Some(true)));
    }

    #[test]
    fn a_cut_payload_is_refused_at_every_byte_of_its_metric() {
        let whole = rebirth(1);
        for cut in 3..whole.len() {
            assert!(Payload::read(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
