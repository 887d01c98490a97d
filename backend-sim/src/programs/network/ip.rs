//! `ip`: link, address, route, neighbour.

use super::show;
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Errno, LinkChange, NewLink};
use ipnet::IpNet;
use std::net::IpAddr;

const IP: Spec = Spec {
    short: "",
    long: &[],
    not_modelled: "",
    usage: "[OPTIONS] address|route|link|neigh [ARGS]\n\nOPTIONS := -f[amily] inet|inet6|link | -o[neline]",
};

/// Whether a word is a beginning of a command, as `ip` allows them to be shortened.
fn is(word: &str, command: &str) -> bool {
    !word.is_empty() && command.starts_with(word)
}

/// `ip [-4 | -6] object command …`
pub async fn ip(cmd: &mut Cmd) -> Exit {
    let mut args = cmd.args.clone();
    let mut family = None;
    while let Some(option) = args.first().filter(|a| a.starts_with('-')).cloned() {
        args.remove(0);
        match option.as_str() {
            "-4" => family = Some(true),
            "-6" => family = Some(false),
            "-f" | "-family" => {
                family = match (!args.is_empty()).then(|| args.remove(0)).as_deref() {
                    Some("inet") => Some(true),
                    Some("inet6") => Some(false),
                    _ => None,
                }
            }
            "-o" | "-oneline" | "-br" | "-brief" | "-s" | "-d" | "-j" | "-c" | "-n" => return Err(cmd.not_modelled(&option).await),
            _ => return Err(cmd.usage(&IP, &format!("invalid option {option}")).await),
        }
    }
    let Some((object, rest)) = args.split_first() else { return Err(cmd.usage(&IP, "").await) };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match object.as_str() {
        word if is(word, "address") => address(cmd, &rest, family).await,
        word if is(word, "link") => link(cmd, &rest).await,
        word if is(word, "route") => route(cmd, &rest).await,
        word if is(word, "neighbour") || is(word, "neighbor") => neighbour(cmd, &rest).await,
        word if is(word, "rule") || is(word, "tunnel") || is(word, "netns") => Err(cmd.not_modelled(word).await),
        _ => Err(cmd.usage(&IP, "").await),
    }
}

/// What the kernel said to a change.
async fn answered(cmd: &mut Cmd, done: Result<(), Errno>) -> Exit {
    match done {
        Ok(()) => Ok(0),
        Err(error) => {
            cmd.fail(format!("RTNETLINK answers: {error}")).await;
            Ok(2)
        }
    }
}

/// The value after a word.
fn after<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied()
}

async fn no_device(cmd: &mut Cmd, name: &str) -> i32 {
    cmd.fail(format!("can't find device '{name}'")).await
}

async fn address(cmd: &mut Cmd, words: &[&str], family: Option<bool>) -> Exit {
    match words {
        [] => show_links(cmd, None, true, family).await,
        [word, rest @ ..] if is(word, "show") || is(word, "list") => {
            let name = after(rest, "dev").or_else(|| rest.first().copied().filter(|w| *w != "up" && *w != "dev"));
            show_links(cmd, name, true, family).await
        }
        [word, what, rest @ ..] if is(word, "add") || is(word, "delete") || *word == "replace" => {
            let net = what.parse::<IpNet>().or_else(|_| what.parse::<IpAddr>().map(IpNet::from));
            let Ok(net) = net else {
                return Err(cmd.fail(format!("an inet prefix is expected rather than \"{what}\"")).await);
            };
            let Some(link) = after(rest, "dev") else { return Err(cmd.fail("\"dev\" (local) must be specified").await) };
            if cmd.sys.links().iter().all(|l| l.name != link) {
                return Err(no_device(cmd, link).await);
            }
            let done = if is(word, "delete") { cmd.sys.delete_address(link, net) } else { cmd.sys.add_address(link, net) };
            answered(cmd, done).await
        }
        ["flush", rest @ ..] => {
            let Some(link) = after(rest, "dev").or(rest.first().copied()) else {
                return Err(cmd.fail("flush requires arguments").await);
            };
            for address in cmd.sys.addresses().into_iter().filter(|a| a.link == link) {
                cmd.sys.delete_address(link, address.address).ok();
            }
            Ok(0)
        }
        _ => Err(cmd.usage(&IP, "").await),
    }
}

