//! The drawing as SVG: boxes in boxes, small ones beside each other, and lines between them at the right edge.
//!
//! Units are pixels on a telephone: the picture is as wide as a narrow screen and is made larger where there is room. Colours are the
//! page's: everything has a class, nothing a colour.

use super::escape::{escaped, width, wrapped};
use super::item::{Change, Item};
use super::text;
use crate::words::Language;
use std::collections::BTreeMap;

/// Width of the whole.
const WIDTH: usize = 344;
/// Room inside a box's edge.
const PAD: usize = 8;
/// Between boxes.
const GAP: usize = 6;
/// Height of a name's line, and of a fact's.
const NAME: usize = 18;
const FACT: usize = 15;
/// Height of a small box.
const CHIP: usize = 20;
/// Between two lines at the right edge.
const LANE: usize = 6;
/// At most so many of them have a place of their own.
const LANES: usize = 8;
/// Tenths of a pixel that a column of a name and of a fact takes.
const NAME_COLUMN: usize = 73;
const FACT_COLUMN: usize = 64;

/// A line between two things, before it is known where they are.
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    words: &'a str,
    fresh: bool,
}

/// Where a thing is: its right edge and the height of its name.
type Places<'a> = BTreeMap<&'a str, (usize, usize)>;

/// A view's picture.
pub(crate) fn svg(title: &str, items: &[Item], language: Language) -> String {
    let mut edges = Vec::new();
    collect(items, false, &mut edges);
    let mut places = Places::new();
    known(items, &mut places);
    edges.retain(|e| places.contains_key(e.to));
    let gutter = if edges.is_empty() { 0 } else { edges.len().min(LANES) * LANE + LANE };
    let mut body = String::new();
    let bottom = draw(items, 1, 1, WIDTH - 2 - gutter, &mut body, &mut places, language).max(24) + 2;
    for (at, edge) in edges.iter().enumerate() {
        let lane = WIDTH - gutter + (at % LANES) * LANE + LANE / 2;
        if let (Some((x1, y1)), Some((x2, y2))) = (places.get(edge.from), places.get(edge.to)) {
            let class = if edge.fresh { "edge new" } else { "edge" };
            body.push_str(&format!("<g class=\"{class}\"><title>{}</title>", escaped(edge.words)));
            body.push_str(&format!("<path d=\"M{x1} {y1}H{lane}V{y2}H{x2}\"/>"));
            body.push_str(&format!("<circle cx=\"{x1}\" cy=\"{y1}\" r=\"2.5\"/><circle cx=\"{x2}\" cy=\"{y2}\" r=\"2.5\"/></g>"));
        }
    }
    if items.is_empty() {
        body.push_str(&format!("<text class=\"fact\" x=\"{PAD}\" y=\"16\">{}</text>", language.say("There is nothing.")));
    }
    let title = escaped(&language.say(&format!("{title}: a drawing; the same facts stand below it as text")));
    format!(
        "<svg class=\"dd-svg\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {bottom}\" role=\"img\" \
         aria-label=\"{title}\">{body}</svg>"
    )
}

fn collect<'a>(items: &'a [Item], within_new: bool, edges: &mut Vec<Edge<'a>>) {
    for item in items {
        let fresh = within_new || item.change.word().is_some();
        edges.extend(item.links.iter().map(|(to, words)| Edge { from: &item.id, to, words, fresh }));
        collect(&item.inside, within_new || item.change == Change::New, edges);
    }
}

fn known<'a>(items: &'a [Item], places: &mut Places<'a>) {
    for item in items {
        places.insert(&item.id, (0, 0));
        known(&item.inside, places);
    }
}

/// The word beside a thing's name.
fn mark(item: &Item, language: Language) -> String {
    item.change.word().map(|word| language.say(word)).unwrap_or_default()
}

/// Whether its name says what it is: `pid:[7]`.
fn is_plain(item: &Item) -> bool {
    item.kind == "namespace" && item.is_chip()
}

/// How wide a small box must be.
fn chip_width(item: &Item, language: Language) -> usize {
    let mark = mark(item, language);
    let columns = if is_plain(item) { 0 } else { width(&language.say(item.kind)) + 1 }
        + width(&item.name)
        + if mark.is_empty() { 0 } else { width(&mark) + 1 };
    columns * FACT_COLUMN / 10 + 14
}

