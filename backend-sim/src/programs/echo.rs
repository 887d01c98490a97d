//! `echo`

use super::cmd::{Cmd, Exit};
use super::escape::{Octal, unescape};

/// What `echo` prints for its arguments: `-n`, `-e`, `-E` count as long as only such letters stand in a word.
pub fn format(args: &[String]) -> Vec<u8> {
    let (mut newline, mut escapes) = (true, false);
    let mut rest = args;
    while let Some((first, others)) = rest.split_first() {
        let Some(letters) = first.strip_prefix('-').filter(|l| !l.is_empty() && l.chars().all(|c| "neE".contains(c))) else { break };
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                letter => escapes = letter == 'e',
            }
        }
        rest = others;
    }
    let text = rest.join(" ");
    let (mut out, cut) = if escapes { unescape(&text, Octal::Zero) } else { (text.into_bytes(), false) };
    if newline && !cut {
        out.push(b'\n');
    }
    out
}

/// `echo [-neE] [text…]`
pub async fn echo(cmd: &mut Cmd) -> Exit {
    let bytes = format(&cmd.args);
    cmd.write(&bytes).await?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_known_letters_are_options() {
        let run = |args: &[&str]| String::from_utf8(format(&args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())).expect("text");
        assert_eq!(run(&["a", "b"]), "a b\n");
        assert_eq!(run(&["-n", "a"]), "a");
        assert_eq!(run(&["-ne", r"a\tb"]), "a\tb");
        assert_eq!(run(&["-x", "a"]), "-x a\n");
        assert_eq!(run(&["-e", r"a\cb", "c"]), "a");
        assert_eq!(run(&[r"a\n"]), "a\\n\n");
        assert_eq!(run(&["-"]), "-\n");
    }
}
