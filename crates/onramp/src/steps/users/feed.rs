//! A stream of changes that is filled while it is read: each change follows after its record is durable.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use onramp_core::forest::ObjectChange;

use crate::apply::SendGate;

/// The number of queued changes below which more are added.
const LOW: usize = 128;

/// The writing end of the stream.
#[derive(Clone)]
pub(super) struct Feed {
    state: Arc<Mutex<State>>,
    gate: Arc<SendGate>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<ObjectChange>,
    /// The number of changes that were taken from the stream.
    taken: usize,
    /// The number of those with an outcome.
    answered: usize,
    is_closed: bool,
    /// True if a change was asked for that may not be sent at present.
    is_held: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl State {
    fn in_flight(&self) -> usize {
        self.taken.saturating_sub(self.answered)
    }

    fn wake_reader(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
    }
}

impl Feed {
    /// Creates a stream that hands out a change only while the gate is open.
    pub(super) fn new(gate: Arc<SendGate>) -> Self {
        Self { state: Arc::default(), gate }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, changes: impl IntoIterator<Item = ObjectChange>) {
        let mut state = self.state();
        state.queue.extend(changes);
        state.wake_reader();
    }

    /// Counts an outcome.
    pub(super) fn answered(&self) {
        self.state().answered += 1;
    }

    /// Returns the number of changes that were taken and have no outcome.
    pub(super) fn in_flight(&self) -> usize {
        self.state().in_flight()
    }

    /// Returns true if the stream was ended.
    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Ends the stream after the queued changes.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.wake_reader();
    }

    /// Ends the stream at once. Returns the number of queued changes, which are not sent.
    pub(super) fn stop(&self) -> usize {
        let count = self.withdraw();
        self.close();
        count
    }

    /// Takes the queued changes back, so that they are not sent, and opens the stream again. Returns their number: they are
    /// those that were pushed last.
    pub(super) fn withdraw(&self) -> usize {
        let mut state = self.state();
        state.is_closed &= state.queue.is_empty();
        std::mem::take(&mut state.queue).len()
    }

    /// Waits until there is something to decide: more changes are needed, if `has_more`, or one was asked for that may not
    /// be sent at present.
    pub(super) async fn wants_decision(&self, has_more: bool) {
        std::future::poll_fn(|context| {
            let mut state = self.state();
            if std::mem::take(&mut state.is_held) {
                // It asks again after the decision.
                state.wake_reader();
                return Poll::Ready(());
            }
            if has_more && !state.is_closed && state.queue.len() < LOW {
                return Poll::Ready(());
            }
            state.writer = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    pub(super) fn reader(&self) -> Reader {
        Reader(self.clone())
    }
}

/// The reading end of the stream.
pub(super) struct Reader(Feed);

impl Stream for Reader {
    type Item = ObjectChange;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ObjectChange>> {
        let Feed { gate, .. } = &self.0;
        let mut state = self.0.state();
        if !state.queue.is_empty() && !gate.is_open(state.in_flight()) {
            state.is_held = true;
            state.writer.take().into_iter().for_each(Waker::wake);
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let next = state.queue.pop_front();
        if state.queue.len() < LOW {
            state.writer.take().into_iter().for_each(Waker::wake);
        }
        match next {
            Some(change) => {
                state.taken += 1;
                Poll::Ready(Some(change))
            }
            None if state.is_closed => Poll::Ready(None),
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
