//! Making a container: its record, its name, its writable root. Nothing runs.

use super::LocalEngine;
use super::events::Happening;
use super::local::active_key;
use crate::container::{ContainerConfig, ContainerRecord, ContainerState, Status, files, names};
use crate::error::{Error, Result};
use crate::id::ContainerId;
use crate::image::ImageRecord;
use crate::kernel::Signal;
use crate::store::{Change, StoreExt as _, Table, put};
use crate::time::Timestamp;
use std::time::Duration;

/// The PATH of an image that sets none (Docker's, Linux).
pub const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The key in [`Table::Meta`] of when the last container was made.
const LAST_CREATED: &str = "cursor/created";
/// How far ahead of the clock the last container may be dated.
const STOOD_STILL: Duration = Duration::from_secs(1);

impl LocalEngine {
    /// Makes a container. After an error nothing of it is left.
    pub(super) fn create_container(&self, config: &ContainerConfig) -> Result<ContainerId> {
        let image = self.find_image(&config.image)?;
        self.create_over(config, &image, &mut |_| Ok(()))
    }

    /// Makes a container of this image; `noted` hears its id before anything is made.
    pub(super) fn create_over(
        &self,
        config: &ContainerConfig,
        image: &ImageRecord,
        noted: &mut dyn FnMut(&ContainerId) -> Result<()>,
    ) -> Result<ContainerId> {
        let wanted = config.name.as_deref().map(names::check).transpose()?;
        let mut record = self.new_record(config, image)?;
        let id = record.id.clone();
        noted(&id)?;
        let _guard = self.lock_container(&id)?;
        self.enter(&mut record, wanted)?;
        let stacked = self.make_sources(&record, &config.mounts, &image.layers).and_then(|()| self.host.images.stack(&id, &image.layers));
        let made = stacked.and_then(|()| {
            self.change(&id, &[Happening::plain("create")], promise(config), &mut |record| {
                record.state.status = Status::Created;
                record.state.under_way = false;
                Ok(())
            })
        });
        if let Err(error) = made {
            let _ = self.delete(&record, true);
            return Err(error);
        }
        Ok(id)
    }

    /// The record of a container that is being made: until its root is stacked it is something to remove, should this process die.
    pub(super) fn new_record(&self, config: &ContainerConfig, image: &ImageRecord) -> Result<ContainerRecord> {
        self.check(config)?;
        let args = arguments(config, image)?;
        let theirs = &image.defaults.working_dir;
        if config.workdir.is_empty() && !theirs.is_empty() && !theirs.starts_with('/') {
            return Err(Error::invalid("Cwd must be an absolute path")
                .subject(theirs.as_str())
                .hint("the image's working directory is not"));
        }
        Ok(ContainerRecord {
            id: ContainerId::new(self.new_id()),
            name: String::new(),
            config: ContainerConfig {
                mounts: self.mounts_of(config, image)?,
                health: crate::container::health::merge(config.health.as_ref(), image.defaults.healthcheck.as_ref()),
                // The image's labels are the container's, where it has none of its own of the same name.
                labels: image.defaults.labels.clone().into_iter().chain(config.labels.clone()).collect(),
                ..config.clone()
            },
            image: image.id.clone(),
            args,
            env: environment(config, image),
            created: self.time(),
            state: ContainerState {
                status: Status::Removing,
                under_way: true,
                boot_id: self.kernel().facts().boot_id.clone(),
                ..ContainerState::default()
            },
            places: self.places_of(config)?,
            endpoints: Vec::new(),
            published: Vec::new(),
        })
    }

    /// Enters the record under its name, or under one that is made up and free.
    fn enter(&self, record: &mut ContainerRecord, wanted: Option<&str>) -> Result<()> {
        let id = record.id.clone();
        for attempt in 0.. {
            self.date(record)?;
            record.name = match wanted {
                Some(name) => name.to_owned(),
                None => {
                    let mut bytes = [0; 5];
                    // Chance is drawn as it is needed: the last bytes are for later tries only.
                    self.host.clock.random(if attempt < 4 { &mut bytes[..3] } else { &mut bytes });
                    names::made_up(bytes, attempt)
                }
            };
            let mut batch = vec![
                put(Table::Meta, LAST_CREATED, &record.created)?,
                Change::Expect(Table::Names, record.name.clone(), None),
                put(Table::Names, &record.name, &id)?,
                put(Table::Containers, id.as_str(), record)?,
                Change::Put(Table::Meta, active_key(&id), Vec::new()),
            ];
            batch.extend(self.begin_uses(record)?);
            if self.commit(&batch)? {
                return Ok(());
            }
            if let Some(holder) = self.store().load::<String>(Table::Names, &record.name)? {
                // A dead command's half-made container does not keep its name.
                let alive = match self.find_record(&ContainerId::new(holder.clone()))? {
                    Some(other) => self.settle(other)?.is_some(),
                    None => true,
                };
                if alive && wanted.is_some() {
                    return Err(names::taken(&record.name, &holder));
                }
            } else {
                for image in Self::images_of(record) {
                    if self.store().get(Table::Images, image.as_str())?.is_none() {
                        let name = if image == record.image { record.config.image.as_str() } else { image.as_str() };
                        return Err(super::images::no_such_image(name));
                    }
                }
            }
        }
        Ok(())
    }

