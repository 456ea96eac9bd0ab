//! Measurements, printed as `name value unit`. Figures of one run stand side by side; the machine is noisy, so medians
//! and ratios are what counts.

pub mod graphql;
pub mod measure;
pub mod plugin;
pub mod start;
