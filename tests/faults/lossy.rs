//! A link that loses three packets of ten.
//!
//! A relay between a gateway and its broker. Every piece of at most one Ethernet frame is lost with
//! a probability of 30 % at each sending and sent again, as TCP does, after a pause that doubles; a
//! piece lost [`SENDINGS_MOST`] times in a row takes the connection with it. The first pause is a
//! quarter of TCP's 200 ms, so that rounds stay short.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Of a hundred sendings so many are lost.
pub const LOST_PERCENT: u64 = 30;
const PIECE_BYTES: usize = 1_460;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const SENDINGS_MOST: u32 = 5;

/// A running relay.
pub struct LossyLink {
    /// Where to connect instead.
    pub port: u16,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    lost: AtomicU64,
    broken: AtomicU64,
    chance: AtomicU64,
}

impl LossyLink {
    /// A link to a port of this machine.
    pub fn to(port: u16) -> LossyLink {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = socket.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let all = Arc::clone(&counts);
        thread::spawn(move || {
            for near in socket.incoming().flatten() {
                // A broker that is down closes the connection at once, as a refused one.
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let counts = Arc::clone(&all);
                    thread::spawn(move || relay(from, to, &counts));
                }
            }
        });
        LossyLink { port: own, counts }
    }

    /// For the record.
    pub fn say(&self) -> String {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (sent, lost) = (of(&self.counts.sent), of(&self.counts.lost));
        let broken = of(&self.counts.broken);
        format!("{lost} of {sent} packets lost, {broken} connections broken by it")
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, counts: &Counts) {
    let mut piece = [0; PIECE_BYTES];
    'link: while let Ok(size @ 1..) = from.read(&mut piece) {
        for sending in 1.. {
            counts.sent.fetch_add(1, Ordering::Relaxed);
            let drawn = counts
                .chance
                .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            if (drawn ^ drawn >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32 & 0xffff
                >= LOST_PERCENT * 0x1_0000 / 100
            {
                break;
            }
            counts.lost.fetch_add(1, Ordering::Relaxed);
            if sending == SENDINGS_MOST {
                counts.broken.fetch_add(1, Ordering::Relaxed);
                break 'link;
            }
            thread::sleep(FIRST_PAUSE * (1 << (sending - 1)));
        }
        if to.write_all(&piece[..size]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
