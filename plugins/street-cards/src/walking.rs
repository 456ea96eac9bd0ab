//! How far a walk goes.

use sunlit_plugin_sdk::{Decimal, Error, Host};

/// The tenant's walking speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Walking {
    metres_per_minute: f64,
}

impl Walking {
    /// Reads the setting `walking_speed`, in km/h.
    pub(crate) fn of(host: &Host) -> Result<Self, Error> {
        let speed: Decimal = host.settings().get("walking_speed")?;
        if speed.unscaled <= 0 {
            return Err(Error::invalid("the setting walking_speed must be above zero"));
        }
        Ok(Self { metres_per_minute: speed.to_f64() * 1_000.0 / 60.0 })
    }

    /// How many metres so many minutes go.
    pub(crate) fn metres_in(self, minutes: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "the manifest bounds minutes to some hours")]
        let minutes = minutes as f64;
        self.metres_per_minute * minutes
    }

    /// How many minutes so many metres take.
    pub(crate) fn minutes_for(self, metres: f64) -> f64 {
        metres / self.metres_per_minute
    }
}