async fn show_links(cmd: &mut Cmd, only: Option<&str>, addresses: bool, family: Option<bool>) -> Exit {
    if let Some(name) = only
        && cmd.sys.links().iter().all(|l| l.name != name)
    {
        return Err(no_device(cmd, name).await);
    }
    let text = show::links(&cmd.sys, only, addresses, family);
    cmd.print(text).await?;
    Ok(0)
}

async fn link(cmd: &mut Cmd, words: &[&str]) -> Exit {
    match words {
        [] => show_links(cmd, None, false, None).await,
        [word, rest @ ..] if is(word, "show") || is(word, "list") => {
            let name = after(rest, "dev").or_else(|| rest.first().copied().filter(|w| *w != "up"));
            show_links(cmd, name, false, None).await
        }
        [word, rest @ ..] if is(word, "add") => add_link(cmd, rest).await,
        [word, rest @ ..] if is(word, "delete") => {
            let Some(name) = after(rest, "dev").or(rest.first().copied()) else { return Err(cmd.usage(&IP, "").await) };
            if cmd.sys.links().iter().all(|l| l.name != name) {
                return Err(no_device(cmd, name).await);
            }
            let done = cmd.sys.delete_link(name);
            answered(cmd, done).await
        }
        ["set", rest @ ..] => set_link(cmd, rest).await,
        _ => Err(cmd.usage(&IP, "").await),
    }
}

async fn add_link(cmd: &mut Cmd, words: &[&str]) -> Exit {
    let name = match words {
        ["name" | "dev", name, ..] => Some(*name),
        ["type", ..] | [] => None,
        [name, ..] => Some(*name),
    };
    let Some(kind) = after(words, "type") else { return Err(cmd.fail("\"type\" is required").await) };
    let Some(name) = name else { return Err(cmd.not_modelled("link add without a name").await) };
    let name = name.to_owned();
    let new = match kind {
        "bridge" => NewLink::Bridge { name },
        "dummy" => NewLink::Dummy { name },
        "veth" => {
            let peer = words.iter().position(|w| *w == "peer").map(|at| &words[at + 1..]);
            let peer = match peer {
                Some(["name", peer, ..]) => (*peer).to_owned(),
                Some([peer, ..]) => (*peer).to_owned(),
                // The kernel calls it vethN, with the first number that is free.
                _ => {
                    let links = cmd.sys.links();
                    (0..).map(|n| format!("veth{n}")).find(|n| links.iter().all(|l| l.name != *n)).unwrap_or_default()
                }
            };
            NewLink::Veth { name, peer }
        }
        other => return Err(cmd.not_modelled(&format!("link add type {other}")).await),
    };
    let done = cmd.sys.add_link(new);
    answered(cmd, done).await
}

