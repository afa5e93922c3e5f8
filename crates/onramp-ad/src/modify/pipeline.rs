//! A pipeline of changes: many in flight, in the given order where they depend on each other.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use onramp_core::BoxStream;
use onramp_core::forest::ObjectChange;

use crate::modify::uniqueness::unique_names;

/// The conflict keys of a change: its object, and the unique names that it gives up and takes. Changes with a
/// common key are made one after the other.
pub(crate) trait ConflictKeys: Send + 'static {
    fn add_keys(&self, keys: &mut KeySet<'_>);
}

impl ConflictKeys for ObjectChange {
    fn add_keys(&self, keys: &mut KeySet<'_>) {
        keys.add(self.guid);
        // A change that takes the name José waits until Jose is given up.
        for name in unique_names(self) {
            keys.add(name.key());
        }
    }
}

/// A collector of hashed keys. A collision only makes a change wait.
pub(crate) struct KeySet<'a> {
    hasher: &'a RandomState,
    keys: Vec<u64>,
}

impl KeySet<'_> {
    pub(crate) fn add(&mut self, key: impl Hash) {
        self.keys.push(self.hasher.hash_one(key));
    }
}

/// Returns the outcomes of changes in the order of completion. At most `max_in_flight` changes are taken from
/// the stream at a time; `make` makes each. Dropping the stream drops the changes in flight.
pub(crate) fn pipeline<C: ConflictKeys, O: Send + 'static>(
    changes: BoxStream<'static, C>,
    make: impl Fn(C) -> BoxFuture<'static, O> + Send + 'static,
    max_in_flight: impl Fn() -> usize + Send + 'static,
) -> BoxStream<'static, O> {
    let mut pipeline = Pipeline {
        changes,
        ended: false,
        running: FuturesUnordered::new(),
        keys_in_flight: HashSet::new(),
        waiting: VecDeque::new(),
        hasher: RandomState::new(),
        make,
        max_in_flight,
    };
    stream::poll_fn(move |context| pipeline.poll(context)).boxed()
}

struct Pipeline<C, O, M, A> {
    changes: BoxStream<'static, C>,
    ended: bool,
    running: FuturesUnordered<BoxFuture<'static, (Vec<u64>, O)>>,
    /// The keys of the changes in flight.
    keys_in_flight: HashSet<u64>,
    /// The changes that wait for others with the same keys.
    waiting: VecDeque<(C, Vec<u64>)>,
    hasher: RandomState,
    make: M,
    max_in_flight: A,
}

