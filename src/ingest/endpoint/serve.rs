//! One connection's socket: reads a big piece, lets the session take all packets in it, writes all
//! answers at once. One task a connection; it is woken by its socket, by the disk, or by the tick.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::{
    close::Close,
    connection::Connection,
    session::Session,
    shard::{Shard, lock},
};

/// Reads in one turn before other connections get theirs.
const READS_A_TURN: usize = 4;
/// How long the last bytes to a client may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves one connection to its end.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    seat: Seat,
    certificate: Option<[u8; 32]>,
) {
    let shard = Arc::clone(&seat.shard);
    let session = Session::new(
        Arc::clone(&shard),
        Arc::clone(&seat.connection),
        certificate,
    );
    let mut link = Link {
        session: Guard(session),
        seat,
        left: Vec::new(),
        written: 0,
        unflushed: false,
        waker: Waker::noop().clone(),
    };
    let why = poll_fn(|cx| link.poll(&mut stream, cx)).await;
    let session = &mut link.session.0;
    session.say_why(why);
    session.publish_will(why);
    count(&shard, why);
    if why != Close::Gone && why != Close::Stalled {
        let rest = session.out.get(link.written..).unwrap_or_default();
        let farewell = async {
            let _ = stream.write_all(rest).await;
            let _ = stream.shutdown().await;
        };
        // A client that no longer reads has had its time.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

struct Link {
    session: Guard,
    seat: Seat,
    /// The beginning of a packet whose rest has not come.
    left: Vec<u8>,
    /// How much of the output has been written.
    written: usize,
    /// TLS has taken bytes that it has not passed on.
    unflushed: bool,
    /// Whom the tally wakes.
    waker: Waker,
}

/// A connection's place on the lists and in the counts, given back however its task ends, a panic
/// included.
pub(super) struct Seat {
    shard: Arc<Shard>,
    connection: Arc<Connection>,
}

impl Seat {
    pub(super) fn new(shard: Arc<Shard>, connection: Arc<Connection>) -> Seat {
        Seat { shard, connection }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let shared = &self.shard.shared;
        if !self.connection.open.load(Ordering::Acquire) {
            shared.metrics.half_open.add(-1);
        }
        shared.metrics.connections.add(-1);
        shared.leave_address(self.connection.peer.ip());
        self.shard.leave(&self.connection);
    }
}

/// Gives the client id back, in the same way.
struct Guard(Session);

impl Drop for Guard {
    fn drop(&mut self) {
        let session = &self.0;
        if let Some(open) = &session.open {
            session.shard.shared.leave_name(open, &session.connection);
        }
    }
}

impl Link {
    fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Close> {
        let session = &mut self.session.0;
        if !self.waker.will_wake(cx.waker()) {
            self.waker.clone_from(cx.waker());
            session.connection.tally.register(cx.waker());
        }
        if let Some(why) = session.connection.ended() {
            return Poll::Ready(why);
        }
        if let Err(why) = session.still_welcome() {
            return Poll::Ready(why);
        }
        let mut reads = 0;
        loop {
            if let Err(why) = self.session.0.acknowledge() {
                return Poll::Ready(why);
            }
            self.session.0.receipts();
            if let Err(why) = self.write(stream, cx) {
                return Poll::Ready(why);
            }
            if !self.session.0.may_read() {
                return Poll::Pending;
            }
            if reads == READS_A_TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            reads += 1;
            if let Err(why) = ready!(self.read(stream, cx)) {
                // What was read before the error is answered if it can be.
                let _ = self.write(stream, cx);
                return Poll::Ready(why);
            }
        }
    }

    fn read<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Close>> {
        let session = &mut self.session.0;
        let shard = &self.seat.shard;
        let mut scratch = lock(&shard.scratch);
        let kept = self.left.len();
        let Some((front, room)) = scratch.split_at_mut_checked(kept) else {
            return Poll::Ready(Err(Close::TooLarge));
        };
        let mut buffer = ReadBuf::new(room);
        let polled = Pin::new(stream).poll_read(cx, &mut buffer);
        let Ok(()) = ready!(polled) else {
            return Poll::Ready(Err(Close::Gone));
        };
        let fresh = buffer.filled().len();
        if fresh == 0 {
            return Poll::Ready(Err(Close::Gone));
        }
        front.copy_from_slice(&self.left);
        if session.open.is_some() {
            session
                .connection
                .heard
                .store(shard.tick(), Ordering::Relaxed);
        }
        let was_open = session.open.is_some();
        let bytes = scratch.get(..kept + fresh).unwrap_or_default();
        let used = session.input(bytes);
        if !was_open && session.open.is_some() {
            shard.shared.metrics.half_open.add(-1);
            session
                .connection
                .heard
                .store(shard.tick(), Ordering::Relaxed);
        }
        self.left.clear();
        self.left
            .extend_from_slice(bytes.get(used?..).unwrap_or_default());
        if self.left.is_empty() && self.left.capacity() > super::READ_BYTES {
            self.left = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    fn write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Result<(), Close> {
        let session = &mut self.session.0;
        if session.out.is_empty() && !self.unflushed {
            return Ok(());
        }
        let mut blocked = false;
        while let Some(rest) = session.out.get(self.written..).filter(|r| !r.is_empty()) {
            match Pin::new(&mut *stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0) | Err(_)) => return Err(Close::Gone),
                Poll::Ready(Ok(bytes)) => {
                    self.written += bytes;
                    session.connection.stalled.store(0, Ordering::Relaxed);
                }
                Poll::Pending => {
                    blocked = true;
                    break;
                }
            }
        }
        if blocked {
            let since = session.shard.tick();
            let _ = session.connection.stalled.compare_exchange(
                0,
                since,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            session.out.drain(..self.written);
        } else {
            session.out.clear();
            self.unflushed = match Pin::new(stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => false,
                Poll::Ready(Err(_)) => return Err(Close::Gone),
                Poll::Pending => true,
            };
        }
        self.written = 0;
        Ok(())
    }
}

fn count(shard: &Shard, why: Close) {
    let metrics = &shard.shared.metrics;
    if why.is_breach() {
        metrics.malformed.add(1);
    }
    if why == Close::Silent {
        metrics.keep_alive_expired.add(1);
    }
}
