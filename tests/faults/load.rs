//! Publishers that keep account of every promise they were given.
//!
//! A publisher is one gateway on one connection: one boot, notes of one read each, as many under way
//! as its window allows. It remembers in memory what it sent, what a PUBACK named and what a
//! receipt named. When the connection breaks it ends and hands over its account; the next round
//! starts another with the next boot.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use jiff::Timestamp;
use wire::Receipt;

use crate::mqtt::{Client, Packet};

/// Who publishes.
#[derive(Clone, Debug)]
pub struct Account {
    /// The gateway's id.
    pub gateway: String,
    /// Its password.
    pub token: String,
    /// Serials of its meters; a publisher uses the first.
    pub meters: Vec<String>,
}

/// What one publisher did and was promised.
#[derive(Debug, Default)]
pub struct Promises {
    /// Each note sent, by sequence: the read's time in ms and its register in Wh.
    pub sent: BTreeMap<u64, (i64, i64)>,
    /// Sequences that a PUBACK named.
    pub acked: BTreeSet<u64>,
    /// Sequences that a receipt named.
    pub named: BTreeSet<u64>,
    /// Receipts that arrived.
    pub receipts: usize,
    /// Why it ended, unless it was told to.
    pub ended: Option<String>,
    /// A rule of the protocol that the daemon broke.
    pub broken_rule: Option<String>,
}

impl Promises {
    /// Reads that must be there whatever happens: (time in ms, Wh).
    pub fn owed(&self) -> BTreeSet<(i64, i64)> {
        let promised = self.acked.union(&self.named);
        promised.map(|seq| self.sent[seq]).collect()
    }
}

/// A running publisher.
pub struct Publisher {
    stop: Arc<AtomicBool>,
    abandon: Arc<AtomicBool>,
    task: JoinHandle<Promises>,
}

/// The read times of a publisher: one each millisecond from `from`, the register rising slowly
/// enough for any roof.
#[derive(Clone, Copy, Debug)]
pub struct Reads {
    /// Time of the first read, in ms.
    pub from_ms: i64,
    /// Its register, in Wh.
    pub from_wh: i64,
}

impl Reads {
    /// The time of the n-th in ms, and its register in Wh.
    pub fn nth(self, n: u64) -> (i64, i64) {
        let n = i64::try_from(n).unwrap();
        // 1 Wh a second is 3.6 kW.
        (self.from_ms + n, self.from_wh + n / 1_000)
    }
}

impl Publisher {
    /// Starts to publish with `window` notes under way.
    pub fn start(port: u16, account: Account, boot: u64, reads: Reads, window: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let abandon = Arc::new(AtomicBool::new(false));
        let told = Told {
            stop: Arc::clone(&stop),
            abandon: Arc::clone(&abandon),
        };
        let task = std::thread::spawn(move || {
            let mut promises = Promises::default();
            let ended = run(port, &account, boot, reads, window, &told, &mut promises);
            if let Err(error) = ended {
                // Connections break with an error of the system; the others are ours.
                if error.kind() == io::ErrorKind::Other {
                    promises.broken_rule = Some(error.to_string());
                }
                promises.ended = Some(error.to_string());
            }
            promises
        });
        Publisher {
            stop,
            abandon,
            task,
        }
    }

    /// Waits for the end of a publisher whose connection breaks.
    pub fn join(self) -> Promises {
        self.task.join().unwrap()
    }

