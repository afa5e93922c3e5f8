//! An order for changes of UPNs in which nobody takes a name that another still has: pure.

use std::collections::HashMap;

use super::UpnChange;
use crate::{ObjectGuid, Upn, comparison_key};

/// Puts a batch of changes into an order in which they can be made one after the other.
///
/// Who gives up a UPN comes before who takes it; changes of one user keep their order, and so do all others as far as
/// possible. Where users swap names in a circle, one of them gets a name of its own first (`onramp-` and its GUID),
/// so that the result can have more changes than the batch. Names that nobody in the batch gives up, and names that two
/// are to get, stay for the server to refuse. Names are compared as [`comparison_key`] does, the widest comparison that any
/// directory makes: `josé@…` is in the way of `jose@…`.
///
/// A stream in this order may be given to [`ObjectWriter::change_all`](super::ObjectWriter::change_all), which keeps the
/// order of changes that name the same UPN.
///
/// ```
/// use onramp_core::forest::{UpnChange, in_upn_order};
/// # let change = |at: u8, from: &str, to: &str| UpnChange {
/// #     guid: onramp_core::ObjectGuid::from_bytes([at; 16]),
/// #     dn: format!("CN={at},DC=corp,DC=example").parse().unwrap(),
/// #     before: Some(from.into()), after: to.parse().unwrap(),
/// # };
/// // The first takes the name that the second has.
/// let batch = vec![change(1, "ann@old.example", "a@new.example"), change(2, "a@new.example", "b@new.example")];
/// let order: Vec<String> = in_upn_order(batch).into_iter().map(|change| change.after.to_string()).collect();
/// assert_eq!(order, ["b@new.example", "a@new.example"]);
/// ```
pub fn in_upn_order(changes: Vec<UpnChange>) -> Vec<UpnChange> {
    let mut sorting = Sorting::new(&changes);
    let mut steps = Vec::with_capacity(changes.len());
    for place in 0..changes.len() {
        sorting.visit(place, &mut steps);
    }
    let mut changes: Vec<Option<UpnChange>> = changes.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(steps.len());
    for step in steps {
        match step {
            Step::Whole(place) => ordered.extend(changes.get_mut(place).and_then(Option::take)),
            Step::StepAside(place) => {
                let Some(change) = changes.get_mut(place).and_then(Option::as_mut) else { continue };
                let Some(aside) = name_aside(change) else { continue };
                ordered.push(UpnChange { after: aside.clone(), ..change.clone() });
                change.before = Some(aside.to_string());
            }
        }
    }
    ordered
}

/// One change of the result, by the place that its change has in the batch.
enum Step {
    Whole(usize),
    /// The user gives up its name for one that nobody else has; its change proper comes later.
    StepAside(usize),
}

#[derive(Clone, Copy, PartialEq)]
enum Progress {
    Unseen,
    /// A change that others have to come before.
    Open,
    SteppedAside,
    Done,
}

struct Sorting<'a> {
    changes: &'a [UpnChange],
    /// The earlier change of the same user, per change.
    own: Vec<Option<usize>>,
    /// The number of the name that a change takes, if the batch frees it, per change.
    takes: Vec<Option<usize>>,
    /// The changes that free a name, per name.
    holders: Vec<Vec<usize>>,
    progress: Vec<Progress>,
}

impl<'a> Sorting<'a> {
    fn new(changes: &'a [UpnChange]) -> Self {
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut holders: Vec<Vec<usize>> = Vec::new();
        let mut last: HashMap<ObjectGuid, usize> = HashMap::new();
        let mut own = Vec::with_capacity(changes.len());
        for (place, change) in changes.iter().enumerate() {
            own.push(last.insert(change.guid, place));
            let Some(name) = &change.before else { continue };
            let number = *names.entry(comparison_key(name)).or_insert(holders.len());
            match holders.get_mut(number) {
                Some(holders) => holders.push(place),
                None => holders.push(vec![place]),
            }
        }
        let taken = |change: &UpnChange| names.get(&comparison_key(change.after.as_str())).copied();
        let takes = changes.iter().map(taken).collect();
        Self { changes, own, takes, holders, progress: vec![Progress::Unseen; changes.len()] }
    }