/// Draws things from (x, y) on in so much width. Answers where the next one can begin.
fn draw<'a>(items: &'a [Item], x: usize, y: usize, room: usize, out: &mut String, places: &mut Places<'a>, language: Language) -> usize {
    let mut at = y;
    // Where the row of small boxes goes on, if there is one.
    let mut row: Option<usize> = None;
    for item in items {
        if item.is_chip() && chip_width(item, language) <= room {
            let wide = chip_width(item, language);
            let mut left = row.unwrap_or(x);
            if row.is_some() && left + wide > x + room {
                at += CHIP + 4;
                left = x;
            }
            chip(item, (left, at, wide), out, language);
            places.insert(&item.id, (left + wide, at + CHIP / 2));
            row = Some(left + wide + 4);
            continue;
        }
        if row.take().is_some() {
            at += CHIP + GAP;
        }
        at = block(item, x, at, room, out, places, language) + GAP;
    }
    if row.is_some() {
        return at + CHIP;
    }
    at.saturating_sub(if at > y { GAP } else { 0 })
}

fn class(item: &Item) -> String {
    match item.change.word() {
        Some(word) => format!("{} {word}", item.kind.replace(' ', "-")),
        None => item.kind.replace(' ', "-"),
    }
}

fn kind(item: &Item, language: Language) -> String {
    if is_plain(item) {
        return String::new();
    }
    format!("<tspan class=\"kind\">{}</tspan> ", escaped(&language.say(item.kind)))
}

fn named(name: &str) -> String {
    format!("<tspan class=\"name\">{}</tspan>", escaped(name))
}

fn marked(item: &Item, language: Language) -> String {
    let mark = mark(item, language);
    if mark.is_empty() { String::new() } else { format!(" <tspan class=\"mark\">{mark}</tspan>") }
}

fn chip(item: &Item, (x, y, wide): (usize, usize, usize), out: &mut String, language: Language) {
    out.push_str(&format!("<g class=\"chip {}\"><rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{CHIP}\" rx=\"10\"/>", class(item)));
    out.push_str(&format!(
        "<text class=\"fact\" x=\"{}\" y=\"{}\">{}{}{}</text></g>",
        x + 7,
        y + 14,
        kind(item, language),
        named(&item.name),
        marked(item, language)
    ));
}

/// A box of the whole width. Answers where it ends.
fn block<'a>(item: &'a Item, x: usize, y: usize, room: usize, out: &mut String, places: &mut Places<'a>, language: Language) -> usize {
    let inner = room.saturating_sub(2 * PAD).max(40);
    let mut inside = String::new();
    places.insert(&item.id, (x + room, y + PAD + NAME / 2));
    let mut at = y + PAD;
    // A name has its kind before it and its mark after it, which stay on the first line.
    let mark = mark(item, language);
    let beside = width(&language.say(item.kind)) + 1 + if mark.is_empty() { 0 } else { width(&mark) + 1 };
    let columns = (inner * 10 / NAME_COLUMN).saturating_sub(beside).max(8);
    let parts = wrapped(&item.name, columns);
    for (line, part) in parts.iter().enumerate() {
        let kind = if line == 0 { kind(item, language) } else { String::new() };
        let mark = if line + 1 == parts.len() { marked(item, language) } else { String::new() };
        let (x, y) = (x + PAD, at + 13);
        inside.push_str(&format!("<text class=\"title\" x=\"{x}\" y=\"{y}\">{kind}{}{mark}</text>", named(part)));
        at += NAME;
    }
    for fact in item
        .facts
        .iter()
        .cloned()
        .chain(item.bar.map(|bar| language.say(&text::bar(bar))))
        .chain(item.links.iter().map(|(_, words)| words.clone()))
    {
        inside.push_str("<text class=\"fact\">");
        for part in wrapped(&fact, inner * 10 / FACT_COLUMN) {
            inside.push_str(&format!("<tspan x=\"{}\" y=\"{}\">{}</tspan>", x + PAD, at + 11, escaped(&part)));
            at += FACT;
        }
        inside.push_str("</text>");
    }
    if let Some((used, most)) = item.bar {
        let full = u128::from(used.min(most)) * inner as u128 / u128::from(most.max(1));
        inside.push_str(&format!("<rect class=\"bar\" x=\"{}\" y=\"{at}\" width=\"{inner}\" height=\"6\" rx=\"3\"/>", x + PAD));
        inside.push_str(&format!("<rect class=\"full\" x=\"{}\" y=\"{at}\" width=\"{full}\" height=\"6\" rx=\"3\"/>", x + PAD));
        at += 10;
    }
    if !item.inside.is_empty() {
        at = draw(&item.inside, x + PAD, at + 3, inner, &mut inside, places, language);
    }
    let bottom = at + PAD - 2;
    out.push_str(&format!("<g class=\"{}\"><rect x=\"{x}\" y=\"{y}\" width=\"{room}\" height=\"{}\" rx=\"6\"/>", class(item), bottom - y));
    out.push_str(&inside);
    out.push_str("</g>");
    bottom
}
