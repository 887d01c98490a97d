//! `md5sum`, `sha1sum`, `sha256sum`, `sha512sum`, `base64`, `cksum` aside.

use super::{inputs, lines};
use crate::programs::cmd::{Cmd, Exit, Spec};
use data_encoding::{BASE64, HEXLOWER};
use sha2::Digest;

fn sum(name: &str, bytes: &[u8]) -> String {
    HEXLOWER.encode(&match name {
        "md5sum" => md5::Md5::digest(bytes).to_vec(),
        "sha1sum" => sha1::Sha1::digest(bytes).to_vec(),
        "sha512sum" => sha2::Sha512::digest(bytes).to_vec(),
        _ => sha2::Sha256::digest(bytes).to_vec(),
    })
}

/// `sha256sum [-c] [-sw] [file…]` and its kin.
pub async fn sums(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "csw", usage: "[-c[sw]] [FILE]...", ..Spec::default() }).await?;
    let mut status = 0;
    let name = cmd.name.clone();
    for path in inputs(&options.operands) {
        let bytes = match if path == "-" { cmd.read("-").await.map_err(|_| crate::sys::Errno::EIO) } else { cmd.sys.read_file(&path).await }
        {
            Ok(bytes) => bytes,
            Err(error) => {
                status = cmd.cannot("open", &path, error).await;
                continue;
            }
        };
        if !options.has('c') {
            cmd.line(format!("{}  {path}", sum(&name, &bytes))).await?;
            continue;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for line in lines(&text) {
            let Some((expected, file)) = line.split_once(' ') else { continue };
            let file = file.trim_start_matches([' ', '*']);
            let right = cmd.sys.read_file(file).await.is_ok_and(|content| sum(&name, &content) == expected);
            status |= i32::from(!right);
            if !(right && options.has('s')) {
                cmd.line(format!("{file}: {}", if right { "OK" } else { "FAILED" })).await?;
            }
        }
    }
    Ok(status)
}

/// `base64 [-d] [-w columns] [file]`
pub async fn base64(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "dw:", usage: "[-d] [-w COL] [FILE]", ..Spec::default() }).await?;
    let path = options.operands.first().map_or("-", String::as_str).to_owned();
    let bytes = cmd.read(&path).await?;
    if options.has('d') {
        let text: Vec<u8> = bytes.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
        return match BASE64.decode(&text) {
            Ok(bytes) => cmd.write(&bytes).await.map(|()| 0),
            Err(_) => Err(cmd.fail("truncated input").await),
        };
    }
    let columns = options.value('w').and_then(|w| w.parse().ok()).unwrap_or(76);
    let text = BASE64.encode(&bytes);
    if columns == 0 {
        return cmd.print(text).await.map(|()| 0);
    }
    for line in text.as_bytes().chunks(columns) {
        cmd.line(String::from_utf8_lossy(line)).await?;
    }
    Ok(0)
}
