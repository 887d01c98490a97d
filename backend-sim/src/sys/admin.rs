//! What an administrator does: links, addresses, routes, rules, mounts and namespaces, as system calls.

use super::*;
use crate::vfs::{Ctx, Loc, cap};

impl Sys {
    /// Links of this network namespace, by index.
    pub fn links(&self) -> Vec<LinkInfo> {
        self.with(|w| w.show_links(self.netns(w)))
    }

    /// Addresses of this network namespace, by link.
    pub fn addresses(&self) -> Vec<AddressInfo> {
        self.with(|w| w.show_addresses(self.netns(w)))
    }

    /// Routes of this network namespace, the default one first.
    pub fn routes(&self) -> Vec<RouteInfo> {
        self.with(|w| w.show_routes(self.netns(w)))
    }

    /// Neighbours of this network namespace.
    pub fn neighbours(&self) -> Vec<NeighbourInfo> {
        self.with(|w| w.show_neighbours(self.netns(w)))
    }

    /// Sockets of this network namespace.
    pub fn sockets(&self) -> Vec<SocketInfo> {
        self.with(|w| {
            let pid_ns = w.proc(self.pid).map_or(0, |p| p.ns.pid);
            w.show_sockets(self.netns(w), pid_ns)
        })
    }

    /// The packet filter's rules, a line each as `nft list ruleset` prints them. Other namespaces than the host's have none.
    pub fn ruleset(&self) -> Res<Vec<String>> {
        self.struck("ruleset")?;
        self.with(|w| {
            w.proc(self.pid)?.creds.need(cap::NET_ADMIN)?;
            Ok(if self.netns(w) == w.net.host { w.show_rules() } else { Vec::new() })
        })
    }

    /// RTM_NEWLINK for a new link; needs CAP_NET_ADMIN, as all changes below do.
    pub fn add_link(&self, link: NewLink) -> Res<()> {
        self.struck("add_link")?;
        self.net_admin(|w, ns| w.link_add(ns, &link).map(drop))
    }

    /// RTM_NEWLINK for a link that is there.
    pub fn change_link(&self, name: &str, change: LinkChange) -> Res<()> {
        self.struck("change_link")?;
        self.net_admin(|w, ns| {
            let link = w.net.space(ns)?.by_name(name).ok_or(Errno::ENODEV)?;
            let other = match &change {
                LinkChange::Namespace(pid) => {
                    let pid_ns = w.proc(self.pid)?.ns.pid;
                    let host = w.host_pid(pid_ns, *pid)?;
                    Some(w.proc(host)?.ns.net)
                }
                _ => None,
            };
            w.link_change((ns, link), &change, other)
        })
    }

    /// RTM_DELLINK
    pub fn delete_link(&self, name: &str) -> Res<()> {
        self.struck("delete_link")?;
        self.net_admin(|w, ns| {
            let link = w.net.space(ns)?.by_name(name).ok_or(Errno::ENODEV)?;
            if matches!(w.net.link((ns, link)).map(|l| l.kind), Some(crate::net::LinkKind::Loopback | crate::net::LinkKind::Ether(_))) {
                return Err(Errno::EOPNOTSUPP);
            }
            w.net.remove_link((ns, link));
            Ok(())
        })
    }

    /// RTM_NEWADDR
    pub fn add_address(&self, link: &str, address: IpNet) -> Res<()> {
        self.struck("add_address")?;
        self.net_admin(|w, ns| {
            let link = w.net.space(ns)?.by_name(link).ok_or(Errno::ENODEV)?;
            w.address_add((ns, link), address)
        })
    }

    /// RTM_DELADDR
    pub fn delete_address(&self, link: &str, address: IpNet) -> Res<()> {
        self.struck("delete_address")?;
        self.net_admin(|w, ns| {
            let link = w.net.space(ns)?.by_name(link).ok_or(Errno::ENODEV)?;
            w.address_delete((ns, link), address)
        })
    }

