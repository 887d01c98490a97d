//! Short words for options that are structures.

use drydock_core::container::{ContainerConfig, DeviceRequest, MountKind, MountRequest, NetworkMode};
use drydock_core::kernel::Protocol;
use drydock_core::network::PortRequest;

fn mount(kind: MountKind, source: &str, target: &str) -> MountRequest {
    MountRequest {
        kind,
        source: source.to_owned(),
        target: target.to_owned(),
        read_only: false,
        create_source: kind == MountKind::Bind,
        propagation: String::new(),
        size: None,
        mode: None,
        options: Vec::new(),
    }
}

/// `--tmpfs TARGET`
pub fn tmpfs(target: &str) -> MountRequest {
    mount(MountKind::Tmpfs, "", target)
}

/// `-v NAME:TARGET`, or `-v TARGET` without a name
pub fn volume(name: &str, target: &str) -> MountRequest {
    mount(MountKind::Volume, name, target)
}

/// `--device HOST:CONTAINER:ACCESS`
pub fn device(host: &str, container: &str, access: &str) -> DeviceRequest {
    DeviceRequest { host: host.to_owned(), container: container.to_owned(), access: access.to_owned() }
}

/// `-v SOURCE:TARGET`
pub fn bind(source: &str, target: &str) -> MountRequest {
    mount(MountKind::Bind, source, target)
}

/// `-v SOURCE:TARGET:ro`
pub fn bind_read_only(source: &str, target: &str) -> MountRequest {
    MountRequest { read_only: true, ..bind(source, target) }
}

/// `-p [IP:]HOST:CONTAINER`
pub fn port(host_ip: Option<&str>, host: u16, container: u16) -> PortRequest {
    let host_ip = host_ip.and_then(|ip| ip.parse().ok());
    PortRequest { protocol: Protocol::Tcp, host_ip, host_ports: Some((host, host)), container_port: container }
}

/// `--network bridge`
pub fn bridge(config: &mut ContainerConfig) {
    config.network = NetworkMode::default();
}
