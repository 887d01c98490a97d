//! The grammar of `--ulimit`: `TYPE=SOFT[:HARD]`, setrlimit(2)'s limits by their short names.

use crate::error::{Error, Result};
use oci_spec::runtime::{PosixRlimit, PosixRlimitBuilder, PosixRlimitType};

const TYPES: [(&str, PosixRlimitType); 15] = [
    ("core", PosixRlimitType::RlimitCore),
    ("cpu", PosixRlimitType::RlimitCpu),
    ("data", PosixRlimitType::RlimitData),
    ("fsize", PosixRlimitType::RlimitFsize),
    ("locks", PosixRlimitType::RlimitLocks),
    ("memlock", PosixRlimitType::RlimitMemlock),
    ("msgqueue", PosixRlimitType::RlimitMsgqueue),
    ("nice", PosixRlimitType::RlimitNice),
    ("nofile", PosixRlimitType::RlimitNofile),
    ("nproc", PosixRlimitType::RlimitNproc),
    ("rss", PosixRlimitType::RlimitRss),
    ("rtprio", PosixRlimitType::RlimitRtprio),
    ("rttime", PosixRlimitType::RlimitRttime),
    ("sigpending", PosixRlimitType::RlimitSigpending),
    ("stack", PosixRlimitType::RlimitStack),
];

/// Reads one `--ulimit`. `-1` is unlimited; without a hard limit it is the soft one.
///
/// # Errors
/// Docker's own words for a missing value, an unknown type, and a soft limit above the hard one.
pub fn parse(text: &str) -> Result<PosixRlimit> {
    let shown = text.escape_debug();
    let (name, values) = text.split_once('=').ok_or_else(|| Error::invalid(format!("invalid ulimit argument: {shown}")))?;
    let kind = TYPES
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| Error::invalid(format!("invalid ulimit type: {}", name.escape_debug())))?
        .1;
    let mut parts = values.split(':');
    let soft = value(parts.next().unwrap_or_default())?;
    let hard = parts.next().map(value).transpose()?.unwrap_or(soft);
    if parts.next().is_some() {
        return Err(Error::invalid(format!("too many limit value arguments - {values}, can only have up to two, `soft[:hard]`")));
    }
    if soft > hard {
        return Err(Error::invalid(format!("ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")));
    }
    PosixRlimitBuilder::default()
        .typ(kind)
        .soft(soft)
        .hard(hard)
        .build()
        .map_err(|e| Error::invalid(format!("invalid ulimit argument: {shown}")).source(e))
}

/// A limit; `-1` is RLIM_INFINITY.
fn value(text: &str) -> Result<u64> {
    let wrong = || Error::invalid(format!("strconv.ParseInt: parsing \"{}\": invalid syntax", text.escape_debug()));
    match text.parse::<i64>().map_err(|_| wrong())? {
        -1 => Ok(u64::MAX),
        n => u64::try_from(n).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones() {
        for (text, soft, hard) in
            [("nofile=1024", 1024, 1024), ("nofile=1024:2048", 1024, 2048), ("core=-1", u64::MAX, u64::MAX), ("nproc=5:-1", 5, u64::MAX)]
        {
            let limit = parse(text).unwrap();
            assert_eq!((limit.soft(), limit.hard()), (soft, hard), "{text}");
        }
    }

    #[test]
    fn bad_ones() {
        for (text, message) in [
            ("nofile", "invalid ulimit argument: nofile"),
            ("foo=1", "invalid ulimit type: foo"),
            ("nofile=10:5", "ulimit soft limit must be less than or equal to hard limit: 10 > 5"),
            ("nofile=-1:5", "ulimit soft limit must be less than or equal to hard limit: 18446744073709551615 > 5"),
            ("nofile=1:2:3", "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`"),
            ("nofile=x", "strconv.ParseInt: parsing \"x\": invalid syntax"),
            ("nofile=-2", "strconv.ParseInt: parsing \"-2\": invalid syntax"),
        ] {
            assert_eq!(parse(text).unwrap_err().message(), message, "{text}");
        }
    }
}
