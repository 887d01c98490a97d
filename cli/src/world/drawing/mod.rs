//! The drawing of a world: five views of what is on it now, each as SVG and in words.
//!
//! A view is a tree of [`item::Item`]s, read from the engine and from the simulated kernel. The picture ([`svg`]) and its twin in words
//! ([`text`]) are both written from that tree, so neither says what the other does not. What the last line changed is marked in it
//! ([`change`]) and so in both. Equal worlds have equal drawings, byte for byte.

mod change;
pub(crate) mod escape;
mod item;
mod look;
mod svg;
mod text;
mod views;

#[cfg(test)]
mod tests;

use super::World;
use crate::words::Language;
use drydock_core::Result;
use item::Item;
use serde::Serialize;
use std::cell::RefCell;

/// A drawing.
#[derive(Clone, Debug, Serialize)]
pub struct Drawing {
    /// Its views, always the same five in the same order.
    pub views: Vec<View>,
    /// All of them as HTML: what goes into a page's `<figure>`.
    pub html: String,
}

/// One view.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// `processes`, `layers`, `network`, `cgroups` or `images`.
    pub name: &'static str,
    /// What stands above it.
    pub title: String,
    /// How many things in it the last line made, changed or took away.
    pub changed: usize,
    /// The picture.
    pub svg: String,
    /// The same facts as a nested list, in HTML.
    pub text: String,
}

/// Who draws a world, and knows how it was before the last line. From the first drawing on every later one marks what changed.
#[derive(Clone, Debug, Default)]
pub struct Drawer {
    before: RefCell<Option<Model>>,
}

impl Drawer {
    /// A line is going to be done. Costs nothing as long as nobody draws.
    ///
    /// # Errors
    /// Where the engine cannot answer.
    pub fn before_line(&self, world: &World) -> Result<()> {
        if self.before.borrow().is_some() {
            *self.before.borrow_mut() = Some(Model::of(world)?);
        }
        Ok(())
    }

    /// Draws what there is now. Looking takes no time in the world.
    ///
    /// # Errors
    /// Where the engine cannot answer.
    pub fn draw(&self, world: &World, language: Language) -> Result<Drawing> {
        let now = Model::of(world)?;
        let drawing = now.drawing(self.before.borrow().as_ref(), language);
        self.before.borrow_mut().get_or_insert(now);
        Ok(drawing)
    }
}

/// What is drawn, before it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    views: Vec<(&'static str, &'static str, Vec<Item>)>,
}

impl Model {
    /// What there is in a world. Looking takes no time there.
    fn of(world: &World) -> Result<Self> {
        let now = world.host().look(|w| w.now);
        let seen = look::Seen::of(world);
        world.host().look(|w| w.now = now);
        let seen = seen?;
        Ok(world.host().look(|w| Self {
            views: vec![
                ("processes", "Processes and namespaces", views::processes::items(w, &seen)),
                ("layers", "Layers and mounts", views::layers::items(w, &seen)),
                ("network", "Network", views::network::items(w, &seen)),
                ("cgroups", "Control groups", views::cgroups::items(w, &seen)),
                ("images", "Images", views::images::items(&seen)),
            ],
        }))
    }

    /// Draws it, with what is not as it was before marked.
    fn drawing(&self, before: Option<&Model>, language: Language) -> Drawing {
        let views: Vec<View> = self
            .views
            .iter()
            .map(|(name, title, items)| {
                let old = before.and_then(|b| b.views.iter().find(|(n, ..)| n == name)).map(|(_, _, items)| items);
                let items = old.map_or_else(|| items.clone(), |old| change::marked(old, items));
                let (changed, title) = (change::count(&items), language.say(title));
                let items: Vec<Item> = items.into_iter().map(|item| item.said(language)).collect();
                let (svg, text) = (svg::svg(&title, &items, language), text::list(&items, language));
                View { name, title, changed, svg, text }
            })
            .collect();
        let html = html(&views, language);
        Drawing { views, html }
    }
}

/// The views below one another, the one in which most happened open. They need no script: a browser opens and closes them.
fn html(views: &[View], language: Language) -> String {
    let most = views.iter().map(|v| v.changed).max().unwrap_or(0);
    let open = views.iter().find(|v| v.changed == most).map_or("", |v| v.name);
    let mut html = String::new();
    for View { name, title, changed, svg, text } in views {
        let state = if *name == open { " open" } else { "" };
        let mark = if *changed == 0 {
            String::new()
        } else {
            format!(" <span class=\"dd-count\">{}</span>", language.say(&format!("{changed} changed")))
        };
        html.push_str(&format!("<details class=\"dd-view\" data-view=\"{name}\"{state}><summary>{title}{mark}</summary>"));
        html.push_str(svg);
        let summary = language.say("As text");
        html.push_str(&format!("<details class=\"dd-words\"><summary>{summary}</summary>{text}</details></details>"));
    }
    html
}
