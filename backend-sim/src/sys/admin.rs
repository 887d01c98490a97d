//! What an administrator does: links, addresses, routes, rules, mounts and namespaces, as system calls.

use super::*;

impl Sys {
    /// Links of this network namespace, by index.
    pub fn links(&self) -> Vec<LinkInfo> {
        Vec::new()
    }

    /// Addresses of this network namespace, by link.
    pub fn addresses(&self) -> Vec<AddressInfo> {
        Vec::new()
    }

    /// Routes of this network namespace, the default one first.
    pub fn routes(&self) -> Vec<RouteInfo> {
        Vec::new()
    }

    /// Neighbours of this network namespace.
    pub fn neighbours(&self) -> Vec<NeighbourInfo> {
        Vec::new()
    }

    /// Sockets of this network namespace.
    pub fn sockets(&self) -> Vec<SocketInfo> {
        Vec::new()
    }

    /// The packet filter's rules, a line each as `nft list ruleset` prints them.
    pub fn ruleset(&self) -> Res<Vec<String>> {
        Err(Errno::ENOSYS)
    }

    /// RTM_NEWLINK for a new link; needs CAP_NET_ADMIN, as all changes below do.
    pub fn add_link(&self, link: NewLink) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// RTM_NEWLINK for a link that is there.
    pub fn change_link(&self, name: &str, change: LinkChange) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// RTM_DELLINK
    pub fn delete_link(&self, name: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// RTM_NEWADDR
    pub fn add_address(&self, link: &str, address: IpNet) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// RTM_DELADDR
    pub fn delete_address(&self, link: &str, address: IpNet) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// RTM_NEWROUTE; without `via` and `link` there is no way to say where: EINVAL.
    pub fn add_route(&self, to: Option<IpNet>, via: Option<IpAddr>, link: Option<&str>) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// RTM_DELROUTE
    pub fn delete_route(&self, to: Option<IpNet>) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// mount(2). `data` as in `mount -o`: `lowerdir=/a:/b,upperdir=/u,workdir=/w`, `size=64m`.
    pub fn mount(&self, source: &str, target: &str, kind: &str, options: MountOptions, data: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// umount2(2); `lazy` is MNT_DETACH.
    pub fn umount(&self, target: &str, lazy: bool) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// unshare(2)
    pub fn unshare(&self, kinds: &[NamespaceKind]) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// setns(2): into these namespaces of another process.
    pub fn enter(&self, pid: Pid, kinds: &[NamespaceKind]) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// pivot_root(2)
    pub fn pivot_root(&self, new_root: &str, put_old: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }

    /// chroot(2)
    pub fn chroot(&self, path: &str) -> Res<()> {
        Err(Errno::ENOSYS)
    }
}
