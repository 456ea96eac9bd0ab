//! Hostile components, manifests and requests against the real host.
