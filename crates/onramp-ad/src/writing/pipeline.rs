//! Many changes under way at a time, of which those that depend on each other keep their order.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use onramp_core::forest::{ObjectChange, UpnChange};
use onramp_core::{BoxStream, comparison_key};

use crate::writing::name_holder::unique_names;

/// What a change needs for itself: the object, and the names that it gives up and takes. Two changes that name the same
/// thing are made one after the other.
pub(crate) trait Claims: Send + 'static {
    fn claim(&self, claims: &mut ClaimSet<'_>);
}

impl Claims for UpnChange {
    fn claim(&self, claims: &mut ClaimSet<'_>) {
        claims.add(self.guid);
        // Whoever takes José's name waits until Jose has given it up.
        claims.add(comparison_key(self.after.as_str()));
        if let Some(before) = &self.before {
            claims.add(comparison_key(before));
        }
    }
}

impl Claims for ObjectChange {
    fn claim(&self, claims: &mut ClaimSet<'_>) {
        claims.add(self.guid);
        for name in unique_names(self) {
            claims.add(name.folded());
        }
    }
}

/// Collects claims as hashes: two that meet by chance make one change wait without need, and nothing else.
pub(crate) struct ClaimSet<'a> {
    hasher: &'a RandomState,
    claims: Vec<u64>,
}

impl ClaimSet<'_> {
    pub(crate) fn add(&mut self, claim: impl Hash) {
        self.claims.push(self.hasher.hash_one(claim));
    }
}

/// The outcomes of changes in order of completion. No more are taken from the stream than `allowance` says at the time;
/// each is made by `make`. Dropping the stream drops what is under way.
pub(crate) fn pipeline<C: Claims, O: Send + 'static>(
    changes: BoxStream<'static, C>,
    make: impl Fn(C) -> BoxFuture<'static, O> + Send + 'static,
    allowance: impl Fn() -> usize + Send + 'static,
) -> BoxStream<'static, O> {
    let mut pipeline = Pipeline {
        changes,
        ended: false,
        running: FuturesUnordered::new(),
        claimed: HashSet::new(),
        waiting: VecDeque::new(),
        hasher: RandomState::new(),
        make,
        allowance,
    };
    stream::poll_fn(move |context| pipeline.poll(context)).boxed()
}

struct Pipeline<C, O, M, A> {
    changes: BoxStream<'static, C>,
    ended: bool,
    running: FuturesUnordered<BoxFuture<'static, (Vec<u64>, O)>>,
    /// What the running ones claim.
    claimed: HashSet<u64>,
    /// Taken, and waiting for others that claim the same.
    waiting: VecDeque<(C, Vec<u64>)>,
    hasher: RandomState,
    make: M,
    allowance: A,
}

impl<C, O, M, A> Pipeline<C, O, M, A>
where
    C: Claims,
    O: Send + 'static,
    M: Fn(C) -> BoxFuture<'static, O>,
    A: Fn() -> usize,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<O>> {
        self.take(context);
        match self.running.poll_next_unpin(context) {
            Poll::Ready(Some((claims, outcome))) => {
                claims.iter().for_each(|claim| {
                    self.claimed.remove(claim);
                });
                self.start_those_that_can();
                Poll::Ready(Some(outcome))
            }
            // Whoever waits, waits for one that runs.
            Poll::Ready(None) if self.ended => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }

    fn take(&mut self, context: &mut Context<'_>) {
        while !self.ended && self.running.len() + self.waiting.len() < (self.allowance)().max(1) {
            match self.changes.poll_next_unpin(context) {
                Poll::Ready(Some(change)) => self.admit(change),
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => return,
            }
        }
    }

    fn admit(&mut self, change: C) {
        let mut set = ClaimSet { hasher: &self.hasher, claims: Vec::with_capacity(3) };
        change.claim(&mut set);
        let claims = set.claims;
        let is_earlier = |claim: &u64| self.waiting.iter().any(|(_, earlier)| earlier.contains(claim));
        if claims.iter().any(|claim| self.claimed.contains(claim) || is_earlier(claim)) {
            self.waiting.push_back((change, claims));
        } else {
            self.start(change, claims);
        }
    }

    fn start(&mut self, change: C, claims: Vec<u64>) {
        self.claimed.extend(&claims);
        let making = (self.make)(change);
        self.running.push(Box::pin(async move { (claims, making.await) }));
    }

    fn start_those_that_can(&mut self) {
        let mut earlier: HashSet<u64> = HashSet::new();
        for _ in 0..self.waiting.len() {
            let Some((change, claims)) = self.waiting.pop_front() else { return };
            if claims.iter().any(|claim| self.claimed.contains(claim) || earlier.contains(claim)) {
                earlier.extend(&claims);
                self.waiting.push_back((change, claims));
            } else {
                self.start(change, claims);
            }
        }
    }
}
