//! Shell variables.

use super::arithmetic;
use std::collections::BTreeMap;

/// One variable.
#[derive(Clone, Debug, Default)]
struct Variable {
    value: Option<String>,
    exported: bool,
    read_only: bool,
}

/// The variables of a shell, and the ones that functions have made local.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    map: BTreeMap<String, Variable>,
    locals: Vec<BTreeMap<String, Option<Variable>>>,
    /// `set -a`: export everything that is assigned.
    pub export_all: bool,
}

/// Whether a text is a variable's name.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic()) && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
}

impl Variables {
    /// Variables from an environment; what is not `NAME=value` is left out, as busybox does.
    pub fn from_environment(environment: Vec<String>) -> Self {
        let mut variables = Self::default();
        for entry in environment {
            if let Some((name, value)) = entry.split_once('=')
                && is_name(name)
            {
                let variable = Variable { value: Some(value.to_owned()), exported: true, read_only: false };
                variables.map.insert(name.to_owned(), variable);
            }
        }
        variables
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<String> {
        self.map.get(name).and_then(|v| v.value.clone())
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let export_all = self.export_all;
        let variable = self.map.entry(name.to_owned()).or_default();
        if variable.read_only {
            return Err(format!("{name}: is read only"));
        }
        variable.value = Some(value);
        variable.exported |= export_all;
        Ok(())
    }

    /// Unsets a variable.
    pub fn unset(&mut self, name: &str) -> Result<(), String> {
        match self.map.get(name) {
            Some(variable) if variable.read_only => Err(format!("{name}: is read only")),
            _ => {
                self.map.remove(name);
                Ok(())
            }
        }
    }

    /// Marks a variable for export.
    pub fn export(&mut self, name: &str, on: bool) {
        self.map.entry(name.to_owned()).or_default().exported = on;
    }

    /// Marks a variable as read-only.
    pub fn make_read_only(&mut self, name: &str) {
        self.map.entry(name.to_owned()).or_default().read_only = true;
    }

    /// The environment for a program, sorted by name.
    pub fn environment(&self) -> Vec<String> {
        let exported = self.map.iter().filter(|(_, v)| v.exported);
        exported.filter_map(|(name, v)| Some(format!("{name}={}", v.value.as_ref()?))).collect()
    }

    /// Lines of `export -p`, `readonly -p` or (with neither) `set`.
    pub fn listing(&self, word: &str) -> String {
        let chosen = self.map.iter().filter(|(_, v)| match word {
            "export" => v.exported,
            "readonly" => v.read_only,
            _ => v.value.is_some(),
        });
        let prefix = if word.is_empty() { String::new() } else { format!("{word} ") };
        chosen
            .map(|(name, v)| match &v.value {
                Some(value) => format!("{prefix}{name}={}\n", quote(value)),
                None => format!("{prefix}{name}\n"),
            })
            .collect()
    }

    /// A function begins: what it makes local goes when it ends.
    pub fn enter(&mut self) {
        self.locals.push(BTreeMap::new());
    }

    /// A function ends.
    pub fn leave(&mut self) {
        for (name, old) in self.locals.pop().unwrap_or_default() {
            match old {
                Some(old) => self.map.insert(name, old),
                None => self.map.remove(&name),
            };
        }
    }

    /// Makes a variable local to the running function; `false` outside of one.
    pub fn make_local(&mut self, name: &str) -> bool {
        let Some(scope) = self.locals.last_mut() else { return false };
        scope.entry(name.to_owned()).or_insert_with(|| self.map.get(name).cloned());
        true
    }

    /// Sets and exports a variable for one command; the answer undoes it.
    pub fn overlay(&mut self, name: &str, value: String) -> Result<Overlay, String> {
        let overlay = Overlay(name.to_owned(), self.map.get(name).cloned());
        self.set(name, value)?;
        self.export(name, true);
        Ok(overlay)
    }

    /// Takes overlays away.
    pub fn undo(&mut self, overlays: Vec<Overlay>) {
        for Overlay(name, old) in overlays.into_iter().rev() {
            match old {
                Some(old) => self.map.insert(name, old),
                None => self.map.remove(&name),
            };
        }
    }
}

/// What [`Variables::overlay`] replaced.
#[derive(Debug)]
pub struct Overlay(String, Option<Variable>);

impl arithmetic::Variables for Variables {
    fn get(&self, name: &str) -> Option<String> {
        Variables::get(self, name)
    }
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        Variables::set(self, name, value)
    }
}

/// A text in single quotes, such that the shell reads it back.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text as `set -x` shows it: quoted only where it must be.
pub fn quote_if_needed(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=+,@%^".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quote(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_function_makes_local_goes_with_it() {
        let mut v = Variables::from_environment(vec!["A=1".to_owned(), "bad-name=2".to_owned()]);
        v.enter();
        assert!(v.make_local("A") && v.make_local("B"));
        v.set("A", "2".to_owned()).expect("not read-only");
        v.set("B", "3".to_owned()).expect("not read-only");
        v.leave();
        assert_eq!((v.get("A"), v.get("B")), (Some("1".to_owned()), None));
        assert!(!v.make_local("A"), "there is no function to be local to");
    }

    #[test]
    fn an_overlay_holds_for_one_command_and_read_only_for_ever() {
        let mut v = Variables::default();
        v.set("X", "old".to_owned()).expect("new");
        let overlay = vec![v.overlay("X", "new".to_owned()).expect("writable"), v.overlay("Y", "y".to_owned()).expect("writable")];
        assert_eq!(v.environment(), ["X=new", "Y=y"]);
        v.undo(overlay);
        assert_eq!((v.get("X"), v.get("Y"), v.environment()), (Some("old".to_owned()), None, vec![]));
        v.make_read_only("X");
        assert_eq!(v.set("X", String::new()), Err("X: is read only".to_owned()));
        assert!(v.unset("X").is_err());
    }

    #[test]
    fn quoting_reads_back() {
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote_if_needed("a b"), "'a b'");
        assert_eq!(quote_if_needed("a=/b"), "a=/b");
    }
}
