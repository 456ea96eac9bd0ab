//! A whole Sunlit on a throw-away folder, for tests.
