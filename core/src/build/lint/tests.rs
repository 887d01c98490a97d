//! Each rule, on what it is for and on what it is not for.

use super::*;
use crate::build::dockerfile::parse;

fn names(text: &str) -> Vec<&'static str> {
    names_in(text, &Surroundings { platform: "linux/amd64".to_owned(), ..Surroundings::default() })
}

fn names_in(text: &str, around: &Surroundings<'_>) -> Vec<&'static str> {
    check(&parse("Dockerfile", text.as_bytes()).unwrap(), around).into_iter().map(|r| r.rule.name()).collect()
}

#[test]
fn each_rule_on_what_it_is_for_and_not_for() {
    let table: [(&str, &[&str]); 58] = [
        ("FROM debian:12 AS Base", &["StageNameCasing"]),
        ("FROM debian:12 as base", &["FromAsCasing"]),
        ("from debian:12 as base", &[]),
        ("FROM debian:12 AS base", &[]),
        ("FROM debian:12\nRUN a \\\n\n b", &["NoEmptyContinuation"]),
        ("FROM debian:12\nRUN a\nrun b", &["ConsistentInstructionCasing"]),
        ("FROM debian:12\nRun a", &["ConsistentInstructionCasing"]),
        ("FROM a AS x\nFROM b AS x", &["DuplicateStageName"]),
        ("FROM a AS context", &["ReservedStageName"]),
        ("FROM a\nCMD run it", &["JSONArgsRecommended"]),
        ("FROM a\nENTRYPOINT run it", &["JSONArgsRecommended"]),
        ("FROM a\nCMD [\"run\"]", &[]),
        ("FROM a\nCMD ['run']", &["JSONListMalformed"]),
        ("FROM a\nCMD [\"run\"] # it", &["TextAfterList"]),
        ("FROM a\nMAINTAINER me", &["MaintainerDeprecated"]),
        ("FROM a:$V", &["UndefinedArgInFrom"]),
        ("ARG V=1\nFROM a:$V", &[]),
        ("ARG V\nFROM a:$V", &["InvalidDefaultArgInFrom"]),
        ("ARG V\nFROM a:${V:-1}", &[]),
        ("FROM a\nWORKDIR app", &["WorkdirRelativePath"]),
        ("FROM a\nWORKDIR /app\nWORKDIR x", &[]),
        ("FROM a\nWORKDIR $HOME", &[]),
        ("FROM scratch\nCOPY $foo .", &["UndefinedVar"]),
        ("FROM scratch\nARG foo\nCOPY $foo .", &[]),
        ("ARG foo=1\nFROM scratch\nCOPY $foo .", &["UndefinedVar"]),
        ("FROM scratch\nENV PATH=/x:$PATH LIB=$LIB:/a", &[]),
        ("FROM scratch AS a\nENV x=1\nFROM a\nLABEL y=$x", &[]),
        ("FROM unknown\nLABEL y=$x", &[]),
        ("FROM a\nCMD [\"a\"]\nCMD [\"b\"]", &["MultipleInstructionsDisallowed"]),
        ("FROM a\nCMD [\"a\"]\nFROM b\nCMD [\"b\"]", &[]),
        ("FROM a\nENV x 1", &["LegacyKeyValueFormat"]),
        ("FROM a\nLABEL x 1", &["LegacyKeyValueFormat"]),
        ("FROM --platform=$TARGETPLATFORM a", &["RedundantTargetPlatform"]),
        ("FROM --platform=linux/arm64 a", &["FromPlatformFlagConstDisallowed"]),
        ("FROM --platform=linux/arm64 a AS build-arm64", &[]),
        ("FROM --platform=$BUILDPLATFORM a", &[]),
        ("FROM a\nARG API_TOKEN\nENV DB_PASSWORD=x", &["SecretsUsedInArgOrEnv", "SecretsUsedInArgOrEnv"]),
        ("FROM a\nENV PUBLIC_KEY=x MONKEY=1", &[]),
        ("FROM a\nEXPOSE 80/TCP", &["ExposeProtoCasing"]),
        ("FROM a\nEXPOSE 127.0.0.1:80:80 8080:80", &["ExposeInvalidFormat", "ExposeInvalidFormat"]),
        ("FROM ubuntu:14.04", &["BaseImageUnmaintained"]),
        ("FROM ubuntu:24.04", &[]),
        ("FROM debian:12\nRUN apt-get update", &["PackageListsStale"]),
        ("# syntax=docker/dockerfile:1\nFROM a", &["SyntaxNotUsed"]),
        ("FROM debian:12\nRUN echo \"deb http://deb.debian.org/debian sid main\" > /l", &[]),
        ("FROM debian:12\nRUN echo \"deb http://deb.debian.org/debian bullseye main\" > /l", &["PackagesOfAnotherRelease"]),
        ("FROM debian:bookworm-slim\nRUN echo \"deb http://deb.debian.org/debian bookworm main\" > /l", &[]),
        ("FROM debian:12\nRUN echo bullseye", &[]),
        ("FROM a\nCMD [\"/opt/tomcat/bin/startup.sh\"]", &["DetachesItself"]),
        ("FROM a\nCMD [\"/opt/tomcat/bin/catalina.sh\", \"run\"]", &[]),
        ("FROM a\nENTRYPOINT [\"service\", \"nginx\", \"start\"]", &["DetachesItself"]),
        ("FROM a\nCMD service nginx start && tail -f /var/log/nginx/access.log", &["JSONArgsRecommended"]),
        ("FROM a\nCMD [\"/etc/init.d/ssh\", \"start\"]", &["DetachesItself"]),
        ("FROM a\nRUN mkdir /run/sshd && echo 'root:1' | chpasswd", &["PasswordInLayer"]),
        ("FROM a\nRUN echo 1 | passwd --stdin root", &["PasswordInLayer"]),
        ("FROM a\nRUN --mount=type=secret,id=p echo root:$(cat /run/secrets/p) | chpasswd", &[]),
        ("FROM a\nRUN --mount=type=secret,id=p chpasswd < /run/secrets/p", &[]),
        ("FROM a\nRUN echo chpasswd | cat", &[]),
    ];
    for (text, rules) in table {
        assert_eq!(names(text), rules, "{text}");
    }
}

/// The Dockerfiles of the old lessons, row by row of what is wrong with them: the rule or the error that names it.
#[test]
fn each_mistake_of_the_old_lessons_has_its_diagnostic() {
    let supervisor = "FROM ubuntu:14.04\nMAINTAINER examples@docker.com\n\
        RUN echo \"deb http://archive.ubuntu.com/ubuntu precise main universe\" > /etc/apt/sources.list\nRUN apt-get update\nRUN apt-get upgrade -y\n";
    let jenkins = "FROM centos:7\nENV JAVA_HOME /usr/local/jdk1.8.0_211\nADD apache-tomcat-8.5.47.tar.gz /usr/local/\n\
        RUN rm -rf apache-tomcat-8.5.47.tar.gz\nENTRYPOINT [\"/usr/local/bin/catalina.sh\",\"run\"]  #run\n";
    for (row, text, rule) in [
        ("W-17 MAINTAINER", supervisor, "MaintainerDeprecated"),
        ("W-18 ENV with a space", "FROM a\nENV NAME World\n", "LegacyKeyValueFormat"),
        ("W-20 later RUNs only add", jenkins, "RemovedInLaterLayer"),
        ("W-28 a service that detaches", "FROM a\nCMD [\"/opt/tomcat/bin/startup.sh\"]\n", "DetachesItself"),
        ("W-29 packages of another release", supervisor, "PackagesOfAnotherRelease"),
        ("W-29 a release without updates", supervisor, "BaseImageUnmaintained"),
        ("W-29 package lists in a RUN of their own", supervisor, "PackageListsStale"),
        ("W-42 CentOS 7", "FROM centos:7\nENV container docker\n", "BaseImageUnmaintained"),
        ("W-51 Python 2.7", "FROM python:2.7-slim\nWORKDIR /app\n", "BaseImageUnmaintained"),
        ("W-52 a comment behind a list", jenkins, "TextAfterList"),
        ("W-52 an archive that ADD extracted", jenkins, "RemovedInLaterLayer"),
        ("W-72 a password in a layer", "FROM centos:7\nRUN echo 1 | passwd --stdin root\nEXPOSE 22\n", "PasswordInLayer"),
        ("S-132 only the last CMD counts", "FROM a\nCMD [\"a\"]\nCMD [\"b\"]\n", "MultipleInstructionsDisallowed"),
        ("W-16 EXPOSE publishes nothing", "FROM a\nEXPOSE 7003:8080\n", "ExposeInvalidFormat"),
    ] {
        assert!(names(text).contains(&rule), "{row}: {:?}", names(text));
    }
    for (row, text, words) in [
        (
            "W-52 a comment without its mark",
            "This my first jenkins Dockerfile\nVersion 1.0\n\nFROM centos:7\n",
            "unknown instruction: This",
        ),
        ("S-143 an empty file", "", "file with no instructions"),
    ] {
        let error = parse("Dockerfile", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{row}: {error}");
    }
}

#[test]
fn the_mistakes_of_old_files_are_named() {
    let jenkins = "FROM centos\nMAINTAINER somebody\nENV JAVA_HOME /usr/local/jdk\nADD apache-tomcat-8.5.47.tar.gz /usr/local/\n\
        ADD jenkins.war /usr/local/webapps\nRUN rm -rf /usr/local/apache-tomcat-8.5.47.tar.gz jenkins.war\n\
        ENTRYPOINT [\"catalina.sh\",\"run\"]  #run it\n";
    let file = parse("Dockerfile", jenkins.as_bytes()).unwrap();
    let shown: Vec<String> = check(&file, &Surroundings::default()).iter().map(|r| show(&file, r)).collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn what_the_surroundings_tell() {
    let ignore = Ignore::parse("i", b"*.md\nsecret").unwrap();
    let around = Surroundings { ignore, ..Surroundings::default() };
    let text = "# check=experimental=all\nFROM a\nCOPY README.md src /x/\nADD secret/key /y";
    assert_eq!(names_in(text, &around), ["CopyIgnoredFile", "CopyIgnoredFile"]);
    let of = |image: &str| (image == "known").then(|| vec!["HOME=/h".to_owned()]);
    let around = Surroundings { environment: Some(&of), ..Surroundings::default() };
    assert_eq!(names_in("FROM known\nWORKDIR $HOME\nLABEL a=$HOMW", &around), ["UndefinedVar"]);
    let around = Surroundings { arguments: [("V".to_owned(), "1".to_owned())].into(), ..Surroundings::default() };
    assert_eq!(names_in("ARG V\nFROM a:$V", &around), ["InvalidDefaultArgInFrom"]);
}

#[test]
fn settings_leave_out() {
    assert_eq!(names("# check=skip=MaintainerDeprecated\nFROM a\nMAINTAINER x\nCMD y"), ["JSONArgsRecommended"]);
    assert_eq!(names("# check=skip=all\nFROM a\nMAINTAINER x\nCMD y"), [] as [&str; 0]);
    assert!(Settings::parse("error=true;skip=A, B").error);
    assert_eq!(names("# check=experimental=InvalidDefinitionDescription\nARG A=1\n# other\nFROM a AS b"), ["InvalidDefinitionDescription"]);
    assert_eq!(names("# check=experimental=InvalidDefinitionDescription\nARG A=1\n# b is it\nFROM a AS b"), [] as [&str; 0]);
}

#[test]
fn every_rule_has_a_name_of_its_own_and_advice() {
    let mut seen = BTreeSet::new();
    for rule in Rule::ALL {
        assert!(seen.insert(rule.name()) && !rule.advice().is_empty());
    }
    assert_eq!(Rule::JSONArgsRecommended.page().unwrap(), "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/");
}
