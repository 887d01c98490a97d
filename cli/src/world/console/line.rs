//! A line taken apart, as far as the console has to: where commands end, which of them are Drydock's, and what they ask of it.

/// When a part is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// After `;`, or first.
    Always,
    /// After `&&`.
    IfGood,
    /// After `||`.
    IfBad,
}

/// Commands with `|` between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub then: Then,
    pub pipe: Vec<String>,
}

/// What becomes of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Errors {
    /// They are shown.
    #[default]
    Shown,
    /// `2>/dev/null`
    Gone,
    /// `2>&1`
    WithOutput,
}

/// A command without its redirections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirected {
    pub words: String,
    /// `>FILE` or `>>FILE`
    pub output: Option<String>,
    pub errors: Errors,
}

/// What a line changes for the lines after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    Directory,
    Variables,
}

/// `$(drydock …)` in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Substitution {
    pub start: usize,
    pub end: usize,
    pub command: String,
    pub in_quotes: bool,
    /// A word goes on around it, or it is the value of an assignment: it is not split.
    whole: bool,
}

impl Substitution {
    /// What stands in its place.
    pub fn put(&self, value: &str) -> String {
        if self.in_quotes {
            let mut text = String::new();
            for c in value.chars() {
                if matches!(c, '"' | '\\' | '$' | '`') {
                    text.push('\\');
                }
                text.push(c);
            }
            return text;
        }
        if self.whole {
            return quoted(value);
        }
        value.split_whitespace().map(quoted).collect::<Vec<_>>().join(" ")
    }
}

/// Characters of a line with what surrounds them.
struct Scan<'a> {
    chars: std::iter::Peekable<std::str::CharIndices<'a>>,
    text: &'a str,
    single: bool,
    double: bool,
    /// Open parentheses, of `$(` and of `(`.
    depth: usize,
}

/// A character that means something to the shell, outside quotes and parentheses.
enum Seen {
    /// An ordinary character, or one in quotes.
    Plain,
    /// One that means something, at top level.
    Bare(usize, char),
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        Self { chars: text.char_indices().peekable(), text, single: false, double: false, depth: 0 }
    }

    fn next(&mut self) -> Option<Seen> {
        let (at, c) = self.chars.next()?;
        Some(match c {
            '\'' if !self.double => {
                self.single = !self.single;
                Seen::Plain
            }
            _ if self.single => Seen::Plain,
            '\\' => {
                self.chars.next();
                Seen::Plain
            }
            '"' => {
                self.double = !self.double;
                Seen::Plain
            }
            '(' => {
                // In double quotes only after a dollar sign.
                let dollar = self.text.get(..at).is_some_and(|before| before.ends_with('$'));
                if self.depth > 0 || dollar || !self.double {
                    self.depth += 1;
                }
                Seen::Plain
            }
            ')' if self.depth > 0 => {
                self.depth -= 1;
                Seen::Plain
            }
            _ if self.double || self.depth > 0 => Seen::Plain,
            _ => Seen::Bare(at, c),
        })
    }

    /// The next character is this one; then it is taken.
    fn takes(&mut self, c: char) -> bool {
        self.chars.next_if(|(_, next)| *next == c).is_some()
    }
}

/// Takes a line apart at `;`, `&&`, `||` and `|`.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = vec![Part { then: Then::Always, pipe: Vec::new() }];
    let mut scan = Scan::new(text);
    let mut from = 0;
    while let Some(seen) = scan.next() {
        let Seen::Bare(at, c) = seen else { continue };
        // `2>&1` and `>&2` are no `&`.
        let after_arrow = text.get(..at).is_some_and(|before| before.ends_with(['>', '<']));
        let then = match c {
            ';' | '\n' => Some(Then::Always),
            '&' if after_arrow => continue,
            '&' if scan.takes('&') => Some(Then::IfGood),
            '|' if scan.takes('|') => Some(Then::IfBad),
            '|' => None,
            '#' if text.get(..at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace)) => {
                push(&mut parts, text, from, at);
                from = text.len();
                break;
            }
            _ => continue,
        };
        push(&mut parts, text, from, at);
        from = at + c.len_utf8() + usize::from(matches!(then, Some(Then::IfGood | Then::IfBad)));
        if let Some(then) = then {
            parts.push(Part { then, pipe: Vec::new() });
        }
    }
    if scan.single || scan.double {
        return Err("a quotation mark is open at the end of the line".to_owned());
    }
    if scan.depth > 0 {
        return Err("a parenthesis is open at the end of the line".to_owned());
    }
    push(&mut parts, text, from, text.len());
    parts.retain(|part| !part.pipe.is_empty());
    Ok(parts)
}

fn push(parts: &mut [Part], text: &str, from: usize, to: usize) {
    let command = text.get(from..to).unwrap_or_default().trim();
    if let (Some(part), false) = (parts.last_mut(), command.is_empty()) {
        part.pipe.push(command.to_owned());
    }
}

fn names_drydock(word: &str) -> bool {
    word == "drydock" || word == "docker"
}

