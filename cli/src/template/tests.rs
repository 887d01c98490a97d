//! Templates against what Go's text/template and Docker's functions make of them.

use super::{Template, no_methods};
use proptest::prelude::*;
use serde_json::{Value, json};

fn data() -> Value {
    json!({
        "Id": "abc",
        "Names": ["web", "db"],
        "Count": 3,
        "On": true,
        "Off": false,
        "Empty": "",
        "None": [],
        "State": { "Pid": 42, "Status": "running" },
        "Labels": { "tier": "front", "a.b": "dotted" },
        "Ports": { "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "8080" }] },
        "Nothing": null,
    })
}

fn fill(template: &str) -> String {
    match Template::parse(template).and_then(|t| t.execute(&data(), &no_methods)) {
        Ok(text) => text,
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn a_table_of_templates() {
    let table = [
        ("plain text", "plain text"),
        ("{{.Id}}", "abc"),
        ("{{ .State.Pid }}", "42"),
        ("{{.State}}", "{42 running}"),
        ("{{.Labels}}", "map[a.b:dotted tier:front]"),
        ("{{.Names}}", "[web db]"),
        ("{{.Labels.tier}}", "front"),
        ("{{.Labels.nope}}", "<no value>"),
        ("{{index .Labels \"a.b\"}}", "dotted"),
        ("{{index .Names 1}}", "db"),
        ("{{(index .Names 0)}}", "web"),
        ("{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080"),
        ("{{range .Names}}<{{.}}>{{end}}", "<web><db>"),
        ("{{range $i, $n := .Names}}{{$i}}={{$n}} {{end}}", "0=web 1=db "),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a.b=dotted;tier=front;"),
        ("{{range .None}}x{{else}}none{{end}}", "none"),
        ("{{range .Names}}{{.}}{{break}}{{end}}", "web"),
        ("{{range .Names}}{{if eq . \"web\"}}{{continue}}{{end}}{{.}}{{end}}", "db"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{if .On}}yes{{else}}no{{end}}", "yes"),
        ("{{if .Off}}yes{{else if .On}}else{{end}}", "else"),
        ("{{if .Empty}}yes{{else}}no{{end}}", "no"),
        ("{{with .State}}{{.Status}}{{end}}", "running"),
        ("{{with .None}}x{{else with .State}}{{.Pid}}{{end}}", "42"),
        ("{{with $x := .Id}}{{$x}}{{end}}", "abc"),
        ("{{$x := .Id}}{{range .Names}}{{$x}}{{$.Count}}{{end}}", "abc3abc3"),
        ("{{$x := 1}}{{range .Names}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{json .Names}}", "[\"web\",\"db\"]"),
        ("{{json .State}}", "{\"Pid\":42,\"Status\":\"running\"}"),
        ("{{.State | json}}", "{\"Pid\":42,\"Status\":\"running\"}"),
        ("{{join .Names \",\"}}", "web,db"),
        ("{{upper .Id}} {{lower \"ABC\"}} {{title \"a bc\"}}", "ABC abc A Bc"),
        ("{{.Id | upper | printf \"%s-%d\" \"x\" }}", "x-%!d(string=ABC)"),
        ("{{printf \"%-5s|%5s|%05d|%q|%x\" .Id .Id .Count .Id 255}}", "abc  |  abc|00003|\"abc\"|ff"),
        ("{{print 1 2 \"a\" \"b\" 3}}", "1 2ab3"),
        ("{{println .Id .Count}}", "abc 3\n"),
        ("{{split \"a:b\" \":\"}}", "[a b]"),
        ("{{truncate .Id 2}}{{pad .Id 1 2}}|", "ab abc  |"),
        ("{{len .Names}} {{len .Id}}", "2 3"),
        ("{{slice .Id 1 2}}", "b"),
        ("{{eq .Id \"x\" \"abc\"}} {{ne 1 2}} {{lt 1 2}} {{ge \"b\" \"a\"}}", "true true true true"),
        ("{{and .On .Id}} {{or .Empty .Id}} {{not .On}}", "abc abc false"),
        ("{{if and .On (not .Off)}}ok{{end}}", "ok"),
        ("a {{- .Id -}} b", "aabcb"),
        ("a {{/* note */}} b", "a  b"),
        ("a {{- /* note */ -}} b", "ab"),
        ("{{`raw \\n`}}{{\"tab\\t\"}}{{'a'}}", "raw \\ntab\t97"),
        ("{{.Nothing}}", "<no value>"),
        ("{{true}} {{1.5}} {{0x10}}", "true 1.5 16"),
    ];
    for (template, expected) in table {
        assert_eq!(fill(template), expected, "{template}");
    }
}

#[test]
fn a_table_of_mistakes() {
    let table = [
        ("{{.Nope", "template: :1: unclosed action"),
        ("{{.Nope}}", "template: :1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\""),
        ("\n {{.State.Nope}}", "template: :2:9: executing \"\" at <.State.Nope>: map has no entry for key \"Nope\""),
        ("{{.Id.X}}", "template: :1:5: executing \"\" at <.Id.X>: can't evaluate field X in type interface {}"),
        ("{{nope .Id}}", "template: :1: function \"nope\" not defined"),
        ("{{$x}}", "template: :1: undefined variable \"$x\""),
        ("{{if .On}}", "template: :1: unexpected EOF"),
        ("{{end}}", "template: :1: unexpected {{end}}"),
        ("{{else}}", "template: :1: unexpected {{else}}"),
        ("{{}}", "template: :1: missing value for command"),
        ("{{\"abc}}", "template: :1: unterminated quoted string"),
        ("{{break}}", "template: :1: {{break}} outside {{range}}"),
        ("{{index .Names 9}}", "template: :1:2: executing \"\" at <index .Names 9>: error calling index: index out of range: 9"),
        ("{{range .Id}}{{end}}", "template: :1:8: executing \"\" at <.Id>: range can't iterate over abc"),
    ];
    for (template, expected) in table {
        assert_eq!(fill(template), format!("error: {expected}"), "{template}");
    }
    assert!(fill(&"{{if .On}}".repeat(5000)).contains("too deeply nested"));
    assert!(fill(&format!("{{{{{}.Id{}}}}}", "(".repeat(5000), ")".repeat(5000))).contains("too deeply nested"));
}

#[test]
fn methods_take_arguments() {
    let template = Template::parse("{{.Label \"tier\"}} {{.Id}}").unwrap();
    let methods = |value: &Value, name: &str, arguments: &[Value]| {
        (name == "Label").then(|| Ok(value["Labels"][arguments[0].as_str().unwrap_or_default()].clone()))
    };
    assert_eq!(template.execute(&data(), &methods).unwrap(), "front abc");
}

proptest! {
    #[test]
    fn no_template_panics(text in ".{0,80}") {
        let _ = Template::parse(&text).and_then(|t| t.execute(&data(), &no_methods));
    }

    #[test]
    fn nor_does_one_made_of_the_right_pieces(pieces in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{{-", "-}}", " ", ".Id", ".State", ".Names", "$x", "$", ":=", "=", "|", "(", ")", ",", "\"a\"", "`", "'a'", "'", "\"", "1", "-1",
        "if ", "else ", "end", "range ", "with ", "index ", "json ", "len ", "printf ", "slice ", "eq ", "%5d", "/*", "*/", "é", "\n", "and ", "or ",
    ]), 0..40)) {
        let _ = Template::parse(&pieces.concat()).and_then(|t| t.execute(&data(), &no_methods));
    }
}
