//! Why a connection ends, and what a version 5 client is told.

use rumqttc::v5::mqttbytes::v5::DisconnectReasonCode as Code;

/// The reason a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Close {
    /// The client said DISCONNECT.
    Goodbye = 1,
    /// The client said DISCONNECT and asks for its last will all the same.
    GoodbyeWithWill,
    /// The client or the network closed the connection.
    Gone,
    /// A CONNECT was refused; the CONNACK has said why.
    Refused,
    /// Bytes that are no MQTT.
    Malformed,
    /// A packet that must not come now.
    Protocol,
    /// A packet over the cap.
    TooLarge,
    /// A topic alias, which was never offered.
    TopicAlias,
    /// Outside the gateway's rights, or its credential was withdrawn.
    NotAuthorized,
    /// Too many QoS 2 messages without PUBREL.
    TooManyOpen,
    /// Nothing came for 1.5 times the keep-alive, or no CONNECT in time.
    Silent,
    /// The peer does not take what is written to it.
    Stalled,
    /// The same client id connected again.
    TakenOver,
    /// A message did not reach the disk, or the journal has stopped.
    NotDurable,
    /// The endpoint ends.
    ShuttingDown,
}

impl Close {
    /// The reason as a number, for an atomic; 0 is none.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn from_number(number: u8) -> Option<Close> {
        const ALL: [Close; 15] = [
            Close::Goodbye,
            Close::GoodbyeWithWill,
            Close::Gone,
            Close::Refused,
            Close::Malformed,
            Close::Protocol,
            Close::TooLarge,
            Close::TopicAlias,
            Close::NotAuthorized,
            Close::TooManyOpen,
            Close::Silent,
            Close::Stalled,
            Close::TakenOver,
            Close::NotDurable,
            Close::ShuttingDown,
        ];
        ALL.into_iter().find(|c| c.number() == number)
    }

    /// What a version 5 client is told; nothing where it spoke last or cannot hear.
    pub(super) fn code(self) -> Option<Code> {
        Some(match self {
            Close::Goodbye
            | Close::GoodbyeWithWill
            | Close::Gone
            | Close::Refused
            | Close::Stalled => return None,
            Close::Malformed => Code::MalformedPacket,
            Close::Protocol => Code::ProtocolError,
            Close::TooLarge => Code::PacketTooLarge,
            Close::TopicAlias => Code::TopicAliasInvalid,
            Close::NotAuthorized => Code::NotAuthorized,
            Close::TooManyOpen => Code::ReceiveMaximumExceeded,
            Close::Silent => Code::KeepAliveTimeout,
            Close::TakenOver => Code::SessionTakenOver,
            Close::NotDurable => Code::ServerBusy,
            Close::ShuttingDown => Code::ServerShuttingDown,
        })
    }

    /// Whether the client broke the protocol.
    pub(super) fn is_breach(self) -> bool {
        matches!(
            self,
            Close::Malformed
                | Close::Protocol
                | Close::TooLarge
                | Close::TopicAlias
                | Close::TooManyOpen
        )
    }

    /// Whether the last will is due.
    pub(super) fn publishes_will(self) -> bool {
        !matches!(self, Close::Goodbye | Close::Refused)
    }
}
