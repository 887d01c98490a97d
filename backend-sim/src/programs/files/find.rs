//! `find`

use super::{base, join};
use crate::programs::cmd::{Cmd, Exit};
use crate::programs::shell::pattern;
use crate::programs::text::streams::run;
use crate::sys::{FileType, Stat};

/// One test or action.
#[derive(Clone, Debug)]
enum Term {
    Name(String),
    IName(String),
    Path(String),
    Type(FileType),
    Empty,
    Size(char, u64, u64),
    Newer(crate::sys::Stat),
    MTime(char, u64, u64),
    Perm(char, u32),
    User(u32),
    Group(u32),
    Links(u32),
    Print,
    Print0,
    Prune,
    Delete,
    Quit,
    Exec(Vec<String>),
    Not(Box<Term>),
    And(Vec<Term>),
    Or(Vec<Term>),
}

struct Parser {
    words: Vec<String>,
    at: usize,
    acts: bool,
    depth_first: bool,
    most: usize,
    least: usize,
    follow: bool,
}

/// `find [path…] [expression]`
pub async fn find(cmd: &mut Cmd) -> Exit {
    let is_path = |word: &&String| !word.starts_with(['-', '(', '!']) || word.as_str() == "-";
    let paths: Vec<String> = cmd.args.iter().take_while(is_path).cloned().collect();
    let words = cmd.args[paths.len()..].to_vec();
    let mut parser = Parser { words, at: 0, acts: false, depth_first: false, most: usize::MAX, least: 0, follow: false };
    let term = match parser.or(cmd).await? {
        term if parser.acts => term,
        term => Term::And(vec![term, Term::Print]),
    };
    if parser.at < parser.words.len() {
        return Err(cmd.fail(format!("unrecognized: {}", parser.words[parser.at])).await);
    }
    let mut walk = Walk { term, parser, status: 0, batches: Vec::new(), quit: false };
    for path in if paths.is_empty() { vec![".".to_owned()] } else { paths } {
        walk.tree(cmd, path).await?;
    }
    let batches = std::mem::take(&mut walk.batches);
    for (command, paths) in batches {
        let full: Vec<String> = command.into_iter().chain(paths).collect();
        cmd.flush().await?;
        walk.status |= i32::from(run(cmd, &full).await != 0);
    }
    Ok(walk.status)
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        self.at += 1;
        self.words.get(self.at - 1).cloned()
    }

    async fn or(&mut self, cmd: &mut Cmd) -> Result<Term, i32> {
        let mut terms = vec![self.and(cmd).await?];
        while matches!(self.peek(), Some("-o" | "-or")) {
            self.at += 1;
            terms.push(self.and(cmd).await?);
        }
        Ok(Term::Or(terms))
    }

    async fn and(&mut self, cmd: &mut Cmd) -> Result<Term, i32> {
        let mut terms = Vec::new();
        while let Some(word) = self.peek() {
            match word {
                "-o" | "-or" | ")" => break,
                "-a" | "-and" => self.at += 1,
                _ => terms.extend(Box::pin(self.term(cmd)).await?),
            }
        }
        Ok(Term::And(terms))
    }

    async fn value(&mut self, cmd: &mut Cmd, option: &str) -> Result<String, i32> {
        match self.next() {
            Some(value) => Ok(value),
            None => Err(cmd.fail(format!("option '{option}' requires an argument")).await),
        }
    }

    async fn number(&mut self, cmd: &mut Cmd, option: &str) -> Result<(char, u64, String), i32> {
        let text = self.value(cmd, option).await?;
        let sign = text.chars().next().filter(|c| "+-".contains(*c)).unwrap_or('=');
        let rest = text.trim_start_matches(['+', '-']);
        let digits = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
        match digits.parse() {
            Ok(n) => Ok((sign, n, rest[digits.len()..].to_owned())),
            Err(_) => Err(cmd.fail(format!("invalid number '{text}'")).await),
        }
    }

    async fn term(&mut self, cmd: &mut Cmd) -> Result<Option<Term>, i32> {
        let word = self.next().unwrap_or_default();
        Ok(Some(match word.as_str() {
            "(" => {
                let inner = self.or(cmd).await?;
                if self.next().as_deref() != Some(")") {
                    return Err(cmd.fail("unpaired '('").await);
                }
                inner
            }
            "!" | "-not" => match Box::pin(self.term(cmd)).await? {
                Some(term) => Term::Not(Box::new(term)),
                None => return Ok(None),
            },
            "-name" => Term::Name(self.value(cmd, &word).await?),
            "-iname" => Term::IName(self.value(cmd, &word).await?.to_lowercase()),
            "-path" => Term::Path(self.value(cmd, &word).await?),
            "-type" => {
                let letter = self.value(cmd, &word).await?;
                Term::Type(match letter.as_str() {
                    "f" => FileType::Regular,
                    "d" => FileType::Directory,
                    "l" => FileType::Symlink,
                    "c" => FileType::Char,
                    "b" => FileType::Block,
                    "p" => FileType::Fifo,
                    "s" => FileType::Socket,
                    _ => return Err(cmd.fail(format!("unknown -type {letter}")).await),
                })
            }
            "-empty" => Term::Empty,
            "-size" => {
                let (sign, n, unit) = self.number(cmd, &word).await?;
                let unit = match unit.as_str() {
                    "c" => 1,
                    "k" => 1024,
                    "M" => 1 << 20,
                    "G" => 1 << 30,
                    _ => 512,
                };
                Term::Size(sign, n, unit)
            }
            "-mtime" | "-mmin" => {
                let (sign, n, _) = self.number(cmd, &word).await?;
                Term::MTime(sign, n, if word == "-mtime" { 86400 } else { 60 })
            }
            "-newer" => {
                let path = self.value(cmd, &word).await?;
                match cmd.sys.stat(&path) {
                    Ok(stat) => Term::Newer(stat),
                    Err(error) => return Err(cmd.fail_at(&path, error).await),
                }
            }
            "-perm" => {
                let text = self.value(cmd, &word).await?;
                let sign = text.chars().next().filter(|c| "-/+".contains(*c)).unwrap_or('=');
                match crate::programs::mode::apply(text.trim_start_matches(['-', '/', '+']), 0, false) {
                    Some(mode) => Term::Perm(sign, mode),
                    None => return Err(cmd.fail(format!("invalid mode '{text}'")).await),
                }
            }
            "-user" => {
                let name = self.value(cmd, &word).await?;
                let users = crate::programs::users::Passwd::read(&cmd.sys).await;
                match users.by_name(&name).map(|u| u.uid).or_else(|| name.parse().ok()) {
                    Some(uid) => Term::User(uid),
                    None => return Err(cmd.fail(format!("unknown user {name}")).await),
                }
            }
            "-group" => {
                let name = self.value(cmd, &word).await?;
                let groups = crate::programs::users::Groups::read(&cmd.sys).await;
                match groups.by_name(&name).or_else(|| name.parse().ok()) {
                    Some(gid) => Term::Group(gid),
                    None => return Err(cmd.fail(format!("unknown group {name}")).await),
                }
            }
            "-links" => Term::Links(u32::try_from(self.number(cmd, &word).await?.1).unwrap_or(u32::MAX)),
            "-print" | "-print0" | "-prune" | "-delete" | "-quit" => {
                self.acts |= word != "-prune";
                self.depth_first |= word == "-delete";
                match word.as_str() {
                    "-print" => Term::Print,
                    "-print0" => Term::Print0,
                    "-prune" => Term::Prune,
                    "-quit" => Term::Quit,
                    _ => Term::Delete,
                }
            }
            "-exec" | "-ok" => {
                self.acts = true;
                let mut command = Vec::new();
                loop {
                    match self.next() {
                        Some(end) if end == ";" || (end == "+" && command.last().is_some_and(|w: &String| w == "{}")) => {
                            command.push(end);
                            break;
                        }
                        Some(word) => command.push(word),
                        None => return Err(cmd.fail("option '-exec' requires an argument").await),
                    }
                }
                Term::Exec(command)
            }
            "-maxdepth" | "-mindepth" => {
                let n = usize::try_from(self.number(cmd, &word).await?.1).unwrap_or(usize::MAX);
                if word == "-maxdepth" {
                    self.most = n
                } else {
                    self.least = n
                }
                return Ok(None);
            }
            "-depth" | "-xdev" | "-mount" | "-follow" => {
                self.depth_first |= word == "-depth";
                self.follow |= word == "-follow";
                return Ok(None);
            }
            "-iregex" | "-regex" | "-inum" | "-atime" | "-ctime" | "-amin" | "-cmin" | "-executable" | "-samefile" | "-ipath" => {
                return Err(cmd.not_modelled(&word).await);
            }
            _ => return Err(cmd.fail(format!("unrecognized: {word}")).await),
        }))
    }
}

