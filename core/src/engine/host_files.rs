//! The files that are bound on a container's /etc/hosts, /etc/hostname and /etc/resolv.conf.

use super::LocalEngine;
use crate::container::{ContainerRecord, NetworkMode, files};
use crate::error::{ErrorKind, Result};
use crate::kernel::Step;
use crate::network::Endpoint;
use std::net::IpAddr;

impl LocalEngine {
    /// Writes all three, for a container that is about to start.
    pub(super) fn write_files(&self, record: &ContainerRecord) -> Result<()> {
        let layout = self.layout();
        let name = self.hostname_of(record)?;
        let endpoints = match &record.config.network {
            NetworkMode::Container(other) => self.settled(other)?.endpoints,
            _ => record.endpoints.clone(),
        };
        let addresses: Vec<IpAddr> = endpoints.iter().flat_map(Endpoint::addresses).collect();
        let mut extra = record.config.extra_hosts.iter().map(|text| files::extra_host(text)).collect::<Result<Vec<_>>>()?;
        extra.extend(self.linked_hosts(record)?);
        let hosts = files::hosts(&name, &record.config.domainname, &addresses, &extra);
        let resolv = self.resolv_conf(record, &endpoints)?;
        let files = [
            (layout.hosts(&record.id), hosts),
            (layout.hostname(&record.id), files::hostname(&name)),
            (layout.resolv_conf(&record.id), resolv),
        ];
        for (path, content) in files {
            self.kernel().perform(&Step::WriteFile { path, mode: 0o644, content }, None)?;
        }
        Ok(())
    }

    /// The host's own resolv.conf; none is an empty one.
    pub(super) fn resolv_conf_of_host(&self) -> Result<String> {
        match self.kernel().read("/etc/resolv.conf", 0, 64 << 10) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(e) => Err(e),
        }
    }

    fn resolv_conf(&self, record: &ContainerRecord, endpoints: &[Endpoint]) -> Result<String> {
        let of_host = self.resolv_conf_of_host()?;
        let config = &record.config;
        let nothing_asked = config.dns.is_empty() && config.dns_search.is_empty() && config.dns_options.is_empty();
        if config.network == NetworkMode::Host && nothing_asked {
            return Ok(of_host);
        }
        for endpoint in endpoints {
            if self.network(endpoint.network.as_str())?.has_names() {
                return Ok(files::resolv_conf_embedded(&of_host, &config.dns_search, &config.dns_options));
            }
        }
        Ok(files::resolv_conf(&of_host, &config.dns, &config.dns_search, &config.dns_options))
    }

    /// Puts a container that runs on one more network into its files, or takes it out: lines of its own addresses, and which name
    /// server it asks. What a program of the container wrote into them stays.
    pub(super) fn revise_files(&self, record: &ContainerRecord, joined: &[IpAddr], left: &[IpAddr]) -> Result<()> {
        let layout = self.layout();
        let path = layout.hosts(&record.id);
        let text = String::from_utf8_lossy(&self.kernel().read(&path, 0, 1 << 20)?).into_owned();
        let content = files::revise_hosts(&text, &self.hostname_of(record)?, &record.config.domainname, joined, left);
        self.kernel().perform(&Step::RewriteFile { path, content }, None)?;
        let path = layout.resolv_conf(&record.id);
        let content = self.resolv_conf(record, &record.endpoints)?;
        let text = self.kernel().read(&path, 0, 1 << 20)?;
        let embedded = |bytes: &[u8]| bytes.windows(10).any(|w| w == b"127.0.0.11");
        if embedded(&text) == embedded(content.as_bytes()) {
            return Ok(());
        }
        self.kernel().perform(&Step::RewriteFile { path, content }, None)
    }
}
