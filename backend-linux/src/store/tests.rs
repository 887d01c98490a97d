//! The store against the law of [`Store`](drydock_core::store::Store), and against other processes' views of it.

use super::*;
use std::path::PathBuf;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("drydock-store-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn put(key: &str, value: &str) -> Change {
    Change::Put(Table::Names, key.to_owned(), value.as_bytes().to_vec())
}

fn keys(store: &SqliteStore, prefix: &str, after: &str, limit: usize) -> Vec<String> {
    store.scan(Table::Names, prefix, after, limit).expect("scans").into_iter().map(|(key, _)| key).collect()
}

#[test]
fn what_is_written_is_read_by_another_opening() {
    let scratch = Scratch::new("read");
    let store = SqliteStore::open(&scratch.0).expect("opens");
    store.commit(&[put("a", "1"), put("b", "2")]).expect("commits");
    let other = SqliteStore::open(&scratch.0).expect("opens again");
    assert_eq!(other.get(Table::Names, "a").expect("reads"), Some(b"1".to_vec()));
    assert_eq!(other.get(Table::Ports, "a").expect("reads"), None);
    drop(store);
    drop(other);
    let again = SqliteStore::open(&scratch.0).expect("opens after all are closed");
    assert_eq!(again.get(Table::Names, "b").expect("reads"), Some(b"2".to_vec()));
}

#[test]
fn a_batch_with_a_stale_expectation_changes_nothing() {
    let scratch = Scratch::new("stale");
    let store = SqliteStore::open(&scratch.0).expect("opens");
    store.commit(&[put("a", "1")]).expect("commits");
    let expect = |value: Option<&str>| Change::Expect(Table::Names, "a".to_owned(), value.map(|v| v.as_bytes().to_vec()));
    for wrong in [None, Some("2")] {
        let error = store.commit(&[put("b", "x"), expect(wrong), put("a", "3")]).expect_err("stale");
        assert_eq!(error.kind(), ErrorKind::Stale);
    }
    assert_eq!(keys(&store, "", "", 10), ["a"]);
    store.commit(&[expect(Some("1")), put("a", "2")]).expect("not stale");
    store.commit(&[Change::Delete(Table::Names, "a".to_owned()), expect(None)]).expect("sees its own changes");
}

#[test]
fn scans_are_ordered_bounded_and_keep_to_their_prefix() {
    let scratch = Scratch::new("scan");
    let store = SqliteStore::open(&scratch.0).expect("opens");
    let all = ["a", "a/1", "a/2", "a/\u{10ffff}", "a0", "b", "\u{d7ff}x", "\u{e000}", "\u{10ffff}", "\u{10ffff}z", "é"];
    store.commit(&all.map(|key| put(key, "v"))).expect("commits");
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    assert_eq!(keys(&store, "", "", usize::MAX), sorted);
    for prefix in ["a", "a/", "b", "\u{d7ff}", "\u{10ffff}", "nothing", "a/\u{10ffff}"] {
        for after in ["", "a", "a/1", "b", "zzz", "\u{10ffff}"] {
            for limit in [0, 1, 2, 100] {
                let expected: Vec<_> = sorted.iter().copied().filter(|k| k.starts_with(prefix) && *k > after).take(limit).collect();
                assert_eq!(keys(&store, prefix, after, limit), expected, "{prefix:?} {after:?} {limit}");
            }
        }
    }
}

#[test]
fn threads_with_openings_of_their_own_lose_no_update() {
    let scratch = Scratch::new("threads");
    SqliteStore::open(&scratch.0).expect("opens").commit(&[put("n", "0")]).expect("commits");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = SqliteStore::open(&scratch.0).expect("opens");
                for _ in 0..50 {
                    loop {
                        let before = store.get(Table::Names, "n").expect("reads").expect("is there");
                        let number: u32 = String::from_utf8_lossy(&before).parse().expect("a number");
                        let batch = [Change::Expect(Table::Names, "n".to_owned(), Some(before)), put("n", &(number + 1).to_string())];
                        match store.commit(&batch) {
                            Ok(()) => break,
                            Err(e) => assert_eq!(e.kind(), ErrorKind::Stale),
                        }
                    }
                }
            });
        }
    });
    let store = SqliteStore::open(&scratch.0).expect("opens");
    assert_eq!(store.get(Table::Names, "n").expect("reads"), Some(b"200".to_vec()));
}

#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("mode");
    let store = SqliteStore::open(&scratch.0).expect("opens");
    store.commit(&[put("a", "1")]).expect("commits");
    let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.0), 0o700);
    for entry in std::fs::read_dir(&scratch.0).expect("lists") {
        let path = entry.expect("entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let scratch = Scratch::new("version");
    drop(SqliteStore::open(&scratch.0).expect("opens"));
    let raw = Connection::open(scratch.0.join("drydock.db")).expect("opens");
    raw.pragma_update(None, "user_version", 99).expect("sets");
    let error = SqliteStore::open(&scratch.0).expect_err("newer");
    assert!(error.message().contains("version 99"), "{error}");
}

#[test]
fn a_database_of_version_1_is_brought_up_to_date() {
    let scratch = Scratch::new("before");
    std::fs::create_dir_all(&scratch.0).expect("makes");
    let old = Connection::open(scratch.0.join("drydock.db")).expect("opens");
    let tables = ["containers", "names", "images", "tags", "layers", "networks", "addresses", "ports", "plans", "events", "meta"];
    for table in tables {
        let sql = format!("CREATE TABLE {table} (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID");
        old.execute_batch(&format!("{sql}; INSERT INTO {table} VALUES ('of', CAST('{table}' AS BLOB))")).expect("makes");
    }
    old.execute_batch("INSERT INTO meta VALUES ('schema', CAST('1' AS BLOB)); PRAGMA user_version = 1").expect("marks");
    drop(old);
    let store = SqliteStore::open(&scratch.0).expect("opens");
    for (table, name) in [(Table::Containers, "containers"), (Table::Names, "names"), (Table::Events, "events"), (Table::Meta, "meta")] {
        assert_eq!(store.get(table, "of").expect("reads"), Some(name.as_bytes().to_vec()));
    }
    assert_eq!(store.get(Table::Meta, "schema").expect("reads"), Some(b"2".to_vec()));
    drop(store);
    SqliteStore::open(&scratch.0).expect("opens again");
}
