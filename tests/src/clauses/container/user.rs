//! Users and groups.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Entry, append};
use crate::outcome::contains;

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-USER-1", "Without options the program runs as root.", cite::RUN, |w| {
        w.run(&["id"])?.exits(0)?.says("uid=0(root) gid=0(root)")?.done()
    }),
    Clause::docker(
        "CTR-USER-2",
        "A user by name, or by a number that the image knows, has its group and its further groups.",
        cite::RUN,
        |w| {
            for user in ["app", "1000"] {
                w.run_with(&["id"], |c| c.user = user.to_owned())?.prints("uid=1000(app) gid=1000(app) groups=1000(app),2000(extra)")?;
            }
            Ok(())
        },
    ),
    Clause::docker("CTR-USER-3", "Numbers that the image does not know are taken as they are.", cite::RUN, |w| {
        w.run_with(&["id"], |c| c.user = "1234:55".to_owned())?.prints("uid=1234 gid=55 groups=55")?.done()
    }),
    Clause::docker("CTR-USER-4", "With a group given, the user has that one and no other.", cite::RUN, |w| {
        w.run_with(&["id"], |c| c.user = "app:extra".to_owned())?.prints("uid=1000(app) gid=2000(extra) groups=2000(extra)")?.done()
    }),
    Clause::docker("CTR-USER-5", "A name that the image does not know is refused, for a user and for a group.", cite::RUN, |w| {
        let error = w.refused(&["id"], |c| c.user = "ghost".to_owned())?;
        contains("user", &error.to_string(), "unable to find user ghost: no matching entries in passwd file")?;
        let error = w.refused(&["id"], |c| c.user = "0:ghost".to_owned())?;
        contains("group", &error.to_string(), "unable to find group ghost: no matching entries in group file")
    }),
    Clause::docker("CTR-USER-6", "--group-add gives further groups, by name or number.", cite::RUN, |w| {
        w.run_with(&["id"], |c| c.groups = vec!["extra".to_owned(), "77".to_owned()])?
            .prints("uid=0(root) gid=0(root) groups=0(root),77,2000(extra)")?
            .done()
    }),
    Clause::docker("CTR-USER-7", "The image's user holds where the person names none.", "image-spec config.md, User", |w| {
        w.import_busybox("user:1", &["USER app"])?;
        w.run_with(&["id", "-u"], |c| c.image = "user:1".to_owned())?.prints("1000")?;
        w.run_with(&["id", "-u"], |c| (c.image, c.user) = ("user:1".to_owned(), "0".to_owned()))?.prints("0")?.done()
    }),
    Clause::docker(
        "CTR-USER-8",
        "A program that does not run as root has no capability, and the file permissions hold for it.",
        "capabilities(7)",
        |w| {
            let script = "grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status; echo x >/etc/x; cat /root/x";
            let out = w.sh_with(script, |c| c.user = "app".to_owned())?;
            let zero = "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000";
            out.exits(1)?.says(zero)?.complains("ermission denied")?.done()
        },
    ),
    Clause::docker("CTR-USER-9", "--group-add goes to users who are not root too, and the primary group stays among them.", cite::RUN, |w| {
        w.run_with(&["id"], |c| (c.user, c.groups) = ("5".to_owned(), vec!["55".to_owned()]))?.prints("uid=5 gid=0(root) groups=0(root),55")?;
        w.run_with(&["id"], |c| (c.user, c.groups) = ("5:6".to_owned(), vec!["5".to_owned()]))?.prints("uid=5 gid=6 groups=5,6")?.done()
    }),
    Clause::docker("CTR-USER-10", "A group to add that the image does not know is refused.", cite::RUN, |w| {
        let error = w.refused(&["true"], |c| c.groups = vec!["nope".to_owned()])?;
        contains("message", &error.to_string().to_lowercase(), "unable to find group nope: no matching entries in group file")
    }),
    Clause::law("CTR-USER-11", "The files of users may be links, which lead nowhere but inside the container.", "path_resolution(7); CVE-2024-9676", |w| {
        let dir = w.scratch();
        w.host(&format!("echo 'evil:x:0:0::/:' >{dir}/passwd"))?.exits(0)?;
        let passwd = |to: &str| vec![Entry::dir("etc"), Entry::file("etc/real", "linked:x:77:78::/l:\n"), Entry::symlink("etc/passwd", to)];
        for (number, to) in ["real", "/etc/real", "../../../etc/real"].iter().enumerate() {
            let name = format!("link:{number}");
            w.import(&append(w.busybox().to_vec(), &passwd(to)), &name, &[])?;
            w.sh_with("id -u; id -g; echo $HOME", |c| (c.image, c.user) = (name, "linked".to_owned()))?.prints("77\n78\n/l")?;
        }
        w.import(&append(w.busybox().to_vec(), &passwd(&format!("{dir}/passwd"))), "link:out", &[])?;
        let error = w.refused(&["id"], |c| (c.image, c.user) = ("link:out".to_owned(), "evil".to_owned()))?;
        contains("message", &error.to_string(), "unable to find user evil")
    }),
    Clause::law("CTR-USER-12", "A container that removed its file of users has none, though the image has one.", "overlayfs, whiteouts", |w| {
        let id = w.ready("rm /etc/passwd; echo ready; sleep 1000", |_| {})?;
        let error = w.exec_refused(&id, &["id"], |e| e.user = "app".to_owned())?;
        contains("message", &error.to_string(), "unable to find user app: no matching entries in passwd file")
    })
    .needs(&[drydock_core::host::Capability::Exec]),
    Clause::law("CTR-USER-13", "In a directory made anew the image's file of users is not looked for.", "overlayfs, opaque directories", |w| {
        let id = w.ready("cp -r /etc /etc2; rm -r /etc 2>/dev/null; mv /etc /gone 2>/dev/null; mkdir -p /etc; rm -f /etc/passwd; echo ready; sleep 1000", |_| {})?;
        let error = w.exec_refused(&id, &["id"], |e| e.user = "app".to_owned())?;
        contains("message", &error.to_string(), "unable to find user app")
    })
    .needs(&[drydock_core::host::Capability::Exec]),
];