impl<C, O, M, A> Pipeline<C, O, M, A>
where
    C: ConflictKeys,
    O: Send + 'static,
    M: Fn(C) -> BoxFuture<'static, O>,
    A: Fn() -> usize,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<O>> {
        self.take(context);
        match self.running.poll_next_unpin(context) {
            Poll::Ready(Some((keys, outcome))) => {
                keys.iter().for_each(|key| {
                    self.keys_in_flight.remove(key);
                });
                self.start_those_that_can();
                Poll::Ready(Some(outcome))
            }
            // A waiting change always waits for one in flight.
            Poll::Ready(None) if self.ended => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }

    fn take(&mut self, context: &mut Context<'_>) {
        while !self.ended && self.running.len() + self.waiting.len() < (self.max_in_flight)().max(1) {
            match self.changes.poll_next_unpin(context) {
                Poll::Ready(Some(change)) => self.admit(change),
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => return,
            }
        }
    }

    fn admit(&mut self, change: C) {
        let mut set = KeySet { hasher: &self.hasher, keys: Vec::with_capacity(3) };
        change.add_keys(&mut set);
        let keys = set.keys;
        let is_earlier = |key: &u64| self.waiting.iter().any(|(_, earlier)| earlier.contains(key));
        if keys.iter().any(|key| self.keys_in_flight.contains(key) || is_earlier(key)) {
            self.waiting.push_back((change, keys));
        } else {
            self.start(change, keys);
        }
    }

    fn start(&mut self, change: C, keys: Vec<u64>) {
        self.keys_in_flight.extend(&keys);
        let making = (self.make)(change);
        self.running.push(Box::pin(async move { (keys, making.await) }));
    }

    fn start_those_that_can(&mut self) {
        let mut earlier: HashSet<u64> = HashSet::new();
        for _ in 0..self.waiting.len() {
            let Some((change, keys)) = self.waiting.pop_front() else { return };
            if keys.iter().any(|key| self.keys_in_flight.contains(key) || earlier.contains(key)) {
                earlier.extend(&keys);
                self.waiting.push_back((change, keys));
            } else {
                self.start(change, keys);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt;
    use onramp_core::ObjectGuid;
    use onramp_core::forest::{AttributeChange, AttributeValue, UpnChange};
    use tokio::sync::oneshot;

    use super::*;

    /// A change with a name and some keys.
    #[derive(Debug, Clone)]
    struct Piece(&'static str, Vec<u32>);

    impl ConflictKeys for Piece {
        fn add_keys(&self, keys: &mut KeySet<'_>) {
            self.1.iter().for_each(|key| keys.add(*key));
        }
    }

    /// Changes in flight, each finished by the test.
    #[derive(Clone, Default)]
    struct Bench(Arc<Mutex<Vec<UnderWay>>>);

    type UnderWay = (&'static str, oneshot::Sender<()>);

    impl Bench {
        fn in_flight(&self) -> Vec<&'static str> {
            self.0.lock().unwrap().iter().map(|(name, _)| *name).collect()
        }

        fn finish(&self, name: &str) {
            let mut running = self.0.lock().unwrap();
            let at = running.iter().position(|(running, _)| *running == name).unwrap();
            running.remove(at).1.send(()).unwrap();
        }

        fn run(
            &self,
            pieces: Vec<Piece>,
            max_in_flight: usize,
        ) -> (BoxStream<'static, &'static str>, Arc<AtomicUsize>) {
            let (bench, taken) = (self.clone(), Arc::new(AtomicUsize::new(0)));
            let counter = taken.clone();
            let pieces = stream::iter(pieces).inspect(move |_| {
                counter.fetch_add(1, Ordering::SeqCst);
            });
            let make = move |piece: Piece| {
                let (done, told) = oneshot::channel();
                bench.0.lock().unwrap().push((piece.0, done));
                async move {
                    told.await.unwrap();
                    piece.0
                }
                .boxed()
            };
            (pipeline(pieces.boxed(), make, move || max_in_flight), taken)
        }
    }

    fn next(stream: &mut BoxStream<'static, &'static str>) -> Option<Option<&'static str>> {
        stream.next().now_or_never()
    }

    #[test]
    fn those_that_claim_nothing_in_common_are_under_way_together_up_to_the_allowance() {
        let bench = Bench::default();
        let pieces = vec![Piece("a", vec![1]), Piece("b", vec![2]), Piece("c", vec![3]), Piece("d", vec![4])];
        let (mut outcomes, taken) = bench.run(pieces, 2);
        assert_eq!(next(&mut outcomes), None);
        assert_eq!((bench.in_flight(), taken.load(Ordering::SeqCst)), (vec!["a", "b"], 2));
        bench.finish("b");
        assert_eq!(next(&mut outcomes), Some(Some("b")), "in order of completion");
        assert_eq!(next(&mut outcomes), None);
        assert_eq!((bench.in_flight(), taken.load(Ordering::SeqCst)), (vec!["a", "c"], 3));
        for name in ["a", "c"] {
            bench.finish(name);
            assert_eq!(next(&mut outcomes), Some(Some(name)));
        }
        assert_eq!(next(&mut outcomes), None);
        bench.finish("d");
        assert_eq!(next(&mut outcomes), Some(Some("d")));
        assert_eq!(next(&mut outcomes), Some(None), "and then it ends");
    }

    #[test]
    fn those_that_claim_the_same_are_made_in_the_order_in_which_they_come() {
        let bench = Bench::default();
        // b waits for a; c waits for b, although its own key is free; d waits for none.
        let pieces = vec![
            Piece("a", vec![1]),
            Piece("b", vec![1, 2]),
            Piece("c", vec![2]),
            Piece("d", vec![3]),
            Piece("e", vec![2, 3]),
        ];
        let (mut outcomes, taken) = bench.run(pieces, 8);
        assert_eq!(next(&mut outcomes), None);
        assert_eq!((bench.in_flight(), taken.load(Ordering::SeqCst)), (vec!["a", "d"], 5));
        bench.finish("d");
        assert_eq!(next(&mut outcomes), Some(Some("d")));
        assert_eq!(bench.in_flight(), ["a"], "e still waits for b and c");
        for (name, then) in [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["e"])] {
            bench.finish(name);
            assert_eq!(next(&mut outcomes), Some(Some(name)));
            assert_eq!(bench.in_flight(), then, "after {name}");
        }
        bench.finish("e");
        assert_eq!(next(&mut outcomes), Some(Some("e")));
        assert_eq!(next(&mut outcomes), Some(None));
    }

    #[test]
    fn those_that_wait_count_for_the_allowance() {
        let bench = Bench::default();
        let pieces: Vec<Piece> = ["a", "b", "c", "d", "e"].map(|name| Piece(name, vec![1])).into();
        let (mut outcomes, taken) = bench.run(pieces, 3);
        assert_eq!(next(&mut outcomes), None);
        assert_eq!((bench.in_flight(), taken.load(Ordering::SeqCst)), (vec!["a"], 3));
        let (mut none, taken) = bench.run(vec![Piece("x", vec![]), Piece("y", vec![])], 0);
        assert_eq!(next(&mut none), None);
        assert_eq!(taken.load(Ordering::SeqCst), 1, "one is always taken, or nothing would ever move");
    }

    #[test]
    fn changes_claim_their_object_and_every_name_that_some_directory_takes_for_theirs() {
        let hasher = RandomState::new();
        let keys = |change: &dyn Fn(&mut KeySet<'_>)| {
            let mut set = KeySet { hasher: &hasher, keys: Vec::new() };
            change(&mut set);
            set.keys.into_iter().collect::<HashSet<u64>>()
        };
        let upn = |guid: u8, before: Option<&str>, after: &str| {
            let change = UpnChange {
                guid: ObjectGuid::from_bytes([guid; 16]),
                dn: "CN=a,DC=b".parse().unwrap(),
                before: before.map(str::to_owned),
                after: after.parse().unwrap(),
            };
            keys(&|set| ObjectChange::from(&change).add_keys(set))
        };
        let mine = upn(1, Some("José@x"), "anna@x");
        assert_eq!(mine.len(), 3);
        for (other, shares) in [
            (upn(1, None, "else@x"), true),
            (upn(2, Some("else@x"), "JOSE@x"), true),
            (upn(2, Some("ＡＮＮＡ@x"), "else@x"), true),
            (upn(2, Some("one@x"), "two@x"), false),
            (upn(2, None, "two@x"), false),
        ] {
            assert_eq!(!mine.is_disjoint(&other), shares, "{other:?}");
        }
        // Values that need not be unique are no names, and the same text under two attributes is two names.
        let object = |attribute: &'static str| {
            let value = vec![AttributeValue::text("same")];
            let change = ObjectChange::new(
                ObjectGuid::from_bytes([attribute.len() as u8; 16]),
                "CN=a".parse().unwrap(),
            );
            let attribute = onramp_core::AttributeName::from_static(attribute);
            let change = change.with(AttributeChange::edit(attribute, vec![], value));
            keys(&|set| change.add_keys(set))
        };
        assert_eq!(object("mail").len(), 1);
        assert_eq!(object("sAMAccountName").len(), 2);
        assert!(object("sAMAccountName").is_disjoint(&object("servicePrincipalName")));
    }
}
