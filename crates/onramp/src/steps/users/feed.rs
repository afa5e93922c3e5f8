//! A stream of changes that is filled while it is read: each change follows after its record is durable.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use onramp_core::forest::ObjectChange;

/// The number of queued changes below which more are added.
const LOW: usize = 128;

/// The writing end of the stream.
#[derive(Clone, Default)]
pub(super) struct Feed(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    queue: VecDeque<ObjectChange>,
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Feed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, changes: impl IntoIterator<Item = ObjectChange>) {
        let mut state = self.state();
        state.queue.extend(changes);
        state.reader.take().into_iter().for_each(Waker::wake);
    }

    /// Returns true if the stream was ended.
    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Ends the stream after the queued changes.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.reader.take().into_iter().for_each(Waker::wake);
    }

    /// Ends the stream at once and drops the queued changes.
    pub(super) fn stop(&self) {
        self.state().queue.clear();
        self.close();
    }

    /// Waits until more changes are needed; does not return after the stream was closed.
    pub(super) async fn wants_more(&self) {
        std::future::poll_fn(|context| {
            let mut state = self.state();
            if !state.is_closed && state.queue.len() < LOW {
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
        let mut state = self.0.state();
        let next = state.queue.pop_front();
        if state.queue.len() < LOW {
            state.writer.take().into_iter().for_each(Waker::wake);
        }
        match next {
            Some(change) => Poll::Ready(Some(change)),
            None if state.is_closed => Poll::Ready(None),
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
