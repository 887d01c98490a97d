//! What is not as it was.

use super::item::{Change, Item};
use std::collections::BTreeMap;

/// A thing as it was, and what it was in: `None` at the top.
type Was<'a> = BTreeMap<&'a str, (&'a Item, Option<&'a str>)>;

fn index<'a>(items: &'a [Item], within: Option<&'a str>, all: &mut Was<'a>) {
    for item in items {
        all.insert(&item.id, (item, within));
        index(&item.inside, Some(&item.id), all);
    }
}

/// The things of now, marked; those that are gone stand where they were, or at the end.
pub(crate) fn marked(before: &[Item], now: &[Item]) -> Vec<Item> {
    let (mut was, mut is) = (Was::new(), Was::new());
    index(before, None, &mut was);
    index(now, None, &mut is);
    // Of what went as a whole only the outermost is shown.
    let mut gone: BTreeMap<Option<&str>, Vec<&Item>> = BTreeMap::new();
    for (id, (item, within)) in &was {
        if !is.contains_key(id) && within.is_none_or(|w| is.contains_key(w)) {
            gone.entry(*within).or_default().push(item);
        }
    }
    place(now, None, &was, &gone)
}

fn place(items: &[Item], within: Option<&str>, was: &Was<'_>, gone: &BTreeMap<Option<&str>, Vec<&Item>>) -> Vec<Item> {
    let mut all: Vec<Item> = Vec::new();
    for item in items {
        let change = match was.get(item.id.as_str()) {
            None => Change::New,
            Some((old, _)) if same(old, item) => Change::None,
            Some(_) => Change::Changed,
        };
        // All that is in a new thing is new, and need not say so again.
        let inside = if change == Change::New { item.inside.clone() } else { place(&item.inside, Some(&item.id), was, gone) };
        all.push(Item { inside, change, ..item.clone() });
    }
    for item in gone.get(&within).into_iter().flatten() {
        let ghost = Item { inside: Vec::new(), links: Vec::new(), facts: Vec::new(), bar: None, change: Change::Gone, ..(*item).clone() };
        all.push(ghost);
    }
    all
}

/// Whether all that is said of a thing itself is the same. Of a bar only where it ends: how full it is changes with every line.
fn same(old: &Item, new: &Item) -> bool {
    old.name == new.name && old.facts == new.facts && old.links == new.links && old.bar.map(|b| b.1) == new.bar.map(|b| b.1)
}

/// How many are marked.
pub(crate) fn count(items: &[Item]) -> usize {
    items.iter().map(|i| usize::from(i.change != Change::None) + count(&i.inside)).sum()
}
