//! Lists of containers, and their filters.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail};
use crate::world::World;
use drydock_core::Error;
use drydock_core::container::ContainerConfig;
use drydock_core::engine::ListRequest;

fn named(name: &'static str) -> impl FnOnce(&mut ContainerConfig) {
    move |c| c.name = Some(name.to_owned())
}

/// `key=value key=value`, as a list would be asked for with `-a`.
fn request(filters: &str) -> ListRequest {
    let filters = filters.split(' ').filter_map(|f| f.split_once('~')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    ListRequest { all: true, filters, ..ListRequest::default() }
}

fn names(w: &World<'_>, request: &ListRequest) -> Checked<String> {
    Ok(w.engine().list(request)?.into_iter().map(|c| c.name).collect::<Vec<_>>().join(" "))
}

fn found(w: &World<'_>, filters: &str) -> Checked<String> {
    names(w, &request(filters))
}

fn refused(w: &World<'_>, filters: &str) -> Checked<Error> {
    match w.engine().list(&request(filters)) {
        Err(error) => Ok(error),
        Ok(_) => fail(format_args!("{filters} was not refused")),
    }
}

/// Four containers, in this order: one runs, one runs with labels, one never ran, one failed.
fn four(w: &World<'_>) -> Checked {
    w.sleeper(named("aa"))?;
    w.sleeper(|c| {
        c.name = Some("bb".to_owned());
        c.labels.insert("team".to_owned(), "red".to_owned());
        c.labels.insert("x".to_owned(), String::new());
    })?;
    w.create(&["true"], named("cc"))?;
    let id = w.start(&["sh", "-c", "exit 3"], named("dd"))?;
    equal("exit code", w.wait(&id)?, 3)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-LIST-1", "A list has those that run, newest first; with all, every one.", cite::PS, |w| {
        four(w)?;
        equal("running", names(w, &ListRequest::default())?.as_str(), "bb aa")?;
        equal("all", found(w, "")?.as_str(), "dd cc bb aa")
    }),
    Clause::docker("CTR-LIST-2", "The last n are the newest in whatever state, after the filters.", cite::PS, |w| {
        four(w)?;
        let last = |n, filters| ListRequest { all: false, last: Some(n), ..request(filters) };
        equal("one", names(w, &last(1, ""))?.as_str(), "dd")?;
        equal("two", names(w, &last(2, ""))?.as_str(), "dd cc")?;
        equal("two that run", names(w, &last(2, "status~running"))?.as_str(), "bb aa")
    }),
    Clause::docker("CTR-LIST-3", "A status lists those in it, running or not; several statuses those in any.", cite::PS, |w| {
        four(w)?;
        let plain = |filters| ListRequest { all: false, ..request(filters) };
        equal("created", names(w, &plain("status~created"))?.as_str(), "cc")?;
        equal("two", names(w, &plain("status~created status~exited"))?.as_str(), "dd cc")?;
        contains("bad", &refused(w, "status~bad")?.to_string(), "Invalid filter 'status=bad'")
    }),
    Clause::docker("CTR-LIST-4", "A name is a pattern that may match anywhere, with or without the slash before it.", cite::PS, |w| {
        four(w)?;
        for (filter, wanted) in [
            ("name~a", "aa"),
            ("name~^a", "aa"),
            ("name~^/aa$", "aa"),
            ("name~[ab]", "bb aa"),
            ("name~a.", "aa"),
            ("name~[", ""),
            ("name~zz", ""),
        ] {
            equal(filter, found(w, filter)?.as_str(), wanted)?;
        }
        Ok(())
    }),
    Clause::docker("CTR-LIST-5", "A label is asked for by its key, or by key and value; several must all be there.", cite::PS, |w| {
        four(w)?;
        for (filter, wanted) in [
            ("label~team", "bb"),
            ("label~team=red", "bb"),
            ("label~team=blue", ""),
            ("label~team label~x", "bb"),
            ("label~team label~zz", ""),
        ] {
            equal(filter, found(w, filter)?.as_str(), wanted)?;
        }
        Ok(())
    }),
    Clause::docker("CTR-LIST-6", "An exit code lists those that ended with it, and none that never ran.", cite::PS, |w| {
        four(w)?;
        equal("three", found(w, "exited~3")?.as_str(), "dd")?;
        equal("zero", found(w, "exited~0")?.as_str(), "")?;
        contains("bad", &refused(w, "exited~x")?.to_string(), "strconv.Atoi: parsing \"x\": invalid syntax")
    }),
    Clause::docker("CTR-LIST-7", "before and since are those made before and after a container, by its name or id.", cite::PS, |w| {
        four(w)?;
        equal("before", found(w, "before~bb")?.as_str(), "aa")?;
        equal("since", found(w, "since~bb")?.as_str(), "dd cc")?;
        equal("both", found(w, "since~aa before~dd")?.as_str(), "cc bb")?;
        contains("unknown", &refused(w, "before~nope")?.to_string(), "no such container nope")
    }),
    Clause::docker("CTR-LIST-8", "An ancestor is an image by name or id; one that there is not lists nothing.", cite::PS, |w| {
        four(w)?;
        let other = w.import_busybox("other", &[])?;
        w.create(&["true"], |c| (c.name, c.image) = (Some("oo".to_owned()), "other".to_owned()))?;
        equal("name", found(w, "ancestor~other")?.as_str(), "oo")?;
        equal("name and tag", found(w, "ancestor~busybox:latest")?.as_str(), "dd cc bb aa")?;
        equal("id", found(w, &format!("ancestor~{other}"))?.as_str(), "oo")?;
        equal("nothing", found(w, "ancestor~nope")?.as_str(), "")
    }),
    Clause::docker("CTR-LIST-9", "An id is asked for by its beginning.", cite::PS, |w| {
        let id = w.create(&["true"], named("one"))?;
        equal("beginning", found(w, &format!("id~{}", &id[..12]))?.as_str(), "one")?;
        equal("middle", found(w, &format!("id~{}", &id[20..40]))?.as_str(), "")
    }),
    Clause::docker("CTR-LIST-10", "A network lists those on it, by its name and no part of it.", cite::PS, |w| {
        four(w)?;
        equal("none", found(w, "network~none")?.as_str(), "dd cc bb aa")?;
        equal("part", found(w, "network~non")?.as_str(), "")
    }),
    Clause::docker(
        "CTR-LIST-11",
        "A volume is asked for by its name or by the path it is mounted at, a bind by either path.",
        cite::PS,
        |w| {
            let scratch = w.scratch();
            w.create(&["true"], |c| {
                c.name = Some("vv".to_owned());
                c.mounts = vec![crate::ask::bind(&scratch, "/at")];
            })?;
            equal("source", found(w, &format!("volume~{scratch}"))?.as_str(), "vv")?;
            equal("target", found(w, "volume~/at")?.as_str(), "vv")?;
            equal("other", found(w, "volume~/other")?.as_str(), "")
        },
    ),
    Clause::docker("CTR-LIST-12", "No container is a task, and every one has the default isolation.", cite::PS, |w| {
        four(w)?;
        equal("tasks", found(w, "is-task~true")?.as_str(), "")?;
        equal("no tasks", found(w, "is-task~false")?.as_str(), "dd cc bb aa")?;
        equal("isolation", found(w, "isolation~default")?.as_str(), "dd cc bb aa")?;
        contains("bad", &refused(w, "is-task~maybe")?.to_string(), "Invalid filter 'is-task=[maybe]'")
    }),
    Clause::docker("CTR-LIST-13", "Those without a health check have health none.", cite::PS, |w| {
        four(w)?;
        equal("none", found(w, "health~none")?.as_str(), "dd cc bb aa")?;
        equal("healthy", found(w, "health~healthy")?.as_str(), "")?;
        contains("bad", &refused(w, "health~bad")?.to_string(), "Unrecognised filter value for health: bad")
    }),
    Clause::docker("CTR-LIST-14", "A filter that there is not is refused with its name.", cite::PS, |w| {
        contains("unknown", &refused(w, "nope~1")?.to_string(), "Invalid filter 'nope'")?;
        contains("negated", &refused(w, "label!~team")?.to_string(), "Invalid filter 'label!'")
    }),
    Clause::docker("CTR-LIST-15", "A port that is no number is refused with the words of its number.", cite::PS, |w| {
        for key in ["publish", "expose"] {
            let words = format!("error while looking up for {key} abc: strconv.ParseUint: parsing \"abc\": invalid syntax");
            contains(key, &refused(w, &format!("{key}~abc"))?.to_string(), &words)?;
        }
        Ok(())
    }),
    Clause::docker("CTR-LIST-16", "The labels of an image are those of its containers, which may say otherwise.", cite::PS, |w| {
        w.import_busybox("labelled", &["LABEL a=img b=img"])?;
        w.create(&["true"], |c| {
            (c.name, c.image) = (Some("ll".to_owned()), "labelled".to_owned());
            c.labels.insert("b".to_owned(), "own".to_owned());
        })?;
        equal("of the image", found(w, "label~a=img")?.as_str(), "ll")?;
        equal("its own", found(w, "label~b=own")?.as_str(), "ll")
    }),
    Clause::docker(
        "CTR-LIST-17",
        "Published ports are asked for by the host's port, exposed ones by the container's; either is enough.",
        cite::PS,
        |w| {
            w.sleeper(|c| {
                crate::ask::bridge(c);
                c.name = Some("pp".to_owned());
                c.ports = vec![crate::ask::port(None, 18_701, 80)];
                c.expose = vec!["90/tcp".to_owned()];
            })?;
            for (filter, wanted) in [
                ("publish~18701", "pp"),
                ("publish~80", ""),
                ("expose~90", "pp"),
                ("expose~80", "pp"),
                ("expose~1-100", "pp"),
                ("expose~80/udp", ""),
                ("publish~1 expose~90", "pp"),
                ("network~bridge", "pp"),
            ] {
                equal(filter, found(w, filter)?.as_str(), wanted)?;
            }
            Ok(())
        },
    )
    .needs(&[drydock_core::host::Capability::Bridge, drydock_core::host::Capability::Publish]),
    Clause::docker("CTR-LIST-18", "Sizes are what a container wrote, and that with its image.", cite::PS, |w| {
        let id = w.start(&["sh", "-c", "head -c 100000 /dev/zero >/file"], named("size"))?;
        equal("exit code", w.wait(&id)?, 0)?;
        let untouched = w.create(&["true"], named("untouched"))?;
        let listed = w.engine().list(&ListRequest { sizes: true, ..request("") })?;
        let of = |name: &str| listed.iter().find(|c| c.name == name).and_then(|c| c.sizes).map(|s| (s.writable, s.root));
        let image = w.engine().image("busybox")?.size;
        equal("written", of("size"), Some((100_000, image + 100_000)))?;
        equal("untouched", of("untouched"), Some((0, image)))?;
        equal("the same one by one", Some(w.engine().sizes(&untouched)?.root), Some(image))
    }),
];
