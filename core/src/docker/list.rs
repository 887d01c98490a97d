//! Entries of the lists of containers and images.

use super::container::{mounted, networks};
use super::host_config::network_mode;
use super::status;
use crate::container::layout::Layout;
use crate::engine::{ContainerSummary, ImageSummary};
use crate::kernel::Facts;
use crate::network::ports::protocol_name;
use crate::time::Timestamp;
use serde_json::{Value, json};

/// The words of a command, those with blanks in quotes, as dockerd joins them. The program's own name is never quoted.
pub fn command_line(args: &[String]) -> String {
    let quote = |(i, word): (usize, &String)| if i > 0 && word.contains(' ') { format!("'{word}'") } else { word.clone() };
    args.iter().enumerate().map(quote).collect::<Vec<_>>().join(" ")
}

fn seconds(time: Timestamp) -> u64 {
    time.0 / 1_000_000_000
}

/// One entry of `GET /containers/json`.
pub fn listed_container(c: &ContainerSummary, facts: &Facts, now: Timestamp) -> Value {
    let layout = Layout::of(facts);
    let mut ports: Vec<Value> = c
        .published
        .iter()
        .map(|p| {
            json!({
                "IP": p.host_ip.to_string(),
                "PrivatePort": p.container_port,
                "PublicPort": p.host_port,
                "Type": protocol_name(p.protocol),
            })
        })
        .collect();
    for spec in c.open() {
        let (number, protocol) = spec.split_once('/').unwrap_or((spec, "tcp"));
        let Ok(number) = number.parse::<u16>() else { continue };
        if !c.published.iter().any(|p| p.container_port == number && protocol_name(p.protocol) == protocol) {
            ports.push(json!({ "PrivatePort": number, "Type": protocol }));
        }
    }
    let mut object = json!({
        "Id": c.id.as_str(),
        "Names": [format!("/{}", c.name)],
        "Image": c.image,
        "ImageID": c.image_id.as_str(),
        "Command": command_line(&c.args),
        "Created": seconds(c.created),
        "Ports": ports,
    });
    if let Value::Object(fields) = &mut object {
        if let Some(sizes) = c.sizes {
            // What is zero is left out, as in every list of Docker's.
            for (name, bytes) in [("SizeRw", sizes.writable), ("SizeRootFs", sizes.root)] {
                if bytes > 0 {
                    fields.insert(name.to_owned(), bytes.into());
                }
            }
        }
        fields.insert("Labels".to_owned(), json!(c.labels));
        fields.insert("State".to_owned(), status::word(c.status).into());
        fields.insert("Status".to_owned(), status::sentence(c, now).into());
        fields.insert("HostConfig".to_owned(), json!({ "NetworkMode": network_mode(&c.network) }));
        fields.insert(
            "NetworkSettings".to_owned(),
            json!({ "Networks": networks(&c.network, &c.places, &c.endpoints, &c.id, &|_| Value::Null) }),
        );
        fields.insert("Mounts".to_owned(), c.points.iter().map(|m| mounted(m, &layout)).collect());
    }
    object
}

/// One entry of `GET /images/json`. `shared` is what it shares with other images in bytes and `containers` how many are made from it;
/// -1 says that nobody looked.
pub fn listed_image(image: &ImageSummary, shared: i64, containers: i64) -> Value {
    json!({
        "Containers": containers,
        "Created": seconds(image.created),
        "Id": image.id.as_str(),
        "Labels": if image.labels.is_empty() { Value::Null } else { json!(image.labels) },
        "ParentId": image.parent.as_ref().map_or("", |p| p.as_str()),
        "RepoDigests": image.digests,
        "RepoTags": image.tags,
        "SharedSize": shared,
        "Size": image.size,
    })
}