async fn set_link(cmd: &mut Cmd, words: &[&str]) -> Exit {
    let (name, rest) = match words {
        ["dev", name, rest @ ..] => (*name, rest),
        [name, rest @ ..] => (*name, rest),
        [] => return Err(cmd.usage(&IP, "").await),
    };
    if cmd.sys.links().iter().all(|l| l.name != name) {
        return Err(cmd.fail(format!("SIOCGIFFLAGS: {}", Errno::ENODEV)).await);
    }
    let mut name = name.to_owned();
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().map(|v| (*v).to_owned());
        let change = match *word {
            "up" => Some(LinkChange::Up(true)),
            "down" => Some(LinkChange::Up(false)),
            "nomaster" => Some(LinkChange::Master(None)),
            "name" => value().map(LinkChange::Rename),
            "master" => value().map(|v| LinkChange::Master(Some(v))),
            "address" => value().map(LinkChange::Mac),
            "mtu" => value().and_then(|v| v.parse().ok()).map(LinkChange::Mtu),
            "netns" => value().and_then(|v| v.parse().ok()).map(LinkChange::Namespace),
            "arp" | "multicast" | "promisc" | "qlen" => return Err(cmd.not_modelled(&format!("link set {word}")).await),
            _ => None,
        };
        let Some(change) = change else { return Err(cmd.usage(&IP, "").await) };
        let renamed = if let LinkChange::Rename(new) = &change { Some(new.clone()) } else { None };
        if let LinkChange::Master(Some(master)) = &change
            && cmd.sys.links().iter().all(|l| l.name != *master)
        {
            return Err(no_device(cmd, &master.clone()).await);
        }
        if let Err(error) = cmd.sys.change_link(&name, change) {
            return answered(cmd, Err(error)).await;
        }
        name = renamed.unwrap_or(name);
    }
    Ok(0)
}

async fn route(cmd: &mut Cmd, words: &[&str]) -> Exit {
    match words {
        [] => show_routes(cmd, None).await,
        [word, rest @ ..] if is(word, "show") || is(word, "list") => show_routes(cmd, after(rest, "dev")).await,
        ["get", to, ..] => {
            let Ok(to) = to.parse::<IpAddr>() else {
                return Err(cmd.fail(format!("an inet address is expected rather than \"{to}\"")).await);
            };
            match show::route_to(&cmd.sys, to) {
                Some(route) => {
                    let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
                    let source = route.source.map(|source| format!("  src {source}")).unwrap_or_default();
                    cmd.line(format!("{to}{via} dev {}{source} ", route.link)).await?;
                    Ok(0)
                }
                None => answered(cmd, Err(Errno::ENETUNREACH)).await,
            }
        }
        [word, to, rest @ ..] if is(word, "add") || is(word, "delete") || *word == "replace" || *word == "change" => {
            let net = if *to == "default" {
                None
            } else {
                match to.parse::<IpNet>().or_else(|_| to.parse::<IpAddr>().map(IpNet::from)) {
                    Ok(net) => Some(net),
                    Err(_) => return Err(cmd.fail(format!("an inet prefix is expected rather than \"{to}\"")).await),
                }
            };
            if is(word, "delete") {
                let done = cmd.sys.delete_route(net);
                return answered(cmd, done).await;
            }
            let via = match after(rest, "via").map(str::parse::<IpAddr>) {
                None => None,
                Some(Ok(via)) => Some(via),
                Some(Err(_)) => return Err(cmd.fail("an inet address is expected").await),
            };
            let link = after(rest, "dev");
            if let Some(name) = link
                && cmd.sys.links().iter().all(|l| l.name != name)
            {
                return Err(no_device(cmd, name).await);
            }
            if *word == "replace" {
                cmd.sys.delete_route(net).ok();
            }
            let done = cmd.sys.add_route(net, via, link);
            answered(cmd, done).await
        }
        ["flush", ..] => Err(cmd.not_modelled("route flush").await),
        _ => Err(cmd.usage(&IP, "").await),
    }
}

async fn show_routes(cmd: &mut Cmd, link: Option<&str>) -> Exit {
    for route in cmd.sys.routes().iter().filter(|r| link.is_none_or(|name| name == r.link)) {
        cmd.print(show::route(route)).await?;
    }
    Ok(0)
}

async fn neighbour(cmd: &mut Cmd, words: &[&str]) -> Exit {
    match words {
        [] => {}
        [word, ..] if is(word, "show") || is(word, "list") => {}
        _ => return Err(cmd.not_modelled("changes of neighbours").await),
    }
    let link = after(words, "dev");
    for neighbour in cmd.sys.neighbours().iter().filter(|n| link.is_none_or(|name| name == n.link)) {
        cmd.print(show::neighbour(neighbour)).await?;
    }
    Ok(0)
}
