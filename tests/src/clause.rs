//! A clause: one sentence of the law, and the function that checks it.

use crate::outcome::Checked;
use crate::world::World;
use drydock_core::host::Capability;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a clause is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Processes, their life, streams and surroundings.
    Container,
    /// Images, layers and root file systems.
    Image,
    /// Images made from Dockerfiles.
    Build,
    /// Links, addresses, names and published ports.
    Network,
    /// How much containers may use.
    Limits,
    /// Pulling, pushing, logging in and searching.
    Registry,
    /// Attacks that once worked on some engine.
    Security,
}

impl Area {
    /// Every area, in the order of reports.
    pub const ALL: [Area; 7] = [Area::Container, Area::Image, Area::Build, Area::Network, Area::Limits, Area::Registry, Area::Security];

    /// What ids of this area start with.
    pub fn prefix(self) -> &'static str {
        match self {
            Area::Container => "CTR-",
            Area::Image => "IMG-",
            Area::Build => "BLD-",
            Area::Network => "NET-",
            Area::Limits => "LIM-",
            Area::Registry => "REG-",
            Area::Security => "SEC-",
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Area::Container => "container",
            Area::Image => "image",
            Area::Build => "build",
            Area::Network => "network",
            Area::Limits => "limits",
            Area::Registry => "registry",
            Area::Security => "security",
        })
    }
}

/// How binding a clause is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// An engine that breaks it does not conform.
    Must,
    /// There may be reasons to break it.
    Should,
}

/// The engine on which clauses about Docker's behaviour were seen to hold before they came in.
pub const ORACLE: &str = "dockerd 20.10.24";

/// One sentence of the law.
#[derive(Clone, Copy)]
pub struct Clause {
    /// Stable: area, topic, number. Never used again for anything else.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// The law, in one sentence.
    pub sentence: &'static str,
    /// Where it stands: a specification, the Docker reference or a manual page, with the section.
    pub cites: &'static str,
    /// What the target must be able to do; what it does not declare it must refuse.
    pub needs: &'static [Capability],
    /// Where it was seen to hold, for clauses about Docker's behaviour.
    pub seen: Option<&'static str>,
    /// The check.
    pub check: fn(&mut World<'_>) -> Checked,
}

impl Clause {
    /// A clause of a specification or of Drydock's own.
    pub const fn law(id: &'static str, sentence: &'static str, cites: &'static str, check: fn(&mut World<'_>) -> Checked) -> Self {
        Self { id, level: Level::Must, sentence, cites, needs: &[], seen: None, check }
    }

    /// A clause about Docker's behaviour, seen to hold on [`ORACLE`].
    pub const fn docker(id: &'static str, sentence: &'static str, cites: &'static str, check: fn(&mut World<'_>) -> Checked) -> Self {
        Self { id, level: Level::Must, sentence, cites, needs: &[], seen: Some(ORACLE), check }
    }

    /// Says what the target must be able to do.
    #[must_use]
    pub const fn needs(mut self, needs: &'static [Capability]) -> Self {
        self.needs = needs;
        self
    }

    /// Makes it a recommendation.
    #[must_use]
    pub const fn should(mut self) -> Self {
        self.level = Level::Should;
        self
    }

    /// What it is about, as its id says.
    pub fn area(&self) -> Area {
        Area::ALL.into_iter().find(|a| self.id.starts_with(a.prefix())).unwrap_or(Area::Container)
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}
