//! As much of MQTT 3.1.1 as a publisher needs, written out by hand, so that nothing between the test
//! and the daemon can retry, reorder or forget.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// What a server sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet {
    /// CONNACK with its return code.
    ConnAck(u8),
    /// PUBACK with its packet id.
    PubAck(u16),
    /// SUBACK with its return code.
    SubAck(u8),
    /// PUBLISH at QoS 0: topic and payload.
    Publish(String, Vec<u8>),
}

/// A connection.
pub struct Client {
    stream: TcpStream,
    arrived: Vec<u8>,
}

impl Client {
    /// Connects with a clean session and waits for the CONNACK.
    pub fn connect(port: u16, client: &str, user: &str, password: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(20)))?;
        let mut body = Vec::new();
        text(&mut body, "MQTT");
        // Level 4; user name, password, clean session; keep-alive 60 s.
        body.extend([4, 0b1100_0010, 0, 60]);
        for field in [client, user, password] {
            text(&mut body, field);
        }
        let mut client = Client {
            stream,
            arrived: Vec::new(),
        };
        client.send(0x10, &body)?;
        match client.wait()? {
            Packet::ConnAck(0) => Ok(client),
            // "Server unavailable": intake has stopped.
            Packet::ConnAck(3) => Err(ErrorKind::ConnectionRefused.into()),
            other => Err(io::Error::other(format!(
                "expected CONNACK 0, got {other:?}"
            ))),
        }
    }

    /// Subscribes at QoS 0 and waits for the SUBACK.
    pub fn subscribe(&mut self, topic: &str) -> io::Result<()> {
        let mut body = vec![0, 1];
        text(&mut body, topic);
        body.push(0);
        self.send(0x82, &body)?;
        match self.wait()? {
            Packet::SubAck(0) => Ok(()),
            other => Err(io::Error::other(format!(
                "expected SUBACK 0, got {other:?}"
            ))),
        }
    }

    /// Publishes at QoS 1 without waiting.
    pub fn publish(&mut self, topic: &str, id: u16, payload: &[u8]) -> io::Result<()> {
        let mut body = Vec::with_capacity(payload.len() + topic.len() + 4);
        text(&mut body, topic);
        body.extend(id.to_be_bytes());
        body.extend_from_slice(payload);
        self.send(0x32, &body)
    }

    /// The next packet; `None` when nothing came within 20 ms.
    pub fn poll(&mut self) -> io::Result<Option<Packet>> {
        if let Some(packet) = self.take_packet()? {
            return Ok(Some(packet));
        }
        let mut some = [0; 16 * 1024];
        match self.stream.read(&mut some) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.arrived.extend_from_slice(&some[..count]);
                self.take_packet()
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn wait(&mut self) -> io::Result<Packet> {
        for _ in 0..500 {
            if let Some(packet) = self.poll()? {
                return Ok(packet);
            }
        }
        Err(ErrorKind::TimedOut.into())
    }

    fn send(&mut self, first: u8, body: &[u8]) -> io::Result<()> {
        let mut packet = vec![first];
        let mut rest = body.len();
        loop {
            let low = u8::try_from(rest % 128).unwrap();
            rest /= 128;
            packet.push(if rest > 0 { low | 0x80 } else { low });
            if rest == 0 {
                break;
            }
        }
        packet.extend_from_slice(body);
        self.stream.write_all(&packet)
    }

    fn take_packet(&mut self) -> io::Result<Option<Packet>> {
        let Some((packet, used)) = parse(&self.arrived)? else {
            return Ok(None);
        };
        self.arrived.drain(..used);
        Ok(Some(packet))
    }
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    body.extend_from_slice(text.as_bytes());
}

/// The first packet of `bytes` and its length; `None` while it is not whole.
fn parse(bytes: &[u8]) -> io::Result<Option<(Packet, usize)>> {
    let mut length = 0;
    let mut header = 1;
    loop {
        let Some(&byte) = bytes.get(header) else {
            return Ok(None);
        };
        length |= usize::from(byte & 0x7f) << (7 * (header - 1));
        header += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let Some(body) = bytes.get(header..header + length) else {
        return Ok(None);
    };
    let bad = || io::Error::other(format!("server sent {:02x?}", &bytes[..header + length]));
    let at = |i: usize| body.get(i).copied().ok_or_else(bad);
    let packet = match bytes[0] {
        0x20 => Packet::ConnAck(at(1)?),
        0x40 => Packet::PubAck(u16::from_be_bytes([at(0)?, at(1)?])),
        0x90 => Packet::SubAck(at(2)?),
        0x30 | 0x31 => {
            let end = 2 + usize::from(u16::from_be_bytes([at(0)?, at(1)?]));
            let topic = body.get(2..end).ok_or_else(bad)?;
            let topic = String::from_utf8_lossy(topic).into_owned();
            Packet::Publish(topic, body[end..].to_vec())
        }
        _ => return Err(bad()),
    };
    Ok(Some((packet, header + length)))
}

#[test]
fn a_packet_is_taken_when_it_is_whole() {
    let stream = [
        0x40, 2, 0x12, 0x34, 0x30, 6, 0, 1, b't', b'a', b'b', b'c', 0x20,
    ];
    assert!(matches!(parse(&stream[..3]), Ok(None)));
    assert_eq!(parse(&stream).unwrap(), Some((Packet::PubAck(0x1234), 4)));
    let publish = Packet::Publish("t".into(), b"abc".to_vec());
    assert_eq!(parse(&stream[4..]).unwrap(), Some((publish, 8)));
    assert!(matches!(parse(&stream[12..]), Ok(None)));
}