struct Walk {
    term: Term,
    parser: Parser,
    status: i32,
    /// `-exec … {} +`: commands and what they are given at the end.
    batches: Vec<(Vec<String>, Vec<String>)>,
    quit: bool,
}

impl Walk {
    async fn tree(&mut self, cmd: &mut Cmd, path: String) -> Result<(), i32> {
        // Entries still to be visited, and for depth-first walks directories to be tested on the way back.
        let mut stack = vec![(path, 0, false)];
        while let Some((path, depth, done)) = stack.pop() {
            if self.quit {
                return Ok(());
            }
            let found = if self.parser.follow { cmd.sys.stat(&path) } else { cmd.sys.lstat(&path) };
            let stat = match found {
                Ok(stat) => stat,
                Err(error) => {
                    self.status = cmd.fail_at(&path, error).await;
                    continue;
                }
            };
            let directory = stat.kind == FileType::Directory;
            let mut descend = directory && depth < self.parser.most && !done;
            if (!self.parser.depth_first || done || !descend) && depth >= self.parser.least {
                let mut prune = false;
                let term = self.term.clone();
                self.eval(cmd, &term, &path, &stat, &mut prune).await?;
                descend &= !prune;
            }
            if descend {
                if self.parser.depth_first {
                    stack.push((path.clone(), depth, true));
                }
                match cmd.sys.readdir(&path) {
                    Ok(entries) => stack.extend(entries.into_iter().rev().map(|e| (join(&path, &e.name), depth + 1, false))),
                    Err(error) => self.status = cmd.fail_at(&path, error).await,
                }
            }
        }
        Ok(())
    }

