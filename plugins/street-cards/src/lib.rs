//! Street name-cards: streets and their service points.
//!
//! Collections, access and pages are declared in `plugin.toml`; here is only what has to be computed. It knows nothing of
//! tenants: whoever asks sees the service points that the declared access lets them see.

mod geo;
mod nearby_service_points;
mod walkable;
mod walking;

use sunlit_plugin_sdk::plugin;

use nearby_service_points::nearby_service_points;
use walkable::walkable;

plugin! {
    query walkable => walkable,
    computed street.nearby_service_points => nearby_service_points,
}