    /// Emits a change after those that have to come before it. By a stack of its own: a chain can be as long as the
    /// batch.
    fn visit(&mut self, place: usize, steps: &mut Vec<Step>) {
        let mut stack = vec![place];
        while let Some(&top) = stack.last() {
            if self.progress(top) == Progress::Unseen {
                self.set(top, Progress::Open);
            }
            let earlier = if self.progress(top) == Progress::Done { None } else { self.next_before(top) };
            match earlier {
                Some(earlier) if self.progress(earlier) == Progress::Open => {
                    self.break_circle(&mut stack, earlier, steps);
                }
                Some(earlier) => stack.push(earlier),
                None => self.emit(&mut stack, steps),
            }
        }
    }

    fn emit(&mut self, stack: &mut Vec<usize>, steps: &mut Vec<Step>) {
        let Some(top) = stack.pop() else { return };
        if self.progress(top) != Progress::Done {
            self.set(top, Progress::Done);
            steps.push(Step::Whole(top));
        }
    }

    /// A change that has to come first and has not come yet.
    fn next_before(&self, place: usize) -> Option<usize> {
        // Who has stepped aside holds its name no more.
        let in_the_way =
            |place: &usize| !matches!(self.progress(*place), Progress::Done | Progress::SteppedAside);
        let own = self.own.get(place).copied().flatten();
        own.filter(|own| self.progress(*own) != Progress::Done)
            .or_else(|| self.holders(place).find(in_the_way))
    }

    /// The changes of others that give up the name that this one takes.
    fn holders(&self, place: usize) -> impl Iterator<Item = usize> {
        let number = self.takes.get(place).copied().flatten();
        let holders = number.and_then(|number| self.holders.get(number)).into_iter().flatten().copied();
        let user = self.changes.get(place).map(|change| change.guid);
        holders.filter(move |other| self.changes.get(*other).map(|change| change.guid) != user)
    }

    /// Lets one of a circle, from `earlier` to the top of the stack, give up its name for the one that waits for it:
    /// somebody whose own earlier changes are made, since it must have that name by now.
    fn break_circle(&mut self, stack: &mut Vec<usize>, earlier: usize, steps: &mut Vec<Step>) {
        let start = stack.iter().rposition(|place| *place == earlier).unwrap_or_default();
        let circle = stack.get(start..).unwrap_or_default();
        let has_its_name = |place: usize| {
            let own = self.own.get(place).copied().flatten();
            own.is_none_or(|own| self.progress(own) == Progress::Done)
        };
        let waiting = circle.last().into_iter().chain(circle);
        let found = circle.iter().zip(waiting).enumerate().find(|(_, (place, waiting))| {
            self.progress(**place) == Progress::Open
                && has_its_name(**place)
                && self.holders(**waiting).any(|holder| holder == **place)
        });
        match found.map(|(depth, (place, _))| (start + depth, *place)) {
            Some((depth, place)) => {
                self.set(place, Progress::SteppedAside);
                steps.push(Step::StepAside(place));
                // What stood above it on the stack waits for it no more, and comes later.
                let above = if place == earlier { Vec::new() } else { stack.split_off(depth) };
                for later in above {
                    if self.progress(later) == Progress::Open {
                        self.set(later, Progress::Unseen);
                    }
                }
            }
            // A batch that contradicts itself: go on with somebody, for the server to refuse.
            None => {
                let somebody = circle.iter().copied().find(|place| has_its_name(*place)).unwrap_or(earlier);
                self.set(somebody, Progress::Done);
                steps.push(Step::Whole(somebody));
            }
        }
    }

    fn progress(&self, place: usize) -> Progress {
        self.progress.get(place).copied().unwrap_or(Progress::Done)
    }

    fn set(&mut self, place: usize, progress: Progress) {
        if let Some(own) = self.progress.get_mut(place) {
            *own = progress;
        }
    }
}

