//! Builtins about variables and parameters: export, readonly, unset, local, set, shift, getopts, let.

use super::{Done, Shell};
use crate::programs::shell::arithmetic;
use crate::programs::shell::vars::is_name;

impl Shell {
    /// `export [-p] [name[=value]…]`, `readonly` likewise; `-n` takes the mark away.
    pub(super) async fn export(&mut self, what: &str, args: &[String]) -> Done {
        let off = args.first().is_some_and(|a| a == "-n");
        let names: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
        if names.is_empty() {
            return self.output(what, self.vars.listing(what).into_bytes()).await;
        }
        for entry in names {
            let (name, value) = entry.split_once('=').map_or((entry.as_str(), None), |(n, v)| (n, Some(v)));
            if !is_name(name) {
                return self.fatal(&format!("{what}: {name}: bad variable name")).await;
            }
            if let Some(value) = value
                && let Err(message) = self.vars.set(name, value.to_owned())
            {
                return self.fatal(&message).await;
            }
            if what == "export" { self.vars.export(name, !off) } else { self.vars.make_read_only(name) }
        }
        Ok(0)
    }

    /// `unset [-f | -v] name…`
    pub(super) async fn unset(&mut self, args: &[String]) -> Done {
        let function = args.first().is_some_and(|a| a == "-f");
        for name in args.iter().filter(|a| !a.starts_with('-')) {
            if function {
                self.functions.remove(name);
            } else if let Err(message) = self.vars.unset(name) {
                return self.fatal(&message).await;
            }
        }
        Ok(0)
    }

    /// `local name[=value]…`
    pub(super) async fn local(&mut self, args: &[String]) -> Done {
        for entry in args {
            let (name, value) = entry.split_once('=').map_or((entry.as_str(), None), |(n, v)| (n, Some(v)));
            if !self.vars.make_local(name) {
                return self.fatal("local: not in a function").await;
            }
            if let Some(value) = value
                && let Err(message) = self.vars.set(name, value.to_owned())
            {
                return self.fatal(&message).await;
            }
        }
        Ok(0)
    }

    /// `set [-efnuvxC] [-o name] [--] [argument…]`
    pub(super) async fn set(&mut self, args: &[String]) -> Done {
        if args.is_empty() {
            return self.output("set", self.vars.listing("").into_bytes()).await;
        }
        let mut args = args.iter().peekable();
        let mut replace = false;
        while let Some(option) = args.next_if(|a| a.starts_with(['-', '+']) && *a != "-" && *a != "+") {
            if option == "--" {
                replace = true;
                break;
            }
            let value = if option[1..].contains('o') { args.next().map(String::as_str) } else { None };
            if option == "-o" && value.is_none() {
                let text = self.option_listing();
                return self.output("set", text.into_bytes()).await;
            }
            if let Err(message) = self.set_option(option, value) {
                return self.fatal(&format!("set: {message}")).await;
            }
        }
        if replace || args.peek().is_some() {
            self.args = args.cloned().collect();
        }
        Ok(0)
    }

    fn option_listing(&self) -> String {
        let o = &self.options;
        let all = [
            ("errexit", o.errexit),
            ("noglob", o.noglob),
            ("interactive", o.interactive),
            ("stdin", o.stdin),
            ("xtrace", o.xtrace),
            ("verbose", o.verbose),
            ("noclobber", o.noclobber),
            ("allexport", self.vars.export_all),
            ("nounset", o.nounset),
            ("pipefail", o.pipefail),
        ];
        let lines = all.iter().map(|(name, on)| format!("{name:<16}{}\n", if *on { "on" } else { "off" }));
        format!("Current option settings\n{}", lines.collect::<String>())
    }

