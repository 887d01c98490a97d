//! A program that keeps its work in containers, as its author wrote it for Docker: it finds the engine by `DOCKER_HOST`.

// ANCHOR: program
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{LogsOptionsBuilder, RemoveContainerOptionsBuilder};
use futures_util::TryStreamExt as _;

/// Asks in a container that takes an hour, and tidies up.
///
/// # Errors
/// What Docker refuses, and a question that ends badly.
pub async fn answer_of(docker: &Docker, question: &str) -> Result<String, Error> {
    let asked = ContainerCreateBody {
        image: Some("busybox".to_owned()),
        cmd: Some(["sh", "-c", &format!("sleep 3600; echo {question}: 42")].map(str::to_owned).to_vec()),
        host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
        ..ContainerCreateBody::default()
    };
    let id = docker.create_container(None, asked).await?.id;
    let said = async {
        docker.start_container(&id, None).await?;
        docker.wait_container(&id, None).try_collect::<Vec<_>>().await?;
        let lines = docker.logs(&id, Some(LogsOptionsBuilder::new().stdout(true).build()));
        lines.try_fold(String::new(), |all, line| async move { Ok(all + &line.to_string()) }).await
    };
    let said = said.await;
    docker.remove_container(&id, Some(RemoveContainerOptionsBuilder::new().force(true).build())).await?;
    said
}
// ANCHOR_END: program
