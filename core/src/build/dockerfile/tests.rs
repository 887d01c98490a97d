//! What Dockerfiles say, and how mistakes in them are shown.

use super::*;
use proptest::prelude::*;

fn of(text: &str) -> Dockerfile {
    parse("Dockerfile", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

fn wrong(text: &str) -> String {
    match parse("Dockerfile", text.as_bytes()) {
        Ok(file) => panic!("it was read: {:?}", file.instructions),
        Err(e) => e.to_string(),
    }
}

#[test]
fn mistakes_are_quoted_with_their_place_and_what_to_write() {
    let texts = [
        "This my first jenkins Dockerfile\nVersion 1.0\nFROM debian\n",
        "FORM debian\n",
        "FROM debian\nRUN\n",
        "FROM debian AS 1st\n",
        "FROM debian # the base\n",
        "FROM\n",
        "RUN true\n",
        "ARG A=1\n",
        "",
        "# nothing\n\n",
        "FROM debian\nCOPY --chwon=1 a /b\n",
        "FROM debian\nCOPY --chown a /b\n",
        "FROM debian\nCOPY --from=a --from=b a /b\n",
        "FROM debian\nCOPY a\n",
        "FROM debian\nCOPY <<EOF /f\nline\n",
        "FROM debian\nENV A\n",
        "FROM debian\nENV A=1 B\n",
        "FROM debian\nENV =1\n",
        "FROM debian\nRUN apt-get update && \\\n    # a comment\n    apt-get install -y nginx\nWORKDIR\n",
        "FROM debian\nSHELL /bin/bash -c\n",
        "FROM debian\nONBUILD ONBUILD RUN true\n",
        "FROM debian\nONBUILD FROM x\n",
        "FROM debian\nONBUILD RNU x\n",
        "FROM debian\nHEALTHCHECK --interval=5 CMD true\n",
        "FROM debian\nHEALTHCHECK curl localhost\n",
        "FROM debian\nHEALTHCHECK CMD\n",
        "FROM debian\nHEALTHCHECK NONE true\n",
        "# escape=x\nFROM a\n",
        "FROM debian\nRUN --network none true\n",
        "FROM debian\nRUN \\\n  --mont=type=cache,target=/x \\\n  true\n",
        "FROM a\nEXPOSE\n",
        "FROM a\nVOLUME []\n",
        "FROM debian\nADD --link=maybe a /b\n",
    ];
    let shown: Vec<String> = texts.iter().map(|t| format!("{}\n=====\n", wrong(t))).collect();
    insta::assert_snapshot!(shown.concat());
}

#[test]
fn every_instruction_with_places() {
    let file = of("# syntax=docker/dockerfile:1\nARG V=12\nFROM --platform=$BUILDPLATFORM debian:$V AS base\n\
        LABEL a=b \"c d\"='e f'\nMAINTAINER A. Person <a@b>\nENV A=1 B=\"two words\" C=a\\ b\nENV OLD the rest of it\n\
        RUN --mount=type=cache,target=/c --network=none echo hi\nRUN [\"a\", \"b\"]\n\
        COPY --from=base --chown=1:2 --link a b /d/\nADD [\"x y\", \"/z\"]\nCOPY <<EOF <<-\"RAW\" /d/\nhello $A\nEOF\n\tx\n\tRAW\n\
        EXPOSE 80 53/udp\nVOLUME /data /logs\nUSER app:grp\nWORKDIR /app\nCMD [\"run\"]\nENTRYPOINT start it\n\
        STOPSIGNAL SIGQUIT\nHEALTHCHECK --interval=30s --retries=3 CMD curl -f http://localhost\nSHELL [\"/bin/bash\", \"-c\"]\n\
        ONBUILD RUN make\nRUN <<EOF\nset -e\necho \\\nEOF\n");
    insta::assert_debug_snapshot!(file.instructions.iter().map(|i| (&i.kind, i.span)).collect::<Vec<_>>());
}

#[test]
fn lines_by_the_rules_of_the_reference() {
    let texts = |text: &str| of(text).instructions.iter().map(|i| i.text.clone()).collect::<Vec<_>>();
    // Continued, with a comment and an empty line between.
    assert_eq!(texts("FROM a\nRUN one \\\n# no\n\n  && two\n"), ["FROM a", "RUN one   && two"]);
    // Blanks after the continuation character, and two of them, which are none.
    assert_eq!(texts("FROM a\nRUN one \\  \ntwo\nRUN x\\\\\nCMD y"), ["FROM a", "RUN one two", "RUN x\\\\", "CMD y"]);
    // CRLF, a mark, no line end at the end, blanks before.
    assert_eq!(texts("\u{feff}FROM a\r\n  RUN b \\\r\n c\r\n\tCMD d"), ["FROM a", "RUN b  c", "CMD d"]);
    // The other escape character.
    assert_eq!(texts("# escape=`\nFROM a\nRUN b `\n c\\\nCMD d"), ["FROM a", "RUN b  c\\", "CMD d"]);
    // A continuation at the very end.
    assert_eq!(texts("FROM a\nRUN b \\\n"), ["FROM a", "RUN b"]);
    // A number sign in the middle is no comment.
    assert_eq!(texts("FROM a\nRUN b # c\n"), ["FROM a", "RUN b # c"]);
    assert_eq!(texts("from a\nrun b"), ["from a", "run b"]);
}

#[test]
fn here_documents_are_kept_byte_by_byte() {
    let file = of("FROM a\nRUN <<-'E' cat && true\n\t\tone $x\n\n# two\n\tE\nRUN after\n");
    let Kind::Run(run) = &file.instructions[1].kind else { panic!() };
    assert_eq!((run.heredocs[0].content.as_str(), run.heredocs[0].expand), ("one $x\n\n# two\n", false));
    assert_eq!(file.instructions[1].lines, (2, 6));
    assert_eq!(file.instructions[2].text, "RUN after");
}

#[test]
fn here_documents_in_here_documents_are_text() {
    // What the shell makes of it is the shell's: only the line that is the outer name ends it.
    let file = of("FROM a\nRUN <<OUTER\ncat <<INNER >/f\nOUTER2\nINNER\nOUTER\nRUN after\n");
    let Kind::Run(run) = &file.instructions[1].kind else { panic!() };
    assert_eq!(run.heredocs.len(), 1);
    assert_eq!(run.heredocs[0].content, "cat <<INNER >/f\nOUTER2\nINNER\n");
    assert_eq!((file.instructions.len(), file.instructions[2].lines), (3, (7, 7)));
    // Two of a line come one after the other, and the name of the second in the first is text.
    let file = of("FROM a\nCOPY <<X <<Y /d/\nY\nX\nX\nY\n");
    let Kind::Copy(copy) = &file.instructions[1].kind else { panic!() };
    let read: Vec<_> = copy.heredocs.iter().map(|h| (h.name.as_str(), h.content.as_str(), h.lines)).collect();
    assert_eq!(read, [("X", "Y\n", (3, 4)), ("Y", "X\n", (5, 6))]);
}

#[test]
fn here_documents_as_they_are_written_in_the_wild() {
    let copied = |text: &str| {
        let file = of(&format!("FROM a\n{text}"));
        let Kind::Copy(copy) = &file.instructions[1].kind else { panic!() };
        let docs: Vec<_> = copy.heredocs.iter().map(|h| (h.name.clone(), h.content.clone(), h.expand)).collect();
        (docs, copy.sources.iter().map(|s| s.text.clone()).collect::<Vec<_>>(), copy.dest.text.clone())
    };
    let doc = |name: &str, content: &str, expand| (name.to_owned(), content.to_owned(), expand);
    let none: Vec<String> = Vec::new();
    // Blanks before the name; a file beside it; quotes; comments, empty lines, continuation characters and instructions are text.
    assert_eq!(copied("COPY << EOF /f\na\nEOF\n"), (vec![doc("EOF", "a\n", true)], none.clone(), "/f".to_owned()));
    assert_eq!(
        copied("COPY one << 'E' two /d/\nE\n"),
        (vec![doc("E", "", false)], vec!["one".to_owned(), "two".to_owned()], "/d/".to_owned())
    );
    assert_eq!(
        copied("COPY <<EOF /f\n# no comment\n\nRUN \\\nFROM x\n EOF\nEOF\n").0,
        [doc("EOF", "# no comment\n\nRUN \\\nFROM x\n EOF\n", true)]
    );
    assert_eq!(copied("ADD --chown=1 <<file.txt /d/\r\nx\r\nfile.txt\r\n").0, [doc("file.txt", "x\n", true)]);
    // No here-documents: in a list, in quotes, for an instruction that takes none.
    for text in ["RUN [\"<<EOF\"]", "RUN \"<<EOF\"", "RUN a<<EOF", "ENV A=<<EOF", "USER <<EOF", "CMD cat <<EOF", "LABEL a=1 b=<<EOF"] {
        assert_eq!(of(&format!("FROM a\n{text}\nRUN after\n")).instructions.len(), 3, "{text}");
    }
    // A trigger's are the trigger's.
    let file = of("FROM a\nONBUILD COPY <<E /f\nx\nE\nRUN after\n");
    assert_eq!(file.instructions.len(), 3);
    for text in ["RUN <<EOF\nx\n", "COPY <<A <<B /d/\nA\nb\n", "RUN <<EOF\nEOF2\n", "COPY <<EOF /f\n\tEOF\n"] {
        assert!(wrong(&format!("FROM a\n{text}")).contains("unterminated heredoc"), "{text}");
    }
}

#[test]
fn a_place_in_a_continued_line_is_that_of_its_own_line() {
    let file = of("FROM a\nENV A=1 \\\n    Bä=2 \\\n    C=3\n");
    let Kind::Env(pairs) = &file.instructions[1].kind else { panic!() };
    let places: Vec<_> = pairs.iter().map(|p| (p.name.span.start.line, p.name.span.start.column)).collect();
    assert_eq!(places, [(2, 5), (3, 5), (4, 5)]);
    assert_eq!(pairs[1].value.as_ref().unwrap().span.start, Position { line: 3, column: 8 });
}

#[test]
fn what_comes_after_a_list_is_remembered() {
    let file = of("FROM a\nENTRYPOINT [\"catalina.sh\",\"run\"]  #run it\nCMD ['x']\n");
    assert_eq!(file.instructions[1].trailing.unwrap().start, Position { line: 2, column: 35 });
    assert!(file.instructions[2].broken_list);
}

#[test]
fn large_files_are_read_in_time() {
    let many = format!("FROM a\n{}", "ENV A=1\n".repeat(100_000));
    assert_eq!(of(&many).instructions.len(), 100_001);
    let long = format!("FROM a\nRUN {}", "x".repeat(10 << 20));
    assert_eq!(of(&long).instructions.len(), 2);
    let continued = format!("FROM a\nRUN true {}", "\\\n && true ".repeat(50_000));
    assert_eq!(of(&continued).instructions.len(), 2);
}

proptest! {
    #[test]
    fn no_text_panics(text in "(FROM a\n)?([A-Z]{2,7}|RUN|COPY|ENV|ONBUILD|#| |--[a-z]+=|<<-?E|\\[\"|\\\\|\n|\"|'|\\$|=|ä|\t|\r){0,30}") {
        let _ = parse("D", text.as_bytes());
    }

    #[test]
    fn every_place_is_in_the_text(text in "FROM a\n((RUN|ENV|COPY) [a-z=\" ä]{1,8}(\\\\\n)?[a-z=]{0,5}\n){0,6}") {
        if let Ok(file) = parse("D", text.as_bytes()) {
            for instruction in &file.instructions {
                let Span { start, end } = instruction.span;
                prop_assert!(start.line >= 1 && start <= end);
                prop_assert!(end.column as usize <= file.source.line(end.line).chars().count() + 1);
            }
        }
    }
}