    /// RTM_NEWROUTE; without `via` and `link` there is no way to say where: EINVAL.
    pub fn add_route(&self, to: Option<IpNet>, via: Option<IpAddr>, link: Option<&str>) -> Res<()> {
        self.struck("add_route")?;
        self.net_admin(|w, ns| {
            let link = link.map(|l| w.net.space(ns)?.by_name(l).ok_or(Errno::ENODEV)).transpose()?;
            w.route_add(ns, to, via, link)
        })
    }

    /// RTM_DELROUTE
    pub fn delete_route(&self, to: Option<IpNet>) -> Res<()> {
        self.struck("delete_route")?;
        self.net_admin(|w, ns| w.route_delete(ns, to))
    }

    /// mount(2). `data` as in `mount -o`: `lowerdir=/a:/b,upperdir=/u,workdir=/w`, `size=64m`.
    pub fn mount(&self, source: &str, target: &str, kind: &str, options: MountOptions, data: &str) -> Res<()> {
        self.struck("mount")?;
        self.sys_admin(|w, ctx| {
            let at = w.walk(ctx, target, true)?;
            if let Some(propagation) = options.propagation {
                return w.set_propagation(at, propagation, options.recursive);
            }
            if options.remount {
                return w.remount(at, options.flags, options.bind);
            }
            if options.move_mount {
                return Err(Errno::EINVAL);
            }
            if options.bind {
                let from = w.walk(ctx, source, true)?;
                let flags = w.fs.mounts.get(&from.mount).map(|m| m.flags).unwrap_or_default();
                return w.bind(from, at, options.recursive, flags).map(drop);
            }
            let (system, root) = w.new_filesystem(ctx, kind, data)?;
            w.mount_at(at, system, root, options.flags, if source.is_empty() { "none" } else { source }).map(drop)
        })
    }

    /// umount2(2); `lazy` is MNT_DETACH.
    pub fn umount(&self, target: &str, lazy: bool) -> Res<()> {
        self.struck("umount")?;
        self.sys_admin(|w, ctx| {
            let at = w.walk(ctx, target, true)?;
            w.unmount(at, lazy)
        })
    }

    /// unshare(2). A new pid namespace is that of the children.
    pub fn unshare(&self, kinds: &[NamespaceKind]) -> Res<()> {
        self.struck("unshare")?;
        self.sys_admin(|w, _| kinds.iter().try_for_each(|kind| w.unshare_one(self.pid, *kind)))
    }

    /// setns(2): into these namespaces of another process.
    pub fn enter(&self, pid: Pid, kinds: &[NamespaceKind]) -> Res<()> {
        self.struck("enter")?;
        self.sys_admin(|w, ctx| {
            let ns = w.proc(self.pid)?.ns.pid;
            let other = w.host_pid(ns, pid)?;
            w.may_look(ctx, w.proc(other)?)?;
            kinds.iter().try_for_each(|kind| w.enter_one(self.pid, *kind, other))
        })
    }

    /// pivot_root(2)
    pub fn pivot_root(&self, new_root: &str, put_old: &str) -> Res<()> {
        self.struck("pivot_root")?;
        self.sys_admin(|w, ctx| {
            let new = w.walk(ctx, new_root, true)?;
            let old = w.walk(ctx, put_old, true)?;
            let ns = w.proc(self.pid)?.ns.mount;
            w.pivot(self.pid, ns, ctx.root, new, if old == new { None } else { Some(old) })
        })
    }

    /// chroot(2)
    pub fn chroot(&self, path: &str) -> Res<()> {
        self.struck("chroot")?;
        let to = self.at("chroot", path, true, |w, ctx, at| {
            ctx.creds.need(cap::SYS_CHROOT)?;
            if w.kind(at.node)? != FileType::Directory {
                return Err(Errno::ENOTDIR);
            }
            Ok(at)
        })?;
        self.with(|w| w.proc_mut(self.pid).map(|p| p.root = to))
    }

    fn netns(&self, w: &World) -> u32 {
        w.proc(self.pid).map_or(0, |p| p.ns.net)
    }

