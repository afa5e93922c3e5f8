//! Replication: changes made on one domain controller, and their way to the others.

use std::sync::Arc;

use super::controller::{Change, Controller, NewValues};
use super::object::{Id, Meta, Object, UnixNanos};
use super::state::State;

impl State {
    /// Makes a change on one controller, from where it goes to the others.
    pub(crate) fn originate(&mut self, origin: usize, id: Id, changes: Vec<NewValues>, now: UnixNanos) {
        let others = self.controllers.len().saturating_sub(1) as u32;
        let Some(object) = self.seen_by(origin, id).cloned() else { return };
        let settled = &self.meta;
        let Some(controller) = self.controllers.get_mut(origin) else { return };
        controller.usn += 1;
        let usn = controller.usn;
        let (mut object, mut outstanding) = (object, 0);
        for NewValues { attr, values, raises } in changes {
            let known = controller.overlay.meta.get(id, attr).or_else(|| settled.get(id, attr));
            let version = known.map_or(1, |meta| meta.version) + raises;
            let meta = Meta { version, time: now, origin, usn };
            object.attrs = object.attrs.with(attr, &values);
            controller.overlay.meta.set(id, attr, meta);
            if others > 0 {
                controller.log.push_back(Change { id, attr, values: values.into(), meta });
                outstanding += 1;
            }
        }
        controller.overlay.set(id, Arc::new(object));
        controller.overlay.touch(id, usn, now);
        if outstanding == 0 {
            self.settle(id);
        } else {
            *self.pending.entry(id).or_default() += outstanding;
        }
    }

    /// Returns the moment from which [`replicate`](Self::replicate) has something to do.
    pub(crate) fn next_arrival(&self, delay: UnixNanos) -> Option<UnixNanos> {
        let due = |to: usize| self.sources(to).map(move |from| self.next_change(from, to));
        (0..self.controllers.len()).flat_map(due).flatten().map(|change| change.meta.time + delay).min()
    }

    /// Brings to every controller what was changed elsewhere at least `delay` ago.
    pub(crate) fn replicate(&mut self, now: UnixNanos, delay: UnixNanos) {
        for to in 0..self.controllers.len() {
            let sources: Vec<usize> = self.sources(to).collect();
            for from in sources {
                while let Some(change) = self.next_change(from, to) {
                    if change.meta.time + delay > now {
                        break;
                    }
                    let change = change.clone();
                    self.apply(to, from, change, now);
                }
                let in_step = self.controllers.get_mut(to).and_then(|c| c.in_step.get_mut(from));
                in_step.into_iter().for_each(|last| *last = now);
            }
        }
        self.drop_delivered();
    }

    /// Returns the object as one controller sees it.
    pub(crate) fn seen_by(&self, controller: usize, id: Id) -> Option<&Object> {
        let overlay = self.controllers.get(controller).and_then(|c| c.overlay.objects.get(&id));
        overlay.map(AsRef::as_ref).or_else(|| self.object(id))
    }

    /// Returns the controllers that `to` can currently get changes from.
    fn sources(&self, to: usize) -> impl Iterator<Item = usize> + '_ {
        let receiving = self.controllers.get(to).is_some_and(|c| !c.held && !c.stopped);
        let sending = |(_, c): &(usize, &Controller)| !c.stopped;
        let others = self.controllers.iter().enumerate().filter(sending).map(|(from, _)| from);
        others.filter(move |&from| receiving && from != to)
    }

    fn next_change(&self, from: usize, to: usize) -> Option<&Change> {
        let applied = self.controllers.get(to)?.applied.get(from)?;
        let source = self.controllers.get(from)?;
        source.log.get(usize::try_from(applied.checked_sub(source.dropped)?).ok()?)
    }

    fn apply(&mut self, to: usize, from: usize, change: Change, now: UnixNanos) {
        let Change { id, attr, values, meta } = change;
        let Some(mut object) = self.seen_by(to, id).cloned() else { return };
        let origin_of = |meta: &Meta| self.controllers.get(meta.origin).map(|c| c.invocation);
        // Times are compared in whole seconds, as they are kept.
        let rank = |meta: &Meta| (meta.version, meta.time.div_euclid(1_000_000_000), origin_of(meta));
        let Some(receiver) = self.controllers.get(to) else { return };
        let known = receiver.overlay.meta.get(id, attr).or_else(|| self.meta.get(id, attr));
        // The higher version wins, then the later change, then the greater identity: the same on every controller.
        let wins = known.is_none_or(|known| rank(&meta) > rank(known));
        let context = usize::from(object.context);
        let Some(receiver) = self.controllers.get_mut(to) else { return };
        if let Some(applied) = receiver.applied.get_mut(from) {
            *applied += 1;
        }
        if let Some(seen) = receiver.seen.get_mut(from).and_then(|seen| seen.get_mut(context)) {
            *seen = (*seen).max(meta.usn);
        }
        if wins {
            object.attrs = object.attrs.with(attr, &values);
            receiver.usn += 1;
            let usn = receiver.usn;
            receiver.overlay.meta.set(id, attr, meta);
            receiver.overlay.set(id, Arc::new(object));
            receiver.overlay.touch(id, usn, now);
        }
    }

    /// Forgets the changes that everybody has.
    fn drop_delivered(&mut self) {
        for from in 0..self.controllers.len() {
            let others = self.controllers.iter().enumerate().filter(|(to, _)| *to != from);
            let delivered =
                others.filter_map(|(_, c)| c.applied.get(from)).min().copied().unwrap_or_default();
            let mut settled = Vec::new();
            if let Some(controller) = self.controllers.get_mut(from) {
                while controller.dropped < delivered {
                    controller.dropped += 1;
                    settled.extend(controller.log.pop_front().map(|change| change.id));
                }
            }
            for id in settled {
                let left = self.pending.get_mut(&id).map(|left| {
                    *left = left.saturating_sub(1);
                    *left
                });
                if left == Some(0) {
                    self.pending.remove(&id);
                    self.settle(id);
                }
            }
        }
    }

    /// Makes what the controllers agree on for an object the common state.
    fn settle(&mut self, id: Id) {
        let mut agreed = None;
        let mut metas = Vec::new();
        for controller in &mut self.controllers {
            let Some(object) = controller.overlay.take(id) else { continue };
            metas = controller.overlay.meta.take(id);
            agreed = Some(object);
        }
        for (attr, meta) in metas {
            self.meta.set(id, attr, meta);
        }
        if let Some(object) = agreed {
            self.replace(id, Arc::unwrap_or_clone(object));
        }
    }
}