    /// Dates a record later than every one before it, so that lists have one order even where the clock stood still.
    fn date(&self, record: &mut ContainerRecord) -> Result<()> {
        let last: Option<Timestamp> = self.store().load(Table::Meta, LAST_CREATED)?;
        let now = self.time();
        record.created = match last {
            // A clock that was set back by more is believed.
            Some(last) if last >= now && last.since(now) < STOOD_STILL => last.after(Duration::from_nanos(1)),
            _ => now,
        };
        Ok(())
    }

    /// Refuses what could never start, before anything is made.
    fn check(&self, config: &ContainerConfig) -> Result<()> {
        if config.auto_remove && config.restart != crate::container::RestartPolicy::No {
            return Err(Error::invalid("conflicting options: cannot specify both --restart and --rm"));
        }
        if let Some(health) = &config.health {
            health.check()?;
        }
        config.log.check()?;
        if !config.hostname.is_empty() {
            files::check_hostname(&config.hostname)?;
        }
        if let Some(bad) = config.dns.iter().find(|server| server.parse::<std::net::IpAddr>().is_err()) {
            return Err(Error::invalid(format!("IP address is not correctly formatted: {}", bad.escape_debug())));
        }
        config.dns_search.iter().try_for_each(|value| files::check_word("--dns-search", value))?;
        if !config.domainname.is_empty() {
            files::check_word("--domainname", &config.domainname)?;
        }
        if !matches!(config.runtime.as_str(), "" | "drydock") {
            return Err(Error::invalid(format!("Unknown runtime specified {}", config.runtime.escape_debug())));
        }
        if !(config.isolation.is_empty() || config.isolation.eq_ignore_ascii_case("default")) {
            return Err(Error::invalid(format!(
                "Invalid isolation: \"{}\" - linux only supports 'default'",
                config.isolation.escape_debug()
            )));
        }
        config.dns_options.iter().try_for_each(|value| files::check_word("--dns-option", value))?;
        self.host.planning.check(config)?;
        config.extra_hosts.iter().try_for_each(|text| files::extra_host(text).map(drop))?;
        if !config.stop_signal.is_empty() {
            Signal::parse(&config.stop_signal)?;
        }
        if !config.workdir.is_empty() && !config.workdir.starts_with('/') {
            return Err(Error::invalid(format!(
                "the working directory '{}' is invalid, it needs to be an absolute path",
                config.workdir.escape_debug()
            )));
        }
        self.check_joins(config)?;
        self.check_sources(config)?;
        if let Some(bad) = config.env.iter().find(|e| e.is_empty() || e.starts_with('=') || e.contains('\0')) {
            return Err(Error::invalid(format!("invalid environment variable: {}", bad.escape_debug())));
        }
        Ok(())
    }
}

/// What a batch carries that a person is told of. One that goes with its container's end need not be on the disk: a power cut is the end
/// of the container too, and a flush takes as long as all the rest of a `run --rm`.
pub(super) fn promise(config: &ContainerConfig) -> &'static [Change] {
    if config.auto_remove { &[] } else { &[Change::Flush] }
}

/// Program and arguments: the entry point, and after it the command, each the person's or else the image's. An entry point of the
/// person's own clears the image's command (Docker: "ENTRYPOINT", "overwriting").
fn arguments(config: &ContainerConfig, image: &ImageRecord) -> Result<Vec<String>> {
    let own_entry = config.entrypoint.as_ref();
    let entry = own_entry.or(image.defaults.entrypoint.as_ref()).cloned().unwrap_or_default();
    let command = match (config.command.is_empty(), own_entry) {
        (false, _) => config.command.clone(),
        (true, Some(_)) => Vec::new(),
        (true, None) => image.defaults.cmd.clone().unwrap_or_default(),
    };
    let args: Vec<String> = entry.into_iter().chain(command).collect();
    if args.first().is_none_or(String::is_empty) {
        return Err(Error::invalid("No command specified"));
    }
    if args.iter().any(|a| a.contains('\0')) {
        return Err(Error::invalid("an argument contains a NUL byte"));
    }
    Ok(args)
}

/// The environment: the image's, a PATH if that has none, then the person's; a later value of a name takes the place of an
/// earlier one, and a name without `=` takes it away when a program is started: until then it is kept, as Docker shows it.
fn environment(config: &ContainerConfig, image: &ImageRecord) -> Vec<String> {
    let name = |entry: &str| entry.split('=').next().unwrap_or(entry).to_owned();
    let mut all: Vec<String> = Vec::new();
    if !image.defaults.env.iter().chain(&config.env).any(|e| e.starts_with("PATH=")) {
        all.push(DEFAULT_PATH.to_owned());
    }
    for entry in image.defaults.env.iter().chain(&config.env) {
        let place = all.iter().position(|e| name(e) == name(entry));
        match place {
            Some(i) => all[i].clone_from(entry),
            None => all.push(entry.clone()),
        }
    }
    all
}
