//! Where a client keeps who it is to registries: Docker's `config.json` and the programs that it names.
//!
//! What is in the file is read and written here; where it is, and how a program is run, is the [`Keychain`]'s matter.

use crate::environment::CLIENT;
use base64::Engine as _;
use drydock_core::registry::{Credentials, Secret, endpoint};
use drydock_core::{Error, Result};
use serde_json::{Map, Value, json};

/// The client's configuration file, and the credential helpers it may name.
pub trait Keychain {
    /// The file's text; `None` if there is none.
    fn read(&mut self) -> Result<Option<String>>;
    /// Writes the file, whole or not at all, readable by its owner only.
    fn write(&mut self, text: &str) -> Result<()>;
    /// Where the file is, for messages.
    fn place(&self) -> String;
    /// Runs `docker-credential-NAME ACTION` with this on its standard input. Answers its standard output, or what it said when it failed.
    fn helper(&mut self, name: &str, action: &str, input: &str) -> Result<std::result::Result<String, String>>;
}

/// A file in memory, for hosts that last no longer than a command.
#[derive(Debug, Default)]
pub struct Forgetful(Option<String>);

impl Keychain for Forgetful {
    fn read(&mut self) -> Result<Option<String>> {
        Ok(self.0.clone())
    }
    fn write(&mut self, text: &str) -> Result<()> {
        self.0 = Some(text.to_owned());
        Ok(())
    }
    fn place(&self) -> String {
        "/root/.docker/config.json".to_owned()
    }
    fn helper(&mut self, name: &str, _: &str, _: &str) -> Result<std::result::Result<String, String>> {
        Err(Error::not_modelled(format!("credential helpers ({name})")))
    }
}

/// The configuration as it was read. Keys that are not understood stay as they are.
pub struct Config<'a> {
    keychain: &'a mut dyn Keychain,
    document: Map<String, Value>,
}

/// Where credentials went.
#[derive(Debug, PartialEq, Eq)]
pub enum Stored {
    /// Into the file, readable for whoever may read that.
    Plainly(String),
    /// To a credential helper.
    Helper,
}

impl<'a> Config<'a> {
    /// Reads the file. One that cannot be read as JSON is an error that names it.
    pub fn read(keychain: &'a mut dyn Keychain) -> Result<Self> {
        let text = keychain.read()?.unwrap_or_default();
        let document = if text.trim().is_empty() {
            Map::new()
        } else {
            serde_json::from_str(&text)
                .map_err(|e| Error::invalid(format!("error loading config file: {}: {e}", keychain.place())).op(CLIENT))?
        };
        Ok(Self { keychain, document })
    }

