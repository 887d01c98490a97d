//! Capabilities: five sets, of which none is ever left as it was found (capabilities(7)).

use crate::error::step;
use drydock_core::error::{Error, Result};
use oci_spec::runtime::{Capabilities, LinuxCapabilities};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, configure_capability_in_ambient_set, remove_capability_from_bounding_set,
    set_capabilities,
};

/// The set of a list; one that is absent is empty, never "as it is" (CVE-2022-29162).
fn set(list: Option<&Capabilities>, bounding: u64) -> Result<CapabilitySet> {
    let mut set = CapabilitySet::empty();
    for capability in list.into_iter().flatten() {
        let name = capability.to_string();
        let known = CapabilitySet::from_name(&name).ok_or_else(|| Error::invalid(format!("unknown capability CAP_{name}")))?;
        set |= known;
    }
    Ok(set & CapabilitySet::from_bits_retain(bounding))
}

/// Drops from the bounding set what is not listed. `have` is what this process's bounding set holds.
pub fn bound(sets: &LinuxCapabilities, have: u64) -> Result<()> {
    let keep = set(sets.bounding().as_ref(), have)?;
    for bit in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        if have & one.bits() != 0 && !keep.contains(one) {
            remove_capability_from_bounding_set(one).map_err(|e| step("prctl(PR_CAPBSET_DROP)", bit.to_string(), e))?;
        }
    }
    Ok(())
}

/// Puts the other four sets in force. Only what the bounding set allows can be had.
pub fn put_in_force(sets: &LinuxCapabilities, have: u64) -> Result<()> {
    let wrong = |call: &'static str| move |e| step(call, "", e);
    clear_ambient_capability_set().map_err(wrong("prctl(PR_CAP_AMBIENT_CLEAR_ALL)"))?;
    let permitted = set(sets.permitted().as_ref(), have)?;
    // What the bounding set has lost can no longer be made inheritable, and asking for it would fail (capset(2)).
    let inheritable = set(sets.inheritable().as_ref(), have)? & set(sets.bounding().as_ref(), have)?;
    let effective = set(sets.effective().as_ref(), have)? & permitted;
    set_capabilities(None, CapabilitySets { effective, permitted, inheritable }).map_err(wrong("capset"))?;
    // The kernel takes into the ambient set only what is both permitted and inheritable.
    for one in (set(sets.ambient().as_ref(), have)? & permitted & inheritable).iter() {
        configure_capability_in_ambient_set(one, true).map_err(wrong("prctl(PR_CAP_AMBIENT_RAISE)"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::runtime::Capability;

    #[test]
    fn every_capability_of_the_specification_has_its_bit() {
        let list: Capabilities = [Capability::Chown, Capability::SysAdmin, Capability::CheckpointRestore].into_iter().collect();
        assert_eq!(set(Some(&list), u64::MAX).unwrap().bits(), 1 | 1 << 21 | 1 << 40);
        assert_eq!(set(Some(&list), 1).unwrap().bits(), 1);
        assert_eq!(set(None, u64::MAX).unwrap().bits(), 0);
    }
}