/// The first word is Drydock's name.
pub(super) fn is_drydock(command: &str) -> bool {
    command.split_whitespace().next().is_some_and(names_drydock)
}

/// `$(drydock …)` is in it, or Drydock after a word that a compound command begins with.
pub(super) fn asks_drydock(text: &str) -> bool {
    substitution(text).is_some() || compound(text).is_some()
}

/// The word by which a compound command begins that has Drydock in it.
pub(super) fn compound(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let first = words.next()?;
    let opens = ["do", "then", "else", "if", "while", "until", "for", "!", "{", "time", "case"].contains(&first) || first.starts_with('(');
    (opens && command.split(|c: char| c.is_whitespace() || c == '(').any(names_drydock)).then_some(first)
}

/// The first `$(drydock …)` outside single quotes.
pub(super) fn substitution(text: &str) -> Option<Substitution> {
    let mut scan = Scan::new(text);
    loop {
        let (at, _) = *scan.chars.peek()?;
        let (single, in_quotes, depth) = (scan.single, scan.double, scan.depth);
        let rest = text.get(at..)?;
        if !single && depth == 0 && rest.starts_with("$(") && is_drydock(rest.get(2..)?.trim_start()) {
            let mut inner = Scan::new(rest.get(2..)?);
            let mut end = None;
            while let Some(seen) = inner.next() {
                if let Seen::Bare(at, ')') = seen {
                    end = Some(at);
                    break;
                }
            }
            let end = end?;
            let before = text.get(..at).unwrap_or_default();
            let whole = before.chars().next_back().is_some_and(|c| !c.is_whitespace());
            return Some(Substitution { start: at, end: at + 2 + end + 1, command: rest.get(2..2 + end)?.to_owned(), in_quotes, whole });
        }
        scan.next()?;
    }
}

/// Inside double quotes: what is left of them with the closing one, and what comes after.
pub(super) fn to_end_of_quotes(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return text.split_at(at + 1),
            _ => {}
        }
    }
    (text, "")
}

/// Takes `>FILE`, `>>FILE`, `2>/dev/null` and `2>&1` off a command.
pub(super) fn redirected(command: &str) -> Result<Redirected, String> {
    let mut scan = Scan::new(command);
    let mut arrow = None;
    while let Some(seen) = scan.next() {
        match seen {
            Seen::Bare(at, '>') => {
                arrow = Some(at);
                break;
            }
            Seen::Bare(_, '<') => return Err("a file as drydock's input in this shell".to_owned()),
            Seen::Bare(_, '&') => return Err("drydock in the background of this shell; use run -d".to_owned()),
            _ => {}
        }
    }
    let Some(at) = arrow else { return Ok(Redirected { words: command.to_owned(), output: None, errors: Errors::Shown }) };
    let (before, rest) = command.split_at(at);
    let errors = before == "2" || before.ends_with(" 2");
    let words = if errors { before.trim_end_matches('2') } else { before.strip_suffix(" 1").unwrap_or(before) };
    let rest = rest.trim_end();
    let (target, more) = match rest.trim_start_matches('>').trim_start().split_once(char::is_whitespace) {
        Some((target, more)) => (target, more),
        None => (rest.trim_start_matches('>').trim_start(), ""),
    };
    let others = redirected(more)?;
    let words = format!("{} {}", words.trim_end(), others.words).trim_end().to_owned();
    match (errors, target) {
        (true, "/dev/null") => Ok(Redirected { words, errors: Errors::Gone, ..others }),
        (true, "&1") => Ok(Redirected { words, errors: Errors::WithOutput, ..others }),
        (true, _) => Err("drydock's messages into a file of this shell".to_owned()),
        (false, "" | "&2") => Err("this way of leading drydock's output elsewhere".to_owned()),
        (false, file) => {
            let arrows = if rest.starts_with(">>") { ">>" } else { ">" };
            Ok(Redirected { words, output: Some(format!("{arrows}{file}")), ..others })
        }
    }
}

/// A command's words where no shell is needed to tell them; `None` where something is to be expanded.
pub(super) fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut single, mut double) = (false, false);
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' if !double => {
                single = !single;
                word.get_or_insert_default();
            }
            _ if single => word.get_or_insert_default().push(c),
            '"' => {
                double = !double;
                word.get_or_insert_default();
            }
            '$' | '`' => return None,
            '\\' => {
                let next = chars.next()?;
                if double && !matches!(next, '"' | '\\' | '$' | '`') {
                    word.get_or_insert_default().push('\\');
                }
                word.get_or_insert_default().push(next);
            }
            _ if double => word.get_or_insert_default().push(c),
            '*' | '?' | '[' | '~' | '#' => return None,
            _ if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// What a script of the shell's changes for later lines: a lone `cd`, or nothing but assignments.
