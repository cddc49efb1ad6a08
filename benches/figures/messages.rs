//! Messages as gateways send them and as the endpoint hands them to the journal, without the
//! network between: the record of what arrived and the reads decoded from it.

use std::{fmt::Write as _, sync::Arc};

use domain::calendar::Instant;
use journal::Records;
use records::{
    Decoded, decode,
    directory::Directory,
    message::{Door, ReadMessage},
};

use crate::peers::Read;

/// Writes messages of one entry.
pub struct Writer {
    directory: Arc<Directory>,
    payload: String,
    gateways: Vec<(Arc<str>, String)>,
    seq: u64,
    /// The second whose text is known.
    second: (i64, String),
}

impl Writer {
    /// For the registers of a directory, by this many gateways in turn.
    pub fn new(directory: Arc<Directory>, gateways: usize) -> Writer {
        let named = |n| {
            let id = format!("g{n}");
            let topic = format!("commonwatt/v1/{id}/reads");
            (Arc::from(id), topic)
        };
        Writer {
            directory,
            payload: String::new(),
            gateways: (0..gateways.max(1)).map(named).collect(),
            seq: 0,
            second: (i64::MIN, String::new()),
        }
    }

    /// Adds one message with these reads; received now.
    pub fn write(
        &mut self,
        reads: &[Read],
        now_ms: i64,
        records: &mut Records,
        decoded: &mut Decoded,
    ) {
        let gateways = self.gateways.len() as u64;
        let place = usize::try_from(self.seq % gateways).unwrap_or(0);
        let seq = self.seq / gateways + 1;
        self.seq += 1;
        self.spell(reads, now_ms, seq);
        let (gateway, topic) = &self.gateways[place];
        let received = Instant(now_ms);
        let from = decode::From {
            gateway,
            received,
            record: u32::try_from(records.len()).unwrap_or(u32::MAX),
        };
        let payload = self.payload.as_bytes();
        let brought = decode::reads(
            from,
            payload,
            records::proof::Proof::Unsigned,
            &self.directory,
            &mut Vec::new(),
            decoded,
        );
        assert_eq!(
            brought.placed as usize,
            reads.len(),
            "every read is of a known register: {}",
            self.payload
        );
        let message = ReadMessage {
            received,
            door: Door::Endpoint,
            qos: 1,
            retained: false,
            will: false,
            undecodable: false,
            proof: records::proof::Proof::Unsigned,
            gateway,
            topic,
            mapping: None,
            payload,
        };
        records.push_with(|bytes| message.encode(bytes).expect("a short message fits"));
    }

    fn spell(&mut self, reads: &[Read], now_ms: i64, seq: u64) {
        self.payload.clear();
        let now = self.time(now_ms - now_ms.rem_euclid(1_000)).to_owned();
        let head = format!(r#"{{"boot":1,"seq":{seq},"now":"{now}","clock":"S","reads":["#);
        self.payload.push_str(&head);
        for (n, read) in reads.iter().enumerate() {
            if n > 0 {
                self.payload.push(',');
            }
            let time = std::mem::take(&mut self.payload);
            self.time(read.at);
            self.payload = time;
            let (_, at) = &self.second;
            let (meter, wh, w) = (read.meter, read.wh, read.w);
            write!(
                self.payload,
                r#"{{"meter":"M{meter:07}","register":"2.8.0","t":"{at}","wh":{wh},"w":{w}}}"#
            )
            .expect("a string grows");
        }
        self.payload.push_str("]}");
    }

    fn time(&mut self, ms: i64) -> &str {
        if self.second.0 != ms {
            let text = jiff::Timestamp::from_millisecond(ms)
                .unwrap_or_default()
                .to_string();
            self.second = (ms, text);
        }
        &self.second.1
    }
}
