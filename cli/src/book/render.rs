//! A block that was run, as a part of a page: whole without a script, and what a script needs to begin where it ends.

use super::chapter::{Chapter, Ran};
use crate::words::Language;
use crate::world::drawing::escape::escape;
use crate::world::page::Said;
use serde_json::json;
use std::fmt::Write as _;

/// What stands above a chapter: the way to the same one in the other language, and the words that the page's script says.
pub fn head(path: &str, language: Language, has_other: bool) -> String {
    let mut html = String::new();
    let name = text(path.trim_end_matches(".md"));
    if has_other {
        let (other, up) = match language {
            Language::English => (Language::Chinese, "zh/"),
            Language::Chinese => (Language::English, "../"),
        };
        let (tag, said) = (other.tag(), other.name());
        let _ = write!(html, "<nav class=\"dd-languages\"><a href=\"{up}{name}.html\" hreflang=\"{tag}\" lang=\"{tag}\">{said}</a></nav>");
    }
    if let Some(words) = language.page() {
        let words = json!(words).to_string().replace("</", "<\\/");
        let _ = write!(html, "<script type=\"application/json\" class=\"drydock-words\">{words}</script>");
    }
    html
}

/// The HTML of a block. `page` is the chapter's name, `drawing` what stands below the transcript, if anything does.
///
/// It has no empty line: in Markdown an empty line ends HTML.
pub fn html(page: &str, chapter: &Chapter, ran: &Ran, drawing: Option<&str>, language: Language) -> String {
    let id = format!("{page}-{}", ran.number + 1);
    let mut html = format!("<section class=\"drydock-block\" data-block=\"{}\">", text(&id));
    let _ = write!(html, "<script type=\"application/json\" class=\"drydock-data\">{}</script>", data(chapter, ran));
    html.push_str("<pre class=\"drydock-transcript\" role=\"log\" tabindex=\"0\">");
    html.push_str(&transcript(ran));
    html.push_str("</pre>");
    if !ran.checks.is_empty() {
        html.push_str("<ul class=\"drydock-checks\">");
        for (after, words, _) in &ran.checks {
            // What is so in the middle of a block need not be so at its end.
            let line = after.checked_sub(1).filter(|_| *after < ran.typed.len()).and_then(|at| ran.typed.get(at));
            let after =
                line.map(|(line, _)| language.page().map_or_else(|| format!("after {line}"), |words| said(words, "after {}", line)));
            let after = after.map(|after| format!(" <span class=\"dd-found\">({})</span>", text(&after))).unwrap_or_default();
            let _ = write!(html, "<li>{}{after}</li>", text(words));
        }
        html.push_str("</ul>");
    }
    if let Some(drawing) = drawing {
        let _ = write!(html, "<figure class=\"drydock-drawing\">{}</figure>", one_line(drawing));
    }
    html.push_str("</section>");
    html
}

/// Words of the script's catalogue with one thing in them.
fn said(words: &serde_json::Map<String, serde_json::Value>, english: &str, part: &str) -> String {
    words.get(english).and_then(serde_json::Value::as_str).unwrap_or(english).replace("{1}", part)
}

/// What a script is given: the world's beginning, what was typed before, and what is typed here.
fn data(chapter: &Chapter, ran: &Ran) -> String {
    let line = |(line, said): &(String, Said)| {
        let mut data = json!({ "line": line, "out": said.out, "err": said.err, "code": said.code });
        // That it changed nothing is all that is asked of it later.
        if let (true, Some(data)) = (said.changed.is_empty(), data.as_object_mut()) {
            data.insert("changed".to_owned(), json!([]));
        }
        data
    };
    let lines: Vec<_> = ran.typed.iter().map(line).collect();
    let checks: Vec<_> = ran.checks.iter().map(|(after, words, _)| json!({ "words": words, "after": after })).collect();
    let mut data = json!({ "seed": chapter.seed, "setup": ran.setup, "lines": lines, "checks": checks });
    if let (false, Some(data)) = (chapter.files.is_empty(), data.as_object_mut()) {
        data.insert("files".to_owned(), json!(chapter.files));
    }
    // A script element ends at the first `</`, whatever stands around it.
    data.to_string().replace("</", "<\\/").replace("<!--", "<\\u0021--")
}

fn transcript(ran: &Ran) -> String {
    let mut html = String::new();
    for (line, said) in &ran.typed {
        let _ = writeln!(html, "<span class=\"drydock-prompt\">$ </span><kbd>{}</kbd>", text(line));
        html.push_str(&text(&said.out));
        if !said.err.is_empty() {
            let _ = write!(html, "<span class=\"drydock-error\">{}</span>", text(&said.err));
        }
        if !html.ends_with('\n') && !html.ends_with("\n</span>") {
            html.push('\n');
        }
        if said.code != 0 {
            let _ = writeln!(html, "<span class=\"drydock-code\">[{}]</span>", said.code);
        }
    }
    one_line(&html)
}

/// Text as HTML.
pub fn text(text: &str) -> String {
    // A carriage return would be lost on the way.
    let mut html = String::with_capacity(text.len());
    text.chars().filter(|&c| c != '\r').for_each(|c| escape(c, &mut html));
    html
}

/// Line ends as references, so that Markdown sees none.
fn one_line(html: &str) -> String {
    html.replace('\n', "&#10;")
}

#[cfg(test)]
mod tests {
    use super::super::block::blocks;
    use super::super::{chapter, files::Files};
    use super::*;

    fn rendered(text: &str) -> String {
        let chapter = chapter::run(&blocks(text).expect("blocks"), &Files::new(), &mut |_, _| Ok(())).expect("run");
        html("page", &chapter, &chapter.blocks[0], Some("<svg>\n</svg>"), Language::English)
    }

    #[test]
    fn a_block_is_one_line_with_transcript_data_checks_and_drawing() {
        let html = rendered("```console\n$ echo '<b> & \"\"'; echo; echo end\n$ ls /nothing\n[1]\n= containers 0\n```\n");
        assert!(!html.contains('\n'), "{html}");
        assert!(html.starts_with("<section class=\"drydock-block\" data-block=\"page-1\"><script type=\"application/json\""), "{html}");
        assert!(html.contains("&lt;b&gt; &amp; &quot;&quot;&#10;&#10;end&#10;<span"), "{html}");
        assert!(html.contains("<span class=\"drydock-code\">[1]</span>&#10;</pre>"), "{html}");
        assert!(html.contains("<ul class=\"drydock-checks\"><li>containers 0</li></ul>"), "{html}");
        assert!(html.ends_with("<figure class=\"drydock-drawing\"><svg>&#10;</svg></figure></section>"), "{html}");
    }

    #[test]
    fn a_check_in_the_middle_says_after_what() {
        let text = "```console\n$ drydock create --name a busybox\n= containers 1\n$ drydock rm a\n= containers 0\n```\n";
        let html = rendered(text);
        assert!(html.contains("<li>containers 1 <span class=\"dd-found\">(after drydock create --name a busybox)</span></li>"), "{html}");
        assert!(html.contains("<li>containers 0</li>") && html.contains(r#"{"words":"containers 1","after":1}"#), "{html}");
    }

    #[test]
    fn what_a_command_prints_does_not_end_the_script() {
        let html = rendered("```console\n$ echo '</script><!--'\n```\n");
        let data = html.split("drydock-data\">").nth(1).and_then(|rest| rest.split("</script>").next()).expect("data");
        let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(data["lines"][0]["out"], "</script><!--\n");
        assert_eq!((&data["seed"], &data["setup"]), (&json!(1), &json!([])));
    }
}