/// A name that no other account has, under the suffix of the wanted one, whatever that is. `None` if it became too long.
fn name_aside(change: &UpnChange) -> Option<Upn> {
    Upn::parse(&format!("onramp-{}@{}", change.guid, change.after.suffix_str())).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn change(user: u8, from: Option<&str>, to: &str) -> UpnChange {
        let dn = format!("CN={user},DC=corp,DC=example").parse().unwrap();
        let (guid, before) = (ObjectGuid::from_bytes([user; 16]), from.map(str::to_owned));
        UpnChange { guid, dn, before, after: to.parse().unwrap() }
    }

    /// Makes the changes one after the other as a directory would, which refuses a name that another one has.
    fn make(holders: &mut HashMap<ObjectGuid, String>, changes: &[UpnChange]) -> Result<(), String> {
        for change in changes {
            let held = holders.get(&change.guid).cloned();
            if held != change.before {
                return Err(format!("stale: {change:?} finds {held:?}"));
            }
            let after = change.after.as_str();
            let is_same = |name: &str| comparison_key(name) == comparison_key(after);
            if holders.iter().any(|(who, name)| *who != change.guid && is_same(name)) {
                return Err(format!("taken: {change:?}"));
            }
            holders.insert(change.guid, after.to_owned());
        }
        Ok(())
    }

    #[test]
    fn a_swap_takes_a_name_of_its_own_in_between() {
        let batch = vec![
            change(1, Some("a@x.example"), "b@x.example"),
            change(2, Some("B@x.example"), "a@x.example"),
        ];
        let mut holders: HashMap<_, _> =
            batch.iter().map(|change| (change.guid, change.before.clone().unwrap())).collect();
        let ordered = in_upn_order(batch);
        assert_eq!(ordered.len(), 3);
        assert!(ordered[0].after.as_str().starts_with("onramp-"), "{ordered:?}");
        make(&mut holders, &ordered).unwrap();
    }

    #[test]
    fn names_that_windows_takes_for_the_same_are_given_up_before_they_are_taken() {
        // A chain and a swap, of names that differ in marks, width and case only.
        let batch = vec![
            change(1, Some("a@x.example"), "jose@x.example"),
            change(2, Some("José@x.example"), "Müller@x.example"),
            change(3, Some("muller@x.example"), "c@x.example"),
            change(4, Some("ｐ@x.example"), "ø@x.example"),
            change(5, Some("o@x.example"), "P@x.example"),
        ];
        let mut holders: HashMap<_, _> =
            batch.iter().map(|change| (change.guid, change.before.clone().unwrap())).collect();
        let ordered = in_upn_order(batch);
        make(&mut holders, &ordered).unwrap();
        let whole: Vec<u8> = ordered.iter().map(|change| change.guid.as_bytes()[0]).collect();
        assert_eq!(whole[..3], [3, 2, 1]);
        assert_eq!(ordered.len(), 6, "the swap takes one name of its own");
    }

    #[test]
    fn a_swap_under_a_suffix_that_is_no_domain_goes_through_a_name_under_it() {
        let batch = vec![change(1, Some("a@x_y"), "b@x_y"), change(2, Some("b@x_y"), "a@x_y")];
        let mut holders: HashMap<_, _> =
            batch.iter().map(|change| (change.guid, change.before.clone().unwrap())).collect();
        let ordered = in_upn_order(batch);
        assert!(ordered[0].after.as_str().ends_with("@x_y"), "{ordered:?}");
        make(&mut holders, &ordered).unwrap();
    }

    #[test]
    fn what_stands_in_nobodys_way_keeps_its_place() {
        let batch: Vec<_> = (0..50).map(|user| change(user, None, &format!("u{user}@x.example"))).collect();
        assert_eq!(in_upn_order(batch.clone()), batch);
        let respelled = vec![change(1, Some("a@x.example"), "A@x.example")];
        assert_eq!(in_upn_order(respelled.clone()), respelled);
        assert_eq!(in_upn_order(Vec::new()), []);
    }

    #[test]
    fn a_circle_can_go_through_two_changes_of_one_user() {
        // 1 takes the name of 2 and gives it on to 3, which 2 waits for.
        let batch = vec![
            change(1, Some("a@x.example"), "b@x.example"),
            change(1, Some("b@x.example"), "z@x.example"),
            change(2, Some("b@x.example"), "c@x.example"),
            change(3, Some("c@x.example"), "a@x.example"),
        ];
        let mut holders: HashMap<_, _> = [(1, "a"), (2, "b"), (3, "c")]
            .map(|(user, name)| (ObjectGuid::from_bytes([user; 16]), format!("{name}@x.example")))
            .into();
        make(&mut holders, &in_upn_order(batch)).unwrap();
    }

    #[test]
    fn a_long_chain_is_followed_to_its_end() {
        let name = |at: u32| format!("u{at}@x.example");
        let batch: Vec<_> = (0..100_000_u32)
            .map(|at| {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&at.to_le_bytes());
                let guid = ObjectGuid::from_bytes(bytes);
                UpnChange { guid, ..change(0, Some(&name(at)), &name(at + 1)) }
            })
            .collect();
        let ordered = in_upn_order(batch);
        assert_eq!(ordered.len(), 100_000);
        assert!(ordered.windows(2).all(|pair| pair[0].before.as_deref() == Some(pair[1].after.as_str())));
    }

    proptest! {
        /// Any users that take any of each other's names, or new ones.
        #[test]
        fn every_batch_that_can_be_made_is_made(
            names in proptest::sample::subsequence((0..24_u8).collect::<Vec<_>>(), 1..20).prop_shuffle(),
            order in any::<prop::sample::Index>(),
            upper in any::<u32>(),
        ) {
            let spell = |at: u8, upper: bool| {
                let name = format!("n{at}@x.example");
                if upper { name.to_uppercase() } else { name }
            };
            let mut batch: Vec<_> = names.iter().enumerate().map(|(user, to)| {
                let user = user as u8;
                change(user, Some(&spell(user, upper & (1 << user) != 0)), &spell(*to, false))
            }).collect();
            let by = order.index(batch.len());
            batch.rotate_left(by);
            let mut holders: HashMap<_, _> =
                batch.iter().map(|change| (change.guid, change.before.clone().unwrap())).collect();
            let wanted: HashMap<_, _> =
                batch.iter().map(|change| (change.guid, change.after.to_string())).collect();
            let ordered = in_upn_order(batch.clone());
            prop_assert_eq!(make(&mut holders, &ordered), Ok(()));
            prop_assert_eq!(holders, wanted);
            let more = ordered.len() - batch.len();
            let stepped: HashSet<_> = ordered.iter().filter(|c| c.after.as_str().starts_with("onramp-")).map(|c| c.guid).collect();
            prop_assert_eq!(stepped.len(), more);
            prop_assert!(more <= batch.len() / 2, "at most one of a circle of two");
        }

        /// Whatever is asked, possible or not, every change comes once.
        #[test]
        fn no_change_is_lost(steps in proptest::collection::vec((0..5_u8, 0..6_u8, 0..6_u8), 0..24)) {
            let name = |at: u8| format!("n{at}@x.example");
            let batch: Vec<_> =
                steps.iter().map(|(user, from, to)| change(*user, Some(&name(*from)), &name(*to))).collect();
            let ordered = in_upn_order(batch.clone());
            let proper: Vec<_> = ordered.iter().filter(|c| !c.after.as_str().starts_with("onramp-")).collect();
            prop_assert_eq!(proper.len(), batch.len());
            for user in 0..5_u8 {
                let of = |c: &&UpnChange| c.guid == ObjectGuid::from_bytes([user; 16]);
                let (sorted, given): (Vec<_>, Vec<_>) = (
                    proper.iter().filter(|c| of(c)).map(|c| &c.after).collect(),
                    batch.iter().filter(of).map(|c| &c.after).collect(),
                );
                prop_assert_eq!(sorted, given, "changes of one user keep their order");
            }
        }
    }
}