    /// One option word, of `set` or of the command line.
    pub(in crate::programs::shell) fn set_option(&mut self, option: &str, name: Option<&str>) -> Result<(), String> {
        let on = option.starts_with('-');
        for letter in option.chars().skip(1) {
            let letter = match (letter, name) {
                ('o', Some(name)) => match name {
                    "errexit" => 'e',
                    "nounset" => 'u',
                    "xtrace" => 'x',
                    "noglob" => 'f',
                    "noexec" => 'n',
                    "verbose" => 'v',
                    "noclobber" => 'C',
                    "allexport" => 'a',
                    "pipefail" => {
                        self.options.pipefail = on;
                        continue;
                    }
                    other => return Err(format!("illegal option {option} {other}")),
                },
                (letter, _) => letter,
            };
            let flag = match letter {
                'e' => &mut self.options.errexit,
                'u' => &mut self.options.nounset,
                'x' => &mut self.options.xtrace,
                'f' => &mut self.options.noglob,
                'n' => &mut self.options.noexec,
                'v' => &mut self.options.verbose,
                'C' => &mut self.options.noclobber,
                'i' => &mut self.options.interactive,
                'c' => &mut self.options.command,
                's' => &mut self.options.stdin,
                'a' => &mut self.vars.export_all,
                // A login shell reads /etc/profile, job control is decided by the terminal, -b only matters to it.
                'l' | 'm' | 'b' => continue,
                other => return Err(format!("illegal option -{other}")),
            };
            *flag = on;
        }
        Ok(())
    }

    /// `shift [n]`
    pub(super) async fn shift(&mut self, args: &[String]) -> Done {
        let count = match args.first().map(|text| text.parse::<usize>()) {
            None => 1,
            Some(Ok(n)) => n,
            Some(Err(_)) => return self.fatal(&format!("shift: Illegal number: {}", args[0])).await,
        };
        if count > self.args.len() {
            return Ok(1);
        }
        self.args.drain(..count);
        Ok(0)
    }

    /// `let expression…`
    pub(super) async fn let_builtin(&mut self, args: &[String]) -> Done {
        let mut value = 0;
        for expression in args {
            value = match arithmetic::evaluate(expression, &mut self.vars) {
                Ok(value) => value,
                Err(message) => return self.fatal(&message).await,
            };
        }
        Ok(i32::from(value == 0))
    }

    /// `getopts letters name [argument…]`
    pub(super) async fn getopts(&mut self, args: &[String]) -> Done {
        let [letters, name, rest @ ..] = args else {
            return self.fatal("getopts: usage: getopts optstring var [arg]").await;
        };
        let words = if rest.is_empty() { self.args.clone() } else { rest.to_vec() };
        let mut index = self.vars.get("OPTIND").and_then(|i| i.parse::<usize>().ok()).unwrap_or(1).max(1);
        if index == 1 && self.getopts_at > 0 && words.first().is_none_or(|w| w.len() <= self.getopts_at) {
            self.getopts_at = 0;
        }
        let silent = letters.starts_with(':');
        let mut argument = None;
        let (letter, status) = loop {
            let Some(word) = words.get(index - 1) else { break ('?', 1) };
            if self.getopts_at == 0 {
                if word == "--" {
                    index += 1;
                    break ('?', 1);
                }
                if !word.starts_with('-') || word.len() == 1 {
                    break ('?', 1);
                }
                self.getopts_at = 1;
            }
            let Some(letter) = word[self.getopts_at..].chars().next() else {
                self.getopts_at = 0;
                index += 1;
                continue;
            };
            self.getopts_at += letter.len_utf8();
            let value = letters.split_once(letter).filter(|_| letter != ':').map(|(_, after)| after.starts_with(':'));
            match value {
                None => {
                    if silent {
                        argument = Some(letter.to_string());
                    } else {
                        self.sys.eprint(&format!("Illegal option -{letter}\n")).await;
                    }
                    break ('?', 0);
                }
                Some(false) => break (letter, 0),
                Some(true) => {
                    let attached = word[self.getopts_at..].to_owned();
                    self.getopts_at = 0;
                    index += 1;
                    if !attached.is_empty() {
                        argument = Some(attached);
                    } else if let Some(next) = words.get(index - 1) {
                        argument = Some(next.clone());
                        index += 1;
                    } else if silent {
                        argument = Some(letter.to_string());
                        break (':', 0);
                    } else {
                        self.sys.eprint(&format!("No arg for -{letter} option\n")).await;
                        break ('?', 0);
                    }
                    break (letter, 0);
                }
            }
        };
        if words.get(index - 1).is_some_and(|word| self.getopts_at >= word.len()) {
            self.getopts_at = 0;
            index += 1;
        }
        self.vars.set("OPTIND", index.to_string()).ok();
        match argument {
            Some(value) => self.vars.set("OPTARG", value).ok(),
            None => self.vars.unset("OPTARG").ok(),
        };
        match self.vars.set(name, letter.to_string()) {
            Ok(()) => Ok(status),
            Err(message) => self.fatal(&message).await,
        }
    }
}
