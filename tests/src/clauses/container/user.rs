//! Users and groups.

use crate::clause::Clause;
use crate::clauses::cite;
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
];
