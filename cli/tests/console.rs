//! The shell of a simulated host with Drydock in it: lines as a person types them.

use drydock::history::Entry;
use drydock::world::{Console, Memory, World};

struct Terminal {
    world: World,
    console: Console,
    memory: Memory,
    entries: Vec<Entry>,
}

impl Terminal {
    fn new() -> Self {
        let world = World::new(1).expect("a world");
        Self { world, console: Console::default(), memory: Memory::default(), entries: Vec::new() }
    }

    /// Types a line: exit code, output, messages.
    fn types(&mut self, line: &str) -> (i32, String, String) {
        let entries = &mut self.entries;
        let code = self.console.run(&self.world, line, &mut self.memory, &mut |entry| entries.push(entry));
        (code, self.memory.out.take(), self.memory.err.take())
    }

    fn says(&mut self, line: &str) -> String {
        let (code, out, err) = self.types(line);
        assert_eq!((code, err.as_str()), (0, ""), "{line}");
        out
    }
}

#[test]
fn drydock_and_programs_of_the_host_go_together() {
    let mut terminal = Terminal::new();
    assert_eq!(terminal.says("echo a; echo b | tr b c"), "a\nc\n");
    terminal.says("id=$(drydock run -d --name web busybox sleep 1000)");
    assert_eq!(terminal.says("drydock ps -q --no-trunc | wc -l"), "1\n");
    assert_eq!(terminal.says("drydock inspect -f '{{.Name}}' $id"), "/web\n");
    assert_eq!(terminal.says("echo hello | docker run --rm -i busybox cat"), "hello\n");
    assert_eq!(terminal.says("for i in 1 2; do echo $i; done"), "1\n2\n");
    assert_eq!(terminal.says("mkdir /work-here && cd /work-here"), "");
    assert_eq!(terminal.says("cd /work-here"), "");
    assert_eq!(terminal.says("pwd; drydock ps --format '{{.Names}}' > names; cat names"), "/work-here\nweb\n");
    assert_eq!(terminal.says("drydock ps -q >/dev/null && echo \"one: $(drydock ps --format '{{.Names}}')\""), "one: web\n");
    assert_eq!(terminal.says("kill -9 $(drydock inspect -f '{{.State.Pid}}' web); drydock wait web"), "137\n");
    assert_eq!(terminal.says("drydock ps -q | cat; drydock rm $(drydock ps -aq) >/dev/null"), "");
}

#[test]
fn what_fails_says_so_and_stops_what_depends_on_it() {
    let mut terminal = Terminal::new();
    let (code, out, err) = terminal.types("drydock rm nothing && echo removed");
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", "Error response from daemon: No such container: nothing\n"));
    assert_eq!(terminal.types("drydock rm nothing 2>/dev/null || echo none"), (0, "none\n".to_owned(), String::new()));
    assert_eq!(terminal.types("drydock rm nothing 2>&1 | wc -l").1, "1\n");
    let (code, _, err) = terminal.types("for i in 1 2; do drydock ps; done");
    assert_eq!(code, 3);
    assert!(err.starts_with("drydock: not modelled: drydock after 'do'"), "{err}");
    assert_eq!(terminal.types("echo 'open").0, 2);
    assert_eq!(terminal.types("nothing-of-the-kind").0, 127);
    assert_eq!(terminal.types("drydock run --rm busybox sh -c 'exit 7'").0, 7);
}

#[test]
fn options_before_the_command_are_known() {
    let mut terminal = Terminal::new();
    let help = terminal.says("drydock --help");
    assert!(help.contains("Usage:") && help.contains("run "), "{help}");
    assert!(terminal.says("docker --version").starts_with("Drydock version "));
    let (code, _, err) = terminal.types("drydock -H unix:///elsewhere ps");
    assert!(code == 3 && err.contains("not modelled"), "{code}: {err}");
    assert_eq!(terminal.entries.len(), 0);
}

#[test]
fn what_was_typed_can_be_done_again() {
    let mut terminal = Terminal::new();
    for line in [
        "name=web",
        "drydock run -d --name $name busybox sleep 1000",
        "echo text | drydock exec -i web sh -c 'cat >/note'",
        "drydock exec web cat /note > /note; cat /note",
        "kill -9 $(drydock inspect -f '{{.State.Pid}}' web)",
        "drydock ps -a",
    ] {
        terminal.says(line);
    }
    let again = World::new(1).expect("a world");
    for entry in &terminal.entries {
        again.replay(entry);
    }
    let web = |world: &World| world.engine().container("web").expect("there");
    assert_eq!(web(&again), web(&terminal.world));
    assert_eq!(again.host().run(&["cat", "/note"]).text(), "text\n");
    assert_eq!(again.engine().observe().expect("seen"), terminal.world.engine().observe().expect("seen"));
}
