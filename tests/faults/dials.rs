//! Meters to be read over Modbus TCP: registers that count up by one Wh at every look, and remember
//! what they have shown.

use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// The map that `firmware-bridge` reads them by.
pub const MAP: &str = r#"name = "dial"
title = "A dial of the fault tests"
table = "holding"
word_order = "high-first"

[[energy]]
register = "2.8.0"
address = 0
type = "u64"
unit = "Wh"
"#;

/// Several meters behind one address; unit 1 is the first.
pub struct Dials {
    /// Where they are read.
    pub port: u16,
    shown: Arc<Mutex<Vec<BTreeSet<i64>>>>,
}

impl Dials {
    /// So many meters.
    pub fn start(count: usize) -> Dials {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let shown = Arc::new(Mutex::new(vec![BTreeSet::new(); count]));
        let all = Arc::clone(&shown);
        thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let shown = Arc::clone(&all);
                thread::spawn(move || serve(stream, &shown));
            }
        });
        Dials { port, shown }
    }

    /// What a meter has shown so far, Wh.
    pub fn shown(&self, meter: usize) -> BTreeSet<i64> {
        self.shown.lock().unwrap()[meter].clone()
    }
}

/// Answers reads of four registers at 0 until the client goes.
fn serve(mut stream: TcpStream, shown: &Mutex<Vec<BTreeSet<i64>>>) -> io::Result<()> {
    loop {
        let mut request = [0; 12];
        stream.read_exact(&mut request)?;
        let unit = request[6];
        let value = {
            let mut shown = shown.lock().unwrap();
            let Some(meter) = shown.get_mut(usize::from(unit).wrapping_sub(1)) else {
                return Ok(());
            };
            let value = meter.last().map_or(1_000_000, |last| last + 1);
            meter.insert(value);
            value
        };
        let mut answer = request[..4].to_vec();
        answer.extend([0, 11, unit, request[7], 8]);
        answer.extend(value.to_be_bytes());
        stream.write_all(&answer)?;
    }
}
