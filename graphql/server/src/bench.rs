//! Measurements, printed as `name value unit`. Figures of one run stand side by side; the machine is noisy, so medians
//! and ratios are what counts.
//!
//! Start at [`plugin`], [`graphql`], [`engine`], `fairness`, `gate`, `life`, `mixed`, `tenants` or [`start`]; how time and memory are read is in `measure.rs`. What
//! cannot be measured is an error, never a missing line.

mod ask;
mod crowd;
pub mod engine;
pub(crate) mod fairness;
pub(crate) mod gate;
pub mod graphql;
mod hand_written;
pub(crate) mod life;
mod load;
mod measure;
pub(crate) mod mixed;
mod parts;
pub mod plugin;
mod probe;
mod records;
pub mod start;
mod streets;
pub(crate) mod tenants;
