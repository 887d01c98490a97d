//! `brctl` and `nft`.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Errno, LinkChange, NewLink};

/// `brctl show | addbr bridge | delbr bridge | addif bridge link | delif bridge link`
pub async fn brctl(cmd: &mut Cmd) -> Exit {
    let args = cmd.args.clone();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["show", only @ ..] => return show(cmd, only).await,
        ["addbr", name] => (*name, cmd.sys.add_link(NewLink::Bridge { name: (*name).to_owned() })),
        ["delbr", name] => {
            // A bridge that is up is in use.
            let up = cmd.sys.links().iter().any(|l| l.name == *name && l.up);
            (*name, if up { Err(Errno::EBUSY) } else { cmd.sys.delete_link(name) })
        }
        ["addif", bridge, link] => (*link, cmd.sys.change_link(link, LinkChange::Master(Some((*bridge).to_owned())))),
        ["delif", _, link] => (*link, cmd.sys.change_link(link, LinkChange::Master(None))),
        [
            "stp" | "setageing" | "setfd" | "sethello" | "setmaxage" | "setbridgeprio" | "setportprio" | "setpathcost" | "showmacs"
            | "showstp",
            ..,
        ] => {
            return Err(cmd.not_modelled(words[0]).await);
        }
        _ => return Err(cmd.usage(&Spec { usage: "COMMAND [BRIDGE [ARGS]]", ..Spec::default() }, "").await),
    };
    match done {
        (_, Ok(())) => Ok(0),
        (name, Err(error)) => Err(cmd.fail(format!("{} {name}: {error}", if words[0].ends_with("br") { "bridge" } else { "iface" })).await),
    }
}

async fn show(cmd: &mut Cmd, only: &[&str]) -> Exit {
    let links = cmd.sys.links();
    cmd.line("bridge name\tbridge id\t\tSTP enabled\tinterfaces").await?;
    for bridge in links.iter().filter(|l| l.kind == "bridge" && (only.is_empty() || only.contains(&l.name.as_str()))) {
        let id = bridge.mac.replace(':', "");
        let ports: Vec<&str> = links.iter().filter(|l| l.master.as_deref() == Some(&bridge.name)).map(|l| l.name.as_str()).collect();
        cmd.line(format!("{}\t\t8000.{id}\tno\t\t{}", bridge.name, ports.join("\n\t\t\t\t\t\t\t"))).await?;
    }
    Ok(0)
}

/// `nft list ruleset | list tables | list table family name`
pub async fn nft(cmd: &mut Cmd) -> Exit {
    let args = cmd.args.clone();
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|w| !w.starts_with('-')).collect();
    let (tables_only, table) = match words.as_slice() {
        ["list", "ruleset"] => (false, None),
        ["list", "tables"] => (true, None),
        ["list", "table", family, name] => (false, Some(format!("table {family} {name} {{"))),
        ["list", "table", name] => (false, Some(format!("table ip {name} {{"))),
        _ => return Err(cmd.not_modelled(&words.join(" ")).await),
    };
    let rules = match cmd.sys.ruleset() {
        Ok(rules) => rules,
        Err(error) => return Err(cmd.fail(format!("Error: {error}")).await),
    };
    let mut inside = table.is_none();
    let mut found = false;
    for line in rules {
        let heads = line.starts_with("table ");
        if let Some(table) = &table
            && heads
        {
            inside = line == *table;
        }
        found |= inside;
        if tables_only && heads {
            cmd.line(line.trim_end_matches(" {")).await?;
        } else if !tables_only && inside {
            cmd.line(&line).await?;
        }
    }
    if table.is_some() && !found {
        cmd.sys.eprint("Error: No such file or directory\n").await;
        return Ok(1);
    }
    Ok(0)
}
