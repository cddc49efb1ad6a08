//! One MQTT connection, from CONNECT until it breaks.
//!
//! rumqttc gives a publish its packet id only when it sends it, and tells so in the order in which
//! publishes were handed over; so the connection remembers that order, and can say of each PUBACK
//! which note it is for.

#[cfg(feature = "tls")]
use std::sync::Arc;
use std::{collections::VecDeque, time::Duration};

use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing,
    Packet, QoS, SubscribeReasonCode,
};
#[cfg(feature = "tls")]
use rumqttc::{TlsConfiguration, Transport};
use serde::Serialize;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use super::{INCOMING_BYTES_MOST, OUTGOING_BYTES_MOST, STATUS_EVERY_S, UplinkConfig};
use crate::{
    note::NoteId,
    session::{Publish, Standing},
};

/// A broker that has not granted the receipt topic after so long, in s, is given up.
pub const GRANT_WITHIN_S: u64 = 20;
/// What may be under way besides the window of notes: the subscription and two statuses.
const BESIDES_NOTES: usize = 8;

/// What a connection has to say.
pub(super) enum Said {
    /// The receipt topic is granted: the connection is up.
    Granted,
    /// The broker took a note.
    Took(NoteId),
    /// A message on the receipt topic.
    Receipt(bytes::Bytes),
    /// Nothing that matters above.
    Nothing,
    /// It is over, for this reason.
    Lost(String),
}

pub(super) struct Connection {
    client: AsyncClient,
    events: mpsc::Receiver<Result<Event, ConnectionError>>,
    poller: JoinHandle<()>,
    granted: bool,
    topics: Topics,
    boot: u64,
    /// Publishes handed to rumqttc that have no packet id yet, in order; `None` is a status.
    submitted: VecDeque<Option<NoteId>>,
    /// Packet ids that wait for a PUBACK.
    numbered: Vec<(u16, NoteId)>,
    /// The next status, or before the grant the end of patience.
    due: Instant,
}

struct Topics {
    reads: String,
    receipt: String,
    status: String,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.poller.abort();
    }
}

impl Connection {
    /// Starts to connect; `window` notes may be under way at once.
    pub(super) fn open(config: &UplinkConfig, boot: u64, window: usize) -> Self {
        let topic = |leaf| format!("commonwatt/v1/{}/{leaf}", config.gateway);
        let topics = Topics {
            reads: topic("reads"),
            receipt: topic("receipt"),
            status: topic("status"),
        };
        // Room for all that may be under way, so that `try_publish` never meets a full channel.
        let room = window + BESIDES_NOTES;
        let will = LastWill::new(
            &topics.status,
            status(false, boot, Standing::default()),
            QoS::AtLeastOnce,
            true,
        );
        let (client, event_loop) = AsyncClient::new(options(config, room, will), room);
        let (events_out, events) = mpsc::channel(64);
        Connection {
            client,
            events,
            poller: tokio::spawn(poll(event_loop, events_out)),
            granted: false,
            topics,
            boot,
            submitted: VecDeque::new(),
            numbered: Vec::new(),
            due: Instant::now() + Duration::from_secs(GRANT_WITHIN_S),
        }
    }

    pub(super) fn is_granted(&self) -> bool {
        self.granted
    }

    /// When [`Connection::tend`] has something to do.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Says the status when it is time, and ends a connection whose topic was not granted in time.
    pub(super) fn tend(&mut self, standing: Standing) -> Said {
        if self.due > Instant::now() {
            return Said::Nothing;
        }
        if !self.granted {
            let waited = format!("broker did not grant the receipt topic in `{GRANT_WITHIN_S}` s");
            return Said::Lost(waited);
        }
        self.due = Instant::now() + Duration::from_secs(STATUS_EVERY_S);
        match self.publish_status(true, standing) {
            Ok(()) => Said::Nothing,
            Err(error) => Said::Lost(error.to_string()),
        }
    }

    /// Hands over a note. An error means that the connection is broken; its end will be said.
    pub(super) fn publish(&mut self, note: Publish) -> Result<(), ClientError> {
        let topic = &self.topics.reads;
        self.client
            .try_publish(topic, QoS::AtLeastOnce, false, note.payload)?;
        self.submitted.push_back(Some(note.id));
        Ok(())
    }