pub(super) fn changes_shell(text: &str) -> Option<Changes> {
    let parts = parts(text).ok()?;
    let [part] = parts.as_slice() else { return None };
    let [command] = part.pipe.as_slice() else { return None };
    let command = command.strip_prefix("export ").unwrap_or(command);
    if command == "cd" || command.starts_with("cd ") {
        return Some(Changes::Directory);
    }
    let assigns = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let plain = words(command);
    let named = plain.as_ref().is_some_and(|words| !words.is_empty() && words.iter().all(assigns));
    let expands = plain.is_none() && assigns(&command.to_owned()) && !command.contains(' ');
    (named || expands).then_some(Changes::Variables)
}

/// A text as one word.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A word that no line of a text is.
pub(super) fn unused_mark(text: &str) -> String {
    let mut mark = "END_OF_INPUT".to_owned();
    while text.lines().any(|line| line == mark) {
        mark.push('_');
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &str) -> Vec<(Then, Vec<String>)> {
        parts(text).unwrap().into_iter().map(|p| (p.then, p.pipe)).collect()
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|&w| w.to_owned()).collect()
    }

    #[test]
    fn lines_are_taken_apart_where_the_shell_does() {
        assert_eq!(shapes("a; b"), [(Then::Always, owned(&["a"])), (Then::Always, owned(&["b"]))]);
        assert_eq!(
            shapes("a && b | c || d"),
            [(Then::Always, owned(&["a"])), (Then::IfGood, owned(&["b", "c"])), (Then::IfBad, owned(&["d"]))]
        );
        assert_eq!(shapes("echo 'a; b' \"c && d\" e\\;f"), [(Then::Always, owned(&["echo 'a; b' \"c && d\" e\\;f"]))]);
        assert_eq!(shapes("kill $(a; b) 2>&1 # c; d"), [(Then::Always, owned(&["kill $(a; b) 2>&1"]))]);
        assert_eq!(shapes("  "), []);
        assert!(parts("echo 'a").is_err() && parts("echo $(a").is_err());
    }

    #[test]
    fn drydock_is_found_where_it_is_a_command() {
        assert!(is_drydock("drydock ps") && is_drydock("docker ps") && !is_drydock("echo drydock"));
        assert!(asks_drydock("kill $(drydock ps -q)") && asks_drydock("echo \"$(docker ps)\"") && !asks_drydock("echo '$(drydock ps)'"));
        assert_eq!(compound("do drydock ps"), Some("do"));
        assert_eq!(compound("do echo x"), None);
    }

    #[test]
    fn what_drydock_said_is_put_in_as_the_shell_would() {
        let put = |text: &str, value: &str| {
            let found = substitution(text).unwrap();
            format!("{}{}{}", &text[..found.start], found.put(value), &text[found.end..])
        };
        assert_eq!(put("kill -9 $(drydock x (y))", "12"), "kill -9 '12'");
        assert_eq!(put("rm $(drydock ps -q) z", "a\nb"), "rm 'a' 'b' z");
        assert_eq!(put("rm $(drydock ps -q)", ""), "rm ");
        assert_eq!(put("id=$(drydock run x)", "a b"), "id='a b'");
        assert_eq!(put("echo \"<$(drydock ps)>\"", "a \"b\" $c"), "echo \"<a \\\"b\\\" \\$c>\"");
        assert_eq!(substitution("$(drydock inspect -f '{{.A}})' x)").unwrap().command, "drydock inspect -f '{{.A}})' x");
    }

    #[test]
    fn redirections_are_taken_off() {
        let off = |text: &str| redirected(text).unwrap();
        assert_eq!(off("drydock ps").output, None);
        assert_eq!(off("drydock run x sh -c 'a >b'").output, None);
        assert_eq!(off("drydock ps > f").output.as_deref(), Some(">f"));
        assert_eq!(
            off("drydock ps >>f 2>/dev/null"),
            Redirected { words: "drydock ps".to_owned(), output: Some(">>f".to_owned()), errors: Errors::Gone }
        );
        assert_eq!(off("drydock ps 2>&1").errors, Errors::WithOutput);
        assert!(redirected("drydock ps <f").is_err() && redirected("drydock ps &").is_err() && redirected("drydock ps 2>f").is_err());
    }

    #[test]
    fn words_are_told_unless_a_shell_must() {
        assert_eq!(words("a 'b c' \"d $\"").as_deref(), None);
        assert_eq!(words("a 'b $c' \"d \\\" e\" f\\ g ''").unwrap(), ["a", "b $c", "d \" e", "f g", ""]);
        assert_eq!(words("a *").as_deref(), None);
    }

    #[test]
    fn lines_that_later_lines_depend_on_are_known() {
        assert_eq!(changes_shell("cd /tmp"), Some(Changes::Directory));
        assert_eq!(changes_shell("cd /tmp && ls"), None);
        assert_eq!(changes_shell("a=1"), Some(Changes::Variables));
        assert_eq!(changes_shell("export a='b c'"), Some(Changes::Variables));
        assert_eq!(changes_shell("a=$b"), Some(Changes::Variables));
        assert_eq!(changes_shell("a=1 env"), None);
        assert_eq!(changes_shell("echo a=1"), None);
    }
}