    /// The program that keeps the credentials of a registry.
    fn helper(&self, host: &str) -> Option<String> {
        let own = self.document.get("credHelpers").and_then(|h| h.get(host).or_else(|| h.get(endpoint::key(host)))).and_then(Value::as_str);
        let all = self.document.get("credsStore").and_then(Value::as_str);
        own.or(all).filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// The entry of a registry, however it was written there.
    fn entry(&self, host: &str) -> Option<&Value> {
        let auths = self.document.get("auths")?.as_object()?;
        auths.get(endpoint::key(host)).or_else(|| auths.iter().find(|(key, _)| endpoint::server(key) == host).map(|(_, entry)| entry))
    }

    /// Who the client is to a registry.
    pub fn credentials(&mut self, host: &str) -> Result<Credentials> {
        if let Some(helper) = self.helper(host) {
            return self.ask_helper(&helper, host);
        }
        let Some(entry) = self.entry(host) else { return Ok(Credentials::None) };
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        if !text("identitytoken").is_empty() {
            return Ok(Credentials::Identity(Secret::new(text("identitytoken"))));
        }
        if text("auth").is_empty() {
            let (username, password) = (text("username").to_owned(), Secret::new(text("password")));
            return Ok(if username.is_empty() { Credentials::None } else { Credentials::Basic { username, password } });
        }
        let damaged = || Error::invalid(format!("{}: the entry of {host} cannot be read", self.keychain.place())).op(CLIENT);
        let bytes = base64::engine::general_purpose::STANDARD.decode(text("auth")).map_err(|_| damaged())?;
        let pair = String::from_utf8(bytes).map_err(|_| damaged())?;
        let (username, password) = pair.split_once(':').ok_or_else(damaged)?;
        Ok(Credentials::Basic { username: username.to_owned(), password: Secret::new(password.trim_end_matches('\0')) })
    }

    fn ask_helper(&mut self, helper: &str, host: &str) -> Result<Credentials> {
        let answer = match self.keychain.helper(helper, "get", endpoint::key(host))? {
            Ok(answer) => answer,
            Err(said) if said.contains("credentials not found") => return Ok(Credentials::None),
            Err(said) => return Err(failed("getting", &said)),
        };
        let document: Value = serde_json::from_str(&answer).map_err(|_| failed("getting", "its answer cannot be read"))?;
        let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(match text("Username").as_str() {
            "" => Credentials::None,
            "<token>" => Credentials::Identity(Secret::new(text("Secret"))),
            name => Credentials::Basic { username: name.to_owned(), password: Secret::new(text("Secret")) },
        })
    }

    /// Keeps credentials.
    pub fn store(&mut self, host: &str, username: &str, password: &Secret) -> Result<Stored> {
        let key = endpoint::key(host).to_owned();
        if let Some(helper) = self.helper(host) {
            let input = json!({"ServerURL": key, "Username": username, "Secret": password.reveal()}).to_string();
            self.keychain.helper(&helper, "store", &input)?.map_err(|said| failed("storing", &said))?;
            // An empty entry tells other clients that there is something to ask for.
            self.set(&key, Some(json!({})))?;
            return Ok(Stored::Helper);
        }
        let auth = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{}", password.reveal()));
        self.set(&key, Some(json!({"auth": auth})))?;
        Ok(Stored::Plainly(self.keychain.place()))
    }

    /// Forgets credentials. Answers whether there were any.
    pub fn erase(&mut self, host: &str) -> Result<bool> {
        let key = endpoint::key(host).to_owned();
        let mut known = self.entry(host).is_some();
        if let Some(helper) = self.helper(host) {
            known = true;
            self.keychain
                .helper(&helper, "erase", &key)?
                .or_else(|said| if said.contains("credentials not found") { Ok(String::new()) } else { Err(failed("erasing", &said)) })?;
        }
        if self.entry(host).is_some() {
            self.set(&key, None)?;
        }
        Ok(known)
    }

    fn set(&mut self, key: &str, entry: Option<Value>) -> Result<()> {
        let host = endpoint::server(key);
        let auths = self.document.entry("auths").or_insert_with(|| json!({}));
        if !auths.is_object() {
            *auths = json!({});
        }
        if let Some(auths) = auths.as_object_mut() {
            auths.retain(|known, _| endpoint::server(known) != host);
            auths.extend(entry.map(|entry| (key.to_owned(), entry)));
        }
        // Docker writes this file with tabs.
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        serde::Serialize::serialize(&self.document, &mut serde_json::Serializer::with_formatter(&mut text, formatter))?;
        self.keychain.write(&String::from_utf8_lossy(&text))
    }
}

fn failed(doing: &str, said: &str) -> Error {
    let line: String = said.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    Error::invalid(format!("error {doing} credentials - err: exit status 1, out: `{line}`")).op(CLIENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A helper called `vault` that keeps one entry.
    #[derive(Default)]
    struct Vault {
        file: Option<String>,
        kept: Option<String>,
    }

    impl Keychain for Vault {
        fn read(&mut self) -> Result<Option<String>> {
            Ok(self.file.clone())
        }
        fn write(&mut self, text: &str) -> Result<()> {
            self.file = Some(text.to_owned());
            Ok(())
        }
        fn place(&self) -> String {
            "config.json".to_owned()
        }
        fn helper(&mut self, name: &str, action: &str, input: &str) -> Result<std::result::Result<String, String>> {
            assert_eq!(name, "vault");
            Ok(match action {
                "store" => {
                    self.kept = Some(input.to_owned());
                    Ok(String::new())
                }
                "get" => self.kept.clone().ok_or_else(|| "credentials not found in native keychain\n".to_owned()),
                _ => {
                    self.kept = None;
                    Ok(String::new())
                }
            })
        }
    }

    fn alice() -> Credentials {
        Credentials::Basic { username: "alice".to_owned(), password: Secret::new("a:b") }
    }

    #[test]
    fn what_is_stored_plainly_is_dockers_file() {
        let mut vault = Vault { file: Some(r#"{"HttpHeaders":{"X":"y"}}"#.to_owned()), ..Vault::default() };
        let mut config = Config::read(&mut vault).unwrap();
        assert_eq!(config.credentials("r.example:5000").unwrap(), Credentials::None);
        config.store("r.example:5000", "alice", &Secret::new("a:b")).unwrap();
        config.store("docker.io", "alice", &Secret::new("a:b")).unwrap();
        assert_eq!(config.credentials("r.example:5000").unwrap(), alice());
        let text = vault.file.clone().unwrap();
        assert!(text.contains("\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"YWxpY2U6YTpi\""), "{text}");
        assert!(text.contains("HttpHeaders"), "{text}");
        let mut config = Config::read(&mut vault).unwrap();
        assert_eq!(config.credentials("docker.io").unwrap(), alice());
        assert!(config.erase("docker.io").unwrap());
        assert!(!config.erase("docker.io").unwrap());
        assert_eq!(config.credentials("r.example:5000").unwrap(), alice());
    }

    #[test]
    fn what_other_clients_wrote_is_understood() {
        let mut vault =
            Vault { file: Some(r#"{"auths":{"https://r.example/v1/":{"identitytoken":"t"},"b":{"auth":"!"}}}"#.to_owned()), kept: None };
        let mut config = Config::read(&mut vault).unwrap();
        assert_eq!(config.credentials("r.example").unwrap(), Credentials::Identity(Secret::new("t")));
        assert!(config.credentials("b").unwrap_err().message().contains("config.json"));
        vault.file = Some("{nonsense".to_owned());
        assert!(Config::read(&mut vault).is_err());
    }

    #[test]
    fn a_helper_keeps_the_secret_out_of_the_file() {
        let mut vault = Vault { file: Some(r#"{"credHelpers":{"r.example":"vault"}}"#.to_owned()), kept: None };
        let mut config = Config::read(&mut vault).unwrap();
        assert_eq!(config.credentials("r.example").unwrap(), Credentials::None);
        assert_eq!(config.store("r.example", "alice", &Secret::new("a:b")).unwrap(), Stored::Helper);
        assert_eq!(config.credentials("r.example").unwrap(), alice());
        assert!(config.erase("r.example").unwrap());
        assert!(!vault.file.unwrap().contains("auth\""));
        assert!(vault.kept.is_none());
    }
}
