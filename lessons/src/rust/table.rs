//! The table of Rust labs: what each is judged by, what helps, and what to break.

use super::{Part, RustBreak, RustCheck, RustLab, layers, machine, process};

/// The Rust labs, in order.
pub const RUST_LABS: &[RustLab] = &[
    RustLab {
        id: "rust-machine",
        chapter: "C2",
        title: "Write your own host: the life-cycle machine",
        page: "write-your-own-host.md",
        minutes: 30,
        goal: "Write `next` in src/lab.rs: what each of fifteen events does to a container in each of seven states. It decides; others do. \
               When it is done, Drydock runs with your machine in the place of its own, and the suite does not notice.",
        after: "A life cycle that is a pure function can be asked everything: 105 questions, and no container was started for them. That is why \
                Drydock's own machine is one. Engines whose states are flags in a structure have been found in all the states between.",
        lab: include_str!("machine/lab.rs"),
        words: include_str!("machine/words.rs"),
        answer: machine::words::answer,
        replaces: Part::Machine,
        checks: &[
            RustCheck {
                id: "MACHINE-1",
                hints: &[
                    "Began, FailedToStart, Ended and EndedForNow are told by the kernel, not wished for by a person. Which of them can happen to a \
                     container in this state?",
                    "A program can end only if it runs, is frozen, or is about to be started again; one that failed to start was created or had \
                     ended. All else is Impossible.",
                ],
            },
            RustCheck {
                id: "MACHINE-2",
                hints: &[
                    "Whatever takes a container out of a state in which it had addresses and a control group gives them back: TidyUp.",
                ],
            },
            RustCheck { id: "MACHINE-3", hints: &["Stop is never refused: it signals what lives, and does Nothing where nothing lives."] },
            RustCheck {
                id: "MACHINE-4",
                hints: &[
                    "Created, exited, dead and removing containers have no process: NotRunning is the answer to Kill, Pause, Exec, Top and Attach.",
                ],
            },
            RustCheck {
                id: "MACHINE-5",
                hints: &["Running becomes Paused by Freeze, Paused becomes Running by Thaw, and nothing else is paused or unpaused."],
            },
            RustCheck {
                id: "MACHINE-6",
                hints: &[
                    "What lives is removed by force alone: KillFirst, then Delete, and the state is what it was until it is dead.",
                    "What does not live goes to Removing, and is deleted. From there it can only fail, and is Dead, and can be removed again.",
                ],
            },
            RustCheck { id: "MACHINE-7", hints: &["A state changes only along the arrows of the page. Look at the one that is named."] },
            RustCheck { id: "CTR-LIFE-7", hints: &["Stopping what has ended is granted by doing Nothing."] },
            RustCheck { id: "CTR-LIFE-8", hints: &["Remove of a Running container is Err(Running)."] },
            RustCheck { id: "CTR-LIFE-9", hints: &["RemoveByForce of a Running container is KillFirst, then Delete, in this order."] },
            RustCheck { id: "CTR-PAUSE-2", hints: &["Pause of Paused is AlreadyPaused, Unpause of anything else is NotPaused."] },
            RustCheck { id: "CTR-PAUSE-4", hints: &["Exec in a Paused container is Err(Paused): what it started could not run."] },
            RustCheck {
                id: "CTR-PAUSE-7",
                hints: &["A Paused container can be stopped: the signal waits until it is thawed, which a stop does."],
            },
            RustCheck { id: "CTR-EXEC-6", hints: &["Exec in what does not run is Err(NotRunning)."] },
            RustCheck { id: "CTR-TOP-9", hints: &["The processes of a Paused container can be listed: nothing has to run for that."] },
            RustCheck { id: "CTR-RESTART-11", hints: &["Exec, Top, Attach and Pause of a Restarting container are Err(Restarting)."] },
            RustCheck { id: "CTR-RESTART-12", hints: &["Remove of a Restarting container is Err(Restarting)."] },
        ],
        breaks: &[
            RustBreak {
                title: "an end is not tidied up after",
                from: "E::Ended) => Ok((S::Exited, &[A::TidyUp])),",
                to: "E::Ended) => Ok((S::Exited, &[])),",
                fails: &["MACHINE-2"],
            },
            RustBreak {
                title: "what has ended can end again",
                from: "(S::Running | S::Paused | S::Restarting, E::Ended) => Ok",
                to: "(S::Running | S::Paused | S::Restarting | S::Exited, E::Ended) => Ok",
                fails: &["MACHINE-1"],
            },
            RustBreak {
                title: "stopping what has ended is refused",
                from: "(_, E::Stop) => Ok((status, &[A::Nothing])),",
                to: "(_, E::Stop) => Err(R::NotRunning),",
                fails: &["MACHINE-3", "CTR-LIFE-7"],
            },
            RustBreak {
                title: "a frozen container can be entered",
                from: "(S::Paused, E::Exec | E::Attach) => Err(R::Paused),",
                to: "(S::Paused, E::Exec | E::Attach) => Ok((status, &[A::Enter])),",
                fails: &["CTR-PAUSE-4"],
            },
            RustBreak {
                title: "what does not run is entered",
                from: "E::Kill | E::Pause | E::Exec | E::Top | E::Attach) => Err(R::NotRunning),",
                to: "E::Kill | E::Pause | E::Exec | E::Top | E::Attach) => Ok((status, &[A::Enter])),",
                fails: &["MACHINE-4", "CTR-EXEC-6"],
            },
            RustBreak {
                title: "freezing twice is granted",
                from: "(S::Paused, E::Pause) => Err(R::AlreadyPaused),",
                to: "(S::Paused, E::Pause) => Ok((S::Paused, &[A::Freeze])),",
                fails: &["MACHINE-5", "CTR-PAUSE-2"],
            },
            RustBreak {
                title: "what runs is removed without being killed",
                from: "E::RemoveByForce) => Ok((status, &[A::KillFirst, A::Delete])),",
                to: "E::RemoveByForce) => Ok((S::Removing, &[A::Delete])),",
                fails: &["MACHINE-6", "MACHINE-7"],
            },
            RustBreak {
                title: "force is no reason",
                from: "(S::Running | S::Paused | S::Restarting, E::RemoveByForce) => Ok((status, &[A::KillFirst, A::Delete])),",
                to: "(S::Running | S::Paused | S::Restarting, E::RemoveByForce) => Err(R::Running),",
                fails: &["MACHINE-6", "CTR-LIFE-9"],
            },
            RustBreak {
                title: "nothing keeps a running container from being removed",
                from: "(S::Running, E::Remove) => Err(R::Running),",
                to: "(S::Running, E::Remove) => Ok((status, &[A::KillFirst, A::Delete])),",
                fails: &["MACHINE-6", "CTR-LIFE-8"],
            },
            RustBreak {
                title: "one that waits to be started again counts as one that runs",
                from: "(S::Restarting, E::Pause | E::Exec | E::Top | E::Attach) => Err(R::Restarting),",
                to: "(S::Restarting, E::Pause | E::Exec | E::Top | E::Attach) => Ok((status, &[A::Enter])),",
                fails: &["CTR-RESTART-11"],
            },
            RustBreak {
                title: "one that waits to be started again is removed",
                from: "(S::Restarting, E::Remove) => Err(R::Restarting),",
                to: "(S::Restarting, E::Remove) => Ok((status, &[A::KillFirst, A::Delete])),",
                fails: &["MACHINE-6", "CTR-RESTART-12"],
            },
            RustBreak {
                title: "a frozen container's processes are not listed, and it is not stopped",
                from: "(S::Running | S::Restarting | S::Paused, E::Stop | E::Kill) => Ok((status, &[A::Signal])),",
                to: "(S::Paused, E::Stop | E::Kill | E::Top) => Err(R::Paused),\n        (S::Running | S::Restarting, E::Stop | E::Kill) => Ok((status, &[A::Signal])),",
                fails: &["CTR-PAUSE-7", "CTR-TOP-9"],
            },
        ],
    },
    RustLab {
        id: "rust-process",
        chapter: "C3",
        title: "Write your own host: a process in namespaces",
        page: "write-your-own-host.md",
        minutes: 30,
        goal: "Write `process` in src/lab.rs: in which new namespaces the first process of a container is made, and which steps it takes before its \
               program. When it is done, Drydock makes its containers as you say, and the suite does not notice.",
        after: "There is no system call that makes a container. There are namespaces, mounts and a pivot, and an order in which they are a wall. \
                `drydock explain run busybox` prints Drydock's own steps as a script: yours are among them.",
        lab: include_str!("process/lab.rs"),
        words: include_str!("process/words.rs"),
        answer: process::words::answer,
        replaces: Part::Launch,
        checks: &[
            RustCheck {
                id: "CTR-ISO-1",
                hints: &[
                    "The program has another number than 1, or cannot say which. Is its pid namespace new? Does its root have a /proc and a shell?",
                    "Without a pivot its root is the host's. Namespace::Pid makes it number 1; Step::PivotRoot { root } makes wanted.root its root.",
                ],
            },
            RustCheck {
                id: "CTR-ISO-2",
                hints: &[
                    "It sees processes of the host, or none. /proc shows the pid namespace of whoever mounts it: Step::Mount of kind proc, at /proc.",
                ],
            },
            RustCheck { id: "CTR-ISO-3", hints: &["The namespace that is named is the host's. All kinds are in NAMESPACES."] },
            RustCheck {
                id: "CTR-ISO-5",
                hints: &["Somebody wanted to share namespaces with the host: they are in wanted.shared, and are not new."],
            },
            RustCheck { id: "CTR-ISO-7", hints: &["A path still leads to the host's files: only a pivot takes the old root away."] },
            RustCheck {
                id: "CTR-ISO-8",
                hints: &[
                    "Mounts of the container are seen on the host. A new mount namespace is a copy whose mounts are shared with the original: MakePrivate, first.",
                ],
            },
            RustCheck { id: "CTR-ISO-10", hints: &["It has not the name that was wanted: SetHostname, if wanted.hostname has one."] },
            RustCheck {
                id: "CTR-SEC-11",
                hints: &["What is to be hidden is seen: Step::Confine hides it at the container's own paths, so it comes after the pivot."],
            },
        ],
        breaks: &[
            RustBreak {
                title: "its process numbers are the host's",
                from: "filter(|kind| !wanted.shared.contains(kind))",
                to: "filter(|kind| *kind != super::words::Namespace::Pid && !wanted.shared.contains(kind))",
                fails: &["CTR-ISO-1", "CTR-ISO-3"],
            },
            RustBreak {
                title: "nobody can share a namespace",
                from: "filter(|kind| !wanted.shared.contains(kind))",
                to: "filter(|_| true)",
                fails: &["CTR-ISO-5"],
            },
            RustBreak { title: "the host sees its mounts", from: "        Step::MakePrivate,\n", to: "", fails: &["CTR-ISO-8"] },
            RustBreak {
                title: "it has no /proc",
                from: "        Step::Mount { kind: \"proc\".to_string(), target: \"/proc\".to_string() },\n",
                to: "",
                fails: &["CTR-ISO-2"],
            },
            RustBreak {
                title: "its root is the host's",
                from: "        Step::PivotRoot { root: wanted.root.clone() },\n",
                to: "",
                fails: &["CTR-ISO-7"],
            },
            RustBreak {
                title: "it has the host's name",
                from: "        steps.push(Step::SetHostname { name: name.clone() });\n",
                to: "        let _ = name;\n",
                fails: &["CTR-ISO-10"],
            },
            RustBreak { title: "nothing is hidden", from: "    steps.push(Step::Confine);\n", to: "", fails: &["CTR-SEC-11"] },
        ],
    },
    RustLab {
        id: "rust-layers",
        chapter: "C6",
        title: "Write your own host: a root from layers",
        page: "write-your-own-host.md",
        minutes: 40,
        goal: "Write `apply` and `clean` in src/lab.rs: what a stack of layers shows when it is one root file system. When it is done, the roots of \
               Drydock's containers are made by your code, without overlayfs, and the suite does not notice.",
        after: "You have written what overlayfs does when it mounts layers, and what engines do on file systems that cannot: they copy. Yours \
                decides once for every path; overlayfs decides when a path is looked at, which is why a container starts in a moment.",
        lab: include_str!("layers/lab.rs"),
        words: include_str!("layers/words.rs"),
        answer: layers::words::answer,
        replaces: Part::Layers,
        checks: &[
            RustCheck {
                id: "IMG-LAYER-17",
                hints: &[
                    "`m/`, `./m` and `/m` are one path, and stand in a root as `m`: that is what `clean` is for.",
                    "A directory that two layers have is one directory, with the entries of both.",
                ],
            },
            RustCheck {
                id: "IMG-LAYER-13",
                hints: &["Directories that the archive leaves out need no entry of yours: the judge makes them."],
            },
            RustCheck {
                id: "IMG-LAYER-5",
                hints: &[".wh.a is no file: it says that `a` of the layers below is not seen, with all that is below it."],
            },
            RustCheck {
                id: "IMG-LAYER-6",
                hints: &[
                    "The name OPAQUE hides all that the layers below have in that directory, and nothing of its own layer: hide first, then add.",
                ],
            },
            RustCheck {
                id: "IMG-LAYER-7",
                hints: &["Where a file takes the place of a directory, everything that was below it goes with it."],
            },
            RustCheck { id: "IMG-LAYER-8", hints: &["A whiteout of what is not there is no error, and is not seen."] },
            RustCheck {
                id: "IMG-LAYER-9",
                hints: &[
                    "A layer above can have again what a whiteout took away: layers are applied one after the other, the lowest first.",
                ],
            },
            RustCheck { id: "IMG-LAYER-10", hints: &["Several names of one file are entries like others: each by its own number."] },
            RustCheck {
                id: "IMG-LAYER-11",
                hints: &["Symbolic links are kept as they are. Nobody follows them while layers are stacked."],
            },
        ],
        breaks: &[
            RustBreak {
                title: "whiteouts hide nothing",
                from: "            remove(root, &join(folder, hidden));\n",
                to: "            let _ = (hidden, join(folder, hidden));\n",
                fails: &["IMG-LAYER-5"],
            },
            RustBreak {
                title: "opaque directories are not",
                from: "            remove_below(root, folder);\n",
                to: "            let _ = folder;\n",
                fails: &["IMG-LAYER-6"],
            },
            RustBreak {
                title: "whiteouts are files",
                from: "is_some_and(|name| name.starts_with(WHITEOUT))",
                to: "is_some_and(|_| false)",
                fails: &["IMG-LAYER-8"],
            },
            RustBreak {
                title: "only the top layer is seen",
                from: "        apply(&mut root, layer);\n",
                to: "        root.clear();\n        apply(&mut root, layer);\n",
                fails: &["IMG-LAYER-17", "IMG-LAYER-13", "IMG-LAYER-9", "IMG-LAYER-10"],
            },
            RustBreak {
                title: "what was in a directory stays when a file takes its place",
                from: "        if !both {\n            remove(root, &path);\n",
                to: "        if !both {\n",
                fails: &["IMG-LAYER-7"],
            },
            RustBreak {
                title: "symbolic links are left out",
                from: "        root.insert(path, entry.clone());",
                to: "        if entry.kind != Kind::Link {\n            root.insert(path, entry.clone());\n        }",
                fails: &["IMG-LAYER-11"],
            },
            RustBreak {
                title: "a path is taken as the archive has it",
                from: "            \"\" | \".\" => {}\n",
                to: "",
                fails: &["IMG-LAYER-17"],
            },
        ],
    },
];
