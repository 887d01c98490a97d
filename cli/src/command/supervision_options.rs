//! What `run` and `create` say about health checks and about where output is kept.

use crate::failure::Failure;
use crate::flags::integer;
use clap::Args;
use drydock_core::Error;
use drydock_core::container::health::{Healthcheck, OnFailure};
use drydock_core::container::log::LogConfig;
use drydock_core::limits::units;

fn duration(text: &str) -> std::result::Result<i64, String> {
    units::parse_duration(text).map_err(|e| e.to_string())
}

/// The options.
#[derive(Args, Debug, Clone)]
pub(crate) struct SupervisionArgs {
    /// Command to run to check health
    #[arg(long, value_name = "string")]
    health_cmd: Option<String>,
    /// Time between running the check (ms|s|m|h) (default 0s)
    #[arg(long, value_name = "duration", value_parser = duration)]
    health_interval: Option<i64>,
    /// What to do once the container is unhealthy ("none", "kill", "restart", "stop")
    #[arg(long, value_name = "string")]
    health_on_failure: Option<String>,
    /// Consecutive failures needed to report unhealthy
    #[arg(long, value_name = "int", value_parser = integer)]
    health_retries: Option<i64>,
    /// Time between running the check during the start period (ms|s|m|h) (default 0s)
    #[arg(long, value_name = "duration", value_parser = duration)]
    health_start_interval: Option<i64>,
    /// Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)
    #[arg(long, value_name = "duration", value_parser = duration)]
    health_start_period: Option<i64>,
    /// Maximum time to allow one check to run (ms|s|m|h) (default 0s)
    #[arg(long, value_name = "duration", value_parser = duration)]
    health_timeout: Option<i64>,
    /// Logging driver for the container
    #[arg(long, value_name = "string")]
    log_driver: Option<String>,
    /// Log driver options
    #[arg(long, value_name = "list")]
    log_opt: Vec<String>,
    /// Disable any container-specified HEALTHCHECK
    #[arg(long)]
    no_healthcheck: bool,
}

impl SupervisionArgs {
    /// How health is checked; `None` for the image's way.
    pub fn healthcheck(&self) -> std::result::Result<Option<Healthcheck>, Failure> {
        let command = self.health_cmd.as_ref().filter(|c| !c.is_empty());
        let numbers = [
            ("interval", self.health_interval),
            ("timeout", self.health_timeout),
            ("retries", self.health_retries),
            ("start-period", self.health_start_period),
            ("start-interval", self.health_start_interval),
        ];
        let given = command.is_some() || numbers.iter().any(|(_, n)| n.is_some_and(|n| n != 0));
        if self.no_healthcheck {
            if given {
                return Err(Error::invalid("--no-healthcheck conflicts with --health-* options").into());
            }
            return Ok(Some(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() }));
        }
        if !given {
            return Ok(None);
        }
        if let Some((name, _)) = numbers.iter().find(|(_, n)| n.is_some_and(|n| n < 0)) {
            return Err(Error::invalid(format!("--health-{name} cannot be negative")).into());
        }
        Ok(Some(Healthcheck {
            test: command.map(|c| vec!["CMD-SHELL".to_owned(), c.clone()]).unwrap_or_default(),
            interval: self.health_interval.unwrap_or(0),
            timeout: self.health_timeout.unwrap_or(0),
            start_period: self.health_start_period.unwrap_or(0),
            start_interval: self.health_start_interval.unwrap_or(0),
            retries: self.health_retries.unwrap_or(0),
        }))
    }

    /// What is done once it is unhealthy.
    pub fn on_unhealthy(&self) -> drydock_core::Result<OnFailure> {
        OnFailure::parse(self.health_on_failure.as_deref().unwrap_or_default())
    }

    /// Where output is kept.
    pub fn log(&self) -> drydock_core::Result<LogConfig> {
        let pair = |text: &String| text.split_once('=').map_or((text.clone(), String::new()), |(k, v)| (k.to_owned(), v.to_owned()));
        let log = LogConfig { driver: self.log_driver.clone().unwrap_or_default(), options: self.log_opt.iter().map(pair).collect() };
        log.check().map(|()| log)
    }
}