    fn net_admin<T>(&self, call: impl FnOnce(&mut World, u32) -> Res<T>) -> Res<T> {
        self.with(|w| {
            let p = w.proc(self.pid)?;
            p.creds.need(cap::NET_ADMIN)?;
            let ns = p.ns.net;
            call(w, ns)
        })
    }

    fn sys_admin<T>(&self, call: impl FnOnce(&mut World, &Ctx) -> Res<T>) -> Res<T> {
        self.with(|w| {
            let ctx = w.ctx(self.pid)?;
            ctx.creds.need(cap::SYS_ADMIN)?;
            call(w, &ctx)
        })
    }
}

impl World {
    /// Changes how mounts on a place spread.
    pub fn set_propagation(&mut self, at: Loc, propagation: Propagation, recursive: bool) -> Res<()> {
        let ids = if recursive { self.fs.subtree(at.mount) } else { vec![at.mount] };
        if self.fs.mounts.get(&at.mount).is_none_or(|m| m.root != at.node) {
            return Err(Errno::EINVAL);
        }
        for id in ids {
            if propagation == Propagation::Shared {
                self.fs.next_group += 1;
            }
            let group = self.fs.next_group;
            if let Some(m) = self.fs.mounts.get_mut(&id) {
                if propagation == Propagation::Shared && m.propagation != Propagation::Shared {
                    m.group = group;
                }
                m.propagation = propagation;
            }
        }
        Ok(())
    }

    /// MS_REMOUNT: other flags for a mount; without MS_BIND the whole file system becomes read-only or not.
    pub fn remount(&mut self, at: Loc, flags: drydock_core::kernel::MountFlags, bind: bool) -> Res<()> {
        let m = self.fs.mounts.get_mut(&at.mount).ok_or(Errno::EINVAL)?;
        if m.root != at.node {
            return Err(Errno::EINVAL);
        }
        m.flags = flags;
        let system = m.system;
        if !bind && let Some(fs) = self.fs.systems.get_mut(&system) {
            fs.read_only = flags.read_only;
        }
        Ok(())
    }

    /// A process gets a namespace of its own.
    pub fn unshare_one(&mut self, pid: u32, kind: NamespaceKind) -> Res<()> {
        let p = self.proc(pid)?;
        let (old, group) = (p.ns.get(kind), p.cgroup);
        if kind == NamespaceKind::User {
            self.not_modelled.get_or_insert("user namespaces".to_owned());
            return Err(Errno::EINVAL);
        }
        if kind == NamespaceKind::Pid {
            let old = p.ns_children;
            let new = self.new_ns(kind, old, group);
            self.proc_mut(pid)?.ns_children = new;
            return Ok(());
        }
        let new = self.new_ns(kind, old, group);
        self.hold_ns(new);
        if kind == NamespaceKind::Mount {
            let copies = self.copy_mounts(old, new);
            let p = self.proc_mut(pid)?;
            for place in [&mut p.root, &mut p.cwd] {
                place.mount = copies.get(&place.mount).copied().unwrap_or(place.mount);
            }
        }
        *self.proc_mut(pid)?.ns.get_mut(kind) = new;
        self.leave_ns(kind, old);
        Ok(())
    }

    /// A process enters a namespace of another one; with a mount namespace it gets that one's root.
    pub fn enter_one(&mut self, pid: u32, kind: NamespaceKind, other: u32) -> Res<()> {
        let target = self.proc(other)?;
        if !target.alive() {
            return Err(Errno::ESRCH);
        }
        let (new, root) = (target.ns.get(kind), target.root);
        if kind == NamespaceKind::Pid {
            self.proc_mut(pid)?.ns_children = new;
            return Ok(());
        }
        let p = self.proc_mut(pid)?;
        let old = p.ns.get(kind);
        if old == new {
            return Ok(());
        }
        *p.ns.get_mut(kind) = new;
        if kind == NamespaceKind::Mount {
            (p.root, p.cwd) = (root, root);
        }
        self.hold_ns(new);
        self.leave_ns(kind, old);
        Ok(())
    }
}
