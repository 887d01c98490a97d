//! testcontainers against the engine at `DOCKER_HOST`: what a suite does with a service that it starts for itself.

use std::time::Duration;
use testcontainers::core::{CmdWaitFor, ExecCommand, IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};
use tokio::io::AsyncReadExt as _;

/// A service that says when it is ready, and answers who connects.
fn service() -> GenericImage {
    GenericImage::new("busybox", "latest").with_exposed_port(80.tcp()).with_wait_for(WaitFor::message_on_stdout("ready"))
}

#[tokio::test]
async fn a_service_is_there_when_it_says_so() {
    let answering = "echo ready; while true; do echo hello | nc -l -p 80; done";
    let service = service().with_cmd(["sh", "-c", answering]).with_env_var("WHO", "me").start().await.unwrap();
    assert!(service.is_running().await.unwrap());
    assert_eq!(service.stdout_to_vec().await.unwrap(), b"ready\n");
    let port = service.get_host_port_ipv4(80).await.unwrap();
    assert_ne!(port, 0);
    // Ports of a simulated host are its own; those of this machine can be connected to.
    if std::env::var_os("PORTS_ARE_REAL").is_some() {
        let mut said = String::new();
        for _ in 0..100 {
            // The program inside listens anew for each client.
            if let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await
                && stream.read_to_string(&mut said).await.is_ok_and(|read| read > 0)
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(said, "hello\n");
    }
    let mut done =
        service.exec(ExecCommand::new(["sh", "-c", "echo $WHO; exit 0"]).with_cmd_ready_condition(CmdWaitFor::exit_code(0))).await.unwrap();
    assert_eq!(done.stdout_to_vec().await.unwrap(), b"me\n");
    service.pause().await.unwrap();
    service.unpause().await.unwrap();
    service.stop_with_timeout(Some(0)).await.unwrap();
    assert!(!service.is_running().await.unwrap());
    service.rm().await.unwrap();
}

#[tokio::test]
async fn files_are_there_before_the_program_is() {
    let service = service()
        .with_copy_to("/settings", b"ready".to_vec())
        .with_cmd(["sh", "-c", "cat /settings; echo; sleep 1000000"])
        .with_container_name("testcontainers-files")
        .with_startup_timeout(Duration::from_secs(30))
        .start()
        .await
        .unwrap();
    let mut back = Vec::new();
    service.copy_file_from("/settings", &mut back).await.unwrap();
    assert_eq!(back, b"ready");
    service.rm().await.unwrap();
}

#[tokio::test]
async fn what_ends_before_it_is_ready_is_an_error() {
    let refused = service().with_cmd(["sh", "-c", "echo broken >&2; exit 9"]).with_network("none").start().await;
    assert!(refused.is_err(), "a service that is gone is none");
}
