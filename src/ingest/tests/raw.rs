//! A client that sends exactly the bytes it is told to.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::stage::TOKEN;

pub struct Raw {
    pub stream: TcpStream,
}

/// How a CONNECT is made up.
pub struct Hello {
    pub level: u8,
    pub flags: u8,
    pub keep_alive: u16,
    pub client_id: String,
    pub will: Option<(String, String)>,
    pub login: Option<(String, String)>,
}

impl Hello {
    pub fn v4(gateway: &str) -> Hello {
        Hello {
            level: 4,
            flags: 2,
            keep_alive: 0,
            client_id: format!("client of {gateway}"),
            will: None,
            login: Some((gateway.to_owned(), TOKEN.to_owned())),
        }
    }

    pub fn v5(gateway: &str) -> Hello {
        Hello {
            level: 5,
            ..Hello::v4(gateway)
        }
    }

    pub fn packet(&self) -> Vec<u8> {
        let mut flags = self.flags;
        let mut tail = text(&self.client_id);
        if let Some((topic, payload)) = &self.will {
            flags |= 0x04;
            if self.level == 5 {
                tail.push(0);
            }
            tail.extend(text(topic));
            tail.extend(text(payload));
        }
        if let Some((user, password)) = &self.login {
            flags |= 0xc0;
            tail.extend(text(user));
            tail.extend(text(password));
        }
        let mut body = text("MQTT");
        body.extend([self.level, flags]);
        body.extend(self.keep_alive.to_be_bytes());
        if self.level == 5 {
            body.push(0);
        }
        body.extend(tail);
        packet(0x10, &body)
    }
}

impl Raw {
    pub fn open(address: SocketAddr) -> Raw {
        let stream = TcpStream::connect(address).expect("the endpoint accepts");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Raw { stream }
    }

    /// Connects and expects to be welcome.
    pub fn connect(address: SocketAddr, hello: &Hello) -> Raw {
        let mut raw = Raw::open(address);
        raw.send(&hello.packet());
        let (first, body) = raw.packet();
        assert_eq!((first, body[0], body[1]), (0x20, 0, 0), "CONNACK {body:?}");
        raw
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .expect("the endpoint takes bytes");
    }

    /// The next packet: first byte and body.
    pub fn packet(&mut self) -> (u8, Vec<u8>) {
        self.try_packet().expect("a packet")
    }

    pub fn try_packet(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut first = [0; 1];
        self.stream.read_exact(&mut first)?;
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let mut byte = [0; 1];
            self.stream.read_exact(&mut byte)?;
            length |= usize::from(byte[0] & 0x7f) << shift;
            shift += 7;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((first[0], body))
    }

    /// Expects the connection to close, and gives what came before.
    pub fn closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => rest,
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => rest,
            Err(e) => panic!("expected the connection to close, got {e}, after {rest:?}"),
        }
    }

    /// Expects nothing for a while.
    pub fn is_quiet(&mut self, time: Duration) {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let mut byte = [0; 1];
        let seen = self.stream.read(&mut byte);
        assert!(
            matches!(&seen, Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)),
            "expected silence, got {seen:?} {byte:?}"
        );
        self.stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
    }
}

/// A PUBLISH of either version (`level` 4 or 5).
pub fn publish(level: u8, qos: u8, id: u16, topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = text(topic);
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    if level == 5 {
        body.push(0);
    }
    body.extend(payload);
    packet(0x30 | qos << 1, &body)
}

pub fn subscribe(level: u8, id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if level == 5 {
        body.push(0);
    }
    for filter in filters {
        body.extend(text(filter));
        body.push(1);
    }
    packet(0x82, &body)
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut length = body.len();
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        packet.push((length % 128) as u8 | more);
        length /= 128;
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

pub fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// The payload of a QoS 0 PUBLISH and its topic.
pub fn received(level: u8, body: &[u8]) -> (String, String) {
    let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let payload = 2 + topic + usize::from(level == 5);
    (text(&body[2..2 + topic]), text(&body[payload..]))
}
