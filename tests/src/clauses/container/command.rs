//! What is executed: entry point, command, and the image's defaults.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::equal;

const CITE: &str = "Docker manual, Dockerfile reference, Understand how CMD and ENTRYPOINT interact";
const BOTH: [&str; 2] = ["ENTRYPOINT [\"echo\",\"entry\"]", "CMD [\"default\"]"];

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-CMD-1", "Without a command the image's runs.", CITE, |w| {
        w.import_busybox("cmd:1", &["CMD [\"echo\",\"from the image\"]"])?;
        w.run_with(&[], |c| c.image = "cmd:1".to_owned())?.prints("from the image")?.done()
    }),
    Clause::docker("CTR-CMD-2", "A command replaces the image's.", CITE, |w| {
        w.import_busybox("cmd:1", &["CMD [\"echo\",\"from the image\"]"])?;
        w.run_with(&["echo", "mine"], |c| c.image = "cmd:1".to_owned())?.prints("mine")?.done()
    }),
    Clause::docker("CTR-CMD-3", "The image's entry point runs with the image's command as arguments, or with the user's.", CITE, |w| {
        w.import_busybox("entry:1", &BOTH)?;
        w.run_with(&[], |c| c.image = "entry:1".to_owned())?.prints("entry default")?;
        w.run_with(&["mine"], |c| c.image = "entry:1".to_owned())?.prints("entry mine")?.done()
    }),
    Clause::docker(
        "CTR-CMD-4",
        "The user's entry point replaces the image's, and the image's command falls away with it.",
        cite::RUN,
        |w| {
            w.import_busybox("entry:1", &BOTH)?;
            let of = |entry: &str| Some(vec![entry.to_owned()]);
            w.run_with(&[], |c| (c.image, c.entrypoint) = ("entry:1".to_owned(), of("echo")))?.prints("")?;
            w.run_with(&["a", "b"], |c| (c.image, c.entrypoint) = ("entry:1".to_owned(), of("echo")))?.prints("a b")?.done()
        },
    ),
    Clause::docker("CTR-CMD-5", "An empty entry point clears the image's.", cite::RUN, |w| {
        w.import_busybox("entry:1", &BOTH)?;
        w.run_with(&["echo", "plain"], |c| (c.image, c.entrypoint) = ("entry:1".to_owned(), Some(Vec::new())))?.prints("plain")?.done()
    }),
    Clause::docker(
        "CTR-CMD-6",
        "Arguments reach the program as they are, empty ones and ones with spaces, quotes and dollars too.",
        "execve(2)",
        |w| {
            let odd = ["a b", "", "'q'", "\"d\"", "$HOME", "*", "-n", "é\u{1F433}"];
            let mut args = vec!["sh", "-c", "for a in \"$@\"; do echo \"[$a]\"; done", "sh"];
            args.extend(odd);
            let wanted: Vec<String> = odd.iter().map(|a| format!("[{a}]")).collect();
            equal("arguments", w.run(&args)?.exits(0)?.lines(), wanted)
        },
    ),
    Clause::docker("CTR-CMD-7", "A command in the image without brackets runs in a shell.", CITE, |w| {
        w.import_busybox("shell:1", &["CMD echo $HOME"])?;
        w.run_with(&[], |c| c.image = "shell:1".to_owned())?.prints("/root")?.done()
    }),
];
