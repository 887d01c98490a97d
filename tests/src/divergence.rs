//! The divergence register: clauses that are known to fail on a target, and must.

use serde::Deserialize;

/// One known failure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divergence {
    /// The clause's id.
    #[serde(default)]
    pub clause: String,
    /// Ids of further clauses that fail for the same reason.
    #[serde(default)]
    pub clauses: Vec<String>,
    /// The target's name.
    pub target: String,
    /// The start of the kernel's release; every kernel without it.
    pub kernel: Option<String>,
    /// What is different, and why it stays so.
    pub reason: String,
    /// The day it was written down.
    pub since: String,
    /// Whether it holds now and then: what fails only in some runs may also pass.
    #[serde(default)]
    pub sometimes: bool,
}

impl Divergence {
    /// The clauses that it is about.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.clause.as_str()).filter(|c| !c.is_empty()).chain(self.clauses.iter().map(String::as_str))
    }

    fn names(&self, clause: &str) -> bool {
        self.ids().any(|c| c == clause)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    #[serde(default)]
    divergence: Vec<Divergence>,
}

/// The register in the source tree.
const REGISTER: &str = include_str!("../divergences.toml");

/// Every entry, or what is wrong with the file.
pub fn register() -> Result<Vec<Divergence>, String> {
    parse(REGISTER)
}

fn parse(text: &str) -> Result<Vec<Divergence>, String> {
    toml::from_str::<Register>(text).map(|r| r.divergence).map_err(|e| format!("divergences.toml: {e}"))
}

/// The entry for a clause on a target with this kernel. What is known of Drydock's own API is so on either host.
pub fn find<'a>(register: &'a [Divergence], clause: &str, target: &str, kernel: &str) -> Option<&'a Divergence> {
    let own = |name: &str| name == target || target == "served-sim" && name == "served";
    register.iter().find(|d| d.names(clause) && own(&d.target) && d.kernel.as_deref().is_none_or(|k| kernel.starts_with(k)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_clause_target_and_kernel() {
        let text = "[[divergence]]\nclause = \"CTR-X-1\"\ntarget = \"linux\"\nkernel = \"6.1.\"\nreason = \"r\"\nsince = \"2026-11-21\"\n";
        let register = parse(text).unwrap();
        assert!(find(&register, "CTR-X-1", "linux", "6.1.0-9").is_some());
        assert!(find(&register, "CTR-X-1", "linux", "6.18.0").is_none());
        assert!(find(&register, "CTR-X-1", "sim", "6.1.0").is_none());
        assert!(parse("[[divergence]]\nclause = \"CTR-X-1\"\n").is_err(), "an entry without a reason is refused");
    }
}