    /// Waits for the next event.
    pub(super) async fn said(&mut self) -> Said {
        match self.events.recv().await {
            Some(Ok(event)) => self.understand(event),
            Some(Err(error)) => Said::Lost(error.to_string()),
            None => Said::Lost("connection's task ended".into()),
        }
    }

    /// Says that the gateway leaves, so that the broker needs no last will, and disconnects.
    pub(super) async fn good_bye(&mut self, standing: Standing) {
        let said = self
            .publish_status(false, standing)
            .and_then(|()| self.client.try_disconnect());
        if said.is_ok() {
            let closed = async { while let Some(Ok(_)) = self.events.recv().await {} };
            // A broker that does not close the connection is left to its last will.
            let _ = tokio::time::timeout(Duration::from_secs(1), closed).await;
        }
    }

    fn publish_status(&mut self, online: bool, standing: Standing) -> Result<(), ClientError> {
        let status = status(online, self.boot, standing);
        let topic = &self.topics.status;
        self.client
            .try_publish(topic, QoS::AtLeastOnce, true, status)?;
        self.submitted.push_back(None);
        Ok(())
    }

    fn understand(&mut self, event: Event) -> Said {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => {
                let topic = &self.topics.receipt;
                match self.client.try_subscribe(topic, QoS::AtLeastOnce) {
                    Ok(()) => Said::Nothing,
                    Err(error) => Said::Lost(error.to_string()),
                }
            }
            Event::Incoming(Packet::SubAck(granted)) => {
                if granted.return_codes.contains(&SubscribeReasonCode::Failure) {
                    return Said::Lost("broker refused the receipt topic".into());
                }
                self.granted = true;
                self.due = Instant::now();
                Said::Granted
            }
            Event::Outgoing(Outgoing::Publish(packet)) => {
                if let Some(Some(note)) = self.submitted.pop_front() {
                    self.numbered.push((packet, note));
                }
                Said::Nothing
            }
            Event::Incoming(Packet::PubAck(ack)) => {
                let mut numbered = self.numbered.iter();
                match numbered.position(|(packet, _)| *packet == ack.pkid) {
                    Some(place) => Said::Took(self.numbered.swap_remove(place).1),
                    None => Said::Nothing,
                }
            }
            Event::Incoming(Packet::Publish(message)) if message.topic == self.topics.receipt => {
                Said::Receipt(message.payload)
            }
            _ => Said::Nothing,
        }
    }
}

fn options(config: &UplinkConfig, room: usize, will: LastWill) -> MqttOptions {
    let mut options = MqttOptions::new(&config.gateway, &config.host, config.port);
    options
        .set_clean_session(true)
        .set_keep_alive(Duration::from_secs(config.keep_alive_s.max(5).into()))
        .set_max_packet_size(INCOMING_BYTES_MOST, OUTGOING_BYTES_MOST)
        .set_inflight(u16::try_from(room).unwrap_or(u16::MAX))
        .set_last_will(will);
    if let Some(token) = &config.token {
        let user = config.user.as_ref().unwrap_or(&config.gateway);
        options.set_credentials(user, token);
    }
    #[cfg(feature = "tls")]
    if let Some(tls) = &config.tls {
        let tls = TlsConfiguration::Rustls(Arc::clone(tls));
        options.set_transport(Transport::tls_with_config(tls));
    }
    options
}

/// Polls one connection until it breaks. It runs apart because `EventLoop::poll` must not be
/// dropped half-way: a packet it was writing would be lost.
async fn poll(mut event_loop: EventLoop, events: mpsc::Sender<Result<Event, ConnectionError>>) {
    loop {
        let event = event_loop.poll().await;
        let broken = event.is_err();
        if events.send(event).await.is_err() || broken {
            return;
        }
    }
}

#[derive(Serialize)]
struct Status {
    online: bool,
    boot: u64,
    unreceipted_notes: usize,
    backlog_bytes: u64,
    lost_notes: u64,
    lost_reads: u64,
}

fn status(online: bool, boot: u64, standing: Standing) -> Vec<u8> {
    let status = Status {
        online,
        boot,
        unreceipted_notes: standing.unreceipted,
        backlog_bytes: standing.bytes,
        lost_notes: standing.lost_notes,
        lost_reads: standing.lost_reads,
    };
    serde_json::to_vec(&status).expect("integers always print as JSON")
}
