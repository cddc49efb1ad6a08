//! One client of a stream: told what changed, or told to look again.

use std::sync::Arc;

use axum::response::sse::Event;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::{Board, Shown};
use crate::web::Web;

/// Events that may wait for a client before it counts as behind.
pub const WAITING: usize = 4;
/// A client that has been behind for so many steps loses its place.
const MOST_STEPS_BEHIND: u32 = 60;

/// One client.
pub struct Listener {
    pub shown: watch::Receiver<Arc<Shown>>,
    pub stop: watch::Receiver<bool>,
    pub events: mpsc::Sender<Event>,
    pub last_id: Option<String>,
    pub behind: u32,
}

impl Listener {
    /// Tells the client what changes until it leaves, we stop, or it takes nothing for long.
    pub async fn run(mut self, web: Web, seat: OwnedSemaphorePermit) {
        let mut told: Option<Arc<Shown>> = None;
        while !*self.stop.borrow() && self.behind < MOST_STEPS_BEHIND {
            let shown = Arc::clone(&self.shown.borrow_and_update());
            if shown.step > 0 && !self.tell(&web.live, told.as_deref(), &shown) {
                break;
            }
            told = Some(shown).filter(|shown| shown.step > 0);
            tokio::select! {
                changed = self.shown.changed() => if changed.is_err() { break },
                stopped = self.stop.changed() => if stopped.is_err() { break },
                () = self.events.closed() => break,
            }
        }
        drop(seat);
    }

    /// False when the client has left.
    fn tell(&mut self, board: &Board, told: Option<&Shown>, shown: &Shown) -> bool {
        let missed = match (told, self.last_id.take()) {
            (Some(told), _) => told.refetches != shown.refetches,
            (None, Some(id)) => board.missed(&id, shown),
            (None, None) => false,
        };
        let refetch = missed || self.behind > 0;
        let live = self.behind > 0 || told.is_none_or(|told| told.content != shown.content);
        let mut due = Vec::new();
        if live {
            due.push(Event::default().event("live").data(&shown.json));
        }
        if refetch {
            due.push(Event::default().event("refetch").data("{}"));
        }
        if self.events.capacity() < due.len() && !self.events.is_closed() {
            self.behind += 1;
            return true;
        }
        self.behind = 0;
        due.into_iter()
            .all(|event| self.events.try_send(event.id(board.id(shown))).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::calendar::Instant;

    use super::{super::Content, *};

    fn shown(step: u64) -> Shown {
        let text = BTreeMap::from([("bes1.now".to_owned(), step.to_string())]);
        Shown {
            step,
            content: Content {
                text,
                ..Content::default()
            },
            ..Shown::default()
        }
    }

    #[test]
    fn a_client_that_does_not_keep_up_is_told_to_look_again_when_it_does() {
        let board = Board::new(Instant(1));
        let (_news, shown_to) = watch::channel(Arc::default());
        let (_house, stop) = watch::channel(false);
        let (events, mut waiting) = mpsc::channel(WAITING);
        let mut listener = Listener {
            shown: shown_to,
            stop,
            events,
            last_id: None,
            behind: 0,
        };
        assert!(listener.tell(&board, None, &shown(1)));
        for step in 2..=9 {
            assert!(
                listener.tell(&board, Some(&shown(step - 1)), &shown(step)),
                "never a hang"
            );
        }
        assert_eq!(listener.behind, 5, "steps 5 to 9 were not told");
        let mut read = || {
            std::iter::from_fn(|| waiting.try_recv().ok())
                .map(|event| format!("{event:?}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(read().len(), WAITING);
        assert!(listener.tell(&board, Some(&shown(9)), &shown(10)));
        let told = read();
        assert!(
            told[0].contains("event: live") && told[1].contains("event: refetch"),
            "{told:?}"
        );
        assert_eq!(listener.behind, 0);
        drop(waiting);
        assert!(
            !listener.tell(&board, Some(&shown(10)), &shown(11)),
            "it has left"
        );
    }
}