    /// Has it ended by itself?
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Ends it at once, with what it was promised so far.
    pub fn abandon(self) -> Promises {
        self.abandon.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Tells it to send no more, wait for the PUBACKs under way, and end.
    pub fn stop(self) -> Promises {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }
}

/// What a publisher was told.
struct Told {
    stop: Arc<AtomicBool>,
    abandon: Arc<AtomicBool>,
}

fn run(
    port: u16,
    account: &Account,
    boot: u64,
    reads: Reads,
    window: usize,
    told: &Told,
    promises: &mut Promises,
) -> io::Result<()> {
    let Account {
        gateway,
        token,
        meters,
    } = account;
    let meter = &meters[0];
    let topic = format!("commonwatt/v1/{gateway}/reads");
    let mut client = Client::connect(port, gateway, gateway, token)?;
    client.subscribe(&format!("commonwatt/v1/{gateway}/receipt"))?;
    let mut under_way: BTreeMap<u16, u64> = BTreeMap::new();
    let mut seq = 0;
    loop {
        let stopping = told.stop.load(Ordering::Relaxed);
        if (stopping && under_way.is_empty()) || told.abandon.load(Ordering::Relaxed) {
            return Ok(());
        }
        while !stopping && under_way.len() < window {
            seq += 1;
            // Packet ids 1 to 65535; a window is far smaller, so none is used twice at once.
            let packet = u16::try_from((seq - 1) % 65_535 + 1).unwrap();
            let (at_ms, wh) = reads.nth(seq);
            let at = Timestamp::from_millisecond(at_ms).unwrap();
            let note = format!(
                r#"{{"boot":{boot},"seq":{seq},"now":"{at}","clock":"S","reads":[{{"meter":"{meter}","register":"2.8.0","t":"{at}","wh":{wh}}}]}}"#
            );
            promises.sent.insert(seq, (at_ms, wh));
            under_way.insert(packet, seq);
            client.publish(&topic, packet, note.as_bytes())?;
        }
        match client.poll()? {
            Some(Packet::PubAck(packet)) => {
                let seq = under_way.remove(&packet).ok_or_else(|| {
                    io::Error::other(format!("PUBACK `{packet}` for nothing under way"))
                })?;
                promises.acked.insert(seq);
            }
            Some(Packet::Publish(_, text)) => take_receipt(&text, boot, promises)?,
            Some(other) => return Err(io::Error::other(format!("unexpected {other:?}"))),
            None => {}
        }
    }
}

fn take_receipt(text: &[u8], boot: u64, promises: &mut Promises) -> io::Result<()> {
    let receipt = Receipt::parse(text).map_err(io::Error::other)?;
    promises.receipts += 1;
    let Some(done) = receipt.done().find(|done| done.boot == boot) else {
        return Ok(());
    };
    let mut ranges = vec![(1, done.upto)];
    ranges.extend_from_slice(done.also);
    for (from, to) in ranges {
        for seq in from..=to {
            if !promises.sent.contains_key(&seq) {
                let words = format!("receipt names `{boot}/{seq}`, which was never sent");
                return Err(io::Error::other(words));
            }
            promises.named.insert(seq);
        }
    }
    if let Some(back) = promises
        .named
        .iter()
        .find(|seq| !receipt.covers(boot, **seq))
    {
        return Err(io::Error::other(format!(
            "receipt no longer names `{boot}/{back}`"
        )));
    }
    Ok(())
}

/// Waits until the gateway's receipt names these again. A daemon that was started again must never
/// publish one that says less.
pub fn await_receipt(port: u16, account: &Account, boot: u64, named: &BTreeSet<u64>) {
    if named.is_empty() {
        return;
    }
    let Account { gateway, token, .. } = account;
    let mut client = Client::connect(port, gateway, gateway, token).unwrap();
    client
        .subscribe(&format!("commonwatt/v1/{gateway}/receipt"))
        .unwrap();
    // Each poll waits 20 ms at most; a receipt comes when the replay is done.
    for _ in 0..1_500 {
        if let Some(Packet::Publish(_, text)) = client.poll().unwrap() {
            let receipt = Receipt::parse(&text).unwrap();
            let missing = named.iter().find(|seq| !receipt.covers(boot, **seq));
            assert_eq!(
                missing, None,
                "{gateway}, boot {boot}: the receipt went backwards"
            );
            return;
        }
    }
    panic!("{gateway}: no receipt after the restart");
}