    async fn eval(&mut self, cmd: &mut Cmd, term: &Term, path: &str, stat: &Stat, prune: &mut bool) -> Result<bool, i32> {
        let compare = |sign: char, value: u64, n: u64| match sign {
            '+' => value > n,
            '-' => value < n,
            _ => value == n,
        };
        Ok(match term {
            Term::Name(p) => pattern::matches(p, base(path)),
            Term::IName(p) => pattern::matches(p, &base(path).to_lowercase()),
            Term::Path(p) => pattern::matches(p, path),
            Term::Type(kind) => stat.kind == *kind,
            Term::Empty => match stat.kind {
                FileType::Regular => stat.size == 0,
                FileType::Directory => cmd.sys.readdir(path).is_ok_and(|entries| entries.is_empty()),
                _ => false,
            },
            Term::Size(sign, n, unit) => compare(*sign, stat.size.div_ceil(*unit), *n),
            Term::Newer(other) => stat.mtime > other.mtime,
            Term::MTime(sign, n, unit) => compare(*sign, cmd.sys.now().since(stat.mtime).as_secs() / unit, *n),
            Term::Perm('-', mode) => stat.mode & mode == *mode,
            Term::Perm('=', mode) => stat.mode == *mode,
            Term::Perm(_, mode) => *mode == 0 || stat.mode & mode != 0,
            Term::User(uid) => stat.uid == *uid,
            Term::Group(gid) => stat.gid == *gid,
            Term::Links(n) => stat.nlink == *n,
            Term::Print => {
                cmd.line(path).await?;
                true
            }
            Term::Print0 => {
                cmd.print(format!("{path}\0")).await?;
                true
            }
            Term::Prune => {
                *prune = true;
                true
            }
            Term::Quit => {
                self.quit = true;
                true
            }
            Term::Delete => {
                let removed = if stat.kind == FileType::Directory { cmd.sys.rmdir(path) } else { cmd.sys.unlink(path) };
                match removed {
                    Ok(()) => true,
                    Err(error) => {
                        self.status = cmd.fail_at(path, error).await;
                        false
                    }
                }
            }
            Term::Exec(command) => {
                let (end, words) = command.split_last().map_or((";", &[][..]), |(end, words)| (end.as_str(), words));
                if end == "+" {
                    let words = words[..words.len() - 1].to_vec();
                    match self.batches.iter_mut().find(|(command, _)| *command == words) {
                        Some((_, paths)) => paths.push(path.to_owned()),
                        None => self.batches.push((words, vec![path.to_owned()])),
                    }
                    true
                } else {
                    let full: Vec<String> = words.iter().map(|word| word.replace("{}", path)).collect();
                    cmd.flush().await?;
                    run(cmd, &full).await == 0
                }
            }
            Term::Not(inner) => !Box::pin(self.eval(cmd, inner, path, stat, prune)).await?,
            Term::And(terms) => {
                for term in terms {
                    if !Box::pin(self.eval(cmd, term, path, stat, prune)).await? {
                        return Ok(false);
                    }
                }
                true
            }
            Term::Or(terms) => {
                for term in terms {
                    if Box::pin(self.eval(cmd, term, path, stat, prune)).await? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }
}
