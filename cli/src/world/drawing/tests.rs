//! What is drawn of worlds, and that pictures and their twins are whole whatever things are called.

use super::item::{Change, Item};
use super::{Drawer, Drawing};
use super::{change, svg, text};
use crate::words::Language;
use crate::world::{Console, Memory, World};
use proptest::prelude::*;

/// A world, the console at it, and who draws it.
struct Session {
    world: World,
    console: Console,
    drawer: Drawer,
}

impl Session {
    fn new() -> Self {
        let mut session = Self { world: World::new(1).expect("a world"), console: Console::default(), drawer: Drawer::default() };
        session.draw();
        session
    }

    fn draw(&mut self) -> Drawing {
        self.drawer.draw(&self.world, Language::English).expect("a drawing")
    }

    fn line(&mut self, line: &str) {
        self.drawer.before_line(&self.world).expect("a look");
        let mut memory = Memory::default();
        let code = self.console.run(&self.world, line, &mut memory, &mut |_| ());
        assert_eq!(code, 0, "{line}: {}", memory.err.take());
    }
}

/// The words of a view after these lines: markup taken out, a line for each thing.
fn words(session: &mut Session, view: &str) -> String {
    let drawing = session.draw();
    let view = drawing.views.iter().find(|v| v.name == view).expect("a view");
    let mut depth = 0_usize;
    let mut out = String::new();
    for part in view.text.split('<') {
        let (tag, said) = part.split_once('>').unwrap_or(("", part));
        match tag {
            "ul" => depth += 1,
            "/ul" => depth -= 1,
            _ if tag.starts_with("li") => out.push_str(&format!("\n{}- ", "  ".repeat(depth - 1))),
            _ => {}
        }
        out.push_str(said);
    }
    out.replace("&#39;", "'").replace("&quot;", "\"")
}

fn after(lines: &[&str]) -> Session {
    let mut session = Session::new();
    for line in lines {
        session.line(line);
    }
    session
}

#[test]
fn processes_and_their_namespaces() {
    insta::assert_snapshot!(words(&mut after(&["drydock run -d --name web nginx"]), "processes"));
}

#[test]
fn layers_and_mounts_and_what_was_written() {
    let lines = [
        "drydock volume create data",
        "drydock run -d --name keeper -v data:/data busybox sh -c 'echo x >/new; rm /etc/group; sleep 1000'",
    ];
    insta::assert_snapshot!(words(&mut after(&lines), "layers"));
}

#[test]
fn links_ends_and_published_ports() {
    insta::assert_snapshot!(words(&mut after(&["drydock run -d --name web -p 8080:80 nginx"]), "network"));
}

#[test]
fn groups_and_their_limits() {
    insta::assert_snapshot!(words(
        &mut after(&["drydock run -d --name small -m 64m --pids-limit 9 --cpus 0.5 busybox sleep 1000"]),
        "cgroups"
    ));
}

#[test]
fn images_their_layers_and_users() {
    insta::assert_snapshot!(words(&mut after(&["drydock run --name one busybox true", "drydock tag busybox mine:1"]), "images"));
}

#[test]
fn what_goes_is_shown_once_more() {
    let mut session = after(&["drydock run -d --name web nginx", "drydock rm -f web"]);
    let told = words(&mut session, "processes");
    assert!(told.contains("container web (gone)"), "{told}");
    session.line("drydock ps");
    let told = words(&mut session, "processes");
    assert!(!told.contains("web") && !told.contains('('), "{told}");
}

#[test]
fn equal_worlds_have_equal_drawings_and_looking_takes_no_time() {
    let lines = ["drydock run -d --name web -p 8080:80 nginx", "drydock run -d -v data:/x busybox sleep 100"];
    let (mut one, mut other) = (after(&lines), after(&lines));
    assert_eq!(one.draw().html, other.draw().html);
    let now = |session: &Session| session.world.host().look(|w| w.now);
    let before = now(&one);
    one.draw();
    assert_eq!(now(&one), before);
}

#[test]
fn every_picture_of_a_busy_world_is_xml() {
    let mut session = after(&[
        "drydock network create inner",
        "drydock run -d --name web -p 8080:80 --network inner -m 64m -v data:/srv nginx",
        "drydock run -d --name second --network host busybox sleep 9",
        "drydock run --name done busybox false || true",
    ]);
    for view in session.draw().views {
        roxmltree::Document::parse(&view.svg).expect(view.name);
        roxmltree::Document::parse(&view.text).expect(view.name);
    }
}

fn item() -> impl Strategy<Value = Item> {
    let text = || prop_oneof![".{0,40}", "[<>&\"' \u{0}-\u{1f}\u{fffe}容器]{0,60}"];
    let change = prop::sample::select(vec![Change::None, Change::New, Change::Changed, Change::Gone]);
    let leaf = (0..20_u8, text(), prop::collection::vec(text(), 0..3), any::<Option<(u64, u64)>>(), 0..20_u8, change).prop_map(
        |(id, name, facts, bar, to, change)| {
            let item = Item { facts, bar, change, ..Item::new(id.to_string(), "thing", name) };
            if to > 10 { item.link(to.to_string(), format!("leads to {to}")) } else { item }
        },
    );
    leaf.prop_recursive(5, 24, 4, |inner| (inner.clone(), prop::collection::vec(inner, 0..4)).prop_map(|(item, inside)| item.with(inside)))
}

/// All text of a document, without spaces: where a line breaks says nothing.
fn said(xml: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap_or_else(|e| panic!("{e}: {xml}"));
    squeezed(&document.descendants().filter(|n| n.is_text()).filter_map(|n| n.text()).collect::<String>())
}

fn squeezed(text: &str) -> String {
    let known = |c: char| if (c.is_control() && !"\n\t\r".contains(c)) || matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c };
    text.chars().map(known).filter(|c| !c.is_whitespace()).collect()
}

fn facts(items: &[Item]) -> Vec<String> {
    let own = |i: &Item| {
        let mut all = vec![i.name.clone()];
        all.extend(i.facts.iter().cloned().chain(i.bar.map(text::bar)).chain(i.links.iter().map(|(_, words)| words.clone())));
        all.extend(i.change.word().map(str::to_owned));
        all
    };
    items.iter().flat_map(|i| own(i).into_iter().chain(facts(&i.inside))).collect()
}

proptest! {
    #[test]
    fn whatever_things_are_called_both_are_whole_and_say_the_same(before in prop::collection::vec(item(), 0..4), now in prop::collection::vec(item(), 0..4)) {
        let items = change::marked(&before, &now);
        let (picture, twin) = (said(&svg::svg("<&>", &items, Language::English)), said(&text::list(&items, Language::English)));
        for fact in facts(&items) {
            let fact = squeezed(&fact);
            prop_assert!(picture.contains(&fact), "the picture lacks {:?}", fact);
            prop_assert!(twin.contains(&fact), "the words lack {:?}", fact);
        }
    }

    #[test]
    fn nothing_is_marked_where_nothing_changed(items in prop::collection::vec(item(), 0..4)) {
        let mut plain = items;
        number(&mut plain, &mut 0);
        prop_assert_eq!(change::count(&change::marked(&plain, &plain)), 0);
    }
}

/// Ids of their own, and no marks.
fn number(items: &mut [Item], next: &mut u32) {
    for item in items {
        *next += 1;
        item.id = next.to_string();
        item.change = Change::None;
        number(&mut item.inside, next);
    }
}
