//! RUN: a program in a container over the layers so far.

use super::{BUILDKIT, NAME, REFERENCE, build, image, in_image, refused};
use crate::clause::Clause;
use crate::outcome::{contains, equal, holds, lacks};
use crate::residue;

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("BLD-RUN-1", "A line goes to the shell, and what it writes is in the image.", REFERENCE, |w| {
        in_image(w, "FROM busybox\nRUN echo a > /one && echo b >> /one\n", &[], "cat /one")?.exits(0)?.prints("a\nb")?.done()
    }),
    Clause::docker("BLD-RUN-2", "A list is executed without a shell: its variables stay as they are.", REFERENCE, |w| {
        equal("output", build(w, "FROM busybox\nENV A=1\nRUN [\"echo\", \"$A\"]\n", &[])?.heard.output().as_str(), "$A\n")
    }),
    Clause::law("BLD-RUN-3", "A program that fails stops the build with its exit code, and no image is made.", REFERENCE, |w| {
        let before = residue::observe(w)?;
        let error = refused(w, "FROM busybox\nRUN exit 3\nRUN echo never\n", &[])?;
        contains("message", &error.to_string(), "process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3")?;
        holds("there is no image", w.engine().image(NAME).is_err())?;
        residue::unchanged(w, &before)
    }),
    Clause::docker("BLD-RUN-4", "What a step removes is gone from the image, and stays in the layer below.", REFERENCE, |w| {
        let text = "FROM busybox\nRUN echo a > /one; mkdir /d; echo b > /d/two\nRUN rm -r /one /d\n";
        in_image(w, text, &[], "ls /one /d 2>&1 | wc -l")?.exits(0)?.prints("2")?.done()?;
        equal("layers", w.engine().image(NAME)?.diff_ids.len(), w.engine().image("busybox")?.diff_ids.len() + 2)
    }),
    Clause::law("BLD-RUN-5", "A here-document is the script, with the variables of its shell.", REFERENCE, |w| {
        let nested = "FROM busybox\nRUN << EOF\ncat << INNER > /f\none\nINNER\necho two >> /f\nEOF\n";
        in_image(w, nested, &[], "cat /f")?.exits(0)?.prints("one\ntwo")?.done()?;
        let text = "FROM busybox\nENV A=1\nRUN <<EOF\nb=2\necho $A$b > /f\necho done >> /f\nEOF\n";
        in_image(w, text, &[], "cat /f")?.exits(0)?.prints("12\ndone")?.done()
    })
    .needs(BUILDKIT),
    Clause::law("BLD-RUN-6", "A here-document can be the input of a command.", REFERENCE, |w| {
        let text = "FROM busybox\nRUN cat <<EOF > /f\nline 1\nline 2\nEOF\n";
        in_image(w, text, &[], "cat /f")?.exits(0)?.prints("line 1\nline 2")?.done()
    })
    .needs(BUILDKIT),
    Clause::law("BLD-RUN-7", "A here-document that names its interpreter is executed by that.", REFERENCE, |w| {
        let text = "FROM busybox\nRUN <<EOF\n#!/bin/sh -e\necho \"by $0\" > /f\nEOF\n";
        in_image(w, text, &[], "cat /f; ls /dev/pipes 2>&1 | wc -l")?.exits(0)?.prints("by /dev/pipes/EOF\n1")?.done()
    })
    .needs(BUILDKIT),
    Clause::law("BLD-RUN-8", "Without a network a step has loopback only.", REFERENCE, |w| {
        let trial = build(w, "FROM busybox\nRUN --network=none ls /sys/class/net | wc -l\n", &[])?;
        equal("links", trial.heard.output().trim(), "1")
    })
    .needs(BUILDKIT),
    Clause::law(
        "BLD-RUN-9",
        "A step has no more capabilities than a container, and the same filter of system calls (CVE-2024-23653).",
        "Docker manual, Docker security",
        |w| {
            let script = "grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp):' /proc/self/status";
            let inside = build(w, &format!("FROM busybox\nRUN {script}\n"), &[])?.heard.output();
            let outside = w.sh(script)?.exits(0)?.text();
            equal("status", inside.trim(), outside.trim())
        },
    ),
    Clause::law("BLD-RUN-10", "A step cannot ask for more than a container has.", REFERENCE, |w| {
        let error = refused(w, "FROM busybox\nRUN --security=insecure true\n", &[])?;
        contains("message", &error.to_string(), "--security=insecure is not allowed")
    })
    .needs(BUILDKIT),
    Clause::law("BLD-RUN-11", "A step that changes nothing adds a layer with nothing in it.", REFERENCE, |w| {
        let layers = image(w, "FROM busybox\nRUN true\n")?.diff_ids;
        equal("layer", layers.last().map(drydock_core::id::Digest::as_str), Some(drydock_core::image::changeset::EMPTY_LAYER))
    })
    .needs(BUILDKIT),
    Clause::law("BLD-RUN-12", "Nothing of a build's containers is seen, while it lasts or after.", "Drydock, build", |w| {
        let before = residue::observe(w)?;
        build(w, "FROM busybox\nRUN true\n", &[])?;
        equal("containers", w.engine().containers(true)?.len(), 0)?;
        w.clean()?;
        residue::unchanged(w, &before)
    }),
    Clause::law("BLD-RUN-13", "A program that is not there fails the step, and the message names it.", REFERENCE, |w| {
        let error = refused(w, "FROM busybox\nRUN [\"/no/such/program\"]\n", &[])?;
        contains("message", &error.to_string(), "/no/such/program")
    }),
    Clause::docker("BLD-RUN-14", "A continued line is one command; comments and empty lines in it are left out.", REFERENCE, |w| {
        let trial = build(w, "FROM busybox\nRUN echo one && \\\n# not two\n\n    echo three\n", &[])?;
        equal("output", trial.heard.output().as_str(), "one\nthree\n")
    }),
    Clause::law("BLD-RUN-15", "The host's files for names are not in the layer.", "Docker manual, build, exec", |w| {
        let text = "FROM busybox\nRUN cat /etc/hosts > /copy; hostname > /name\n";
        let ran = in_image(w, text, &[], "cat /name; grep -c build /etc/hosts")?;
        contains("name", &ran.text(), "build\n")?;
        lacks("hosts", &ran.text(), "build\n1")
    }),
];
