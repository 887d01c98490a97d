//! Old lessons about Docker, mistake by mistake: what they say to write or to type, and the diagnostic that names what is wrong.
//! Numbers are those of the list of claims of the old lessons that are wrong or outdated.

mod common;

use common::world::World;

/// A Dockerfile, given on standard input, and what the build's checks say of it.
const DOCKERFILES: &[(&str, &str, &str)] = &[
    ("W-16 EXPOSE does not publish", "FROM busybox\nEXPOSE 7003:8080\n", "ExposeInvalidFormat"),
    ("W-17 MAINTAINER", "FROM busybox\nMAINTAINER examples@docker.com\n", "MaintainerDeprecated"),
    ("W-18 ENV with a blank", "FROM busybox\nENV NAME World\n", "LegacyKeyValueFormat"),
    (
        "W-20 a later RUN makes nothing smaller",
        "FROM busybox\nADD jdk.tar.gz /usr/local/\nRUN rm -rf /usr/local/jdk.tar.gz\n",
        "RemovedInLaterLayer",
    ),
    ("W-28 a service that detaches", "FROM busybox\nCMD [\"/opt/tomcat/bin/startup.sh\"]\n", "DetachesItself"),
    (
        "W-29 packages of another release",
        "FROM ubuntu:14.04\nRUN echo \"deb http://archive.ubuntu.com/ubuntu precise main\" > /etc/apt/sources.list\n",
        "PackagesOfAnotherRelease",
    ),
    ("W-29 a release without updates", "FROM ubuntu:14.04\n", "BaseImageUnmaintained"),
    ("W-29 package lists in a RUN of their own", "FROM debian:12\nRUN apt-get update\n", "PackageListsStale"),
    ("W-42 CentOS 7", "FROM centos:7\nENV container=docker\n", "BaseImageUnmaintained"),
    ("W-51 Python 2.7", "FROM python:2.7-slim\nWORKDIR /app\n", "BaseImageUnmaintained"),
    ("W-52 a comment without its mark", "This my first jenkins Dockerfile\nFROM centos:7\n", "unknown instruction: This"),
    ("W-52 a comment behind a list", "FROM busybox\nENTRYPOINT [\"catalina.sh\",\"run\"]  #run\n", "TextAfterList"),
    ("W-52 an archive that ADD extracted", "FROM busybox\nADD a.tar.gz /\nRUN rm a.tar.gz\n", "RemovedInLaterLayer"),
    ("W-72 a password in a layer", "FROM busybox\nRUN echo 1 | passwd --stdin root\n", "PasswordInLayer"),
];

/// A command, its exit code, and what it says.
const COMMANDS: &[(&str, &str, i32, &str)] = &[
    ("W-21 search -s", "search -s 100 centos", 125, "Did you mean --filter stars=NUMBER?"),
    ("W-22 exec has no --name", "exec -it --name mytest nginx /bin/bash", 125, "Did you mean 'drydock run'?"),
    ("W-24 -v swallows -p", "run -d -v -p 204:22 busybox", 125, "invalid mount path: '-p' mount path must be absolute"),
    ("W-25 build without -t", "build tomcat tomcat", 1, "Did you mean 'drydock build -t tomcat ./tomcat'?"),
    ("W-27 one port twice", "run -d -p 7003:80 busybox sleep 100", 125, "port is already allocated"),
    ("W-32 one dash", "run -name redis busybox", 125, "Did you mean --name?"),
    ("W-32 one dash", "run -rm busybox", 125, "Did you mean --rm?"),
    ("W-43 an image in use, forced", "rmi -f IMAGE", 1, "(cannot be forced) - image is being used by running container"),
    ("W-51 a command without its image", "run app.py", 125, "Unable to find image 'app.py:latest' locally"),
    ("W-53 the first version of registries", "pull localhost:1/a", 1, "/v2/"),
    ("W-54 a target that is no reference", "tag busybox Bad/Name", 1, "repository name (Name) must be lowercase"),
    ("W-63 an empty list", "rm", 1, "requires at least 1 argument"),
    ("W-63 an empty list", "kill", 1, "requires at least 1 argument"),
    ("W-75 a mount does not make its source", "run --mount type=bind,src=/nope,dst=/x busybox", 125, "bind source path does not exist"),
];

#[test]
fn each_dockerfile_of_the_old_lessons_has_its_diagnostic() {
    let world = World::new("old-dockerfiles");
    for (row, text, said) in DOCKERFILES {
        let (_, out, err) = world.pipe(&["build", "--check", "-"], text);
        assert!(format!("{out}{err}").contains(said), "{row}: {out}{err}");
        println!("{row}: {said}");
    }
}

#[test]
fn each_command_of_the_old_lessons_has_its_diagnostic() {
    let world = World::new("old-commands");
    world.good(&["run", "-d", "-p", "7003:80", "busybox", "sleep", "1000"]);
    let image = world.good(&["images", "-q", "busybox"]);
    for (row, line, code, said) in COMMANDS {
        let words: Vec<&str> = line.split(' ').map(|word| if word == "IMAGE" { image.trim() } else { word }).collect();
        let (got, out, err) = world.run(&words);
        assert_eq!(got, *code, "{row}: {out}{err}");
        assert!(err.contains(said), "{row}: {out}{err}");
        println!("{row}: drydock {line}: {said}");
    }
}

/// W-26: a container was committed, and the Dockerfile then names the container.
#[test]
fn the_name_of_a_container_is_no_image() {
    let world = World::new("old-commit");
    world.good(&["create", "--name", "mk_tomcat", "busybox"]);
    let (code, out, err) = world.pipe(&["build", "-"], "FROM mk_tomcat\nEXPOSE 22 8080\n");
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("mk_tomcat is the name of a container; its image is busybox:latest"), "{err}");
}

/// W-29: the directory has `supervisord`, and the Dockerfile copies `supervisord.conf`.
#[test]
fn a_file_of_nearly_that_name_is_named() {
    let world = World::new("old-copy");
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("old-copy-context");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("supervisord"), "[supervisord]\nnodaemon=true\n").unwrap();
    std::fs::write(directory.join("Dockerfile"), "FROM busybox\nCOPY supervisord.conf /etc/supervisord.conf\n").unwrap();
    let (code, out, err) = world.run(&["build", directory.to_str().unwrap()]);
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("stat supervisord.conf: file does not exist"), "{err}");
    assert!(err.contains("did you mean supervisord?"), "{err}");
}

/// W-19 and W-70: not every instruction makes a layer, and a history says less than the Dockerfile.
#[test]
fn a_history_shows_which_instructions_made_no_layer() {
    let world = World::new("old-history");
    let (code, out, err) =
        world.pipe(&["build", "-q", "-t", "made:1", "-"], "FROM busybox\nENV A=1\nRUN echo x > /x\nEXPOSE 80\nCMD [\"sh\"]\n");
    assert_eq!(code, 0, "{out}{err}");
    let rows = world.good(&["history", "--format", "{{.Size}} {{.CreatedBy}}", "made:1"]);
    let size = |what: &str| rows.lines().find(|line| line.contains(what)).and_then(|line| line.split(' ').next()).map(str::to_owned);
    assert_eq!(["ENV A=1", "EXPOSE", "CMD"].map(size), [Some("0B".to_owned()), Some("0B".to_owned()), Some("0B".to_owned())], "{rows}");
    assert!(size("RUN").is_some_and(|size| size != "0B"), "{rows}");
}
